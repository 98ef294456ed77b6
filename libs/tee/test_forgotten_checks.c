/*
 * What verifiers in the field forgot, as far as no other test has it: documents that nobody
 * genuine signed, and evidence put together from the parts of two platforms, each of them good.
 * docs/attestation.md, "Checks that others forgot", lists every check with its test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "testkit/amd.h"
#include "testkit/expect.h"
#include "testkit/reseal.h"

#include <sealgrid/base/cleanup.h>

#define AT  INT64_C(1782864000) /* 2026-07-01 */
#define DAY INT64_C(86400)

/* Two platforms of one Intel, and a stranger who took all its names. */
static struct tk_intel first, second, stranger;
/* Two chips of one AMD. */
static struct tk_amd chip, other_chip;

/* Another key, another attestation key, another level; certified by the same CA. */
static void make_second(void)
{
    second = first;
    second.root = second.ca = second.pck = second.signer = NULL;
    second.pck_key = tk_key_new(TK_P256);
    second.attestation_key = tk_key_new(TK_P256);
    second.pck_spec.serial = 33;
    second.components[0]++;
    tk_intel_issue(&second);
}

static void make_other_chip(void)
{
    other_chip = chip;
    other_chip.ark = other_chip.ask = other_chip.asvk = other_chip.vcek = other_chip.vlek = NULL;
    other_chip.vcek_key = tk_key_new(TK_P384);
    memset(other_chip.chip_id, 0x3c, sizeof other_chip.chip_id);
    tk_amd_issue(&other_chip);
}

static int make(void **state)
{
    (void)state;
    tk_intel_init(&first, AT);
    tk_intel_init(&stranger, AT);
    make_second();
    tk_amd_init(&chip, TK_MILAN, AT);
    make_other_chip();
    return 0;
}

static int clear(void **state)
{
    (void)state;
    EVP_PKEY_free(second.pck_key);
    EVP_PKEY_free(second.attestation_key);
    X509_free(second.root);
    X509_free(second.ca);
    X509_free(second.pck);
    X509_free(second.signer);
    tk_intel_clear(&first);
    tk_intel_clear(&stranger);
    EVP_PKEY_free(other_chip.vcek_key);
    X509_free(other_chip.ark);
    X509_free(other_chip.ask);
    X509_free(other_chip.asvk);
    X509_free(other_chip.vcek);
    X509_free(other_chip.vlek);
    tk_amd_clear(&chip);
    return 0;
}

/* ---- stores ---- */

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items;
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(b), &items), 0);
    assert_int_not_equal(items, 0);
    sg_buf_reset(b);
}

static void add_lists(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    tk_intel_signer_chain(&first, &b);
    add(s, &b);
    tk_intel_root_crl(&first, NULL, 0, &b);
    add(s, &b);
    tk_intel_pck_crl(&first, NULL, 0, &b);
    add(s, &b);
}

static void put_info(const struct tk_intel *by, bool td, struct sg_buf *ret)
{
    const struct tk_tcb_info info = tk_tcb_info_good(&first, td);
    tk_tcb_info_json(by, &info, ret);
}

static void put_identity(const struct tk_intel *by, bool td, struct sg_buf *ret)
{
    const struct tk_identity id = tk_identity_good(&first, td);
    tk_identity_json(by, &id, ret);
}

static struct sg_tee_store *new_store(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192);
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    tk_cert_der(first.root, &root);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&root)), 0);
    add_lists(s);
    return s;
}

static struct sg_tee_store *good_store(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    struct sg_tee_store *s = new_store();
    for (int td = 0; td < 2; td++) {
        put_info(&first, td, &b);
        add(s, &b);
        put_identity(&first, td, &b);
        add(s, &b);
    }
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

/* ---- quotes ---- */

enum form { SGX3, TD4, TD5_10, TD5_15, N_FORMS };

static void put_quote(const struct tk_intel *t, enum form f, struct sg_buf *ret)
{
    const struct tk_quote q = f == SGX3 ? tk_quote_sgx(t)
                              : f == TD4
                                  ? tk_quote_td(t, 4, TK_TD10_BODY)
                                  : tk_quote_td(t, 5, f == TD5_10 ? TK_TD10_BODY : TK_TD15_BODY);
    tk_quote_make(t, &q, ret);
}

static struct sg_tee_verdict judge_quote(const struct sg_tee_store *s, const struct sg_buf *quote)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(quote)};
    return tk_judge(s, &e, AT, false);
}

