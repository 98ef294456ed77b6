#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "chain-int.h"
#include "testkit/pki.h"

#include <sealgrid/base/buf.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

/* leaf <- a <- root, and what else a test wants; every case is its own little PKI. */
struct pki {
    EVP_PKEY *root_key, *a_key, *leaf_key, *other_key;
    struct tk_cert_spec root_spec, a_spec, leaf_spec;
    X509 *root, *a, *leaf;
    struct tk_crl_spec root_crl, a_crl;
};

static EVP_PKEY *keys[4];

static struct tk_cert_spec ca(const char *name, uint64_t serial, int path_length)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = AT - DAY,
                                 .until_s = AT + DAY,
                                 .serial = serial,
                                 .constraints = TK_CA,
                                 .path_length = path_length,
                                 .key_usage = "keyCertSign,cRLSign"};
}

static void issue(struct pki *p)
{
    X509_free(p->root);
    X509_free(p->a);
    X509_free(p->leaf);
    p->root = tk_cert_new(&p->root_spec, p->root_key, NULL, p->root_key);
    p->a = tk_cert_new(&p->a_spec, p->a_key, p->root, p->root_key);
    p->leaf = tk_cert_new(&p->leaf_spec, p->leaf_key, p->a, p->a_key);
}

static struct pki make(void)
{
    struct pki p = {
        .root_key = keys[0], .a_key = keys[1], .leaf_key = keys[2], .other_key = keys[3]};
    p.root_spec = ca("Root", 1, -1);
    p.a_spec = ca("A", 2, 0);
    p.leaf_spec = (struct tk_cert_spec){.common_name = "Leaf",
                                        .from_s = AT - DAY,
                                        .until_s = AT + DAY,
                                        .serial = 3,
                                        .constraints = TK_END_ENTITY,
                                        .key_usage = "digitalSignature"};
    p.root_crl = p.a_crl = (struct tk_crl_spec){.from_s = AT - DAY, .until_s = AT + DAY};
    issue(&p);
    return p;
}

static void drop(struct pki *p)
{
    X509_free(p->root);
    X509_free(p->a);
    X509_free(p->leaf);
}

static struct sg_tee_cert *load(const X509 *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct sg_tee_cert *c = NULL;
    tk_cert_der(x, &der);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
    return c;
}

static void add_cert(struct sg_tee_store *s, const X509 *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    unsigned items;
    tk_cert_der(x, &der);
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(&der), &items), 0);
    assert_int_equal(items, SG_TEE_ITEM_CERTIFICATE);
}

static void add_crl(struct sg_tee_store *s, const struct tk_crl_spec *spec, const X509 *issuer,
                    EVP_PKEY *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    unsigned items;
    tk_crl_der(spec, issuer, key, &der);
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(&der), &items), 0);
    assert_int_equal(items, SG_TEE_ITEM_CRL);
}

static struct sg_tee_store *store_under(const X509 *root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    if (root) {
        tk_cert_der(root, &der);
        assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&der)), 0);
    }
    return s;
}

/* A complete store. */
static struct sg_tee_store *store_of(const struct pki *p)
{
    struct sg_tee_store *s = store_under(p->root);
    add_cert(s, p->a);
    add_crl(s, &p->root_crl, p->root, p->root_key);
    add_crl(s, &p->a_crl, p->a, p->a_key);
    return s;
}

static struct sg_tee_verdict judge_long(struct sg_tee_store *s, const X509 *leaf,
                                        const struct sg_tee_case *of,
                                        const struct sg_tee_own_certs *own, size_t max_cas)
{
    static const char *const names[] = {"Leaf", NULL}, *const ca_names[] = {"A", "B", NULL};
    const struct sg_tee_chain_request q = {.of = of,
                                           .own = own,
                                           .vendor = SG_TEE_VENDOR_INTEL,
                                           .role = SG_TEE_ROLE_PCK,
                                           .leaf_names = names,
                                           .ca_names = ca_names,
                                           .min_cas = 1,
                                           .max_cas = max_cas};
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = load(leaf);
    struct sg_tee_chain chain;
    struct sg_tee_verdict v = {.collateral_until_s = INT64_MAX};
    assert_int_equal(sg_tee_store_seal(s), 0);
    sg_tee_chain_judge(&q, c, &chain);
    sg_tee_chain_report(&q, &chain, &v);
    return v;
}

