#include "sql-ours.h"

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kv.h>
#include <sealgrid/kvs/service.h>
#include <sealgrid/kvs/store.h>
#include <sealgrid/sql/service.h>
#include <stdio.h>

#include "peers/trust.h"
#include "sql-json.h"

#define API_KEY      "bench-key-0123456789abcdefghijklmnopqrstuv"
#define N_PARAMS     (SQL_BATCH * SQL_COLUMNS)
#define BODY_MAX     ((size_t)1 << 20)
#define STORE_COPIES 3

struct sql_ours {
    struct sg_store *store;
    struct sg_kv *kv; /* for loading */
    struct sg_sql_engine *local;
    struct sg_sql *sql;
    /* the deployed form, in the order in which it is made */
    struct sg_bench_trust *trust;
    struct sg_tls_ctx *server_tls, *client_tls;
    struct sg_kv_service *records;
    struct sg_http_server *kvsd;
    char kvsd_at[32], sqld_at[32];
    struct sg_kv_remote remote;
    struct sg_sql_engine *engine;
    struct sg_sql_service *service;
    struct sg_http_server *sqld;
    struct sg_http_client *client;
    /* kept for their storage */
    struct sg_buf body, text[2]; /* text: INSERT of one row and of SQL_BATCH */
    struct sql_json answer;
    struct sg_value params[N_PARAMS];
};

static int refused(const struct sg_sql *c, int r)
{
    if (r <= 0)
        return r;
    fprintf(stderr, "sql: %s\n", sg_sql_error(c)->message);
    return sg_raise(-EIO);
}

/* ---- store ---- */

static int open_store(struct sql_ours *o, const char *folder)
{
    static const uint8_t kek[32] = {1}, name_key[32] = {2};
    char paths[STORE_COPIES][4200];
    const char *volumes[STORE_COPIES];
    for (int i = 0; i < STORE_COPIES; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/v%d", folder, i);
        volumes[i] = paths[i];
    }
    struct sg_store_kek keks[] = {{1, SG_BYTES_ARRAY(kek)}};
    struct sg_store_bucket bucket = {.name = "metering",
                                     .policy = "replicas=3",
                                     .keks = keks,
                                     .n_keks = 1,
                                     .name_key = SG_BYTES_ARRAY(name_key)};
    struct sg_store_options so = {
        .volumes = volumes, .n_volumes = STORE_COPIES, .buckets = &bucket, .n_buckets = 1};
    sg_random_bytes(so.lease, sizeof(so.lease));
    return sg_store_open(&o->store, &so);
}

static int open_local(void *user, struct sg_kv **ret)
{
    return sg_kv_open_local(ret, user);
}

static int open_remote(void *user, struct sg_kv **ret)
{
    const struct sql_ours *o = user;
    return sg_kv_open_remote(ret, &o->remote);
}

static int make_local(struct sql_ours *o)
{
    struct sg_sql_engine_options eo = {.open = open_local, .user = o->store};
    int r = sg_kv_open_local(&o->kv, o->store);
    if (r == 0)
        r = sg_sql_engine_new(&o->local, &eo);
    return r ? r : sg_sql_open(&o->sql, o->local);
}

/* ---- loading ---- */

static void fields_of(const struct sql_row *row, struct sg_value v[SQL_COLUMNS - 2])
{
    for (int c = 2; c < SQL_COLUMNS; c++) {
        int64_t i;
        v[c - 2] = sql_row_column(row, c, &i) ? SG_VAL_INT(i) : SG_VAL_TEXT(SQL_SERIAL);
    }
}

/* The octets of a row, one after the other in b: partition, sort key, value. */
static int encode_row(const struct sql_row *row, struct sg_buf *b, size_t at[3])
{
    struct sg_value v[SQL_COLUMNS - 2];
    fields_of(row, v);
    int r = sg_tuple_key_append(b, &SG_VAL_INT(row->client), 1);
    at[0] = b->len;
    if (r == 0)
        r = sg_tuple_key_append(b, &SG_VAL_INT(row->ts), 1);
    at[1] = b->len;
    if (r == 0)
        r = sg_tuple_value_append(b, v, SQL_COLUMNS - 2);
    at[2] = b->len;
    return r;
}

