/*
 * nitro - attestation documents of AWS Nitro Enclaves.
 * Source: AWS Nitro Enclaves user guide, "Verifying the root of trust"; the NSM library's CDDL.
 */
#include "bundle-int.h"
#include "cose-int.h"
#include "judge-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/clock.h>
#include <stdio.h>

enum {
    PCRS = 32, /* numbers 0..31 */
    PCR_MAX = 64,
    CA_MAX = SG_TEE_OWN_CERTS_MAX - 1,
    FREE_MAX = 1024, /* user data, nonce, public key */
    ES384_COSE = -35,
};

struct document {
    struct sg_tee_cose cose;
    struct sg_bytes module, digest;
    uint64_t timestamp_ms;
    struct sg_bytes pcr[PCRS]; /* empty: not there */
    struct sg_bytes leaf, ca[CA_MAX];
    size_t n_cas;
    struct sg_bytes public_key, user_data, nonce; /* data NULL: null or absent */
    unsigned seen;                                /* bit per member */
};

/* ---- decoding ---- */

static bool read_text(struct sg_reader *r, struct sg_bytes *ret)
{
    return sg_cbor_get_text(r, ret) == 0 && ret->len > 0;
}

static bool read_pcrs(struct sg_reader *r, struct document *d)
{
    uint64_t pairs, number;
    struct sg_bytes value;
    if (sg_cbor_get_map(r, &pairs) || !pairs || pairs > PCRS)
        return false;
    for (; pairs; pairs--) {
        if (sg_cbor_get_uint(r, &number) || number >= PCRS || sg_cbor_get_bytes(r, &value) ||
            (value.len != 32 && value.len != 48 && value.len != PCR_MAX) || d->pcr[number].len)
            return false;
        d->pcr[number] = value;
    }
    return true;
}

static bool read_bundle(struct sg_reader *r, struct document *d)
{
    uint64_t n;
    if (sg_cbor_get_array(r, &n) || !n || n > CA_MAX)
        return false;
    for (d->n_cas = 0; d->n_cas < n; d->n_cas++)
        if (sg_cbor_get_bytes(r, &d->ca[d->n_cas]) || !d->ca[d->n_cas].len)
            return false;
    return true;
}

static bool read_free(struct sg_reader *r, struct sg_bytes *ret)
{
    enum sg_cbor_type type;
    if (sg_cbor_peek(r, &type))
        return false;
    if (type == SG_CBOR_SIMPLE)
        return sg_cbor_get_null(r) == 0;
    return sg_cbor_get_bytes(r, ret) == 0 && ret->len <= FREE_MAX;
}

enum member { MODULE, DIGEST, TIMESTAMP, PCR_MAP, LEAF, BUNDLE, PUBLIC_KEY, USER_DATA, NONCE };
static const char *const members[] = {"module_id", "digest",     "timestamp", "pcrs", "certificate",
                                      "cabundle",  "public_key", "user_data", "nonce"};
enum { N_MEMBERS = sizeof members / sizeof members[0], REQUIRED = (1 << PUBLIC_KEY) - 1 };

static bool read_member(struct sg_reader *r, enum member m, struct document *d)
{
    switch (m) {
    case MODULE:
        return read_text(r, &d->module);
    case DIGEST:
        return read_text(r, &d->digest) && sg_bytes_equal(d->digest, SG_BYTES_LIT("SHA384"));
    case TIMESTAMP:
        return sg_cbor_get_uint(r, &d->timestamp_ms) == 0 && d->timestamp_ms < UINT64_C(1) << 53;
    case PCR_MAP:
        return read_pcrs(r, d);
    case LEAF:
        return sg_cbor_get_bytes(r, &d->leaf) == 0 && d->leaf.len > 0;
    case BUNDLE:
        return read_bundle(r, d);
    case PUBLIC_KEY:
        return read_free(r, &d->public_key);
    case USER_DATA:
        return read_free(r, &d->user_data);
    case NONCE:
        return read_free(r, &d->nonce);
    }
    return false;
}

enum { MAP_LEFT_OPEN = 0xbf, BREAK = 0xff };

/* Hypervisors since 2025 leave the number of members open and end them by a break. */
static bool enter_payload(struct sg_reader *r, uint64_t *ret_pairs, bool *ret_open)
{
    *ret_open = r->left && r->at[0] == MAP_LEFT_OPEN;
    if (!*ret_open)
        return sg_cbor_get_map(r, ret_pairs) == 0;
    r->at++, r->left--;
    return true;
}

