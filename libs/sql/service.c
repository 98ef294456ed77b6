#include <sealgrid/sql/service.h>

#include <pthread.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/metrics.h>

#include "access-int.h"
#include "sql-int.h"

#define BODY_MAX_DEFAULT   ((size_t)8 << 20)
#define TIMEOUT_DEFAULT_MS 60000
#define SLOW_DEFAULT_MS    5000
#define RESULTS_MAX        ((size_t)256 << 10)

struct connection {
    struct sg_sql *sql;
    struct connection *next;
};

struct sg_sql_service {
    struct sg_sql_engine *engine;
    struct sg_callers *callers;
    struct sg_sql_access *access;
    size_t body_max;
    int64_t timeout_ms, slow_ms;
    pthread_mutex_t lock; /* over idle */
    struct connection *idle;
};

/* ---- metrics ---- */

static struct sg_metric statements = {.name = "sealgrid_sqld_statements_total",
                                      .help = "requests that named a statement"};
static struct sg_metric refused = {.name = "sealgrid_sqld_refused_total",
                                   .help = "requests answered with an error"};
static struct sg_metric failed = {.name = "sealgrid_sqld_failed_total",
                                  .help = "errors that are ours or the store's (5xx)"};
static struct sg_metric rows_sent = {.name = "sealgrid_sqld_rows_total", .help = "rows sent"};
static struct sg_metric busy_us = {.name = "sealgrid_sqld_busy_microseconds_total",
                                   .help = "time spent on statements"};

static void register_metrics(void)
{
    sg_metric_register(&statements);
    sg_metric_register(&refused);
    sg_metric_register(&failed);
    sg_metric_register(&rows_sent);
    sg_metric_register(&busy_us);
}

static pthread_once_t metrics_once = PTHREAD_ONCE_INIT;

/* ---- connections ---- */

static void connection_free(struct connection *c)
{
    if (!c)
        return;
    sg_sql_close(c->sql);
    free(c);
}
SG_DEFINE_FREEP(struct connection, connection_free)

