/*
 * hcl - bundles of an Azure confidential machine: the report of its paravisor (HCL) around an
 * SEV-SNP report, or beside a TD quote; the runtime data that the hardware's report data is the
 * hash of; in it the attestation key of the virtual TPM; and a quote by that key.
 * Source: Microsoft, "Azure confidential VM guest attestation", HCL report; the bundles that
 * public verifiers use.  Little-endian.
 *
 * Nothing signs the wrapper itself: octets of the header say how to read, and whatever they say,
 * the chain above must hold.  Header and padding take one form only.
 */
#include "needs-int.h"
#include "tpm-int.h"

#include <jansson.h>
#include <sealgrid/base/buf.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

enum {
    HEADER_LEN = 32,
    HARDWARE_ROOM = 1184, /* of the hardware's report */
    REQUEST_LEN = 20,     /* before the runtime data */
    REQUEST = HEADER_LEN + HARDWARE_ROOM,
    RUNTIME = REQUEST + REQUEST_LEN,
    REQUEST_VERSION = 1,
    REPORT_SNP = 2,
    REPORT_TDX = 4,
    HASH_SHA256 = 1,
    HASH_SHA384 = 2,
    HASH_SHA512 = 3,
    VERSION_MIN = 1,
    VERSION_MAX = 2,
    RUNTIME_MAX = 65536,
};

struct wrapper {
    uint32_t version, size, type;                    /* of the header */
    uint32_t data_size, request, report, hash, used; /* of the request */
    struct sg_bytes hardware, runtime;
};

static bool all_zero(struct sg_bytes b)
{
    uint8_t any = 0;
    for (size_t i = 0; i < b.len; i++)
        any |= b.data[i];
    return any == 0;
}

static struct sg_bytes report_of(const struct sg_tee_evidence *e)
{
    return e->part[SG_TEE_PART_REPORT];
}

/* ---- decoding ---- */

/* As far as the numbers go; what they must be is for consistent() to say. */
static bool read_wrapper(struct sg_bytes b, struct wrapper *w)
{
    if (b.len < RUNTIME)
        return false;
    *w = (struct wrapper){.version = sg_load_le32(b.data + 4),
                          .size = sg_load_le32(b.data + 8),
                          .type = sg_load_le32(b.data + 12),
                          .data_size = sg_load_le32(b.data + REQUEST),
                          .request = sg_load_le32(b.data + REQUEST + 4),
                          .report = sg_load_le32(b.data + REQUEST + 8),
                          .hash = sg_load_le32(b.data + REQUEST + 12),
                          .used = sg_load_le32(b.data + REQUEST + 16),
                          .hardware = SG_BYTES(b.data + HEADER_LEN, HARDWARE_ROOM)};
    if (!w->used || w->used > RUNTIME_MAX || w->used > b.len - RUNTIME)
        return false;
    w->runtime = SG_BYTES(b.data + RUNTIME, w->used);
    return true;
}

/* header 16..31 and all behind the runtime data: zero. */
static bool consistent(struct sg_bytes b, const struct wrapper *w)
{
    return w->data_size == REQUEST_LEN + w->used && w->size == REQUEST + w->data_size &&
           w->request == REQUEST_VERSION && (w->report == REPORT_SNP || w->report == REPORT_TDX) &&
           all_zero(SG_BYTES(b.data + 16, HEADER_LEN - 16)) &&
           all_zero(SG_BYTES(b.data + RUNTIME + w->used, b.len - RUNTIME - w->used));
}

static bool recognise(const struct sg_tee_evidence *e)
{
    return report_of(e).len >= 4 && !memcmp(report_of(e).data, "HCLA", 4);
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    (void)e;
    return SG_TEE_AZURE;
}

/* ---- the hardware's report ---- */

/* A copy of the report that lies beside the wrapper. */
static bool same_report(struct sg_bytes beside, struct sg_bytes inside)
{
    return beside.len >= inside.len && !memcmp(beside.data, inside.data, inside.len) &&
           all_zero(SG_BYTES(beside.data + inside.len, beside.len - inside.len));
}

/* The paravisor of a TD has a TDREPORT, which only its own machine can check; what travels is the
 * quote over it. */
