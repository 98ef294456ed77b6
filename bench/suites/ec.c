/*
 * ec - Reed-Solomon 6+2 through the store's own module beside ISA-L alone, on shards that lie
 * where they lie.  The bare side keeps its matrix and its tables.
 */
#include "suites.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>

#include <isa-l/erasure_code.h>
#include <stdio.h>

#include "ec-int.h"

#define K      6
#define M      2
#define SHARDS (K + M)

struct coding {
    uint8_t *shards[SHARDS];
    size_t len; /* of a shard */
    uint8_t encode[32 * K * M], rebuild[32 * K * M];
    uint8_t *from[K], *to[M]; /* of the rebuild: shards 0 and 3 are lost */
};

#define LOST_A 0
#define LOST_B 3

static void clear(struct coding *c)
{
    for (size_t i = 0; i < SHARDS; i++)
        free(c->shards[i]);
}

/* Rows of the inverse that give the lost shards from the others, as tables. */
static int prepare_rebuild(struct coding *c, const uint8_t *matrix)
{
    uint8_t part[K * K], inverse[K * K], wanted[M * K];
    size_t n = 0;

    for (size_t i = 0; i < SHARDS; i++) {
        if (i == LOST_A || i == LOST_B)
            continue;
        memcpy(part + n * K, matrix + i * K, K);
        c->from[n++] = c->shards[i];
    }
    if (gf_invert_matrix(part, inverse, K))
        return sg_raise(-EIO);
    memcpy(wanted, inverse + LOST_A * K, K);
    memcpy(wanted + K, inverse + LOST_B * K, K);
    c->to[0] = c->shards[LOST_A];
    c->to[1] = c->shards[LOST_B];
    ec_init_tables(K, M, wanted, c->rebuild);
    return 0;
}

static int prepare(struct coding *c, size_t octets)
{
    uint8_t matrix[SHARDS * K];

    c->len = (octets + K - 1) / K;
    for (size_t i = 0; i < SHARDS; i++) {
        c->shards[i] = aligned_alloc(64, (c->len + 63) / 64 * 64);
        if (!c->shards[i])
            return sg_raise(-ENOMEM);
        sg_random_bytes(c->shards[i], c->len);
    }
    gf_gen_cauchy1_matrix(matrix, SHARDS, K);
    ec_init_tables(K, M, matrix + K * K, c->encode);
    return prepare_rebuild(c, matrix);
}

static int ours_encode(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct coding *c = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        sg_ec_encode(K, M, c->len, c->shards);
    return 0;
}

static int bare_encode(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct coding *c = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        ec_encode_data((int)c->len, K, M, c->encode, c->shards, c->shards + K);
    return 0;
}

static int ours_rebuild(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct coding *c = ctx;
    const uint32_t present = ((1u << SHARDS) - 1) & ~(1u << LOST_A) & ~(1u << LOST_B);
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        int r = sg_ec_rebuild(K, M, c->len, c->shards, present);
        if (r)
            return sg_fold(r);
    }
    return 0;
}

static int bare_rebuild(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct coding *c = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        ec_encode_data((int)c->len, K, M, c->rebuild, c->from, c->to);
    return 0;
}

static int measure(struct sg_bench *b, size_t octets, const char *size)
{
    SG_CLEANUP(clear) struct coding c = {.len = 0};
    char name[64];
    struct sg_bench_line line = {.name = name,
                                 .unit = "MB/s",
                                 .per_unit = (double)octets / 1e6,
                                 .cpu = true,
                                 .note = "octets of user data; ISA-L keeps its tables",
                                 .ours = {"sealgrid", ours_encode, &c},
                                 .theirs = {"ISA-L alone", bare_encode, &c}};
    int r = prepare(&c, octets);

    snprintf(name, sizeof(name), "RS 6+2 encode %s", size);
    if (!r)
        r = sg_bench_pair(b, &line);
    snprintf(name, sizeof(name), "RS 6+2 rebuild 2, %s", size);
    line.ours.run = ours_rebuild;
    line.theirs.run = bare_rebuild;
    return r ? r : sg_bench_pair(b, &line);
}

static int run(struct sg_bench *b)
{
    int r = measure(b, 4096, "4 KiB");
    if (!r)
        r = measure(b, 65536, "64 KiB");
    return r ? r : measure(b, 1 << 20, "1 MiB");
}

const struct sg_bench_suite sg_bench_suite_ec = {"ec", "erasure coding, beside ISA-L alone", run};
