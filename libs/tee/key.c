#include "key-int.h"

#include "der-int.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/crypto/hash.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

struct sg_tee_key {
    enum sg_tee_key_type type;
    uint8_t id[32];
    EVP_PKEY *pkey; /* NULL for OTHER */
};

SG_DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

#define POINT_MAX 96

/* What never changes: parameters of the curves and the digests, fetched once (an implicit fetch
 * costs as much as hashing a report). */
static struct {
    EVP_PKEY *p256, *p384;
    EVP_MD *sha256, *sha384, *sha512;
} shared;

static void make_shared(void)
{
    shared.p256 = EVP_EC_gen("P-256");
    shared.p384 = EVP_EC_gen("P-384");
    shared.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    shared.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
    shared.sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
    sg_assert(shared.p256 && shared.p384 && shared.sha256 && shared.sha384 && shared.sha512);
}

static void need_shared(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    sg_assert(pthread_once(&once, make_shared) == 0);
}

void sg_tee_key_free(struct sg_tee_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

enum sg_tee_key_type sg_tee_key_type(const struct sg_tee_key *k)
{
    return k->type;
}

const uint8_t *sg_tee_key_id(const struct sg_tee_key *k)
{
    return k->id;
}

/* SubjectPublicKeyInfo up to the point's 0x04. */
#define P256_HEAD                                                                                  \
    SG_BYTES_LIT("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"    \
                 "\x3d\x03\x01\x07\x03\x42\x00\x04")
#define P384_HEAD                                                                                  \
    SG_BYTES_LIT("\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00"    \
                 "\x22\x03\x62\x00\x04")

int sg_tee_key_point(struct sg_tee_key **ret, struct sg_bytes xy)
{
    const bool p256 = xy.len == 64;
    uint8_t point[1 + POINT_MAX] = {4};
    need_shared();
    if (!p256 && xy.len != POINT_MAX)
        return SG_TEE_KEY_BAD;
    memcpy(point + 1, xy.data, xy.len);
    SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *k = calloc(1, sizeof *k);
    if (!k || !(k->pkey = EVP_PKEY_new()))
        return sg_raise(-ENOMEM);
    if (EVP_PKEY_copy_parameters(k->pkey, p256 ? shared.p256 : shared.p384) != 1 ||
        EVP_PKEY_set1_encoded_public_key(k->pkey, point, 1 + xy.len) != 1) {
        ERR_clear_error();
        return SG_TEE_KEY_BAD;
    }
    k->type = p256 ? SG_TEE_KEY_P256 : SG_TEE_KEY_P384;
    sg_sha256_parts(k->id, (struct sg_bytes[]){p256 ? P256_HEAD : P384_HEAD, xy}, 2);
    *ret = TAKE_PTR(k);
    return 0;
}

static int make_rsa(struct sg_tee_key **ret, struct sg_bytes spki)
{
    const unsigned char *at = spki.data;
    SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *k = calloc(1, sizeof *k);
    if (!k)
        return sg_raise(-ENOMEM);
    k->pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    ERR_clear_error();
    if (!k->pkey || at != spki.data + spki.len || !EVP_PKEY_is_a(k->pkey, "RSA"))
        return SG_TEE_KEY_BAD;
    k->type = SG_TEE_KEY_RSA;
    sg_sha256(k->id, spki);
    *ret = TAKE_PTR(k);
    return 0;
}

static int make_other(struct sg_tee_key **ret, struct sg_bytes spki)
{
    struct sg_tee_key *k = calloc(1, sizeof *k);
    if (!k)
        return sg_raise(-ENOMEM);
    sg_sha256(k->id, spki);
    *ret = k;
    return 0;
}

static bool sound_rsa(struct sg_bytes n, struct sg_bytes e)
{
    if (n.len < 256 || n.len > 1024 || n.data[0] < 0x80 || !(n.data[n.len - 1] & 1))
        return false;
    return e.len >= 1 && e.len <= 4 && (e.data[e.len - 1] & 1) && !(e.len == 1 && e.data[0] < 3);
}

/* A length of DER: at most three octets here. */
static int put_head(struct sg_buf *b, uint8_t tag, size_t len)
{
    const uint8_t head[4] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};
    const uint8_t small[3] = {tag, len < 0x80 ? (uint8_t)len : 0x81, (uint8_t)len};
    if (len > 0xff)
        return sg_buf_append(b, SG_BYTES_ARRAY(head));
    return sg_buf_append(b, SG_BYTES(small, len < 0x80 ? 2 : 3));
}

