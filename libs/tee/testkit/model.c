#include "model.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

/* ---- TPM ---- */

enum { ALG_SHA256 = 0x0b, ALG_SHA384 = 0x0c, ALG_SHA512 = 0x0d, BANKS = 8, PCRS = 24 };

/* SHA-1 is nobody's any more. */
static size_t digest_len(unsigned alg)
{
    return alg == ALG_SHA256 ? 32 : alg == ALG_SHA384 ? 48 : alg == ALG_SHA512 ? 64 : 0;
}

static void hash_by(unsigned alg, struct sg_bytes data, uint8_t ret[64])
{
    const EVP_MD *md = alg == ALG_SHA256   ? EVP_sha256()
                       : alg == ALG_SHA384 ? EVP_sha384()
                                           : EVP_sha512();
    sg_assert(EVP_Digest(data.data, data.len, ret, NULL, md, NULL) == 1);
}

struct selection {
    size_t n;
    unsigned alg[BANKS];
    uint32_t pcrs[BANKS];
};

/* TPML_PCR_SELECTION: each bank once, PCRs 0 to 23. */
static bool take_selection(struct sg_reader *r, struct selection *ret)
{
    uint32_t n;
    if (!sg_take_be32(r, &n) || n > BANKS)
        return false;
    for (ret->n = 0; ret->n < n; ret->n++) {
        uint16_t alg;
        uint8_t size, octet;
        uint32_t pcrs = 0;
        if (!sg_take_be16(r, &alg) || !sg_take_u8(r, &size) || size > 4)
            return false;
        for (unsigned i = 0; i < size; i++) {
            if (!sg_take_u8(r, &octet))
                return false;
            pcrs |= (uint32_t)octet << 8 * i;
        }
        for (size_t i = 0; i < ret->n; i++)
            if (ret->alg[i] == alg)
                return false;
        if (!digest_len(alg) || pcrs >> PCRS)
            return false;
        ret->alg[ret->n] = alg;
        ret->pcrs[ret->n] = pcrs;
    }
    return true;
}

/* Of the values of a whole bank, those that are selected. */
static bool selected_values(const struct selection *s, struct sg_bytes values, struct sg_buf *ret)
{
    size_t wanted = 0;
    for (size_t i = 0; i < s->n; i++)
        wanted += digest_len(s->alg[i]) * (size_t)__builtin_popcount(s->pcrs[i]);
    if (!wanted)
        return false;
    if (values.len == wanted)
        return sg_buf_append(ret, values) == 0;
    if (s->n != 1 || values.len != PCRS * digest_len(s->alg[0]))
        return false;
    const size_t len = digest_len(s->alg[0]);
    for (unsigned i = 0; i < PCRS; i++)
        if (s->pcrs[0] >> i & 1)
            sg_assert(sg_buf_append(ret, SG_BYTES(values.data + i * len, len)) == 0);
    return true;
}

static bool take_sized(struct sg_reader *r, size_t max, struct sg_bytes *ret)
{
    uint16_t len;
    return sg_take_be16(r, &len) && len <= max && sg_take(r, len, ret);
}

bool tk_tpm_is_right(struct sg_bytes quote, struct sg_bytes values, unsigned hash)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf over = SG_BUF_INIT(1u << 20);
    struct sg_reader r = sg_reader_over(quote);
    struct sg_bytes name, extra, clock, firmware, digest;
    struct selection s;
    uint32_t magic;
    uint16_t type;
    uint8_t safe, wanted[64];
    if (!sg_take_be32(&r, &magic) || magic != 0xff544347 || !sg_take_be16(&r, &type) ||
        type != 0x8018 || !take_sized(&r, 66, &name) || !take_sized(&r, 64, &extra) ||
        !sg_take(&r, 16, &clock) || !sg_take_u8(&r, &safe) || safe > 1 ||
        !sg_take(&r, 8, &firmware) || !take_selection(&r, &s) || !take_sized(&r, 64, &digest) ||
        r.left || !selected_values(&s, values, &over))
        return false;
    hash_by(hash, sg_buf_bytes(&over), wanted);
    return sg_bytes_equal(digest, SG_BYTES(wanted, digest_len(hash)));
}