static struct sg_tee_verdict judge_at(struct sg_tee_store *s, const X509 *leaf,
                                      const struct sg_tee_own_certs *own, int64_t at_s,
                                      bool crypto_only)
{
    const struct sg_tee_case of = {.store = s, .at_s = at_s, .crypto_only = crypto_only};
    return judge_long(s, leaf, &of, own, 1);
}

static struct sg_tee_verdict judge(struct sg_tee_store *s, const X509 *leaf)
{
    return judge_at(s, leaf, NULL, AT, false);
}

/* Exactly this; NONE: nothing against it. */
static void expect(const struct sg_tee_verdict *v, enum sg_tee_reason r)
{
    if (r == SG_TEE_REASON_NONE && v->reasons.n)
        fail_msg("refused: %s", sg_tee_reason_name(v->reasons.at[0]));
    if (r != SG_TEE_REASON_NONE) {
        assert_int_equal(v->reasons.n, 1);
        assert_string_equal(sg_tee_reason_name(v->reasons.at[0]), sg_tee_reason_name(r));
    }
}

static void expect_of(const struct pki *p, enum sg_tee_reason r)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(p);
    const struct sg_tee_verdict v = judge(s, p->leaf);
    expect(&v, r);
    assert_int_equal(v.absent.n, 0);
}

static void test_a_good_chain(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    const struct sg_tee_verdict v = judge(s, p.leaf);
    expect(&v, SG_TEE_REASON_NONE);
    assert_int_equal(v.absent.n, 0);
    assert_int_equal(v.collateral_until_s, AT + DAY);
}

static void test_a_root_of_the_same_name_is_not_the_root(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make(), other = make();
    other.root_key = keys[3];
    issue(&other);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    add_cert(s, other.root); /* lying in the collateral makes no root */
    add_cert(s, other.a);
    const struct sg_tee_verdict v = judge(s, other.leaf);
    expect(&v, SG_TEE_REASON_NONE); /* same key of A: the genuine A vouches */
    other.a_key = keys[2];
    issue(&other);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *t = store_of(&p);
    add_cert(t, p.root); /* nor is the other one broken for want of the true one's signature */
    add_cert(t, other.root);
    add_cert(t, other.a);
    const struct sg_tee_verdict w = judge(t, other.leaf);
    expect(&w, SG_TEE_PCK_UNTRUSTED);
}

static void test_no_root_trusts_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(NULL);
    add_cert(s, p.root);
    add_cert(s, p.a);
    const struct sg_tee_verdict v = judge(s, p.leaf);
    expect(&v, SG_TEE_PCK_UNTRUSTED);
}

static void test_another_vendors_root_is_no_root(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(NULL);
    tk_cert_der(p.root, &der);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_AMD, sg_buf_bytes(&der)), 0);
    add_cert(s, p.a);
    const struct sg_tee_verdict v = judge(s, p.leaf);
    expect(&v, SG_TEE_PCK_UNTRUSTED);
}

static void test_a_bare_key_is_a_root_without_dates(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(NULL);
    tk_key_spki(p.root_key, &spki);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&spki)), 0);
    add_cert(s, p.a);
    const struct sg_tee_verdict v = judge_at(s, p.leaf, NULL, AT, true);
    expect(&v, SG_TEE_REASON_NONE);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        size_t spec; /* 0 leaf, 1 a, 2 root */
        int64_t from_s, until_s;
        enum sg_tee_reason reason;
    } cases[] = {
        {0, AT - DAY, AT - 1, SG_TEE_PCK_EXPIRED},
        {0, AT + 1, AT + DAY, SG_TEE_PCK_NOT_YET_VALID},
        {0, AT, AT, SG_TEE_REASON_NONE},
        {1, AT - DAY, AT - 1, SG_TEE_PCK_CA_EXPIRED},
        {1, AT + 1, AT + DAY, SG_TEE_PCK_CA_NOT_YET_VALID},
        {2, AT - DAY, AT - 1, SG_TEE_PCK_CA_EXPIRED},
        {2, AT + 1, AT + DAY, SG_TEE_PCK_CA_NOT_YET_VALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SG_CLEANUP(drop) struct pki p = make();
        struct tk_cert_spec *spec[] = {&p.leaf_spec, &p.a_spec, &p.root_spec};
        spec[cases[i].spec]->from_s = cases[i].from_s;
        spec[cases[i].spec]->until_s = cases[i].until_s;
        issue(&p);
        expect_of(&p, cases[i].reason);
    }
}

