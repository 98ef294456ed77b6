#include "ec-int.h"

#include <isa-l/erasure_code.h>

/*
 * How to make the absent shards of K+M from k present ones: a row of coefficients for each, in the
 * form that the processor's code wants.  Encoding is the case in which the data are present and the
 * parity is absent.  Making one costs as much as coding some 20 KiB, so a thread keeps the one that
 * it used last for each of the two.
 */
struct recipe {
    unsigned k, m; /* k 0: none yet */
    uint32_t present;
    unsigned n_absent;
    uint8_t from[SG_POLICY_EC_DATA_MAX], to[SG_POLICY_EC_PARITY_MAX]; /* shards */
    uint8_t tables[32 * SG_POLICY_EC_DATA_MAX * SG_POLICY_EC_PARITY_MAX];
};

static _Thread_local struct recipe of_encode, of_rebuild;

/* The first k present shards, and those that are absent.  False if there are too few. */
static bool choose(struct recipe *c)
{
    unsigned n = 0;
    c->n_absent = 0;
    for (unsigned i = 0; i < c->k + c->m; i++) {
        bool present = c->present >> i & 1;
        if (present && n < c->k)
            c->from[n++] = (uint8_t)i;
        else if (!present && c->n_absent < c->m)
            c->to[c->n_absent++] = (uint8_t)i;
    }
    return n == c->k;
}

/* ret = row of the code's matrix times the inverse of the chosen rows */
static void multiply(unsigned k, const uint8_t *row, const uint8_t *inverse, uint8_t *ret)
{
    memset(ret, 0, k);
    for (unsigned j = 0; j < k; j++)
        for (unsigned i = 0; i < k; i++)
            ret[i] ^= gf_mul(row[j], inverse[j * k + i]);
}

static int make(struct recipe *c)
{
    uint8_t matrix[SG_EC_SHARDS_MAX * SG_POLICY_EC_DATA_MAX];
    uint8_t part[SG_POLICY_EC_DATA_MAX * SG_POLICY_EC_DATA_MAX];
    uint8_t inverse[SG_POLICY_EC_DATA_MAX * SG_POLICY_EC_DATA_MAX];
    uint8_t wanted[SG_POLICY_EC_PARITY_MAX * SG_POLICY_EC_DATA_MAX];
    const unsigned k = c->k;
    gf_gen_cauchy1_matrix(matrix, (int)(k + c->m), (int)k);
    for (unsigned i = 0; i < k; i++)
        memcpy(part + i * k, matrix + c->from[i] * k, k);
    if (gf_invert_matrix(part, inverse, (int)k) != 0)
        return sg_raise(-EIO);
    for (unsigned i = 0; i < c->n_absent; i++)
        multiply(k, matrix + c->to[i] * k, inverse, wanted + i * k);
    if (c->n_absent)
        ec_init_tables((int)k, (int)c->n_absent, wanted, c->tables);
    return 0;
}

/* 0, SG_EC_TOO_FEW, -EIO; c is empty unless 0. */
static int prepare(struct recipe *c, unsigned k, unsigned m, uint32_t present)
{
    sg_assert(k >= 1 && k <= SG_POLICY_EC_DATA_MAX && m <= SG_POLICY_EC_PARITY_MAX);
    present &= (UINT32_C(1) << (k + m)) - 1;
    if (c->k == k && c->m == m && c->present == present)
        return 0;
    c->k = k;
    c->m = m;
    c->present = present;
    int r = choose(c) ? make(c) : SG_EC_TOO_FEW;
    if (r)
        c->k = 0;
    return r;
}

static void cook(struct recipe *c, size_t len, uint8_t *const *shards)
{
    uint8_t *from[SG_POLICY_EC_DATA_MAX], *to[SG_POLICY_EC_PARITY_MAX];
    for (unsigned i = 0; i < c->k; i++)
        from[i] = shards[c->from[i]];
    for (unsigned i = 0; i < c->n_absent; i++)
        to[i] = shards[c->to[i]];
    if (c->n_absent == 0)
        return;
    ec_encode_data((int)len, (int)c->k, (int)c->n_absent, c->tables, from, to);
}

void sg_ec_encode(unsigned k, unsigned m, size_t len, uint8_t *const *shards)
{
    int r = prepare(&of_encode, k, m, (UINT32_C(1) << k) - 1);
    sg_assert(r == 0); /* the identity inverts */
    cook(&of_encode, len, shards);
}

int sg_ec_rebuild(unsigned k, unsigned m, size_t len, uint8_t *const *shards, uint32_t present)
{
    int r = prepare(&of_rebuild, k, m, present);
    if (r)
        return r < 0 ? r : SG_EC_TOO_FEW;
    cook(&of_rebuild, len, shards);
    return 0;
}