static int put_integer(struct sg_buf *b, struct sg_bytes magnitude)
{
    const bool zero = magnitude.data[0] >= 0x80;
    int r = put_head(b, SG_DER_INTEGER, magnitude.len + zero);
    if (r == 0 && zero)
        r = sg_buf_append_u8(b, 0);
    return r < 0 ? r : sg_buf_append(b, magnitude);
}

#define RSA_ALGORITHM SG_BYTES_LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00")

int sg_tee_key_rsa(struct sg_tee_key **ret, struct sg_bytes n, struct sg_bytes e)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pair = SG_BUF_INIT(2048);
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(2048);
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(2048);
    if (!sound_rsa(n, e) || !e.data[0])
        return SG_TEE_KEY_BAD;
    int r = put_integer(&pair, n);
    r = r < 0 ? r : put_integer(&pair, e);
    r = r < 0 ? r : put_head(&key, SG_DER_SEQUENCE, pair.len);
    r = r < 0 ? r : sg_buf_append(&key, sg_buf_bytes(&pair));
    const size_t bits = 1 + key.len, bits_head = bits > 0xff ? 4 : 3;
    r = r < 0 ? r : put_head(&spki, SG_DER_SEQUENCE, RSA_ALGORITHM.len + bits_head + bits);
    r = r < 0 ? r : sg_buf_append(&spki, RSA_ALGORITHM);
    r = r < 0 ? r : put_head(&spki, SG_DER_BIT_STRING, bits);
    r = r < 0 ? r : sg_buf_append_u8(&spki, 0);
    r = r < 0 ? r : sg_buf_append(&spki, sg_buf_bytes(&key));
    return r < 0 ? r : make_rsa(ret, sg_buf_bytes(&spki));
}

static bool rsa_parts(struct sg_bytes key, struct sg_bytes *ret_n, struct sg_bytes *ret_e)
{
    struct sg_reader r = sg_reader_over(key), pair;
    return sg_der_enter(&r, SG_DER_SEQUENCE, &pair) && !r.left && sg_der_magnitude(&pair, ret_n) &&
           sg_der_magnitude(&pair, ret_e) && !pair.left;
}

static bool starts_with(struct sg_bytes b, struct sg_bytes head)
{
    return b.len >= head.len && memcmp(b.data, head.data, head.len) == 0;
}

int sg_tee_key_spki(struct sg_tee_key **ret, struct sg_bytes der)
{
    struct sg_reader r = sg_reader_over(der), spki;
    struct sg_bytes algorithm, whole, bits, n, e;
    unsigned tag;
    if (starts_with(der, P256_HEAD) && der.len == P256_HEAD.len + 64)
        return sg_tee_key_point(ret, SG_BYTES(der.data + P256_HEAD.len, 64));
    if (starts_with(der, P384_HEAD) && der.len == P384_HEAD.len + 96)
        return sg_tee_key_point(ret, SG_BYTES(der.data + P384_HEAD.len, 96));
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &spki) || r.left ||
        !sg_der_any(&spki, &tag, &algorithm, &whole) || tag != SG_DER_SEQUENCE ||
        !sg_der_bits(&spki, &bits) || spki.left)
        return SG_TEE_KEY_BAD;
    if (!sg_bytes_equal(whole, RSA_ALGORITHM))
        return make_other(ret, der);
    if (!rsa_parts(bits, &n, &e))
        return SG_TEE_KEY_BAD;
    return sound_rsa(n, e) ? make_rsa(ret, der) : make_other(ret, der);
}