static bool take_break(struct sg_reader *r)
{
    if (!r->left || r->at[0] != BREAK)
        return false;
    r->at++, r->left--;
    return true;
}

/* Once, and none unknown: what is not understood may change what the others mean. */
static bool take_member(struct sg_reader *r, struct document *d)
{
    struct sg_bytes name;
    size_t m = 0;
    if (sg_cbor_get_text(r, &name))
        return false;
    while (m < N_MEMBERS && !sg_bytes_equal(name, sg_bytes_str(members[m])))
        m++;
    if (m == N_MEMBERS || d->seen & 1u << m || !read_member(r, (enum member)m, d))
        return false;
    d->seen |= 1u << m;
    return true;
}

static bool read_payload(struct sg_bytes payload, struct document *d)
{
    struct sg_reader r = sg_reader_over(payload);
    uint64_t pairs = 0;
    bool open;
    if (!enter_payload(&r, &pairs, &open) || pairs > N_MEMBERS)
        return false;
    while (open ? !take_break(&r) : pairs-- > 0)
        if (!take_member(&r, d))
            return false;
    return r.left == 0 && (d->seen & REQUIRED) == REQUIRED;
}

static struct sg_bytes report_of(const struct sg_tee_evidence *e)
{
    return e->part[SG_TEE_PART_REPORT];
}

/* A payload that is a map whose first member is a text: what tells it from a CCA token's. */
static bool recognise(const struct sg_tee_evidence *e)
{
    struct sg_tee_cose c;
    enum sg_cbor_type type;
    uint64_t pairs = 0;
    bool open;
    if (!report_of(e).len || !sg_tee_cose_read(report_of(e), &c))
        return false;
    struct sg_reader r = sg_reader_over(c.payload);
    return enter_payload(&r, &pairs, &open) && (open || pairs) && sg_cbor_peek(&r, &type) == 0 &&
           type == SG_CBOR_TEXT;
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    (void)e;
    return SG_TEE_NITRO;
}

/* ---- judging ---- */

static bool all_zero(struct sg_bytes b)
{
    uint8_t any = 0;
    for (size_t i = 0; i < b.len; i++)
        any |= b.data[i];
    return any == 0;
}

static void learn(const struct document *d, struct sg_tee_verdict *v)
{
    struct sg_tee_claims *c = &v->claims;
    const struct sg_bytes image = d->pcr[0], signer = d->pcr[8];
    if (image.len && image.len <= sizeof c->measurement) {
        memcpy(c->measurement, image.data, image.len);
        c->measurement_len = image.len;
    }
    if (signer.len && signer.len <= sizeof c->signer && !all_zero(signer)) {
        memcpy(c->signer, signer.data, signer.len);
        c->signer_len = signer.len;
    }
    c->platform_len = d->module.len < sizeof c->platform ? d->module.len : sizeof c->platform;
    memcpy(c->platform, d->module.data, c->platform_len);
    c->no_report_data = d->user_data.len != sizeof c->report_data;
    if (!c->no_report_data)
        memcpy(c->report_data, d->user_data.data, sizeof c->report_data);
    c->debug = all_zero(image); /* absent, too */
}

/* Leaf first, then the bundle; the bundle's order does not matter. */
static int load(const struct document *d, struct sg_tee_own_certs *ret, bool *ret_leaf)
{
    int r = sg_tee_cert_new(&ret->at[0], d->leaf);
    *ret_leaf = r == 0;
    for (size_t i = 0; i < d->n_cas && r == 0; i++) {
        ret->n = i + 1;
        r = sg_tee_cert_new(&ret->at[i + 1], d->ca[i]);
    }
    if (r == 0)
        ret->n = d->n_cas + 1;
    return r;
}

static int judge_signature(const struct document *d, const struct sg_tee_cert *leaf,
                           struct sg_tee_verdict *v)
{
    bool right;
    int r = sg_tee_cose_verify(&d->cose, leaf->key, &right);
    if (r == 0 && !right)
        sg_tee_refuse(v, SG_TEE_REASON_COSE_SIGNATURE);
    return r;
}

