/*
 * cca - Arm CCA attestation tokens: a platform token and a realm token, bound to each other.
 * Source: Arm DEN0137 (Realm Management Monitor specification), section A7.2; draft-ffm-rats-cca.
 * Two forms are in use: a tagged map of both tokens with the realm's key as a bare point, and a
 * collection of typed records (CMW) with the key as a COSE_Key; parts of either are mixed.
 *
 * The platform's key (CPAK) is endorsed out of band, by key, not by certificates: it must be pinned
 * for Arm.  Judging signatures alone, a bare key among the collateral will do.
 */
#include "cache-int.h"
#include "cose-int.h"
#include "judge-int.h"
#include "store-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

enum {
    TAG_TOKEN = 399,
    TAG_COLLECTION = 907,
    FORMAT_EAT_CWT = 263, /* CoAP content format of a record */
    PLATFORM_TOKEN = 44234,
    REALM_TOKEN = 44241,
    CLAIM_CHALLENGE = 10, /* in both */
    PLATFORM_INSTANCE = 256,
    PLATFORM_LIFECYCLE = 2395,
    PLATFORM_IMPLEMENTATION = 2396,
    REALM_KEY = 44237,
    REALM_MEASUREMENT = 44238,
    REALM_KEY_HASH = 44240,
    LIFECYCLE_SECURED = 0x3000, /* 0x3000..0x30ff */
    CLAIMS_MAX = 32,
};

struct claim {
    int64_t label;
    struct sg_bytes item; /* encoded */
};

struct claims {
    struct sg_tee_cose cose;
    size_t n;
    struct claim at[CLAIMS_MAX];
};

struct token {
    struct claims platform, realm;
};

/* ---- decoding ---- */

static const struct claim *find(const struct claims *c, int64_t label)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].label == label)
            return &c->at[i];
    return NULL;
}

/* Each label once. */
static bool read_claims(struct sg_bytes token, struct claims *ret)
{
    uint64_t pairs;
    if (!sg_tee_cose_read(token, &ret->cose))
        return false;
    struct sg_reader r = sg_reader_over(ret->cose.payload);
    if (sg_cbor_get_map(&r, &pairs) || pairs > CLAIMS_MAX)
        return false;
    for (; pairs; pairs--) {
        struct claim c;
        if (sg_cbor_get_int(&r, &c.label) || find(ret, c.label) || sg_cbor_skip(&r, &c.item))
            return false;
        ret->at[ret->n++] = c;
    }
    return r.left == 0;
}

/* A record of a collection: [content format, token]. */
static bool read_record(struct sg_reader *r, struct sg_bytes *ret)
{
    uint64_t n, format;
    return sg_cbor_get_array(r, &n) == 0 && n == 2 && sg_cbor_get_uint(r, &format) == 0 &&
           format == FORMAT_EAT_CWT && sg_cbor_get_bytes(r, ret) == 0;
}

static bool is_tag(uint64_t tag)
{
    return tag == TAG_TOKEN || tag == TAG_COLLECTION;
}

static bool read_outer(struct sg_bytes document, struct sg_bytes *ret_platform,
                       struct sg_bytes *ret_realm)
{
    struct sg_reader r = sg_reader_over(document);
    uint64_t tag, pairs, label;
    *ret_platform = *ret_realm = SG_BYTES_NONE;
    if (sg_cbor_get_tag(&r, &tag) || !is_tag(tag) || sg_cbor_get_map(&r, &pairs) || pairs != 2)
        return false;
    for (; pairs; pairs--) {
        if (sg_cbor_get_uint(&r, &label))
            return false;
        struct sg_bytes *place = label == PLATFORM_TOKEN ? ret_platform
                                 : label == REALM_TOKEN  ? ret_realm
                                                         : NULL;
        if (!place || place->len ||
            !(tag == TAG_TOKEN ? sg_cbor_get_bytes(&r, place) == 0 : read_record(&r, place)))
            return false;
    }
    return r.left == 0 && ret_platform->len && ret_realm->len;
}

static bool bytes_claim(const struct claims *c, int64_t label, struct sg_bytes *ret)
{
    const struct claim *found = find(c, label);
    if (!found)
        return false;
    struct sg_reader r = sg_reader_over(found->item);
    return sg_cbor_get_bytes(&r, ret) == 0;
}

static bool text_claim(const struct claims *c, int64_t label, struct sg_bytes *ret)
{
    const struct claim *found = find(c, label);
    if (!found)
        return false;
    struct sg_reader r = sg_reader_over(found->item);
    return sg_cbor_get_text(&r, ret) == 0;
}

static bool uint_claim(const struct claims *c, int64_t label, uint64_t *ret)
{
    const struct claim *found = find(c, label);
    if (!found)
        return false;
    struct sg_reader r = sg_reader_over(found->item);
    return sg_cbor_get_uint(&r, ret) == 0;
}

