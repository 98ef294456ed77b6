/*
 * test-marks - the memory of the newest documents: its octets, what raises it, what is below it.
 */
#include "test-cas-int.h"

#include "marks-int.h"
#include "testkit/expect.h"
#include "testkit/intel.h"

#define AT  INT64_C(1800000000)
#define DAY INT64_C(86400)

static struct tk_intel intel, stranger;

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items = 0;
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(b), &items), 0);
    assert_int_not_equal(items, 0);
    sg_buf_reset(b);
}

struct set {
    unsigned evaluation;
    uint64_t crl_number;
    int64_t crl_from_s;
    const struct tk_intel *by; /* who signs */
};

static struct sg_tee_store *store_of(const struct set *set)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec crl = {
        .from_s = set->crl_from_s, .until_s = AT + 9 * DAY, .number = set->crl_number};
    struct tk_tcb_info info = tk_tcb_info_good(&intel, false);
    struct tk_identity id = tk_identity_good(&intel, false);
    struct sg_tee_store *s = NULL;
    info.evaluation = id.evaluation = set->evaluation;
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    tk_cert_pem(intel.root, &b);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&b)), 0);
    sg_buf_reset(&b);
    tk_tcb_info_json(set->by, &info, &b);
    add(s, &b);
    tk_identity_json(set->by, &id, &b);
    add(s, &b);
    tk_crl_der(&crl, set->by->root, set->by->root_key, &b);
    add(s, &b);
    tk_intel_signer_chain(set->by, &b);
    add(s, &b);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

/* Raises m; whether anything rose, and how many are below. */
static bool look(struct sg_cas_marks *m, unsigned evaluation, uint64_t crl_number,
                 int64_t crl_from_s, const struct tk_intel *by, size_t *ret_below)
{
    const struct set set = {evaluation, crl_number, crl_from_s, by};
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&set);
    char first[SG_TEE_DOCUMENT_NAME_MAX] = "";
    bool raised = false;
    size_t unmarked = 0;
    assert_int_equal(sg_cas_marks_raise(m, s, &raised, &unmarked), 0);
    assert_int_equal(unmarked, by == &intel ? 0 : 3);
    *ret_below = sg_cas_marks_apply(m, s, first);
    assert_int_equal(*ret_below > 0, first[0] != 0);
    return raised;
}

static void test_marks_only_rise(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {0};
    size_t below;
    assert_true(look(&m, 17, 5, AT - DAY, &intel, &below));
    assert_int_equal(m.n, 3);
    assert_int_equal(below, 0);
    assert_false(look(&m, 17, 5, AT - DAY, &intel, &below));
    assert_int_equal(below, 0);
    assert_false(look(&m, 16, 5, AT - DAY, &intel, &below));
    assert_int_equal(below, 2);
    assert_false(look(&m, 17, 5, AT - 2 * DAY, &intel, &below));
    assert_int_equal(below, 1);
    assert_true(look(&m, 18, 5, AT, &intel, &below));
    assert_int_equal(m.n, 3);
    assert_int_equal(below, 0);
    assert_false(look(&m, 17, 5, AT - DAY, &intel, &below));
    assert_int_equal(below, 3);
}

/* Intel gives every list the number 1: the date of issue counts, whatever the numbers. */
static void test_lists_by_issue(void **state)
{
    (void)state;
    static const uint64_t numbers[][2] = {{0, 0}, {1, 1}, {0, 7}, {7, 0}, {5, 6}, {6, 5}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {0};
        size_t below;
        assert_true(look(&m, 17, numbers[i][0], AT - DAY, &intel, &below));
        assert_false(look(&m, 17, numbers[i][1], AT - 2 * DAY, &intel, &below));
        assert_int_equal(below, 1);
        assert_true(look(&m, 17, numbers[i][1], AT, &intel, &below));
        assert_int_equal(below, 0);
        assert_false(look(&m, 17, numbers[i][0], AT - DAY, &intel, &below));
        assert_int_equal(below, 1);
    }
}

