/*
 * sql suite - one table of readings (45 columns, key client_id, ts) on four sides: ours in process,
 * ours over HTTPS, plain SQLite in process, PostgreSQL over TLS; the same rows, statements and
 * durability.  Every line's answers are compared before it is timed.
 *
 * Counted on every side is what a client has to do until it holds the values: send the statement
 * and its parameters, receive, convert every value to an integer (a text to its length).  Ours over
 * HTTPS reads JSON, PostgreSQL's text form is read by the same loop over digits, its binary form by
 * byte swaps.
 */
#include "bench.h"
#include "peers/sqlite.h"
#include "sql-ours.h"
#include "suites.h"

#if SG_HAVE_LIBPQ
#include "peers/postgres.h"
#endif
#include <sealgrid/base/clock.h>
#include <stdio.h>

#define SIZES 3

struct rig {
    struct sg_bench *b;
    struct sql_ours *ours;
    struct sqlite_peer *sqlite;
    struct sql_target local, https, plain, text, binary; /* the last two: ask is NULL if absent */
    struct postgres_peer *postgres;
    int64_t clients; /* loaded */
};

/* One side of a line: what is asked or written, and how far it has come. */
struct side {
    const struct sql_target *target;
    enum sql_ask what;
    int64_t clients, client;
    uint64_t turn;
    size_t batch;
};

/* ---- asking ---- */

static int run_asks(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct side *s = ctx;
    struct sql_tally t = {0};
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; r == 0 && i < n; i++, s->turn++) {
        int64_t client = SQL_FIRST_CLIENT + (int64_t)(s->turn % (uint64_t)s->clients);
        int64_t at = s->what == SQL_POINT ? (int64_t)(s->turn * 1009 % SQL_CLIENT_ROWS) : 0;
        r = s->target->ask(s->target->ctx, s->what, client, SQL_FIRST_TS + 900 * at, &t);
    }
    return r < 0 ? r : t.rows ? 0 : sg_raisef(-EBADMSG, "no rows");
}

/* Both sides say the same, and as many rows as there must be. */
static int compare(const struct rig *g, enum sql_ask what, const struct sql_target *a,
                   const struct sql_target *b)
{
    static const char *const names[SQL_ASKS] = {"month", "3 columns", "point", "group", "top"};
    uint64_t rows[SQL_ASKS] = {SQL_CLIENT_ROWS, SQL_CLIENT_ROWS, 1, (uint64_t)g->clients, 10};
    struct sql_tally x = {0}, y = {0};
    int64_t last = SQL_FIRST_CLIENT + g->clients - 1;
    int r = a->ask(a->ctx, what, last, SQL_FIRST_TS, &x);
    if (r == 0)
        r = b->ask(b->ctx, what, last, SQL_FIRST_TS, &y);
    if (r)
        return sg_fold(r);
    if (x.rows != y.rows || x.sum != y.sum || x.rows != rows[what])
        return sg_raisef(-EBADMSG, "%s: the sides' answers differ", names[what]);
    return 0;
}

struct form {
    const char *name, *unit;
    enum sql_ask what;
    double per_unit;
    double goal;
};

static int ask_line(const struct rig *g, const struct form *f, const char *name, const char *note,
                    const struct sql_target *ours, const struct sql_target *theirs,
                    const char *theirs_name)
{
    struct side a = {.target = ours, .what = f->what, .clients = g->clients};
    struct side b = {.target = theirs, .what = f->what, .clients = g->clients};
    struct sg_bench_line line = {
        .name = name,
        .unit = f->unit,
        .per_unit = f->per_unit,
        .goal = f->goal,
        .note = note,
        .ours = {"sealgrid", run_asks, &a},
        .theirs = {theirs_name, run_asks, &b},
    };
    int r = compare(g, f->what, ours, theirs);
    return r ? r : sg_bench_pair(g->b, &line);
}

#define POSTGRES_NOTE                                                                              \
    "HTTPS and JSON through sqld and kvsd against libpq over TLS 1.3; both clients convert every " \
    "value"

#if SG_HAVE_LIBPQ
static int postgres_line(const struct rig *g, const struct form *f, bool binary)
{
    char name[96];
    if (!g->postgres)
        return 0;
    snprintf(name, sizeof(name), "%s, %s", f->name, binary ? "binary" : "text");
    return ask_line(g, f, name, POSTGRES_NOTE, &g->https, binary ? &g->binary : &g->text,
                    postgres_peer_name(binary));
}
#else
static int postgres_line(const struct rig *g, const struct form *f, bool binary)
{
    (void)g;
    (void)f;
    (void)binary;
    return 0;
}
#endif

