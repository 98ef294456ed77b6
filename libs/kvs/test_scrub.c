/* scrub: flipped octets in every class of file, removed volumes, rolled-back volumes. */
#include "store-fixture-int.h"

#include <fcntl.h>
#include <sys/wait.h>

#define CLIENTS      12
#define DAYS         3
#define OBJECT_BYTES 200000

/* Contents. */

static void fill_object(uint8_t *p, size_t n, uint64_t seed)
{
    struct sg_prng rng;
    sg_prng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)sg_prng_u64(&rng);
}

static void fill(struct fixture *f)
{
    static uint8_t object[OBJECT_BYTES];
    for (int day = 0; day < DAYS; day++) {
        for (int p = 0; p < CLIENTS; p++) {
            assert_int_equal(fixture_write(f->kv, SG_KV_INSERT, 20, p, day * 96, 96, 0), 0);
            assert_int_equal(fixture_write(f->kv, SG_KV_PUT, 21, p, 0, 1, day), 0);
        }
        if (day == 1)
            assert_int_equal(sg_store_checkpoint(f->store), 0);
    }
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "bill-%d", i);
        fill_object(object, sizeof(object), (uint64_t)i);
        assert_int_equal(sg_kv_object_put(f->kv, "evidence", name, SG_BYTES_ARRAY(object)), 0);
    }
}

static void expect_object(struct fixture *f, int i)
{
    static uint8_t want[OBJECT_BYTES];
    SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(OBJECT_BYTES);
    char name[32];
    snprintf(name, sizeof(name), "bill-%d", i);
    fill_object(want, sizeof(want), (uint64_t)i);
    assert_int_equal(sg_kv_object_get(f->kv, "evidence", name, &got), 0);
    assert_int_equal(got.len, sizeof(want));
    assert_memory_equal(got.data, want, sizeof(want));
}

static void expect_all(struct fixture *f)
{
    for (int p = 0; p < CLIENTS; p++) {
        assert_int_equal(fixture_count(f->kv, 20, p), DAYS * 96);
        assert_true(fixture_has(f->kv, 20, p, 100, 0));
        assert_true(fixture_has(f->kv, 21, p, 0, DAYS - 1));
    }
    for (int i = 0; i < 3; i++)
        expect_object(f, i);
}

static struct sg_scrub_report scrub(struct fixture *f, enum sg_scrub_depth depth)
{
    const struct sg_scrub_options o = {.depth = depth, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    int r = sg_store_scrub(f->store, &o, &report);
    if (r)
        print_error("scrub: %d %s\n", r, sg_error_trace());
    assert_int_equal(r, 0);
    return report;
}

static void expect_clean(struct fixture *f)
{
    struct sg_scrub_report report = scrub(f, SG_SCRUB_FULL);
    for (size_t i = 0; i < report.n_volumes; i++)
        if (report.volumes[i].damage)
            print_error("volume %zu: %llu damaged, rebuilt %d\n", i,
                        (unsigned long long)report.volumes[i].damage, report.volumes[i].rebuilt);
    assert_int_equal(report.damage, 0);
    assert_int_equal(report.lost, 0);
    struct sg_store_status st;
    sg_store_status(f->store, &st);
    assert_int_equal(st.online, f->options.n_volumes);
}

/* Damage. */

struct targets {
    enum sg_store_file_class want;
    char paths[256][320];
    uint64_t bytes[256];
    size_t n;
};

static int add_target(void *user, enum sg_store_file_class class, const char *path, uint64_t bytes)
{
    struct targets *t = user;
    if (class == t->want && bytes && t->n < 256) {
        snprintf(t->paths[t->n], sizeof(t->paths[0]), "%s", path);
        t->bytes[t->n++] = bytes;
    }
    return 0;
}

static void flip(const char *path, uint64_t at)
{
    uint8_t octet;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &octet, 1, (off_t)at), 1);
    octet ^= 0x10;
    assert_int_equal(pwrite(fd, &octet, 1, (off_t)at), 1);
    close(fd);
}

static void flip_random(struct fixture *f, enum sg_store_file_class class, struct sg_prng *rng)
{
    static struct targets t;
    t.want = class;
    t.n = 0;
    assert_int_equal(sg_store_files(f->store, add_target, &t), 0);
    assert_true(t.n > 0);
    size_t i = sg_prng_below(rng, t.n);
    uint64_t at = sg_prng_below(rng, t.bytes[i]);
    flip(t.paths[i], at);
}

static void one_flip_at_a_time(enum sg_store_file_class class, uint64_t seed, int rounds)
{
    struct fixture f;
    struct sg_prng rng;
    sg_prng_seed(&rng, seed);
    fixture_init(&f, 8);
    fixture_open(&f);
    fill(&f);
    for (int i = 0; i < rounds; i++) {
        flip_random(&f, class, &rng);
        expect_all(&f);
        struct sg_scrub_report report = scrub(&f, SG_SCRUB_FILES);
        assert_true(report.damage > 0);
        assert_int_equal(report.lost, 0);
        assert_int_equal(scrub(&f, SG_SCRUB_FILES).damage, 0);
        if (class == SG_FILE_JOURNAL) /* there must be something in the journal to damage */
            assert_int_equal(fixture_write(f.kv, SG_KV_PUT, 22, 1, 0, 96, i), 0);
        expect_all(&f);
    }
    expect_clean(&f);
    fixture_clear(&f);
}

