/* RFC 6979 section 3.2: k from HMAC-SHA-256 of the private key and the message hash. */
#include "rfc6979.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sealgrid/crypto/hash.h>

struct drbg {
    uint8_t k[32], v[32];
};

static void update(struct drbg *d, uint8_t tag, struct sg_bytes x, struct sg_bytes h)
{
    struct sg_bytes parts[] = {SG_BYTES_ARRAY(d->v), SG_BYTES(&tag, 1), x, h};
    uint8_t k[32];
    sg_hmac_sha256(k, SG_BYTES_ARRAY(d->k), parts, 4);
    memcpy(d->k, k, 32);
    uint8_t v[32];
    sg_hmac_sha256(v, SG_BYTES_ARRAY(d->k), &(struct sg_bytes){d->v, 32}, 1);
    memcpy(d->v, v, 32);
}

static void next_v(struct drbg *d)
{
    uint8_t v[32];
    sg_hmac_sha256(v, SG_BYTES_ARRAY(d->k), &(struct sg_bytes){d->v, 32}, 1);
    memcpy(d->v, v, 32);
}

struct numbers {
    BN_CTX *ctx;
    EC_GROUP *group;
    EC_POINT *point;
    BIGNUM *order, *d, *e, *k, *r, *s;
};

/* s = (e + r d) / k mod order, r = x(kG) mod order; false if k is unusable. */
static bool try_k(struct numbers *n)
{
    if (BN_is_zero(n->k) || BN_cmp(n->k, n->order) >= 0)
        return false;
    bool ok = EC_POINT_mul(n->group, n->point, n->k, NULL, NULL, n->ctx) &&
              EC_POINT_get_affine_coordinates(n->group, n->point, n->r, NULL, n->ctx) &&
              BN_nnmod(n->r, n->r, n->order, n->ctx) && !BN_is_zero(n->r) &&
              BN_mod_inverse(n->k, n->k, n->order, n->ctx) &&
              BN_mod_mul(n->s, n->r, n->d, n->order, n->ctx) &&
              BN_mod_add(n->s, n->s, n->e, n->order, n->ctx) &&
              BN_mod_mul(n->s, n->s, n->k, n->order, n->ctx);
    return ok && !BN_is_zero(n->s);
}

static void run(struct numbers *n, struct drbg *d)
{
    for (;;) {
        next_v(d);
        BN_bin2bn(d->v, 32, n->k);
        if (try_k(n))
            return;
        uint8_t none = 0;
        update(d, 0, SG_BYTES(&none, 0), SG_BYTES_NONE);
    }
}

int rfc6979_sign(const uint8_t scalar[32], struct sg_bytes message, uint8_t ret[64])
{
    struct numbers n = {.ctx = BN_CTX_new(),
                        .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
    uint8_t h[32], reduced[32];
    struct drbg d;
    BN_CTX_start(n.ctx);
    n.point = EC_POINT_new(n.group);
    n.order = BN_CTX_get(n.ctx);
    n.d = BN_CTX_get(n.ctx);
    n.e = BN_CTX_get(n.ctx);
    n.k = BN_CTX_get(n.ctx);
    n.r = BN_CTX_get(n.ctx);
    n.s = BN_CTX_get(n.ctx);
    if (!n.s || !EC_GROUP_get_order(n.group, n.order, n.ctx))
        return sg_raise(-ENOMEM);
    sg_sha256(h, message);
    BN_bin2bn(scalar, 32, n.d);
    BN_bin2bn(h, 32, n.e);
    BN_nnmod(n.e, n.e, n.order, n.ctx);
    BN_bn2binpad(n.e, reduced, 32);
    memset(d.v, 1, 32);
    memset(d.k, 0, 32);
    update(&d, 0, SG_BYTES(scalar, 32), SG_BYTES_ARRAY(reduced));
    update(&d, 1, SG_BYTES(scalar, 32), SG_BYTES_ARRAY(reduced));
    run(&n, &d);
    BN_bn2binpad(n.r, ret, 32);
    BN_bn2binpad(n.s, ret + 32, 32);
    EC_POINT_free(n.point);
    EC_GROUP_free(n.group);
    BN_CTX_end(n.ctx);
    BN_CTX_free(n.ctx);
    return 0;
}
