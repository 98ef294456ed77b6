#include "fast-sign.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#define MUST(expr) sg_assert((expr) > 0)

enum { LEN = 48 };

/* The nonce's point: r is its x. */
static BIGNUM *x_of(const EC_GROUP *group, const BIGNUM *k, BN_CTX *ctx)
{
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *x = BN_new();

    sg_assert(point && x);
    MUST(EC_POINT_mul(group, point, k, NULL, NULL, ctx));
    MUST(EC_POINT_get_affine_coordinates(group, point, x, NULL, ctx));
    MUST(BN_nnmod(x, x, EC_GROUP_get0_order(group), ctx));
    EC_POINT_free(point);
    return x;
}

void tk_fast_signer_init(struct tk_fast_signer *s, EVP_PKEY *key)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp384r1);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *d = NULL, *k = BN_new();

    sg_assert(group && ctx && k);
    *s = (struct tk_fast_signer){.order = BN_dup(EC_GROUP_get0_order(group)), .product = BN_new()};
    sg_assert(s->order && s->product);
    MUST(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d));
    MUST(BN_rand_range(k, s->order));
    BIGNUM *r = x_of(group, k, ctx);
    s->inverse = BN_mod_inverse(NULL, k, s->order, ctx);
    sg_assert(s->inverse);
    MUST(BN_mod_mul(s->product, r, d, s->order, ctx));
    MUST(BN_mod_mul(s->product, s->product, s->inverse, s->order, ctx));
    MUST(BN_bn2binpad(r, s->r, LEN));
    BN_free(r);
    BN_free(k);
    BN_clear_free(d);
    BN_CTX_free(ctx);
    EC_GROUP_free(group);
}

void tk_fast_signer_clear(struct tk_fast_signer *s)
{
    BN_free(s->order);
    BN_free(s->inverse);
    BN_free(s->product);
    *s = (struct tk_fast_signer){0};
}

/* s = e / k + r d / k */
void tk_fast_sign(const struct tk_fast_signer *s, struct sg_bytes message, uint8_t ret[2 * LEN])
{
    uint8_t digest[LEN];
    BN_CTX *ctx = BN_CTX_new();

    MUST(EVP_Digest(message.data, message.len, digest, NULL, EVP_sha384(), NULL));
    BIGNUM *e = BN_bin2bn(digest, LEN, NULL);
    sg_assert(ctx && e);
    MUST(BN_mod_mul(e, e, s->inverse, s->order, ctx));
    MUST(BN_mod_add(e, e, s->product, s->order, ctx));
    memcpy(ret, s->r, LEN);
    MUST(BN_bn2binpad(e, ret + LEN, LEN));
    BN_free(e);
    BN_CTX_free(ctx);
}
