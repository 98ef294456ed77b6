/* sign - signatures and key agreement. */
#include "fetch-int.h"
#include "sign-int.h"

#include <sealgrid/crypto/hash.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdatomic.h>

#define ES256_LEN   64
#define ES256_DER   80 /* longest DER form: 72 */
#define RSA_SIG_MAX 512
#define SALT_LEN    32

static void free_pkey_ctx(EVP_PKEY_CTX **c)
{
    EVP_PKEY_CTX_free(*c);
}

static void free_md_ctx(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

static void free_ecdsa(ECDSA_SIG **s)
{
    ECDSA_SIG_free(*s);
}

/* The library's queue must be empty for TLS, which reads it to tell errors apart. */
static int crypto_failure(const char *what)
{
    ERR_clear_error();
    return sg_raisef(-EIO, "%s", what);
}

static bool suits(enum sg_key_type type, enum sg_sign_alg alg)
{
    switch (alg) {
    case SG_SIGN_ES256:
        return type == SG_KEY_P256;
    case SG_SIGN_EDDSA:
        return type == SG_KEY_ED25519;
    case SG_SIGN_PS256:
    case SG_SIGN_RS256:
        return type == SG_KEY_RSA2048;
    }
    return false;
}

/* A context over a SHA-256 digest, padding set for RSA. */
static EVP_PKEY_CTX *digest_ctx(const struct sg_key *k, enum sg_sign_alg alg, bool sign)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool ok = c && (sign ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_init(c)) == 1;

    if (ok && alg == SG_SIGN_PS256)
        ok = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(c, sg_fetched()->sha256) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(c, SALT_LEN) == 1;
    else if (ok && alg == SG_SIGN_RS256)
        ok = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(c, sg_fetched()->sha256) == 1;
    if (ok)
        return c;
    EVP_PKEY_CTX_free(c);
    return NULL;
}

static int append_raw_ecdsa(const uint8_t *der, size_t der_len, struct sg_buf *ret)
{
    SG_CLEANUP(free_ecdsa) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    uint8_t raw[ES256_LEN];

    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) != 32)
        return crypto_failure("ECDSA signature");
    return sg_buf_append(ret, SG_BYTES_ARRAY(raw));
}

static int sign_digest(const struct sg_key *k, enum sg_sign_alg alg, struct sg_bytes message,
                       struct sg_buf *ret)
{
    SG_CLEANUP(free_pkey_ctx) EVP_PKEY_CTX *c = digest_ctx(k, alg, true);
    uint8_t digest[32], sig[RSA_SIG_MAX];
    size_t len = sizeof(sig);

    sg_sha256(digest, message);
    if (!c || EVP_PKEY_sign(c, sig, &len, digest, sizeof(digest)) != 1)
        return crypto_failure("sign");
    if (alg == SG_SIGN_ES256)
        return append_raw_ecdsa(sig, len, ret);
    return sg_buf_append(ret, SG_BYTES(sig, len));
}

static int sign_eddsa(const struct sg_key *k, struct sg_bytes message, struct sg_buf *ret)
{
    SG_CLEANUP(free_md_ctx) EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint8_t sig[64];
    size_t len = sizeof(sig);

    if (!c || EVP_DigestSignInit_ex(c, NULL, NULL, NULL, NULL, k->pkey, NULL) != 1 ||
        EVP_DigestSign(c, sig, &len, message.data, message.len) != 1)
        return crypto_failure("sign");
    return sg_buf_append(ret, SG_BYTES(sig, len));
}

enum sg_sign_alg sg_sign_alg_of(const struct sg_key *k)
{
    switch (sg_key_type(k)) {
    case SG_KEY_P256:
        return SG_SIGN_ES256;
    case SG_KEY_ED25519:
        return SG_SIGN_EDDSA;
    default:
        return SG_SIGN_PS256;
    }
}

int sg_sign(const struct sg_key *k, enum sg_sign_alg alg, struct sg_bytes message,
            struct sg_buf *ret)
{
    if (!k->private || !suits(k->type, alg))
        return sg_raisef(-EINVAL, "key does not suit the algorithm");
    return alg == SG_SIGN_EDDSA ? sign_eddsa(k, message, ret) : sign_digest(k, alg, message, ret);
}

