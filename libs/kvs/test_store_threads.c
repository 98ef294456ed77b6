/* store, threads: counters kept by compare-and-set, scans, checkpoints and scrubs side by side. */
#include "store-fixture-int.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS  6
#define ROUNDS   60
#define COUNTERS 3

struct shared {
    struct fixture f;
    atomic_bool stop;
    atomic_int added;
};

struct counter_key {
    uint8_t partition[9], sort[9];
};

static struct sg_kv_key counter(struct counter_key *k, int i)
{
    fixture_integer(k->partition, i);
    fixture_integer(k->sort, 0);
    return (struct sg_kv_key){50, SG_BYTES_ARRAY(k->partition), SG_BYTES_ARRAY(k->sort)};
}

static uint64_t read_counter(struct sg_kv *kv, int i)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    struct counter_key k;
    int r = sg_kv_get(kv, "metering", counter(&k, i), &b);
    if (r == SG_KV_NOT_FOUND)
        return 0;
    sg_assert(r == 0 && b.len == 8);
    return sg_load_be64(b.data);
}

/* Adds one and, in the same batch, a row of its own to a shared partition. */
static int add_one(struct sg_kv *kv, int i, int64_t row_number)
{
    uint64_t now = read_counter(kv, i);
    uint8_t old[8], new[8];
    struct counter_key k;
    struct fixture_row row;
    sg_store_be64(old, now);
    sg_store_be64(new, now + 1);
    struct sg_kv_op ops[2] = {
        {.kind = SG_KV_REPLACE, .key = counter(&k, i), .value = SG_BYTES_ARRAY(new)},
        {.kind = SG_KV_INSERT, .key = fixture_row(&row, 51, i, row_number, 0)}};
    ops[0].expect_absent = now == 0;
    ops[0].expect = now ? SG_BYTES_ARRAY(old) : SG_BYTES_NONE;
    ops[1].value = SG_BYTES(row.value, row.value_len);
    return sg_kv_batch(kv, "metering", ops, 2, NULL);
}

struct worker {
    struct shared *s;
    int number;
};

static void *work(void *user)
{
    struct worker *w = user;
    struct sg_kv *kv = NULL;
    sg_assert(sg_kv_open_local(&kv, w->s->f.store) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        int i = (round + w->number) % COUNTERS, r;
        do
            r = add_one(kv, i, w->number * 10000 + round);
        while (r == SG_KV_CONFLICT);
        sg_assert(r == 0);
        w->s->added++;
        if (round % 7 == 0)
            sg_assert(fixture_count(kv, 51, i) > 0);
    }
    sg_kv_free(kv);
    return NULL;
}

static void *disturb(void *user)
{
    struct shared *s = user;
    const struct sg_scrub_options o = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    do {
        sg_assert(sg_store_checkpoint(s->f.store) == 0);
        sg_assert(sg_store_scrub(s->f.store, &o, &report) == 0);
        sg_assert(report.damage == 0 && report.lost == 0);
    } while (!s->stop);
    return NULL;
}

static void test_counters(void **state)
{
    (void)state;
    static struct shared s;
    struct worker workers[THREADS];
    pthread_t threads[THREADS], other;
    uint64_t sum = 0;
    long rows = 0;
    fixture_init(&s.f, 3);
    s.f.options.journal_bytes = 20000;
    s.f.options.cache_bytes = 4096; /* partitions come and go */
    fixture_open(&s.f);
    assert_int_equal(pthread_create(&other, NULL, disturb, &s), 0);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){&s, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    s.stop = true;
    pthread_join(other, NULL);
    for (int i = 0; i < COUNTERS; i++) {
        sum += read_counter(s.f.kv, i);
        rows += fixture_count(s.f.kv, 51, i);
    }
    assert_int_equal(sum, THREADS * ROUNDS);
    assert_int_equal(rows, THREADS * ROUNDS);
    fixture_clear(&s.f);
}

/* A volume is rebuilt while others write. */
static void *lose_volumes(void *user)
{
    struct shared *s = user;
    const struct sg_scrub_options o = {.depth = SG_SCRUB_FILES, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    for (int i = 0; !s->stop; i = (i + 1) % 3) {
        sg_assert(sg_remove_tree(s->f.paths[i]) == 0);
        sg_assert(sg_store_scrub(s->f.store, &o, &report) == 0);
        sg_assert(report.lost == 0 && report.damage > 0);
    }
    return NULL;
}

static void test_rebuild_beside_writers(void **state)
{
    (void)state;
    static struct shared s;
    struct worker workers[THREADS];
    pthread_t threads[THREADS], other;
    uint64_t sum = 0;
    const struct sg_scrub_options o = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    fixture_init(&s.f, 3);
    fixture_open(&s.f);
    assert_int_equal(pthread_create(&other, NULL, lose_volumes, &s), 0);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){&s, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    s.stop = true;
    pthread_join(other, NULL);
    for (int i = 0; i < COUNTERS; i++)
        sum += read_counter(s.f.kv, i);
    assert_int_equal(sum, THREADS * ROUNDS);
    assert_int_equal(sg_store_scrub(s.f.store, &o, &report), 0);
    assert_int_equal(report.damage, 0);
    assert_int_equal(report.lost, 0);
    fixture_close(&s.f);
    fixture_open(&s.f);
    for (int i = 0; i < COUNTERS; i++)
        assert_int_equal(fixture_count(s.f.kv, 51, i), THREADS * ROUNDS / COUNTERS);
    fixture_clear(&s.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_rebuild_beside_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
