#pragma once
/*
 * test-vendors - more make-believe hardware for tests of casd: a TPM, an Azure machine (a TPM of
 * software beside an SEV-SNP report), a Nitro enclave, an Arm CCA realm; each under a root of its
 * own.  What binds evidence to a connection stands where the kind has room for it: qualifying data,
 * user data, challenge.
 */
#include <sealgrid/base/cbor.h>

#include "cose-int.h"
#include "test-service-int.h"
#include "testkit/amd.h"
#include "testkit/cose.h"
#include "testkit/tpm.h"

#define MEASUREMENT_NITRO                                                                          \
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a" \
    "5a5a"
#define MEASUREMENT_CCA "3333333333333333333333333333333333333333333333333333333333333333"

struct vendors {
    struct tk_tpm tpm, vtpm;
    EVP_PKEY *aws_key, *zone_key, *enclave_key;
    X509 *aws, *zone, *enclave;
    EVP_PKEY *platform_key, *realm_key;
};

/* What a test may ask of evidence. */
struct forgery {
    enum sg_tee_kind kind;
    const uint8_t *report_data;
    const char *sim_platform;
    bool debug;
    bool other_measurement;
    bool digest_only; /* a TPM that holds no more than a SHA-256 */
};

static inline X509 *aws_cert(const char *name, int64_t at_s, bool ca, EVP_PKEY *key,
                             const X509 *issuer, EVP_PKEY *issuer_key)
{
    const struct tk_cert_spec spec = {.common_name = name,
                                      .from_s = at_s - 86400,
                                      .until_s = at_s + 30 * 86400,
                                      .constraints = ca ? TK_CA : TK_END_ENTITY,
                                      .path_length = -1,
                                      .key_usage = ca ? "keyCertSign,cRLSign" : "digitalSignature",
                                      .digest = "SHA384"};
    return tk_cert_new(&spec, key, issuer, issuer_key);
}

static inline void vendors_init(struct vendors *v, int64_t at_s)
{
    tk_tpm_init(&v->tpm, TK_P256);
    tk_tpm_init(&v->vtpm, TK_RSA2048);
    v->aws_key = tk_key_new(TK_P384);
    v->zone_key = tk_key_new(TK_P384);
    v->enclave_key = tk_key_new(TK_P384);
    v->aws = aws_cert("aws.nitro-enclaves", at_s, true, v->aws_key, NULL, v->aws_key);
    v->zone = aws_cert("zone", at_s, true, v->zone_key, v->aws, v->aws_key);
    v->enclave = aws_cert("i-0123-enc0123", at_s, false, v->enclave_key, v->zone, v->zone_key);
    v->platform_key = tk_key_new(TK_P384);
    v->realm_key = tk_key_new(TK_P384);
}

static inline void vendors_clear(struct vendors *v)
{
    tk_tpm_clear(&v->tpm);
    tk_tpm_clear(&v->vtpm);
    X509_free(v->aws);
    X509_free(v->zone);
    X509_free(v->enclave);
    EVP_PKEY_free(v->aws_key);
    EVP_PKEY_free(v->zone_key);
    EVP_PKEY_free(v->enclave_key);
    EVP_PKEY_free(v->platform_key);
    EVP_PKEY_free(v->realm_key);
}

/* ---- roots, as files ---- */

static inline void put_file(const struct world *w, const char *name, const struct sg_buf *b)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    write_plain(path, sg_buf_bytes(b));
}

static inline void put_root(const struct world *w, const char *name, const X509 *root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(16384);
    tk_cert_pem(root, &b);
    put_file(w, name, &b);
}

static inline void put_root_key(const struct world *w, const char *name, EVP_PKEY *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    tk_key_spki(key, &b);
    put_file(w, name, &b);
}

/* AWS publishes no list for its root that anybody could fetch; a test has one. */
static inline void put_aws_crl(const struct world *w, const struct vendors *v, int64_t at_s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct tk_crl_spec crl = {
        .from_s = at_s - 3600, .until_s = at_s + 30 * 86400, .digest = "SHA384"};
    tk_crl_der(&crl, v->aws, v->aws_key, &b);
    put_file(w, "collateral/aws.crl", &b);
}

static inline void put_vendors(const struct world *w, const struct vendors *v, int64_t at_s)
{
    put_root_key(w, "tpm.pem", v->tpm.key);
    put_root(w, "aws.pem", v->aws);
    put_root_key(w, "arm.pem", v->platform_key);
    put_aws_crl(w, v, at_s);
}

/* ---- TPM, and the Azure machine's ---- */

static inline void tpm_measurement(const struct tk_tpm *t, char ret_hex[65])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf values = SG_BUF_INIT(4096);
    uint8_t digest[32];
    tk_tpm_values(t, &values);
    sg_sha256(digest, sg_buf_bytes(&values));
    sg_hex(ret_hex, digest, sizeof digest);
}

struct tpm_parts {
    struct sg_buf quote, signature, values, key;
};

static inline void tpm_parts_clear(struct tpm_parts *p)
{
    sg_buf_clear(&p->quote);
    sg_buf_clear(&p->signature);
    sg_buf_clear(&p->values);
    sg_buf_clear(&p->key);
}