static void test_flip_index(void **state)
{
    (void)state;
    one_flip_at_a_time(SG_FILE_INDEX, 1, 6);
}

static void test_flip_manifest(void **state)
{
    (void)state;
    one_flip_at_a_time(SG_FILE_MANIFEST, 2, 6);
}

static void test_flip_journal(void **state)
{
    (void)state;
    one_flip_at_a_time(SG_FILE_JOURNAL, 3, 6);
}

static void test_flip_fragment(void **state)
{
    (void)state;
    one_flip_at_a_time(SG_FILE_FRAGMENT, 4, 6);
}

/* The same while the store is down: it opens, serves, and scrub repairs. */
static void test_flip_while_closed(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_prng rng;
    struct targets *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    sg_prng_seed(&rng, 5);
    fixture_init(&f, 8);
    fixture_open(&f);
    fill(&f);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(sg_store_checkpoint(f.store), 0);
        t->want = i % 2 ? SG_FILE_MANIFEST : SG_FILE_INDEX;
        t->n = 0;
        assert_int_equal(sg_store_files(f.store, add_target, t), 0);
        fixture_close(&f);
        size_t k = sg_prng_below(&rng, t->n);
        if (access(t->paths[k], F_OK) == 0)
            flip(t->paths[k], sg_prng_below(&rng, t->bytes[k]));
        fixture_open(&f);
        expect_all(&f);
        assert_int_equal(scrub(&f, SG_SCRUB_FULL).lost, 0);
        expect_clean(&f);
    }
    free(t);
    fixture_clear(&f);
}

static void test_each_volume_removed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 8);
    fixture_open(&f);
    fill(&f);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(sg_remove_tree(f.paths[i]), 0);
        expect_all(&f);
        struct sg_scrub_report report = scrub(&f, SG_SCRUB_FILES);
        assert_true(report.damage > 0);
        assert_int_equal(report.lost, 0);
        expect_all(&f);
        expect_clean(&f);
    }
    fixture_clear(&f);
}

static void test_each_volume_removed_while_closed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 8);
    fixture_open(&f);
    fill(&f);
    for (int i = 0; i < 8; i++) {
        fixture_close(&f);
        assert_int_equal(sg_remove_tree(f.paths[i]), 0);
        fixture_open(&f);
        struct sg_store_status st;
        sg_store_status(f.store, &st);
        assert_int_equal(st.online, 7);
        assert_true(st.damage > 0);
        expect_all(&f);
        assert_int_equal(fixture_write(f.kv, SG_KV_PUT, 23, i, 0, 5, i), 0);
        assert_int_equal(scrub(&f, SG_SCRUB_FILES).lost, 0);
        expect_clean(&f);
    }
    fixture_clear(&f);
}

static void test_two_volumes_removed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 8);
    fixture_open(&f);
    fill(&f);
    fixture_close(&f);
    assert_int_equal(sg_remove_tree(f.paths[2]), 0);
    assert_int_equal(sg_remove_tree(f.paths[5]), 0);
    fixture_open(&f);
    expect_all(&f);
    assert_int_equal(scrub(&f, SG_SCRUB_FILES).lost, 0);
    expect_all(&f);
    expect_clean(&f);
    fixture_clear(&f);
}

/* A disk that is not there: the store runs without, scrub says so, and mends it when it is back. */
static void test_unusable_folder(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_volume_status st;
    fixture_init(&f, 4);
    fixture_open(&f);
    fill(&f);
    fixture_close(&f);
    assert_int_equal(sg_remove_tree(f.paths[1]), 0);
    assert_int_equal(sg_file_write_atomic(f.paths[1], SG_BYTES_LIT("no folder"), 0600), 0);
    fixture_open(&f);
    expect_all(&f);
    struct sg_scrub_report report = scrub(&f, SG_SCRUB_FULL);
    assert_true(report.volumes[1].damage > 0);
    assert_false(report.volumes[1].rebuilt);
    assert_int_equal(report.lost, 0);
    sg_store_volume_status(f.store, 1, &st);
    assert_int_not_equal(st.state, SG_VOLUME_ONLINE);
    assert_int_equal(unlink(f.paths[1]), 0);
    assert_true(scrub(&f, SG_SCRUB_FILES).volumes[1].rebuilt);
    expect_clean(&f);
    expect_all(&f);
    fixture_clear(&f);
}

/* Rollback. */

