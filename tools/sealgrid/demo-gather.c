/*
 * demo-gather - loads of the fleet, of typical customers and of one bill, through SQL.  The store
 * is asked in pieces, so that no statement has to hold the whole fleet.
 */
#include "demo-gather.h"

#include <sealgrid/base/cleanup.h>
#include <stdio.h>

#define ANSWER_MAX (64u << 20)
#define CHUNK_MAX  400    /* customers of one statement */
#define CHUNK_ROWS 500000 /* readings of one statement: its groups fit into sqld's memory */
#define SAMPLE_MAX 400    /* customers among whom typical ones are looked for */
#define HOURS_MAX  (368 * 24)
#define NOT_READ   INT64_MIN

void sg_gather_decref(json_t **j)
{
    json_decref(*j);
}

void sg_gather_put_int(struct sg_json *j, const char *key, int64_t v)
{
    sg_json_key(j, key);
    sg_json_int(j, v);
}

void sg_gather_put_str(struct sg_json *j, const char *key, const char *v)
{
    sg_json_key(j, key);
    sg_json_str(j, v);
}

/* The rows of an answer; the caller decrefs the answer. */
static int ask(const struct sg_gatherer *g, const char *sql, json_t **ret_answer, json_t **ret_rows)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(ANSWER_MAX);
    int r = sg_operator_sql(&g->m->op, g->sqld, sql, &body);
    if (r)
        return r < 0 ? r : sg_raisef(-EIO, "the page's data: HTTP status %d", r);
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    if (!json_is_integer(json_object_get(j, "rowcount"))) {
        json_decref(j);
        return sg_raisef(-EIO, "the page's data: an answer is not complete");
    }
    *ret_answer = j;
    *ret_rows = json_object_get(j, "rows");
    return 0;
}

static int64_t cell(const json_t *row, size_t i)
{
    return (int64_t)json_integer_value(json_array_get(row, i));
}

/* ---- who there is --------------------------------------------------------------------------- */

static unsigned class_of(struct sg_gatherer *g, const char *name)
{
    for (unsigned i = 0; i < g->n_classes; i++)
        if (!strcmp(g->classes[i], name))
            return i;
    if (g->n_classes == SG_GATHER_CLASSES_MAX)
        return SG_GATHER_CLASSES_MAX - 1;
    snprintf(g->classes[g->n_classes], sizeof g->classes[0], "%s", name);
    return (unsigned)g->n_classes++;
}

/* In the order of their names. */
static int list_classes(struct sg_gatherer *g)
{
    SG_CLEANUP(sg_gather_decref) json_t *answer = NULL;
    json_t *rows, *row;
    size_t i;
    int r = ask(g, "SELECT DISTINCT class FROM installation ORDER BY class", &answer, &rows);
    if (r)
        return r;
    json_array_foreach(rows, i, row)
    {
        const char *class = json_string_value(json_array_get(row, 0));
        (void)class_of(g, class ? class : "");
    }
    return 0;
}

static int list_customers(struct sg_gatherer *g)
{
    SG_CLEANUP(sg_gather_decref) json_t *answer = NULL;
    json_t *rows, *row;
    size_t i;
    int r = ask(g, "SELECT client_id, class FROM installation ORDER BY client_id", &answer, &rows);
    if (r)
        return r;
    g->customers = calloc(json_array_size(rows) + 1, sizeof *g->customers);
    if (!g->customers)
        return sg_raise(-ENOMEM);
    json_array_foreach(rows, i, row)
    {
        const char *class = json_string_value(json_array_get(row, 1));
        int64_t number = cell(row, 0);
        /* A customer whose meter was exchanged has two records. */
        if (g->n_customers && g->customers[g->n_customers - 1].number == number)
            continue;
        g->customers[g->n_customers++] =
            (struct sg_gather_customer){.number = number, .class = class_of(g, class ? class : "")};
    }
    return 0;
}

/* ---- load of the classes -------------------------------------------------------------------- */

/* "(1,2,3)" of the class's customers from *at on, at most a chunk; false if none is left. */
static bool next_chunk(struct sg_gatherer *g, unsigned class, size_t *at, struct sg_buf *sql)
{
    size_t n = 0, most = (size_t)(CHUNK_ROWS / (g->m->args.days * 96));
    most = most < 1 ? 1 : most > CHUNK_MAX ? CHUNK_MAX : most;
    int r = 0;
    for (; r == 0 && n < most && *at < g->n_customers; (*at)++)
        if (g->customers[*at].class == class)
            r = sg_buf_printf(sql, "%s%lld", n++ ? "," : "(", (long long)g->customers[*at].number);
    g->n_done += n;
    return r == 0 && n > 0;
}

