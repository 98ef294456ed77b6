#pragma once
/*
 * test-tpm - TPM quotes of our own, good until a test changes something of a world, and their
 * judging.
 */
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

static inline int make(void **state)
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

static inline int clear(void **state)
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

static inline struct world good(const struct tk_tpm *t)
{
    return (struct world){.tpm = *t, .pinned = true};
}

static inline void put_key(const struct world *w, struct sg_buf *ret)
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

static inline void put_values(const struct world *w, struct sg_buf *ret)
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

static inline void put_signed(const struct world *w, struct sg_buf *quote, struct sg_buf *signature)
{
    const struct tk_tpm *signer = w->signer ? w->signer : &w->tpm;
    tk_tpm_quote(&w->tpm, quote);
    assert_int_equal(sg_buf_append(quote, w->quote_tail), 0);
    tk_tpm_sign(signer, sg_buf_bytes(quote), signature);
    if (w->bare)
        sg_buf_consume(signature, 6);
    assert_int_equal(sg_buf_append(signature, w->signature_tail), 0);
}

static inline struct sg_tee_store *store_of(const struct world *w)
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

static inline void release(struct judged *j)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&j->part[i]);
    sg_tee_store_free(j->store);
}

static inline void put_parts(const struct world *w, struct judged *j)
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

static inline void judge_again(const struct world *w, struct judged *j)
{
    const struct sg_tee_case c = {
        .evidence = &j->e, .store = j->store, .at_s = AT, .crypto_only = w->crypto_only};
    struct sg_tee_policy p = w->crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    p.at_s = AT;
    assert_int_equal(sg_tee_judge(&c, &j->v), 0);
    sg_tee_apply(&p, &j->v);
}

static inline void judge(const struct world *w, struct judged *j)
{
    *j = (struct judged){0};
    put_parts(w, j);
    j->store = store_of(w);
    judge_again(w, j);
}

static inline void expect_trusted(const struct world *w)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    if (!sg_tee_trusted(&j.v))
        fail_msg("refused: %s", sg_tee_reason_name(j.v.reasons.at[0]));
    assert_int_equal(j.v.kind, SG_TEE_TPM);
}

static inline void expect_only(const struct world *w, enum sg_tee_reason reason)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    tk_expect_only(&j.v, reason);
}
