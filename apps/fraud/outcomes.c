#include "outcomes.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/grow.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#include "csv.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define KWH_MAX        1e15

void outcomes_clear(struct outcomes *o)
{
    free(o->list);
    *o = (struct outcomes){.list = NULL};
}

static int compare(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    const int c = strcmp(x->id, y->id);
    return c ? c : (x->day > y->day) - (x->day < y->day);
}

/* Mixed by whoever draws by it. */
uint64_t outcomes_hash(struct sg_bytes text)
{
    return sg_fnv1a(text);
}

static uint8_t learnt_from(enum sg_row_outcome outcome)
{
    static const uint8_t of[SG_OUTCOME_COUNT] = {[SG_OUTCOME_FRAUD] = SG_LEARN_FRAUD,
                                                 [SG_OUTCOME_NOTHING] = SG_LEARN_NOTHING,
                                                 [SG_OUTCOME_NO_ACCESS] = SG_LEARN_NO_ACCESS,
                                                 [SG_OUTCOME_DEFECT] = SG_LEARN_DEFECT};
    return of[outcome];
}

/* ---- file ---------------------------------------------------------------------------------- */

/* Positions of the columns that are used; -1: not there. */
struct columns {
    int customer, day, outcome, kwh, group;
};

static struct columns find_columns(const struct sg_bytes *field, size_t n)
{
    struct columns c = {-1, -1, -1, -1, -1};
    for (int i = 0; i < (int)n; i++) {
        if (csv_is(field[i], "customer") || csv_is(field[i], "client"))
            c.customer = i;
        else if (csv_is(field[i], "inspected_day"))
            c.day = i;
        else if (csv_is(field[i], "outcome"))
            c.outcome = i;
        else if (csv_is(field[i], "kwh"))
            c.kwh = i;
        else if (csv_is(field[i], "group"))
            c.group = i;
    }
    return c;
}

/* A date or a whole number. */
static bool take_day(struct sg_bytes field, int32_t *ret, bool *ret_dated)
{
    char text[16];
    double v;
    if (field.len == 0 || field.len >= sizeof(text) || memchr(field.data, 0, field.len))
        return false;
    memcpy(text, field.data, field.len);
    text[field.len] = 0;
    *ret_dated = plan_date(text, ret);
    if (*ret_dated)
        return true;
    if (!csv_number(field, &v) || v != floor(v) || fabs(v) > 1e6)
        return false;
    *ret = (int32_t)v;
    return true;
}

/* What is wrong with the line, or NULL. */
static const char *take_outcome(const struct columns *c, const struct sg_bytes *field, size_t n,
                                struct outcome *ret, bool *ret_dated)
{
    const struct sg_bytes id = csv_at(field, n, c->customer), kwh = csv_at(field, n, c->kwh);
    const struct sg_bytes group = csv_at(field, n, c->group);
    enum sg_row_outcome outcome;
    struct outcome o = {.kwh = 0};
    if (!csv_is_name(id))
        return "customer: 1 to 63 octets without quotes";
    if (!take_day(csv_at(field, n, c->day), &o.day, ret_dated))
        return "inspected_day: a date, 2026-09-30, or a whole number";
    if (!sg_row_outcome_named(csv_at(field, n, c->outcome), &outcome))
        return "outcome: fraud, nothing, no-access or defect";
    if (kwh.len && (!csv_number(kwh, &o.kwh) || o.kwh < 0 || o.kwh > KWH_MAX))
        return "kwh: a number from 0 to 10^15";
    memcpy(o.id, id.data, id.len);
    o.outcome = learnt_from(outcome);
    o.group = outcomes_hash(group.len ? group : id);
    *ret = o;
    return NULL;
}

static const char *take_line(struct outcomes *o, const struct columns *c,
                             const struct sg_bytes *field, size_t n)
{
    bool dated;
    const char *wrong = take_outcome(c, field, n, &o->list[o->n], &dated);
    if (wrong)
        return wrong;
    if (o->n && dated != o->dated)
        return "inspected_day: dates and numbers in one file";
    o->dated = dated;
    o->n++;
    return NULL;
}

