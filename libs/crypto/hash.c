/* hash - SHA-2, HMAC (RFC 2104), HKDF (RFC 5869), BLAKE2b. */
#include "fetch-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/hash.h>

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>

/* A thread's contexts, each bound to its digest for the thread's life. */
struct contexts {
    EVP_MD_CTX *sha256;
    EVP_MD_CTX *sha512;
};

static _Thread_local struct contexts *of_thread;
static pthread_key_t at_thread_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_contexts(void *p)
{
    struct contexts *c = p;
    EVP_MD_CTX_free(c->sha256);
    EVP_MD_CTX_free(c->sha512);
    free(c);
}

static void make_key(void)
{
    sg_assert(pthread_key_create(&at_thread_exit, free_contexts) == 0);
}

static EVP_MD_CTX *bound_context(const EVP_MD *md)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    sg_assert(ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1);
    return ctx;
}

static struct contexts *make_contexts(void)
{
    const struct sg_fetched *f = sg_fetched();
    struct contexts *c = calloc(1, sizeof(*c));

    sg_assert(c);
    pthread_once(&once, make_key);
    c->sha256 = bound_context(f->sha256);
    c->sha512 = bound_context(f->sha512);
    sg_assert(pthread_setspecific(at_thread_exit, c) == 0);
    of_thread = c;
    return c;
}

static inline struct contexts *contexts(void)
{
    return of_thread ? of_thread : make_contexts();
}

static void digest_parts(EVP_MD_CTX *ctx, uint8_t *ret, const struct sg_bytes *parts, size_t n)
{
    /* The digest is not named again: that would make OpenSSL look it up and lock. */
    int ok = EVP_DigestInit_ex2(ctx, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        ok &= EVP_DigestUpdate(ctx, parts[i].data, parts[i].len);
    ok &= EVP_DigestFinal_ex(ctx, ret, NULL);
    sg_assert(ok == 1);
}

void sg_sha256_parts(uint8_t ret[32], const struct sg_bytes *parts, size_t n)
{
    digest_parts(contexts()->sha256, ret, parts, n);
}

void sg_sha256(uint8_t ret[32], struct sg_bytes data)
{
    digest_parts(contexts()->sha256, ret, &data, 1);
}

void sg_sha512_parts(uint8_t ret[64], const struct sg_bytes *parts, size_t n)
{
    digest_parts(contexts()->sha512, ret, parts, n);
}

#define SHA256_BLOCK 64
#define HMAC_PARTS   16

void sg_hmac_sha256(uint8_t ret[32], struct sg_bytes key, const struct sg_bytes *parts, size_t n)
{
    uint8_t pad[SHA256_BLOCK] = {0}, inner[32];
    struct sg_bytes with_pad[HMAC_PARTS + 1] = {SG_BYTES_ARRAY(pad)};

    sg_assert(n <= HMAC_PARTS);
    if (key.len > sizeof(pad))
        sg_sha256(pad, key);
    else if (key.len)
        memcpy(pad, key.data, key.len);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    for (size_t i = 0; i < n; i++)
        with_pad[i + 1] = parts[i];
    sg_sha256_parts(inner, with_pad, n + 1);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    with_pad[1] = SG_BYTES_ARRAY(inner);
    sg_sha256_parts(ret, with_pad, 2);
    sg_wipe(pad, sizeof(pad));
}

void sg_hkdf_extract(uint8_t ret_prk[32], struct sg_bytes salt, struct sg_bytes ikm)
{
    /* An absent salt is 32 zero octets, which HMAC's padding makes of an empty key anyway. */
    sg_hmac_sha256(ret_prk, salt, &ikm, 1);
}

void sg_hkdf_expand(uint8_t *ret, size_t len, struct sg_bytes prk, struct sg_bytes info)
{
    uint8_t t[32], counter = 0;
    size_t t_len = 0;

    sg_assert(len <= 255 * sizeof(t));
    while (len) {
        counter++;
        const struct sg_bytes parts[] = {SG_BYTES(t, t_len), info, SG_BYTES(&counter, 1)};
        sg_hmac_sha256(t, prk, parts, 3);
        t_len = sizeof(t);
        size_t n = len < t_len ? len : t_len;
        memcpy(ret, t, n);
        ret += n;
        len -= n;
    }
    sg_wipe(t, sizeof(t));
}

void sg_blake2b_parts(uint8_t *ret, size_t len, struct sg_bytes key, const struct sg_bytes *parts,
                      size_t n)
{
    crypto_generichash_state state;

    sg_assert(len >= 16 && len <= 64 && (key.len == 0 || (key.len >= 16 && key.len <= 64)));
    int failed = crypto_generichash_init(&state, key.data, key.len, len);
    for (size_t i = 0; i < n; i++)
        failed |= crypto_generichash_update(&state, parts[i].data, parts[i].len);
    failed |= crypto_generichash_final(&state, ret, len);
    sg_assert(!failed);
    if (key.len)
        sg_wipe(&state, sizeof(state));
}

int sg_sha256_file(const char *path, uint8_t ret[32])
{
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    EVP_MD_CTX *ctx = contexts()->sha256;
    uint8_t piece[16384];

    if (fd < 0)
        return sg_raise_errno();
    sg_assert(EVP_DigestInit_ex2(ctx, NULL, NULL) == 1);
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sg_raise_errno();
        if (n == 0)
            break;
        sg_assert(EVP_DigestUpdate(ctx, piece, (size_t)n) == 1);
    }
    sg_assert(EVP_DigestFinal_ex(ctx, ret, NULL) == 1);
    return 0;
}
