/*
 * sql bench - `SELECT * FROM reading WHERE client_id = ?` (43 columns) and other statements, rows a
 * second, at each layer: tables over plain memory, over the sealed store in process, and end to
 * end: HTTPS client, SQL service, record service over HTTPS, sealed store, all in this one process.
 *   bench-sql DIR [CLIENTS]     DIR: empty folder for the store's volumes; default 20 clients
 */
#include <inttypes.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kvs/memory.h>
#include <sealgrid/kvs/service.h>
#include <sealgrid/kvs/store.h>
#include <sealgrid/sql/service.h>
#include <stdio.h>

#define ROWS         2880 /* a client's: 30 days of 15 minutes */
#define FIELDS       41   /* meter_serial, seq, 38 quantities, origin */
#define FIRST_CLIENT INT64_C(3000000001)
#define FIRST_TS     INT64_C(1788232500)
#define API_KEY      "bench-key-0123456789abcdefghijklmnopqrstuv"

static int64_t clients = 20;

static void must(int r, const char *what)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s: %d %s\n", what, r, sg_error_trace());
    exit(2);
}

/* ---- rows ---- */

static void make_fields(struct sg_prng *p, int64_t seq, struct sg_value v[FIELDS])
{
    v[0] = SG_VAL_TEXT("12345678");
    v[1] = SG_VAL_INT(seq);
    for (int i = 2; i < FIELDS - 1; i++)
        v[i] = SG_VAL_INT((int64_t)sg_prng_below(p, i < 5 ? 230000 : 3000) - (i % 3 ? 0 : 200));
    v[FIELDS - 2] = (struct sg_value){.type = SG_NULL};
    v[FIELDS - 1] = SG_VAL_INT(0);
}

static void fill_client(struct sg_kv *kv, struct sg_prng *p, int64_t client)
{
    static struct sg_kv_op ops[ROWS];
    static struct sg_buf octets = SG_BUF_INIT(16 << 20);
    struct sg_value v[FIELDS];
    size_t at[2 * ROWS + 1];
    sg_buf_reset(&octets);
    must(sg_tuple_key_append(&octets, &SG_VAL_INT(client), 1), "key");
    size_t partition_len = octets.len;
    for (int i = 0; i < ROWS; i++) {
        at[2 * i] = octets.len;
        must(sg_tuple_key_append(&octets, &SG_VAL_INT(FIRST_TS + 900 * i), 1), "key");
        at[2 * i + 1] = octets.len;
        make_fields(p, i + 1, v);
        must(sg_tuple_value_append(&octets, v, FIELDS), "value");
    }
    at[2 * ROWS] = octets.len;
    for (int i = 0; i < ROWS; i++)
        ops[i] = (struct sg_kv_op){
            .kind = SG_KV_INSERT,
            .key = {SG_TABLE_READING, SG_BYTES(octets.data, partition_len),
                    SG_BYTES(octets.data + at[2 * i], at[2 * i + 1] - at[2 * i])},
            .value = SG_BYTES(octets.data + at[2 * i + 1], at[2 * i + 2] - at[2 * i + 1])};
    must(sg_kv_batch(kv, "metering", ops, ROWS, NULL), "batch");
}

static void fill(struct sg_kv *kv)
{
    struct sg_prng p;
    sg_prng_seed(&p, 1);
    for (int64_t i = 0; i < clients; i++)
        fill_client(kv, &p, FIRST_CLIENT + i);
}

/* ---- statements on an engine ---- */

static int count_octets(void *user, struct sg_bytes piece)
{
    *(uint64_t *)user += piece.len;
    return 0;
}

static void report(const char *layer, const char *what, uint64_t rows, uint64_t octets, int64_t ns,
                   int64_t cpu_ns)
{
    double s = (double)ns / 1e9;
    printf("%-8s %-34s %9.0f rows/s %8.1f MB/s  cpu %.2f us/row\n", layer, what, (double)rows / s,
           (double)octets / 1e6 / s, (double)cpu_ns / 1e3 / (double)rows);
}

static const struct {
    const char *what, *sql;
    bool each; /* once a client, with its id */
    int repeat;
} jobs[] = {
    {"SELECT * of a client", "SELECT * FROM reading WHERE client_id = ?", true, 1},
    {"3 columns of a client",
     "SELECT ts, active_power, interval_energy FROM reading WHERE client_id = ?", true, 2},
    {"SELECT * of all", "SELECT * FROM reading", false, 1},
    {"count and sum by client",
     "SELECT client_id, count(*), sum(active_power) FROM reading GROUP BY client_id", false, 2},
};