static int judge_hardware(const struct sg_tee_case *c, const struct wrapper *w,
                          struct sg_tee_verdict *v)
{
    struct sg_tee_evidence e = {0};
    struct sg_tee_case inner = *c;
    const bool snp = w->report == REPORT_SNP;
    const struct sg_tee_judge *judge = snp ? &sg_tee_judge_snp : &sg_tee_judge_dcap;
    const struct sg_bytes beside = c->evidence->part[SG_TEE_PART_TD_QUOTE];
    inner.evidence = &e;
    if (snp && beside.len && !same_report(beside, w->hardware))
        sg_tee_refuse(v, SG_TEE_REASON_HCL_REPORT);
    e.part[SG_TEE_PART_REPORT] = snp ? w->hardware : beside;
    e.part[SG_TEE_PART_CERTIFICATES] = c->evidence->part[SG_TEE_PART_CERTIFICATES];
    if (!snp && !e.part[SG_TEE_PART_REPORT].len) {
        sg_tee_refuse(v, SG_TEE_REASON_HCL_QUOTE_MISSING);
        return 0;
    }
    if (!judge->recognise(&e) || judge->kind_of(&e) != (snp ? SG_TEE_SNP : SG_TEE_TDX)) {
        sg_tee_refuse(v, SG_TEE_REASON_HCL_MALFORMED);
        return 0;
    }
    return judge->judge(&inner, v);
}

/* The hash, then zeros, is the hardware's report data. */
static bool bound(const struct wrapper *w, const uint8_t report_data[64])
{
    static const unsigned algs[] = {[HASH_SHA256] = SG_TPM_ALG_SHA256,
                                    [HASH_SHA384] = SG_TPM_ALG_SHA384,
                                    [HASH_SHA512] = SG_TPM_ALG_SHA512};
    uint8_t wanted[SG_TPM_DIGEST_MAX] = {0};
    return w->hash >= HASH_SHA256 && w->hash <= HASH_SHA512 &&
           sg_tpm_digest(algs[w->hash], &w->runtime, 1, wanted) &&
           !memcmp(wanted, report_data, sizeof wanted);
}

static void judge_runtime(const struct sg_tee_case *c, const struct wrapper *w,
                          struct sg_tee_verdict *v)
{
    const struct sg_bytes beside = c->evidence->part[SG_TEE_PART_RUNTIME_DATA];
    if (!bound(w, v->claims.report_data) || (beside.len && !sg_bytes_equal(beside, w->runtime)))
        sg_tee_refuse(v, SG_TEE_REASON_HCL_BINDING);
}

/* ---- the attestation key ---- */

static int from_base64url(const json_t *object, const char *name, struct sg_buf *ret)
{
    const char *text = json_string_value(json_object_get(object, name));
    char standard[1400];
    size_t n = text ? strlen(text) : 0;
    if (!n || n % 4 == 1 || n > sizeof standard - 4)
        return SG_TEE_KEY_BAD;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '+' || text[i] == '/' || text[i] == '=')
            return SG_TEE_KEY_BAD;
        standard[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
    while (n % 4)
        standard[n++] = '=';
    int r = sg_base64_decode(ret, SG_BYTES(standard, n));
    return r == -EINVAL ? SG_TEE_KEY_BAD : r;
}

static int key_of_jwk(const json_t *jwk, struct sg_tee_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf n = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf e = SG_BUF_INIT(8);
    const char *type = json_string_value(json_object_get(jwk, "kty"));
    int r = type && !strcmp(type, "RSA") ? 0 : SG_TEE_KEY_BAD;
    if (!r)
        r = from_base64url(jwk, "n", &n);
    if (!r)
        r = from_base64url(jwk, "e", &e);
    return r ? r : sg_tee_key_rsa(ret, sg_buf_bytes(&n), sg_buf_bytes(&e));
}

/* The one key of that name. */
static const json_t *find_jwk(const json_t *runtime, const char *kid)
{
    const json_t *keys = json_object_get(runtime, "keys"), *found = NULL;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        const char *name = json_string_value(json_object_get(key, "kid"));
        if (!name || strcmp(name, kid) != 0)
            continue;
        if (found)
            return NULL;
        found = key;
    }
    return found;
}

static int read_key(struct sg_bytes runtime, struct sg_tee_key **ret)
{
    json_t *all = json_loadb((const char *)runtime.data, runtime.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *jwk = find_jwk(all, "HCLAkPub");
    int r = jwk ? key_of_jwk(jwk, ret) : SG_TEE_KEY_BAD;
    json_decref(all);
    return r;
}

/* A key that lies beside must be the same. */
static int same_key(struct sg_bytes beside, const struct sg_tee_key *key, bool *ret)
{
    SG_CLEANUP(sg_tpm_key_clear) struct sg_tpm_key other = {0};
    *ret = true;
    if (!beside.len)
        return 0;
    int r = sg_tpm_key_read(beside, &other);
    if (r < 0)
        return r;
    *ret = r == 0 && !memcmp(sg_tee_key_id(other.key), sg_tee_key_id(key), 32) &&
           (!other.has_attributes || other.may_attest);
    return 0;
}

static int judge_tpm(const struct sg_tee_case *c, const struct wrapper *w, struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tpm_key_clear) struct sg_tpm_key ak = {0};
    bool same = true;
    int r = read_key(w->runtime, &ak.key);
    if (r == SG_TEE_KEY_BAD) {
        sg_tee_refuse(v, SG_TEE_REASON_HCL_MALFORMED);
        return 0;
    }
    if (r == 0)
        r = same_key(c->evidence->part[SG_TEE_PART_TPM_KEY], ak.key, &same);
    if (r < 0)
        return r;
    if (!same)
        sg_tee_refuse(v, SG_TEE_REASON_TPM_AK_UNBOUND);
    sg_tpm_judge_quote(c, &ak, v);
    return 0;
}