static int judge_chain(const struct sg_tee_case *c, const struct document *d,
                       struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tee_own_certs_clear) struct sg_tee_own_certs own = {0};
    const struct sg_tee_chain_request q = {.of = c,
                                           .own = &own,
                                           .vendor = SG_TEE_VENDOR_AWS,
                                           .role = SG_TEE_ROLE_NITRO,
                                           .max_cas = SG_TEE_CHAIN_MAX - 2,
                                           .no_leaf_crl = true};
    struct sg_tee_chain chain;
    bool leaf;
    int r = load(d, &own, &leaf);
    if (r == SG_TEE_CERT_BROKEN) {
        sg_tee_refuse(v, leaf ? SG_TEE_NITRO_CA_MALFORMED : SG_TEE_NITRO_MALFORMED);
        return 0;
    }
    if (r)
        return r;
    sg_tee_chain_judge(&q, own.at[0], &chain);
    sg_tee_chain_report(&q, &chain, v);
    /* Made while its certificate was valid. */
    const int64_t made_s = (int64_t)(d->timestamp_ms / 1000);
    if (made_s < own.at[0]->not_before_s || made_s > own.at[0]->not_after_s)
        sg_tee_refuse(v, SG_TEE_REASON_NITRO_TIME);
    return judge_signature(d, own.at[0], v);
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    struct document d = {0};
    v->kind = SG_TEE_NITRO;
    v->tcb_status = c->crypto_only ? SG_TEE_STATUS_NOT_CHECKED : SG_TEE_STATUS_NOT_APPLICABLE;
    snprintf(v->format, sizeof v->format, "nitro-document");
    if (!sg_tee_cose_read(report_of(c->evidence), &d.cose)) {
        sg_tee_refuse(v, SG_TEE_REASON_COSE_MALFORMED);
        return 0;
    }
    if (d.cose.algorithm != ES384_COSE)
        sg_tee_refuse(v, SG_TEE_REASON_COSE_ALGORITHM);
    if (!read_payload(d.cose.payload, &d)) {
        sg_tee_refuse(v, SG_TEE_REASON_COSE_PAYLOAD);
        return 0;
    }
    learn(&d, v);
    return judge_chain(c, &d, v);
}

/* ---- describing ---- */

static void put_text(struct sg_json *j, const char *name, struct sg_bytes text)
{
    sg_json_key(j, name);
    sg_json_strn(j, text);
}

static void put_free(struct sg_json *j, const char *name, struct sg_bytes value)
{
    sg_json_key(j, name);
    if (value.data)
        sg_json_hex(j, value);
    else
        sg_json_null(j);
}

/* "2022-10-13T08:58:02.136000+00:00" */
static void put_time(struct sg_json *j, uint64_t ms)
{
    char second[SG_RFC3339_MAX], text[48];
    sg_time_rfc3339(second, (int64_t)(ms / 1000));
    second[19] = '\0';
    if (ms % 1000)
        snprintf(text, sizeof text, "%s.%03u000+00:00", second, (unsigned)(ms % 1000));
    else
        snprintf(text, sizeof text, "%s+00:00", second);
    sg_json_key(j, "ts");
    sg_json_str(j, text);
}

/* Those that say something. */
static void put_pcrs(struct sg_json *j, const struct document *d)
{
    sg_json_key(j, "pcrs");
    sg_json_object(j);
    for (unsigned i = 0; i < PCRS; i++) {
        char name[4];
        if (!d->pcr[i].len || all_zero(d->pcr[i]))
            continue;
        snprintf(name, sizeof name, "%u", i);
        sg_json_key(j, name);
        sg_json_hex(j, d->pcr[i]);
    }
    sg_json_end_object(j);
}

static int describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    struct document d = {0};
    (void)store;
    sg_json_key(j, "fields");
    sg_json_object(j);
    if (sg_tee_cose_read(report_of(e), &d.cose) && read_payload(d.cose.payload, &d)) {
        put_text(j, "module", d.module);
        put_time(j, d.timestamp_ms);
        put_text(j, "digest", d.digest);
        put_pcrs(j, &d);
        put_free(j, "public_key", d.public_key);
        put_free(j, "user_data", d.user_data);
        put_free(j, "nonce", d.nonce);
        sg_json_key(j, "debug_mode (PCR0 all zero)");
        sg_json_bool(j, all_zero(d.pcr[0]));
    }
    sg_json_end_object(j);
    return 0;
}

const struct sg_tee_judge sg_tee_judge_nitro = {
    .kind_of = kind_of, .recognise = recognise, .judge = judge, .describe = describe};
