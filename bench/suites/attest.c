/*
 * attest - evidence judged, beside the signatures that cannot be left out.
 *
 * A quote needs two P-256 verifications when its certificates were seen before (quote, report of
 * the quoting enclave), four when they were not (platform key, CA); an SNP report one P-384. Theirs
 * are these alone, by OpenSSL, with key and context kept.  Ours is everything: octets taken apart,
 * chain, revocation, documents, levels, policy.  Evidence and collateral are of our own making.
 */
#include "suites.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/policy.h>

#include "testkit/amd.h"
#include "testkit/intel.h"

#define AT INT64_C(1782864000)

SG_DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)
SG_DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

struct evidence {
    struct sg_buf report, certificates;
    struct sg_tee_store *store;
    struct sg_tee_cache *cache;
    struct sg_tee_policy policy;
};

static void clear(struct evidence *e)
{
    sg_buf_clear(&e->report);
    sg_buf_clear(&e->certificates);
    sg_tee_cache_free(e->cache);
    sg_tee_store_free(e->store);
}

static int judge(const struct evidence *e, struct sg_tee_cache *cache, uint64_t n)
{
    const struct sg_tee_evidence parts = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&e->report),
                                          .part[SG_TEE_PART_CERTIFICATES] =
                                              sg_buf_bytes(&e->certificates)};
    const struct sg_tee_case c = {
        .evidence = &parts, .store = e->store, .cache = cache, .at_s = AT};
    struct sg_tee_verdict v;
    for (uint64_t i = 0; i < n; i++) {
        int r = sg_tee_judge(&c, &v);
        if (r < 0)
            return r;
        sg_tee_apply(&e->policy, &v);
        if (!sg_tee_trusted(&v))
            return sg_raisef(-EIO, "refused: %s", sg_tee_reason_name(v.reasons.at[0]));
    }
    return 0;
}

static int judge_known(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct evidence *e = ctx;
    (void)ret_ns;
    return judge(e, e->cache, n);
}

static int judge_new(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    return judge(ctx, NULL, n);
}

/* The bound. */
struct bound {
    EVP_PKEY *key;
    EVP_PKEY_CTX *ctx;
    uint8_t digest[48], signature[160];
    size_t digest_len, signature_len;
    unsigned per_unit;
};

static void clear_bound(struct bound *b)
{
    EVP_PKEY_CTX_freep(&b->ctx);
    EVP_PKEY_freep(&b->key);
}

static int make_bound(struct bound *b, const char *curve, size_t digest_len)
{
    b->key = EVP_EC_gen(curve);
    b->digest_len = digest_len;
    b->signature_len = sizeof b->signature;
    SG_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *sign = b->key ? EVP_PKEY_CTX_new(b->key, NULL) : NULL;
    memset(b->digest, 0x5a, sizeof b->digest);
    if (!sign || EVP_PKEY_sign_init(sign) != 1 ||
        EVP_PKEY_sign(sign, b->signature, &b->signature_len, b->digest, digest_len) != 1)
        return sg_raise(-EIO);
    b->ctx = EVP_PKEY_CTX_new(b->key, NULL);
    return b->ctx && EVP_PKEY_verify_init(b->ctx) == 1 ? 0 : sg_raise(-EIO);
}

static int verify(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bound *b = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n * b->per_unit; i++) {
        if (EVP_PKEY_verify(b->ctx, b->signature, b->signature_len, b->digest, b->digest_len) != 1)
            return sg_raise(-EIO);
    }
    return 0;
}

static int add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items;
    int r = sg_tee_store_add(s, sg_buf_bytes(b), &items);
    sg_buf_reset(b);
    return r;
}

static int open_store(struct evidence *e, const X509 *root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    e->report = e->certificates = (struct sg_buf)SG_BUF_INIT(65536);
    e->policy = sg_tee_policy_default();
    e->policy.at_s = AT;
    tk_cert_der(root, &der);
    int r = sg_tee_store_new(&e->store, true);
    return r < 0 ? r : sg_tee_store_add_root(e->store, SG_TEE_VENDORS_ALL, sg_buf_bytes(&der));
}

static int seal(struct evidence *e)
{
    int r = sg_tee_store_seal(e->store);
    return r < 0 ? r : sg_tee_cache_new(&e->cache, e->store);
}

