#include "store-ours.h"

#include <sealgrid/base/random.h>
#include <sealgrid/kvs/service.h>
#include <sealgrid/kvs/store.h>
#include <stdio.h>

#define BUCKET    "metering"
#define VOLUMES   3
#define BATCH_MAX 4096
#define VALUE_MAX 65536
#define WORKERS   16 /* kvsd's default */
#define STOP_MS   1000

struct sg_bench_store {
    struct sg_store *store;
    struct sg_kv_service *service;
    struct sg_http_server *http;
    struct sg_tls_ctx *server_tls, *client_tls;
    char address[32];
};

struct session {
    struct sg_bench_map base;
    struct sg_bench_store *of;
    struct sg_kv *kv;
    struct sg_buf value;
    struct sg_kv_op ops[BATCH_MAX];
};

static struct sg_kv_key key_of(const uint8_t key[SG_BENCH_KEY_LEN])
{
    return (struct sg_kv_key){
        SG_TABLE_READING, SG_BYTES(key, SG_BENCH_CLIENT_LEN),
        SG_BYTES(key + SG_BENCH_CLIENT_LEN, SG_BENCH_KEY_LEN - SG_BENCH_CLIENT_LEN)};
}

static int ours_put(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n)
{
    struct session *s = (struct session *)(void *)m;
    if (n > BATCH_MAX)
        return sg_raise(-EINVAL);
    for (size_t i = 0; i < n; i++)
        s->ops[i] = (struct sg_kv_op){
            .kind = SG_KV_PUT, .key = key_of(rows[i].key), .value = rows[i].value};
    return sg_fold(sg_kv_batch(s->kv, BUCKET, s->ops, n, NULL));
}

static int ours_get(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
                    struct sg_bench_seen *seen)
{
    struct session *s = (struct session *)(void *)m;
    for (size_t i = 0; i < n; i++) {
        sg_buf_reset(&s->value);
        int r = sg_kv_get(s->kv, BUCKET, key_of(rows[i].key), &s->value);
        if (r)
            return sg_fold(r);
        sg_bench_see(seen, s->value.data, s->value.len);
    }
    return 0;
}

static int scan(struct session *s, const struct sg_kv_range *range, struct sg_bench_seen *seen)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *sc = NULL;
    struct sg_bytes sort, value;
    int r = sg_kv_scan_open(&sc, s->kv, BUCKET, range);
    while (r == 0 && (r = sg_kv_scan_next(sc, &sort, &value)) == 0)
        sg_bench_see(seen, value.data, value.len);
    return r == SG_KV_NOT_FOUND ? 0 : sg_fold(r);
}

static int ours_scan(struct sg_bench_map *m, const struct sg_bench_range *range,
                     struct sg_bench_seen *seen)
{
    struct sg_kv_key from = key_of(range->from), until = key_of(range->until);
    return scan((struct session *)(void *)m,
                &(struct sg_kv_range){.table = from.table,
                                      .partition = from.partition,
                                      .from = from.sort,
                                      .until = until.sort},
                seen);
}

/* The table's clients first: a session does one thing at a time. */
static int ours_scan_all(struct sg_bench_map *m, struct sg_bench_seen *seen)
{
    struct session *s = (struct session *)(void *)m;
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *sc = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf clients = SG_BUF_INIT(1u << 24);
    struct sg_bytes client, none;
    int r =
        sg_kv_partitions_open(&sc, s->kv, BUCKET, SG_TABLE_READING, SG_BYTES_NONE, SG_BYTES_NONE);
    while (r == 0 && (r = sg_kv_scan_next(sc, &client, &none)) == 0)
        r = sg_buf_append(&clients, client);
    sg_kv_scan_free(TAKE_PTR(sc));
    r = r == SG_KV_NOT_FOUND ? 0 : sg_fold(r);
    for (size_t at = 0; r == 0 && at < clients.len; at += SG_BENCH_CLIENT_LEN)
        r = scan(
            s,
            &(struct sg_kv_range){.table = SG_TABLE_READING,
                                  .partition = SG_BYTES(clients.data + at, SG_BENCH_CLIENT_LEN)},
            seen);
    return r;
}

