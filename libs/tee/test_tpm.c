/* TPM quotes that are good, all parts in one, event logs. */
#include "test-tpm-int.h"

/* ---- what is good ---- */

static void test_keys_and_schemes_of_every_kind_are_trusted(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    for (w.form = TPM2B; w.form <= DER; w.form++)
        expect_trusted(&w);
    w.form = TPM2B;
    w.tpm.scheme = TK_PSS;
    expect_trusted(&w);
    w = good(&rsa);
    w.bare = true;
    expect_trusted(&w);
    w = good(&rsa);
    w.tpm.hash = 0x0d;
    expect_trusted(&w);
    w = good(&p256);
    for (w.form = TPM2B; w.form <= DER; w.form++)
        expect_trusted(&w);
    w = good(&p384);
    expect_trusted(&w);
}

static void test_a_certificate_vouches_for_the_key(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.pinned = false;
    w.certified = true;
    expect_trusted(&w);
}

/* SAN and purpose critical, as certificates of TPMs without a subject have them. */
static void test_critical_extensions_of_tpms(void **state)
{
    (void)state;
    static const struct sg_bytes purpose = SG_BYTES_LIT("\x30\x07\x06\x05\x67\x81\x05\x08\x03");
    static const struct sg_bytes name = SG_BYTES_LIT("\x30\x03\x82\x01\x61"); /* dNSName "a" */
    struct tk_cert_spec spec = ak_spec;
    struct world w = good(&rsa);
    w.pinned = false;
    w.certified = true;
    tk_add_extension(&spec, "2.5.29.37", true, purpose);
    tk_add_extension(&spec, "2.5.29.17", true, name);
    w.cert = tk_cert_new(&spec, rsa.key, ca, ca_key);
    expect_trusted(&w);
    X509_free(w.cert);
    tk_add_extension(&spec, "2.5.29.36", true, SG_BYTES_LIT("\x30\x00")); /* policyConstraints */
    w.cert = tk_cert_new(&spec, rsa.key, ca, ca_key);
    expect_only(&w, SG_TEE_AK_CRITICAL);
    X509_free(w.cert);
}

static bool field_is(const struct sg_tee_verdict *v, const char *name, const void *p, size_t n)
{
    struct sg_bytes value;
    return sg_tee_verdict_field(v, sg_bytes_str(name), &value) &&
           sg_bytes_equal(value, SG_BYTES(p, n));
}

static void test_what_a_quote_says_can_be_required(void **state)
{
    (void)state;
    SG_CLEANUP(release) struct judged j;
    const struct world w = good(&rsa);
    struct sg_bytes value;
    judge(&w, &j);
    assert_memory_equal(j.v.claims.report_data, rsa.extra, 64);
    assert_int_equal(j.v.claims.measurement_len, 32);
    assert_true(field_is(&j.v, "extra", rsa.extra, 64));
    assert_true(field_is(&j.v, "pcr0", rsa.pcr[0], 32));
    assert_true(field_is(&j.v, "pcr9", rsa.pcr[9], 32));
    assert_true(field_is(&j.v, "pcrdigest", j.v.claims.measurement, 32));
    assert_false(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("pcr10"), &value)); /* not selected */
    assert_false(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("pcr09"), &value));
    assert_false(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("pcr24"), &value));
}

static void test_a_short_nonce_is_no_report_data(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    SG_CLEANUP(release) struct judged j;
    struct world w = good(&rsa);
    w.tpm.extra_len = 63;
    judge(&w, &j);
    assert_true(sg_tee_trusted(&j.v));
    assert_memory_equal(j.v.claims.report_data, zeros, 64);
    assert_true(field_is(&j.v, "extra", rsa.extra, 63));
    assert_false(sg_tee_is_over(&j.v, zeros));
}

/* A TPM of SHA-256 alone has room for 34 octets of nonce. */
static void test_a_nonce_may_be_the_digest_of_report_data(void **state)
{
    (void)state;
    static const uint8_t mine[64] = {1, 2, 3}, others[64] = {1, 2, 4}, zeros[64];
    SG_CLEANUP(release) struct judged j;
    struct world w = good(&rsa);
    w.tpm.extra_len = 32;
    sg_sha256(w.tpm.extra, SG_BYTES_ARRAY(mine));
    judge(&w, &j);
    assert_true(sg_tee_trusted(&j.v));
    assert_true(sg_tee_is_over(&j.v, mine));
    assert_false(sg_tee_is_over(&j.v, others));
    assert_false(sg_tee_is_over(&j.v, zeros));
}

static void test_values_of_the_whole_bank_or_of_the_selection(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.tpm.selected = 0x800005;
    expect_trusted(&w);
    w.all_values = true;
    expect_trusted(&w);
    SG_CLEANUP(release) struct judged j;
    judge(&w, &j);
    assert_true(field_is(&j.v, "pcr23", rsa.pcr[23], 32));
    assert_true(field_is(&j.v, "pcr2", rsa.pcr[2], 32));
}