static void test_an_issuer_must_be_a_ca(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    p.a_spec.constraints = TK_END_ENTITY;
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CA_CONSTRAINTS);
    p.a_spec.constraints = TK_NO_CONSTRAINTS;
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CA_CONSTRAINTS);
    p = (drop(&p), make());
    p.a_spec.key_usage = "digitalSignature,cRLSign";
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CA_KEY_USAGE);
    p.a_spec.key_usage = "keyCertSign";
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CRL_UNUSABLE);
}

static void test_a_leaf_must_be_none(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    p.leaf_spec.constraints = TK_CA;
    p.leaf_spec.path_length = -1;
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CONSTRAINTS);
    p.leaf_spec.constraints = TK_NO_CONSTRAINTS;
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CONSTRAINTS);
    p.leaf_spec.constraints = TK_END_ENTITY;
    p.leaf_spec.key_usage = "keyAgreement";
    issue(&p);
    expect_of(&p, SG_TEE_PCK_KEY_USAGE);
    p.leaf_spec.key_usage = NULL;
    issue(&p);
    expect_of(&p, SG_TEE_PCK_KEY_USAGE);
}

static void test_names_go_with_roles(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    p.leaf_spec.common_name = "Leaf of another tree";
    issue(&p);
    expect_of(&p, SG_TEE_PCK_NAME);
    p.leaf_spec.common_name = "Leaf";
    p.a_spec.common_name = "C";
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CA_NAME);
}

static void test_unknown_critical_extensions(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    tk_add_extension(&p.leaf_spec, "1.2.3.4", false, SG_BYTES_LIT("\x05\x00"));
    issue(&p);
    expect_of(&p, SG_TEE_REASON_NONE);
    tk_add_extension(&p.leaf_spec, "1.2.3.5", true, SG_BYTES_LIT("\x05\x00"));
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CRITICAL);
    p.leaf_spec.n_extensions = 0;
    tk_add_extension(&p.a_spec, "2.5.29.30", true, SG_BYTES_LIT("\x30\x00")); /* name constraints */
    issue(&p);
    expect_of(&p, SG_TEE_PCK_CA_CRITICAL);
}

/* leaf <- b <- a <- root, where a may have no CA below it. */
/* leaf <- b <- a <- root, where a says how many CAs may be below it and the request how many at
 * all. */
static void expect_path(int path_length, size_t max_cas, enum sg_tee_reason reason)
{
    SG_CLEANUP(drop) struct pki p = make();
    p.a_spec.path_length = path_length;
    issue(&p);
    struct tk_cert_spec b_spec = ca("B", 9, 0);
    X509 *b = tk_cert_new(&b_spec, p.other_key, p.a, p.a_key);
    X509 *leaf = tk_cert_new(&p.leaf_spec, p.leaf_key, b, p.other_key);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    const struct sg_tee_case of = {.store = s, .at_s = AT};
    add_cert(s, b);
    add_crl(s, &p.a_crl, b, p.other_key);
    const struct sg_tee_verdict v = judge_long(s, leaf, &of, NULL, max_cas);
    expect(&v, reason);
    X509_free(b);
    X509_free(leaf);
}

static void test_path_length(void **state)
{
    (void)state;
    expect_path(-1, 2, SG_TEE_REASON_NONE);
    expect_path(1, 2, SG_TEE_REASON_NONE);
    expect_path(0, 2, SG_TEE_PCK_CA_PATH_LENGTH);
    expect_path(1, 1, SG_TEE_PCK_CA_PATH_LENGTH);
}

/* A leaf right under the root is of another kind than one under a CA. */
static void test_a_leaf_under_the_root_itself(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    X509 *leaf = tk_cert_new(&p.leaf_spec, p.leaf_key, p.root, p.root_key);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    const struct sg_tee_verdict v = judge(s, leaf);
    expect(&v, SG_TEE_PCK_CA_PATH_LENGTH);
    X509_free(leaf);
}

