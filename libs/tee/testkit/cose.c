#include "cose.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <string.h>

#define MUST(expr) sg_assert((expr) == 0)

/* The header and what is signed, RFC 9052 section 4.4. */
static void prepare(int algorithm, struct sg_bytes payload, struct sg_buf *header,
                    struct sg_buf *tbs)
{
    MUST(sg_cbor_put_map(header, 1));
    MUST(sg_cbor_put_int(header, 1));
    MUST(sg_cbor_put_int(header, algorithm));
    MUST(sg_cbor_put_array(tbs, 4));
    MUST(sg_cbor_put_text(tbs, "Signature1"));
    MUST(sg_cbor_put_bytes(tbs, sg_buf_bytes(header)));
    MUST(sg_cbor_put_bytes(tbs, SG_BYTES_NONE));
    MUST(sg_cbor_put_bytes(tbs, payload));
}

static void put_document(bool tagged, const struct sg_buf *header, struct sg_bytes payload,
                         struct sg_bytes sig, struct sg_buf *ret)
{
    if (tagged)
        MUST(sg_cbor_put_tag(ret, 18));
    MUST(sg_cbor_put_array(ret, 4));
    MUST(sg_cbor_put_bytes(ret, sg_buf_bytes(header)));
    MUST(sg_cbor_put_map(ret, 0));
    MUST(sg_cbor_put_bytes(ret, payload));
    MUST(sg_cbor_put_bytes(ret, sig));
}

void tk_cose_sign1(EVP_PKEY *key, int algorithm, bool tagged, struct sg_bytes payload,
                   struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf header = SG_BUF_INIT(64), tbs = SG_BUF_INIT(1u << 20);
    uint8_t sig[512];

    prepare(algorithm, payload, &header, &tbs);
    const size_t n =
        tk_sign(key, TK_RAW, algorithm == -7 ? "SHA256" : "SHA384", sg_buf_bytes(&tbs), sig);
    put_document(tagged, &header, payload, SG_BYTES(sig, n), ret);
}

void tk_cose_sign1_fast(const struct tk_fast_signer *s, bool tagged, struct sg_bytes payload,
                        struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf header = SG_BUF_INIT(64), tbs = SG_BUF_INIT(1u << 20);
    uint8_t sig[96];

    prepare(-35, payload, &header, &tbs);
    tk_fast_sign(s, sg_buf_bytes(&tbs), sig);
    put_document(tagged, &header, payload, SG_BYTES_ARRAY(sig), ret);
}

static void put_filled(struct sg_buf *b, int octet, size_t len)
{
    uint8_t room[64];
    memset(room, octet, sizeof room);
    MUST(sg_cbor_put_bytes(b, SG_BYTES(room, len)));
}

static void put_cert(struct sg_buf *b, const X509 *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    tk_cert_der(c, &der);
    MUST(sg_cbor_put_bytes(b, sg_buf_bytes(&der)));
}

void tk_nitro_document(EVP_PKEY *leaf_key, const X509 *leaf, const X509 *ca, const X509 *root,
                       int64_t at_s, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    MUST(sg_cbor_put_map(&b, 7));
    MUST(sg_cbor_put_text(&b, "module_id"));
    MUST(sg_cbor_put_text(&b, "i-0123-enc0123"));
    MUST(sg_cbor_put_text(&b, "digest"));
    MUST(sg_cbor_put_text(&b, "SHA384"));
    MUST(sg_cbor_put_text(&b, "timestamp"));
    MUST(sg_cbor_put_uint(&b, (uint64_t)at_s * 1000));
    MUST(sg_cbor_put_text(&b, "pcrs"));
    MUST(sg_cbor_put_map(&b, 16));
    for (unsigned i = 0; i < 16; i++) {
        MUST(sg_cbor_put_uint(&b, i));
        put_filled(&b, i < 3 ? 0x5a : 0, 48);
    }
    MUST(sg_cbor_put_text(&b, "certificate"));
    put_cert(&b, leaf);
    MUST(sg_cbor_put_text(&b, "cabundle"));
    MUST(sg_cbor_put_array(&b, 2));
    put_cert(&b, root);
    put_cert(&b, ca);
    MUST(sg_cbor_put_text(&b, "user_data"));
    put_filled(&b, 0x77, 64);
    tk_cose_sign1(leaf_key, -35, false, sg_buf_bytes(&b), ret);
}

/* ES256 or ES384: as the key is. */
static int algorithm_of(EVP_PKEY *key)
{
    return EVP_PKEY_get_bits(key) == 256 ? -7 : -35;
}

static void put_realm(EVP_PKEY *key, struct sg_bytes point, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096), token = SG_BUF_INIT(8192);
    MUST(sg_cbor_put_map(&b, 4));
    MUST(sg_cbor_put_uint(&b, 10)); /* challenge */
    put_filled(&b, 0x77, 64);
    MUST(sg_cbor_put_uint(&b, 44237)); /* key */
    MUST(sg_cbor_put_bytes(&b, point));
    MUST(sg_cbor_put_uint(&b, 44238)); /* measurement */
    put_filled(&b, 0x33, 32);
    MUST(sg_cbor_put_uint(&b, 44240)); /* hash of the key */
    MUST(sg_cbor_put_text(&b, "sha-256"));
    tk_cose_sign1(key, algorithm_of(key), true, sg_buf_bytes(&b), &token);
    MUST(sg_cbor_put_uint(ret, 44241));
    MUST(sg_cbor_put_bytes(ret, sg_buf_bytes(&token)));
}

static void put_platform(EVP_PKEY *key, struct sg_bytes point, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096), token = SG_BUF_INIT(8192);
    uint8_t digest[32];
    sg_sha256(digest, point);
    MUST(sg_cbor_put_map(&b, 3));
    MUST(sg_cbor_put_uint(&b, 10)); /* challenge: the realm's key */
    MUST(sg_cbor_put_bytes(&b, SG_BYTES_ARRAY(digest)));
    MUST(sg_cbor_put_uint(&b, 256)); /* instance */
    put_filled(&b, 1, 33);
    MUST(sg_cbor_put_uint(&b, 2395)); /* lifecycle: secured */
    MUST(sg_cbor_put_uint(&b, 0x3003));
    tk_cose_sign1(key, algorithm_of(key), true, sg_buf_bytes(&b), &token);
    MUST(sg_cbor_put_uint(ret, 44234));
    MUST(sg_cbor_put_bytes(ret, sg_buf_bytes(&token)));
}

void tk_cca_token(EVP_PKEY *platform_key, EVP_PKEY *realm_key, struct sg_buf *ret)
{
    uint8_t point[97] = {4};
    const size_t len = 1 + tk_key_point(realm_key, point + 1);
    MUST(sg_cbor_put_tag(ret, 399));
    MUST(sg_cbor_put_map(ret, 2));
    put_platform(platform_key, SG_BYTES(point, len), ret);
    put_realm(realm_key, SG_BYTES(point, len), ret);
}
