#include "trees-test-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>

#include <stdio.h>
#include <sys/stat.h>

static const char label[] = "features/test/1";

static struct sg_trees *make(void)
{
    static struct test_rows a;
    struct sg_trees_training t = test_training();
    test_rows_fill(&a, 2);
    const struct sg_trees_rows rows = test_rows_of(&a);
    return test_train(&rows, &t);
}

static int decode(struct sg_bytes bytes)
{
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = NULL;
    char name[SG_TREES_LABEL_MAX + 1] = "untouched";
    int r = sg_trees_decode(bytes, &m, name);
    assert_int_equal(r == 0, m != NULL);
    if (r)
        assert_string_equal(name, "untouched");
    return r;
}

static void test_there_and_back(void **state)
{
    (void)state;
    static struct test_rows a;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = make();
    SG_CLEANUP(sg_trees_freep) struct sg_trees *back = NULL;
    char name[SG_TREES_LABEL_MAX + 1];
    double u[TEST_ROWS], v[TEST_ROWS], base[2], part[2][TEST_FEATURES];
    test_rows_fill(&a, 9);
    assert_int_equal(sg_trees_encode(m, label, &b), 0);
    assert_int_equal(sg_trees_decode(sg_buf_bytes(&b), &back, name), 0);
    assert_string_equal(name, label);
    test_same_trees(m, back);
    sg_trees_margins(m, a.x, TEST_ROWS, u);
    sg_trees_margins(back, a.x, TEST_ROWS, v);
    assert_memory_equal(u, v, sizeof(u));
    sg_trees_explain(m, a.x, part[0], &base[0]);
    sg_trees_explain(back, a.x, part[1], &base[1]);
    assert_memory_equal(part[0], part[1], sizeof(part[0]));
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = make();
    assert_int_equal(sg_trees_encode(m, label, &b), 0);
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(decode(SG_BYTES(b.data, n)), SG_TREES_FILE_NOT_TREES);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_int_equal(decode(sg_buf_bytes(&b)), SG_TREES_FILE_NOT_TREES);
}

/* What the file may say, one field wrong at a time. */
struct node {
    uint16_t feature, missing;
    uint32_t a, b; /* bits */
};

struct fields {
    const char *format, *label;
    uint64_t version, features;
    uint64_t number[3]; /* bits */
    uint16_t count[2];
    size_t n_counts, n_nodes;
    struct node node[20];
};

#define ONE   0x3f800000u
#define ONE64 0x3ff0000000000000u
#define LEAF_                                                                                      \
    {                                                                                              \
        0xffff, 0, ONE, ONE                                                                        \
    }

static int decode_fields(const struct fields *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    uint8_t numbers[24], counts[4], nodes[20 * 12];
    for (size_t i = 0; i < 3; i++)
        sg_store_be64(numbers + 8 * i, f->number[i]);
    for (size_t i = 0; i < 2; i++)
        sg_store_be16(counts + 2 * i, f->count[i]);
    for (size_t i = 0; i < f->n_nodes; i++) {
        sg_store_be16(nodes + 12 * i, f->node[i].feature);
        sg_store_be16(nodes + 12 * i + 2, f->node[i].missing);
        sg_store_be32(nodes + 12 * i + 4, f->node[i].a);
        sg_store_be32(nodes + 12 * i + 8, f->node[i].b);
    }
    assert_int_equal(sg_cbor_put_array(&b, 8), 0);
    assert_int_equal(sg_cbor_put_text(&b, f->format), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->version), 0);
    assert_int_equal(sg_cbor_put_text(&b, f->label), 0);
    assert_int_equal(sg_cbor_put_uint(&b, 1), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->features), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES_ARRAY(numbers)), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES(counts, 2 * f->n_counts)), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES(nodes, 12 * f->n_nodes)), 0);
    return decode(sg_buf_bytes(&b));
}

/* Two trees: a split with two leaves, and a leaf. */
static const struct fields good = {.format = "sealgrid-trees",
                                   .label = label,
                                   .version = 1,
                                   .features = 3,
                                   .number = {0, ONE64, 0},
                                   .count = {3, 1},
                                   .n_counts = 2,
                                   .n_nodes = 4,
                                   .node = {{2, 1, ONE, ONE}, LEAF_, LEAF_, LEAF_}};

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct fields f = good;                                                                    \
        f.change;                                                                                  \
        assert_int_equal(decode_fields(&f), SG_TREES_FILE_NOT_TREES);                              \
    } while (0)

