#include "world.h"

#include <sealgrid/base/cleanup.h>

#define DAY INT64_C(86400)

#define MUST(expr) sg_assert((expr) == 0)

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items;
    MUST(sg_tee_store_add(s, sg_buf_bytes(b), &items));
    sg_assert(items && !(items & SG_TEE_ITEM_BROKEN));
    sg_buf_reset(b);
}

static void pin(struct sg_tee_store *s, unsigned vendor, const X509 *root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    tk_cert_der(root, &b);
    MUST(sg_tee_store_add_root(s, vendor, sg_buf_bytes(&b)));
}

static void pin_key(struct sg_tee_store *s, unsigned vendor, EVP_PKEY *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    tk_key_spki(key, &b);
    MUST(sg_tee_store_add_root(s, vendor, sg_buf_bytes(&b)));
}

static bool has(const struct tk_world *w, enum sg_tee_vendor vendor)
{
    return w->vendors & vendor;
}

void tk_world_new_store(const struct tk_world *w, struct sg_tee_store **ret)
{
    MUST(sg_tee_store_new(ret, false));
    if (has(w, SG_TEE_VENDOR_INTEL))
        pin(*ret, SG_TEE_VENDOR_INTEL, w->intel.root);
    for (size_t i = 0; has(w, SG_TEE_VENDOR_AMD) && i < TK_PRODUCTS; i++)
        pin(*ret, SG_TEE_VENDOR_AMD, w->amd[i].ark);
    if (has(w, SG_TEE_VENDOR_AWS))
        pin(*ret, SG_TEE_VENDOR_AWS, w->aws);
    if (has(w, SG_TEE_VENDOR_TPM))
        pin_key(*ret, SG_TEE_VENDOR_TPM, w->ak.key);
    if (has(w, SG_TEE_VENDOR_ARM))
        pin_key(*ret, SG_TEE_VENDOR_ARM, w->platform_key);
}

void tk_world_add_intel(const struct tk_world *w, struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (int td = 0; td < 2; td++) {
        const struct tk_tcb_info info = tk_tcb_info_good(&w->intel, td);
        const struct tk_identity id = tk_identity_good(&w->intel, td);
        tk_tcb_info_json(&w->intel, &info, &b);
        add(s, &b);
        tk_identity_json(&w->intel, &id, &b);
        add(s, &b);
    }
    tk_intel_signer_chain(&w->intel, &b);
    add(s, &b);
    tk_intel_root_crl(&w->intel, NULL, 0, &b);
    add(s, &b);
    tk_intel_pck_crl(&w->intel, NULL, 0, &b);
    add(s, &b);
}

void tk_world_add_amd(const struct tk_world *w, struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec crl = {
        .from_s = TK_AT - DAY, .until_s = TK_AT + DAY, .digest = "SHA384", .pss = true};
    for (size_t i = 0; i < TK_PRODUCTS; i++) {
        tk_cert_pem(w->amd[i].ask, &b);
        tk_cert_pem(w->amd[i].asvk, &b);
        add(s, &b);
        tk_crl_der(&crl, w->amd[i].ark, w->amd[i].ark_key, &b);
        add(s, &b);
    }
}

void tk_world_add_aws(const struct tk_world *w, struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct tk_crl_spec crl = {
        .from_s = TK_AT - DAY, .until_s = TK_AT + DAY, .digest = "SHA384"};
    tk_crl_der(&crl, w->aws, w->aws_key, &b);
    add(s, &b);
}

static X509 *certify(const char *name, bool is_ca, EVP_PKEY *key, const X509 *issuer,
                     EVP_PKEY *issuer_key)
{
    const struct tk_cert_spec spec = {.common_name = name,
                                      .from_s = TK_AT - DAY,
                                      .until_s = TK_AT + DAY,
                                      .constraints = is_ca ? TK_CA : TK_END_ENTITY,
                                      .path_length = -1,
                                      .key_usage =
                                          is_ca ? "keyCertSign,cRLSign" : "digitalSignature",
                                      .digest = "SHA384"};
    return tk_cert_new(&spec, key, issuer, issuer_key);
}

static void make_aws(struct tk_world *w)
{
    w->aws_key = tk_key_new(TK_P384);
    w->zone_key = tk_key_new(TK_P384);
    w->enclave_key = tk_key_new(TK_P384);
    w->aws = certify("root", true, w->aws_key, NULL, w->aws_key);
    w->zone = certify("zone", true, w->zone_key, w->aws, w->aws_key);
    w->enclave = certify("enclave", false, w->enclave_key, w->zone, w->zone_key);
}

static void make_amd(struct tk_world *w)
{
    for (int i = 0; i < TK_PRODUCTS; i++) {
        struct tk_amd *a = &w->amd[i];
        tk_amd_init(a, (enum tk_product)i, TK_AT);
        memset(a->chip_id, 0xc0 + i, i == TK_TURIN ? 8 : sizeof a->chip_id);
        tk_amd_issue(a);
    }
}

static void make_keys(struct tk_world *w)
{
    if (has(w, SG_TEE_VENDOR_INTEL))
        tk_intel_init(&w->intel, TK_AT);
    if (has(w, SG_TEE_VENDOR_AMD))
        make_amd(w);
    if (has(w, SG_TEE_VENDOR_TPM)) {
        tk_tpm_init(&w->ak, TK_P256);
        tk_tpm_init(&w->azure_ak, TK_RSA2048);
    }
    if (has(w, SG_TEE_VENDOR_AWS))
        make_aws(w);
    if (has(w, SG_TEE_VENDOR_ARM)) {
        w->platform_key = tk_key_new(TK_P256);
        w->realm_key = tk_key_new(TK_P256);
    }
}

void tk_world_init(struct tk_world *w, unsigned vendors)
{
    *w = (struct tk_world){.vendors = vendors};
    make_keys(w);
    tk_world_new_store(w, &w->store);
    if (has(w, SG_TEE_VENDOR_INTEL))
        tk_world_add_intel(w, w->store);
    if (has(w, SG_TEE_VENDOR_AMD))
        tk_world_add_amd(w, w->store);
    if (has(w, SG_TEE_VENDOR_AWS))
        tk_world_add_aws(w, w->store);
    MUST(sg_tee_store_seal(w->store));
    MUST(sg_tee_cache_new(&w->cache, w->store));
}

void tk_world_clear(struct tk_world *w)
{
    EVP_PKEY *const keys[] = {w->aws_key, w->zone_key, w->enclave_key, w->platform_key,
                              w->realm_key};
    sg_tee_cache_free(w->cache);
    sg_tee_store_free(w->store);
    tk_intel_clear(&w->intel);
    for (size_t i = 0; i < TK_PRODUCTS; i++)
        tk_amd_clear(&w->amd[i]);
    tk_tpm_clear(&w->ak);
    tk_tpm_clear(&w->azure_ak);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        EVP_PKEY_free(keys[i]);
    X509_free(w->aws);
    X509_free(w->zone);
    X509_free(w->enclave);
    *w = (struct tk_world){0};
}

struct sg_tee_verdict tk_world_judge(const struct tk_world *w, const struct sg_tee_evidence *e)
{
    const struct sg_tee_case c = {
        .evidence = e, .store = w->store, .cache = w->cache, .at_s = TK_AT};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v;
    p.at_s = TK_AT;
    MUST(sg_tee_judge(&c, &v));
    sg_tee_apply(&p, &v);
    return v;
}
