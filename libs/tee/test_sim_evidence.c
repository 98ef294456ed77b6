#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "sim-int.h"

struct fixture {
    struct sg_key *platform, *other;
    struct sg_sim_body body;
    struct sg_buf evidence;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.evidence = SG_BUF_INIT(4096)};
    f.body.version = SG_SIM_EVIDENCE_VERSION;
    memset(f.body.measurement, 0x11, sizeof f.body.measurement);
    memset(f.body.report_data, 0x22, sizeof f.body.report_data);
    *state = &f;
    if (sg_key_generate(&f.platform, SG_KEY_P256) != 0 ||
        sg_key_generate(&f.other, SG_KEY_P256) != 0)
        return -1;
    if (sg_sim_platform_id(f.platform, f.body.platform) != 0)
        return -1;
    return sg_sim_sign(f.platform, &f.body, &f.evidence);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sg_key_free(f->platform);
    sg_key_free(f->other);
    sg_buf_clear(&f->evidence);
    return 0;
}

static int verify(struct fixture *f, struct sg_bytes evidence, struct sg_tee_claims *ret)
{
    struct sg_key *roots[] = {f->other, f->platform};
    struct sg_tee_collateral c = {.sim_platforms = roots, .n_sim_platforms = 2};
    return sg_tee_verify(SG_TEE_SIM, evidence, &c, 0, ret);
}

static void test_claims_are_what_was_signed(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    assert_int_equal(verify(f, sg_buf_bytes(&f->evidence), &claims), 0);
    assert_int_equal(claims.kind, SG_TEE_SIM);
    assert_int_equal(claims.measurement_len, 32);
    assert_memory_equal(claims.measurement, f->body.measurement, 32);
    assert_memory_equal(claims.report_data, f->body.report_data, 64);
    assert_memory_equal(claims.platform, f->body.platform, 32);
    assert_int_equal(claims.signer_len, 0);
    assert_false(claims.debug);
}

static void test_debug_is_claimed(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    f->body.debug = true;
    sg_buf_reset(&f->evidence);
    assert_int_equal(sg_sim_sign(f->platform, &f->body, &f->evidence), 0);
    assert_int_equal(verify(f, sg_buf_bytes(&f->evidence), &claims), 0);
    assert_true(claims.debug);
}

static void test_every_prefix_is_malformed(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims = {.svn = 77};
    for (size_t n = 0; n < f->evidence.len; n++)
        assert_int_equal(verify(f, SG_BYTES(f->evidence.data, n), &claims),
                         SG_TEE_REFUSED_MALFORMED);
    assert_int_equal(claims.svn, 77);
}

static void test_every_flipped_bit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    for (size_t i = 0; i < f->evidence.len; i++) {
        f->evidence.data[i] ^= (uint8_t)(1u << (i % 8));
        assert_true(verify(f, sg_buf_bytes(&f->evidence), &claims) > 0);
        f->evidence.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(verify(f, sg_buf_bytes(&f->evidence), &claims), 0);
}

static void test_unknown_platform(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    struct sg_tee_collateral none = {NULL, 0};
    struct sg_key *roots[] = {f->other};
    struct sg_tee_collateral wrong = {roots, 1};
    struct sg_bytes e = sg_buf_bytes(&f->evidence);
    assert_int_equal(sg_tee_verify(SG_TEE_SIM, e, &none, 0, &claims), SG_TEE_REFUSED_PLATFORM);
    assert_int_equal(sg_tee_verify(SG_TEE_SIM, e, &wrong, 0, &claims), SG_TEE_REFUSED_PLATFORM);
}

/* Names a trusted platform, signed by another key. */
static void test_forged_signature(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    sg_buf_reset(&f->evidence);
    assert_int_equal(sg_sim_sign(f->other, &f->body, &f->evidence), 0);
    assert_int_equal(verify(f, sg_buf_bytes(&f->evidence), &claims), SG_TEE_REFUSED_SIGNATURE);
}

static void test_other_version(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    f->body.version = 2;
    sg_buf_reset(&f->evidence);
    assert_int_equal(sg_sim_sign(f->platform, &f->body, &f->evidence), 0);
    assert_int_equal(verify(f, sg_buf_bytes(&f->evidence), &claims), SG_TEE_REFUSED_VERSION);
}

static void test_unknown_kind(void **state)
{
    struct fixture *f = *state;
    struct sg_tee_claims claims;
    struct sg_tee_collateral none = {NULL, 0};
    assert_int_equal(
        sg_tee_verify((enum sg_tee_kind)99, sg_buf_bytes(&f->evidence), &none, 0, &claims),
        SG_TEE_REFUSED_UNSUPPORTED);
    assert_string_equal(sg_tee_refusal_name(SG_TEE_REFUSED_UNSUPPORTED), "evidence-unsupported");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_claims_are_what_was_signed),
        TEST(test_debug_is_claimed),
        TEST(test_every_prefix_is_malformed),
        TEST(test_every_flipped_bit_is_refused),
        TEST(test_unknown_platform),
        TEST(test_forged_signature),
        TEST(test_other_version),
        TEST(test_unknown_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