static void copy_volume(const char *from, const char *to)
{
    pid_t child = fork();
    if (child == 0) {
        execlp("cp", "cp", "-a", from, to, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void restore_volume(struct fixture *f, int i)
{
    char kept[200];
    snprintf(kept, sizeof(kept), "%s.old", f->paths[i]);
    assert_int_equal(sg_remove_tree(f->paths[i]), 0);
    copy_volume(kept, f->paths[i]);
}

/* Old copies of n of three volumes are put back while the store is down. */
static void rollback(int n)
{
    struct fixture f;
    struct sg_store_status st;
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 1, 0, 96, 0), 0);
    assert_int_equal(fixture_write(f.kv, SG_KV_PUT, 20, 2, 0, 1, 0), 0);
    fixture_close(&f);
    for (int i = 0; i < n; i++) {
        char kept[200];
        snprintf(kept, sizeof(kept), "%s.old", f.paths[i]);
        copy_volume(f.paths[i], kept);
    }
    fixture_open(&f);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 1, 96, 96, 0), 0);
    assert_int_equal(fixture_write(f.kv, SG_KV_PUT, 20, 2, 0, 1, 1), 0);
    fixture_close(&f);
    for (int i = 0; i < n; i++)
        restore_volume(&f, i);
    fixture_open(&f);
    assert_int_equal(fixture_count(f.kv, 20, 1), 192);
    assert_true(fixture_has(f.kv, 20, 2, 0, 1));
    sg_store_status(f.store, &st);
    assert_true(st.damage >= (uint64_t)n);
    assert_int_equal(scrub(&f, SG_SCRUB_FULL).lost, 0);
    expect_clean(&f);
    assert_int_equal(fixture_count(f.kv, 20, 1), 192);
    fixture_clear(&f);
}

static void test_one_volume_rolled_back(void **state)
{
    (void)state;
    rollback(1);
}

static void test_two_volumes_rolled_back(void **state)
{
    (void)state;
    rollback(2);
}

/* One volume alone keeps what it can. */
static void test_single_volume(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_prng rng;
    sg_prng_seed(&rng, 6);
    fixture_init(&f, 1);
    fixture_open(&f);
    for (int p = 0; p < CLIENTS; p++)
        assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, p, 0, 96, 0), 0);
    assert_int_equal(sg_store_checkpoint(f.store), 0);
    flip_random(&f, SG_FILE_INDEX, &rng);
    struct sg_scrub_report report = scrub(&f, SG_SCRUB_FULL);
    assert_true(report.damage > 0);
    assert_true(report.lost <= 3);
    long whole = 0;
    for (int p = 0; p < CLIENTS; p++)
        whole += fixture_count(f.kv, 20, p) == 96;
    assert_true(whole >= CLIENTS - 3);
    fixture_clear(&f);
}

/* More volumes: the new ones take over their share, and the old ones lose it. */
static void test_volumes_added(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_volume_status st;
    fixture_init(&f, 6);
    f.options.n_volumes = 4;
    fixture_open(&f);
    fill(&f);
    fixture_close(&f);
    f.options.n_volumes = 6;
    fixture_open(&f);
    expect_all(&f);
    assert_int_equal(scrub(&f, SG_SCRUB_FULL).lost, 0);
    expect_all(&f);
    expect_clean(&f);
    sg_store_volume_status(f.store, 5, &st);
    assert_true(st.index_bytes > 0);
    fixture_clear(&f);
}

static void test_policy_changed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 5);
    f.buckets[0].policy = "replicas=2";
    fixture_open(&f);
    fill(&f);
    assert_int_equal(sg_kv_bucket_create(f.kv, "metering", "replicas=4"), 0);
    expect_all(&f);
    expect_clean(&f);
    fixture_close(&f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sg_remove_tree(f.paths[i]), 0);
    fixture_open(&f);
    for (int p = 0; p < CLIENTS; p++)
        assert_int_equal(fixture_count(f.kv, 20, p), DAYS * 96);
    fixture_clear(&f);
}

static void test_verify_only_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_prng rng;
    const struct sg_scrub_options look = {
        .depth = SG_SCRUB_FILES, .volumes = SG_SCRUB_ALL_VOLUMES, .verify_only = true};
    struct sg_scrub_report report;
    sg_prng_seed(&rng, 7);
    fixture_init(&f, 4);
    fixture_open(&f);
    fill(&f);
    assert_int_equal(sg_store_checkpoint(f.store), 0);
    flip_random(&f, SG_FILE_INDEX, &rng);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sg_store_scrub(f.store, &look, &report), 0);
        assert_int_equal(report.damage, 1);
        assert_int_equal(report.repaired, 0);
    }
    assert_true(scrub(&f, SG_SCRUB_FILES).repaired > 0);
    expect_clean(&f);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flip_index),
        cmocka_unit_test(test_flip_manifest),
        cmocka_unit_test(test_flip_journal),
        cmocka_unit_test(test_flip_fragment),
        cmocka_unit_test(test_flip_while_closed),
        cmocka_unit_test(test_each_volume_removed),
        cmocka_unit_test(test_each_volume_removed_while_closed),
        cmocka_unit_test(test_two_volumes_removed),
        cmocka_unit_test(test_unusable_folder),
        cmocka_unit_test(test_one_volume_rolled_back),
        cmocka_unit_test(test_two_volumes_rolled_back),
        cmocka_unit_test(test_single_volume),
        cmocka_unit_test(test_volumes_added),
        cmocka_unit_test(test_policy_changed),
        cmocka_unit_test(test_verify_only_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