static int add_hours(struct sg_gatherer *g, const char *sql, int64_t first_hour, int64_t *wh,
                     size_t n)
{
    SG_CLEANUP(sg_gather_decref) json_t *answer = NULL;
    json_t *rows, *row;
    size_t i;
    int r = ask(g, sql, &answer, &rows);
    if (r)
        return r;
    json_array_foreach(rows, i, row)
    {
        int64_t at = cell(row, 0) - first_hour;
        if (at >= 0 && at < (int64_t)n && json_is_integer(json_array_get(row, 1)))
            wh[at] = (wh[at] == NOT_READ ? 0 : wh[at]) + cell(row, 1);
    }
    return 0;
}

static int64_t *new_hours(void)
{
    int64_t *wh = malloc(HOURS_MAX * sizeof *wh);
    for (size_t i = 0; wh && i < HOURS_MAX; i++)
        wh[i] = NOT_READ;
    return wh;
}

static size_t hours_of(const struct sg_gatherer *g)
{
    size_t n = (size_t)g->m->args.days * 24;
    return n < HOURS_MAX ? n : HOURS_MAX;
}

static int sum_class(struct sg_gatherer *g, unsigned class, int64_t *wh)
{
    size_t at = 0;
    int r = 0;
    while (r == 0) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf sql = SG_BUF_INIT(65536);
        r = sg_buf_printf(&sql, "SELECT (ts - 1) / 3600 AS hour, sum(interval_energy) FROM reading "
                                "WHERE client_id IN ");
        if (r == 0 && !next_chunk(g, class, &at, &sql))
            return 0;
        if (r == 0)
            r = sg_buf_append(&sql, SG_BYTES(") GROUP BY hour", sizeof ") GROUP BY hour"));
        if (r == 0)
            r = add_hours(g, (const char *)sql.data, (g->from_s + 3599) / 3600, wh, hours_of(g));
        sg_demo_progress(g->n_done, g->n_customers, "customers");
    }
    return r;
}

static void put_hours(struct sg_gatherer *g, const int64_t *wh, size_t n)
{
    sg_gather_put_int(&g->j, "first_hour", (g->from_s + 3599) / 3600);
    sg_json_key(&g->j, "wh");
    sg_json_array(&g->j);
    for (size_t i = 0; i < n; i++)
        if (wh[i] == NOT_READ)
            sg_json_null(&g->j);
        else
            sg_json_int(&g->j, wh[i]);
    sg_json_end_array(&g->j);
}

static int64_t count_class(const struct sg_gatherer *g, unsigned class)
{
    int64_t n = 0;
    for (size_t i = 0; i < g->n_customers; i++)
        n += g->customers[i].class == class;
    return n;
}

static int gather_classes(struct sg_gatherer *g)
{
    int r = 0;
    sg_json_key(&g->j, "classes");
    sg_json_array(&g->j);
    for (unsigned class = 0; r == 0 && class < g->n_classes; class ++) {
        SG_FREE int64_t *wh = new_hours();
        r = wh ? sum_class(g, class, wh) : sg_raise(-ENOMEM);
        if (r)
            break;
        sg_json_object(&g->j);
        sg_gather_put_str(&g->j, "class", g->classes[class]);
        sg_gather_put_int(&g->j, "customers", count_class(g, class));
        put_hours(g, wh, hours_of(g));
        sg_json_end_object(&g->j);
    }
    sg_json_end_array(&g->j);
    return r;
}

/* ---- a few customers ------------------------------------------------------------------------ */

static int by_energy(const void *a, const void *b)
{
    const struct sg_gather_customer *x = a, *y = b;
    return (x->wh > y->wh) - (x->wh < y->wh);
}

/* Every so many-th customer of a class with the energy of the whole run, least first. */
static int sample_class(struct sg_gatherer *g, unsigned class, struct sg_gather_customer *ret,
                        size_t *ret_n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf sql = SG_BUF_INIT(65536);
    size_t of = (size_t)count_class(g, class), seen = 0, n = 0;
    size_t every = of / SAMPLE_MAX + 1;
    int r = sg_buf_printf(&sql, "SELECT client_id, sum(interval_energy) FROM reading "
                                "WHERE client_id IN ");
    for (size_t i = 0; r == 0 && i < g->n_customers; i++)
        if (g->customers[i].class == class && seen++ % every == 0)
            r = sg_buf_printf(&sql, "%s%lld", n++ ? "," : "(", (long long)g->customers[i].number);
    if (r == 0)
        r = sg_buf_append(&sql, SG_BYTES(") GROUP BY client_id", sizeof ") GROUP BY client_id"));
    SG_CLEANUP(sg_gather_decref) json_t *answer = NULL;
    json_t *rows = NULL, *row;
    if (r == 0)
        r = ask(g, (const char *)sql.data, &answer, &rows);
    if (r)
        return r;
    size_t i, k = 0;
    json_array_foreach(rows, i, row)
    {
        if (k < SAMPLE_MAX)
            ret[k++] = (struct sg_gather_customer){cell(row, 0), cell(row, 1), class};
    }
    qsort(ret, k, sizeof *ret, by_energy);
    *ret_n = k;
    return 0;
}

