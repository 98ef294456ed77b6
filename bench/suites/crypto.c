/*
 * crypto - sealing as the store does it (page of a partition: header, associated data, fresh
 * nonce, envelope) beside AES-256-GCM alone with the key schedule kept.
 *
 * The bare side gets the same octets to seal, the same number of associated octets, a nonce that
 * is counted up, and buffers that stay: nothing but the cipher is left in it.
 */
#include "suites.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/meter/frame.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "head-int.h"
#include "seal-int.h"

#define RECORD_MAX 16384
#define BODY_HEAD  6 /* rows and two empty sort keys' lengths before a page's columns */
#define AAD_LEN    (9 + SG_PAGE_KEY_LEN + SG_PAGE_HEADER_LEN)

/* ---- ours ---------------------------------------------------------------------------------- */

struct store {
    struct sg_part_keys *keys;
    struct sg_writer writer;
    uint8_t name[SG_NAME_LEN];
    uint8_t octets[RECORD_MAX];
    size_t len;
    struct sg_buf out, plain;
};

static void store_clear(struct store *s)
{
    sg_part_keys_free(s->keys);
    sg_buf_clear(&s->out);
    sg_buf_clear(&s->plain);
}

static int store_init(struct store *s)
{
    *s = (struct store){.out = SG_BUF_INIT(SG_ENTRY_BYTES_MAX),
                        .plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX)};
    sg_random_bytes(s->octets, sizeof(s->octets));
    sg_random_bytes(s->name, sizeof(s->name));
    sg_random_bytes(s->writer.lease, sizeof(s->writer.lease));
    int r = sg_part_keys_new(&s->keys);
    if (!r)
        sg_part_keys_generate(s->keys);
    return r;
}

static int seal_page(struct store *s, uint64_t id)
{
    struct sg_page page = {
        .id = id, .version = id, .n_rows = 1, .columns = SG_BYTES(s->octets, s->len - BODY_HEAD)};
    sg_buf_reset(&s->out);
    return sg_page_seal(s->keys, &s->writer, s->name, &page, &s->out);
}

static int ours_seal(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        int r = seal_page(ctx, i);
        if (r)
            return r;
    }
    return 0;
}

static int ours_open(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct store *s = ctx;
    int r = seal_page(s, 1);

    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++) {
        struct sg_page page = {.id = 1};
        sg_buf_reset(&s->plain);
        r = sg_page_open(s->keys, s->name, page.id, sg_buf_bytes(&s->out), &s->plain, &page);
    }
    return sg_fold(r);
}

/* A partition each, as a batch of readings of many clients has them: no key is the last one's. */
#define PARTITIONS 64

struct partitions {
    struct store *store;
    struct sg_part_keys *keys[PARTITIONS];
};

static void partitions_clear(struct partitions *p)
{
    for (size_t i = 0; i < PARTITIONS; i++)
        sg_part_keys_free(p->keys[i]);
}

static int partitions_init(struct partitions *p, struct store *s)
{
    *p = (struct partitions){.store = s};
    for (size_t i = 0; i < PARTITIONS; i++) {
        int r = sg_part_keys_new(&p->keys[i]);
        if (r)
            return r;
        sg_part_keys_generate(p->keys[i]);
    }
    return 0;
}

static int ours_seal_turns(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct partitions *p = ctx;
    struct store *s = p->store;
    struct sg_part_keys *kept = s->keys;
    int r = 0;

    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++) {
        s->keys = p->keys[i % PARTITIONS];
        r = seal_page(s, i);
    }
    s->keys = kept;
    return r;
}

/* An uplink frame of a meter: 512 octets, about one signed reading. */
#define FRAME_LEN 512

static int ours_frame(void *ctx, uint64_t n, int64_t *ret_ns)
{
    static const struct sg_frame_key key = {.key = {1}, .iv = {2}};
    static const uint8_t cid[SG_FRAME_ID_LEN] = {3};
    struct store *s = ctx;
    int r = 0;

    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++) {
        sg_buf_reset(&s->out);
        r = sg_frame_seal_uplink(&key, cid, i % SG_FRAME_SEQ_MAX + 1,
                                 SG_BYTES(s->octets, FRAME_LEN), &s->out);
    }
    return r;
}

