/* TPM quotes with something wrong. */
#include "test-tpm-int.h"

static void test_another_key_signed(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.signer = &other;
    expect_only(&w, SG_TEE_REASON_TPM_SIGNATURE);
    w.bare = true;
    expect_only(&w, SG_TEE_REASON_TPM_SIGNATURE);
}

static void test_a_key_that_nobody_vouches_for(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.pinned = false;
    expect_only(&w, SG_TEE_REASON_TPM_AK_UNBOUND);
    w.crypto_only = true;
    expect_only(&w, SG_TEE_REASON_TPM_AK_UNBOUND);
    w.bare_key = true; /* enough to check a signature, not to trust it */
    expect_trusted(&w);
    w.signer = &other;
    expect_only(&w, SG_TEE_REASON_TPM_SIGNATURE);
    w = good(&rsa);
    w.pinned = false;
    w.bare_key = true;
    expect_only(&w, SG_TEE_REASON_TPM_AK_UNBOUND);
    /* A certificate of another key is none of this one's. */
    w = good(&other);
    w.pinned = false;
    w.certified = true;
    expect_only(&w, SG_TEE_REASON_TPM_AK_UNBOUND);
}

static void test_certificates_that_do_not_do(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.pinned = false;
    w.certified = true;
    w.no_crl = true;
    expect_only(&w, SG_TEE_AK_CRL_MISSING);
    w.no_crl = false;
    /* Of the same CA, for another purpose. */
    w.cert = tk_cert_new(&ak_spec, rsa.key, ca, ca_key);
    expect_only(&w, SG_TEE_AK_EXTENSION);
    X509_free(w.cert);
    struct tk_cert_spec spec = ak_spec;
    spec.until_s = AT - 1;
    w.cert = tk_tpm_certify(&rsa, spec, ca, ca_key);
    expect_only(&w, SG_TEE_AK_EXPIRED);
    X509_free(w.cert);
    /* By a CA of the same name with another key. */
    w.cert = tk_tpm_certify(&rsa, ak_spec, ca, p256.key);
    expect_only(&w, SG_TEE_AK_UNTRUSTED);
    X509_free(w.cert);
}

static void test_keys_of_the_wrong_kind(void **state)
{
    (void)state;
    static const uint32_t bad[] = {
        0x00040072, /* not restricted: signs what software makes */
        0x00010072, /* does not sign */
        0x00070072, /* decrypts too */
        0x00050070, /* may leave its TPM */
        0x00050062, /* may move to another parent */
        0x00050052, /* made outside */
    };
    struct world w = good(&rsa);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        w.tpm.attributes = bad[i];
        expect_only(&w, SG_TEE_REASON_TPM_AK_ATTRIBUTES);
    }
}

/* The public area says what the key signs with: a signature by another scheme is not of this key,
 * even if its octets verify. */
static void test_a_scheme_that_is_not_the_keys(void **state)
{
    (void)state;
    SG_CLEANUP(release) struct judged j;
    struct world w = good(&rsa);
    judge(&w, &j);
    struct sg_buf *key = &j.part[SG_TEE_PART_TPM_KEY];
    key->data[15] = 0x16; /* RSAPSS */
    judge_again(&w, &j);
    assert_int_equal(j.v.reasons.at[0], SG_TEE_REASON_TPM_ALGORITHM);
    key->data[15] = 0x14;
    key->data[17] = 0x0c; /* SHA-384 */
    judge_again(&w, &j);
    assert_int_equal(j.v.reasons.at[0], SG_TEE_REASON_TPM_ALGORITHM);
    key->data[17] = 0x0b;
    key->data[15] = 0x18; /* ECDSA, of an RSA key */
    judge_again(&w, &j);
    assert_int_equal(j.v.reasons.at[0], SG_TEE_AK_MALFORMED);
}

static void test_no_key_at_all(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.no_key = true;
    expect_only(&w, SG_TEE_AK_MISSING);
}

static void swap_two(struct sg_buf *values)
{
    uint8_t t[32];
    memcpy(t, values->data, 32);
    memcpy(values->data, values->data + 32, 32);
    memcpy(values->data + 32, t, 32);
}

static void turn_one(struct sg_buf *values)
{
    values->data[100] ^= 1;
}

static void lose_one(struct sg_buf *values)
{
    values->len -= 32;
}

static void lose_an_octet(struct sg_buf *values)
{
    values->len--;
}

static void test_pcr_values_that_are_not_those_quoted(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.change_values = swap_two;
    expect_only(&w, SG_TEE_REASON_TPM_PCR_DIGEST);
    w.change_values = turn_one;
    expect_only(&w, SG_TEE_REASON_TPM_PCR_DIGEST);
    w.change_values = lose_one;
    expect_only(&w, SG_TEE_REASON_TPM_PCR_MISSING);
    w.change_values = lose_an_octet;
    expect_only(&w, SG_TEE_REASON_TPM_PCR_MISSING);
    w.change_values = NULL;
    w.no_values = true;
    expect_only(&w, SG_TEE_REASON_TPM_PCR_MISSING);
}

static void test_a_quote_of_no_pcr_says_nothing(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.tpm.selected = 0;
    expect_only(&w, SG_TEE_REASON_TPM_PCR_MISSING);
}

