/* spki - see spki-int.h. */
#include "spki-int.h"

/* SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING { 04 || ... */
static const uint8_t p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                               0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                               0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
/* SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING { ... */
static const uint8_t ed25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
/* SEQUENCE { rsaEncryption, NULL } */
static const uint8_t rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                              0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static bool begins(struct sg_bytes der, const uint8_t *prefix, size_t n, size_t rest)
{
    return der.len == n + rest && memcmp(der.data, prefix, n) == 0;
}

/* A length in its one DER form, at most two octets of it. */
static bool take_length(struct sg_reader *r, size_t *ret)
{
    uint8_t first, low;
    uint16_t both;

    if (!sg_take_u8(r, &first))
        return false;
    if (first < 0x80) {
        *ret = first;
        return true;
    }
    if (first == 0x81 && sg_take_u8(r, &low) && low >= 0x80) {
        *ret = low;
        return true;
    }
    if (first != 0x82 || !sg_take_be16(r, &both) || both < 0x100)
        return false;
    *ret = both;
    return true;
}

static bool take_value(struct sg_reader *r, uint8_t tag, struct sg_bytes *ret)
{
    uint8_t got;
    size_t len;
    return sg_take_u8(r, &got) && got == tag && take_length(r, &len) && sg_take(r, len, ret);
}

/* A positive, odd INTEGER in its one form; *ret without the zero that keeps it positive. */
static bool take_odd(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_bytes v;

    if (!take_value(r, 0x02, &v) || v.len == 0 || (v.data[v.len - 1] & 1) == 0)
        return false;
    if (v.data[0] & 0x80)
        return false;
    if (v.data[0] == 0) {
        if (v.len == 1 || (v.data[1] & 0x80) == 0)
            return false;
        v = SG_BYTES(v.data + 1, v.len - 1);
    }
    *ret = v;
    return true;
}

static bool take_rsa(struct sg_bytes der, struct sg_spki *ret)
{
    struct sg_reader all = sg_reader_over(der), in;
    struct sg_bytes outer, algorithm, bits, pair;

    if (!take_value(&all, 0x30, &outer) || all.left)
        return false;
    in = sg_reader_over(outer);
    if (!sg_take(&in, sizeof(rsa), &algorithm) || memcmp(algorithm.data, rsa, sizeof(rsa)) ||
        !take_value(&in, 0x03, &bits) || in.left || bits.len == 0 || bits.data[0] != 0)
        return false;
    in = sg_reader_over(SG_BYTES(bits.data + 1, bits.len - 1));
    if (!take_value(&in, 0x30, &pair) || in.left)
        return false;
    in = sg_reader_over(pair);
    return take_odd(&in, &ret->key) && take_odd(&in, &ret->rsa_e) && in.left == 0;
}

void sg_spki_p256(uint8_t ret[SG_SPKI_P256_LEN], const uint8_t xy[64])
{
    _Static_assert(sizeof(p256) + 64 == SG_SPKI_P256_LEN, "prefix and point");
    memcpy(ret, p256, sizeof(p256));
    memcpy(ret + sizeof(p256), xy, 64);
}

struct sg_spki sg_spki_recognise(struct sg_bytes der)
{
    struct sg_spki s = {.kind = SG_SPKI_OTHER};

    if (begins(der, p256, sizeof(p256), 64)) {
        s.kind = SG_SPKI_P256;
        s.key = SG_BYTES(der.data + sizeof(p256), 64);
    } else if (begins(der, ed25519, sizeof(ed25519), 32)) {
        s.kind = SG_SPKI_ED25519;
        s.key = SG_BYTES(der.data + sizeof(ed25519), 32);
    } else if (take_rsa(der, &s)) {
        s.kind = SG_SPKI_RSA;
    }
    return s;
}