static int load_rows(struct sql_ours *o, int64_t client, int64_t first, size_t n, struct sg_buf *b,
                     struct sg_kv_op *ops)
{
    struct sql_row row;
    int r = sg_buf_reserve(b, n * 512); /* so that nothing moves */
    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t from = b->len, at[3];
        sql_row_make(client, first + (int64_t)i, &row);
        r = encode_row(&row, b, at);
        ops[i] = (struct sg_kv_op){.kind = SG_KV_INSERT,
                                   .key = {SG_TABLE_READING, SG_BYTES(b->data + from, at[0] - from),
                                           SG_BYTES(b->data + at[0], at[1] - at[0])},
                                   .value = SG_BYTES(b->data + at[1], at[2] - at[1])};
    }
    return r ? r : sg_fold(sg_kv_batch(o->kv, "metering", ops, n, NULL));
}

int sql_ours_load(struct sql_ours *o, int64_t client, int64_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT((size_t)16 << 20);
    SG_FREE struct sg_kv_op *ops = calloc(SQL_CLIENT_ROWS, sizeof(*ops));
    int r = ops ? 0 : sg_raise(-ENOMEM);
    for (int64_t seq = 1; r == 0 && seq <= n; seq += SQL_CLIENT_ROWS) {
        int64_t left = n - seq + 1;
        sg_buf_reset(&b);
        r = load_rows(o, client, seq, (size_t)(left < SQL_CLIENT_ROWS ? left : SQL_CLIENT_ROWS), &b,
                      ops);
    }
    return r;
}

/* ---- services ---- */

static int start_kvsd(struct sql_ours *o)
{
    struct sg_kv_grant grant;
    int r = sg_kv_grant_parse(SG_BENCH_URI " metering read,write", &grant);
    struct sg_kv_service_options ko = {
        .open = open_local, .user = o->store, .grants = &grant, .n_grants = 1};
    if (r == 0)
        r = sg_kv_service_new(&o->records, &ko);
    struct sg_http_server_options so = {
        .listen = "127.0.0.1:0", .tls = o->server_tls, .body_max = UINT64_C(64) << 20};
    if (r == 0)
        r = sg_http_server_start(&o->kvsd, &so, sg_kv_service_handle, o->records);
    if (r)
        return r;
    snprintf(o->kvsd_at, sizeof(o->kvsd_at), "127.0.0.1:%u", sg_http_server_port(o->kvsd));
    o->remote = (struct sg_kv_remote){
        .connect = o->kvsd_at, .tls = o->client_tls, .expect_uri = SG_BENCH_URI};
    return 0;
}

static int start_sqld(struct sql_ours *o)
{
    struct sg_sql_engine_options eo = {.open = open_remote, .user = o};
    struct sg_sql_grant grant;
    struct sg_api_key key = {"bench", SG_BYTES_LIT(API_KEY)};
    int r = sg_sql_grant_parse("key:bench admin", &grant);
    if (r == 0)
        r = sg_sql_engine_new(&o->engine, &eo);
    struct sg_sql_service_options qo = {
        .engine = o->engine, .grants = &grant, .n_grants = 1, .api_keys = &key, .n_api_keys = 1};
    if (r == 0)
        r = sg_sql_service_new(&o->service, &qo);
    struct sg_http_server_options so = {.listen = "127.0.0.1:0", .tls = o->server_tls};
    if (r == 0)
        r = sg_http_server_start(&o->sqld, &so, sg_sql_service_handle, o->service);
    if (r)
        return r;
    snprintf(o->sqld_at, sizeof(o->sqld_at), "127.0.0.1:%u", sg_http_server_port(o->sqld));
    return 0;
}

static int start_services(struct sql_ours *o, const char *folder)
{
    int r = sg_bench_trust_new(&o->trust, folder);
    if (r == 0)
        r = sg_bench_trust_context(&o->server_tls, o->trust, true);
    if (r == 0)
        r = sg_bench_trust_context(&o->client_tls, o->trust, false);
    if (r == 0)
        r = start_kvsd(o);
    if (r == 0)
        r = start_sqld(o);
    struct sg_http_client_options ho = {
        .connect = o->sqld_at, .tls = o->client_tls, .expect_uri = SG_BENCH_URI};
    return r ? r : sg_http_client_new(&o->client, &ho);
}

