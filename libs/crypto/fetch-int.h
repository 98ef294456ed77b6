#pragma once
/*
 * fetch - algorithms of OpenSSL 3, fetched once per process: an implicit fetch in a hot path costs
 * more than hashing a short message.  Any thread.  Aborts when the library lacks one of them.
 */
#include <openssl/evp.h>

struct sg_fetched {
    EVP_MD *sha256;
    EVP_MD *sha512;
    EVP_CIPHER *aes_128_gcm;
    EVP_CIPHER *aes_256_gcm;
    EVP_CIPHER *aes_128_ccm;
};

const struct sg_fetched *sg_fetched(void);