/* ---- AWS Nitro ---- */

enum { NITRO_PCRS = 32, NITRO_BUNDLE = 7, NITRO_FREE = 1024 };

static bool nitro_pcrs(struct sg_reader *r)
{
    uint64_t n, number;
    struct sg_bytes value;
    uint32_t seen = 0;
    bool image = false;
    if (sg_cbor_get_map(r, &n) || n < 1 || n > NITRO_PCRS)
        return false;
    while (n--) {
        if (sg_cbor_get_uint(r, &number) || number >= NITRO_PCRS || (seen >> number & 1) ||
            sg_cbor_get_bytes(r, &value) || (value.len != 32 && value.len != 48 && value.len != 64))
            return false;
        seen |= UINT32_C(1) << number;
        for (size_t i = 0; number == 0 && i < value.len; i++)
            image |= value.data[i] != 0;
    }
    return image; /* PCR 0 of zeros: debugged */
}

static bool is_other_root(struct sg_bytes item, const struct tk_nitro_rules *k)
{
    const bool is =
        k->ret_unclear && memmem(item.data, item.len, k->root_key.data, k->root_key.len);
    if (is)
        *k->ret_unclear = true;
    return is;
}

static bool nitro_bundle(struct sg_reader *r, const struct tk_nitro_rules *k)
{
    uint64_t n;
    struct sg_bytes item;
    bool ca = false;
    if (sg_cbor_get_array(r, &n) || n < 1 || n > NITRO_BUNDLE)
        return false;
    while (n--) {
        if (sg_cbor_get_bytes(r, &item))
            return false;
        if (!sg_bytes_equal(item, k->ca) && !sg_bytes_equal(item, k->root) &&
            !sg_bytes_equal(item, k->leaf) && !is_other_root(item, k))
            return false;
        ca |= sg_bytes_equal(item, k->ca);
    }
    return ca;
}

static bool nitro_time(struct sg_reader *r, const struct tk_nitro_rules *k)
{
    uint64_t ms;
    return sg_cbor_get_uint(r, &ms) == 0 && ms / 1000 >= (uint64_t)k->from_s &&
           ms / 1000 <= (uint64_t)k->until_s;
}

static bool nitro_free(struct sg_reader *r)
{
    enum sg_cbor_type type;
    struct sg_bytes value;
    if (sg_cbor_peek(r, &type))
        return false;
    if (type != SG_CBOR_BYTES)
        return sg_cbor_get_null(r) == 0;
    return sg_cbor_get_bytes(r, &value) == 0 && value.len <= NITRO_FREE;
}

static const char *const nitro_names[] = {"certificate", "cabundle",  "digest", "module_id", "pcrs",
                                          "timestamp",   "user_data", "nonce",  "public_key"};
enum { NITRO_NAMES = sizeof nitro_names / sizeof nitro_names[0], NITRO_REQUIRED = 6 };

static bool nitro_member(struct sg_reader *r, size_t which, const struct tk_nitro_rules *k)
{
    struct sg_bytes v;
    switch (which) {
    case 0:
        return sg_cbor_get_bytes(r, &v) == 0 && sg_bytes_equal(v, k->leaf);
    case 1:
        return nitro_bundle(r, k);
    case 2:
        return sg_cbor_get_text(r, &v) == 0 && sg_bytes_equal(v, SG_BYTES_LIT("SHA384"));
    case 3:
        return sg_cbor_get_text(r, &v) == 0 && v.len > 0;
    case 4:
        return nitro_pcrs(r);
    case 5:
        return nitro_time(r, k);
    default:
        return nitro_free(r);
    }
}

static bool nitro_entry(struct sg_reader *r, const struct tk_nitro_rules *k, unsigned *seen)
{
    struct sg_bytes name;
    size_t i = 0;
    if (sg_cbor_get_text(r, &name))
        return false;
    while (i < NITRO_NAMES && !sg_bytes_equal(name, sg_bytes_str(nitro_names[i])))
        i++;
    if (i == NITRO_NAMES || (*seen >> i & 1) || !nitro_member(r, i, k))
        return false;
    *seen |= 1u << i;
    return true;
}