/* A question on every side; the table's whole size is in its name where it matters. */
static int ask_everybody(const struct rig *g, const struct form *f)
{
    char name[96];
    snprintf(name, sizeof(name), "%s, in process", f->name);
    int r = ask_line(g, f, name, "in this process, tables in memory after the first lap", &g->local,
                     &g->plain, sqlite_peer_name());
    if (r == 0)
        r = postgres_line(g, f, false);
    return r ? r : postgres_line(g, f, true);
}

/* ---- processor time ---- */

#if SG_HAVE_LIBPQ
/* Of one answer in microseconds, services, server and client together. */
static int cpu_of(const struct rig *g, const struct sql_target *t, enum sql_ask what, bool peer,
                  double *ret)
{
    struct side s = {.target = t, .what = what, .clients = g->clients};
    const int64_t enough = (int64_t)sg_bench_scale(g->b, 1000000000, 30000000);
    int64_t server = 0, before = 0, spent = 0, unused = 0, begun = sg_clock_cpu_ns();
    uint64_t n = 0;
    int r = peer ? postgres_peer_cpu_ns(g->postgres, &before) : 0;
    while (r == 0 && spent < enough) {
        uint64_t more = n ? n : 1;
        r = run_asks(&s, more, &unused);
        n += more;
        if (r == 0 && peer)
            r = postgres_peer_cpu_ns(g->postgres, &server);
        spent = sg_clock_cpu_ns() - begun + server - before;
    }
    *ret = (double)spent / 1e3 / (double)n;
    return r;
}

static int cpu_line(const struct rig *g, const struct form *f)
{
    char name[96];
    double ours, theirs;
    snprintf(name, sizeof(name), "%s, processor time", f->name);
    struct sg_bench_line line = {
        .name = name,
        .unit = "us",
        .note = "of one answer as text: services, server and client together; less is better, and "
                "other programs on the machine do not count",
        .ours = {"sealgrid", NULL, NULL},
        .theirs = {postgres_peer_name(false), NULL, NULL},
    };
    int r = cpu_of(g, &g->https, f->what, false, &ours);
    if (r == 0)
        r = cpu_of(g, &g->text, f->what, true, &theirs);
    return r ? r : sg_bench_quantity(g->b, &line, ours, theirs, true);
}

static int cpu_lines(const struct rig *g, const struct form *forms, size_t n)
{
    const struct form group = {"GROUP BY client", "rows/s", SQL_GROUP, 0, 0};
    int r = 0;
    for (size_t i = 0; r == 0 && g->postgres && i < n; i++)
        r = cpu_line(g, &forms[i]);
    return r == 0 && g->postgres ? cpu_line(g, &group) : r;
}
#else
static int cpu_lines(const struct rig *g, const struct form *forms, size_t n)
{
    (void)g;
    (void)forms;
    (void)n;
    return 0;
}
#endif

/* ---- writing ---- */

static int run_inserts(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct side *s = ctx;
    static struct sql_row rows[SQL_BATCH];
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        for (size_t k = 0; k < s->batch; k++) {
            sql_row_make(s->client, (int64_t)++s->turn, &rows[k]);
            rows[k].origin = 2; /* as ours says of rows from SQL */
        }
        r = s->target->insert(s->target->ctx, rows, s->batch);
    }
    return r;
}

/* Each line writes into a client of its own. */
static int insert_line(const struct rig *g, int number, size_t batch, const char *name,
                       const char *note, const struct sql_target *ours,
                       const struct sql_target *theirs, const char *theirs_name)
{
    int64_t client = SQL_FIRST_CLIENT + g->clients + number;
    struct side a = {.target = ours, .client = client, .batch = batch};
    struct side b = {.target = theirs, .client = client, .batch = batch};
    struct sg_bench_line line = {
        .name = name,
        .unit = "rows/s",
        .per_unit = (double)batch,
        .note = note,
        .ours = {"sealgrid, 3 copies", run_inserts, &a},
        .theirs = {theirs_name, run_inserts, &b},
    };
    return sg_bench_pair(g->b, &line);
}

static int insert_lines(const struct rig *g)
{
    const char *plain = sqlite_peer_name();
    int r = insert_line(g, 0, 1, "insert 1 row, in process", "durable one by one", &g->local,
                        &g->plain, plain);
    if (r == 0)
        r = insert_line(g, 1, SQL_BATCH, "insert 96 rows, in process",
                        "one durable statement (ours) or transaction of 96 rows", &g->local,
                        &g->plain, plain);
#if SG_HAVE_LIBPQ
    const char *name = postgres_peer_name(true);
    if (r == 0 && g->postgres)
        r = insert_line(g, 2, 1, "insert 1 row", "durable one by one; " POSTGRES_NOTE, &g->https,
                        &g->binary, name);
    if (r == 0 && g->postgres)
        r = insert_line(g, 3, SQL_BATCH, "insert 96 rows",
                        "one durable statement of 96 rows; " POSTGRES_NOTE, &g->https, &g->binary,
                        name);
#endif
    return r;
}

/* ---- the suite ---- */

