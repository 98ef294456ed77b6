/*
 * demo-report - what the page needs from the running services, read through SQL and the store's
 * administration into D/out/report.json.
 */
#include "demo-args.h"
#include "demo.h"
#include "report.h"

#include <fcntl.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/kvs/policy.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#define TARIFF      "b1-white"
#define ANSWER_MAX  (64u << 20)
#define CHUNK_MAX   400    /* customers of one statement */
#define CHUNK_ROWS  500000 /* readings of one statement: its groups fit into sqld's memory */
#define SAMPLE_MAX  400    /* customers among whom typical ones are looked for */
#define CLASSES_MAX 8
#define HOURS_MAX   (368 * 24)

struct customer {
    int64_t number, wh;
    unsigned class;
};

struct gatherer {
    struct sg_demo *m;
    struct sg_http_client *sqld, *kvsd;
    struct sg_json j;
    int64_t from_s;
    struct customer *customers; /* by number */
    size_t n_customers;
    char classes[CLASSES_MAX][16];
    size_t n_classes;
};

static void decref(json_t **j)
{
    json_decref(*j);
}

/* The rows of an answer; the caller decrefs the answer. */
static int ask(const struct gatherer *g, const char *sql, json_t **ret_answer, json_t **ret_rows)
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

static void put_int(struct sg_json *j, const char *key, int64_t v)
{
    sg_json_key(j, key);
    sg_json_int(j, v);
}

static void put_str(struct sg_json *j, const char *key, const char *v)
{
    sg_json_key(j, key);
    sg_json_str(j, v);
}

/* ---- who there is --------------------------------------------------------------------------- */

static unsigned class_of(struct gatherer *g, const char *name)
{
    for (unsigned i = 0; i < g->n_classes; i++)
        if (!strcmp(g->classes[i], name))
            return i;
    if (g->n_classes == CLASSES_MAX)
        return CLASSES_MAX - 1;
    snprintf(g->classes[g->n_classes], sizeof g->classes[0], "%s", name);
    return (unsigned)g->n_classes++;
}

/* In the order of their names. */
static int list_classes(struct gatherer *g)
{
    SG_CLEANUP(decref) json_t *answer = NULL;
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

static int list_customers(struct gatherer *g)
{
    SG_CLEANUP(decref) json_t *answer = NULL;
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
            (struct customer){.number = number, .class = class_of(g, class ? class : "")};
    }
    return 0;
}

/* ---- load of the classes -------------------------------------------------------------------- */

/* "(1,2,3)" of the class's customers from *at on, at most a chunk; false if none is left. */
static bool next_chunk(const struct gatherer *g, unsigned class, size_t *at, struct sg_buf *sql)
{
    size_t n = 0, most = (size_t)(CHUNK_ROWS / (g->m->args.days * 96));
    most = most < 1 ? 1 : most > CHUNK_MAX ? CHUNK_MAX : most;
    int r = 0;
    for (; r == 0 && n < most && *at < g->n_customers; (*at)++)
        if (g->customers[*at].class == class)
            r = sg_buf_printf(sql, "%s%lld", n++ ? "," : "(", (long long)g->customers[*at].number);
    return r == 0 && n > 0;
}

static int add_hours(struct gatherer *g, const char *sql, int64_t first_hour, int64_t *wh, size_t n)
{
    SG_CLEANUP(decref) json_t *answer = NULL;
    json_t *rows, *row;
    size_t i;
    int r = ask(g, sql, &answer, &rows);
    if (r)
        return r;
    json_array_foreach(rows, i, row)
    {
        int64_t at = cell(row, 0) - first_hour;
        if (at >= 0 && at < (int64_t)n)
            wh[at] += cell(row, 1);
    }
    return 0;
}

static size_t hours_of(const struct gatherer *g)
{
    size_t n = (size_t)g->m->args.days * 24;
    return n < HOURS_MAX ? n : HOURS_MAX;
}

static int sum_class(struct gatherer *g, unsigned class, int64_t *wh)
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
        sg_demo_progress(at < g->n_customers ? at : g->n_customers, g->n_customers, "customers");
    }
    return r;
}

static void put_hours(struct gatherer *g, const int64_t *wh, size_t n)
{
    put_int(&g->j, "first_hour", (g->from_s + 3599) / 3600);
    sg_json_key(&g->j, "wh");
    sg_json_array(&g->j);
    for (size_t i = 0; i < n; i++)
        sg_json_int(&g->j, wh[i]);
    sg_json_end_array(&g->j);
}

