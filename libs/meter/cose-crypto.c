#include "cose-crypto.h"

#include <limits.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <sealgrid/base/cleanup.h>

/* ---- signatures ---------------------------------------------------------------------------- */

enum scheme { ECDSA, EDDSA, RSA_PSS, RSA_V15 };

static const struct signature_alg {
    int64_t alg;
    enum scheme scheme;
    const char *digest;
} signature_algs[] = {
    {-7, ECDSA, "SHA256"},    {-35, ECDSA, "SHA384"},    {-36, ECDSA, "SHA512"},
    {-8, EDDSA, NULL},        {-37, RSA_PSS, "SHA256"},  {-38, RSA_PSS, "SHA384"},
    {-39, RSA_PSS, "SHA512"}, {-257, RSA_V15, "SHA256"},
};

static const struct signature_alg *find_signature(int64_t alg)
{
    for (size_t i = 0; i < sizeof(signature_algs) / sizeof(signature_algs[0]); i++)
        if (signature_algs[i].alg == alg)
            return &signature_algs[i];
    return NULL;
}

static void free_pkey(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

#define COORDINATE_MAX 66

static const char *curve_of(size_t coordinate_len)
{
    switch (coordinate_len) {
    case 32:
        return "P-256";
    case 48:
        return "P-384";
    case 66:
        return "P-521";
    default:
        return NULL;
    }
}

static EVP_PKEY *ec_key(const struct sg_cose_key *k)
{
    uint8_t point[1 + 2 * COORDINATE_MAX] = {0x04};
    const size_t n = k->ec_x.len;
    const char *curve = curve_of(n);
    if (!curve || k->ec_y.len != n)
        return NULL;
    memcpy(point + 1, k->ec_x.data, n);
    memcpy(point + 1 + n, k->ec_y.data, n);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n))
        key = from_params("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    return key;
}

static EVP_PKEY *rsa_key(const struct sg_cose_key *k)
{
    BIGNUM *n = BN_bin2bn(k->rsa_n.data, (int)k->rsa_n.len, NULL);
    BIGNUM *e = BN_bin2bn(k->rsa_e.data, (int)k->rsa_e.len, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (n && e && bld && BN_num_bits(n) >= 2048 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
        key = from_params("RSA", bld);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *public_key(enum scheme scheme, const struct sg_cose_key *k)
{
    switch (scheme) {
    case ECDSA:
        return k->ec_x.len ? ec_key(k) : NULL;
    case EDDSA:
        return k->okp_x.len == 32
                   ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->okp_x.data, 32)
                   : NULL;
    default:
        return k->rsa_n.len && k->rsa_n.len <= 1024 && k->rsa_e.len <= 8 ? rsa_key(k) : NULL;
    }
}

/* COSE's r || s as the DER that the library wants; -1: wrong length. */
static int ecdsa_der(struct sg_bytes raw, size_t coordinate_len, uint8_t **ret)
{
    if (raw.len != 2 * coordinate_len)
        return -1;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.data, (int)coordinate_len, NULL);
    BIGNUM *s = BN_bin2bn(raw.data + coordinate_len, (int)coordinate_len, NULL);
    int len = -1;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(sig, ret);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len;
}

static bool set_padding(const struct signature_alg *a, EVP_PKEY_CTX *ctx)
{
    if (a->scheme != RSA_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool verify(const struct signature_alg *a, EVP_PKEY *key, struct sg_bytes message,
                   struct sg_bytes signature)
{
    EVP_PKEY_CTX *pctx = NULL; /* the digest context's */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit_ex(ctx, &pctx, a->digest, NULL, NULL, key, NULL) > 0 &&
              set_padding(a, pctx) &&
              EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

int sg_cose_crypto_verify(int64_t alg, const struct sg_cose_key *k, struct sg_bytes message,
                          struct sg_bytes signature)
{
    const struct signature_alg *a = find_signature(alg);
    SG_CLEANUP(free_pkey) EVP_PKEY *key = a ? public_key(a->scheme, k) : NULL;
    uint8_t *der = NULL;
    if (!key)
        return SG_COSE_UNSUPPORTED;
    if (a->scheme == ECDSA) {
        const int len = ecdsa_der(signature, k->ec_x.len, &der);
        if (len <= 0)
            return SG_COSE_FORGED;
        signature = SG_BYTES(der, (size_t)len);
    }
    const bool ok = verify(a, key, message, signature);
    OPENSSL_free(der);
    return ok ? 0 : SG_COSE_FORGED;
}

/* ---- authenticated encryption --------------------------------------------------------------- */

static const struct aead {
    int64_t alg;
    const char *name;
    size_t key_len, nonce_len, tag_len;
    bool ccm;
} aeads[] = {
    {1, "AES-128-GCM", 16, 12, 16, false}, {2, "AES-192-GCM", 24, 12, 16, false},
    {3, "AES-256-GCM", 32, 12, 16, false}, {10, "AES-128-CCM", 16, 13, 8, true},
    {11, "AES-256-CCM", 32, 13, 8, true},  {24, "ChaCha20-Poly1305", 32, 12, 16, false},
    {30, "AES-128-CCM", 16, 13, 16, true}, {31, "AES-256-CCM", 32, 13, 16, true},
};

static const struct aead *find_aead(int64_t alg)
{
    for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++)
        if (aeads[i].alg == alg)
            return &aeads[i];
    return NULL;
}

size_t sg_cose_crypto_nonce_len(int64_t alg)
{
    const struct aead *a = find_aead(alg);
    return a ? a->nonce_len : 0;
}

static void free_cipher_ctx(EVP_CIPHER_CTX **p)
{
    EVP_CIPHER_CTX_free(*p);
}

/* Cipher, nonce length, tag (opening: the received one), key and nonce; CCM wants to know the
 * length of the text before the associated data. */
static bool begin(EVP_CIPHER_CTX *ctx, const struct aead *a, const uint8_t *key,
                  const uint8_t *nonce, uint8_t *tag, size_t text_len, bool seal)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, a->name, NULL);
    int n;
    bool ok = cipher && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, seal, NULL) > 0 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->nonce_len, NULL) > 0 &&
              ((seal && !a->ccm) ||
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)a->tag_len, tag) > 0) &&
              EVP_CipherInit_ex2(ctx, NULL, key, nonce, seal, NULL) > 0 &&
              (!a->ccm || EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)text_len) > 0);
    EVP_CIPHER_free(cipher);
    return ok;
}