/* A map of a known number of members, or one left open (0xbf) and ended by a break (0xff). */
bool tk_nitro_is_right(struct sg_bytes payload, const struct tk_nitro_rules *rules)
{
    struct sg_reader r = sg_reader_over(payload);
    const unsigned required = (1u << NITRO_REQUIRED) - 1;
    const bool open = payload.len && payload.data[0] == 0xbf;
    uint64_t n = UINT64_MAX;
    uint8_t octet;
    unsigned seen = 0;
    if (open ? !sg_take_u8(&r, &octet) : sg_cbor_get_map(&r, &n))
        return false;
    while (open ? r.left && *r.at != 0xff : n-- > 0)
        if (!nitro_entry(&r, rules, &seen))
            return false;
    if (open && !sg_take_u8(&r, &octet))
        return false;
    return r.left == 0 && (seen & required) == required;
}

/* ---- Arm CCA ---- */

enum { CCA_CLAIMS = 32, CHALLENGE = 10, INSTANCE = 256, LIFECYCLE = 2395 };
enum { REALM_KEY = 44237, REALM_MEASUREMENT = 44238, REALM_KEY_HASH = 44240 };

/* Whole, with no label twice: the item of this one, or none. */
static bool cca_find(struct sg_bytes claims, int64_t label, struct sg_bytes *ret)
{
    struct sg_reader r = sg_reader_over(claims);
    int64_t labels[CCA_CLAIMS];
    struct sg_bytes item;
    uint64_t n;
    *ret = SG_BYTES_NONE;
    if (sg_cbor_get_map(&r, &n) || n > CCA_CLAIMS)
        return false;
    for (uint64_t i = 0; i < n; i++) {
        if (sg_cbor_get_int(&r, &labels[i]) || sg_cbor_skip(&r, &item))
            return false;
        for (uint64_t k = 0; k < i; k++)
            if (labels[k] == labels[i])
                return false;
        if (labels[i] == label)
            *ret = item;
    }
    return r.left == 0 && ret->len;
}

static bool cca_bytes(struct sg_bytes claims, int64_t label, size_t least, size_t most,
                      struct sg_bytes *ret)
{
    struct sg_bytes item;
    if (!cca_find(claims, label, &item))
        return false;
    struct sg_reader r = sg_reader_over(item);
    return sg_cbor_get_bytes(&r, ret) == 0 && ret->len >= least && ret->len <= most;
}

static bool cca_secured(struct sg_bytes platform)
{
    struct sg_bytes item;
    uint64_t v;
    if (!cca_find(platform, LIFECYCLE, &item))
        return false;
    struct sg_reader r = sg_reader_over(item);
    return sg_cbor_get_uint(&r, &v) == 0 && v >= 0x3000 && v <= 0x30ff;
}

static bool cca_bound(struct sg_bytes challenge, struct sg_bytes realm, struct sg_bytes key)
{
    struct sg_bytes item, name;
    uint8_t digest[64];
    if (!cca_find(realm, REALM_KEY_HASH, &item))
        return false;
    struct sg_reader r = sg_reader_over(item);
    if (sg_cbor_get_text(&r, &name))
        return false;
    const bool longer = sg_bytes_equal(name, SG_BYTES_LIT("sha-512"));
    if (!longer && !sg_bytes_equal(name, SG_BYTES_LIT("sha-256")))
        return false;
    hash_by(longer ? ALG_SHA512 : ALG_SHA256, key, digest);
    return sg_bytes_equal(challenge, SG_BYTES(digest, longer ? 64 : 32));
}

bool tk_cca_is_right(struct sg_bytes platform, struct sg_bytes realm, struct sg_bytes key)
{
    struct sg_bytes challenge, nonce, instance, measurement, realm_key;
    return cca_bytes(platform, CHALLENGE, 1, 64, &challenge) &&
           cca_bytes(platform, INSTANCE, 1, 64, &instance) && cca_secured(platform) &&
           cca_bytes(realm, CHALLENGE, 64, 64, &nonce) &&
           cca_bytes(realm, REALM_MEASUREMENT, 1, 64, &measurement) &&
           cca_bytes(realm, REALM_KEY, 1, 97, &realm_key) && sg_bytes_equal(realm_key, key) &&
           cca_bound(challenge, realm, key);
}
