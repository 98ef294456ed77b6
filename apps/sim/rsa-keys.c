#include "rsa-keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#define PRIME_BITS      1024
#define PUBLIC_EXPONENT 65537

struct numbers {
    BN_CTX *ctx;
    BIGNUM *p, *q, *n, *e, *d, *dp, *dq, *qinv, *p1, *q1, *phi;
};

static void clear_numbers(struct numbers *x)
{
    BIGNUM *const all[] = {x->p,  x->q,    x->n,  x->e,  x->d,  x->dp,
                           x->dq, x->qinv, x->p1, x->q1, x->phi};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        BN_clear_free(all[i]);
    BN_CTX_free(x->ctx);
}

static bool new_numbers(struct numbers *x)
{
    BIGNUM **const all[] = {&x->p,  &x->q,    &x->n,  &x->e,  &x->d,  &x->dp,
                            &x->dq, &x->qinv, &x->p1, &x->q1, &x->phi};
    x->ctx = BN_CTX_new();
    bool ok = x->ctx != NULL;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        ok &= (*all[i] = BN_new()) != NULL;
    return ok && BN_set_word(x->e, PUBLIC_EXPONENT);
}

/* A prime p with p - 1 prime to e, and p - 1 beside it. */
static bool make_prime(struct numbers *x, BIGNUM *p, BIGNUM *p1)
{
    do {
        if (!BN_generate_prime_ex2(p, PRIME_BITS, 0, NULL, NULL, NULL, x->ctx) ||
            !BN_sub(p1, p, BN_value_one()))
            return false;
    } while (BN_mod_word(p1, PUBLIC_EXPONENT) == 0);
    return true;
}

/* p > q, as qinv wants it. */
static bool make_numbers(struct numbers *x)
{
    if (!make_prime(x, x->p, x->p1) || !make_prime(x, x->q, x->q1))
        return false;
    if (BN_cmp(x->p, x->q) < 0) {
        BN_swap(x->p, x->q);
        BN_swap(x->p1, x->q1);
    }
    return BN_cmp(x->p, x->q) != 0 && BN_mul(x->n, x->p, x->q, x->ctx) &&
           BN_mul(x->phi, x->p1, x->q1, x->ctx) && BN_mod_inverse(x->d, x->e, x->phi, x->ctx) &&
           BN_mod(x->dp, x->d, x->p1, x->ctx) && BN_mod(x->dq, x->d, x->q1, x->ctx) &&
           BN_mod_inverse(x->qinv, x->q, x->p, x->ctx);
}

static EVP_PKEY *to_pkey(const struct numbers *x)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    const struct {
        const char *name;
        const BIGNUM *value;
    } parts[] = {
        {OSSL_PKEY_PARAM_RSA_N, x->n},          {OSSL_PKEY_PARAM_RSA_E, x->e},
        {OSSL_PKEY_PARAM_RSA_D, x->d},          {OSSL_PKEY_PARAM_RSA_FACTOR1, x->p},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, x->q},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, x->dp},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, x->dq}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, x->qinv},
    };
    bool ok = bld && ctx;
    for (size_t i = 0; ok && i < sizeof(parts) / sizeof(parts[0]); i++)
        ok = OSSL_PARAM_BLD_push_BN(bld, parts[i].name, parts[i].value);
    ok = ok && (params = OSSL_PARAM_BLD_to_param(bld)) && EVP_PKEY_fromdata_init(ctx) > 0 &&
         EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) > 0;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return ok ? key : NULL;
}

static int load(EVP_PKEY *pkey, struct sg_key **ret)
{
    uint8_t *der = NULL;
    const int len = i2d_PrivateKey(pkey, &der);
    if (len <= 0)
        return sg_raise(-EIO);
    int r = sg_key_load_private(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_clear_free(der, (size_t)len);
    return r;
}

int sim_rsa_generate(struct sg_key **ret)
{
    SG_CLEANUP(clear_numbers) struct numbers x = {.ctx = NULL};
    if (!new_numbers(&x))
        return sg_raise(-ENOMEM);
    EVP_PKEY *pkey = make_numbers(&x) ? to_pkey(&x) : NULL;
    int r = pkey ? load(pkey, ret) : sg_raise(-EIO);
    EVP_PKEY_free(pkey);
    return r;
}
