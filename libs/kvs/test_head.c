/* head and seal: what opens, and what an adversary may try instead. */
#include "cmocka-int.h"

#include "head-int.h"

struct bench {
    uint8_t keys[3][32];
    struct sg_store_kek keks[2];
    struct sg_bucket_keys b, other;
    struct sg_part_keys *k;
    struct sg_writer w;
    uint8_t key[SG_HEAD_KEY_LEN], other_key[SG_HEAD_KEY_LEN];
    struct sg_row row;
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head head, got;
    struct sg_buf entry, plain;
};

static void make_key(struct bench *t, uint32_t table, const char *partition, uint8_t *key)
{
    uint8_t tag[SG_TABLE_TAG_LEN], name[SG_NAME_LEN];
    sg_name_table(&t->b, table, tag);
    sg_name_partition(&t->b, table, sg_bytes_str(partition), name);
    sg_head_key(tag, name, key);
}

static int setup(void **state)
{
    struct bench *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    for (int i = 0; i < 3; i++)
        memset(t->keys[i], i + 1, 32);
    t->keks[0] = (struct sg_store_kek){7, SG_BYTES(t->keys[0], 32)};
    t->keks[1] = (struct sg_store_kek){3, SG_BYTES(t->keys[1], 32)};
    struct sg_store_bucket bucket = {
        .name = "metering", .keks = t->keks, .n_keks = 2, .name_key = SG_BYTES(t->keys[2], 32)};
    assert_int_equal(sg_bucket_keys_init(&t->b, &bucket), 0);
    bucket.name = "evidence";
    assert_int_equal(sg_bucket_keys_init(&t->other, &bucket), 0);
    assert_int_equal(sg_part_keys_new(&t->k), 0);
    sg_part_keys_generate(t->k);
    make_key(t, 6, "client one", t->key);
    make_key(t, 6, "client two", t->other_key);
    t->row = (struct sg_row){SG_BYTES_LIT("sort"), SG_BYTES_LIT("value")};
    t->head = (struct sg_head){.version = 5,
                               .table = 6,
                               .partition = SG_BYTES_LIT("client one"),
                               .n_rows = 1,
                               .next_page = 1,
                               .tail = &t->row,
                               .n_tail = 1};
    t->entry.max = t->plain.max = SG_ENTRY_BYTES_MAX;
    assert_int_equal(sg_head_seal(t->k, &t->w, &t->b, t->key, &t->head, &t->entry), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct bench *t = *state;
    sg_bucket_keys_clear(&t->b);
    sg_bucket_keys_clear(&t->other);
    sg_part_keys_free(t->k);
    sg_buf_clear(&t->entry);
    sg_buf_clear(&t->plain);
    free(t);
    return 0;
}

static int open_as(struct bench *t, const struct sg_bucket_keys *b, const uint8_t *key)
{
    SG_CLEANUP(sg_part_keys_freep) struct sg_part_keys *k = NULL;
    assert_int_equal(sg_part_keys_new(&k), 0);
    return sg_head_open(k, b, key, sg_buf_bytes(&t->entry), &t->plain, t->tail, &t->got);
}

static void test_opens(void **state)
{
    struct bench *t = *state;
    assert_int_equal(open_as(t, &t->b, t->key), 0);
    assert_int_equal(t->got.version, 5);
    assert_int_equal(t->got.n_tail, 1);
    assert_true(sg_bytes_equal(t->got.partition, t->head.partition));
    assert_true(sg_bytes_equal(t->got.tail[0].value, t->row.value));
}

static void test_any_flipped_bit(void **state)
{
    struct bench *t = *state;
    for (size_t i = 0; i < t->entry.len * 8; i++) {
        t->entry.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_true(open_as(t, &t->b, t->key) > 0);
        t->entry.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(open_as(t, &t->b, t->key), 0);
}

static void test_cut_or_extended(void **state)
{
    struct bench *t = *state;
    size_t whole = t->entry.len;
    for (t->entry.len = 0; t->entry.len < whole; t->entry.len++)
        assert_true(open_as(t, &t->b, t->key) > 0);
    assert_int_equal(sg_buf_append_u8(&t->entry, 0), 0);
    assert_true(open_as(t, &t->b, t->key) > 0);
}

static void test_another_partition_or_bucket(void **state)
{
    struct bench *t = *state;
    assert_int_equal(open_as(t, &t->b, t->other_key), SG_SEAL_FORGED);
    assert_int_equal(open_as(t, &t->other, t->key), SG_SEAL_FORGED);
}

static void test_epochs(void **state)
{
    struct bench *t = *state;
    struct sg_head_clear c;
    assert_true(sg_head_peek(sg_buf_bytes(&t->entry), &c));
    assert_int_equal(c.epoch, 7); /* the highest, in whatever order they came */
    struct sg_kek gone = t->b.keks[1];
    t->b.n_keks = 1;
    assert_int_equal(open_as(t, &t->b, t->key), SG_SEAL_NO_KEK);
    t->b.n_keks = 2;
    t->b.keks[1] = gone;
}

/* The wrapped DEK of one partition in the head of another. */
static void test_transplanted_key(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_part_keys_freep) struct sg_part_keys *k = NULL;
    uint8_t wrapped[SG_WRAPPED_LEN];
    uint32_t epoch;
    assert_int_equal(sg_part_keys_new(&k), 0);
    sg_part_keys_generate(k);
    assert_int_equal(sg_dek_wrap(k, &t->b, sg_head_key_name(t->other_key), &epoch, wrapped), 0);
    assert_int_equal(sg_dek_unwrap(k, &t->b, sg_head_key_name(t->other_key), epoch, wrapped), 0);
    assert_int_equal(sg_dek_unwrap(k, &t->b, sg_head_key_name(t->key), epoch, wrapped),
                     SG_SEAL_FORGED);
    assert_int_equal(sg_dek_unwrap(k, &t->b, sg_head_key_name(t->other_key), 3, wrapped),
                     SG_SEAL_FORGED);
}

static void seal_page(struct bench *t, struct sg_page *p, struct sg_buf *out)
{
    p->n_rows = 1;
    p->first = p->last = SG_BYTES_LIT("k");
    p->columns = SG_BYTES_LIT("not looked at here");
    assert_int_equal(sg_page_seal(t->k, &t->w, sg_head_key_name(t->key), p, out), 0);
}

static void test_page_elsewhere(void **state)
{
    struct bench *t = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf entry = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    struct sg_page p = {.id = 3, .version = 9}, got;
    const uint8_t *name = sg_head_key_name(t->key);
    seal_page(t, &p, &entry);
    assert_int_equal(sg_page_open(t->k, name, 3, sg_buf_bytes(&entry), &t->plain, &got), 0);
    assert_int_equal(got.version, 9);
    assert_memory_equal(got.tag, p.tag, SG_TAG_LEN);
    assert_int_equal(sg_page_open(t->k, name, 4, sg_buf_bytes(&entry), &t->plain, &got),
                     SG_SEAL_FORGED);
    assert_int_equal(sg_page_open(t->k, sg_head_key_name(t->other_key), 3, sg_buf_bytes(&entry),
                                  &t->plain, &got),
                     SG_SEAL_FORGED);
    /* as a head */
    assert_int_equal(open_as(t, &t->b, t->key), 0);
    sg_buf_clear(&t->entry);
    assert_int_equal(sg_buf_append(&t->entry, sg_buf_bytes(&entry)), 0);
    assert_int_equal(open_as(t, &t->b, t->key), SG_SEAL_FORGED);
}

static void test_multiset(void **state)
{
    struct bench *t = *state;
    uint8_t zero[SG_MULTISET_LEN] = {0}, a[SG_MULTISET_LEN] = {0}, b[SG_MULTISET_LEN] = {0};
    struct sg_page pages[3] = {{.id = 1, .version = 1}, {.id = 2, .version = 1}, {.id = 3}};
    for (int i = 0; i < 3; i++) {
        sg_multiset_add(a, t->k, &pages[i]);
        sg_multiset_add(b, t->k, &pages[2 - i]);
    }
    assert_memory_equal(a, b, sizeof(a));
    pages[1].version = 2; /* the same page, rolled back or forward */
    sg_multiset_remove(b, t->k, &pages[1]);
    sg_multiset_add(b, t->k, &pages[1]);
    assert_memory_equal(a, b, sizeof(a));
    sg_multiset_remove(a, t->k, &pages[1]);
    pages[1].version = 1;
    sg_multiset_add(a, t->k, &pages[1]);
    assert_memory_not_equal(a, b, sizeof(a));
    for (int i = 0; i < 3; i++)
        sg_multiset_remove(b, t->k, &pages[i]);
    assert_memory_equal(b, zero, sizeof(b));
}

static void test_nonces_differ(void **state)
{
    struct bench *t = *state;
    uint8_t seen[64][SG_SALT_LEN + SG_NONCE_LEN];
    for (int i = 0; i < 64; i++) {
        struct sg_page p = {.id = 3};
        SG_CLEANUP(sg_buf_clear) struct sg_buf entry = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
        if (i == 32)
            t->k->can_write = false; /* as after another load */
        seal_page(t, &p, &entry);
        memcpy(seen[i], entry.data + SG_PAGE_HEADER_LEN, sizeof(seen[i]));
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(seen[k], seen[i], sizeof(seen[i]));
        bool same_load = i / 32 == (i ? (i - 1) / 32 : 0);
        if (i)
            assert_int_equal(memcmp(seen[i - 1], seen[i], SG_SALT_LEN) == 0, same_load);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_opens),           TEST(test_any_flipped_bit),
        TEST(test_cut_or_extended), TEST(test_another_partition_or_bucket),
        TEST(test_epochs),          TEST(test_transplanted_key),
        TEST(test_page_elsewhere),  TEST(test_multiset),
        TEST(test_nonces_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
