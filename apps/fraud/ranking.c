#include "ranking.h"

#include "csv.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>

#define CUSTOMERS_MAX 50000000u
#define CHUNK         (1u << 20)

void ranking_clear(struct ranking *r)
{
    free(r->lines);
    *r = (struct ranking){.lines = NULL};
}

int ranking_put(struct ranking *r, size_t index, const struct line *l)
{
    if (index >= r->room) {
        size_t room = r->room ? r->room : 1024;
        while (room <= index)
            room *= 2;
        struct line *lines =
            index < CUSTOMERS_MAX ? reallocarray(r->lines, room, sizeof(*lines)) : NULL;
        if (!lines)
            return sg_raise(-ENOMEM);
        r->lines = lines;
        r->room = room;
    }
    r->lines[index] = *l;
    r->n = index >= r->n ? index + 1 : r->n;
    r->n_unjudged += l->unjudged != JUDGED;
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    const int judged = (x->unjudged != JUDGED) - (y->unjudged != JUDGED);
    if (judged)
        return judged;
    if (x->unjudged != JUDGED && x->incomplete != y->incomplete)
        return x->incomplete < y->incomplete ? 1 : -1;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->unsupervised != y->unsupervised) /* of many nothing is expected to be recovered */
        return x->unsupervised < y->unsupervised ? 1 : -1;
    return strcmp(x->id, y->id);
}

void ranking_sort(struct ranking *r)
{
    if (r->n)
        qsort(r->lines, r->n, sizeof(*r->lines), by_rank);
}

static int copy(const struct ranking *r, struct ranking *ret)
{
    struct ranking other = {.n = r->n, .room = r->n, .n_unjudged = r->n_unjudged};
    other.lines = calloc(r->n + 1, sizeof(*other.lines));
    if (!other.lines)
        return sg_raise(-ENOMEM);
    if (r->n)
        memcpy(other.lines, r->lines, r->n * sizeof(*other.lines));
    *ret = other;
    return 0;
}

int ranking_by_drop(const struct ranking *r, struct ranking *ret)
{
    struct ranking other;
    int e = copy(r, &other);
    if (e)
        return e;
    for (size_t i = 0; i < r->n; i++)
        if (other.lines[i].unjudged == JUDGED)
            other.lines[i].score =
                isnan(other.lines[i].level) ? 0 : 1 - (double)other.lines[i].level;
    ranking_sort(&other);
    *ret = other;
    return 0;
}

int ranking_by_energy(const struct ranking *r, const struct odds *o, struct ranking *ret)
{
    struct ranking other;
    int e = copy(r, &other);
    if (e)
        return e;
    for (size_t i = 0; i < r->n; i++)
        if (other.lines[i].unjudged == JUDGED)
            other.lines[i].score = score_expected(o, &other.lines[i]);
    ranking_sort(&other);
    *ret = other;
    return 0;
}

double ranking_score(const struct ranking *r, const struct line *l)
{
    if (l->unjudged == JUDGED)
        return l->score;
    /* Sorted: the last judged one has the lowest score. */
    return r->n > r->n_unjudged ? fmin(0, r->lines[r->n - r->n_unjudged - 1].score) : 0;
}

static int put_line(struct sg_buf *b, const struct ranking *r, size_t i, const struct plan *plan)
{
    const struct line *l = &r->lines[i];
    char reasons[REASONS_MAX];
    score_reasons(l, plan, reasons);
    int e = csv_put_name(b, l->id);
    return e ? e : sg_buf_printf(b, ",%.12g,%zu,%s\n", ranking_score(r, l), i + 1, reasons);
}

static int write_lines(const struct ranking *r, const struct plan *plan, int fd)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(2 * CHUNK);
    int e = sg_buf_printf(&b, "customer,score,rank,reasons\n");
    for (size_t i = 0; e == 0 && i < r->n; i++) {
        e = put_line(&b, r, i, plan);
        if (e == 0 && b.len > CHUNK) {
            e = sg_write_all(fd, sg_buf_bytes(&b));
            sg_buf_reset(&b);
        }
    }
    return e ? e : sg_write_all(fd, sg_buf_bytes(&b));
}

/* A pipe or a device is written to, not replaced by a file. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int write_special(const struct ranking *r, const struct plan *plan, const char *path)
{
    SG_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? sg_raise_errno() : write_lines(r, plan, fd);
}

int ranking_write(const struct ranking *r, const struct plan *plan, const char *path)
{
    char next[PATH_MAX];
    if (!strcmp(path, "-"))
        return write_lines(r, plan, STDOUT_FILENO);
    if (is_special(path))
        return write_special(r, plan, path);
    if (snprintf(next, sizeof(next), "%s.part", path) >= (int)sizeof(next))
        return sg_raise(-ENAMETOOLONG);
    unlink(next); /* of a run that was killed, or a link laid there */
    SG_CLOSE int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return sg_raise_errno();
    int e = write_lines(r, plan, fd);
    if (e == 0 && fsync(fd))
        e = sg_raise_errno();
    if (e == 0 && rename(next, path))
        e = sg_raise_errno();
    if (e)
        unlink(next);
    return e;
}
