/* proof - leaves, totals and roots of buckets. */
#include <sealgrid/billing/proof.h>
#include <sealgrid/crypto/hash.h>

#define PREFIX_LEAF 2
#define PREFIX_ROOT 4

struct sg_totals sg_totals_of(int64_t energy_wh)
{
    return energy_wh < 0 ? (struct sg_totals){0, -energy_wh} : (struct sg_totals){energy_wh, 0};
}

static void store_totals(uint8_t *at, struct sg_totals t)
{
    sg_store_be64(at, (uint64_t)t.import_wh);
    sg_store_be64(at + 8, (uint64_t)t.export_wh);
}

void sg_total_leaf(uint8_t ret[32], const uint8_t content[32], struct sg_totals before)
{
    uint8_t data[49] = {PREFIX_LEAF};

    memcpy(data + 1, content, 32);
    store_totals(data + 33, before);
    sg_sha256(ret, SG_BYTES_ARRAY(data));
}

void sg_total_root(uint8_t ret[32], uint64_t count, struct sg_totals sum, const uint8_t top[32])
{
    uint8_t data[57] = {PREFIX_ROOT};

    sg_store_be64(data + 1, count);
    store_totals(data + 9, sum);
    memcpy(data + 25, top, 32);
    sg_sha256(ret, SG_BYTES_ARRAY(data));
}

static bool within(struct sg_totals t, int64_t import_wh, int64_t export_wh)
{
    return t.import_wh >= 0 && t.import_wh <= import_wh && t.export_wh >= 0 &&
           t.export_wh <= export_wh;
}

/* Every number in its range, and what the leaf holds does not reach past the bucket's sums. */
static bool bounded(const struct sg_bucket *b, const struct sg_leaf *leaf)
{
    return b->import_wh <= SG_TOTAL_MAX && b->export_wh <= SG_TOTAL_MAX &&
           within(leaf->before, b->import_wh, b->export_wh) &&
           within(leaf->own, b->import_wh - leaf->before.import_wh,
                  b->export_wh - leaf->before.export_wh);
}

int sg_bucket_check(const struct sg_bucket *bucket, const struct sg_leaf *leaf,
                    const uint8_t (*path)[32], size_t path_len)
{
    uint8_t node[32], root[32];

    if (!bounded(bucket, leaf))
        return SG_PROOF_OVERFLOW;
    if (leaf->index >= bucket->intervals)
        return SG_PROOF_MISMATCH;
    sg_total_leaf(node, leaf->content, leaf->before);
    if (!sg_merkle_climb(node, leaf->index, bucket->intervals, path, path_len))
        return SG_PROOF_MISMATCH;
    sg_total_root(root, bucket->intervals, (struct sg_totals){bucket->import_wh, bucket->export_wh},
                  node);
    return memcmp(root, bucket->root, 32) ? SG_PROOF_MISMATCH : 0;
}
