/* Reads the whole fleet back through SQL and compares every column with the model. */
#include "modes.h"
#include "verify-rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/net/http.h>

#define BODY_MAX    8192
#define API_KEY_MAX 1024
#define SQL_URI     "spiffe://sealgrid/sqld"

struct verify {
    const struct sim_options *o;
    struct sim_fleet fleet;
    struct sg_cert *ca;
    struct sg_buf authorization; /* "Bearer ...", NUL-terminated, secret */
    uint32_t meters;
    atomic_uint next;
    atomic_ullong clients, rows, mismatches;
    atomic_int failure;
};

/* ---- expected rows of one meter ------------------------------------------------------------- */

struct expected {
    const struct sim_fleet *fleet;
    uint32_t meter;
    int64_t client_id;
    struct sg_model_day day;
    uint32_t k; /* next in the day */
    char serial[SG_BLOCK_SERIAL_MAX + 1];
};

static bool next_expected(void *user, struct sim_expected *ret)
{
    struct expected *x = user;
    struct sg_reading r;
    const struct sg_model *m = x->fleet->model;
    if (x->k == sg_model_per_day(m)) {
        if (x->day.day + 1 >= x->fleet->params.days)
            return false;
        sg_model_next_day(m, &x->day);
        x->k = 0;
    }
    sg_model_reading(m, &x->day, x->k++, &r);
    ret->value[0] = x->client_id;
    ret->value[1] = r.ts_s;
    ret->value[3] = (int64_t)r.seq;
    memcpy(&ret->value[4], r.field, sizeof(r.field));
    ret->value[SIM_COLUMNS - 1] = SG_ORIGIN_METROLOGY;
    return true;
}

/* A demonstration's report on the operator's terminal: meter number, not identity. */
static void differs(void *user, uint64_t row, const char *column, const char *got)
{
    const struct expected *x = user;
    fprintf(stderr, "meter %u, row %llu: %s is %s\n", x->meter, (unsigned long long)row, column,
            got);
}

static void begin_expected(struct expected *x, const struct sim_fleet *f, uint32_t meter)
{
    x->fleet = f;
    x->meter = meter;
    x->client_id = sim_client_id(&f->params, meter);
    x->k = 0;
    sim_serial(&f->params, meter, x->serial);
    sg_model_day(f->model, meter, 0, &x->day);
}

/* ---- one question --------------------------------------------------------------------------- */

static int make_question(const struct verify *v, int64_t client_id, struct sg_buf *b)
{
    int r = sg_buf_printf(b, "{\"sql\":\"SELECT ");
    for (size_t i = 0; r == 0 && i < SIM_COLUMNS; i++)
        r = sg_buf_printf(b, "%s%s", i ? "," : "", sim_column_names[i]);
    return r ? r
             : sg_buf_printf(b, " FROM %s WHERE client_id = ? ORDER BY ts\",\"params\":[%lld]}",
                             v->o->table, (long long)client_id);
}

static int stream_answer(struct sg_http_client *c, struct sim_rows *rows)
{
    for (;;) {
        uint8_t *p;
        size_t n, room = sim_rows_room(rows, &p);
        if (room == 0)
            return sg_raisef(-EBADMSG, "a row too long");
        int r = sg_http_call_read(c, p, room, &n);
        if (r)
            return sg_fold(r);
        r = n == 0 ? sim_rows_end(rows) : sim_rows_advance(rows, n);
        if (r > 0)
            return sg_raisef(-EBADMSG, r == SIM_ROWS_ERROR ? "the service ended with an error"
                                                           : "not the answer that was asked for");
        if (r || n == 0)
            return r;
    }
}

/* The start of an error document, for the operator. */
static int refused(struct sg_http_client *c, int status)
{
    char text[512];
    size_t n = 0;
    if (sg_http_call_read(c, text, sizeof(text) - 1, &n) != 0)
        n = 0;
    text[n] = 0;
    return sg_raisef(-EPROTO, "status %d: %s", status, text);
}

static int ask(struct verify *v, struct sg_http_client *c, struct sim_rows *rows, uint32_t meter)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(BODY_MAX);
    const struct sg_http_field fields[] = {
        {"Authorization", (const char *)v->authorization.data},
        {"Content-Type", "application/json"},
    };
    struct expected x;
    int status;
    begin_expected(&x, &v->fleet, meter);
    const struct sim_rows_source source = {next_expected, x.serial, differs, &x};
    sim_rows_begin(rows, &source);
    int r = make_question(v, x.client_id, &body);
    if (r == 0)
        r = sg_http_call_begin(c, "POST", "/v1/sql", fields, v->authorization.len ? 2 : 0,
                               sg_buf_bytes(&body), &status);
    if (r)
        return sg_fold(r);
    r = status == 200 ? stream_answer(c, rows) : refused(c, status);
    sg_http_call_end(c);
    if (r)
        return r;
    atomic_fetch_add(&v->clients, 1);
    atomic_fetch_add(&v->rows, sim_rows_count(rows));
    atomic_fetch_add(&v->mismatches, sim_rows_mismatches(rows));
    return 0;
}

