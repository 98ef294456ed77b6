/* index: the adaptor's promises, and that damage is an outcome, never a crash. */
#include "store-fixture-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "head-int.h"
#include "index-int.h"

struct bench {
    char root[64], path[96];
    struct sg_index_pool *pool;
    struct sg_index *ix;
};

static int setup(void **state)
{
    struct bench *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    strcpy(t->root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/sealgrid-test-XXXXXX"
                                                  : "/tmp/sealgrid-test-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    snprintf(t->path, sizeof(t->path), "%s/index", t->root);
    assert_int_equal(sg_index_pool_new(&t->pool, 8u << 20, 1), 0);
    assert_int_equal(sg_index_open(&t->ix, t->pool, t->path, true), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct bench *t = *state;
    sg_index_unref(t->ix);
    sg_index_pool_free(t->pool);
    assert_int_equal(sg_remove_tree(t->root), 0);
    free(t);
    return 0;
}

static struct sg_bytes key_of(uint8_t key[5], uint8_t group, uint32_t n)
{
    key[0] = group;
    sg_store_be32(key + 1, n);
    return SG_BYTES(key, 5);
}

static void fill(struct bench *t, uint8_t group, uint32_t n)
{
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    uint8_t key[5], value[2000];
    memset(value, group, sizeof(value));
    assert_int_equal(sg_index_batch_new(&b), 0);
    for (uint32_t i = 0; i < n; i++)
        sg_index_batch_put(b, key_of(key, group, i), SG_BYTES_ARRAY(value));
    assert_true(sg_index_batch_bytes(b) > n * sizeof(value));
    assert_int_equal(sg_index_write(t->ix, b), 0);
}

static uint32_t count(struct bench *t, uint8_t group, int *ret_end)
{
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    struct sg_bytes key, value;
    uint32_t n = 0;
    assert_int_equal(sg_index_iter_new(&it, t->ix, SG_BYTES(&group, 1), true), 0);
    while ((*ret_end = sg_index_iter_next(it, &key, &value)) == 0) {
        assert_int_equal(key.data[0], group);
        n++;
    }
    return n;
}

static void test_prefixes(void **state)
{
    struct bench *t = *state;
    int end;
    fill(t, 1, 10);
    fill(t, 2, 20);
    fill(t, 255, 30);
    for (int flushed = 0; flushed < 2; flushed++) {
        assert_int_equal(count(t, 1, &end), 10);
        assert_int_equal(end, SG_INDEX_NOT_FOUND);
        assert_int_equal(count(t, 2, &end), 20);
        assert_int_equal(count(t, 3, &end), 0);
        assert_int_equal(count(t, 255, &end), 30);
        assert_int_equal(sg_index_flush(t->ix), 0);
    }
}

static void test_snapshot(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_index_snapshot_freep) struct sg_index_snapshot *snap = NULL;
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf v = SG_BUF_INIT(4096);
    uint8_t key[5];
    fill(t, 1, 1);
    assert_int_equal(sg_index_snapshot_new(&snap, t->ix), 0);
    assert_int_equal(sg_index_batch_new(&b), 0);
    sg_index_batch_delete(b, key_of(key, 1, 0));
    assert_int_equal(sg_index_write(t->ix, b), 0);
    assert_int_equal(sg_index_get(t->ix, NULL, key_of(key, 1, 0), &v), SG_INDEX_NOT_FOUND);
    assert_int_equal(sg_index_get(t->ix, snap, key_of(key, 1, 0), &v), 0);
    assert_int_equal(v.len, 2000);
}

/* What was flushed is there after a start without any log; what was not is gone. */
static void test_durable_at_flush(void **state)
{
    struct bench *t = *state;
    int end;
    fill(t, 1, 10);
    assert_int_equal(sg_index_flush(t->ix), 0);
    fill(t, 2, 10);
    sg_index_unref(t->ix);
    assert_int_equal(sg_index_open(&t->ix, t->pool, t->path, false), 0);
    assert_int_equal(count(t, 1, &end), 10);
    assert_int_equal(count(t, 2, &end), 0);
}

static void test_not_there(void **state)
{
    struct bench *t = *state;
    struct sg_index *ix = NULL;
    char path[128];
    snprintf(path, sizeof(path), "%s/none", t->root);
    assert_int_equal(sg_index_open(&ix, t->pool, path, false), SG_INDEX_NOT_FOUND);
    assert_null(ix);
}

static void test_too_large_for_the_buffer(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf v = SG_BUF_INIT(100);
    uint8_t key[5];
    fill(t, 1, 1);
    assert_int_equal(sg_index_get(t->ix, NULL, key_of(key, 1, 0), &v), SG_INDEX_DAMAGED);
}

/* Head n of a group, its newest value of so many octets that tell which one it is. */
static struct sg_bytes head_of(uint8_t key[SG_HEAD_KEY_LEN], uint8_t group, uint32_t n)
{
    memset(key, 0, SG_HEAD_KEY_LEN);
    key[0] = group;
    key[1] = SG_HEAD_CLASS;
    sg_store_be32(key + SG_HEAD_KEY_LEN - 4, n);
    return SG_BYTES(key, SG_HEAD_KEY_LEN);
}

static void put_heads(struct bench *t, uint8_t group, uint32_t n, uint8_t octet, size_t len)
{
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    uint8_t key[SG_HEAD_KEY_LEN], value[2000];
    memset(value, octet, sizeof(value));
    assert_int_equal(sg_index_batch_new(&b), 0);
    for (uint32_t i = 0; i < n; i++)
        sg_index_batch_put(b, head_of(key, group, i), SG_BYTES(value, len));
    assert_int_equal(sg_index_batch_bytes(b), n * (SG_HEAD_KEY_LEN + len));
    assert_int_equal(sg_index_write(t->ix, b), 0);
}

static void assert_head(struct bench *t, uint8_t group, uint32_t n, uint8_t octet, size_t len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf v = SG_BUF_INIT(4096);
    uint8_t key[SG_HEAD_KEY_LEN];
    assert_int_equal(sg_index_get(t->ix, NULL, head_of(key, group, n), &v), 0);
    assert_int_equal(v.len, len);
    assert_int_equal(v.data[0], octet);
    assert_int_equal(v.data[len - 1], octet);
}

/* The newest value of a head is what everybody sees, wherever it is kept meanwhile; 3,000 times
 * 2,000 octets are more than may be kept apart. */
static void test_heads_written_again_and_again(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf v = SG_BUF_INIT(4096);
    uint8_t key[SG_HEAD_KEY_LEN];
    int end;
    for (uint8_t round = 1; round < 20; round++) {
        put_heads(t, 1, 300, round, 100u * round);
        assert_head(t, 1, 299, round, 100u * round);
        if (round == 7)
            assert_int_equal(count(t, 1, &end), 300);
        if (round == 13)
            assert_int_equal(sg_index_flush(t->ix), 0);
    }
    put_heads(t, 2, 3000, 77, 2000);
    put_heads(t, 2, 1, 78, 10);
    assert_head(t, 2, 0, 78, 10);
    assert_head(t, 2, 2999, 77, 2000);
    assert_head(t, 1, 0, 19, 1900);
    assert_int_equal(sg_index_batch_new(&b), 0);
    sg_index_batch_delete(b, head_of(key, 2, 0));
    sg_index_batch_delete(b, head_of(key, 2, 2999));
    assert_int_equal(sg_index_write(t->ix, b), 0);
    assert_int_equal(sg_index_get(t->ix, NULL, head_of(key, 2, 0), &v), SG_INDEX_NOT_FOUND);
    assert_int_equal(sg_index_get(t->ix, NULL, head_of(key, 2, 2999), &v), SG_INDEX_NOT_FOUND);
    assert_int_equal(count(t, 2, &end), 2998);
    assert_int_equal(end, SG_INDEX_NOT_FOUND);
}

/* As test_durable_at_flush: a head that waits in memory is as durable as anything else. */
static void test_heads_durable_at_flush(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf v = SG_BUF_INIT(4096);
    uint8_t key[SG_HEAD_KEY_LEN];
    put_heads(t, 1, 10, 1, 100);
    assert_int_equal(sg_index_flush(t->ix), 0);
    put_heads(t, 1, 5, 2, 200);
    put_heads(t, 2, 10, 1, 100);
    sg_index_unref(t->ix);
    assert_int_equal(sg_index_open(&t->ix, t->pool, t->path, false), 0);
    assert_head(t, 1, 0, 1, 100);
    assert_head(t, 1, 9, 1, 100);
    assert_int_equal(sg_index_get(t->ix, NULL, head_of(key, 2, 0), &v), SG_INDEX_NOT_FOUND);
}

/* An engine that takes nothing more must not cost a head: what is in memory is the newest there is,
 * and older ones lie in the engine. */
static void test_heads_outlive_a_failed_engine(void **state)
{
    struct bench *t = *state;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
    put_heads(t, 1, 10, 1, 100);
    assert_int_equal(sg_index_flush(t->ix), 0);
    fill(t, 2, 10);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(sg_index_flush(t->ix), SG_INDEX_DAMAGED);
    put_heads(t, 1, 10, 2, 200);
    for (int i = 0; i < 2; i++) {
        SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
        const uint8_t group = 1;
        assert_int_equal(sg_index_iter_new(&it, t->ix, SG_BYTES(&group, 1), false),
                         SG_INDEX_DAMAGED);
        assert_head(t, 1, 0, 2, 200);
        assert_head(t, 1, 9, 2, 200);
    }
    assert_true(sg_index_failed(t->ix));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

struct found {
    char path[400];
    enum sg_index_file_kind want;
};

static int find_file(void *user, enum sg_index_file_kind kind, const char *path)
{
    struct found *f = user;
    if (kind == f->want)
        snprintf(f->path, sizeof(f->path), "%s", path);
    return 0;
}

static void flip_file(struct bench *t, enum sg_index_file_kind kind, uint64_t seed)
{
    struct found f = {.want = kind};
    struct sg_prng rng;
    struct stat st;
    uint8_t octet;
    sg_prng_seed(&rng, seed);
    assert_int_equal(sg_index_files(t->ix, find_file, &f), 0);
    assert_true(f.path[0]);
    assert_int_equal(stat(f.path, &st), 0);
    off_t at = (off_t)sg_prng_below(&rng, (uint64_t)st.st_size);
    int fd = open(f.path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &octet, 1, at), 1);
    octet ^= 0x40;
    assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    close(fd);
}

/* Opens and gives right values, or says damaged; here the volume would be rebuilt. */
static void test_flipped_octets(void **state)
{
    struct bench *t = *state;
    static const enum sg_index_file_kind kinds[] = {SG_INDEX_FILE_TABLE, SG_INDEX_FILE_MANIFEST,
                                                    SG_INDEX_FILE_POINTER};
    int end, damaged = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        fill(t, 1, 40);
        assert_int_equal(sg_index_flush(t->ix), 0);
        flip_file(t, kinds[seed % 3], seed);
        sg_index_unref(t->ix);
        t->ix = NULL;
        int r = sg_index_open(&t->ix, t->pool, t->path, false);
        assert_true(r == 0 || r == SG_INDEX_DAMAGED);
        if (r == 0) {
            uint32_t n = count(t, 1, &end);
            assert_true(n == 40 || end == SG_INDEX_DAMAGED || n < 40);
            sg_index_unref(t->ix);
            t->ix = NULL;
        }
        damaged += r != 0;
        assert_int_equal(sg_remove_tree(t->path), 0);
        assert_int_equal(sg_index_open(&t->ix, t->pool, t->path, true), 0);
    }
    assert_true(damaged > 5);
}

static void test_manifest_check(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    struct found f = {.want = SG_INDEX_FILE_MANIFEST};
    for (uint8_t i = 1; i < 6; i++) {
        fill(t, i, 10);
        assert_int_equal(sg_index_flush(t->ix), 0);
    }
    assert_int_equal(sg_index_files(t->ix, find_file, &f), 0);
    assert_int_equal(sg_file_read(f.path, &b), 0);
    assert_int_equal(sg_index_manifest_check(sg_buf_bytes(&b)), 0);
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 0x08;
        assert_int_equal(sg_index_manifest_check(sg_buf_bytes(&b)), SG_INDEX_DAMAGED);
        b.data[i] ^= 0x08;
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_prefixes),
        TEST(test_snapshot),
        TEST(test_durable_at_flush),
        TEST(test_heads_written_again_and_again),
        TEST(test_heads_durable_at_flush),
        TEST(test_heads_outlive_a_failed_engine),
        TEST(test_not_there),
        TEST(test_too_large_for_the_buffer),
        TEST(test_flipped_octets),
        TEST(test_manifest_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
