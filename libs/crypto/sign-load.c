/* sign-load - keys are made, read, written. */
#include "sign-int.h"
#include "spki-int.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

#define POINT_LEN 65 /* 04 || x || y */
#define RSA_N_MAX 512
#define RSA_E_MAX 8

SG_DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
SG_DEFINE_FREEP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
SG_DEFINE_FREEP(OSSL_PARAM, OSSL_PARAM_free)
SG_DEFINE_FREEP(OSSL_DECODER_CTX, OSSL_DECODER_CTX_free)
SG_DEFINE_FREEP(EC_POINT, EC_POINT_free)
SG_DEFINE_FREEP(BIGNUM, BN_clear_free)

static int crypto_failure(int negative_errno, const char *what)
{
    ERR_clear_error();
    return sg_raisef(negative_errno, "%s", what);
}

/* The curve, and a key of it whose parameters others are made from: made once, then only read. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_exit;
static EC_GROUP *p256;
static EVP_PKEY *p256_pattern;

static void free_generator(void *p)
{
    EVP_PKEY_CTX_free(p);
}

static void make_p256(void)
{
    p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    p256_pattern = EVP_EC_gen("P-256");
    sg_assert(p256 && p256_pattern && pthread_key_create(&at_thread_exit, free_generator) == 0);
}

/* The point at infinity has an encoding, one octet, and OpenSSL's decoders take it: anybody can
 * sign under such a key, since it adds nothing to what a verifier computes. */
static bool is_finite(EVP_PKEY *pkey)
{
    uint8_t point[POINT_LEN];
    size_t len = 0;
    return EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                           &len) == 1 &&
           len > 1;
}

static bool is_p256(EVP_PKEY *pkey)
{
    char group[32] = "";
    return EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
           (!strcmp(group, "prime256v1") || !strcmp(group, "P-256")) && is_finite(pkey);
}

static bool type_of(EVP_PKEY *pkey, enum sg_key_type *ret)
{
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_EC:
        *ret = SG_KEY_P256;
        return is_p256(pkey);
    case EVP_PKEY_RSA:
        *ret = SG_KEY_RSA2048;
        return EVP_PKEY_get_bits(pkey) >= 2048 && EVP_PKEY_get_bits(pkey) <= 4096;
    case EVP_PKEY_ED25519:
        *ret = SG_KEY_ED25519;
        return true;
    default:
        return false;
    }
}

int sg_key_wrap(struct sg_key **ret, EVP_PKEY *pkey, bool private)
{
    struct sg_key *k = calloc(1, sizeof(*k));
    struct sg_key_spares *spares = calloc(1, sizeof(*spares));

    if (!k || !spares) {
        free(k);
        free(spares);
        EVP_PKEY_free(pkey);
        return sg_raise(-ENOMEM);
    }
    *k = (struct sg_key){.pkey = pkey, .spares = spares, .private = private};
    if (!type_of(pkey, &k->type)) {
        sg_key_free(k);
        return crypto_failure(-EBADMSG, "unsupported kind of key");
    }
    *ret = k;
    return 0;
}

void sg_key_free(struct sg_key *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < sizeof(k->spares->verify) / sizeof(k->spares->verify[0]); i++)
        EVP_PKEY_CTX_free(k->spares->verify[i]);
    free(k->spares);
    EVP_PKEY_free(k->pkey);
    free(k);
}

enum sg_key_type sg_key_type(const struct sg_key *k)
{
    return k->type;
}

bool sg_key_is_private(const struct sg_key *k)
{
    return k->private;
}

void *sg_key_evp(const struct sg_key *k)
{
    return k->pkey;
}

/* Setting up a context costs as much as the key: each thread keeps one. */
static EVP_PKEY *generate_p256(void)
{
    EVP_PKEY *pkey = NULL;

    pthread_once(&once, make_p256);
    EVP_PKEY_CTX *c = pthread_getspecific(at_thread_exit);
    if (!c) {
        c = EVP_PKEY_CTX_new_from_pkey(NULL, p256_pattern, NULL);
        if (!c || EVP_PKEY_keygen_init(c) != 1 || pthread_setspecific(at_thread_exit, c)) {
            EVP_PKEY_CTX_free(c);
            return NULL;
        }
    }
    return EVP_PKEY_generate(c, &pkey) == 1 ? pkey : NULL;
}

