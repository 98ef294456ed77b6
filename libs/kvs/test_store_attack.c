/*
 * store, attacks: the adversary changes entries in volumes' indexes while the store runs: withheld,
 * swapped, rolled back and forged heads and pages, on one volume and on all.  Right data or
 * SG_KV_DAMAGED, never anything else, and damage is counted and mended.
 */
#include "store-fixture-int.h"

#include "store-int.h"

#define TABLE 20

struct bench {
    struct fixture f;
    struct sg_bucket *b;
};

static int setup(void **state)
{
    struct bench *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    fixture_init(&t->f, 3);
    fixture_open(&t->f);
    t->b = sg_store_bucket(t->f.store, "metering");
    for (int p = 1; p <= 2; p++)
        for (int day = 0; day < 3; day++)
            assert_int_equal(fixture_write(t->f.kv, SG_KV_INSERT, TABLE, p, day * 96, 96, 0), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct bench *t = *state;
    fixture_clear(&t->f);
    free(t);
    return 0;
}

static struct sg_part *part_of(struct bench *t, int p)
{
    uint8_t partition[9];
    struct sg_part *part;
    fixture_integer(partition, p);
    assert_int_equal(sg_part_get(&part, t->f.store, t->b, TABLE, SG_BYTES_ARRAY(partition)), 0);
    return part;
}

/* As if the cache had let it go. */
static void forget(struct bench *t, int p)
{
    struct sg_part *part = part_of(t, p);
    pthread_mutex_lock(&part->lock);
    sg_part_forget(part);
    pthread_mutex_unlock(&part->lock);
    sg_part_put(t->f.store, part);
}

/* Keys of a partition's entries. */
static struct sg_bytes head_key(struct bench *t, int p, uint8_t *key)
{
    struct sg_part *part = part_of(t, p);
    memcpy(key, part->key, SG_HEAD_KEY_LEN);
    sg_part_put(t->f.store, part);
    return SG_BYTES(key, SG_HEAD_KEY_LEN);
}

static struct sg_bytes page_key(struct bench *t, int p, uint64_t id, uint8_t *key)
{
    struct sg_part *part = part_of(t, p);
    sg_page_key(sg_part_name(part), id, key);
    sg_part_put(t->f.store, part);
    return SG_BYTES(key, SG_PAGE_KEY_LEN);
}

/* What the adversary reads and writes: slot 0..2. */
static void read_entry(struct bench *t, unsigned slot, struct sg_bytes key, struct sg_buf *ret)
{
    ret->max = 1u << 20;
    assert_int_equal(sg_index_get(t->f.store->volumes[slot].index, NULL, key, ret), 0);
}

static void write_entry(struct bench *t, unsigned slot, struct sg_bytes key, struct sg_bytes value)
{
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    assert_int_equal(sg_index_batch_new(&b), 0);
    if (value.len)
        sg_index_batch_put(b, key, value);
    else
        sg_index_batch_delete(b, key);
    assert_int_equal(sg_index_write(t->f.store->volumes[slot].index, b), 0);
}

static uint64_t damage(struct bench *t, unsigned slot)
{
    struct sg_volume_status st;
    sg_store_volume_status(t->f.store, slot, &st);
    return st.damage;
}

static void expect_mended(struct bench *t)
{
    const struct sg_scrub_options full = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    assert_int_equal(sg_store_scrub(t->f.store, &full, &report), 0);
    assert_int_equal(report.damage, 0);
    assert_int_equal(report.lost, 0);
}

static void test_page_withheld(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_PAGE_KEY_LEN];
    struct sg_bytes page = page_key(t, 1, 2, key);
    write_entry(t, 1, page, SG_BYTES_NONE);
    forget(t, 1);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 288);
    unsigned first = t->f.store->rank[key[0]][0];
    if (first != 1) { /* only a replica that was asked for its pages can be caught */
        assert_int_equal(damage(t, 1), 0);
        write_entry(t, first, page, SG_BYTES_NONE);
        forget(t, 1);
        assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 288);
        assert_true(damage(t, first) > 0);
    }
}

static void test_page_withheld_under_a_warm_cache(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_PAGE_KEY_LEN];
    struct sg_bytes page = page_key(t, 1, 2, key);
    unsigned first = t->f.store->rank[key[0]][0];
    write_entry(t, first, page, SG_BYTES_NONE);
    assert_true(fixture_has(t->f.kv, TABLE, 1, 100, 0));
    assert_int_equal(damage(t, first), 1);
    expect_mended(t);
}

static void test_page_withheld_everywhere(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_PAGE_KEY_LEN];
    for (unsigned slot = 0; slot < 3; slot++)
        write_entry(t, slot, page_key(t, 1, 2, key), SG_BYTES_NONE);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), -SG_KV_DAMAGED);
    assert_true(fixture_has(t->f.kv, TABLE, 1, 5, 0)); /* its page is there and in the directory */
    forget(t, 1);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), -SG_KV_DAMAGED);
    assert_int_equal(fixture_write(t->f.kv, SG_KV_PUT, TABLE, 1, 5, 1, 1), SG_KV_DAMAGED);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 2), 288);
}