static int connection_take(struct sg_sql_service *s, struct connection **ret)
{
    pthread_mutex_lock(&s->lock);
    struct connection *idle = s->idle;
    if (idle)
        s->idle = idle->next;
    pthread_mutex_unlock(&s->lock);
    if (idle) {
        *ret = idle;
        return 0;
    }
    SG_CLEANUP(connection_freep) struct connection *c = calloc(1, sizeof(*c));
    int r = c ? sg_sql_open(&c->sql, s->engine) : sg_raise(-ENOMEM);
    if (r)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

static void connection_give_back(struct sg_sql_service *s, struct connection *c)
{
    sg_sql_transaction_rollback(c->sql);
    pthread_mutex_lock(&s->lock);
    c->next = s->idle;
    s->idle = c;
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

void sg_sql_service_free(struct sg_sql_service *s)
{
    if (!s)
        return;
    while (s->idle) {
        struct connection *next = s->idle->next;
        connection_free(s->idle);
        s->idle = next;
    }
    sg_sql_access_free(s->access);
    sg_callers_free(s->callers);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int sg_sql_service_new(struct sg_sql_service **ret, const struct sg_sql_service_options *o)
{
    SG_CLEANUP(sg_sql_service_freep) struct sg_sql_service *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    pthread_once(&metrics_once, register_metrics);
    pthread_mutex_init(&s->lock, NULL);
    s->engine = o->engine;
    s->body_max = o->body_max ? o->body_max : BODY_MAX_DEFAULT;
    s->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_DEFAULT_MS;
    s->slow_ms = o->slow_ms ? o->slow_ms : SLOW_DEFAULT_MS;
    int r = sg_callers_new(&s->callers, o->api_keys, o->n_api_keys);
    if (r == 0)
        r = sg_sql_access_new(&s->access, o);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

/* ---- one exchange ---- */

struct call {
    struct sg_sql_service *s;
    struct sg_http_exchange *x;
    struct sg_sql *c;
    enum sg_sql_role role;
    int64_t begun_ns;
    bool started; /* part of the result has gone out */
    uint64_t rows;
};

static int64_t elapsed_ms(const struct call *k)
{
    return (sg_clock_monotonic_ns() - k->begun_ns) / 1000000;
}

/* Errors that are not the client's go into the log, without their message. */
static void count_refusal(const struct sg_sql_error *e)
{
    sg_metric_add(&refused, 1);
    if (sg_sql_code_status(e->code) < 500)
        return;
    sg_metric_add(&failed, 1);
    sg_log(SG_LOG_WARN, "statement.failed", SG_STR("code", sg_sql_code_name(e->code)),
           SG_STR("trace", sg_error_trace()));
}

static int reply_refusal(struct call *k, const struct sg_sql_error *e)
{
    count_refusal(e);
    return sg_http_reply_error(k->x, sg_sql_code_status(e->code), sg_sql_code_state(e->code),
                               e->message);
}

static int reply_code(struct call *k, enum sg_sql_code code, const char *message)
{
    struct sg_sql_error e = {0};
    (void)sg_sql_refuse(&e, code, "%s", message);
    return reply_refusal(k, &e);
}

static int write_piece(void *user, struct sg_bytes piece)
{
    struct call *k = user;
    int r = 0;
    if (!k->started)
        r = sg_http_reply_begin(k->x, 200, "application/json");
    k->started = true;
    return r ? r : sg_http_reply_write(k->x, piece);
}

static struct sg_sql_query query_of(const struct call *k, const struct sg_sql_statement *st)
{
    int64_t left = k->s->timeout_ms - elapsed_ms(k);
    return (struct sg_sql_query){.sql = st->sql,
                                 .params = st->params,
                                 .n_params = st->n_params,
                                 .role = k->role,
                                 .timeout_ms = left > 0 ? left : 1};
}

static int run_single(struct call *k, const struct sg_sql_request *q)
{
    struct sg_sql_query query = query_of(k, sg_sql_request_statement(q, 0));
    struct sg_sql_writer w = {write_piece, k};
    bool started;
    int r = sg_sql_write_result(k->c, &query, &w, &started, &k->rows);
    if (r == SG_SQL_REFUSED && !started)
        return reply_refusal(k, sg_sql_error(k->c));
    if (r == SG_SQL_REFUSED)
        count_refusal(sg_sql_error(k->c));
    return r < 0 ? r : sg_http_reply_end(k->x);
}

/* ---- transactions ---- */

static int run_statement(struct call *k, const struct sg_sql_statement *st, uint64_t *ret_count)
{
    struct sg_sql_query query = query_of(k, st);
    uint64_t n = 0;
    int r = sg_sql_begin(k->c, &query);
    bool has_rows = sg_sql_columns(k->c) > 0;
    for (; r == 0; r = sg_sql_next(k->c))
        n++;
    *ret_count = has_rows ? n : (uint64_t)sg_sql_changes(k->c);
    sg_sql_end(k->c);
    return r == SG_SQL_DONE ? 0 : r;
}

static int run_all(struct call *k, const struct sg_sql_request *q, struct sg_json *j)
{
    int r = sg_sql_transaction_begin(k->c);
    for (size_t i = 0; r == 0 && i < sg_sql_request_statements(q); i++) {
        uint64_t count = 0;
        r = run_statement(k, sg_sql_request_statement(q, i), &count);
        sg_json_object(j);
        sg_json_key(j, "rowcount");
        sg_json_uint(j, count);
        sg_json_end_object(j);
    }
    return r ? r : sg_sql_transaction_commit(k->c);
}

static int run_transaction(struct call *k, const struct sg_sql_request *q)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(RESULTS_MAX);
    struct sg_json j;
    sg_json_init(&j, &body);
    sg_json_object(&j);
    sg_json_key(&j, "results");
    sg_json_array(&j);
    int r = run_all(k, q, &j);
    if (r == SG_SQL_REFUSED)
        return reply_refusal(k, sg_sql_error(k->c));
    if (r)
        return r;
    sg_json_end_array(&j);
    sg_json_end_object(&j);
    r = sg_json_done(&j);
    return r ? r : sg_http_reply(k->x, 200, "application/json", sg_buf_bytes(&body));
}

/* ---- requests ---- */

static int run_request(struct call *k, const struct sg_sql_request *q)
{
    struct connection *c;
    int r = connection_take(k->s, &c);
    if (r)
        return r;
    k->c = c->sql;
    r = sg_sql_request_is_transaction(q) ? run_transaction(k, q) : run_single(k, q);
    connection_give_back(k->s, c);
    int64_t ms = elapsed_ms(k);
    sg_metric_add(&statements, 1);
    sg_metric_add(&rows_sent, (int64_t)k->rows);
    sg_metric_add(&busy_us, (sg_clock_monotonic_ns() - k->begun_ns) / 1000);
    if (ms >= k->s->slow_ms)
        sg_log(SG_LOG_INFO, "statement.slow", SG_INT("ms", ms), SG_UINT("rows", k->rows));
    return r;
}

static int handle_sql(struct call *k)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(k->s->body_max);
    SG_CLEANUP(sg_sql_request_freep) struct sg_sql_request *q = NULL;
    struct sg_sql_error e = {0};
    int r = sg_http_read_all(k->x, k->s->body_max, &body);
    if (r > 0)
        return 0; /* settled: 413, 400 or nobody left */
    if (r < 0)
        return r;
    k->begun_ns = sg_clock_monotonic_ns();
    r = sg_sql_request_decode(sg_buf_bytes(&body), &q, &e);
    if (r == SG_SQL_REFUSED)
        return reply_refusal(k, &e);
    return r ? r : run_request(k, q);
}

int sg_sql_service_handle(void *service, struct sg_http_exchange *x)
{
    struct call k = {.s = service, .x = x};
    char who[SG_CALLER_MAX];
    if (strcmp(sg_http_path(x), "/v1/sql") != 0)
        return sg_http_reply_error(x, 404, "not_found", "the only path is /v1/sql");
    if (strcmp(sg_http_method(x), "POST") != 0)
        return sg_http_reply_error(x, 405, "method", "the method is POST");
    if (sg_callers_of(k.s->callers, x, who) != 0)
        return reply_code(&k, SG_SQL_ERR_unauthenticated,
                          "want an API key (Authorization: Bearer) or a service certificate");
    if (sg_sql_access_role(k.s->access, who, &k.role) != 0)
        return reply_code(&k, SG_SQL_ERR_denied, "nothing is granted to this key or identity");
    return handle_sql(&k);
}
