#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/som-map.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char label[] = "day/test/1";

static struct sg_som *make_map(uint32_t columns, uint32_t rows, uint32_t points)
{
    const struct sg_som_shape shape = {columns, rows, points, SG_SOM_HEXAGONAL};
    struct sg_som *m = NULL;
    struct sg_prng p;
    size_t n = (size_t)columns * rows * points;
    SG_FREE float *code = malloc(n * sizeof(float));
    assert_non_null(code);
    sg_prng_seed(&p, 3);
    for (size_t i = 0; i < n; i++)
        code[i] = (float)sg_prng_normal(&p);
    code[0] = 0;
    code[n - 1] = -SG_SOM_VALUE_MAX;
    assert_int_equal(sg_som_new(&m, &shape), 0);
    assert_int_equal(sg_som_set(m, code), 0);
    return m;
}

static int decode(struct sg_bytes bytes)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *m = NULL;
    char name[SG_SOM_LABEL_MAX + 1] = "untouched";
    uint64_t seed = 99;
    int r = sg_som_map_decode(bytes, &m, name, &seed);
    assert_int_equal(r == 0, m != NULL);
    if (r) {
        assert_string_equal(name, "untouched");
        assert_int_equal(seed, 99);
    }
    return r;
}

static void same_map(const struct sg_som *a, const struct sg_som *b)
{
    assert_memory_equal(sg_som_shape(a), sg_som_shape(b), sizeof(struct sg_som_shape));
    assert_memory_equal(sg_som_code(a, 0), sg_som_code(b, 0),
                        sg_som_nodes(a) * sg_som_shape(a)->points * sizeof(float));
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const uint32_t shape[][3] = {{1, 1, 1}, {10, 10, 24}, {3, 7, 96}, {1024, 1, 1024}};
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_SOM_MAP_BYTES_MAX);
        SG_CLEANUP(sg_som_freep)
        struct sg_som *m = make_map(shape[i][0], shape[i][1], shape[i][2]);
        SG_CLEANUP(sg_som_freep) struct sg_som *back = NULL;
        char name[SG_SOM_LABEL_MAX + 1];
        uint64_t seed;
        assert_int_equal(sg_som_map_encode(m, label, UINT64_MAX, &b), 0);
        assert_int_equal(sg_som_map_decode(sg_buf_bytes(&b), &back, name, &seed), 0);
        assert_string_equal(name, label);
        assert_true(seed == UINT64_MAX);
        same_map(m, back);
    }
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = make_map(2, 2, 3);
    assert_int_equal(sg_som_map_encode(m, label, 1, &b), 0);
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(decode(SG_BYTES(b.data, n)), SG_SOM_MAP_NOT_A_MAP);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_int_equal(decode(sg_buf_bytes(&b)), SG_SOM_MAP_NOT_A_MAP);
}

/* What the file may say, one field wrong at a time. */
struct fields {
    const char *format, *label;
    uint64_t version, columns, rows, topology, points;
    uint64_t n_codes;
    uint32_t code; /* bits of the last one */
};

static int decode_fields(const struct fields *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    uint8_t codes[256] = {0};
    sg_store_be32(codes + f->n_codes * 4 - 4, f->code);
    assert_int_equal(sg_cbor_put_array(&b, 9), 0);
    assert_int_equal(sg_cbor_put_text(&b, f->format), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->version), 0);
    assert_int_equal(sg_cbor_put_text(&b, f->label), 0);
    assert_int_equal(sg_cbor_put_uint(&b, 1), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->columns), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->rows), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->topology), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->points), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES(codes, f->n_codes * 4)), 0);
    return decode(sg_buf_bytes(&b));
}

static void test_fields(void **state)
{
    (void)state;
    char long_label[SG_SOM_LABEL_MAX + 2];
    memset(long_label, 'a', sizeof(long_label));
    long_label[SG_SOM_LABEL_MAX + 1] = '\0';
    const struct fields good = {"sealgrid-som", label, 1, 2, 3, 0, 4, 24, 0x3f800000};
    assert_int_equal(decode_fields(&good), 0);
#define REFUSED(change, outcome)                                                                   \
    do {                                                                                           \
        struct fields f = good;                                                                    \
        f.change;                                                                                  \
        assert_int_equal(decode_fields(&f), outcome);                                              \
    } while (0)
    REFUSED(format = "sealgrid-sam", SG_SOM_MAP_NOT_A_MAP);
    REFUSED(version = 2, SG_SOM_MAP_VERSION);
    REFUSED(version = 0, SG_SOM_MAP_VERSION);
    REFUSED(label = "", SG_SOM_MAP_NOT_A_MAP);
    REFUSED(label = long_label, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(label = long_label + 1, 0);
    REFUSED(columns = 3, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(columns = 0, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(columns = UINT64_MAX, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(rows = (1ull << 62) + 3, SG_SOM_MAP_NOT_A_MAP); /* times 4 octets wraps to the same */
    REFUSED(topology = 2, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(points = 5, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(n_codes = 25, SG_SOM_MAP_NOT_A_MAP);
    REFUSED(code = 0x80000000, SG_SOM_MAP_NOT_A_MAP); /* negative zero */
    REFUSED(code = 0x7fc00000, SG_SOM_MAP_NOT_A_MAP); /* NaN */
    REFUSED(code = 0xff800000, SG_SOM_MAP_NOT_A_MAP); /* -infinity */
    REFUSED(code = 0x5e000000, SG_SOM_MAP_NOT_A_MAP); /* 2.3e18 */
#undef REFUSED
}

/* No nodes and no codes agree with each other, and are no map. */
static void test_empty_map(void **state)
{
    (void)state;
    static const uint8_t empty[] = "\x89\x6csealgrid-som\x01\x61x\x01\x00\x00\x00\x00\x40";
    assert_int_equal(decode(SG_BYTES(empty, sizeof(empty) - 1)), SG_SOM_MAP_NOT_A_MAP);
}

static void test_negative_zero_is_written_as_zero(void **state)
{
    (void)state;
    const struct sg_som_shape shape = {1, 1, 2, SG_SOM_RECTANGULAR};
    const float code[] = {-0.0f, 1};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = NULL;
    assert_int_equal(sg_som_new(&m, &shape), 0);
    assert_int_equal(sg_som_set(m, code), 0);
    assert_int_equal(sg_som_map_encode(m, label, 1, &b), 0);
    assert_int_equal(decode(sg_buf_bytes(&b)), 0);
}

static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/sealgrid-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/fleet.som", folder);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = make_map(10, 10, 24);
    SG_CLEANUP(sg_som_freep) struct sg_som *back = NULL;
    char name[SG_SOM_LABEL_MAX + 1];
    uint64_t seed;
    struct stat st;
    assert_true(sg_som_map_load(path, &back, name, &seed) < 0);
    assert_int_equal(sg_som_map_save(m, label, 7, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sg_som_map_load(path, &back, name, &seed), 0);
    same_map(m, back);
    assert_int_equal(seed, 7);
    assert_int_equal(sg_file_write_atomic(path, SG_BYTES_LIT("not a map"), 0600), 0);
    SG_CLEANUP(sg_som_freep) struct sg_som *none = NULL;
    assert_int_equal(sg_som_map_load(path, &none, name, &seed), SG_SOM_MAP_NOT_A_MAP);
    assert_null(none);
    assert_int_equal(sg_remove_tree(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_empty_map),
        cmocka_unit_test(test_negative_zero_is_written_as_zero),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