static int64_t count_class(const struct gatherer *g, unsigned class)
{
    int64_t n = 0;
    for (size_t i = 0; i < g->n_customers; i++)
        n += g->customers[i].class == class;
    return n;
}

static int gather_classes(struct gatherer *g)
{
    int r = 0;
    sg_json_key(&g->j, "classes");
    sg_json_array(&g->j);
    for (unsigned class = 0; r == 0 && class < g->n_classes; class ++) {
        SG_FREE int64_t *wh = calloc(HOURS_MAX, sizeof *wh);
        r = wh ? sum_class(g, class, wh) : sg_raise(-ENOMEM);
        if (r)
            break;
        sg_json_object(&g->j);
        put_str(&g->j, "class", g->classes[class]);
        put_int(&g->j, "customers", count_class(g, class));
        put_hours(g, wh, hours_of(g));
        sg_json_end_object(&g->j);
    }
    sg_json_end_array(&g->j);
    return r;
}

/* ---- a few customers ------------------------------------------------------------------------ */

static int by_energy(const void *a, const void *b)
{
    const struct customer *x = a, *y = b;
    return (x->wh > y->wh) - (x->wh < y->wh);
}

/* Every so many-th customer of a class with the energy of the whole run, least first. */
static int sample_class(struct gatherer *g, unsigned class, struct customer *ret, size_t *ret_n)
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
    SG_CLEANUP(decref) json_t *answer = NULL;
    json_t *rows = NULL, *row;
    if (r == 0)
        r = ask(g, (const char *)sql.data, &answer, &rows);
    if (r)
        return r;
    size_t i, k = 0;
    json_array_foreach(rows, i, row)
    {
        if (k < SAMPLE_MAX)
            ret[k++] = (struct customer){cell(row, 0), cell(row, 1), class};
    }
    qsort(ret, k, sizeof *ret, by_energy);
    *ret_n = k;
    return 0;
}

static int put_customer(struct gatherer *g, const struct customer *c, const char *why)
{
    SG_FREE int64_t *wh = calloc(HOURS_MAX, sizeof *wh);
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
    put_int(&g->j, "client", c->number);
    put_str(&g->j, "class", g->classes[c->class]);
    put_str(&g->j, "why", why);
    put_hours(g, wh, hours_of(g));
    sg_json_end_object(&g->j);
    return 0;
}

/* The small, the middle and the large of the class. */
static int put_of_class(struct gatherer *g, unsigned class, struct customer *ret_middle)
{
    SG_FREE struct customer *sample = calloc(SAMPLE_MAX, sizeof *sample);
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
static int gather_customers(struct gatherer *g, struct customer *ret_middle)
{
    int64_t most = 0;
    int r = 0;
    sg_json_key(&g->j, "customers");
    sg_json_array(&g->j);
    for (unsigned class = 0; r == 0 && class < g->n_classes; class ++) {
        struct customer middle = {0, 0, 0};
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
static int gather_bill(struct gatherer *g, const struct customer *c)
{
    SG_CLEANUP(decref) json_t *answer = NULL;
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
    put_int(&g->j, "client", c->number);
    put_str(&g->j, "class", g->classes[c->class]);
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

/* ---- store and machine ---------------------------------------------------------------------- */

static int gather_volumes(struct gatherer *g)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 20);
    int status, r = sg_http_call(g->kvsd, "GET", "/v1/admin/volumes", NULL, 0, SG_BYTES_NONE,
                                 &status, &body);
    if (r)
        return sg_fold(r);
    SG_CLEANUP(decref) json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    json_t *list = json_object_get(j, "volumes"), *v;
    size_t i;
    if (status != 200 || !json_is_array(list))
        return sg_raisef(-EPROTO, "volumes: HTTP status %d", status);
    sg_json_key(&g->j, "volumes");
    sg_json_array(&g->j);
    json_array_foreach(list, i, v)
    {
        sg_json_object(&g->j);
        put_int(&g->j, "index_bytes", sg_json_number(v, "index_bytes"));
        put_int(&g->j, "fragment_bytes", sg_json_number(v, "fragment_bytes"));
        sg_json_end_object(&g->j);
    }
    sg_json_end_array(&g->j);
    return 0;
}

/* kvsd's own configuration: lines of the form `  - "metering replicas=3"` below "buckets:". */
static int gather_buckets(struct gatherer *g)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf conf = SG_BUF_INIT(1 << 20);
    char path[SG_PATH_MAX + 32], *rest = NULL;
    bool inside = false;
    snprintf(path, sizeof path, "%s/conf/kvsd.yaml", g->m->d.dir);
    int r = sg_file_read(path, &conf);
    if (r == 0)
        r = sg_buf_append_u8(&conf, 0);
    if (r)
        return r;
    sg_json_key(&g->j, "buckets");
    sg_json_array(&g->j);
    for (char *line = strtok_r((char *)conf.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[64], text[SG_POLICY_TEXT_MAX];
        struct sg_policy policy;
        if (line[0] != ' ')
            inside = !strcmp(line, "buckets:");
        if (!inside || sscanf(line, " - \"%63[a-z0-9.-] %31[a-z0-9=+,]\"", name, text) != 2)
            continue;
        r = sg_policy_parse(text, &policy);
        if (r)
            return r;
        sg_json_object(&g->j);
        put_str(&g->j, "name", name);
        put_str(&g->j, "policy", text);
        put_int(&g->j, "cost_permille", sg_policy_cost_permille(&policy));
        put_int(&g->j, "losses", sg_policy_losses(&policy, g->m->d.volumes));
        sg_json_end_object(&g->j);
    }
    sg_json_end_array(&g->j);
    return 0;
}

/* What follows the first line that begins with key, up to its end or a quote; "" if there is none.
 */
static void first_line(const char *path, const char *key, char ret[128])
{
    char line[512];
    ret[0] = 0;
    FILE *f = fopen(path, "re");
    while (f && !ret[0] && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)) && strpbrk(line, ":=")) {
            const char *from = strpbrk(line, ":=") + 1;
            from += strspn(from, " \t\"");
            snprintf(ret, 128, "%.*s", (int)strcspn(from, "\"\n"), from);
        }
    if (f)
        fclose(f);
}