/* ---- documents that nobody genuine signed ---- */

/* By somebody whose root, CA and signer have the names of Intel's, and who brings them along. */
static void by_a_stranger(bool identity, bool td, struct sg_buf *ret, struct sg_buf *ret_chain)
{
    if (identity)
        put_identity(&stranger, td, ret);
    else
        put_info(&stranger, td, ret);
    tk_intel_signer_chain(&stranger, ret_chain);
}

/* Signed by Intel, and made milder on its way. */
static void by_intel_and_changed(bool identity, bool td, struct sg_buf *ret)
{
    const char *from = identity ? "\"isvsvn\":8" : "\"pcesvn\":13",
               *to = identity ? "\"isvsvn\":1" : "\"pcesvn\":11";
    if (identity)
        put_identity(&first, td, ret);
    else
        put_info(&first, td, ret);
    uint8_t *at = memmem(ret->data, ret->len, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
}

struct forged {
    bool identity, td, changed, genuine_beside;
};

static struct sg_tee_verdict judge_forged(const struct forged *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536), b = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf chain = SG_BUF_INIT(65536);
    struct sg_tee_store *s = new_store();
    if (f->changed)
        by_intel_and_changed(f->identity, f->td, &b);
    else
        by_a_stranger(f->identity, f->td, &b, &chain);
    add(s, &b);
    if (chain.len)
        add(s, &chain);
    if (!f->identity || f->genuine_beside) {
        put_identity(&first, f->td, &b);
        add(s, &b);
    }
    if (f->identity || f->genuine_beside) {
        put_info(&first, f->td, &b);
        add(s, &b);
    }
    assert_int_equal(sg_tee_store_seal(s), 0);
    put_quote(&first, f->td ? TD4 : SGX3, &quote);
    const struct sg_tee_verdict v = judge_quote(s, &quote);
    sg_tee_store_free(s);
    return v;
}

static void test_documents_of_a_stranger(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const struct forged f = {.identity = i & 1, .td = i >> 1};
        const struct sg_tee_verdict v = judge_forged(&f);
        tk_expect_among(&v, SG_TEE_TCB_SIGNER_UNTRUSTED);
    }
}

static void test_documents_changed_after_signing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const struct forged f = {.identity = i & 1, .td = i >> 1, .changed = true};
        const struct sg_tee_verdict v = judge_forged(&f);
        tk_expect_among(&v, f.identity ? SG_TEE_QE_IDENTITY_SIGNATURE : SG_TEE_TCB_INFO_SIGNATURE);
    }
}

/* The genuine one counts, whatever lies beside it. */
static void test_forged_documents_beside_genuine_ones(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        const struct forged f = {
            .identity = i & 1, .td = i >> 1 & 1, .changed = i >> 2, .genuine_beside = true};
        const struct sg_tee_verdict v = judge_forged(&f);
        tk_expect_trusted(&v);
    }
}

/* ---- quotes spliced ---- */

/* What is inside the certification data stays; what counts it is made right. */
static void put_le32(struct sg_buf *b, size_t at, size_t v)
{
    for (size_t i = 0; i < 4; i++)
        b->data[at + i] = (uint8_t)(v >> 8 * i);
}

static void count(struct sg_buf *b, const struct tk_quote_layout *l)
{
    put_le32(b, l->size, b->len - l->signature);
    if (l->nested)
        put_le32(b, l->nested + 2, b->len - l->qe);
}

/* The first platform's quote with the second's octets from `from` to `until` (SIZE_MAX: the end).
 */
static void splice(const struct sg_buf *a, const struct sg_buf *b, size_t from, size_t until,
                   const struct tk_quote_layout *l, struct sg_buf *ret)
{
    const bool whole = until == SIZE_MAX;
    assert_int_equal(sg_buf_append(ret, SG_BYTES(a->data, from)), 0);
    assert_int_equal(sg_buf_append(ret, SG_BYTES(b->data + from, (whole ? b->len : until) - from)),
                     0);
    if (!whole)
        assert_int_equal(sg_buf_append(ret, SG_BYTES(a->data + until, a->len - until)), 0);
    count(ret, l);
}

