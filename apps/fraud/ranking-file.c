#include "ranking-file.h"

#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/grow.h>

#include "csv.h"

#define FILE_BYTES_MAX ((size_t)16 << 30)
#define LINES_MAX      50000000u

void ranking_file_clear(struct ranking_file *r)
{
    free(r->list);
    *r = (struct ranking_file){.list = NULL};
}

struct columns {
    int customer, score;
};

static int find(const struct sg_bytes *field, size_t n, const char *name)
{
    for (int i = 0; i < (int)n; i++)
        if (csv_is(field[i], name))
            return i;
    return -1;
}

/* A ' stands before a name that a spreadsheet would run (ranking_write). */
static struct sg_bytes bare(struct sg_bytes id)
{
    return id.len > 1 && id.data[0] == '\'' && strchr("=+-@", id.data[1])
               ? SG_BYTES(id.data + 1, id.len - 1)
               : id;
}

static int refuse(char *why, uint32_t line, int column, const char *what)
{
    snprintf(why, RANKING_FILE_WHY_MAX, "line %u, column %d: %s", line, column + 1, what);
    return RANKING_FILE_BAD;
}

static int take_line(struct ranking_file *f, const struct columns *c, uint32_t line,
                     const struct sg_bytes *field, size_t n, char *why)
{
    const struct sg_bytes id = bare(csv_at(field, n, c->customer));
    struct ranked one = {.at = line};
    if (!csv_is_name(id))
        return refuse(why, line, c->customer, "customer: 1 to 63 octets without quotes");
    if (!csv_number(csv_at(field, n, c->score), &one.score))
        return refuse(why, line, c->score, "score: not a number");
    int r = sg_grow(&f->list, &f->room, f->n, LINES_MAX);
    if (r)
        return r;
    memcpy(one.id, id.data, id.len);
    f->list[f->n++] = one;
    return 0;
}

static int take_lines(struct ranking_file *f, struct sg_bytes text, char *why)
{
    struct sg_bytes line, field[CSV_COLUMNS_MAX];
    struct columns c = {-1, -1};
    int r = 0;
    text = csv_text(text);
    for (uint32_t at = 1; r == 0 && csv_line(&text, &line); at++) {
        const size_t n = csv_split(line, field);
        if (at > 1) {
            r = line.len ? take_line(f, &c, at, field, n, why) : 0;
            continue;
        }
        c = (struct columns){find(field, n, "customer"), find(field, n, "score")};
        if (c.customer < 0 || c.score < 0)
            r = refuse(why, at, 0, "columns customer and score are wanted");
    }
    return r;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct ranked *)a)->id, ((const struct ranked *)b)->id);
}

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

static int sort(struct ranking_file *f, char *why)
{
    if (f->n == 0) {
        snprintf(why, RANKING_FILE_WHY_MAX, "no customer in it");
        return RANKING_FILE_BAD;
    }
    qsort(f->list, f->n, sizeof(*f->list), by_id);
    for (size_t i = 1; i < f->n; i++)
        if (by_id(&f->list[i - 1], &f->list[i]) == 0) {
            snprintf(why, RANKING_FILE_WHY_MAX, "lines %u and %u: the same customer",
                     f->list[i - 1].at, f->list[i].at);
            return RANKING_FILE_BAD;
        }
    qsort(f->list, f->n, sizeof(*f->list), by_score);
    return 0;
}

int ranking_file_parse(struct ranking_file *ret, struct sg_bytes text,
                       char why[RANKING_FILE_WHY_MAX])
{
    SG_CLEANUP(ranking_file_clear) struct ranking_file f = {.list = NULL};
    int r = take_lines(&f, text, why);
    if (r == 0)
        r = sort(&f, why);
    if (r)
        return r;
    *ret = f;
    f.list = NULL;
    return 0;
}

int ranking_file_read(struct ranking_file *ret, const char *path, char why[RANKING_FILE_WHY_MAX])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_BYTES_MAX);
    int r = sg_file_read(path, &text);
    return r ? r : ranking_file_parse(ret, sg_buf_bytes(&text), why);
}
