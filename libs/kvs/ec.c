#include "ec-int.h"

#include <isa-l/erasure_code.h>

#define TABLE_BYTES (32 * SG_EC_SHARDS_MAX * SG_POLICY_EC_DATA_MAX)

void sg_ec_encode(unsigned k, unsigned m, size_t len, uint8_t *const *shards)
{
    uint8_t matrix[SG_EC_SHARDS_MAX * SG_POLICY_EC_DATA_MAX], tables[TABLE_BYTES];
    uint8_t *rows[SG_EC_SHARDS_MAX];
    sg_assert(k >= 1 && k <= SG_POLICY_EC_DATA_MAX && m <= SG_POLICY_EC_PARITY_MAX);
    memcpy(rows, shards, (k + m) * sizeof(*rows));
    gf_gen_cauchy1_matrix(matrix, (int)(k + m), (int)k);
    ec_init_tables((int)k, (int)m, matrix + k * k, tables);
    ec_encode_data((int)len, (int)k, (int)m, tables, rows, rows + k);
}

/* The first k present shards, as rows of the matrix. */
static unsigned choose(unsigned k, unsigned m, uint32_t present, unsigned ret[SG_EC_SHARDS_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < k + m && n < k; i++)
        if (present >> i & 1)
            ret[n++] = i;
    return n;
}

/* Rows that give the missing data shards from the chosen ones: those rows of the inverse. */
static int rebuild_data(unsigned k, size_t len, uint8_t *const *shards, uint32_t present,
                        const unsigned *chosen, const uint8_t *matrix)
{
    uint8_t part[SG_POLICY_EC_DATA_MAX * SG_POLICY_EC_DATA_MAX];
    uint8_t inverse[SG_POLICY_EC_DATA_MAX * SG_POLICY_EC_DATA_MAX];
    uint8_t wanted[SG_POLICY_EC_DATA_MAX * SG_POLICY_EC_DATA_MAX], tables[TABLE_BYTES];
    uint8_t *from[SG_POLICY_EC_DATA_MAX], *to[SG_POLICY_EC_DATA_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < k; i++) {
        memcpy(part + i * k, matrix + chosen[i] * k, k);
        from[i] = shards[chosen[i]];
    }
    if (gf_invert_matrix(part, inverse, (int)k) != 0)
        return sg_raise(-EIO);
    for (unsigned i = 0; i < k; i++)
        if (!(present >> i & 1)) {
            memcpy(wanted + n * k, inverse + i * k, k);
            to[n++] = shards[i];
        }
    if (n == 0)
        return 0;
    ec_init_tables((int)k, (int)n, wanted, tables);
    ec_encode_data((int)len, (int)k, (int)n, tables, from, to);
    return 0;
}

static void rebuild_parity(unsigned k, unsigned m, size_t len, uint8_t *const *shards,
                           uint32_t present, const uint8_t *matrix)
{
    uint8_t wanted[SG_POLICY_EC_PARITY_MAX * SG_POLICY_EC_DATA_MAX], tables[TABLE_BYTES];
    uint8_t *from[SG_POLICY_EC_DATA_MAX], *to[SG_POLICY_EC_PARITY_MAX];
    unsigned n = 0;
    memcpy(from, shards, k * sizeof(*from));
    for (unsigned i = k; i < k + m; i++)
        if (!(present >> i & 1)) {
            memcpy(wanted + n * k, matrix + i * k, k);
            to[n++] = shards[i];
        }
    if (n == 0)
        return;
    ec_init_tables((int)k, (int)n, wanted, tables);
    ec_encode_data((int)len, (int)k, (int)n, tables, from, to);
}

int sg_ec_rebuild(unsigned k, unsigned m, size_t len, uint8_t *const *shards, uint32_t present)
{
    uint8_t matrix[SG_EC_SHARDS_MAX * SG_POLICY_EC_DATA_MAX];
    unsigned chosen[SG_EC_SHARDS_MAX];
    sg_assert(k >= 1 && k <= SG_POLICY_EC_DATA_MAX && m <= SG_POLICY_EC_PARITY_MAX);
    if (choose(k, m, present, chosen) < k)
        return SG_EC_TOO_FEW;
    gf_gen_cauchy1_matrix(matrix, (int)(k + m), (int)k);
    int r = rebuild_data(k, len, shards, present, chosen, matrix);
    if (r < 0)
        return r;
    rebuild_parity(k, m, len, shards, present, matrix);
    return 0;
}
