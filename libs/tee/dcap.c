/* dcap - SGX and TDX quotes judged, in the order of Intel's verification procedure. */
#include "dcap-int.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#include "needs-int.h"
#include "store-int.h"
#include "tcb-int.h"

static const uint8_t intel_qe_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                            0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static const char *const leaf_names[] = {"Intel SGX PCK Certificate", NULL};
static const char *const ca_names[] = {"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA",
                                       NULL};

int sg_dcap_certs(const struct sg_tee_case *c, const struct sg_quote *q, struct sg_tee_bundle *ret)
{
    const bool brings = q->cert_type == SG_QUOTE_CERT_LEAF || q->cert_type == SG_QUOTE_CERT_CHAIN;
    const struct sg_bytes parts[] = {brings ? q->cert_data : SG_BYTES_NONE,
                                     c->evidence->part[SG_TEE_PART_CERTIFICATES]};
    return sg_tee_bundle_load(c, (uint8_t)q->cert_type, parts, 2, ret);
}

const struct sg_tee_cert *sg_dcap_leaf(const struct sg_tee_own_certs *certs)
{
    for (size_t i = 0; i < certs->n; i++) {
        if (!certs->at[i]->ca && sg_pck_has_extension(certs->at[i]))
            return certs->at[i];
    }
    return NULL;
}

void sg_dcap_format(const struct sg_quote *q, char ret[SG_TEE_FORMAT_MAX])
{
    snprintf(ret, SG_TEE_FORMAT_MAX, "%s-quote-v%u", q->tee == SG_QUOTE_TEE_TDX ? "tdx" : "sgx",
             q->version);
}

/* At most so many certificates of a store are tried. */
#define PCK_TRIES 8

static bool signed_qe(const struct sg_tee_cert *c, const struct sg_quote *q)
{
    return sg_tee_key_verifies(c->key, SG_TEE_ES256, q->qe_report, q->qe_signature);
}

static const struct sg_tee_cert *leaf_in_store(const struct sg_tee_store *s,
                                               const struct sg_quote *q)
{
    unsigned tries = PCK_TRIES;
    for (size_t i = 0; i < s->n_certs && tries; i++) {
        const struct sg_tee_cert *c = s->cert[i];
        if (c->ca || !sg_pck_has_extension(c))
            continue;
        tries--;
        if (signed_qe(c, q))
            return c;
    }
    return NULL;
}

static void judge_quote_signature(const struct sg_quote *q, struct sg_tee_verdict *v, int *ret_r)
{
    SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *key = NULL;
    *ret_r = sg_tee_key_point(&key, q->key);
    if (*ret_r == SG_TEE_KEY_BAD)
        sg_tee_refuse(v, SG_TEE_REASON_QUOTE_KEY);
    if (*ret_r != 0)
        return;
    if (!sg_tee_key_verifies(key, SG_TEE_ES256, q->signed_part, q->signature))
        sg_tee_refuse(v, SG_TEE_REASON_QUOTE_SIGNATURE);
}

/* The QE vouches for the attestation key: REPORTDATA = SHA-256(key || auth data) || zeros. */
static void judge_qe_report(const struct sg_quote *q, struct sg_tee_verdict *v)
{
    uint8_t wanted[64] = {0};
    sg_sha256_parts(wanted, (struct sg_bytes[]){q->key, q->qe_auth}, 2);
    if (memcmp(q->qe_report.data + SG_SGX_AT_reportdata, wanted, sizeof wanted) != 0)
        sg_tee_refuse(v, SG_TEE_REASON_QE_BINDING);
    if (q->qe_report.data[SG_SGX_AT_attributes] & SG_SGX_ATTRIBUTE_DEBUG)
        sg_tee_refuse(v, SG_TEE_REASON_QE_DEBUG);
}

/* *ret_pck is filled and true is returned if the platform is known. */
static bool judge_platform_key(const struct sg_tee_case *c, const struct sg_quote *q,
                               const struct sg_tee_own_certs *own, struct sg_tee_verdict *v,
                               struct sg_pck *ret_pck)
{
    const struct sg_tee_chain_request request = {
        .of = c,
        .own = own,
        .vendor = SG_TEE_VENDOR_INTEL,
        .role = SG_TEE_ROLE_PCK,
        .leaf_names = leaf_names,
        .ca_names = ca_names,
        .min_cas = 1,
        .max_cas = 1,
    };
    struct sg_tee_chain chain;
    const struct sg_tee_cert *leaf = sg_dcap_leaf(own);
    if (leaf && !signed_qe(leaf, q))
        sg_tee_refuse(v, SG_TEE_REASON_QE_SIGNATURE);
    if (!leaf)
        leaf = leaf_in_store(c->store, q);
    if (!leaf) {
        sg_tee_refuse(v, SG_TEE_PCK_MISSING);
        return false;
    }
    sg_tee_chain_judge(&request, leaf, &chain);
    sg_tee_chain_report(&request, &chain, v);
    if (sg_pck_read(leaf, ret_pck))
        return true;
    sg_tee_refuse(v, SG_TEE_PCK_EXTENSION);
    return false;
}