/* "INSERT INTO reading VALUES (?,...),(...)" */
static int make_insert(struct sg_buf *b, size_t rows)
{
    int r = sg_buf_printf(b, "INSERT INTO reading VALUES ");
    for (size_t i = 0; r == 0 && i < rows * SQL_COLUMNS; i++) {
        size_t c = i % SQL_COLUMNS;
        r = sg_buf_printf(b, "%s?%s", c ? "," : i ? ",(" : "(", c + 1 == SQL_COLUMNS ? ")" : "");
    }
    return r;
}

int sql_ours_open(struct sql_ours **ret, const char *folder)
{
    SG_CLEANUP(sql_ours_closep) struct sql_ours *o = calloc(1, sizeof(*o));
    if (!o)
        return sg_raise(-ENOMEM);
    o->body.max = o->text[0].max = o->text[1].max = BODY_MAX;
    int r = open_store(o, folder);
    if (r == 0)
        r = make_local(o);
    if (r == 0)
        r = start_services(o, folder);
    if (r == 0)
        r = make_insert(&o->text[0], 1);
    if (r == 0)
        r = make_insert(&o->text[1], SQL_BATCH);
    if (r == 0)
        *ret = TAKE_PTR(o);
    return r;
}

static void stop_server(struct sg_http_server *s)
{
    if (s)
        sg_http_server_stop(s, 1000);
    sg_http_server_free(s);
}

void sql_ours_close(struct sql_ours *o)
{
    if (!o)
        return;
    sg_http_client_free(o->client);
    stop_server(o->sqld);
    sg_sql_service_free(o->service);
    sg_sql_engine_free(o->engine);
    stop_server(o->kvsd);
    sg_kv_service_free(o->records);
    sg_tls_ctx_free(o->client_tls);
    sg_tls_ctx_free(o->server_tls);
    sg_bench_trust_free(o->trust);
    sg_sql_close(o->sql);
    sg_sql_engine_free(o->local);
    sg_kv_free(o->kv);
    sg_store_close(o->store);
    sg_buf_clear(&o->body);
    sg_buf_clear(&o->text[0]);
    sg_buf_clear(&o->text[1]);
    sql_json_clear(&o->answer);
    free(o);
}

/* ---- in process ---- */

static void add_row(struct sg_sql *c, size_t n, struct sql_tally *t)
{
    for (size_t i = 0; i < n; i++) {
        struct sg_value v = sg_sql_value(c, i);
        t->sum += v.type == SG_INTEGER ? (uint64_t)v.i : v.bytes.len;
    }
    t->rows++;
}

static int local_ask(void *ctx, enum sql_ask what, int64_t client, int64_t ts, struct sql_tally *t)
{
    struct sql_ours *o = ctx;
    int64_t param[3];
    struct sg_value v[3];
    int n = sql_params(what, client, ts, param);
    for (int i = 0; i < n; i++)
        v[i] = SG_VAL_INT(param[i]);
    struct sg_sql_query q = {
        .sql = sg_bytes_str(sql_text(what)), .params = v, .n_params = (size_t)n};
    int r = sg_sql_begin(o->sql, &q);
    size_t columns = sg_sql_columns(o->sql);
    for (; r == 0; r = sg_sql_next(o->sql))
        add_row(o->sql, columns, t);
    sg_sql_end(o->sql);
    return r == SG_SQL_DONE ? 0 : refused(o->sql, r);
}

static int local_insert(void *ctx, const struct sql_row *rows, size_t n)
{
    struct sql_ours *o = ctx;
    if (n != 1 && n != SQL_BATCH)
        return sg_raise(-EINVAL);
    for (size_t i = 0; i < n * SQL_COLUMNS; i++) {
        int64_t v;
        o->params[i] = sql_row_column(&rows[i / SQL_COLUMNS], (int)(i % SQL_COLUMNS), &v)
                           ? SG_VAL_INT(v)
                           : SG_VAL_TEXT(SQL_SERIAL);
    }
    struct sg_sql_query q = {.sql = sg_buf_bytes(&o->text[n > 1]),
                             .params = o->params,
                             .n_params = n * SQL_COLUMNS,
                             .role = SG_SQL_ADMIN};
    int r = sg_sql_begin(o->sql, &q);
    sg_sql_end(o->sql);
    return r == SG_SQL_DONE ? 0 : refused(o->sql, r);
}

/* ---- over HTTPS ---- */

