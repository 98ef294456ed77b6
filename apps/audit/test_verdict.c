#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal.h"
#include "verdict.h"

#include <sealgrid/base/cleanup.h>

#include <stdio.h>

static struct sg_buf findings = SG_BUF_INIT(4096);

static struct verdict example(void)
{
    const struct sg_audit_finding f = {.code = SG_AUDIT_READING_MISSING,
                                       .serial = "10000000",
                                       .seq = 41,
                                       .ts_s = 1788231600,
                                       .count = 3,
                                       .text = "signed, but not in the file"};
    const struct sg_audit_finding g = {.code = SG_AUDIT_BILL_ROOT, .ts_s = INT64_MIN, .text = "x"};
    struct verdict v = {.basis = {.made_s = 1790000000,
                                  .tool = "sealgrid-audit 1",
                                  .tariffs = {{4}, {5}},
                                  .n_tariffs = 2,
                                  .has_contracts = true,
                                  .contracts = {6},
                                  .clock = SG_AUDIT_POLICY_SET},
                        .client = 7,
                        .from_s = 1788231600,
                        .until_s = 1790823600,
                        .bill_sha256 = {1},
                        .evidence = {2},
                        .blocks = 30,
                        .readings = 2880,
                        .estimated = 4,
                        .resolved = 5,
                        .stale_crl = 1,
                        .found = 2,
                        .n_findings = 2};

    sg_buf_reset(&findings);
    assert_int_equal(verdict_put_finding(&findings, &f), 0);
    assert_int_equal(verdict_put_finding(&findings, &g), 0);
    v.findings = sg_buf_bytes(&findings);
    return v;
}

static int sign(const struct verdict *v, const struct sg_key *key, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(VERDICT_MAX);
    int r = verdict_encode(v, &payload);
    return r ? r : seal_put(ret, key, sg_buf_bytes(&payload));
}

static int verify(struct sg_bytes message, const struct sg_key *key, struct verdict *ret)
{
    struct sg_bytes payload;
    int r = seal_open(message, key, &payload);
    return r ? r : verdict_decode(payload, ret);
}

static void a_signed_verdict_reads_back(void **state)
{
    (void)state;
    static const enum sg_key_type types[] = {SG_KEY_P256, SG_KEY_ED25519, SG_KEY_RSA2048};
    struct verdict v = example(), again;

    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
        SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(1 << 20);
        struct verdict_finding f;
        assert_int_equal(sg_key_generate(&key, types[i]), 0);
        assert_int_equal(sign(&v, key, &m), 0);
        assert_int_equal(verify(sg_buf_bytes(&m), key, &again), 0);
        assert_int_equal(again.readings, 2880);
        assert_int_equal(again.estimated, 4);
        assert_int_equal(again.resolved, 5);
        assert_int_equal(again.stale_crl, 1);
        assert_string_equal(again.basis.tool, v.basis.tool);
        assert_int_equal(again.basis.n_tariffs, 2);
        assert_int_equal(again.basis.tariffs[1][0], 5);
        assert_true(again.basis.has_contracts && !again.basis.has_operators);
        assert_int_equal(again.basis.clock, SG_AUDIT_POLICY_SET);
        struct sg_reader in = sg_reader_over(again.findings);
        assert_int_equal(verdict_next(&in, &f), 0);
        assert_int_equal(f.seq, 41);
        assert_true(sg_bytes_equal(f.code, SG_BYTES_LIT("reading.missing")));
        assert_int_equal(verdict_next(&in, &f), 0);
        assert_null(f.serial.data);
        assert_true(f.ts_s == INT64_MIN);
    }
}

/* The same inputs give the same payload. */
static void the_payload_is_deterministic(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct verdict v = example();

    assert_int_equal(verdict_encode(&v, &a), 0);
    assert_int_equal(verdict_encode(&v, &b), 0);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
}

static void every_octet_is_under_the_signature(void **state)
{
    (void)state;
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *other = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(1 << 20);
    struct verdict v = example(), again;

    assert_int_equal(sg_key_generate(&key, SG_KEY_ED25519), 0);
    assert_int_equal(sg_key_generate(&other, SG_KEY_ED25519), 0);
    assert_int_equal(sign(&v, key, &m), 0);
    assert_int_equal(verify(sg_buf_bytes(&m), other, &again), SEAL_BAD_SIGNATURE);
    for (size_t i = 0; i < m.len; i++) {
        m.data[i] ^= (uint8_t)(1u << i % 8);
        assert_true(verify(sg_buf_bytes(&m), key, &again) > 0);
        m.data[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < m.len; n++)
        assert_int_equal(verify(SG_BYTES(m.data, n), key, &again), SEAL_MALFORMED);
}

/* "ok" beside findings, or fewer findings than are counted, is no verdict whoever signs it. */
static void a_verdict_does_not_contradict_itself(void **state)
{
    (void)state;
    struct verdict v = example(), again;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);

    v.ok = true;
    assert_int_equal(verdict_encode(&v, &b), 0);
    assert_int_equal(verdict_decode(sg_buf_bytes(&b), &again), VERDICT_MALFORMED);
    v = example();
    v.found = 3;
    sg_buf_reset(&b);
    assert_int_equal(verdict_encode(&v, &b), 0);
    assert_int_equal(verdict_decode(sg_buf_bytes(&b), &again), VERDICT_MALFORMED);
    sg_buf_clear(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_verdict_reads_back),
        cmocka_unit_test(the_payload_is_deterministic),
        cmocka_unit_test(every_octet_is_under_the_signature),
        cmocka_unit_test(a_verdict_does_not_contradict_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