/* ---- all parts in one ---- */

static void judge_packed(struct judged *j, struct sg_bytes octets)
{
    const struct world w = good(&p256);
    j->e = (struct sg_tee_evidence){.part[SG_TEE_PART_REPORT] = octets};
    judge_again(&w, j);
}

static void test_parts_packed_into_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(65536);
    SG_CLEANUP(release) struct judged j;
    const struct world w = good(&p256);
    struct sg_bytes value;
    judge(&w, &j);
    assert_int_equal(sg_tpm_pack(&j.e, &packed), 0);
    judge_packed(&j, sg_buf_bytes(&packed));
    assert_true(sg_tee_trusted(&j.v));
    assert_int_equal(j.v.kind, SG_TEE_TPM);
    assert_true(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("pcr1"), &value));
    for (size_t n = 0; n < packed.len; n++) {
        SG_FREE uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, packed.data, n);
        judge_packed(&j, SG_BYTES(copy, n));
        assert_false(sg_tee_trusted(&j.v));
    }
    assert_int_equal(sg_buf_append_u8(&packed, 0), 0);
    judge_packed(&j, sg_buf_bytes(&packed));
    assert_int_equal(j.v.reasons.at[0], SG_TEE_REASON_MALFORMED);
}

/* What is beside a packed quote does not stand in for what is in it. */
static void test_parts_beside_packed_ones_are_not_looked_at(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(65536);
    SG_CLEANUP(release) struct judged j;
    struct world w = good(&p256);
    w.no_values = true;
    judge(&w, &j);
    assert_int_equal(sg_tpm_pack(&j.e, &packed), 0);
    tk_tpm_values(&p256, &j.part[SG_TEE_PART_TPM_PCRS]);
    j.e.part[SG_TEE_PART_TPM_PCRS] = sg_buf_bytes(&j.part[SG_TEE_PART_TPM_PCRS]);
    j.e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&packed);
    judge_again(&w, &j);
    assert_int_equal(j.v.reasons.at[0], SG_TEE_REASON_TPM_PCR_MISSING);
}

/* ---- event logs ---- */

static void log_of(struct tk_tpm *t, struct sg_buf *log)
{
    memset(t->pcr, 0, sizeof t->pcr);
    tk_log_start(log);
    tk_log_event(t, 0, 8, "firmware", log);
    tk_log_event(t, 7, 1, "secure boot", log);
    tk_log_event(t, 4, 0x80000003, "loader", log);
    tk_log_event(t, 0, 4, "separator", log);
}

static void test_a_log_that_gives_the_quoted_pcrs(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(65536);
    struct world w = good(&p256);
    log_of(&w.tpm, &log);
    w.log = &log;
    expect_trusted(&w);
    w.all_values = true;
    expect_trusted(&w);
}

static void test_a_log_of_another_boot(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(65536);
    struct world w = good(&p256);
    w.log = &log;
    log_of(&w.tpm, &log);
    w.tpm.pcr[7][0] ^= 1; /* quoted so */
    expect_only(&w, SG_TEE_REASON_TPM_EVENT_LOG);
    w.tpm.pcr[7][0] ^= 1;
    log.data[log.len - 30] ^= 1; /* digest of the last event */
    expect_only(&w, SG_TEE_REASON_TPM_EVENT_LOG);
    log.data[log.len - 30] ^= 1;
    log.len--;
    expect_only(&w, SG_TEE_REASON_TPM_EVENT_LOG);
}

static void test_a_log_that_explains_nothing_quoted(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(65536), old = SG_BUF_INIT(65536);
    struct world w = good(&p256);
    w.log = &log;
    tk_log_start(&log);
    expect_only(&w, SG_TEE_REASON_TPM_EVENT_LOG);
    w.log = &old; /* without a bank of SHA-256 */
    tk_log_old_event(0, 8, "firmware", &old);
    expect_only(&w, SG_TEE_REASON_TPM_EVENT_LOG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_and_schemes_of_every_kind_are_trusted),
        cmocka_unit_test(test_a_certificate_vouches_for_the_key),
        cmocka_unit_test(test_critical_extensions_of_tpms),
        cmocka_unit_test(test_what_a_quote_says_can_be_required),
        cmocka_unit_test(test_a_short_nonce_is_no_report_data),
        cmocka_unit_test(test_a_nonce_may_be_the_digest_of_report_data),
        cmocka_unit_test(test_values_of_the_whole_bank_or_of_the_selection),
        cmocka_unit_test(test_parts_packed_into_one),
        cmocka_unit_test(test_parts_beside_packed_ones_are_not_looked_at),
        cmocka_unit_test(test_a_log_that_gives_the_quoted_pcrs),
        cmocka_unit_test(test_a_log_of_another_boot),
        cmocka_unit_test(test_a_log_that_explains_nothing_quoted),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