static int make_quote(struct evidence *e, const struct tk_intel *t, bool td)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    const struct tk_tcb_info info = tk_tcb_info_good(t, td);
    const struct tk_identity id = tk_identity_good(t, td);
    const struct tk_quote q = td ? tk_quote_td(t, 4, TK_TD10_BODY) : tk_quote_sgx(t);
    int r = open_store(e, t->root);
    tk_quote_make(t, &q, &e->report);
    tk_tcb_info_json(t, &info, &b);
    r = r < 0 ? r : add(e->store, &b);
    tk_identity_json(t, &id, &b);
    r = r < 0 ? r : add(e->store, &b);
    tk_intel_signer_chain(t, &b);
    tk_cert_pem(t->ca, &b); /* comes with the platform keys' revocation list */
    r = r < 0 ? r : add(e->store, &b);
    tk_intel_root_crl(t, NULL, 0, &b);
    r = r < 0 ? r : add(e->store, &b);
    tk_intel_pck_crl(t, NULL, 0, &b);
    r = r < 0 ? r : add(e->store, &b);
    return r < 0 ? r : seal(e);
}

static int make_report(struct evidence *e, struct tk_amd *t)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    uint8_t report[TK_SNP_REPORT];
    int r = open_store(e, t->ark);
    tk_snp_report(t, 3, report);
    tk_snp_sign(t->vcek_key, report);
    tk_cert_der(t->vcek, &e->certificates);
    tk_cert_pem(t->ask, &b);
    r = r < 0 ? r : add(e->store, &b);
    r = r < 0 ? r : sg_buf_append(&e->report, SG_BYTES_ARRAY(report));
    e->policy.allow_absent = SG_TEE_ABSENT_CRL;
    return r < 0 ? r : seal(e);
}

static int measure(struct sg_bench *b, const char *name, const char *note, bool known,
                   struct evidence *e, struct bound *bound)
{
    const struct sg_bench_line line = {.name = name,
                                       .unit = "/s",
                                       .cpu = true,
                                       .goal = 0.8,
                                       .note = note,
                                       .ours = {"judged", known ? judge_known : judge_new, e},
                                       .theirs = {"signatures alone", verify, bound}};
    return sg_bench_pair(b, &line);
}

static int measure_quotes(struct sg_bench *b, const struct tk_intel *t)
{
    SG_CLEANUP(clear) struct evidence sgx = {0}, tdx = {0};
    SG_CLEANUP(clear_bound) struct bound two = {.per_unit = 2}, four = {.per_unit = 4};
    int r = make_quote(&sgx, t, false);
    r = r < 0 ? r : make_quote(&tdx, t, true);
    r = r < 0 ? r : make_bound(&two, "P-256", 32);
    r = r < 0 ? r : make_bound(&four, "P-256", 32);
    r = r < 0
            ? r
            : measure(b, "SGX v3 quote, chain known", "two P-256 verifications", true, &sgx, &two);
    r = r < 0
            ? r
            : measure(b, "TDX v4 quote, chain known", "two P-256 verifications", true, &tdx, &two);
    return r < 0 ? r
                 : measure(b, "TDX v4 quote, chain new",
                           "four P-256 verifications; the CA came with the collateral", false, &tdx,
                           &four);
}

static int measure_reports(struct sg_bench *b, struct tk_amd *t)
{
    SG_CLEANUP(clear) struct evidence snp = {0};
    SG_CLEANUP(clear_bound) struct bound one = {.per_unit = 1};
    int r = make_report(&snp, t);
    r = r < 0 ? r : make_bound(&one, "P-384", 48);
    return r < 0 ? r
                 : measure(b, "SNP v3 report, chain known", "one P-384 verification", true, &snp,
                           &one);
}

static int run(struct sg_bench *b)
{
    struct tk_intel intel;
    struct tk_amd amd;
    tk_intel_init(&intel, AT);
    tk_amd_init(&amd, TK_MILAN, AT);
    int r = measure_quotes(b, &intel);
    r = r < 0 ? r : measure_reports(b, &amd);
    tk_intel_clear(&intel);
    tk_amd_clear(&amd);
    return r;
}

const struct sg_bench_suite sg_bench_suite_attest = {
    "attest", "quotes and reports judged, against their signatures alone", run};