static void test_fields(void **state)
{
    (void)state;
    char long_label[SG_TREES_LABEL_MAX + 2];
    memset(long_label, 'a', sizeof(long_label));
    long_label[SG_TREES_LABEL_MAX + 1] = '\0';
    struct fields version = good;
    version.version = 2;
    assert_int_equal(decode_fields(&version), SG_TREES_FILE_VERSION);
    assert_int_equal(decode_fields(&good), 0);
    REFUSED(format = "sealgrid-treez");
    REFUSED(label = "");
    REFUSED(label = long_label);
    REFUSED(features = 0);
    REFUSED(features = SG_TREES_FEATURES_MAX + 1);
    REFUSED(number[0] = 0x7ff8000000000000u); /* NaN */
    REFUSED(number[0] = 1ull << 63);          /* negative zero */
    REFUSED(number[1] = 0);                   /* slope 0 */
    REFUSED(number[1] = 0xbff0000000000000u); /* slope -1 */
    REFUSED(number[2] = 0x7ff0000000000000u); /* infinite */
    REFUSED(number[2] = 0x4130000000000000u); /* 2^20 */
}

static void test_nodes(void **state)
{
    (void)state;
    REFUSED(node[0].feature = 3);
    REFUSED(node[0].missing = 2);
    REFUSED(node[1].missing = 1);
    REFUSED(node[0].a = 0x7fc00000); /* NaN threshold */
    REFUSED(node[0].a = 0x7f800000); /* infinite */
    REFUSED(node[0].a = 0x80000000); /* negative zero */
    REFUSED(node[0].b = 0xbf800000); /* gain -1 */
    REFUSED(node[0].b = 0x7fc00000);
    REFUSED(node[1].a = 0x7fc00000); /* NaN value */
    REFUSED(node[1].a = 0x49800000); /* 2^20 */
    REFUSED(node[1].b = 0);          /* no cover */
    REFUSED(node[1].b = 0xbf800000);
    REFUSED(node[1].b = 0x7f800000);
}

/* Trees that end too early, too late or never. */
static void test_shapes(void **state)
{
    (void)state;
    REFUSED(count[0] = 0);
    REFUSED(count[0] = 2);
    REFUSED(count[0] = 4);
    REFUSED(count[0] = 0xffff);
    REFUSED(count[1] = 2);
    REFUSED(n_counts = 1);
    REFUSED(n_counts = 0);
    REFUSED(n_nodes = 3);
    REFUSED(n_nodes = 5);
    REFUSED(node[0].feature = 0xffff); /* a leaf with something behind it */
    REFUSED(node[1].feature = 0);      /* a split whose right part never comes */
    struct fields none = good;
    none.n_counts = none.n_nodes = 0;
    assert_int_equal(decode_fields(&none), 0); /* the base alone */
    /* A chain of splits to the left: 8 are taken, 9 not. */
    for (uint16_t depth = 8; depth <= 9; depth++) {
        struct fields chain = good;
        chain.n_counts = 1;
        chain.n_nodes = chain.count[0] = (uint16_t)(2 * depth + 1);
        for (size_t i = 0; i < chain.n_nodes; i++)
            chain.node[i] = i < depth ? (struct node){0, 0, ONE, ONE} : (struct node)LEAF_;
        assert_int_equal(decode_fields(&chain), depth == 8 ? 0 : SG_TREES_FILE_NOT_TREES);
    }
}

static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/sealgrid-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/fleet.trees", folder);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = make();
    SG_CLEANUP(sg_trees_freep) struct sg_trees *back = NULL;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *none = NULL;
    char name[SG_TREES_LABEL_MAX + 1];
    struct stat st;
    assert_true(sg_trees_load(path, &back, name) < 0);
    assert_int_equal(sg_trees_save(m, label, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sg_trees_load(path, &back, name), 0);
    test_same_trees(m, back);
    assert_int_equal(sg_file_write_atomic(path, SG_BYTES_LIT("no trees"), 0600), 0);
    assert_int_equal(sg_trees_load(path, &none, name), SG_TREES_FILE_NOT_TREES);
    assert_null(none);
    assert_int_equal(sg_remove_tree(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_shapes),         cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