static uint64_t run_job(struct sg_sql *c, size_t job, uint64_t *octets)
{
    struct sg_sql_writer w = {count_octets, octets};
    uint64_t total = 0, rows;
    bool started;
    for (int64_t i = 0; i < (jobs[job].each ? clients : 1); i++) {
        struct sg_value id = SG_VAL_INT(FIRST_CLIENT + i);
        struct sg_sql_query q = {
            .sql = sg_bytes_str(jobs[job].sql), .params = &id, .n_params = jobs[job].each ? 1 : 0};
        must(sg_sql_write_result(c, &q, &w, &started, &rows), jobs[job].what);
        total += jobs[job].each ? rows : (uint64_t)(clients * ROWS);
    }
    return total;
}

static void run_jobs(const char *layer, struct sg_sql_engine *e)
{
    SG_CLEANUP(sg_sql_closep) struct sg_sql *c = NULL;
    must(sg_sql_open(&c, e), "open");
    for (size_t job = 0; job < sizeof(jobs) / sizeof(jobs[0]); job++) {
        uint64_t octets = 0, rows = 0;
        int64_t begun = sg_clock_monotonic_ns(), cpu = sg_clock_cpu_ns();
        for (int i = 0; i < jobs[job].repeat; i++)
            rows += run_job(c, job, &octets);
        report(layer, jobs[job].what, rows, octets, sg_clock_monotonic_ns() - begun,
               sg_clock_cpu_ns() - cpu);
    }
}

static int open_memory(void *user, struct sg_kv **ret)
{
    return sg_kv_open_memory(ret, user);
}

static int open_local(void *user, struct sg_kv **ret)
{
    return sg_kv_open_local(ret, user);
}

static void bench_engine(const char *layer, int (*open)(void *, struct sg_kv **), void *user)
{
    SG_CLEANUP(sg_sql_engine_freep) struct sg_sql_engine *e = NULL;
    struct sg_sql_engine_options o = {.open = open, .user = user};
    must(sg_sql_engine_new(&e, &o), "engine");
    run_jobs(layer, e);
}

/* ---- end to end ---- */

struct identity {
    struct sg_cert *cert;
    struct sg_key *key;
};

static struct identity issue(const struct identity *ca, const char *uri)
{
    struct identity i = {0};
    int64_t now = sg_clock_unix_s();
    struct sg_cert_request request = {
        .common_name = uri ? "service" : "bench CA",
        .uri = uri,
        .not_before_s = now - 60,
        .not_after_s = now + 3600,
        .ca = !uri,
        .path_len = uri ? -1 : 0,
        .server = uri != NULL,
        .client = uri != NULL,
    };
    must(sg_key_generate(&i.key, SG_KEY_P256), "key");
    must(sg_cert_issue(&i.cert, &request, i.key, ca ? ca->cert : NULL, ca ? ca->key : i.key),
         "certificate");
    return i;
}

static struct sg_tls_ctx *context(const struct identity *who, const struct identity *ca,
                                  bool server)
{
    struct sg_cert *roots[1] = {ca->cert};
    struct sg_tls_identity id = {.cert = who->cert, .key = who->key, .roots = roots, .n_roots = 1};
    struct sg_tls_ctx *c;
    must(sg_tls_ctx_new(&c, &id, server, server ? SG_TLS_PEER_OPTIONAL : SG_TLS_PEER_REQUIRED),
         "tls");
    return c;
}

struct stack {
    struct sg_kv_remote remote;
    char kvsd[32], sqld[32];
};

static int open_remote(void *user, struct sg_kv **ret)
{
    const struct stack *s = user;
    return sg_kv_open_remote(ret, &s->remote);
}

static void client_job(struct sg_http_client *http, size_t job)
{
    static uint8_t scrap[65536];
    uint64_t octets = 0, rows = 0;
    int64_t begun = sg_clock_monotonic_ns(), cpu = sg_clock_cpu_ns();
    for (int64_t i = 0; i < (jobs[job].each ? clients : 1); i++) {
        char body[256];
        struct sg_http_field field = {"Authorization", "Bearer " API_KEY};
        int status;
        size_t n = 1;
        if (jobs[job].each)
            snprintf(body, sizeof(body), "{\"sql\":\"%s\",\"params\":[%" PRId64 "]}", jobs[job].sql,
                     FIRST_CLIENT + i);
        else
            snprintf(body, sizeof(body), "{\"sql\":\"%s\"}", jobs[job].sql);
        must(sg_http_call_begin(http, "POST", "/v1/sql", &field, 1, sg_bytes_str(body), &status),
             "call");
        if (status != 200)
            must(status, "status");
        while (n) {
            must(sg_http_call_read(http, scrap, sizeof(scrap), &n), "read");
            octets += n;
        }
        rows += jobs[job].each ? ROWS : (uint64_t)(clients * ROWS);
    }
    report("https", jobs[job].what, rows, octets, sg_clock_monotonic_ns() - begun,
           sg_clock_cpu_ns() - cpu);
}