/* Whoever cannot sign for the vendor raises nothing, however high. */
static void test_strangers_raise_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {0};
    size_t below;
    assert_false(look(&m, 4000000000, 99, AT, &stranger, &below));
    assert_int_equal(m.n, 0);
    assert_true(look(&m, 17, 5, AT, &intel, &below));
    assert_false(look(&m, 4000000000, 99, AT, &stranger, &below));
    assert_false(look(&m, 17, 5, AT, &intel, &below));
    assert_int_equal(below, 0);
}

/* ---- octets ---- */

static void test_octets_and_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {.epoch = 7}, back = {0}, copy = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(SG_CAS_MARKS_OCTETS);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_CAS_MARKS_OCTETS);
    size_t below;
    look(&m, 17, 5, AT, &intel, &below);
    assert_int_equal(sg_cas_marks_encode(&m, &a), 0);
    assert_int_equal(a.len, 8 + 3 * SG_CAS_MARK_LEN);
    assert_int_equal(sg_cas_marks_decode(sg_buf_bytes(&a), &back), 0);
    assert_int_equal(back.epoch, 7);
    assert_int_equal(back.n, 3);
    assert_int_equal(sg_cas_marks_copy(&back, &copy), 0);
    assert_int_equal(sg_cas_marks_encode(&copy, &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b)));
    assert_false(look(&copy, 16, 4, AT - 1, &intel, &below));
    assert_int_equal(below, 3);
}

static void expect_bad(struct sg_bytes octets)
{
    struct sg_cas_marks m = {0};
    assert_int_equal(sg_cas_marks_decode(octets, &m), -EBADMSG);
    assert_null(m.at);
}

static void test_bad_octets(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {0}, none = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(SG_CAS_MARKS_OCTETS + 1000);
    size_t below;
    look(&m, 17, 5, AT, &intel, &below);
    assert_int_equal(sg_cas_marks_encode(&m, &a), 0);
    for (size_t n = 1; n < a.len; n++) {
        if ((n - 8) % SG_CAS_MARK_LEN != 0)
            expect_bad(SG_BYTES(a.data, n));
    }
    assert_int_equal(sg_cas_marks_decode(SG_BYTES_NONE, &none), 0);
    assert_int_equal(none.n, 0);
    memcpy(a.data + 8, a.data + 8 + SG_CAS_MARK_LEN, SG_CAS_MARK_LEN); /* twice the same */
    expect_bad(sg_buf_bytes(&a));
    a.data[8] = 0xff; /* not ascending */
    expect_bad(sg_buf_bytes(&a));
    sg_buf_reset(&a);
    assert_int_equal(sg_buf_append_zeros(&a, SG_CAS_MARKS_OCTETS + SG_CAS_MARK_LEN), 0);
    expect_bad(sg_buf_bytes(&a));
}

static void test_full(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {0};
    const struct set set = {17, 5, AT, &intel};
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&set);
    bool raised = false;
    size_t unmarked;
    m.at = calloc(SG_CAS_MARKS_MAX, sizeof *m.at);
    assert_non_null(m.at);
    for (m.n = 0; m.n < SG_CAS_MARKS_MAX; m.n++)
        sg_store_be64(m.at[m.n].subject, m.n);
    assert_int_equal(sg_cas_marks_raise(&m, s, &raised, &unmarked), -ENOBUFS);
    assert_int_equal(m.n, SG_CAS_MARKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_only_rise),
        cmocka_unit_test(test_lists_by_issue),
        cmocka_unit_test(test_strangers_raise_nothing),
        cmocka_unit_test(test_octets_and_back),
        cmocka_unit_test(test_bad_octets),
        cmocka_unit_test(test_full),
    };
    tk_intel_init(&intel, AT);
    tk_intel_init(&stranger, AT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tk_intel_clear(&intel);
    tk_intel_clear(&stranger);
    return failed;
}
