#pragma once
/*
 * sign, inside - a key is an EVP_PKEY that is never changed after it was made.
 */
#include <sealgrid/crypto/sign.h>

#include <openssl/evp.h>

/* Contexts ready to verify with the key, one a padding: whoever verifies takes it out, and puts it
 * back.  Making one costs as much as a twentieth of a verification. */
struct sg_key_spares {
    _Atomic(EVP_PKEY_CTX *) verify[2];
};

struct sg_key {
    EVP_PKEY *pkey;
    struct sg_key_spares *spares;
    enum sg_key_type type;
    bool private;
};

/* Takes pkey (freed on failure).  -EBADMSG for a kind of key that we do not use. */
SG_MUST_USE int sg_key_wrap(struct sg_key **ret, EVP_PKEY *pkey, bool private);
