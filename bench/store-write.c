/*
 * Throughput of the store in process: THREADS threads insert day blocks of 96 rows of a reading's
 * shape, BLOCKS partitions a batch; then small batches; then point reads and whole scans.
 *   store-write FOLDER [VOLUMES] [THREADS] [DAYS]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kv.h>
#include <sealgrid/kvs/store.h>
#include <sealgrid/kvs/tuple.h>

#define CLIENTS 1000
#define BATCH_PARTITIONS 40
#define ROWS 96
#define FIELDS 41
#define SMALL_BATCHES 2000

struct worker {
    pthread_t thread;
    struct sg_store *store;
    unsigned number, threads;
    int days;
    int small;
};

static void check(int r, const char *what)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s: %d %s\n", what, r, sg_error_trace());
    exit(1);
}

static void reading(struct sg_prng *rng, struct sg_buf *b, int64_t seq)
{
    struct sg_value v[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        v[i] = SG_VAL_INT(1000 * i + (int64_t)sg_prng_below(rng, i % 3 ? 20 : 900));
    v[0] = SG_VAL_TEXT("12345678");
    v[1] = SG_VAL_INT(seq);
    check(sg_tuple_value_append(b, v, FIELDS), "value");
}

static void key_integer(struct sg_buf *b, int64_t v, struct sg_bytes *ret)
{
    size_t at = b->len;
    check(sg_tuple_key_append(b, &SG_VAL_INT(v), 1), "key");
    *ret = SG_BYTES(b->data + at, b->len - at);
}

/* One batch: one day of BATCH_PARTITIONS clients. */
static void insert_day(struct sg_kv *kv, struct sg_prng *rng, int first, int n, int day, int rows)
{
    static __thread struct sg_kv_op ops[BATCH_PARTITIONS * ROWS];
    struct sg_buf keys = SG_BUF_INIT(1u << 20), values = SG_BUF_INIT(16u << 20);
    check(sg_buf_reserve(&keys, 200000), "memory");
    check(sg_buf_reserve(&values, 4u << 20), "memory");
    size_t used = 0;
    for (int c = first; c < first + n; c++)
        for (int i = 0; i < rows; i++) {
            struct sg_kv_op *op = &ops[used++];
            size_t at = values.len;
            *op = (struct sg_kv_op){.kind = SG_KV_INSERT, .key.table = SG_TABLE_READING};
            key_integer(&keys, 3000000000 + c, &op->key.partition);
            key_integer(&keys, 1788000000 + ((int64_t)day * ROWS + i) * 900, &op->key.sort);
            reading(rng, &values, day * ROWS + i);
            op->value = SG_BYTES(values.data + at, values.len - at);
        }
    check(sg_kv_batch(kv, "metering", ops, used, NULL), "batch");
    sg_buf_clear(&keys);
    sg_buf_clear(&values);
}

static void *write_days(void *user)
{
    struct worker *w = user;
    struct sg_kv *kv = NULL;
    struct sg_prng rng;
    sg_prng_seed2(&rng, 1, w->number);
    check(sg_kv_open_local(&kv, w->store), "session");
    for (int day = 0; day < w->days; day++)
        for (int c = (int)w->number * BATCH_PARTITIONS; c < CLIENTS;
             c += (int)w->threads * BATCH_PARTITIONS)
            insert_day(kv, &rng, c, c + BATCH_PARTITIONS < CLIENTS ? BATCH_PARTITIONS : CLIENTS - c,
                       day, ROWS);
    for (int i = 0; i < w->small; i++)
        insert_day(kv, &rng, (int)w->number, 1, 1000 + i, 1);
    sg_kv_free(kv);
    return NULL;
}

