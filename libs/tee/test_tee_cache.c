#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "cache-int.h"
#include "testkit/pki.h"

static struct sg_tee_own_certs one_cert(EVP_PKEY *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    const struct tk_cert_spec spec = {.common_name = "x", .until_s = 1, .serial = 1};
    struct sg_tee_own_certs certs = {.n = 1};
    X509 *x = tk_cert_new(&spec, key, NULL, key);
    tk_cert_der(x, &der);
    X509_free(x);
    assert_int_equal(sg_tee_cert_new(&certs.at[0], sg_buf_bytes(&der)), 0);
    return certs;
}

/* Of one place: they differ in their last octet alone. */
static void test_bundles_are_known_by_their_whole_hash(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_cache_freep) struct sg_tee_cache *c = NULL;
    EVP_PKEY *key = tk_key_new(TK_P256);
    uint8_t a[32] = {1}, b[32] = {1};
    b[31] = 1;
    assert_int_equal(sg_tee_cache_new(&c, NULL), 0);
    assert_null(sg_tee_cache_bundle(c, a));
    struct sg_tee_own_certs first = one_cert(key), second = one_cert(key);
    const struct sg_tee_cert *was = first.at[0];
    const struct sg_tee_own_certs *kept = sg_tee_cache_keep(c, a, &first);
    assert_int_equal(first.n, 0);
    assert_ptr_equal(kept->at[0], was);
    assert_ptr_equal(sg_tee_cache_bundle(c, a), kept);
    assert_null(sg_tee_cache_bundle(c, b));
    was = second.at[0];
    assert_ptr_equal(sg_tee_cache_keep(c, b, &second)->at[0], was);
    assert_null(sg_tee_cache_bundle(c, a));
    EVP_PKEY_free(key);
}

static void test_signatures_are_known_with_their_key(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_cache_freep) struct sg_tee_cache *c = NULL;
    uint8_t thing[32] = {7}, other[32] = {7}, key[32] = {9}, stranger[32] = {9};
    other[31] = stranger[31] = 1;
    assert_int_equal(sg_tee_cache_new(&c, NULL), 0);
    assert_int_equal(sg_tee_cache_knows(c, thing, key), SG_TEE_UNKNOWN);
    sg_tee_cache_learn(c, thing, key, true);
    assert_int_equal(sg_tee_cache_knows(c, thing, key), SG_TEE_KNOWN_GOOD);
    assert_int_equal(sg_tee_cache_knows(c, thing, stranger), SG_TEE_UNKNOWN);
    assert_int_equal(sg_tee_cache_knows(c, other, key), SG_TEE_UNKNOWN);
    sg_tee_cache_learn(c, other, key, false); /* takes its place */
    assert_int_equal(sg_tee_cache_knows(c, other, key), SG_TEE_KNOWN_BAD);
    assert_int_equal(sg_tee_cache_knows(c, thing, key), SG_TEE_UNKNOWN);
    assert_int_equal(sg_tee_cache_knows(NULL, other, key), SG_TEE_UNKNOWN);
    sg_tee_cache_learn(NULL, other, key, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundles_are_known_by_their_whole_hash),
        cmocka_unit_test(test_signatures_are_known_with_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