struct pair {
    struct sg_buf a, b;
    struct tk_quote_layout l; /* of both */
};

static void put_pair(enum form f, struct pair *ret)
{
    struct tk_quote_layout l;
    put_quote(&first, f, &ret->a);
    put_quote(&second, f, &ret->b);
    assert_true(tk_quote_find(sg_buf_bytes(&ret->a), &ret->l));
    assert_true(tk_quote_find(sg_buf_bytes(&ret->b), &l));
    assert_int_equal(l.cert, ret->l.cert);
}

static void pair_clear(struct pair *p)
{
    sg_buf_clear(&p->a);
    sg_buf_clear(&p->b);
}

#define PAIR(name)                                                                                 \
    SG_CLEANUP(pair_clear) struct pair name = {.a = SG_BUF_INIT(65536), .b = SG_BUF_INIT(65536)}

static struct sg_tee_verdict judge_splice(const struct sg_tee_store *s, const struct pair *p,
                                          size_t from, size_t until)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536);
    splice(&p->a, &p->b, from, until, &p->l, &quote);
    return judge_quote(s, &quote);
}

static void test_parts_of_two_quotes(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = good_store();
    for (unsigned f = SGX3; f < N_FORMS; f++) {
        PAIR(p);
        put_pair((enum form)f, &p);
        const size_t report_data = p.l.body + (p.l.td ? 520 : 320);
        struct sg_tee_verdict v = judge_quote(s, &p.a);
        tk_expect_trusted(&v);
        v = judge_quote(s, &p.b);
        tk_expect_trusted(&v);
        p.a.data[report_data] ^= 1; /* the bodies differ, hence what is signed */
        /* A body with the signature, key, QE and chain of another. */
        v = judge_splice(s, &p, p.l.size, SIZE_MAX);
        tk_expect_only(&v, SG_TEE_REASON_QUOTE_SIGNATURE);
        p.a.data[report_data] ^= 1;
        /* A key that another platform's QE vouches for. */
        v = judge_splice(s, &p, p.l.signature, p.l.qe - (p.l.nested ? 6 : 0));
        tk_expect_only(&v, SG_TEE_REASON_QE_BINDING);
        /* Another platform's QE, with its chain, and without. */
        v = judge_splice(s, &p, p.l.qe, SIZE_MAX);
        tk_expect_only(&v, SG_TEE_REASON_QE_BINDING);
        v = judge_splice(s, &p, p.l.qe, p.l.cert);
        tk_expect_among(&v, SG_TEE_REASON_QE_BINDING);
        tk_expect_among(&v, SG_TEE_REASON_QE_SIGNATURE);
        /* A chain of a platform that meets the level. */
        v = judge_splice(s, &p, p.l.cert, SIZE_MAX);
        tk_expect_only(&v, SG_TEE_REASON_QE_SIGNATURE);
    }
}

/* The same body as a quote of the version before, which says less about itself; and the way back.
 */
static void test_a_quote_laid_out_as_another_version(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = good_store();
    SG_CLEANUP(sg_buf_clear) struct sg_buf v4 = SG_BUF_INIT(65536), v5 = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf older = SG_BUF_INIT(65536), newer = SG_BUF_INIT(65536);
    put_quote(&first, TD4, &v4);
    put_quote(&first, TD5_10, &v5);
    /* 48 octets of header; version 5 has six more, of type and size of the body. */
    assert_int_equal(sg_buf_append(&older, SG_BYTES(v5.data, 48)), 0);
    older.data[0] = 4;
    assert_int_equal(sg_buf_append(&older, SG_BYTES(v5.data + 54, v5.len - 54)), 0);
    assert_int_equal(sg_buf_append(&newer, SG_BYTES(v4.data, 48)), 0);
    newer.data[0] = 5;
    assert_int_equal(sg_buf_append(&newer, SG_BYTES(v5.data + 48, 6)), 0);
    assert_int_equal(sg_buf_append(&newer, SG_BYTES(v4.data + 48, v4.len - 48)), 0);
    struct sg_tee_verdict v = judge_quote(s, &older);
    tk_expect_only(&v, SG_TEE_REASON_QUOTE_SIGNATURE);
    v = judge_quote(s, &newer);
    tk_expect_only(&v, SG_TEE_REASON_QUOTE_SIGNATURE);
}

