/*
 * merkle - RFC 6962 roots over leaf hashes beside SHA-256 alone.  A tree over n leaves has n - 1
 * nodes, each the hash of 65 octets, which is two compressions.  Two bounds: as many messages of 65
 * octets through OpenSSL with digest and context kept, and one message of as many compressions,
 * which no tree can reach through an interface made for whole messages.
 */
#include "suites.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/merkle.h>

#include <openssl/evp.h>
#include <stdio.h>

#define LEAVES_MAX 2976 /* a month of quarter hours */
#define NODE_LEN   65

struct trees {
    uint8_t (*leaves)[32];
    size_t n;
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    uint8_t *blocks; /* for one long message */
    uint8_t root[32];
};

static void clear(struct trees *t)
{
    free(t->leaves);
    free(t->blocks);
    EVP_MD_CTX_free(t->ctx);
    EVP_MD_free(t->md);
}

static int prepare(struct trees *t)
{
    *t = (struct trees){.leaves = calloc(LEAVES_MAX, 32),
                        .blocks = calloc(LEAVES_MAX, 128),
                        .md = EVP_MD_fetch(NULL, "SHA256", NULL),
                        .ctx = EVP_MD_CTX_new()};
    if (!t->leaves || !t->blocks || !t->md || !t->ctx ||
        EVP_DigestInit_ex2(t->ctx, t->md, NULL) != 1)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < LEAVES_MAX; i++)
        sg_random_bytes(t->leaves[i], 32);
    return 0;
}

static int ours(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct trees *t = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        sg_merkle_root(t->root, (const uint8_t(*)[32])t->leaves, t->n);
    return 0;
}

static int digest(struct trees *t, const uint8_t *data, size_t len)
{
    bool ok = EVP_DigestInit_ex2(t->ctx, NULL, NULL) == 1 &&
              EVP_DigestUpdate(t->ctx, data, len) == 1 &&
              EVP_DigestFinal_ex(t->ctx, t->root, NULL) == 1;
    return ok ? 0 : sg_raise(-EIO);
}

static int messages(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct trees *t = ctx;
    int r = 0;

    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        for (size_t k = 0; k + 1 < t->n && !r; k++)
            r = digest(t, t->blocks + 64 * k, NODE_LEN);
    return r;
}

/* The padding of the message is one of the compressions. */
static int one_message(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct trees *t = ctx;
    int r = 0;

    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = digest(t, t->blocks, (2 * (t->n - 1) - 1) * 64);
    return r;
}

static int measure(struct sg_bench *b, struct trees *t, size_t n)
{
    char name[64];
    struct sg_bench_line line = {.name = name,
                                 .unit = "nodes/s",
                                 .per_unit = (double)(n - 1),
                                 .cpu = true,
                                 .note = "root over leaf hashes, against SHA-256 of one message "
                                         "of 65 octets for each inner node",
                                 .ours = {"sealgrid", ours, t},
                                 .theirs = {"OpenSSL SHA-256, node by node", messages, t}};
    t->n = n;
    snprintf(name, sizeof(name), "root of %zu leaves", n);
    int r = sg_bench_pair(b, &line);
    snprintf(name, sizeof(name), "root of %zu, compressions", n);
    line.theirs = (struct sg_bench_side){"OpenSSL SHA-256, one message", one_message, t};
    line.note = "the same against one message of as many compressions";
    return r ? r : sg_bench_pair(b, &line);
}

static int run(struct sg_bench *b)
{
    SG_CLEANUP(clear) struct trees t;
    int r = prepare(&t);

    if (!r)
        r = measure(b, &t, 96);
    return r ? r : measure(b, &t, LEAVES_MAX);
}

const struct sg_bench_suite sg_bench_suite_merkle = {
    "merkle", "roots of RFC 6962, beside SHA-256 alone", run};