static void claim(struct sg_tee_claims *c, const uint8_t *measurement, size_t len,
                  const uint8_t *report_data)
{
    memcpy(c->measurement, measurement, len);
    c->measurement_len = len;
    memcpy(c->report_data, report_data, sizeof c->report_data);
}

static void take_sgx_facts(const uint8_t *body, struct sg_tee_verdict *v)
{
    v->kind = SG_TEE_SGX;
    claim(&v->claims, body + SG_SGX_AT_mrenclave, 32, body + SG_SGX_AT_reportdata);
    memcpy(v->claims.signer, body + SG_SGX_AT_mrsigner, 32);
    v->claims.signer_len = 32;
    v->claims.svn = sg_load_le16(body + SG_SGX_AT_isvsvn);
    v->claims.debug = body[SG_SGX_AT_attributes] & SG_SGX_ATTRIBUTE_DEBUG;
}

static void take_td_facts(const uint8_t *body, bool crypto_only, struct sg_tee_verdict *v)
{
    const uint64_t attributes = sg_load_le64(body + SG_TD_AT_tdattributes);
    v->kind = SG_TEE_TDX;
    claim(&v->claims, body + SG_TD_AT_mrtd, 48, body + SG_TD_AT_reportdata);
    v->claims.debug = attributes & SG_TD_ATTRIBUTES_UNDER_DEBUG;
    v->migratable = attributes & SG_TD_ATTRIBUTE_MIGRATABLE;
    if (!crypto_only && (attributes & SG_TD_ATTRIBUTES_UNDER_DEBUG & ~UINT64_C(1)))
        sg_tee_refuse(v, SG_TEE_REASON_TD_ATTRIBUTES_RESERVED);
}

static void take_facts(const struct sg_quote *q, bool crypto_only, struct sg_tee_verdict *v)
{
    sg_dcap_format(q, v->format);
    v->body = q->body;
    v->fields = sg_quote_fields(q, &v->n_fields);
    if (q->tee == SG_QUOTE_TEE_SGX)
        take_sgx_facts(q->body.data, v);
    else
        take_td_facts(q->body.data, crypto_only, v);
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    struct sg_quote q;
    struct sg_pck pck;
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    int r;
    const enum sg_tee_reason why = sg_quote_read(c->evidence->part[SG_TEE_PART_REPORT], &q);
    v->kind = q.tee == SG_QUOTE_TEE_TDX ? SG_TEE_TDX : SG_TEE_SGX;
    if (q.body.len)
        take_facts(&q, c->crypto_only, v);
    if (why != SG_TEE_REASON_NONE)
        sg_tee_refuse(v, why);
    if (why != SG_TEE_REASON_NONE && why != SG_TEE_REASON_TRAILING)
        return 0;
    if (memcmp(q.vendor.data, intel_qe_vendor, sizeof intel_qe_vendor) != 0)
        sg_tee_refuse(v, SG_TEE_REASON_QUOTE_VENDOR);
    judge_quote_signature(&q, v, &r);
    if (r < 0)
        return r;
    judge_qe_report(&q, v);
    r = sg_dcap_certs(c, &q, &bundle);
    if (r < 0)
        return r;
    if (r == SG_TEE_CERT_BROKEN)
        sg_tee_refuse(v, SG_TEE_PCK_MALFORMED);
    const bool known = judge_platform_key(c, &q, bundle.certs, v, &pck);
    if (known) {
        memcpy(v->claims.platform, pck.ppid, sizeof pck.ppid);
        v->claims.platform_len = sizeof pck.ppid;
    }
    if (!c->crypto_only)
        sg_tcb_judge(c, &q, known ? &pck : NULL, v);
    return 0;
}

/* A quote is known by its version and, where it can stand there, the QE vendor; versions to come
 * are recognised and refused by name. */
static bool recognise(const struct sg_tee_evidence *e)
{
    const struct sg_bytes b = e->part[SG_TEE_PART_REPORT];
    if (b.len < SG_QUOTE_HEADER_LEN)
        return b.len >= 2 && sg_load_le16(b.data) >= 3 && sg_load_le16(b.data) <= 5 &&
               (b.len < 8 || !sg_load_le16(b.data + 6));
    return memcmp(b.data + 12, intel_qe_vendor, sizeof intel_qe_vendor) == 0 ||
           (sg_load_le16(b.data) >= 3 && sg_load_le16(b.data) <= 5 &&
            sg_load_le16(b.data + 2) >= 2 && sg_load_le16(b.data + 2) <= 3);
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    const struct sg_bytes b = e->part[SG_TEE_PART_REPORT];
    return b.len >= 8 && sg_load_le32(b.data + 4) == SG_QUOTE_TEE_TDX ? SG_TEE_TDX : SG_TEE_SGX;
}

const struct sg_tee_judge sg_tee_judge_dcap = {
    .kind_of = kind_of,
    .recognise = recognise,
    .judge = judge,
    .describe = sg_dcap_describe,
    .needs = sg_dcap_needs,
};