static bool recognise(const struct sg_tee_evidence *e)
{
    struct sg_reader r = sg_reader_over(e->part[SG_TEE_PART_REPORT]);
    uint64_t tag;
    return r.left && sg_cbor_get_tag(&r, &tag) == 0 && is_tag(tag);
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    (void)e;
    return SG_TEE_CCA;
}

/* ---- judging ---- */

static int signed_by(const struct sg_tee_cose *c, const struct sg_tee_key *key, bool *ret)
{
    *ret = false;
    return key ? sg_tee_cose_verify(c, key, ret) : 0;
}

/* A pinned key, else a bare one of the collateral; nothing else speaks for a platform. */
static int judge_platform(const struct sg_tee_case *c, const struct claims *platform,
                          struct sg_tee_verdict *v)
{
    const struct sg_tee_store *s = c->store;
    bool right = false;
    int r = 0;
    for (size_t i = 0; i < s->n_anchors && r == 0 && !right; i++)
        if (s->anchor[i].vendors & SG_TEE_VENDOR_ARM)
            r = signed_by(&platform->cose, s->anchor[i].key, &right);
    if (r || right)
        return r;
    for (size_t i = 0; i < s->n_keys && r == 0 && !right; i++)
        r = signed_by(&platform->cose, s->key[i], &right);
    if (r == 0 && !right)
        sg_tee_refuse(v, s->n_keys ? SG_TEE_REASON_COSE_SIGNATURE : SG_TEE_CPAK_MISSING);
    else if (r == 0 && !c->crypto_only)
        sg_tee_refuse(v, SG_TEE_CPAK_UNTRUSTED);
    return r;
}

enum { KEY_EC2 = 2, CURVE_P256 = 1, CURVE_P384 = 2, POINT_MAX = 96 };

/* A point of a COSE_Key (RFC 9053, section 7.1): {1: EC2, -1: curve, -2: x, -3: y}, each once and
 * nothing else. */
static bool read_cose_key(struct sg_bytes item, uint8_t ret_xy[POINT_MAX], size_t *ret_len)
{
    struct sg_reader r = sg_reader_over(item);
    struct sg_bytes xy[2] = {SG_BYTES_NONE, SG_BYTES_NONE};
    uint64_t pairs, type = 0, curve = 0;
    if (sg_cbor_get_map(&r, &pairs) || pairs != 4)
        return false;
    for (; pairs; pairs--) {
        int64_t label;
        if (sg_cbor_get_int(&r, &label))
            return false;
        const bool ok = label == 1    ? !type && !sg_cbor_get_uint(&r, &type)
                        : label == -1 ? !curve && !sg_cbor_get_uint(&r, &curve)
                        : (label == -2 || label == -3)
                            ? !xy[-label - 2].len && !sg_cbor_get_bytes(&r, &xy[-label - 2])
                            : false;
        if (!ok)
            return false;
    }
    const size_t half = curve == CURVE_P256 ? 32 : curve == CURVE_P384 ? 48 : 0;
    if (r.left || type != KEY_EC2 || !half || xy[0].len != half || xy[1].len != half)
        return false;
    memcpy(ret_xy, xy[0].data, half);
    memcpy(ret_xy + half, xy[1].data, half);
    *ret_len = 2 * half;
    return true;
}

/* The realm's key: an uncompressed point or a COSE_Key, of P-384 as the specification asks, or of
 * P-256. */
static int realm_key(const struct claims *realm, struct sg_tee_key **ret)
{
    uint8_t xy[POINT_MAX];
    struct sg_bytes key;
    size_t len;
    if (!bytes_claim(realm, REALM_KEY, &key) || !key.len)
        return SG_TEE_KEY_BAD;
    if (key.data[0] == 4)
        return sg_tee_key_point(ret, SG_BYTES(key.data + 1, key.len - 1));
    return read_cose_key(key, xy, &len) ? sg_tee_key_point(ret, SG_BYTES(xy, len))
                                        : (int)SG_TEE_KEY_BAD;
}

/* The platform's challenge is the hash of the realm's key. */
static bool bound(const struct token *t)
{
    struct sg_bytes challenge, key, hash;
    uint8_t digest[64];
    size_t len;
    if (!bytes_claim(&t->platform, CLAIM_CHALLENGE, &challenge) ||
        !bytes_claim(&t->realm, REALM_KEY, &key) || !text_claim(&t->realm, REALM_KEY_HASH, &hash))
        return false;
    if (sg_bytes_equal(hash, SG_BYTES_LIT("sha-256"))) {
        sg_sha256(digest, key);
        len = 32;
    } else if (sg_bytes_equal(hash, SG_BYTES_LIT("sha-512"))) {
        sg_sha512_parts(digest, &key, 1);
        len = 64;
    } else {
        return false;
    }
    return sg_bytes_equal(challenge, SG_BYTES(digest, len));
}

static int judge_realm(const struct claims *realm, struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *key = NULL;
    bool right = false;
    int r = realm_key(realm, &key);
    if (r == SG_TEE_KEY_BAD) {
        sg_tee_refuse(v, SG_TEE_REASON_COSE_PAYLOAD);
        return 0;
    }
    if (r == 0)
        r = signed_by(&realm->cose, key, &right);
    if (r == 0 && !right)
        sg_tee_refuse(v, SG_TEE_REASON_COSE_SIGNATURE);
    return r;
}