/* ---- bare ---------------------------------------------------------------------------------- */

struct bare {
    crypto_aead_aes256gcm_state sodium;
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *seal, *open;
    uint8_t plain[RECORD_MAX], sealed[RECORD_MAX + SG_TAG_LEN], aad[AAD_LEN];
    uint8_t keys[PARTITIONS][SG_KEY_LEN];
    size_t len, aad_len;
};

static void bare_clear(struct bare *b)
{
    EVP_CIPHER_CTX_free(b->seal);
    EVP_CIPHER_CTX_free(b->open);
    EVP_CIPHER_free(b->cipher);
    sodium_memzero(b, sizeof(*b));
}

/* alg: of the two contexts; libsodium's is AES-256-GCM. */
static int bare_init(struct bare *b, const char *alg)
{
    uint8_t key[SG_KEY_LEN];

    memset(b, 0, sizeof(*b));
    sg_random_bytes(key, sizeof(key));
    sg_random_bytes(b->plain, sizeof(b->plain));
    sg_random_bytes(b->keys, sizeof(b->keys));
    b->aad_len = sizeof(b->aad);
    b->cipher = EVP_CIPHER_fetch(NULL, alg, NULL);
    b->seal = EVP_CIPHER_CTX_new();
    b->open = EVP_CIPHER_CTX_new();
    bool ok = b->cipher && b->seal && b->open &&
              EVP_EncryptInit_ex2(b->seal, b->cipher, key, NULL, NULL) == 1 &&
              EVP_DecryptInit_ex2(b->open, b->cipher, key, NULL, NULL) == 1 &&
              crypto_aead_aes256gcm_beforenm(&b->sodium, key) == 0;
    return ok ? 0 : sg_raisef(-EIO, "AES-256-GCM");
}

static int sodium_seal(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bare *b = ctx;
    uint8_t nonce[SG_NONCE_LEN] = {0};

    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        sg_store_be64(nonce, i);
        if (crypto_aead_aes256gcm_encrypt_afternm(b->sealed, NULL, b->plain, b->len, b->aad,
                                                  b->aad_len, NULL, nonce, &b->sodium))
            return sg_raise(-EIO);
    }
    return 0;
}

static int sodium_seal_turns(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bare *b = ctx;
    uint8_t nonce[SG_NONCE_LEN] = {0};

    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        sg_store_be64(nonce, i);
        if (crypto_aead_aes256gcm_encrypt(b->sealed, NULL, b->plain, b->len, b->aad, b->aad_len,
                                          NULL, nonce, b->keys[i % PARTITIONS]))
            return sg_raise(-EIO);
    }
    return 0;
}

static int sodium_open(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bare *b = ctx;
    uint8_t nonce[SG_NONCE_LEN] = {0};

    int r = sodium_seal(b, 1, ret_ns);
    for (uint64_t i = 0; i < n && !r; i++)
        if (crypto_aead_aes256gcm_decrypt_afternm(b->plain, NULL, NULL, b->sealed,
                                                  b->len + SG_TAG_LEN, b->aad, b->aad_len, nonce,
                                                  &b->sodium))
            r = sg_raise(-EIO);
    return r;
}

static int evp_seal(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bare *b = ctx;
    uint8_t nonce[SG_NONCE_LEN] = {0};
    int len;

    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        sg_store_be64(nonce, i);
        bool ok = EVP_EncryptInit_ex2(b->seal, NULL, NULL, nonce, NULL) == 1 &&
                  EVP_EncryptUpdate(b->seal, NULL, &len, b->aad, (int)b->aad_len) == 1 &&
                  EVP_EncryptUpdate(b->seal, b->sealed, &len, b->plain, (int)b->len) == 1 &&
                  EVP_EncryptFinal_ex(b->seal, b->sealed + len, &len) == 1 &&
                  EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, SG_TAG_LEN,
                                      b->sealed + b->len) == 1;
        if (!ok)
            return sg_raise(-EIO);
    }
    return 0;
}

