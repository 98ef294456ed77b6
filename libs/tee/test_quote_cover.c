#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

/*
 * Which octets of a quote no signature covers: every octet is changed once, and those whose change
 * is trusted must be in the list of docs/adr/0008-judging-evidence.md.
 */
#include "quote-int.h"
#include "testkit/intel.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/policy.h>

#define AT INT64_C(1782864000)

static struct tk_intel intel;

static bool trusted(const struct sg_tee_case *c)
{
    const struct sg_tee_policy p = sg_tee_policy_crypto_only();
    struct sg_tee_verdict v;
    assert_int_equal(sg_tee_judge(c, &v), 0);
    sg_tee_apply(&p, &v);
    return sg_tee_trusted(&v);
}

static bool is_space(uint8_t c)
{
    return c == '\n' || c == '\r' || c == '\t' || c == ' ';
}

/* Where the root's block begins: the last of the chain. */
static size_t last_block(struct sg_bytes pem)
{
    size_t at = 0;
    for (size_t i = 0; i + 11 < pem.len; i++) {
        if (memcmp(pem.data + i, "-----BEGIN ", 11) == 0)
            at = i;
    }
    return at;
}

static void check(struct tk_quote quote, bool with_chain)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536), root = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    SG_CLEANUP(sg_tee_cache_freep) struct sg_tee_cache *cache = NULL;
    struct sg_quote q;
    tk_quote_make(&intel, &quote, &b);
    tk_cert_der(intel.root, &root);
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&root)), 0);
    assert_int_equal(sg_tee_store_seal(s), 0);
    assert_int_equal(sg_tee_cache_new(&cache, s), 0);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b)};
    const struct sg_tee_case c = {
        .evidence = &e, .store = s, .cache = cache, .at_s = AT, .crypto_only = true};
    assert_true(trusted(&c));
    assert_int_equal(sg_quote_read(sg_buf_bytes(&b), &q), SG_TEE_REASON_NONE);
    const size_t pem = (size_t)(q.cert_data.data - b.data),
                 stranger = pem + last_block(q.cert_data);
    for (size_t i = 0; i < (with_chain ? stranger : pem); i += i < pem ? 1 : 2) {
        const uint8_t was = b.data[i];
        b.data[i] ^= (uint8_t)(1u << (i * 5 % 8));
        const bool type = i == pem - 6 && b.data[i] == SG_QUOTE_CERT_LEAF;
        const bool space = i >= pem && is_space(was);
        if (trusted(&c) && !type && !space)
            fail_msg("octet %zu of %zu changed from %02x to %02x, and trusted", i, b.len, was,
                     b.data[i]);
        b.data[i] = was;
    }
    assert_true(trusted(&c));
}

static void test_an_sgx_quote(void **state)
{
    (void)state;
    check(tk_quote_sgx(&intel), true);
}

/* What differs is in front of the chain. */
static void test_td_quotes(void **state)
{
    (void)state;
    check(tk_quote_td(&intel, 4, TK_TD10_BODY), false);
    check(tk_quote_td(&intel, 5, TK_TD15_BODY), false);
}

static int init(void **state)
{
    (void)state;
    tk_intel_init(&intel, AT);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    tk_intel_clear(&intel);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_sgx_quote),
        cmocka_unit_test(test_td_quotes),
    };
    return cmocka_run_group_tests(tests, init, clear);
}