/* ---- the judge ---- */

static int judge_wrapped(const struct sg_tee_case *c, const struct wrapper *w,
                         struct sg_tee_verdict *v)
{
    int r = judge_hardware(c, w, v);
    v->kind = SG_TEE_AZURE;
    snprintf(v->format, sizeof v->format, "azure-vtpm-%s", w->report == REPORT_SNP ? "snp" : "tdx");
    if (r < 0)
        return r;
    judge_runtime(c, w, v);
    return judge_tpm(c, w, v);
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    const struct sg_bytes b = report_of(c->evidence);
    struct wrapper w;
    v->kind = SG_TEE_AZURE;
    v->tcb_status = c->crypto_only ? SG_TEE_STATUS_NOT_CHECKED : SG_TEE_STATUS_NOT_APPLICABLE;
    snprintf(v->format, sizeof v->format, "azure-vtpm");
    if (b.len >= 8 &&
        (sg_load_le32(b.data + 4) < VERSION_MIN || sg_load_le32(b.data + 4) > VERSION_MAX)) {
        sg_tee_refuse(v, SG_TEE_REASON_VERSION);
        return 0;
    }
    if (!read_wrapper(b, &w) || !consistent(b, &w)) {
        sg_tee_refuse(v, SG_TEE_REASON_HCL_MALFORMED);
        return 0;
    }
    return judge_wrapped(c, &w, v);
}

/* ---- what it needs: as the hardware's report does ---- */

static int needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret)
{
    struct wrapper w;
    struct sg_tee_evidence inner = {.part[SG_TEE_PART_CERTIFICATES] =
                                        e->part[SG_TEE_PART_CERTIFICATES]};
    if (!read_wrapper(report_of(e), &w))
        return 0;
    const bool snp = w.report == REPORT_SNP;
    inner.part[SG_TEE_PART_REPORT] = snp ? w.hardware : e->part[SG_TEE_PART_TD_QUOTE];
    return snp ? sg_snp_needs(&inner, ret) : sg_dcap_needs(&inner, ret);
}

/* ---- describing ---- */

static void put(struct sg_json *j, const char *name, uint32_t v)
{
    sg_json_key(j, name);
    sg_json_uint(j, v);
}

static void wrapper_json(const struct wrapper *w, struct sg_json *j)
{
    sg_json_key(j, "hcl");
    sg_json_object(j);
    sg_json_key(j, "magic");
    sg_json_str(j, "HCLA");
    put(j, "ver", w->version);
    put(j, "rsize", w->size);
    put(j, "rtype", w->type);
    put(j, "ds", w->data_size);
    put(j, "rt", w->report);
    put(j, "ht", w->hash);
    put(j, "vs", w->used);
    sg_json_end_object(j);
}

/* "hardware": what the inner judge says. */
static int hardware_json(const struct sg_tee_evidence *e, const struct wrapper *w,
                         const struct sg_tee_store *store, struct sg_json *j)
{
    const struct sg_tee_evidence inner = {
        .part[SG_TEE_PART_REPORT] =
            w->report == REPORT_SNP ? w->hardware : e->part[SG_TEE_PART_TD_QUOTE],
        .part[SG_TEE_PART_CERTIFICATES] = e->part[SG_TEE_PART_CERTIFICATES]};
    sg_json_key(j, "hardware");
    sg_json_object(j);
    int r = recognise(&inner) ? 0 : sg_tee_describe(&inner, store, j);
    sg_json_end_object(j);
    return r;
}

static int describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    struct wrapper w;
    const bool whole = read_wrapper(report_of(e), &w);
    sg_json_key(j, "fields");
    sg_json_object(j);
    if (whole)
        wrapper_json(&w, j);
    sg_tpm_quote_json(e, j);
    sg_json_end_object(j);
    return whole ? hardware_json(e, &w, store, j) : 0;
}

const struct sg_tee_judge sg_tee_judge_azure = {
    .kind_of = kind_of,
    .recognise = recognise,
    .judge = judge,
    .describe = describe,
    .needs = needs,
};