/* A number of 32 octets as a DER INTEGER: no needless zeros, none that would read as negative. */
static uint8_t *put_integer(uint8_t *at, const uint8_t number[32])
{
    size_t skip = 0;
    while (skip < 31 && number[skip] == 0)
        skip++;
    bool pad = number[skip] >> 7;
    *at++ = 0x02;
    *at++ = (uint8_t)(32 - skip + pad);
    if (pad)
        *at++ = 0;
    memcpy(at, number + skip, 32 - skip);
    return at + 32 - skip;
}

/* r || s to DER. */
static size_t ecdsa_to_der(const uint8_t raw[ES256_LEN], uint8_t ret[ES256_DER])
{
    uint8_t *end = put_integer(put_integer(ret + 2, raw), raw + 32);
    ret[0] = 0x30;
    ret[1] = (uint8_t)(end - ret - 2);
    return (size_t)(end - ret);
}

static bool verifies(EVP_PKEY_CTX *c, struct sg_bytes signature, const uint8_t digest[32])
{
    if (EVP_PKEY_verify(c, signature.data, signature.len, digest, 32) == 1)
        return true;
    ERR_clear_error();
    return false;
}

static int verify_digest(const struct sg_key *k, enum sg_sign_alg alg, struct sg_bytes message,
                         struct sg_bytes signature)
{
    uint8_t digest[32], der[ES256_DER];
    _Atomic(EVP_PKEY_CTX *) *spare = &k->spares->verify[alg == SG_SIGN_RS256];

    if (alg == SG_SIGN_ES256) {
        if (signature.len != ES256_LEN)
            return SG_VERIFY_BAD;
        signature = SG_BYTES(der, ecdsa_to_der(signature.data, der));
    }
    SG_CLEANUP(free_pkey_ctx) EVP_PKEY_CTX *c = atomic_exchange(spare, NULL);
    if (!c && !(c = digest_ctx(k, alg, false)))
        return crypto_failure("verify");
    sg_sha256(digest, message);
    bool good = verifies(c, signature, digest);
    c = atomic_exchange(spare, c); /* another thread's, if it was back first */
    return good ? 0 : SG_VERIFY_BAD;
}

static int verify_eddsa(const struct sg_key *k, struct sg_bytes message, struct sg_bytes signature)
{
    SG_CLEANUP(free_md_ctx) EVP_MD_CTX *c = EVP_MD_CTX_new();

    if (!c || EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, k->pkey, NULL) != 1)
        return crypto_failure("verify");
    if (EVP_DigestVerify(c, signature.data, signature.len, message.data, message.len) == 1)
        return 0;
    ERR_clear_error();
    return SG_VERIFY_BAD;
}

int sg_verify(const struct sg_key *k, enum sg_sign_alg alg, struct sg_bytes message,
              struct sg_bytes signature)
{
    if (!suits(k->type, alg))
        return SG_VERIFY_UNSUITED;
    if (alg == SG_SIGN_EDDSA)
        return verify_eddsa(k, message, signature);
    return verify_digest(k, alg, message, signature);
}

int sg_ecdh_p256(const struct sg_key *priv, const struct sg_key *pub, uint8_t ret[32])
{
    uint8_t x[32];
    size_t len = sizeof(x);

    if (!priv->private || priv->type != SG_KEY_P256 || pub->type != SG_KEY_P256)
        return sg_raise(-EINVAL);
    SG_CLEANUP(free_pkey_ctx) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, priv->pkey, NULL);
    /* Without OpenSSL's check of the peer, a second multiplication: a key is loaded only if its
     * point is on the curve, and P-256 has no other subgroup. */
    if (!c || EVP_PKEY_derive_init(c) != 1 || EVP_PKEY_derive_set_peer_ex(c, pub->pkey, 0) != 1 ||
        EVP_PKEY_derive(c, x, &len) != 1 || len != sizeof(x))
        return crypto_failure("ECDH");
    memcpy(ret, x, sizeof(x));
    sg_wipe(x, sizeof(x));
    return 0;
}
