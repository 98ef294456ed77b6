/* store pages: what is kept, what goes, and that only the page of the directory's tag is given. */
#include "cmocka-int.h"

#include <stdio.h>
#include <stdlib.h>

#include "store-pages-int.h"

#define ROWS 8

static const uint8_t name[SG_NAME_LEN] = "a partition";

/* Tags are random in life. */
static struct sg_page page_of(uint64_t id)
{
    struct sg_page p = {.id = id, .version = id, .n_rows = ROWS};
    uint64_t mixed = id * UINT64_C(0x9e3779b97f4a7c15);
    sg_store_be64(p.tag, mixed);
    sg_store_be64(p.tag + 8, mixed ^ id << 32);
    return p;
}

/* Rows "k0".."k7" (even numbers only), values that name page and row. */
static void keep(struct sg_pages *c, uint64_t id, size_t padding)
{
    static char text[ROWS][2][128];
    struct sg_row row[ROWS];
    struct sg_rows rows = {.row = row, .n = ROWS};
    struct sg_page page = page_of(id);
    for (int i = 0; i < ROWS; i++) {
        snprintf(text[i][0], sizeof(text[i][0]), "k%02d", 2 * i);
        int len = snprintf(text[i][1], sizeof(text[i][1]), "page %llu row %d%*s",
                           (unsigned long long)id, 2 * i, (int)padding, "");
        row[i] = (struct sg_row){sg_bytes_str(text[i][0]), SG_BYTES(text[i][1], (size_t)len)};
    }
    sg_pages_keep(c, name, &page, &rows);
}

static int ask(struct sg_pages *c, uint64_t id, const char *sort, struct sg_buf *ret)
{
    struct sg_page page = page_of(id);
    sg_buf_reset(ret);
    return sg_pages_get(c, name, &page, sg_bytes_str(sort), ret);
}

static void test_rows(void **state)
{
    (void)state;
    SG_CLEANUP(sg_pages_clear) struct sg_pages c = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    assert_int_equal(sg_pages_init(&c, 1u << 20), 0);
    assert_int_equal(ask(&c, 7, "k04", &b), SG_PAGES_ONCE);
    assert_int_equal(ask(&c, 7, "k04", &b), SG_PAGES_AGAIN);
    keep(&c, 7, 0);
    for (int i = 0; i < ROWS; i++) {
        char sort[8], want[64];
        snprintf(sort, sizeof(sort), "k%02d", 2 * i);
        int len = snprintf(want, sizeof(want), "page 7 row %d", 2 * i);
        assert_int_equal(ask(&c, 7, sort, &b), 0);
        assert_int_equal(b.len, len);
        assert_memory_equal(b.data, want, (size_t)len);
        snprintf(sort, sizeof(sort), "k%02d", 2 * i + 1);
        assert_int_equal(ask(&c, 7, sort, &b), SG_PAGES_NO_ROW);
    }
    assert_int_equal(ask(&c, 7, "", &b), SG_PAGES_NO_ROW);
    assert_int_equal(b.len, 0);
}

/* Another version, place or partition is another page, whatever else agrees. */
static void test_identity(void **state)
{
    (void)state;
    SG_CLEANUP(sg_pages_clear) struct sg_pages c = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    static const uint8_t other[SG_NAME_LEN] = "another one";
    struct sg_page page = page_of(7), changed = page;
    const struct sg_bytes sort = SG_BYTES_LIT("k00");
    assert_int_equal(sg_pages_init(&c, 1u << 20), 0);
    keep(&c, 7, 0);
    assert_int_equal(sg_pages_get(&c, name, &page, sort, &b), 0);
    changed.version++;
    assert_true(sg_pages_get(&c, name, &changed, sort, &b) >= SG_PAGES_ONCE);
    changed = page;
    changed.id++;
    assert_true(sg_pages_get(&c, name, &changed, sort, &b) >= SG_PAGES_ONCE);
    changed = page;
    changed.tag[15] ^= 1;
    assert_true(sg_pages_get(&c, name, &changed, sort, &b) >= SG_PAGES_ONCE);
    assert_true(sg_pages_get(&c, other, &page, sort, &b) >= SG_PAGES_ONCE);
}

static size_t kept_bytes(const struct sg_pages *c)
{
    size_t n = 0;
    for (size_t i = 0; i < SG_PAGES_SHARDS; i++)
        n += c->shards[i].bytes;
    return n;
}

/* The least recently used go, and never more is kept than allowed. */
static void test_bound(void **state)
{
    (void)state;
    const size_t max = 256u << 10;
    SG_CLEANUP(sg_pages_clear) struct sg_pages c = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    size_t kept = 0;
    assert_int_equal(sg_pages_init(&c, max), 0);
    for (uint64_t id = 1; id <= 2000; id++) {
        keep(&c, id, 100);
        assert_int_equal(ask(&c, id, "k00", &b), 0);
        assert_int_equal(ask(&c, 1, "k02", &b), 0); /* in use all the time: stays */
        assert_true(kept_bytes(&c) <= max);
    }
    assert_true(kept_bytes(&c) > max / 2);
    for (uint64_t id = 1; id <= 2000; id++)
        kept += ask(&c, id, "k00", &b) == 0;
    assert_in_range(kept, 50, 400);
    assert_true(ask(&c, 2, "k00", &b) >= SG_PAGES_ONCE);
}

/* One page larger than a shard may hold is not kept, and drives nothing out. */
static void test_too_large(void **state)
{
    (void)state;
    SG_CLEANUP(sg_pages_clear) struct sg_pages c = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    assert_int_equal(sg_pages_init(&c, SG_PAGES_SHARDS * 1000), 0);
    keep(&c, 7, 100);
    assert_true(ask(&c, 7, "k00", &b) >= SG_PAGES_ONCE);
    assert_int_equal(kept_bytes(&c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