static void copy_claim(const struct claims *c, int64_t label, uint8_t *ret, size_t room,
                       size_t *ret_len)
{
    struct sg_bytes value;
    *ret_len = 0;
    if (!bytes_claim(c, label, &value) || value.len > room)
        return;
    memcpy(ret, value.data, value.len);
    *ret_len = value.len;
}

static void learn(const struct token *t, struct sg_tee_verdict *v)
{
    struct sg_tee_claims *c = &v->claims;
    uint64_t lifecycle = 0;
    size_t challenge;
    copy_claim(&t->realm, REALM_MEASUREMENT, c->measurement, sizeof c->measurement,
               &c->measurement_len);
    copy_claim(&t->platform, PLATFORM_INSTANCE, c->platform, sizeof c->platform, &c->platform_len);
    copy_claim(&t->realm, CLAIM_CHALLENGE, c->report_data, sizeof c->report_data, &challenge);
    if (challenge != sizeof c->report_data)
        sg_tee_refuse(v, SG_TEE_REASON_COSE_PAYLOAD);
    if (!uint_claim(&t->platform, PLATFORM_LIFECYCLE, &lifecycle) || !c->measurement_len ||
        !c->platform_len)
        sg_tee_refuse(v, SG_TEE_REASON_COSE_PAYLOAD);
    /* Any life but the secured one has its debug ports open. */
    c->debug = (lifecycle & ~UINT64_C(0xff)) != LIFECYCLE_SECURED;
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    struct token t = {0};
    struct sg_bytes platform, realm;
    int r;
    v->kind = SG_TEE_CCA;
    v->tcb_status = c->crypto_only ? SG_TEE_STATUS_NOT_CHECKED : SG_TEE_STATUS_NOT_APPLICABLE;
    snprintf(v->format, sizeof v->format, "cca-token");
    if (!read_outer(c->evidence->part[SG_TEE_PART_REPORT], &platform, &realm) ||
        !read_claims(platform, &t.platform) || !read_claims(realm, &t.realm)) {
        sg_tee_refuse(v, SG_TEE_REASON_COSE_MALFORMED);
        return 0;
    }
    if (!sg_tee_cose_supported(&t.platform.cose) || !sg_tee_cose_supported(&t.realm.cose))
        sg_tee_refuse(v, SG_TEE_REASON_COSE_ALGORITHM);
    learn(&t, v);
    if (!bound(&t))
        sg_tee_refuse(v, SG_TEE_REASON_CCA_BINDING);
    r = judge_platform(c, &t.platform, v);
    return r ? r : judge_realm(&t.realm, v);
}

/* ---- describing ---- */

static void put_value(struct sg_json *j, struct sg_bytes item)
{
    struct sg_reader r = sg_reader_over(item);
    enum sg_cbor_type type = SG_CBOR_SIMPLE;
    struct sg_bytes text;
    uint64_t n;
    int64_t number;
    char entries[40];
    if (sg_cbor_peek(&r, &type) == 0 && type == SG_CBOR_BYTES && !sg_cbor_get_bytes(&r, &text)) {
        sg_json_hex(j, text);
    } else if (type == SG_CBOR_TEXT && !sg_cbor_get_text(&r, &text)) {
        sg_json_strn(j, text);
    } else if ((type == SG_CBOR_UINT || type == SG_CBOR_NEGINT) && !sg_cbor_get_int(&r, &number)) {
        sg_json_int(j, number);
    } else if (type == SG_CBOR_ARRAY && !sg_cbor_get_array(&r, &n)) {
        snprintf(entries, sizeof entries, "%llu entries", (unsigned long long)n);
        sg_json_str(j, entries);
    } else {
        sg_json_null(j);
    }
}

static void put_claims(struct sg_json *j, const char *name, const struct claims *c)
{
    sg_json_key(j, name);
    sg_json_object(j);
    for (size_t i = 0; i < c->n; i++) {
        char label[24];
        snprintf(label, sizeof label, "%lld", (long long)c->at[i].label);
        sg_json_key(j, label);
        put_value(j, c->at[i].item);
    }
    sg_json_end_object(j);
}

static int describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    struct token t = {0};
    struct sg_bytes platform, realm;
    (void)store;
    sg_json_key(j, "fields");
    sg_json_object(j);
    if (read_outer(e->part[SG_TEE_PART_REPORT], &platform, &realm) &&
        read_claims(platform, &t.platform) && read_claims(realm, &t.realm)) {
        put_claims(j, "platform", &t.platform);
        put_claims(j, "realm", &t.realm);
    }
    sg_json_end_object(j);
    return 0;
}

const struct sg_tee_judge sg_tee_judge_cca = {
    .kind_of = kind_of, .recognise = recognise, .judge = judge, .describe = describe};