static int take_lines(struct outcomes *o, struct sg_bytes text, size_t most, char why[160])
{
    struct sg_bytes line, field[CSV_COLUMNS_MAX];
    struct columns c = {-1, -1, -1, -1, -1};
    text = csv_text(text);
    for (unsigned at_line = 1; csv_line(&text, &line); at_line++) {
        const char *wrong = NULL;
        const size_t n = csv_split(line, field);
        int r = o->n < most ? sg_grow(&o->list, &o->room, o->n, most) : 0;
        if (r)
            return r;
        if (at_line == 1) {
            c = find_columns(field, n);
            if (c.customer < 0 || c.day < 0 || c.outcome < 0)
                wrong = "columns customer, inspected_day and outcome are wanted";
        } else if (line.len && o->n == most) {
            wrong = "more outcomes than there may be";
        } else if (line.len) {
            wrong = take_line(o, &c, field, n);
        }
        if (wrong) {
            snprintf(why, 160, "line %u: %s", at_line, wrong);
            return OUTCOMES_BAD;
        }
    }
    return 0;
}

static const char *check_once(const struct outcomes *o)
{
    for (size_t i = 1; i < o->n; i++)
        if (compare(&o->list[i - 1], &o->list[i]) == 0)
            return "a customer has two outcomes of one day";
    return NULL;
}

int outcomes_parse_most(struct outcomes *ret, struct sg_bytes text, size_t most, char why[160])
{
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    int r = take_lines(&o, text, most, why);
    if (r)
        return r;
    if (o.n)
        qsort(o.list, o.n, sizeof(*o.list), compare);
    const char *wrong = o.n ? check_once(&o) : "no outcome in it";
    if (wrong) {
        snprintf(why, 160, "%s", wrong);
        return OUTCOMES_BAD;
    }
    *ret = o;
    o.list = NULL;
    return 0;
}

int outcomes_parse(struct outcomes *ret, struct sg_bytes text, char why[160])
{
    return outcomes_parse_most(ret, text, OUTCOMES_MAX, why);
}

int outcomes_read(struct outcomes *ret, const char *path, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_BYTES_MAX);
    int r = sg_file_read(path, &text);
    return r ? r : outcomes_parse(ret, sg_buf_bytes(&text), why);
}

/* ---- store --------------------------------------------------------------------------------- */

static int take_row(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                    struct sg_bytes value)
{
    struct outcomes *o = ctx;
    struct sg_row_inspection row;
    int64_t client;
    int r = sg_row_client_take(partition, &client);
    if (r == 0)
        r = sg_row_inspection_decode(sort, value, &row);
    if (r == 0)
        r = sg_grow(&o->list, &o->room, o->n, OUTCOMES_MAX);
    if (r)
        return r;
    struct outcome *one = &o->list[o->n++];
    *one = (struct outcome){.day = (int32_t)row.inspected_day, .outcome = learnt_from(row.outcome)};
    snprintf(one->id, sizeof(one->id), "%lld", (long long)client);
    if (row.recovered_wh != SG_READING_NA)
        one->kwh = (double)row.recovered_wh / 1000;
    one->group = outcomes_hash(sg_bytes_str(one->id));
    return 0;
}

int outcomes_from_store(struct outcomes *ret, struct sg_kv *kv, const int64_t *clients,
                        size_t n_clients)
{
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.dated = true};
    for (size_t i = 0; i < n_clients; i++) {
        int r = sg_table_each(kv, clients[i], SG_TABLE_INSPECTION, NULL, NULL, SG_BYTES_NONE,
                              take_row, &o);
        if (r)
            return r;
    }
    if (o.n == 0)
        return OUTCOMES_BAD;
    qsort(o.list, o.n, sizeof(*o.list), compare);
    *ret = o;
    o.list = NULL;
    return 0;
}

/* ---- looking up ---------------------------------------------------------------------------- */

const struct outcome *outcomes_of(const struct outcomes *o, const char *id, size_t *ret_n)
{
    size_t low = 0, high = o->n;
    while (low < high) { /* the first not before id */
        const size_t middle = low + (high - low) / 2;
        if (strcmp(o->list[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = low; high < o->n && strcmp(o->list[high].id, id) == 0;)
        high++;
    *ret_n = high - low;
    return high > low ? &o->list[low] : NULL;
}
