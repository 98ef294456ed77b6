/*
 * billing-bare - what cannot be left out of a bill or an audit: for each reading a salt (HMAC: two
 * messages of one block, the key's two blocks hashed once for each signed block), a leaf hash, a
 * node in its block's tree and one in the bill's, a leaf and a node in its bucket's.  An audit also
 * verifies a signature a block and two certificates.
 */
#include "billing-month.h"

#include <openssl/rsa.h>

#define NODE_LEN        65
#define BUCKET_LEAF_LEN 49
#define CHAIN           2 /* signatures of certificates in an audit: meter's and second authority's */

void billing_bare_clear(struct billing_bare *b)
{
    EVP_MD_CTX_free(b->hash);
    EVP_MD_free(b->md);
    EVP_PKEY_CTX_free(b->meter);
    EVP_PKEY_CTX_free(b->authority);
}

static bool pad(EVP_PKEY_CTX *c, const struct billing_bare *b, enum sg_sign_alg alg)
{
    return alg != SG_SIGN_PS256 || (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
                                    EVP_PKEY_CTX_set_signature_md(c, b->md) == 1 &&
                                    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, 32) == 1);
}

/* A signature by the key, and a context that stays ready to verify it. */
static EVP_PKEY_CTX *make_verifier(const struct billing_bare *b, const struct sg_key *k,
                                   enum sg_sign_alg alg, uint8_t *ret_sig, size_t *ret_len)
{
    EVP_PKEY_CTX *s = EVP_PKEY_CTX_new_from_pkey(NULL, sg_key_evp(k), NULL);
    EVP_PKEY_CTX *v = EVP_PKEY_CTX_new_from_pkey(NULL, sg_key_evp(k), NULL);
    bool ok = s && v && EVP_PKEY_sign_init(s) == 1 && pad(s, b, alg) &&
              EVP_PKEY_sign(s, ret_sig, ret_len, b->signed_digest, 32) == 1 &&
              EVP_PKEY_verify_init(v) == 1 && pad(v, b, alg);

    EVP_PKEY_CTX_free(s);
    if (ok)
        return v;
    EVP_PKEY_CTX_free(v);
    return NULL;
}

int billing_bare_make(struct billing_bare *b, const struct billing_month *m)
{
    b->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    b->hash = EVP_MD_CTX_new();
    b->days = m->days;
    b->leaf_len = 1 + SG_BLOCK_SALT_LEN + m->leaf_len;
    b->meter_sig_len = sizeof(b->meter_sig);
    b->authority_sig_len = sizeof(b->authority_sig);
    if (!b->md || !b->hash || EVP_DigestInit_ex2(b->hash, b->md, NULL) != 1)
        return sg_raise(-ENOMEM);
    b->meter = make_verifier(b, m->meter_key, m->alg, b->meter_sig, &b->meter_sig_len);
    b->authority =
        make_verifier(b, m->ca_key, SG_SIGN_ES256, b->authority_sig, &b->authority_sig_len);
    return b->meter && b->authority ? 0 : sg_raise(-EIO);
}

static bool digest(struct billing_bare *b, size_t len)
{
    return EVP_DigestInit_ex2(b->hash, NULL, NULL) == 1 &&
           EVP_DigestUpdate(b->hash, b->data, len) == 1 &&
           EVP_DigestFinal_ex(b->hash, b->digest, NULL) == 1;
}

int billing_bare_hashes(struct billing_bare *b)
{
    bool ok = true;

    for (size_t i = 0; i < 2 * (size_t)b->days && ok; i++)
        ok = digest(b, 55); /* a seed's inner and outer block */
    for (size_t i = 0; i < (size_t)b->days * BILLING_PER_DAY && ok; i++)
        ok = digest(b, 20) && digest(b, 32) && digest(b, b->leaf_len) && digest(b, NODE_LEN) &&
             digest(b, NODE_LEN) && digest(b, BUCKET_LEAF_LEN) && digest(b, NODE_LEN);
    return ok ? 0 : sg_raise(-EIO);
}

static bool verifies(EVP_PKEY_CTX *c, const uint8_t *sig, size_t len, const struct billing_bare *b,
                     size_t n)
{
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++)
        ok = EVP_PKEY_verify(c, sig, len, b->signed_digest, 32) == 1;
    return ok;
}

int billing_bare_signatures(struct billing_bare *b)
{
    return verifies(b->meter, b->meter_sig, b->meter_sig_len, b, b->days) &&
                   verifies(b->authority, b->authority_sig, b->authority_sig_len, b, CHAIN)
               ? 0
               : sg_raise(-EIO);
}
