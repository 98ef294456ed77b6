/* aead - AES-GCM and AES-CCM over OpenSSL 3; short AES-256-GCM over libsodium. */
#include "fetch-int.h"

#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/aead.h>

#include <limits.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sodium.h>

#define N_ALGS        4
#define KEY_MAX       32
#define CCM_PLAIN_MAX 65535 /* L = 2 */
/* Where the two cross on a processor with VAES; without, at 2 to 4 KiB. */
#define SODIUM_BELOW_LEN 1024

struct shape {
    uint8_t key, nonce, tag;
    bool ccm;
};

static const struct shape shapes[N_ALGS] = {
    [SG_AEAD_AES_128_GCM] = {16, 12, 16, false},
    [SG_AEAD_AES_256_GCM] = {32, 12, 16, false},
    [SG_AEAD_AES_CCM_16_64_128] = {16, 13, 8, true},
    [SG_AEAD_AES_CCM_16_128_128] = {16, 13, 16, true},
};

size_t sg_aead_key_len(enum sg_aead_alg alg)
{
    return shapes[alg].key;
}

size_t sg_aead_nonce_len(enum sg_aead_alg alg)
{
    return shapes[alg].nonce;
}

size_t sg_aead_tag_len(enum sg_aead_alg alg)
{
    return shapes[alg].tag;
}

/*
 * A thread's contexts by algorithm and direction (1: seal), made on first use.  The key used last
 * stays expanded: runs of records under one key (pages of a partition, chunks of an object, frames
 * of a session) pay for its schedule once.  Keys lie in locked memory.
 */
struct last_key {
    uint8_t octets[KEY_MAX];
    bool set;
};

struct keys {
    crypto_aead_aes256gcm_state sodium_state;
    struct last_key sodium;
    struct last_key of_ctx[N_ALGS][2];
};

struct contexts {
    EVP_CIPHER_CTX *ctx[N_ALGS][2];
    struct sg_secret memory; /* of *keys */
    struct keys *keys;
};

static _Thread_local struct contexts *of_thread;
static pthread_key_t at_thread_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool sodium_has_aes;

static void free_contexts(void *p)
{
    struct contexts *c = p;
    for (int alg = 0; alg < N_ALGS; alg++)
        for (int seal = 0; seal < 2; seal++)
            EVP_CIPHER_CTX_free(c->ctx[alg][seal]);
    sg_secret_clear(&c->memory);
    free(c);
    of_thread = NULL;
}

static void start(void)
{
    sg_assert(pthread_key_create(&at_thread_exit, free_contexts) == 0);
    sg_assert(sodium_init() >= 0);
    sodium_has_aes = crypto_aead_aes256gcm_is_available() == 1;
}

static struct contexts *make_contexts(void)
{
    struct contexts *c = calloc(1, sizeof(*c));

    pthread_once(&once, start);
    sg_assert(c && sg_secret_new(&c->memory, sizeof(struct keys)) == 0);
    /* sodium_malloc aligns the end of the block, and its size is a multiple of the alignment */
    c->keys = (struct keys *)(void *)c->memory.data;
    sg_assert(pthread_setspecific(at_thread_exit, c) == 0);
    of_thread = c;
    return c;
}

static inline struct contexts *contexts(void)
{
    return of_thread ? of_thread : make_contexts();
}

/* len is 16 or 32.  No branch depends on the octets until all were looked at. */
static bool is_last(const struct last_key *last, const uint8_t *key, size_t len)
{
    uint64_t differing = 0;

    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t a, b;
        memcpy(&a, last->octets + i, sizeof(a));
        memcpy(&b, key + i, sizeof(b));
        differing |= a ^ b;
    }
    return last->set && differing == 0;
}

static void remember(struct last_key *last, const uint8_t *key, size_t len)
{
    memcpy(last->octets, key, len);
    last->set = true;
}

static inline const crypto_aead_aes256gcm_state *sodium_state(struct keys *k, const uint8_t *key)
{
    if (!is_last(&k->sodium, key, 32)) {
        k->sodium.set = false;
        sg_assert(crypto_aead_aes256gcm_beforenm(&k->sodium_state, key) == 0);
        remember(&k->sodium, key, 32);
    }
    return &k->sodium_state;
}

static const EVP_CIPHER *cipher_of(enum sg_aead_alg alg)
{
    const struct sg_fetched *f = sg_fetched();
    switch (alg) {
    case SG_AEAD_AES_128_GCM:
        return f->aes_128_gcm;
    case SG_AEAD_AES_256_GCM:
        return f->aes_256_gcm;
    default:
        return f->aes_128_ccm;
    }
}

/* The cipher and the lengths are set once: naming the cipher again would free and remake the
 * context's inside. */
static EVP_CIPHER_CTX *context(enum sg_aead_alg alg, bool seal)
{
    EVP_CIPHER_CTX **at = &contexts()->ctx[alg][seal];
    const struct shape *s = &shapes[alg];

    if (*at)
        return *at;
    *at = EVP_CIPHER_CTX_new();
    sg_assert(*at && EVP_CipherInit_ex2(*at, cipher_of(alg), NULL, NULL, seal, NULL) == 1);
    sg_assert(EVP_CIPHER_CTX_ctrl(*at, EVP_CTRL_AEAD_SET_IVLEN, s->nonce, NULL) == 1);
    if (s->ccm)
        sg_assert(EVP_CIPHER_CTX_ctrl(*at, EVP_CTRL_AEAD_SET_TAG, s->tag, NULL) == 1);
    return *at;
}