/* Page 1 lost here, page 2 there, page 3 elsewhere: together they are whole. */
static void test_each_volume_withholds_another(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_PAGE_KEY_LEN];
    for (unsigned slot = 0; slot < 3; slot++)
        write_entry(t, slot, page_key(t, 1, slot + 1, key), SG_BYTES_NONE);
    forget(t, 1);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 288);
    expect_mended(t);
}

static void test_page_of_another_client(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf other = SG_BUF_INIT(1u << 20);
    uint8_t key[SG_PAGE_KEY_LEN];
    for (unsigned slot = 0; slot < 3; slot++) {
        read_entry(t, slot, page_key(t, 2, 1, key), &other);
        write_entry(t, slot, page_key(t, 1, 1, key), sg_buf_bytes(&other));
    }
    forget(t, 1);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), -SG_KV_DAMAGED);
}

static void test_pages_of_one_client_swapped(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf two = SG_BUF_INIT(1u << 20);
    uint8_t key[SG_PAGE_KEY_LEN];
    unsigned first = t->f.store->rank[page_key(t, 1, 1, key).data[0]][0];
    read_entry(t, first, page_key(t, 1, 1, key), &one);
    read_entry(t, first, page_key(t, 1, 2, key), &two);
    write_entry(t, first, page_key(t, 1, 1, key), sg_buf_bytes(&two));
    write_entry(t, first, page_key(t, 1, 2, key), sg_buf_bytes(&one));
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 288);
    assert_true(damage(t, first) >= 2);
    assert_true(fixture_has(t->f.kv, TABLE, 1, 5, 0)); /* a scan only counts, a get mends */
    assert_true(fixture_has(t->f.kv, TABLE, 1, 100, 0));
    expect_mended(t);
}

/* A deleted row's page comes back, on all volumes: the head knows better. */
static void test_old_page_beside_the_new(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf old = SG_BUF_INIT(1u << 20);
    uint8_t key[SG_PAGE_KEY_LEN];
    read_entry(t, 0, page_key(t, 1, 1, key), &old);
    assert_int_equal(fixture_write(t->f.kv, SG_KV_DELETE, TABLE, 1, 3, 1, 0), 0);
    for (unsigned slot = 0; slot < 3; slot++)
        write_entry(t, slot, page_key(t, 1, 1, key), sg_buf_bytes(&old));
    assert_true(fixture_has(t->f.kv, TABLE, 1, 3, -1));
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 287);
    forget(t, 1); /* cold, nobody can tell which pages the head meant: refused */
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), -SG_KV_DAMAGED);
}

static void roll_back_head(struct bench *t, unsigned n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf old = SG_BUF_INIT(1u << 20);
    uint8_t key[SG_HEAD_KEY_LEN];
    read_entry(t, 0, head_key(t, 1, key), &old);
    assert_int_equal(fixture_write(t->f.kv, SG_KV_INSERT, TABLE, 1, 500, 1, 0), 0);
    for (unsigned slot = 0; slot < n; slot++)
        write_entry(t, slot, head_key(t, 1, key), sg_buf_bytes(&old));
    forget(t, 1);
}

static void test_head_rolled_back_on_two(void **state)
{
    struct bench *t = *state;
    roll_back_head(t, 2);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 289);
    assert_true(damage(t, 0) > 0);
    assert_true(damage(t, 1) > 0);
    assert_int_equal(damage(t, 2), 0);
    expect_mended(t);
}

/* The window that ADR 0003 names: all copies at once, and consistent. */
static void test_head_rolled_back_on_all(void **state)
{
    struct bench *t = *state;
    roll_back_head(t, 3);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 288);
}

/* A head that was sealed for a commit that failed lies in the journal's void record.  The next
 * commit takes the same version, so that the adversary has two good heads of it. */
static void put_void_head(struct bench *t, unsigned n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf before = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf failed = SG_BUF_INIT(1u << 20);
    uint8_t key[SG_HEAD_KEY_LEN];
    read_entry(t, 0, head_key(t, 1, key), &before);
    assert_int_equal(fixture_write(t->f.kv, SG_KV_PUT, TABLE, 1, 500, 1, 1), 0);
    read_entry(t, 0, head_key(t, 1, key), &failed);
    for (unsigned slot = 0; slot < 3; slot++)
        write_entry(t, slot, head_key(t, 1, key), sg_buf_bytes(&before));
    forget(t, 1); /* as if the commit had failed */
    assert_int_equal(fixture_write(t->f.kv, SG_KV_PUT, TABLE, 1, 500, 1, 2), 0);
    for (unsigned i = 0; i < n; i++)
        write_entry(t, sg_store_replica(t->f.store, key, i)->slot, head_key(t, 1, key),
                    sg_buf_bytes(&failed));
    forget(t, 1);
}

