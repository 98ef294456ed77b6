#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>
#include <openssl/pem.h>

#include "testkit/expect.h"
#include "testkit/tpm.h"
#include "tpm-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/policy.h>

#define AT  INT64_C(1782864000) /* 2026-07-01 */
#define DAY INT64_C(86400)

enum key_form { TPM2B, TPMT, PEM, DER };

/* A case; tests change something of it. */
struct world {
    struct tk_tpm tpm;
    enum key_form form;
    bool bare;                  /* signature without its TPMT */
    bool no_values, all_values; /* PCRs: none; all 24 in place of those selected */
    bool pinned, certified, no_crl, crypto_only;
    bool bare_key;               /* of the TPM, among the collateral */
    const struct tk_tpm *signer; /* in place of the key itself */
    X509 *cert;                  /* in place of the good one */
    const struct sg_buf *log;
    struct sg_bytes quote_tail, signature_tail;
    bool no_key;
    void (*change_values)(struct sg_buf *values);
};

static struct tk_tpm rsa, p256, p384, other;
static EVP_PKEY *ca_key;
static X509 *ca, *good_cert;
static struct tk_cert_spec ak_spec;

static int make(void **state)
{
    (void)state;
    const struct tk_cert_spec ca_spec = {.common_name = "TPM CA",
                                         .from_s = AT - DAY,
                                         .until_s = AT + 3650 * DAY,
                                         .serial = 1,
                                         .constraints = TK_CA,
                                         .path_length = -1,
                                         .key_usage = "keyCertSign,cRLSign"};
    ak_spec = (struct tk_cert_spec){.common_name = "AK",
                                    .from_s = AT - DAY,
                                    .until_s = AT + 365 * DAY,
                                    .serial = 2,
                                    .constraints = TK_END_ENTITY,
                                    .key_usage = "digitalSignature"};
    tk_tpm_init(&rsa, TK_RSA2048);
    tk_tpm_init(&p256, TK_P256);
    tk_tpm_init(&p384, TK_P384);
    tk_tpm_init(&other, TK_RSA2048);
    ca_key = tk_key_new(TK_P256);
    ca = tk_cert_new(&ca_spec, ca_key, NULL, ca_key);
    good_cert = tk_tpm_certify(&rsa, ak_spec, ca, ca_key);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    tk_tpm_clear(&rsa);
    tk_tpm_clear(&p256);
    tk_tpm_clear(&p384);
    tk_tpm_clear(&other);
    X509_free(ca);
    X509_free(good_cert);
    EVP_PKEY_free(ca_key);
    return 0;
}

static struct world good(const struct tk_tpm *t)
{
    return (struct world){.tpm = *t, .pinned = true};
}

static void put_key(const struct world *w, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    switch (w->form) {
    case TPM2B:
        tk_tpm_public(&w->tpm, ret);
        break;
    case TPMT:
        tk_tpm_public(&w->tpm, &b);
        assert_int_equal(sg_buf_append(ret, SG_BYTES(b.data + 2, b.len - 2)), 0);
        break;
    case DER:
        tk_key_spki(w->tpm.key, ret);
        break;
    case PEM: {
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        assert_int_equal(PEM_write_bio_PUBKEY(bio, w->tpm.key), 1);
        const long n = BIO_get_mem_data(bio, &text);
        assert_int_equal(sg_buf_append(ret, SG_BYTES(text, (size_t)n)), 0);
        BIO_free(bio);
    }
    }
}

static void put_values(const struct world *w, struct sg_buf *ret)
{
    struct tk_tpm t = w->tpm;
    if (w->no_values)
        return;
    if (w->all_values)
        t.selected = 0xffffff;
    tk_tpm_values(&t, ret);
    if (w->change_values)
        w->change_values(ret);
}

static void put_signed(const struct world *w, struct sg_buf *quote, struct sg_buf *signature)
{
    const struct tk_tpm *signer = w->signer ? w->signer : &w->tpm;
    tk_tpm_quote(&w->tpm, quote);
    assert_int_equal(sg_buf_append(quote, w->quote_tail), 0);
    tk_tpm_sign(signer, sg_buf_bytes(quote), signature);
    if (w->bare)
        sg_buf_consume(signature, 6);
    assert_int_equal(sg_buf_append(signature, w->signature_tail), 0);
}

static struct sg_tee_store *store_of(const struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192), crl = SG_BUF_INIT(8192);
    const struct tk_crl_spec spec = {.from_s = AT - DAY, .until_s = AT + 30 * DAY};
    struct sg_tee_store *s = NULL;
    unsigned items;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    tk_cert_der(ca, &root);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_TPM, sg_buf_bytes(&root)), 0);
    tk_crl_der(&spec, ca, ca_key, &crl);
    if (!w->no_crl)
        assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(&crl), &items), 0);
    sg_buf_reset(&root);
    tk_key_spki(w->tpm.key, &root);
    if (w->pinned)
        assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_TPM, sg_buf_bytes(&root)), 0);
    if (w->bare_key)
        assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(&root), &items), 0);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

struct judged {
    struct sg_tee_verdict v;
    struct sg_buf part[SG_TEE_N_PARTS];
    struct sg_tee_evidence e;
    struct sg_tee_store *store;
};

static void release(struct judged *j)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&j->part[i]);
    sg_tee_store_free(j->store);
}

static void put_parts(const struct world *w, struct judged *j)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        j->part[i].max = 65536;
    put_signed(w, &j->part[SG_TEE_PART_TPM_QUOTE], &j->part[SG_TEE_PART_TPM_SIGNATURE]);
    if (!w->no_key)
        put_key(w, &j->part[SG_TEE_PART_TPM_KEY]);
    put_values(w, &j->part[SG_TEE_PART_TPM_PCRS]);
    if (w->certified)
        tk_cert_der(w->cert ? w->cert : good_cert, &j->part[SG_TEE_PART_CERTIFICATES]);
    if (w->log)
        assert_int_equal(sg_buf_append(&j->part[SG_TEE_PART_EVENT_LOG], sg_buf_bytes(w->log)), 0);
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        j->e.part[i] = sg_buf_bytes(&j->part[i]);
}

static void judge_again(const struct world *w, struct judged *j)
{
    const struct sg_tee_case c = {
        .evidence = &j->e, .store = j->store, .at_s = AT, .crypto_only = w->crypto_only};
    struct sg_tee_policy p = w->crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    p.at_s = AT;
    assert_int_equal(sg_tee_judge(&c, &j->v), 0);
    sg_tee_apply(&p, &j->v);
}

static void judge(const struct world *w, struct judged *j)
{
    *j = (struct judged){0};
    put_parts(w, j);
    j->store = store_of(w);
    judge_again(w, j);
}

static void expect_trusted(const struct world *w)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    if (!sg_tee_trusted(&j.v))
        fail_msg("refused: %s", sg_tee_reason_name(j.v.reasons.at[0]));
    assert_int_equal(j.v.kind, SG_TEE_TPM);
}

static void expect_only(const struct world *w, enum sg_tee_reason reason)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    tk_expect_only(&j.v, reason);
}

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

/* ---- attacks ---- */

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
        cmocka_unit_test(test_parts_packed_into_one),
        cmocka_unit_test(test_parts_beside_packed_ones_are_not_looked_at),
        cmocka_unit_test(test_a_log_that_gives_the_quoted_pcrs),
        cmocka_unit_test(test_a_log_of_another_boot),
        cmocka_unit_test(test_a_log_that_explains_nothing_quoted),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