/* Sets key and nonce.  CCM takes both together. */
static bool start_message(enum sg_aead_alg alg, bool seal, EVP_CIPHER_CTX *ctx, const uint8_t *key,
                          const uint8_t *nonce)
{
    struct last_key *last = &contexts()->keys->of_ctx[alg][seal];
    const struct shape *s = &shapes[alg];

    if (!s->ccm && is_last(last, key, s->key))
        return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, seal, NULL) == 1;
    last->set = false;
    if (EVP_CipherInit_ex2(ctx, NULL, key, nonce, seal, NULL) != 1)
        return false;
    if (!s->ccm)
        remember(last, key, s->key);
    return true;
}

static uint8_t nothing; /* where a pointer must not be NULL although nothing is read */

static const uint8_t *at_least(struct sg_bytes b)
{
    return b.len ? b.data : &nothing;
}

static bool gcm_run(EVP_CIPHER_CTX *ctx, struct sg_bytes aad, struct sg_bytes in, uint8_t *ret)
{
    int n;
    return (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) == 1) &&
           (in.len == 0 || EVP_CipherUpdate(ctx, ret, &n, in.data, (int)in.len) == 1);
}

/* EVP_Cipher instead of EVP_CipherUpdate: the latter skips an empty message, and with it the tag.
 */
static bool ccm_run(EVP_CIPHER_CTX *ctx, struct sg_bytes aad, struct sg_bytes in, uint8_t *ret)
{
    int n;
    return EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)in.len) == 1 &&
           (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) == 1) &&
           EVP_Cipher(ctx, in.len ? ret : &nothing, at_least(in), (unsigned)in.len) >= 0;
}

static bool too_long(enum sg_aead_alg alg, struct sg_bytes aad, size_t len)
{
    return aad.len > INT_MAX || len > (shapes[alg].ccm ? CCM_PLAIN_MAX : INT_MAX);
}

/* The thread's contexts must exist: making them found out what the processor has. */
static inline bool for_sodium(enum sg_aead_alg alg, size_t len)
{
    return alg == SG_AEAD_AES_256_GCM && len < SODIUM_BELOW_LEN && sodium_has_aes;
}

int sg_aead_seal(enum sg_aead_alg alg, const uint8_t *key, const uint8_t *nonce,
                 struct sg_bytes aad, struct sg_bytes plain, uint8_t *ret)
{
    const struct shape *s = &shapes[alg];
    int n;

    if (too_long(alg, aad, plain.len))
        return sg_raise(-EMSGSIZE);
    struct keys *keys = contexts()->keys;
    if (for_sodium(alg, plain.len)) {
        int failed = crypto_aead_aes256gcm_encrypt_detached_afternm(
            ret, ret + plain.len, NULL, at_least(plain), plain.len, aad.data, aad.len, NULL, nonce,
            sodium_state(keys, key));
        return failed ? sg_raise(-EIO) : 0;
    }
    EVP_CIPHER_CTX *ctx = context(alg, true);
    bool ok = start_message(alg, true, ctx, key, nonce) &&
              (s->ccm ? ccm_run(ctx, aad, plain, ret)
                      : gcm_run(ctx, aad, plain, ret) && EVP_CipherFinal_ex(ctx, &nothing, &n)) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, s->tag, ret + plain.len) == 1;
    return ok ? 0 : sg_raisef(-EIO, "AEAD seal");
}

static bool open_ccm(enum sg_aead_alg alg, const uint8_t *key, const uint8_t *nonce,
                     struct sg_bytes aad, struct sg_bytes body, uint8_t *tag, uint8_t *ret)
{
    EVP_CIPHER_CTX *ctx = context(alg, false);
    /* The tag is compared inside, so it goes in first. */
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, shapes[alg].tag, tag) == 1 &&
           start_message(alg, false, ctx, key, nonce) && ccm_run(ctx, aad, body, ret);
}

static bool open_gcm(enum sg_aead_alg alg, const uint8_t *key, const uint8_t *nonce,
                     struct sg_bytes aad, struct sg_bytes body, uint8_t *tag, uint8_t *ret)
{
    EVP_CIPHER_CTX *ctx = context(alg, false);
    int n;
    return start_message(alg, false, ctx, key, nonce) && gcm_run(ctx, aad, body, ret) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, shapes[alg].tag, tag) == 1 &&
           EVP_CipherFinal_ex(ctx, &nothing, &n) == 1;
}

int sg_aead_open(enum sg_aead_alg alg, const uint8_t *key, const uint8_t *nonce,
                 struct sg_bytes aad, struct sg_bytes sealed, uint8_t *ret)
{
    const struct shape *s = &shapes[alg];
    uint8_t tag[SG_AEAD_TAG_MAX];
    bool ok;

    if (sealed.len < s->tag)
        return SG_AEAD_FORGED;
    struct sg_bytes body = SG_BYTES(sealed.data, sealed.len - s->tag);
    if (too_long(alg, aad, body.len))
        return sg_raise(-EMSGSIZE);
    /* A copy, because ret may be sealed.data. */
    memcpy(tag, sealed.data + body.len, s->tag);
    struct keys *keys = contexts()->keys;
    if (for_sodium(alg, body.len))
        ok = crypto_aead_aes256gcm_decrypt_detached_afternm(
                 body.len ? ret : &nothing, NULL, at_least(body), body.len, tag, aad.data, aad.len,
                 nonce, sodium_state(keys, key)) == 0;
    else
        ok = (s->ccm ? open_ccm : open_gcm)(alg, key, nonce, aad, body, tag, ret);
    if (ok)
        return 0;
    ERR_clear_error();
    if (body.len)
        sg_wipe(ret, body.len);
    return SG_AEAD_FORGED;
}