static void test_signatures(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    X509 *forged = tk_cert_new(&p.leaf_spec, p.leaf_key, p.a, p.other_key);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    const struct sg_tee_verdict v = judge(s, forged);
    expect(&v, SG_TEE_PCK_SIGNATURE);
    X509_free(forged);

    forged = tk_cert_new(&p.a_spec, p.a_key, p.root, p.other_key);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *t = store_under(p.root);
    add_cert(t, p.root);
    add_cert(t, forged);
    const struct sg_tee_verdict w = judge(t, p.leaf);
    expect(&w, SG_TEE_PCK_CA_SIGNATURE);
    X509_free(forged);
}

static void test_a_tampered_spare_certificate_refuses(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    X509 *forged = tk_cert_new(&p.a_spec, p.other_key, p.root, p.other_key);
    SG_CLEANUP(sg_tee_own_certs_clear)
    struct sg_tee_own_certs own = {2, {load(p.leaf), load(forged)}};
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    const struct sg_tee_verdict v = judge_at(s, p.leaf, &own, AT, false);
    assert_true(sg_tee_reasons_have(&v.reasons, SG_TEE_PCK_CA_SIGNATURE));
    X509_free(forged);
}

static void test_own_certificates_in_any_order(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    const X509 *order[][3] = {{p.leaf, p.a, p.root}, {p.root, p.leaf, p.a}, {p.a, p.root, p.leaf}};
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_tee_own_certs_clear)
        struct sg_tee_own_certs own = {3,
                                       {load(order[i][0]), load(order[i][1]), load(order[i][2])}};
        SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(p.root);
        add_crl(s, &p.root_crl, p.root, p.root_key);
        add_crl(s, &p.a_crl, p.a, p.a_key);
        const struct sg_tee_verdict v = judge_at(s, p.leaf, &own, AT, false);
        expect(&v, SG_TEE_REASON_NONE);
        assert_int_equal(v.absent.n, 0);
    }
}

static void test_of_two_certificates_of_one_ca_the_valid_one_counts(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    struct tk_cert_spec old = p.a_spec;
    old.until_s = AT - 1;
    X509 *expired = tk_cert_new(&old, p.a_key, p.root, p.root_key);
    for (unsigned first = 0; first < 2; first++) {
        SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(p.root);
        add_cert(s, first ? expired : p.a);
        add_cert(s, first ? p.a : expired);
        add_crl(s, &p.root_crl, p.root, p.root_key);
        add_crl(s, &p.a_crl, p.a, p.a_key);
        const struct sg_tee_verdict v = judge(s, p.leaf);
        expect(&v, SG_TEE_REASON_NONE);
    }
    X509_free(expired);
}

/* Two CAs that issued each other, and no root: an end must be found. */
static void test_circles_end(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    struct tk_cert_spec b_spec = ca("B", 9, -1);
    X509 *b = tk_cert_new(&b_spec, p.other_key, p.a, p.a_key);
    X509 *a = tk_cert_new(&p.a_spec, p.a_key, b, p.other_key);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(p.root);
    add_cert(s, a);
    add_cert(s, b);
    const struct sg_tee_verdict v = judge(s, p.leaf);
    expect(&v, SG_TEE_PCK_UNTRUSTED);
    X509_free(a);
    X509_free(b);
}

static void test_revocation(void **state)
{
    (void)state;
    const uint64_t leaf = 3, a = 2;
    SG_CLEANUP(drop) struct pki p = make();
    p.a_crl.serials = &leaf;
    p.a_crl.n_serials = 1;
    expect_of(&p, SG_TEE_PCK_REVOKED);
    p.a_crl.n_serials = 0;
    p.root_crl.serials = &a;
    p.root_crl.n_serials = 1;
    expect_of(&p, SG_TEE_PCK_CA_REVOKED);
}