static bool lengths_ok(const struct aead *a, struct sg_bytes key, struct sg_bytes text)
{
    return key.len == a->key_len && text.len <= INT_MAX / 2 && (!a->ccm || text.len <= 65535);
}

int sg_cose_crypto_open(int64_t alg, struct sg_bytes key, const uint8_t *nonce, struct sg_bytes aad,
                        struct sg_bytes sealed, struct sg_buf *ret)
{
    const struct aead *a = find_aead(alg);
    if (!a || !lengths_ok(a, key, sealed))
        return SG_COSE_UNSUPPORTED;
    if (sealed.len < a->tag_len)
        return SG_COSE_FORGED;
    SG_CLEANUP(free_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const size_t len = sealed.len - a->tag_len, start = ret->len;
    uint8_t tag[16], last[16], *out;
    int n, m = 0;
    int r = sg_buf_extend(ret, len, &out);
    if (r)
        return r;
    memcpy(tag, sealed.data + len, a->tag_len);
    bool ok = ctx && begin(ctx, a, key.data, nonce, tag, len, false) &&
              EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) > 0 &&
              EVP_CipherUpdate(ctx, out, &n, sealed.data, (int)len) > 0 &&
              (a->ccm || EVP_CipherFinal_ex(ctx, last, &m) > 0);
    if (ok)
        return 0;
    OPENSSL_cleanse(out, len);
    ret->len = start;
    return SG_COSE_FORGED;
}

int sg_cose_crypto_seal(int64_t alg, struct sg_bytes key, const uint8_t *nonce, struct sg_bytes aad,
                        struct sg_bytes plain, struct sg_buf *ret)
{
    const struct aead *a = find_aead(alg);
    if (!a || !lengths_ok(a, key, plain))
        return SG_COSE_UNSUPPORTED;
    SG_CLEANUP(free_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const size_t start = ret->len;
    uint8_t last[16], *out;
    int n, m;
    int r = sg_buf_extend(ret, plain.len + a->tag_len, &out);
    if (r)
        return r;
    bool ok = ctx && begin(ctx, a, key.data, nonce, NULL, plain.len, true) &&
              EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) > 0 &&
              EVP_CipherUpdate(ctx, out, &n, plain.data, (int)plain.len) > 0 &&
              EVP_CipherFinal_ex(ctx, last, &m) > 0 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)a->tag_len, out + plain.len) > 0;
    if (ok)
        return 0;
    ret->len = start;
    return sg_raise(-EIO);
}

/* ---- MAC ----------------------------------------------------------------------------------- */

static const struct mac {
    int64_t alg;
    const char *digest;
    size_t key_len, tag_len;
} macs[] = {
    {4, "SHA256", 32, 8},
    {5, "SHA256", 32, 32},
    {6, "SHA384", 48, 48},
    {7, "SHA512", 64, 64},
};

int sg_cose_crypto_mac(int64_t alg, struct sg_bytes key, struct sg_bytes message,
                       struct sg_bytes tag)
{
    uint8_t full[EVP_MAX_MD_SIZE];
    size_t len;
    for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
        if (macs[i].alg != alg || key.len != macs[i].key_len)
            continue;
        if (!EVP_Q_mac(NULL, "HMAC", NULL, macs[i].digest, NULL, key.data, key.len, message.data,
                       message.len, full, sizeof(full), &len))
            return sg_raise(-EIO);
        return tag.len == macs[i].tag_len && CRYPTO_memcmp(full, tag.data, tag.len) == 0
                   ? 0
                   : SG_COSE_FORGED;
    }
    return SG_COSE_UNSUPPORTED;
}
