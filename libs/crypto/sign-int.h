#pragma once
/*
 * sign, inside - a key is an EVP_PKEY that is never changed after it was made.
 */
#include <sealgrid/crypto/sign.h>

#include <openssl/evp.h>

struct sg_key {
    EVP_PKEY *pkey;
    enum sg_key_type type;
    bool private;
};

/* Takes pkey (freed on failure).  -EBADMSG for a kind of key that we do not use. */
SG_MUST_USE int sg_key_wrap(struct sg_key **ret, EVP_PKEY *pkey, bool private);