static void test_dates_of_lists(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    p.a_crl.until_s = AT - 1;
    expect_of(&p, SG_TEE_PCK_CRL_EXPIRED);
    p.a_crl = (struct tk_crl_spec){.from_s = AT + 1, .until_s = AT + DAY};
    expect_of(&p, SG_TEE_PCK_CRL_NOT_YET_VALID);
    p.a_crl = (struct tk_crl_spec){.from_s = AT - DAY};
    expect_of(&p, SG_TEE_PCK_CRL_UNUSABLE);
    p.a_crl = (struct tk_crl_spec){.from_s = AT, .until_s = AT};
    p.root_crl.until_s = AT - 1;
    expect_of(&p, SG_TEE_PCK_CA_CRL_EXPIRED);
}

static void test_the_newest_list_counts(void **state)
{
    (void)state;
    const uint64_t leaf = 3;
    SG_CLEANUP(drop) struct pki p = make();
    const struct tk_crl_spec older = {
        .from_s = AT - 2 * DAY, .until_s = AT + DAY, .serials = &leaf, .n_serials = 0};
    struct tk_crl_spec newer = {
        .from_s = AT - 1, .until_s = AT + DAY, .serials = &leaf, .n_serials = 1};
    for (unsigned first = 0; first < 2; first++) {
        SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(p.root);
        add_cert(s, p.a);
        add_crl(s, &p.root_crl, p.root, p.root_key);
        add_crl(s, first ? &older : &newer, p.a, p.a_key);
        add_crl(s, first ? &newer : &older, p.a, p.a_key);
        const struct sg_tee_verdict v = judge(s, p.leaf);
        expect(&v, SG_TEE_PCK_REVOKED);
    }
}

static void test_a_list_by_somebody_else_is_none(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(p.root);
    add_cert(s, p.a);
    add_crl(s, &p.root_crl, p.root, p.root_key);
    add_crl(s, &p.a_crl, p.a, p.other_key);
    const struct sg_tee_verdict v = judge(s, p.leaf);
    expect(&v, SG_TEE_PCK_CRL_SIGNATURE);
}

static void test_missing_lists_are_absences(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pki p = make();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_under(p.root);
    add_cert(s, p.a);
    /* The CA's list is no list of the root. */
    add_crl(s, &p.a_crl, p.a, p.a_key);
    const struct sg_tee_verdict v = judge(s, p.leaf);
    expect(&v, SG_TEE_REASON_NONE);
    assert_int_equal(v.absent.n, 1);
    assert_int_equal(v.absent.at[0], SG_TEE_PCK_CA_CRL_MISSING);
}

static void test_crypto_only_minds_lists_no_more_than_they_revoke(void **state)
{
    (void)state;
    const uint64_t leaf = 3;
    SG_CLEANUP(drop) struct pki p = make();
    p.a_crl.until_s = AT - 1;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&p);
    const struct sg_tee_verdict v = judge_at(s, p.leaf, NULL, AT, true);
    expect(&v, SG_TEE_REASON_NONE);
    p.a_crl.serials = &leaf;
    p.a_crl.n_serials = 1;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *t = store_of(&p);
    const struct sg_tee_verdict w = judge_at(t, p.leaf, NULL, AT, true);
    expect(&w, SG_TEE_PCK_REVOKED);
}

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        keys[i] = tk_key_new(TK_P256);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_chain),
        cmocka_unit_test(test_a_root_of_the_same_name_is_not_the_root),
        cmocka_unit_test(test_no_root_trusts_nothing),
        cmocka_unit_test(test_another_vendors_root_is_no_root),
        cmocka_unit_test(test_a_bare_key_is_a_root_without_dates),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_an_issuer_must_be_a_ca),
        cmocka_unit_test(test_a_leaf_must_be_none),
        cmocka_unit_test(test_names_go_with_roles),
        cmocka_unit_test(test_unknown_critical_extensions),
        cmocka_unit_test(test_path_length),
        cmocka_unit_test(test_a_leaf_under_the_root_itself),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_a_tampered_spare_certificate_refuses),
        cmocka_unit_test(test_own_certificates_in_any_order),
        cmocka_unit_test(test_of_two_certificates_of_one_ca_the_valid_one_counts),
        cmocka_unit_test(test_circles_end),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_dates_of_lists),
        cmocka_unit_test(test_the_newest_list_counts),
        cmocka_unit_test(test_a_list_by_somebody_else_is_none),
        cmocka_unit_test(test_missing_lists_are_absences),
        cmocka_unit_test(test_crypto_only_minds_lists_no_more_than_they_revoke),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