int sg_key_generate(struct sg_key **ret, enum sg_key_type type)
{
    EVP_PKEY *pkey = NULL;

    switch (type) {
    case SG_KEY_P256:
        pkey = generate_p256();
        break;
    case SG_KEY_RSA2048:
        pkey = EVP_RSA_gen(2048);
        break;
    case SG_KEY_ED25519:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    }
    return pkey ? sg_key_wrap(ret, pkey, true) : crypto_failure(-EIO, "key generation");
}

/* selection: EVP_PKEY_KEYPAIR or EVP_PKEY_PUBLIC_KEY.  All of a DER text must be used. */
static int decode(struct sg_key **ret, struct sg_bytes text, int selection)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *at = text.data;
    size_t left = text.len;
    SG_CLEANUP(OSSL_DECODER_CTX_freep)
    OSSL_DECODER_CTX *c =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, NULL, NULL, selection, NULL, NULL);

    if (!c)
        return crypto_failure(-ENOMEM, "decoder");
    if (OSSL_DECODER_from_data(c, &at, &left) != 1 || !pkey ||
        (left && text.len && text.data[0] == 0x30)) {
        EVP_PKEY_free(pkey);
        return crypto_failure(-EBADMSG, "not a key");
    }
    return sg_key_wrap(ret, pkey, selection == EVP_PKEY_KEYPAIR);
}

int sg_key_load_private(struct sg_key **ret, struct sg_bytes pem_or_der)
{
    return decode(ret, pem_or_der, EVP_PKEY_KEYPAIR);
}

int sg_key_load_public(struct sg_key **ret, struct sg_bytes pem_or_der)
{
    const struct sg_spki s = sg_spki_recognise(pem_or_der);

    switch (s.kind) {
    case SG_SPKI_P256:
        return sg_key_p256_public(ret, s.key);
    case SG_SPKI_ED25519:
        return sg_key_ed25519_public(ret, s.key);
    case SG_SPKI_RSA:
        if (s.key.len <= RSA_N_MAX && s.rsa_e.len <= RSA_E_MAX)
            return sg_key_rsa_public(ret, s.key, s.rsa_e);
        break;
    case SG_SPKI_OTHER:
        break;
    }
    return decode(ret, pem_or_der, EVP_PKEY_PUBLIC_KEY);
}

static int from_params(struct sg_key **ret, const char *algorithm, int selection,
                       OSSL_PARAM_BLD *builder)
{
    SG_CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    SG_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    EVP_PKEY *pkey = NULL;

    if (!params || !c || EVP_PKEY_fromdata_init(c) != 1)
        return crypto_failure(-ENOMEM, "key parameters");
    if (EVP_PKEY_fromdata(c, &pkey, selection, params) != 1)
        return crypto_failure(-EBADMSG, "not a key");
    return sg_key_wrap(ret, pkey, selection == EVP_PKEY_KEYPAIR);
}

static int p256_keypair(struct sg_key **ret, const uint8_t point[POINT_LEN], const BIGNUM *scalar)
{
    SG_CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();

    if (!b || !OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
        !OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_LEN) ||
        !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, scalar))
        return crypto_failure(-ENOMEM, "key parameters");
    return from_params(ret, "EC", EVP_PKEY_KEYPAIR, b);
}

/* The curve comes by copying instead of by name, which would build it anew (20 us); the point is
 * refused if it is not on it. */
static int p256_public(struct sg_key **ret, const uint8_t point[POINT_LEN])
{
    EVP_PKEY *pkey = EVP_PKEY_new();

    pthread_once(&once, make_p256);
    if (!pkey || EVP_PKEY_copy_parameters(pkey, p256_pattern) != 1) {
        EVP_PKEY_free(pkey);
        return crypto_failure(-ENOMEM, "curve");
    }
    if (EVP_PKEY_set1_encoded_public_key(pkey, point, POINT_LEN) != 1) {
        EVP_PKEY_free(pkey);
        return crypto_failure(-EBADMSG, "not a point of P-256");
    }
    return sg_key_wrap(ret, pkey, false);
}

int sg_key_p256_public(struct sg_key **ret, struct sg_bytes xy)
{
    uint8_t octets[POINT_LEN] = {POINT_CONVERSION_UNCOMPRESSED};

    if (xy.len != 64)
        return sg_raise(-EBADMSG);
    memcpy(octets + 1, xy.data, 64);
    return p256_public(ret, octets);
}

