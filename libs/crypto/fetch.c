/* fetch - see fetch-int.h. */
#include "fetch-int.h"

#include <sealgrid/base/error.h>

#include <pthread.h>
#include <sodium.h>

static struct sg_fetched fetched;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    fetched.sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
    fetched.aes_128_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    fetched.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    fetched.aes_128_ccm = EVP_CIPHER_fetch(NULL, "AES-128-CCM", NULL);
    sg_assert(fetched.sha256 && fetched.sha512 && fetched.aes_128_gcm && fetched.aes_256_gcm &&
              fetched.aes_128_ccm);
    sg_assert(sodium_init() >= 0);
}

const struct sg_fetched *sg_fetched(void)
{
    pthread_once(&once, fetch_all);
    return &fetched;
}