/* ---- SEV-SNP ---- */

static struct sg_tee_store *amd_store(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec crl = {
        .from_s = AT - DAY, .until_s = AT + DAY, .digest = "SHA384", .pss = true};
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    tk_cert_der(chip.ark, &b);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_AMD, sg_buf_bytes(&b)), 0);
    sg_buf_reset(&b);
    tk_cert_pem(chip.ask, &b);
    add(s, &b);
    tk_crl_der(&crl, chip.ark, chip.ark_key, &b);
    add(s, &b);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

static struct sg_tee_verdict judge_report(const struct sg_tee_store *s,
                                          const uint8_t report[TK_SNP_REPORT], const X509 *vcek)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    tk_cert_der(vcek, &der);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES(report, TK_SNP_REPORT),
                                      .part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&der)};
    return tk_judge(s, &e, AT, false);
}

static void test_parts_of_two_chips(void **state)
{
    (void)state;
    enum { CHIP_ID = 0x1a0, SIGNATURE = 0x2a0 };
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = amd_store();
    uint8_t a[TK_SNP_REPORT], b[TK_SNP_REPORT];
    tk_snp_report(&chip, 3, a);
    tk_snp_sign(chip.vcek_key, a);
    tk_snp_report(&other_chip, 3, b);
    tk_snp_sign(other_chip.vcek_key, b);
    struct sg_tee_verdict v = judge_report(s, a, chip.vcek);
    tk_expect_trusted(&v);
    v = judge_report(s, b, other_chip.vcek);
    tk_expect_trusted(&v);
    /* The other chip's certificate; then under its name; then with its signature. */
    v = judge_report(s, a, other_chip.vcek);
    tk_expect_among(&v, SG_TEE_REASON_SNP_CHIP_ID);
    tk_expect_among(&v, SG_TEE_REASON_SNP_SIGNATURE);
    memcpy(a + CHIP_ID, other_chip.chip_id, sizeof other_chip.chip_id);
    v = judge_report(s, a, other_chip.vcek);
    tk_expect_only(&v, SG_TEE_REASON_SNP_SIGNATURE);
    a[0x50] ^= 1;
    memcpy(a + SIGNATURE, b + SIGNATURE, TK_SNP_REPORT - SIGNATURE);
    v = judge_report(s, a, other_chip.vcek);
    tk_expect_only(&v, SG_TEE_REASON_SNP_SIGNATURE);
    /* Signed by the other chip, as if it were the first. */
    tk_snp_report(&chip, 3, a);
    tk_snp_sign(other_chip.vcek_key, a);
    v = judge_report(s, a, other_chip.vcek);
    tk_expect_only(&v, SG_TEE_REASON_SNP_CHIP_ID);
}

/* r and s are little-endian: the same numbers the other way round are no signature. */
static void test_numbers_of_a_signature_have_one_order(void **state)
{
    (void)state;
    enum { SIGNATURE = 0x2a0, ROOM = 72, LEN = 48 };
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = amd_store();
    uint8_t good[TK_SNP_REPORT], turned[TK_SNP_REPORT];
    tk_snp_report(&chip, 3, good);
    tk_snp_sign(chip.vcek_key, good);
    memcpy(turned, good, sizeof turned);
    for (size_t i = 0; i < 2 * LEN; i++) {
        const size_t at = SIGNATURE + i / LEN * ROOM;
        turned[at + i % LEN] = good[at + LEN - 1 - i % LEN];
    }
    const struct sg_tee_verdict v = judge_report(s, turned, chip.vcek);
    tk_expect_only(&v, SG_TEE_REASON_SNP_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_of_a_stranger),
        cmocka_unit_test(test_documents_changed_after_signing),
        cmocka_unit_test(test_forged_documents_beside_genuine_ones),
        cmocka_unit_test(test_parts_of_two_quotes),
        cmocka_unit_test(test_a_quote_laid_out_as_another_version),
        cmocka_unit_test(test_parts_of_two_chips),
        cmocka_unit_test(test_numbers_of_a_signature_have_one_order),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