static int load_client(struct rig *g, int64_t client)
{
    struct sql_row row;
    static struct sql_row rows[SQL_CLIENT_ROWS];
    int r = sql_ours_load(g->ours, client, SQL_CLIENT_ROWS);
    for (int i = 0; i < SQL_CLIENT_ROWS; i++) {
        sql_row_make(client, i + 1, &row);
        rows[i] = row;
    }
    if (r == 0)
        r = g->plain.insert(g->plain.ctx, rows, SQL_CLIENT_ROWS);
#if SG_HAVE_LIBPQ
    if (r == 0 && g->postgres)
        r = postgres_peer_load(g->postgres, client, SQL_CLIENT_ROWS);
#endif
    return r;
}

static int load(struct rig *g, int64_t clients)
{
    int r = 0;
    for (; r == 0 && g->clients < clients; g->clients++)
        r = load_client(g, SQL_FIRST_CLIENT + g->clients);
#if SG_HAVE_LIBPQ
    if (r == 0 && g->postgres)
        r = postgres_peer_settle(g->postgres);
#endif
    return r;
}

static int group_lines(struct rig *g)
{
    const int64_t sizes[SIZES] = {(int64_t)sg_bench_scale(g->b, 10, 1),
                                  (int64_t)sg_bench_scale(g->b, 30, 2),
                                  (int64_t)sg_bench_scale(g->b, 100, 5)};
    int r = 0;
    for (int i = 0; r == 0 && i < SIZES; i++) {
        char name[64];
        r = load(g, sizes[i]);
        snprintf(name, sizeof(name), "GROUP BY client, %d rows", (int)sizes[i] * SQL_CLIENT_ROWS);
        struct form f = {name, "rows/s", SQL_GROUP, (double)(sizes[i] * SQL_CLIENT_ROWS), 0};
        if (r == 0)
            r = ask_everybody(g, &f);
    }
    return r;
}

static int lines(struct rig *g)
{
    int r = group_lines(g);
    const struct form forms[] = {
        {"month of a client, 45 columns", "rows/s", SQL_MONTH, SQL_CLIENT_ROWS, 1.0},
        {"month of a client, 3 columns", "rows/s", SQL_MONTH_3, SQL_CLIENT_ROWS, 1.0},
        {"point select, 45 columns", "selects/s", SQL_POINT, 1, 0},
        {"ORDER BY power LIMIT 10", "rows/s", SQL_TOP, (double)(g->clients * SQL_CLIENT_ROWS), 0},
    };
    enum { N_FORMS = sizeof(forms) / sizeof(forms[0]) };
    for (size_t i = 0; r == 0 && i < N_FORMS; i++)
        r = ask_everybody(g, &forms[i]);
    if (r == 0)
        r = cpu_lines(g, forms, N_FORMS);
    return r ? r : insert_lines(g);
}

/* Without PostgreSQL the other lines are still measured. */
static int open_postgres(struct rig *g)
{
    static const char line[] = "lines against PostgreSQL";
#if SG_HAVE_LIBPQ
    char folder[4096];
    struct sg_bench_reason why;
    int r = sg_bench_folder(g->b, "postgres", folder, sizeof(folder));
    if (r == 0)
        r = postgres_peer_open(&g->postgres, folder, &why);
    if (r > 0)
        sg_bench_skip(g->b, line, why.text);
    if (r)
        return r < 0 ? r : 0;
    g->text = postgres_peer_target(g->postgres, false);
    g->binary = postgres_peer_target(g->postgres, true);
#else
    sg_bench_skip(g->b, line, "built without libpq (package libpq-dev)");
#endif
    return 0;
}

static int open_rig(struct rig *g)
{
    char folder[4096];
    int r = sg_bench_folder(g->b, "sealgrid", folder, sizeof(folder));
    if (r == 0)
        r = sql_ours_open(&g->ours, folder);
    if (r == 0)
        r = sg_bench_folder(g->b, "sqlite", folder, sizeof(folder));
    if (r == 0)
        r = sqlite_peer_open(&g->sqlite, folder);
    if (r)
        return r;
    g->local = sql_ours_local(g->ours);
    g->https = sql_ours_https(g->ours);
    g->plain = sqlite_peer_target(g->sqlite);
    return open_postgres(g);
}

static void close_rig(struct rig *g)
{
#if SG_HAVE_LIBPQ
    postgres_peer_close(g->postgres);
#endif
    sqlite_peer_close(g->sqlite);
    sql_ours_close(g->ours);
}

static int run(struct sg_bench *b)
{
    SG_CLEANUP(close_rig) struct rig g = {.b = b};
    int r = open_rig(&g);
    return r ? r : lines(&g);
}

const struct sg_bench_suite sg_bench_suite_sql = {
    "sql", "SELECT, GROUP BY and INSERT of readings against SQLite and PostgreSQL 15", run};