static void bench_https(struct sg_store *store)
{
    struct identity ca = issue(NULL, NULL), kvsd = issue(&ca, "spiffe://sealgrid/kvsd"),
                    sqld = issue(&ca, "spiffe://sealgrid/sqld");
    struct sg_tls_ctx *kvsd_tls = context(&kvsd, &ca, true), *sqld_tls = context(&sqld, &ca, true),
                      *client_tls = context(&sqld, &ca, false);
    struct sg_kv_grant kv_grant;
    struct sg_kv_service *records;
    struct sg_http_server *kvsd_http, *sqld_http;
    must(sg_kv_grant_parse("spiffe://sealgrid/sqld metering read,write", &kv_grant), "grant");
    struct sg_kv_service_options ko = {
        .open = open_local, .user = store, .grants = &kv_grant, .n_grants = 1};
    must(sg_kv_service_new(&records, &ko), "kv service");
    struct sg_http_server_options so = {
        .listen = "127.0.0.1:0", .tls = kvsd_tls, .body_max = UINT64_C(1) << 30};
    must(sg_http_server_start(&kvsd_http, &so, sg_kv_service_handle, records), "kv server");

    struct stack stack = {.remote = {.tls = client_tls, .expect_uri = "spiffe://sealgrid/kvsd"}};
    snprintf(stack.kvsd, sizeof(stack.kvsd), "127.0.0.1:%u", sg_http_server_port(kvsd_http));
    stack.remote.connect = stack.kvsd;
    struct sg_sql_engine *engine;
    struct sg_sql_engine_options eo = {.open = open_remote, .user = &stack};
    must(sg_sql_engine_new(&engine, &eo), "engine");
    run_jobs("remote", engine);

    struct sg_sql_service *service;
    struct sg_sql_grant grant;
    must(sg_sql_grant_parse("key:bench reader", &grant), "grant");
    struct sg_api_key key = {"bench", SG_BYTES_LIT(API_KEY)};
    struct sg_sql_service_options sqo = {
        .engine = engine, .grants = &grant, .n_grants = 1, .api_keys = &key, .n_api_keys = 1};
    must(sg_sql_service_new(&service, &sqo), "sql service");
    so.tls = sqld_tls;
    must(sg_http_server_start(&sqld_http, &so, sg_sql_service_handle, service), "sql server");
    snprintf(stack.sqld, sizeof(stack.sqld), "127.0.0.1:%u", sg_http_server_port(sqld_http));
    struct sg_http_client *http;
    struct sg_http_client_options ho = {
        .connect = stack.sqld, .tls = client_tls, .expect_uri = "spiffe://sealgrid/sqld"};
    must(sg_http_client_new(&http, &ho), "client");
    for (size_t job = 0; job < sizeof(jobs) / sizeof(jobs[0]); job++)
        client_job(http, job);
    sg_http_client_free(http);
    sg_http_server_stop(sqld_http, 1000);
    sg_http_server_free(sqld_http);
    sg_sql_service_free(service);
    sg_sql_engine_free(engine);
    sg_http_server_stop(kvsd_http, 1000);
    sg_http_server_free(kvsd_http);
    sg_kv_service_free(records);
}

static struct sg_store *open_store(const char *dir)
{
    static char paths[3][4096];
    const char *volumes[3];
    static const uint8_t kek[32] = {1}, name_key[32] = {2};
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/v%d", dir, i);
        volumes[i] = paths[i];
    }
    struct sg_store_kek keks[] = {{1, SG_BYTES_ARRAY(kek)}};
    struct sg_store_bucket bucket = {.name = "metering",
                                     .policy = "replicas=3",
                                     .keks = keks,
                                     .n_keks = 1,
                                     .name_key = SG_BYTES_ARRAY(name_key)};
    struct sg_store_options o = {
        .volumes = volumes, .n_volumes = 3, .buckets = &bucket, .n_buckets = 1};
    sg_random_bytes(o.lease, sizeof(o.lease));
    struct sg_store *store;
    must(sg_store_open(&store, &o), "store");
    return store;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench-sql DIR [CLIENTS]\n");
        return 2;
    }
    if (argc > 2)
        clients = atoll(argv[2]);
    must(sg_process_harden(), "harden");
    sg_log_init("bench-sql", SG_LOG_WARN);
    SG_CLEANUP(sg_kv_memory_freep) struct sg_kv_memory *memory = NULL;
    must(sg_kv_memory_new(&memory), "memory");
    struct sg_kv *kv;
    must(sg_kv_open_memory(&kv, memory), "open");
    fill(kv);
    sg_kv_free(kv);
    bench_engine("memory", open_memory, memory);
    SG_CLEANUP(sg_store_closep) struct sg_store *store = open_store(argv[1]);
    must(sg_kv_open_local(&kv, store), "open");
    int64_t begun = sg_clock_monotonic_ns();
    fill(kv);
    report("store", "filling", (uint64_t)(clients * ROWS), 0, sg_clock_monotonic_ns() - begun, 0);
    sg_kv_free(kv);
    bench_engine("store", open_local, store);
    bench_https(store);
    return 0;
}