/* ---- connections ---------------------------------------------------------------------------- */

static int open_client(const struct verify *v, struct sg_tls_ctx **ret_tls,
                       struct sg_http_client **ret)
{
    struct sg_cert *const roots[] = {v->ca};
    const struct sg_tls_identity id = {.roots = roots, .n_roots = 1};
    int r = sg_tls_ctx_new(ret_tls, &id, false, SG_TLS_PEER_REQUIRED);
    if (r)
        return r;
    const struct sg_http_client_options o = {
        .connect = v->o->verify_sql, .tls = *ret_tls, .expect_uri = SQL_URI};
    return sg_http_client_new(ret, &o);
}

static int ask_in_turn(struct verify *v)
{
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    struct sim_rows *rows = NULL;
    int r = open_client(v, &tls, &c);
    if (r == 0)
        r = sim_rows_new(&rows);
    while (r == 0 && atomic_load(&v->failure) == 0) {
        const unsigned meter = atomic_fetch_add(&v->next, 1);
        if (meter >= v->meters)
            break;
        r = ask(v, c, rows, meter);
    }
    sim_rows_free(rows);
    return r;
}

static void *worker(void *user)
{
    struct verify *v = user;
    int r = ask_in_turn(v);
    if (r) {
        fprintf(stderr, "sealgrid-sim: %s\n", sg_error_trace());
        atomic_store(&v->failure, r);
    }
    return NULL;
}

static void run_workers(struct verify *v)
{
    pthread_t thread[16];
    int64_t started = 0;
    while (started < v->o->connections && pthread_create(&thread[started], NULL, worker, v) == 0)
        started++;
    if (started == 0)
        worker(v);
    while (started > 0)
        pthread_join(thread[--started], NULL);
}

static int load_secrets(struct verify *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT_SECRET(API_KEY_MAX);
    if (!v->o->ca)
        return sg_raisef(-EINVAL, "--ca is needed");
    int r = sg_file_read(v->o->ca, &pem);
    if (r == 0)
        r = sg_cert_load(&v->ca, sg_buf_bytes(&pem));
    if (r || !v->o->api_key_file)
        return r;
    r = sg_file_read(v->o->api_key_file, &key);
    while (key.len > 0 && key.data[key.len - 1] <= ' ')
        key.len--;
    if (r == 0)
        r = sg_buf_append(&v->authorization, SG_BYTES_LIT("Bearer "));
    if (r == 0)
        r = sg_buf_append(&v->authorization, sg_buf_bytes(&key));
    return r ? r : sg_buf_append_u8(&v->authorization, 0);
}

static void clear_verify(struct verify *v)
{
    sim_fleet_clear(&v->fleet);
    sg_cert_freep(&v->ca);
    sg_buf_clear(&v->authorization);
}

int sim_verify(const struct sim_options *o, bool *ret_ok)
{
    SG_CLEANUP(clear_verify)
    struct verify v = {.o = o, .authorization = SG_BUF_INIT_SECRET(API_KEY_MAX + 16)};
    struct sim_report report = {.mode = "verify"};
    const int64_t begun = sg_clock_monotonic_ns();
    int r = sim_fleet_open(&v.fleet, o->fleet);
    if (r == 0)
        r = load_secrets(&v);
    if (r)
        return r;
    v.meters = (uint32_t)v.fleet.params.meters;
    if (o->only_meters && o->only_meters < v.meters)
        v.meters = (uint32_t)o->only_meters;
    run_workers(&v);
    report.clients = v.clients;
    report.rows = v.rows;
    report.mismatches = v.mismatches;
    report.meters = v.meters;
    report.seconds = (double)(sg_clock_monotonic_ns() - begun) / 1e9;
    report.ok = *ret_ok = !v.failure && !v.mismatches && v.clients == v.meters;
    fprintf(stderr, "%llu rows of %llu clients compared in %.1f s, %llu differ\n",
            (unsigned long long)report.rows, (unsigned long long)report.clients, report.seconds,
            (unsigned long long)report.mismatches);
    return sim_report_write(&report, o->json);
}