static int put_customer(struct sg_gatherer *g, const struct sg_gather_customer *c, const char *why)
{
    SG_FREE int64_t *wh = new_hours();
    char sql[256];
    if (!wh)
        return sg_raise(-ENOMEM);
    snprintf(sql, sizeof sql,
             "SELECT (ts - 1) / 3600 AS hour, sum(interval_energy) FROM reading "
             "WHERE client_id = %lld GROUP BY hour",
             (long long)c->number);
    int r = add_hours(g, sql, (g->from_s + 3599) / 3600, wh, hours_of(g));
    if (r)
        return r;
    sg_json_object(&g->j);
    sg_gather_put_int(&g->j, "client", c->number);
    sg_gather_put_str(&g->j, "class", g->classes[c->class]);
    sg_gather_put_str(&g->j, "why", why);
    put_hours(g, wh, hours_of(g));
    sg_json_end_object(&g->j);
    return 0;
}

/* The small, the middle and the large of the class. */
static int put_of_class(struct sg_gatherer *g, unsigned class,
                        struct sg_gather_customer *ret_middle)
{
    SG_FREE struct sg_gather_customer *sample = calloc(SAMPLE_MAX, sizeof *sample);
    size_t n = 0;
    int r = sample ? sample_class(g, class, sample, &n) : sg_raise(-ENOMEM);
    if (r || n == 0)
        return r;
    *ret_middle = sample[n / 2];
    if (n >= 3)
        r = put_customer(g, &sample[n / 10], "small");
    if (r == 0)
        r = put_customer(g, &sample[n / 2], "median");
    if (r == 0 && n >= 3)
        r = put_customer(g, &sample[n - 1 - n / 10], "large");
    return r;
}

/* *ret_middle: the middle one of the class with the most customers. */
static int gather_customers(struct sg_gatherer *g, struct sg_gather_customer *ret_middle)
{
    int64_t most = 0;
    int r = 0;
    sg_json_key(&g->j, "customers");
    sg_json_array(&g->j);
    for (unsigned class = 0; r == 0 && class < g->n_classes; class ++) {
        struct sg_gather_customer middle = {0, 0, 0};
        r = put_of_class(g, class, &middle);
        if (r == 0 && count_class(g, class) > most) {
            most = count_class(g, class);
            *ret_middle = middle;
        }
    }
    sg_json_end_array(&g->j);
    return r;
}

/* The readings behind the bill that the page shows. */
static int gather_bill(struct sg_gatherer *g, const struct sg_gather_customer *c)
{
    SG_CLEANUP(sg_gather_decref) json_t *answer = NULL;
    json_t *rows, *row;
    size_t i;
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT ts, interval_energy FROM reading WHERE client_id = %lld ORDER BY ts",
             (long long)c->number);
    int r = ask(g, sql, &answer, &rows);
    if (r)
        return r;
    sg_json_key(&g->j, "bill");
    sg_json_object(&g->j);
    sg_gather_put_int(&g->j, "client", c->number);
    sg_gather_put_str(&g->j, "class", g->classes[c->class]);
    sg_json_key(&g->j, "readings");
    sg_json_array(&g->j);
    json_array_foreach(rows, i, row)
    {
        sg_json_array(&g->j);
        sg_json_int(&g->j, cell(row, 0));
        if (json_is_integer(json_array_get(row, 1)))
            sg_json_int(&g->j, cell(row, 1));
        else
            sg_json_null(&g->j);
        sg_json_end_array(&g->j);
    }
    sg_json_end_array(&g->j);
    sg_json_end_object(&g->j);
    return 0;
}

int sg_gather_loads(struct sg_gatherer *g)
{
    struct sg_gather_customer middle = {0, 0, 0};
    int r = list_classes(g);
    if (r == 0)
        r = list_customers(g);
    if (r == 0)
        r = gather_classes(g);
    if (r == 0)
        r = gather_customers(g, &middle);
    return r ? r : gather_bill(g, &middle);
}