static void put_machine(struct sg_json *j)
{
    char cpu[128], system[128];
    struct utsname u;
    struct sysinfo s;
    first_line("/proc/cpuinfo", "model name", cpu);
    first_line("/etc/os-release", "PRETTY_NAME", system);
    sg_json_key(j, "machine");
    sg_json_object(j);
    put_str(j, "cpu", cpu);
    put_int(j, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    put_int(j, "memory_bytes", sysinfo(&s) == 0 ? (int64_t)s.totalram * s.mem_unit : 0);
    put_str(j, "system", system);
    put_str(j, "kernel", uname(&u) == 0 ? u.release : "");
    sg_json_end_object(j);
}

static void put_run(struct gatherer *g)
{
    const struct sg_demo_args *a = &g->m->args;
    sg_json_key(&g->j, "run");
    sg_json_object(&g->j);
    put_int(&g->j, "meters", a->meters);
    put_int(&g->j, "days", a->days);
    put_int(&g->j, "seed", a->seed);
    put_int(&g->j, "flips", a->flips);
    put_int(&g->j, "from_s", g->from_s);
    sg_json_end_object(&g->j);
    put_int(&g->j, "made_s", sg_clock_unix_s());
    put_str(&g->j, "tariff", TARIFF);
}

/* ---- the stage ------------------------------------------------------------------------------ */

static int gather(struct gatherer *g)
{
    struct customer middle = {0, 0, 0};
    int r = sg_operator_http(&g->m->op, &g->m->d, "sqld", &g->sqld);
    if (r == 0)
        r = sg_operator_http(&g->m->op, &g->m->d, "kvsd", &g->kvsd);
    if (r == 0)
        r = list_classes(g);
    if (r == 0)
        r = list_customers(g);
    if (r)
        return r;
    sg_json_object(&g->j);
    put_run(g);
    put_machine(&g->j);
    r = gather_classes(g);
    if (r == 0)
        r = gather_customers(g, &middle);
    if (r == 0)
        r = gather_bill(g, &middle);
    if (r == 0)
        r = gather_volumes(g);
    if (r == 0)
        r = gather_buckets(g);
    sg_json_end_object(&g->j);
    return r ? r : sg_json_done(&g->j);
}

int sg_demo_report(struct sg_demo *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(ANSWER_MAX);
    struct gatherer g = {.m = m};
    char path[SG_PATH_MAX + 32];
    int r = sg_time_parse(m->args.start, &g.from_s);
    if (r)
        return r;
    sg_json_init(&g.j, &text);
    r = gather(&g);
    snprintf(path, sizeof path, "%s/" SG_REPORT_FACTS, m->out);
    if (r == 0)
        r = sg_file_write_atomic(path, sg_buf_bytes(&text), 0600);
    free(g.customers);
    if (g.sqld)
        sg_http_client_free(g.sqld);
    if (g.kvsd)
        sg_http_client_free(g.kvsd);
    return r;
}