static int evp_open(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bare *b = ctx;
    uint8_t nonce[SG_NONCE_LEN] = {0};
    int len, r = evp_seal(b, 1, ret_ns);

    for (uint64_t i = 0; i < n && !r; i++) {
        bool ok = EVP_DecryptInit_ex2(b->open, NULL, NULL, nonce, NULL) == 1 &&
                  EVP_DecryptUpdate(b->open, NULL, &len, b->aad, (int)b->aad_len) == 1 &&
                  EVP_DecryptUpdate(b->open, b->plain, &len, b->sealed, (int)b->len) == 1 &&
                  EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, SG_TAG_LEN,
                                      b->sealed + b->len) == 1 &&
                  EVP_DecryptFinal_ex(b->open, b->plain + b->len - 1, &len) == 1;
        r = ok ? 0 : sg_raise(-EIO);
    }
    return r;
}

/* ---- lines --------------------------------------------------------------------------------- */

struct peer {
    const char *name, *word;
    int (*seal)(void *ctx, uint64_t n, int64_t *ret_ns);
    int (*open)(void *ctx, uint64_t n, int64_t *ret_ns);
};

static const struct peer peers[] = {{"libsodium", "AES-256-GCM", sodium_seal, sodium_open},
                                    {"OpenSSL EVP", "AES-256-GCM", evp_seal, evp_open}};

static int measure(struct sg_bench *b, struct store *s, struct bare *bare, const struct peer *peer,
                   size_t len, bool open)
{
    char name[64], theirs[64];
    struct sg_bench_line line = {.name = name,
                                 .unit = "records/s",
                                 .goal = 0.8,
                                 .cpu = true,
                                 .note = "a page of one row of the store: header, envelope, "
                                         "associated data and nonce, against the cipher alone "
                                         "on as many octets with its key kept",
                                 .ours = {"sealgrid", open ? ours_open : ours_seal, s},
                                 .theirs = {theirs, open ? peer->open : peer->seal, bare}};
    s->len = bare->len = len;
    snprintf(name, sizeof(name), "%s %zu%s, %s", open ? "open" : "seal",
             len < 1024 ? len : len / 1024, len < 1024 ? " B" : " KiB", peer->name);
    snprintf(theirs, sizeof(theirs), "%s %s", peer->name, peer->word);
    return sg_bench_pair(b, &line);
}

static int measure_turns(struct sg_bench *b, struct store *s, struct bare *bare)
{
    SG_CLEANUP(partitions_clear) struct partitions p;
    const struct sg_bench_line line = {
        .name = "seal 256 B, key by key",
        .unit = "records/s",
        .goal = 0.8,
        .cpu = true,
        .note = "the same in 64 partitions in turns, against the cipher with a key schedule each",
        .ours = {"sealgrid", ours_seal_turns, &p},
        .theirs = {"libsodium AES-256-GCM", sodium_seal_turns, bare}};
    int r = partitions_init(&p, s);

    s->len = bare->len = 256;
    return r ? r : sg_bench_pair(b, &line);
}

static int measure_frame(struct sg_bench *b, struct store *s)
{
    SG_CLEANUP(bare_clear) struct bare bare;
    const struct sg_bench_line line = {
        .name = "seal a frame of 512 B",
        .unit = "frames/s",
        .goal = 0.8,
        .cpu = true,
        .note = "uplink: header, nonce from the sequence number; against the cipher with its key "
                "kept",
        .ours = {"sealgrid", ours_frame, s},
        .theirs = {"OpenSSL EVP AES-128-GCM", evp_seal, &bare}};
    int r = bare_init(&bare, "AES-128-GCM");

    bare.len = FRAME_LEN;
    bare.aad_len = SG_FRAME_UPLINK_HEADER;
    return r ? r : sg_bench_pair(b, &line);
}

static int run(struct sg_bench *b)
{
    static const size_t sizes[] = {256, 16384};
    SG_CLEANUP(store_clear) struct store s;
    SG_CLEANUP(bare_clear) struct bare bare;
    int r = store_init(&s);

    r = bare_init(&bare, "AES-256-GCM") ?: r;
    for (unsigned open = 0; open < 2; open++)
        for (size_t i = 0; i < 2; i++)
            for (size_t p = 0; p < 2 && !r; p++)
                r = measure(b, &s, &bare, &peers[p], sizes[i], open);
    if (!r)
        r = measure_turns(b, &s, &bare);
    return r ? r : measure_frame(b, &s);
}

const struct sg_bench_suite sg_bench_suite_crypto = {
    "crypto", "sealing and opening, beside the cipher alone", run};