static void test_sha1_is_no_hash_for_pcrs_or_signatures(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.tpm.bank = 4;
    expect_only(&w, SG_TEE_REASON_TPM_ALGORITHM);
    w = good(&rsa);
    w.tpm.hash = 4;
    expect_only(&w, SG_TEE_REASON_TPM_ALGORITHM);
    w = good(&p384);
    w.tpm.hash = 0x0b; /* SHA-256 under P-384 */
    expect_only(&w, SG_TEE_REASON_TPM_ALGORITHM);
}

/* Signed by the key, but not made by the TPM as a quote. */
static void test_other_structures_are_no_quotes(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.tpm.magic = 0xff544348;
    expect_only(&w, SG_TEE_REASON_TPM_MAGIC);
    w = good(&rsa);
    w.tpm.attest_type = 0x8017; /* TPM_ST_ATTEST_CERTIFY */
    expect_only(&w, SG_TEE_REASON_TPM_TYPE);
}

static void test_octets_behind_the_end(void **state)
{
    (void)state;
    struct world w = good(&rsa);
    w.quote_tail = SG_BYTES_LIT("\0");
    expect_only(&w, SG_TEE_REASON_TPM_STRUCTURE);
    w = good(&rsa);
    w.signature_tail = SG_BYTES_LIT("\0");
    expect_only(&w, SG_TEE_REASON_TPM_SIGNATURE);
    w.bare = true;
    expect_only(&w, SG_TEE_REASON_TPM_SIGNATURE);
}

/* Exactly as long as it says, so that a sanitizer sees every octet read behind it. */
static void refuse_prefixes(const struct world *w, enum sg_tee_part part)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    assert_true(sg_tee_trusted(&j.v));
    for (size_t n = 0; n < j.part[part].len; n++) {
        SG_FREE uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, j.part[part].data, n);
        j.e.part[part] = SG_BYTES(copy, n);
        judge_again(w, &j);
        assert_false(sg_tee_trusted(&j.v));
    }
}

static void test_cut_anywhere_it_is_refused(void **state)
{
    (void)state;
    struct world w = good(&p256);
    refuse_prefixes(&w, SG_TEE_PART_TPM_QUOTE);
    refuse_prefixes(&w, SG_TEE_PART_TPM_SIGNATURE);
    refuse_prefixes(&w, SG_TEE_PART_TPM_PCRS);
    refuse_prefixes(&w, SG_TEE_PART_TPM_KEY);
    w = good(&rsa);
    refuse_prefixes(&w, SG_TEE_PART_TPM_KEY);
    refuse_prefixes(&w, SG_TEE_PART_TPM_SIGNATURE);
}

/* Nothing in a quote is free to be changed; of the parts around it, only how the key is written. */
static void test_every_octet_is_covered(void **state)
{
    (void)state;
    static const enum sg_tee_part parts[] = {SG_TEE_PART_TPM_QUOTE, SG_TEE_PART_TPM_SIGNATURE,
                                             SG_TEE_PART_TPM_PCRS};
    SG_CLEANUP(release) struct judged j;
    const struct world w = good(&p256);
    judge(&w, &j);
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        for (size_t i = 0; i < j.part[parts[p]].len; i++) {
            j.part[parts[p]].data[i] ^= 1;
            judge_again(&w, &j);
            assert_false(sg_tee_trusted(&j.v));
            j.part[parts[p]].data[i] ^= 1;
        }
    }
    judge_again(&w, &j);
    assert_true(sg_tee_trusted(&j.v));
}

/* A quote made for another challenge: the caller's report data does not match. */
static void test_a_replayed_quote(void **state)
{
    (void)state;
    SG_CLEANUP(release) struct judged j;
    const struct world w = good(&rsa);
    struct sg_tee_policy p = sg_tee_policy_default();
    uint8_t mine[64] = {1};
    judge(&w, &j);
    assert_true(sg_tee_trusted(&j.v));
    p.report_data = mine;
    p.at_s = AT;
    sg_tee_apply(&p, &j.v);
    assert_true(sg_tee_reasons_have(&j.v.reasons, SG_TEE_REASON_REPORT_DATA));
    /* As a field: a nonce of any length. */
    const struct sg_bytes wanted = SG_BYTES_LIT("nonce");
    const struct sg_tee_field_rule rule = {.name = "extra", .values = &wanted, .n_values = 1};
    p.report_data = NULL;
    p.rules = &rule;
    p.n_rules = 1;
    sg_tee_apply(&p, &j.v);
    assert_true(sg_tee_reasons_have(&j.v.reasons, SG_TEE_REASON_FIELD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_key_signed),
        cmocka_unit_test(test_a_key_that_nobody_vouches_for),
        cmocka_unit_test(test_certificates_that_do_not_do),
        cmocka_unit_test(test_keys_of_the_wrong_kind),
        cmocka_unit_test(test_a_scheme_that_is_not_the_keys),
        cmocka_unit_test(test_no_key_at_all),
        cmocka_unit_test(test_pcr_values_that_are_not_those_quoted),
        cmocka_unit_test(test_a_quote_of_no_pcr_says_nothing),
        cmocka_unit_test(test_sha1_is_no_hash_for_pcrs_or_signatures),
        cmocka_unit_test(test_other_structures_are_no_quotes),
        cmocka_unit_test(test_octets_behind_the_end),
        cmocka_unit_test(test_cut_anywhere_it_is_refused),
        cmocka_unit_test(test_every_octet_is_covered),
        cmocka_unit_test(test_a_replayed_quote),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