int sg_key_p256_public_x(struct sg_key **ret, struct sg_bytes x, bool odd_y)
{
    uint8_t octets[33] = {odd_y ? 0x03 : 0x02}, uncompressed[POINT_LEN];

    if (x.len != 32)
        return sg_raise(-EBADMSG);
    memcpy(octets + 1, x.data, 32);
    pthread_once(&once, make_p256);
    SG_CLEANUP(EC_POINT_freep) EC_POINT *point = EC_POINT_new(p256);
    if (!point)
        return crypto_failure(-ENOMEM, "curve");
    if (EC_POINT_oct2point(p256, point, octets, sizeof(octets), NULL) != 1 ||
        EC_POINT_point2oct(p256, point, POINT_CONVERSION_UNCOMPRESSED, uncompressed, POINT_LEN,
                           NULL) != POINT_LEN)
        return crypto_failure(-EBADMSG, "not a point of P-256");
    return p256_public(ret, uncompressed);
}

int sg_key_p256_private(struct sg_key **ret, struct sg_bytes scalar)
{
    pthread_once(&once, make_p256);
    SG_CLEANUP(EC_POINT_freep) EC_POINT *point = EC_POINT_new(p256);
    SG_CLEANUP(BN_clear_freep) BIGNUM *d = BN_secure_new();
    uint8_t octets[POINT_LEN];

    if (!point || !d)
        return crypto_failure(-ENOMEM, "curve");
    if (scalar.len != 32 || !BN_bin2bn(scalar.data, 32, d) || BN_is_zero(d) ||
        BN_cmp(d, EC_GROUP_get0_order(p256)) >= 0)
        return crypto_failure(-EBADMSG, "not a scalar of P-256");
    BN_set_flags(d, BN_FLG_CONSTTIME);
    if (EC_POINT_mul(p256, point, d, NULL, NULL, NULL) != 1 ||
        EC_POINT_point2oct(p256, point, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof(octets),
                           NULL) != sizeof(octets))
        return crypto_failure(-EIO, "public point");
    return p256_keypair(ret, octets, d);
}

int sg_key_p256_xy(const struct sg_key *k, uint8_t ret_xy[64])
{
    uint8_t point[POINT_LEN];
    size_t len = 0;

    if (k->type != SG_KEY_P256)
        return sg_raise(-EINVAL);
    if (EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                        sizeof(point), &len) != 1 ||
        len != sizeof(point) || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return crypto_failure(-EIO, "public point");
    memcpy(ret_xy, point + 1, 64);
    return 0;
}

int sg_key_rsa_public(struct sg_key **ret, struct sg_bytes n, struct sg_bytes e)
{
    SG_CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    SG_CLEANUP(BN_clear_freep) BIGNUM *bn_n = NULL;
    SG_CLEANUP(BN_clear_freep) BIGNUM *bn_e = NULL;

    if (n.len > RSA_N_MAX || e.len > RSA_E_MAX)
        return sg_raise(-EBADMSG);
    bn_n = BN_bin2bn(n.data, (int)n.len, NULL);
    bn_e = BN_bin2bn(e.data, (int)e.len, NULL);
    if (!b || !bn_n || !bn_e || !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn_n) ||
        !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, bn_e))
        return crypto_failure(-ENOMEM, "key parameters");
    return from_params(ret, "RSA", EVP_PKEY_PUBLIC_KEY, b);
}

int sg_key_ed25519_public(struct sg_key **ret, struct sg_bytes x)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x.data, x.len);
    return pkey ? sg_key_wrap(ret, pkey, false) : crypto_failure(-EBADMSG, "not an Ed25519 key");
}

/* OpenSSL's encoder takes a third of a signature's time to write 91 octets. */
static int p256_public_der(const struct sg_key *k, struct sg_buf *ret)
{
    uint8_t xy[64], der[SG_SPKI_P256_LEN];
    int r = sg_key_p256_xy(k, xy);

    if (r < 0)
        return r;
    sg_spki_p256(der, xy);
    return sg_buf_append(ret, SG_BYTES_ARRAY(der));
}

int sg_key_public_der(const struct sg_key *k, struct sg_buf *ret)
{
    if (k->type == SG_KEY_P256)
        return p256_public_der(k, ret);
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(k->pkey, &der);
    int r;

    if (len <= 0)
        return crypto_failure(-EIO, "public key");
    r = sg_buf_append(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_free(der);
    return r;
}

int sg_key_private_der(const struct sg_key *k, struct sg_buf *ret)
{
    PKCS8_PRIV_KEY_INFO *info;
    unsigned char *der = NULL;
    int len, r;

    sg_assert(ret->secret);
    if (!k->private)
        return sg_raise(-EINVAL);
    info = EVP_PKEY2PKCS8(k->pkey);
    len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0)
        return crypto_failure(-EIO, "private key");
    r = sg_buf_append(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_clear_free(der, (size_t)len);
    return r;
}