static void test_head_of_a_failed_commit(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_HEAD_KEY_LEN];
    put_void_head(t, 1);
    unsigned first = sg_store_replica(t->f.store, head_key(t, 1, key).data, 0)->slot;
    assert_true(fixture_has(t->f.kv, TABLE, 1, 500, 2));
    for (unsigned slot = 0; slot < 3; slot++)
        assert_int_equal(damage(t, slot), slot == first);
    expect_mended(t);
}

/* Nobody can tell which of two is right where none has the majority. */
static void test_heads_of_one_version_tie(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_HEAD_KEY_LEN];
    put_void_head(t, 1);
    unsigned last = sg_store_replica(t->f.store, head_key(t, 1, key).data, 2)->slot;
    write_entry(t, last, head_key(t, 1, key), SG_BYTES_NONE);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), -SG_KV_DAMAGED);
}

static void test_head_withheld(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_HEAD_KEY_LEN];
    write_entry(t, 0, head_key(t, 1, key), SG_BYTES_NONE);
    write_entry(t, 2, head_key(t, 1, key), SG_BYTES_NONE);
    forget(t, 1);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), 288);
    assert_true(damage(t, 0) > 0 && damage(t, 2) > 0);
    expect_mended(t);
}

/* All heads garbage: never taken for an empty partition. */
static void test_head_forged_everywhere(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf head = SG_BUF_INIT(1u << 20);
    uint8_t key[SG_HEAD_KEY_LEN];
    for (unsigned slot = 0; slot < 3; slot++) {
        read_entry(t, slot, head_key(t, 1, key), &head);
        head.data[head.len - 20] ^= 1;
        write_entry(t, slot, head_key(t, 1, key), sg_buf_bytes(&head));
    }
    forget(t, 1);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 1), -SG_KV_DAMAGED);
    assert_int_equal(fixture_write(t->f.kv, SG_KV_INSERT, TABLE, 1, 0, 1, 0), SG_KV_DAMAGED);
}

static void test_foreign_entries_are_swept(void **state)
{
    struct bench *t = *state;
    uint8_t key[SG_PAGE_KEY_LEN];
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    struct sg_bytes stray = SG_BYTES_LIT("\x05not a key of ours");
    write_entry(t, 0, stray, SG_BYTES_LIT("junk"));
    memset(key, 7, sizeof(key));
    key[1] = SG_PAGE_CLASS;
    write_entry(t, 1, SG_BYTES_ARRAY(key), SG_BYTES_LIT("junk"));
    expect_mended(t);
    assert_int_equal(sg_index_get(t->f.store->volumes[0].index, NULL, stray, &b),
                     SG_INDEX_NOT_FOUND);
    assert_int_equal(sg_index_get(t->f.store->volumes[1].index, NULL, SG_BYTES_ARRAY(key), &b),
                     SG_INDEX_NOT_FOUND);
}

/* Once the last row is gone the old pages cannot be brought back even with their head. */
static void test_erased_client(void **state)
{
    struct bench *t = *state;
    struct sg_part *part = part_of(t, 2);
    uint8_t before[SG_KEY_LEN];
    pthread_mutex_lock(&part->lock);
    memcpy(before, part->keys->dek, sizeof(before));
    pthread_mutex_unlock(&part->lock);
    assert_int_equal(fixture_write(t->f.kv, SG_KV_DELETE, TABLE, 2, 0, 288, 0), 0);
    assert_memory_not_equal(before, part->keys->dek, sizeof(before));
    sg_part_put(t->f.store, part);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 2), 0);
    forget(t, 2);
    assert_int_equal(fixture_count(t->f.kv, TABLE, 2), 0);
    expect_mended(t);
}

static void test_child_of_fork(void **state)
{
    struct bench *t = *state;
    t->f.store->pid++; /* what a child would see */
    assert_int_equal(fixture_write(t->f.kv, SG_KV_PUT, TABLE, 1, 0, 1, 0), -EOWNERDEAD);
    assert_false(fixture_has(t->f.kv, TABLE, 1, 0, 0));
    t->f.store->pid--;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_page_withheld),
        TEST(test_page_withheld_under_a_warm_cache),
        TEST(test_page_withheld_everywhere),
        TEST(test_each_volume_withholds_another),
        TEST(test_page_of_another_client),
        TEST(test_pages_of_one_client_swapped),
        TEST(test_old_page_beside_the_new),
        TEST(test_head_rolled_back_on_two),
        TEST(test_head_rolled_back_on_all),
        TEST(test_head_of_a_failed_commit),
        TEST(test_heads_of_one_version_tie),
        TEST(test_head_withheld),
        TEST(test_head_forged_everywhere),
        TEST(test_foreign_entries_are_swept),
        TEST(test_erased_client),
        TEST(test_child_of_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