static int send_request(struct sql_ours *o)
{
    static const struct sg_http_field fields[] = {{"Authorization", "Bearer " API_KEY},
                                                  {"Content-Type", "application/json"}};
    int status, r = sg_http_call_begin(o->client, "POST", "/v1/sql", fields, 2,
                                       sg_buf_bytes(&o->body), &status);
    if (r == 0 && status != 200)
        r = sg_raisef(-EIO, "status %d", status);
    return r > 0 ? sg_raisef(-EIO, "no answer") : r;
}

static int read_answer(struct sql_ours *o)
{
    size_t n = 1;
    int r = 0;
    sql_json_begin(&o->answer);
    while (r == 0 && n) {
        uint8_t *room;
        r = sql_json_room(&o->answer, &room);
        if (r == 0)
            r = sg_http_call_read(o->client, room, SQL_JSON_PIECE, &n);
        if (r == 0)
            r = sql_json_took(&o->answer, n);
    }
    sg_http_call_end(o->client);
    return r > 0 ? sg_raisef(-EIO, "answer is cut") : r;
}

static int https_ask(void *ctx, enum sql_ask what, int64_t client, int64_t ts, struct sql_tally *t)
{
    struct sql_ours *o = ctx;
    int64_t param[3];
    int n = sql_params(what, client, ts, param);
    sg_buf_reset(&o->body);
    int r = sg_buf_printf(&o->body, "{\"sql\":\"%s\",\"params\":[", sql_text(what));
    for (int i = 0; r == 0 && i < n; i++)
        r = sg_buf_printf(&o->body, "%s%lld", i ? "," : "", (long long)param[i]);
    if (r == 0)
        r = sg_buf_printf(&o->body, "]}");
    if (r == 0)
        r = send_request(o);
    if (r == 0)
        r = read_answer(o);
    if (r == 0)
        r = sql_json_end(&o->answer);
    t->rows += o->answer.tally.rows;
    t->sum += o->answer.tally.sum;
    return r;
}

/* A number as decimal text, as fast as a client can. */
static int put_int(struct sg_buf *b, int64_t v)
{
    uint8_t text[24], *at = text + sizeof(text);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--at = (uint8_t)('0' + u % 10);
    while ((u /= 10) != 0);
    if (v < 0)
        *--at = '-';
    return sg_buf_append(b, SG_BYTES(at, (size_t)(text + sizeof(text) - at)));
}

static int put_param(struct sg_buf *b, const struct sql_row *row, int c)
{
    int64_t v;
    return sql_row_column(row, c, &v) ? put_int(b, v)
                                      : sg_buf_append(b, SG_BYTES_LIT("\"" SQL_SERIAL "\""));
}

/* The document that says how many rows were written: {"columns":[],"rows":[],"rowcount":N}. */
static int check_written(const struct sql_ours *o, size_t n)
{
    char wanted[32];
    size_t len = (size_t)snprintf(wanted, sizeof(wanted), "],\"rowcount\":%zu}", n);
    const struct sg_buf *in = &o->answer.in;
    if (o->answer.at != SQL_JSON_TAIL || in->len < len || memcmp(in->data, wanted, len) != 0)
        return sg_raisef(-EBADMSG, "rows were not written");
    return 0;
}

static int https_insert(void *ctx, const struct sql_row *rows, size_t n)
{
    struct sql_ours *o = ctx;
    if (n != 1 && n != SQL_BATCH)
        return sg_raise(-EINVAL);
    sg_buf_reset(&o->body);
    int r = sg_buf_printf(&o->body, "{\"sql\":\"");
    if (r == 0)
        r = sg_buf_append(&o->body, sg_buf_bytes(&o->text[n > 1]));
    if (r == 0)
        r = sg_buf_printf(&o->body, "\",\"params\":[");
    for (size_t i = 0; r == 0 && i < n * SQL_COLUMNS; i++) {
        r = i ? sg_buf_append_u8(&o->body, ',') : 0;
        if (r == 0)
            r = put_param(&o->body, &rows[i / SQL_COLUMNS], (int)(i % SQL_COLUMNS));
    }
    if (r == 0)
        r = sg_buf_printf(&o->body, "]}");
    if (r == 0)
        r = send_request(o);
    if (r == 0)
        r = read_answer(o);
    return r ? r : check_written(o, n);
}

/* ---- targets ---- */

struct sql_target sql_ours_local(struct sql_ours *o)
{
    return (struct sql_target){local_ask, local_insert, o};
}

struct sql_target sql_ours_https(struct sql_ours *o)
{
    return (struct sql_target){https_ask, https_insert, o};
}