static inline void put_tpm_parts(const struct tk_tpm *of, const struct forgery *g,
                                 struct tpm_parts *ret, struct sg_tee_evidence *e)
{
    struct tk_tpm t = *of;
    memcpy(t.extra, g->report_data, sizeof t.extra);
    if (g->digest_only) {
        sg_sha256(t.extra, SG_BYTES(g->report_data, 64));
        t.extra_len = 32;
    }
    t.pcr[4][0] ^= g->other_measurement;
    tk_tpm_quote(&t, &ret->quote);
    tk_tpm_sign(&t, sg_buf_bytes(&ret->quote), &ret->signature);
    tk_tpm_values(&t, &ret->values);
    tk_tpm_public(&t, &ret->key);
    e->part[SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&ret->quote);
    e->part[SG_TEE_PART_TPM_SIGNATURE] = sg_buf_bytes(&ret->signature);
    e->part[SG_TEE_PART_TPM_PCRS] = sg_buf_bytes(&ret->values);
    e->part[SG_TEE_PART_TPM_KEY] = sg_buf_bytes(&ret->key);
}

#define TPM_PARTS(name)                                                                            \
    SG_CLEANUP(tpm_parts_clear)                                                                    \
    struct tpm_parts name = {SG_BUF_INIT(4096), SG_BUF_INIT(4096), SG_BUF_INIT(4096),              \
                             SG_BUF_INIT(4096)}

static inline void forge_tpm(const struct vendors *v, const struct forgery *g, struct sg_buf *ret)
{
    struct sg_tee_evidence e = {0};
    TPM_PARTS(parts);
    put_tpm_parts(&v->tpm, g, &parts, &e);
    assert_int_equal(sg_tee_evidence_encode(&e, ret), 0);
}

/* The hardware vouches for the TPM's key; the challenge is the quote's. */
static inline void forge_azure(const struct vendors *v, const struct tk_amd *amd,
                               const struct forgery *g, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(8192), hcl = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf vcek = SG_BUF_INIT(8192);
    struct sg_tee_evidence e = {0};
    uint8_t report[TK_SNP_REPORT];
    TPM_PARTS(parts);
    put_tpm_parts(&v->vtpm, g, &parts, &e);
    tk_hcl_runtime(&v->vtpm, &runtime);
    tk_snp_report(amd, 3, report);
    memset(report + 0x50, 0, 64);
    sg_sha256(report + 0x50, sg_buf_bytes(&runtime));
    report[0x0a] |= g->debug ? 8 : 0; /* policy, bit 19 */
    tk_snp_sign(amd->vcek_key, report);
    tk_hcl_report(2, SG_BYTES_ARRAY(report), sg_buf_bytes(&runtime), &hcl);
    tk_cert_der(amd->vcek, &vcek);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&hcl);
    e.part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&vcek);
    assert_int_equal(sg_tee_evidence_encode(&e, ret), 0);
}

/* ---- documents of COSE, signed again after a change ---- */

/* All that stands at `from` becomes `to`; it must be there. */
static inline void replace(struct sg_buf *b, struct sg_bytes from, const uint8_t *to)
{
    uint8_t *at = memmem(b->data, b->len, from.data, from.len);
    assert_non_null(at);
    memcpy(at, to, from.len);
}

static inline struct sg_bytes filled(uint8_t room[64], int octet, size_t len)
{
    memset(room, octet, len);
    return SG_BYTES(room, len);
}

static inline void payload_of(struct sg_bytes document, struct sg_buf *ret)
{
    struct sg_tee_cose c;
    assert_true(sg_tee_cose_read(document, &c));
    assert_int_equal(sg_buf_append(ret, c.payload), 0);
}

/* User data of 64 octets; PCR 0 is the image, and zero under a debugger. */
static inline void forge_nitro(const struct vendors *v, int64_t at_s, const struct forgery *g,
                               struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(65536);
    uint8_t room[64], image[48];
    tk_nitro_document(v->enclave_key, v->enclave, v->zone, v->aws, at_s, &document);
    payload_of(sg_buf_bytes(&document), &payload);
    replace(&payload, filled(room, 0x77, 64), g->report_data);
    memset(image, g->debug ? 0 : 0x5a, sizeof image);
    image[0] ^= g->other_measurement;
    replace(&payload, filled(room, 0x5a, 48), image);
    tk_cose_sign1(v->enclave_key, -35, false, sg_buf_bytes(&payload), ret);
}

/* 399({44234: platform, 44241: realm}): what each says, and signed by whom. */
static inline void forge_cca(const struct vendors *v, const struct forgery *g, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf token = SG_BUF_INIT(65536);
    uint64_t number;
    tk_cca_token(v->platform_key, v->realm_key, &token);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&token));
    assert_int_equal(sg_cbor_get_tag(&r, &number), 0);
    assert_int_equal(sg_cbor_put_tag(ret, number), 0);
    assert_int_equal(sg_cbor_get_map(&r, &number), 0);
    assert_int_equal(sg_cbor_put_map(ret, number), 0);
    for (int realm = 0; realm < 2; realm++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(8192);
        SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(8192);
        struct sg_bytes part;
        uint8_t room[64], measurement[32];
        assert_int_equal(sg_cbor_get_uint(&r, &number), 0);
        assert_int_equal(sg_cbor_get_bytes(&r, &part), 0);
        payload_of(part, &payload);
        if (realm) {
            replace(&payload, filled(room, 0x77, 64), g->report_data);
            memset(measurement, 0x33, sizeof measurement);
            measurement[0] ^= g->other_measurement;
            replace(&payload, filled(room, 0x33, 32), measurement);
        } else if (g->debug) { /* a life cycle that is not the secured one */
            replace(&payload, SG_BYTES_LIT("\x19\x30\x03"), (const uint8_t *)"\x19\x20\x03");
        }
        tk_cose_sign1(realm ? v->realm_key : v->platform_key, -35, true, sg_buf_bytes(&payload),
                      &one);
        assert_int_equal(sg_cbor_put_uint(ret, number), 0);
        assert_int_equal(sg_cbor_put_bytes(ret, sg_buf_bytes(&one)), 0);
    }
}