/* ECDSA-Sig-Value of r || s. */
static size_t der_signature(struct sg_bytes raw, uint8_t ret[2 * (POINT_MAX / 2 + 3) + 3])
{
    const size_t half = raw.len / 2;
    size_t at = 2; /* short form: at most 104 octets of content */
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *v = raw.data + i * half;
        size_t n = half;
        while (n > 1 && !*v)
            v++, n--;
        const size_t zero = *v >= 0x80;
        ret[at++] = SG_DER_INTEGER;
        ret[at++] = (uint8_t)(n + zero);
        ret[at] = 0;
        memcpy(ret + at + zero, v, n);
        at += n + zero;
    }
    ret[0] = SG_DER_SEQUENCE;
    ret[1] = (uint8_t)(at - 2);
    return at;
}

enum form { FORM_RAW, FORM_ECDSA, FORM_PKCS1, FORM_PSS };

struct scheme {
    enum form form;
    unsigned bits;            /* of the digest; 0: no such algorithm */
    enum sg_tee_key_type key; /* FORM_RAW: the curve goes with the digest */
};

static const struct scheme schemes[] = {
    [SG_TEE_ALG_NONE] = {0},
    [SG_TEE_ES256] = {FORM_RAW, 256, SG_TEE_KEY_P256},
    [SG_TEE_ES384] = {FORM_RAW, 384, SG_TEE_KEY_P384},
    [SG_TEE_ECDSA_256] = {FORM_ECDSA, 256, SG_TEE_KEY_OTHER},
    [SG_TEE_ECDSA_384] = {FORM_ECDSA, 384, SG_TEE_KEY_OTHER},
    [SG_TEE_ECDSA_512] = {FORM_ECDSA, 512, SG_TEE_KEY_OTHER},
    [SG_TEE_RS256] = {FORM_PKCS1, 256, SG_TEE_KEY_RSA},
    [SG_TEE_RS384] = {FORM_PKCS1, 384, SG_TEE_KEY_RSA},
    [SG_TEE_RS512] = {FORM_PKCS1, 512, SG_TEE_KEY_RSA},
    [SG_TEE_PS256] = {FORM_PSS, 256, SG_TEE_KEY_RSA},
    [SG_TEE_PS384] = {FORM_PSS, 384, SG_TEE_KEY_RSA},
    [SG_TEE_PS512] = {FORM_PSS, 512, SG_TEE_KEY_RSA},
};

static bool fits(const struct sg_tee_key *k, const struct scheme *s)
{
    if (!k->pkey || !s->bits)
        return false;
    return s->form == FORM_ECDSA ? k->type == SG_TEE_KEY_P256 || k->type == SG_TEE_KEY_P384
                                 : k->type == s->key;
}

static bool prepare(EVP_PKEY_CTX *ctx, const struct scheme *s, const EVP_MD *md)
{
    if (EVP_PKEY_verify_init(ctx) != 1)
        return false;
    if (s->form == FORM_RAW || s->form == FORM_ECDSA)
        return true;
    if (EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return false;
    if (s->form == FORM_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1;
}

static bool digest_verifies(const struct sg_tee_key *k, const struct scheme *s,
                            struct sg_bytes message, struct sg_bytes signature)
{
    const EVP_MD *md = s->bits == 256   ? shared.sha256
                       : s->bits == 384 ? shared.sha384
                                        : shared.sha512;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    SG_CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
    return ctx && EVP_Digest(message.data, message.len, digest, &len, md, NULL) == 1 &&
           prepare(ctx, s, md) &&
           EVP_PKEY_verify(ctx, signature.data, signature.len, digest, len) == 1;
}

bool sg_tee_key_verifies(const struct sg_tee_key *k, enum sg_tee_alg alg, struct sg_bytes message,
                         struct sg_bytes signature)
{
    const struct scheme *s = &schemes[alg];
    uint8_t der[2 * (POINT_MAX / 2 + 3) + 3];
    need_shared();
    if (!fits(k, s))
        return false;
    if (s->form == FORM_RAW) {
        if (signature.len != s->bits / 4)
            return false;
        signature = SG_BYTES(der, der_signature(signature, der));
    }
    const bool ok = digest_verifies(k, s, message, signature);
    ERR_clear_error();
    return ok;
}
