/* prover - proofs from an evidence file. */
#include <sealgrid/billing/reading-proof.h>

/* A signed reading of the period: which block of the file, and where in it. */
struct spot {
    int64_t ts_s, energy_wh;
    size_t meter, block;
    uint32_t index;
    uint8_t leaf[32];
};

struct sg_prover {
    const struct sg_proof_bill *bill;
    struct sg_evidence_reader *blocks; /* each before its block */
    size_t n_blocks;
    struct spot *spots; /* by time */
    size_t n, capacity;
    struct sg_buckets *buckets;
    struct sg_evidence_block block; /* the one read last */
};

void sg_prover_free(struct sg_prover *p)
{
    if (!p)
        return;
    sg_buckets_free(p->buckets);
    free(p->blocks);
    free(p->spots);
    free(p);
}

static bool meter_of(const struct sg_proof_bill *bill, const char *serial, int64_t ts_s,
                     size_t *ret)
{
    for (size_t i = 0; i < bill->n_meters; i++) {
        const struct sg_proof_meter *m = &bill->meters[i];
        if (ts_s > m->from_s && ts_s <= m->until_s && !strcmp(m->serial, serial)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static int add_spot(struct sg_prover *p, const struct spot *s)
{
    if (p->n == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 4096;
        struct spot *spots = reallocarray(p->spots, capacity, sizeof(*spots));
        if (!spots)
            return sg_raise(-ENOMEM);
        p->spots = spots;
        p->capacity = capacity;
    }
    p->spots[p->n++] = *s;
    return 0;
}

static int add_block(struct sg_prover *p)
{
    const struct sg_block_header *h = &p->block.evidence.header;
    int r = 0;

    if (p->block.n_leaves != h->count)
        return SG_PROVER_EVIDENCE;
    for (size_t i = 0; i < p->block.n_readings && !r; i++) {
        const struct sg_reading *reading = &p->block.readings[i];
        struct spot s = {.ts_s = reading->ts_s,
                         .energy_wh = reading->field[SG_READING_interval_energy],
                         .block = p->n_blocks,
                         .index = (uint32_t)i};
        if (s.energy_wh == SG_READING_NA || !meter_of(p->bill, h->serial, s.ts_s, &s.meter))
            continue;
        if (reading->seq != h->first_seq + i || i >= h->count)
            return SG_PROVER_EVIDENCE;
        memcpy(s.leaf, p->block.leaves[i], 32);
        r = add_spot(p, &s);
    }
    return r;
}

static int read_blocks(struct sg_prover *p, struct sg_bytes evidence)
{
    struct sg_evidence_reader reader, here;
    struct sg_evidence_head head;
    int r;

    if (sg_evidence_open(&reader, evidence, &head) != 0 || head.client != p->bill->client)
        return SG_PROVER_EVIDENCE;
    p->blocks = calloc((size_t)head.n_blocks + 1, sizeof(*p->blocks));
    if (!p->blocks)
        return sg_raise(-ENOMEM);
    for (here = reader; (r = sg_evidence_next(&reader, &p->block)) == 0; here = reader) {
        p->blocks[p->n_blocks] = here;
        r = add_block(p);
        if (r)
            return r;
        p->n_blocks++;
    }
    return r == SG_EVIDENCE_END ? 0 : r < 0 ? r : SG_PROVER_EVIDENCE;
}

static int compare_spots(const void *a, const void *b)
{
    const struct spot *x = a, *y = b;
    return (x->ts_s > y->ts_s) - (x->ts_s < y->ts_s);
}

/* The buckets again, which must be those on the bill. */
static int make_buckets(struct sg_prover *p, const struct sg_tariff *t)
{
    struct sg_bucket_meter meters[SG_PROOF_METERS_MAX];
    const struct sg_proof_bill *bill = p->bill;
    const struct sg_bucket *list;
    size_t n;
    int r;

    for (size_t i = 0; i < bill->n_meters; i++)
        meters[i] = (struct sg_bucket_meter){bill->meters[i].from_s, bill->meters[i].until_s};
    r = sg_buckets_new(&p->buckets, t, bill->from_s, bill->until_s, meters, bill->n_meters, true);
    for (size_t i = 0; i < p->n && !r; i++)
        r = sg_buckets_add(p->buckets, p->spots[i].meter, p->spots[i].ts_s, p->spots[i].energy_wh,
                           p->spots[i].leaf);
    if (!r)
        r = sg_buckets_finish(p->buckets, &list, &n);
    if (r)
        return r < 0 ? r : SG_PROVER_EVIDENCE;
    if (n != bill->n_buckets)
        return SG_PROVER_EVIDENCE;
    for (size_t i = 0; i < n; i++)
        if (memcmp(list[i].root, bill->buckets[i].root, 32))
            return SG_PROVER_EVIDENCE;
    return 0;
}

int sg_prover_new(struct sg_prover **ret, const struct sg_proof_bill *bill,
                  const struct sg_tariff *t, struct sg_bytes evidence)
{
    SG_CLEANUP(sg_prover_freep) struct sg_prover *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return sg_raise(-ENOMEM);
    p->bill = bill;
    r = read_blocks(p, evidence);
    if (!r && p->n)
        qsort(p->spots, p->n, sizeof(*p->spots), compare_spots);
    if (!r)
        r = make_buckets(p, t);
    if (r)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

bool sg_prover_leaf(const struct sg_prover *p, size_t bucket, bool is_export, int64_t wh,
                    struct sg_leaf *ret)
{
    return sg_buckets_leaf_at(p->buckets, bucket, is_export, wh, ret);
}

static const struct spot *spot_at(const struct sg_prover *p, int64_t ts_s)
{
    const struct spot key = {.ts_s = ts_s};
    return p->n ? bsearch(&key, p->spots, p->n, sizeof(*p->spots), compare_spots) : NULL;
}

static int prove_spot(const struct sg_prover *p, const struct spot *s, const struct sg_leaf *leaf,
                      struct sg_buf *ret)
{
    SG_FREE struct sg_evidence_block *block = malloc(sizeof(*block));
    SG_CLEANUP(sg_buf_clear) struct sg_buf inner = SG_BUF_INIT(SG_BLOCK_PROOF_MAX);
    struct sg_reading_proof proof = {
        .bucket = leaf->bucket, .index = leaf->index, .before = leaf->before};
    struct sg_evidence_reader reader = p->blocks[s->block];
    int r = block ? sg_evidence_next(&reader, block) : sg_raise(-ENOMEM);

    if (!r && block->n_readings != block->evidence.header.count)
        return SG_PROVER_NONE; /* without its neighbours there is no path */
    if (!r)
        r = sg_block_prove(&block->evidence, block->readings, s->index, &inner);
    if (r)
        return sg_fold(r);
    memcpy(proof.bill_sha256, p->bill->sha256, 32);
    proof.count = sg_buckets_get(p->buckets, leaf->bucket).intervals;
    proof.block = sg_buf_bytes(&inner);
    proof.path_len = sg_buckets_path(p->buckets, leaf, proof.path);
    return sg_reading_proof_put(ret, &proof);
}

int sg_prover_of(const struct sg_prover *p, const struct sg_leaf *leaf, struct sg_buf *ret)
{
    const struct spot *s = spot_at(p, leaf->ts_s);
    return s ? prove_spot(p, s, leaf, ret) : SG_PROVER_NONE;
}

int sg_prover_at(const struct sg_prover *p, int64_t ts_s, struct sg_buf *ret)
{
    const struct spot *s = spot_at(p, ts_s);
    struct sg_leaf leaf;

    if (!s || !sg_buckets_leaf_of(p->buckets, s->meter, ts_s, &leaf))
        return SG_PROVER_NONE;
    return prove_spot(p, s, &leaf, ret);
}