static int ours_settle(struct sg_bench_map *m)
{
    return sg_store_checkpoint(((struct session *)(void *)m)->of->store);
}

static void ours_close(struct sg_bench_map *m)
{
    struct session *s = (struct session *)(void *)m;
    sg_kv_free(s->kv);
    sg_buf_clear(&s->value);
    free(s);
}

static const struct sg_bench_map_ops ops = {.put = ours_put,
                                            .get = ours_get,
                                            .scan = ours_scan,
                                            .scan_all = ours_scan_all,
                                            .settle = ours_settle,
                                            .close = ours_close};

static int open_session(struct sg_kv **ret, struct sg_bench_store *s, bool remote)
{
    if (!remote)
        return sg_kv_open_local(ret, s->store);
    struct sg_kv_remote o = {
        .connect = s->address, .tls = s->client_tls, .expect_uri = SG_BENCH_URI};
    return sg_kv_open_remote(ret, &o);
}

int sg_bench_store_map(struct sg_bench_map **ret, struct sg_bench_store *of, bool remote)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->base = (struct sg_bench_map){&ops, remote ? "kvsd, 3 copies" : "sealgrid, 3 copies"};
    s->of = of;
    s->value.max = VALUE_MAX;
    int r = open_session(&s->kv, of, remote);
    if (r) {
        free(s);
        return r;
    }
    *ret = &s->base;
    return 0;
}

static int open_local(void *user, struct sg_kv **ret)
{
    return sg_kv_open_local(ret, user);
}

int sg_bench_store_open(struct sg_bench_store **ret, const char *folder)
{
    static const uint8_t kek[32] = {1}, name_key[32] = {2};
    const struct sg_store_kek keks[] = {{1, SG_BYTES_ARRAY(kek)}};
    const struct sg_store_bucket bucket = {.name = BUCKET,
                                           .policy = "replicas=3",
                                           .keks = keks,
                                           .n_keks = 1,
                                           .name_key = SG_BYTES_ARRAY(name_key)};
    char paths[VOLUMES][4096];
    const char *volumes[VOLUMES];
    for (int i = 0; i < VOLUMES; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/v%d", folder, i);
        volumes[i] = paths[i];
    }
    struct sg_store_options o = {
        .volumes = volumes, .n_volumes = VOLUMES, .buckets = &bucket, .n_buckets = 1};
    sg_random_bytes(o.lease, sizeof(o.lease));
    struct sg_bench_store *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    int r = sg_store_open(&s->store, &o);
    if (r) {
        free(s);
        return sg_fold(r);
    }
    *ret = s;
    return 0;
}

int sg_bench_store_serve(struct sg_bench_store *s, const struct sg_bench_trust *trust)
{
    struct sg_kv_grant grant;
    int r = sg_kv_grant_parse(SG_BENCH_URI " " BUCKET " read,write", &grant);
    struct sg_kv_service_options so = {
        .open = open_local, .user = s->store, .grants = &grant, .n_grants = 1};
    if (r == 0)
        r = sg_bench_trust_context(&s->server_tls, trust, true);
    if (r == 0)
        r = sg_bench_trust_context(&s->client_tls, trust, false);
    if (r == 0)
        r = sg_kv_service_new(&s->service, &so);
    if (r)
        return r;
    struct sg_http_server_options ho = {.listen = "127.0.0.1:0",
                                        .tls = s->server_tls,
                                        .workers = WORKERS,
                                        .body_max = UINT64_C(1) << 30};
    r = sg_http_server_start(&s->http, &ho, sg_kv_service_handle, s->service);
    if (r == 0)
        snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", sg_http_server_port(s->http));
    return r;
}

void sg_bench_store_close(struct sg_bench_store *s)
{
    if (!s)
        return;
    if (s->http)
        sg_http_server_stop(s->http, STOP_MS);
    sg_http_server_free(s->http);
    sg_kv_service_free(s->service);
    sg_store_close(s->store);
    sg_tls_ctx_free(s->server_tls);
    sg_tls_ctx_free(s->client_tls);
    free(s);
}