static double run(struct sg_store *s, unsigned threads, int days, int small)
{
    struct worker w[64];
    int64_t before = sg_clock_monotonic_ns();
    for (unsigned i = 0; i < threads; i++) {
        w[i] = (struct worker){.store = s, .number = i, .threads = threads, .days = days};
        w[i].small = small;
        check(pthread_create(&w[i].thread, NULL, write_days, &w[i]), "thread");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(w[i].thread, NULL);
    return (double)(sg_clock_monotonic_ns() - before) / 1e9;
}

static void read_back(struct sg_store *s, int days)
{
    struct sg_kv *kv = NULL;
    struct sg_buf key = SG_BUF_INIT(64);
    struct sg_bytes sort, value, partition;
    uint64_t rows = 0;
    check(sg_kv_open_local(&kv, s), "session");
    int64_t before = sg_clock_monotonic_ns();
    for (int c = 0; c < CLIENTS; c++) {
        struct sg_kv_scan *scan = NULL;
        sg_buf_reset(&key);
        key_integer(&key, 3000000000 + c, &partition);
        check(sg_kv_scan_open(&scan, kv, "metering",
                              &(struct sg_kv_range){.table = SG_TABLE_READING,
                                                    .partition = partition}),
              "scan");
        while (sg_kv_scan_next(scan, &sort, &value) == 0)
            rows++;
        sg_kv_scan_free(scan);
    }
    double t = (double)(sg_clock_monotonic_ns() - before) / 1e9;
    printf("scan            %10.0f rows/s (%llu rows, want >= %d)\n", (double)rows / t,
           (unsigned long long)rows, CLIENTS * ROWS * days);
    sg_kv_free(kv);
    sg_buf_clear(&key);
}

static void scrub(struct sg_store *s, enum sg_scrub_depth depth, const char *name)
{
    struct sg_scrub_report report;
    int64_t before = sg_clock_monotonic_ns();
    check(sg_store_scrub(s, &(struct sg_scrub_options){.depth = depth, .volumes = UINT64_MAX},
                         &report),
          "scrub");
    double t = (double)(sg_clock_monotonic_ns() - before) / 1e9;
    printf("%s %10.2f s, %llu files, %llu MB, %llu pages, damage %llu, repaired %llu\n", name, t,
           (unsigned long long)report.files, (unsigned long long)(report.file_bytes >> 20),
           (unsigned long long)report.pages, (unsigned long long)report.damage,
           (unsigned long long)report.repaired);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "bench-store";
    unsigned volumes = argc > 2 ? (unsigned)atoi(argv[2]) : 8;
    unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 4;
    int days = argc > 4 ? atoi(argv[4]) : 10;
    char paths[64][256];
    const char *names[64];
    uint8_t key[32] = {1};
    struct sg_store_kek kek = {1, SG_BYTES_ARRAY(key)};
    struct sg_store_bucket bucket = {"metering", "replicas=3", &kek, 1, SG_BYTES_ARRAY(key)};
    struct sg_store *s = NULL;
    struct sg_store_status st;
    for (unsigned i = 0; i < volumes && i < 64; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/v%u", folder, i);
        names[i] = paths[i];
    }
    struct sg_store_options o = {
        .volumes = names, .n_volumes = volumes, .buckets = &bucket, .n_buckets = 1, .lease = {1}};
    check(sg_store_open(&s, &o), "open");
    double t = run(s, threads, days, 0);
    printf("day blocks      %10.0f rows/s\n", CLIENTS * ROWS * days / t);
    sg_store_status(s, &st);
    printf("                %llu commits, %llu pages\n", (unsigned long long)st.commits,
           (unsigned long long)st.pages_written);
    t = run(s, 16, 0, SMALL_BATCHES / 16);
    printf("one-row batches %10.0f batches/s, 16 threads\n", SMALL_BATCHES / t);
    read_back(s, days);
    int64_t before = sg_clock_monotonic_ns();
    check(sg_store_checkpoint(s), "checkpoint");
    printf("checkpoint      %10.2f s\n", (double)(sg_clock_monotonic_ns() - before) / 1e9);
    scrub(s, SG_SCRUB_FILES, "scrub files    ");
    scrub(s, SG_SCRUB_FULL, "scrub full     ");
    check(sg_remove_tree(paths[0]), "remove");
    scrub(s, SG_SCRUB_FILES, "rebuild        ");
    sg_store_close(s);
    before = sg_clock_monotonic_ns();
    check(sg_store_open(&s, &o), "open");
    printf("open            %10.2f s\n", (double)(sg_clock_monotonic_ns() - before) / 1e9);
    read_back(s, days);
    sg_store_close(s);
    return 0;
}
