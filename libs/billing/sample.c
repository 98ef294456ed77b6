/* sample - how many points, which, and over what. */
#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/sample.h>
#include <sealgrid/crypto/hash.h>

#include "sample-int.h"

#include <stdio.h>

#define CHALLENGE       "sealgrid-challenge-v1"
#define CHALLENGE_ITEMS 7
#define MICRO           1000000

/* ---- how many ------------------------------------------------------------------------------ */

uint32_t sg_sample_size(uint32_t confidence_ppm, uint32_t tolerable_ppm)
{
    const uint64_t one = UINT64_C(1) << 62;
    /* Fractions of 2^62: what is left is never rounded down, the bound never up. */
    uint64_t keep, bound, left = one;

    if (confidence_ppm == 0 || confidence_ppm >= SG_SAMPLE_PPM || tolerable_ppm == 0 ||
        tolerable_ppm >= SG_SAMPLE_PPM)
        return 0;
    keep = (uint64_t)(((unsigned __int128)(SG_SAMPLE_PPM - tolerable_ppm) * one +
                       (SG_SAMPLE_PPM - 1)) /
                      SG_SAMPLE_PPM);
    bound = (uint64_t)((unsigned __int128)(SG_SAMPLE_PPM - confidence_ppm) * one / SG_SAMPLE_PPM);
    for (uint32_t n = 1; n <= SG_SAMPLE_POINTS_MAX; n++) {
        left = (uint64_t)(((unsigned __int128)left * keep + (one - 1)) >> 62);
        if (left <= bound)
            return n;
    }
    return 0;
}

/* ---- the challenge ------------------------------------------------------------------------- */

int sg_challenge_put(struct sg_buf *out, const struct sg_challenge *c)
{
    int r = sg_cbor_put_array(out, CHALLENGE_ITEMS);
    if (!r)
        r = sg_cbor_put_text(out, CHALLENGE);
    if (!r)
        r = sg_cbor_put_bytes(out, SG_BYTES_ARRAY(c->nonce));
    if (!r)
        r = sg_cbor_put_bytes(out, SG_BYTES_ARRAY(c->commitment));
    if (!r)
        r = sg_cbor_put_uint(out, c->bills);
    if (!r)
        r = sg_cbor_put_uint(out, c->confidence_ppm);
    if (!r)
        r = sg_cbor_put_uint(out, c->tolerable_ppm);
    return r ? r : sg_cbor_put_uint(out, c->points);
}

static bool take_u32(struct sg_reader *in, uint32_t *ret)
{
    uint64_t v;

    if (sg_cbor_get_uint(in, &v) != 0 || v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

int sg_challenge_take(struct sg_bytes b, struct sg_challenge *ret)
{
    struct sg_reader in = sg_reader_over(b);
    struct sg_challenge c = {.points = 0};
    struct sg_bytes magic;
    uint64_t n;

    if (b.len > SG_CHALLENGE_MAX || sg_cbor_get_array(&in, &n) != 0 || n != CHALLENGE_ITEMS ||
        sg_cbor_get_text(&in, &magic) != 0 || !sg_bytes_equal(magic, SG_BYTES_LIT(CHALLENGE)) ||
        sg_cbor_get_octets(&in, c.nonce, sizeof(c.nonce)) != 0 ||
        sg_cbor_get_octets(&in, c.commitment, sizeof(c.commitment)) != 0 ||
        sg_cbor_get_uint(&in, &c.bills) != 0 || !take_u32(&in, &c.confidence_ppm) ||
        !take_u32(&in, &c.tolerable_ppm) || !take_u32(&in, &c.points) || in.left)
        return SG_PROOF_MALFORMED;
    if (c.bills == 0 || c.bills > SG_SAMPLE_BILLS_MAX || c.points == 0 ||
        c.points != sg_sample_size(c.confidence_ppm, c.tolerable_ppm))
        return SG_PROOF_MALFORMED;
    *ret = c;
    return 0;
}

int sg_sample_check_nonce(const struct sg_challenge *c, const uint8_t nonce_hash[32])
{
    uint8_t hash[32];

    sg_sha256(hash, SG_BYTES_ARRAY(c->nonce));
    return memcmp(hash, nonce_hash, 32) ? SG_SAMPLE_NONCE : 0;
}

/* ---- the population ------------------------------------------------------------------------ */

/* Energy of one bucket in one direction, laid end to end with the others in uWh after ratio. */
struct range {
    unsigned __int128 from;
    uint32_t bill, bucket;
    bool is_export;
};

struct sg_population {
    const struct sg_proof_bill *bills;
    size_t n;
    struct range *ranges;
    size_t n_ranges;
    unsigned __int128 value;
};

static int bad(char why[160], const struct sg_proof_bill *b, const char *what)
{
    snprintf(why, 160, "bill of client %lld: %s", (long long)b->client, what);
    return SG_SAMPLE_BAD_BILLS;
}

/* Meters follow each other in time: no reading can belong to two. */
static const char *wrong_meters(const struct sg_proof_bill *b)
{
    for (size_t i = 0; i < b->n_meters; i++) {
        const struct sg_proof_meter *m = &b->meters[i];
        if (m->ratio_num < 1 || m->ratio_num > MICRO || m->ratio_den < 1 || m->ratio_den > MICRO)
            return "impossible ratio";
        if (m->from_s >= m->until_s || (i && m->from_s < b->meters[i - 1].until_s))
            return "meters overlap in time";
    }
    return NULL;
}

/* Ascending by piece, meter, post, and pieces do not overlap: no interval can belong to two. */
static const char *wrong_buckets(const struct sg_proof_bill *b)
{
    for (size_t i = 0; i < b->n_buckets; i++) {
        const struct sg_bucket *k = &b->buckets[i], *last = i ? k - 1 : NULL;
        if (k->meter >= b->n_meters || k->from_day >= k->until_day || k->import_wh < 0 ||
            k->import_wh > SG_TOTAL_MAX || k->export_wh < 0 || k->export_wh > SG_TOTAL_MAX)
            return "impossible bucket";
        if (!last)
            continue;
        bool same = k->from_day == last->from_day && k->until_day == last->until_day;
        if (!same && k->from_day < last->until_day)
            return "buckets overlap in time";
        if (same && (k->meter < last->meter || (k->meter == last->meter && k->post <= last->post)))
            return "the same bucket twice, or out of order";
    }
    return NULL;
}

static bool follows(const struct sg_proof_bill *a, const struct sg_proof_bill *b)
{
    return a->client < b->client || (a->client == b->client && a->until_s <= b->from_s);
}

static unsigned __int128 value_of(const struct sg_proof_bill *b, int64_t wh, size_t meter)
{
    const struct sg_proof_meter *m = &b->meters[meter];
    return (unsigned __int128)(uint64_t)wh * (uint64_t)m->ratio_num * MICRO /
           (uint64_t)m->ratio_den;
}

static void add_range(struct sg_population *p, size_t bill, size_t bucket, bool is_export)
{
    const struct sg_bucket *k = &p->bills[bill].buckets[bucket];
    unsigned __int128 value =
        value_of(&p->bills[bill], is_export ? k->export_wh : k->import_wh, k->meter);

    if (value == 0)
        return;
    p->ranges[p->n_ranges++] =
        (struct range){p->value, (uint32_t)bill, (uint32_t)bucket, is_export};
    p->value += value; /* 2^63 * 2^20 * 2^20 * 2^21 bills * 2^12 buckets would be too much ... */
}

static int add_bill(struct sg_population *p, size_t i, char why[160])
{
    const struct sg_proof_bill *b = &p->bills[i];
    const char *wrong = wrong_meters(b);

    if (!wrong)
        wrong = wrong_buckets(b);
    if (!wrong && i && !follows(b - 1, b))
        wrong = "not after the one before it in client and time";
    if (wrong)
        return bad(why, b, wrong);
    for (size_t k = 0; k < b->n_buckets; k++) {
        add_range(p, i, k, false);
        add_range(p, i, k, true);
        if (p->value >> 110) /* ... so it is bounded before another 2^104 comes */
            return bad(why, b, "more energy than there is");
    }
    return 0;
}

int sg_population_new(struct sg_population **ret, const struct sg_proof_bill *bills, size_t n,
                      char why[160])
{
    SG_CLEANUP(sg_population_freep) struct sg_population *p = calloc(1, sizeof(*p));
    size_t buckets = 0;
    int r = 0;

    if (!p)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        buckets += bills[i].n_buckets;
    *p = (struct sg_population){.bills = bills, .n = n};
    p->ranges = calloc(2 * buckets + 1, sizeof(*p->ranges));
    if (!p->ranges)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n && !r; i++)
        r = add_bill(p, i, why);
    if (r)
        return r;
    if (!p->value) {
        snprintf(why, 160, "no measured energy on %zu bills", n);
        return SG_SAMPLE_BAD_BILLS;
    }
    *ret = TAKE_PTR(p);
    return 0;
}

void sg_population_free(struct sg_population *p)
{
    if (!p)
        return;
    free(p->ranges);
    free(p);
}

void sg_population_commitment(const struct sg_population *p, uint8_t ret[32])
{
    struct sg_merkle tree;
    uint8_t leaf[32];

    sg_merkle_init(&tree);
    for (size_t i = 0; i < p->n; i++) {
        const struct sg_bytes part = SG_BYTES_ARRAY(p->bills[i].sha256);
        sg_merkle_leaf(leaf, &part, 1);
        sg_merkle_add(&tree, leaf);
    }
    sg_merkle_finish(&tree, ret);
}

uint64_t sg_population_wh(const struct sg_population *p)
{
    unsigned __int128 wh = p->value / MICRO;
    return wh > UINT64_MAX ? UINT64_MAX : (uint64_t)wh;
}

const struct sg_proof_bill *sg_population_bill(const struct sg_population *p, size_t i)
{
    return i < p->n ? &p->bills[i] : NULL;
}

/* ---- which --------------------------------------------------------------------------------- */

static void make_seed(const struct sg_challenge *c, uint8_t ret[32])
{
    uint8_t numbers[8];

    sg_store_be32(numbers, c->confidence_ppm);
    sg_store_be32(numbers + 4, c->tolerable_ppm);
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sealgrid-sample-v1"), SG_BYTES_ARRAY(c->nonce),
                                     SG_BYTES_ARRAY(c->commitment), SG_BYTES_ARRAY(numbers)};
    sg_sha256_parts(ret, parts, 4);
}

/* Uniform in 0..value-1: numbers past the last whole multiple are thrown away. */
static unsigned __int128 draw(const uint8_t seed[32], uint32_t k, unsigned __int128 value)
{
    const unsigned __int128 all = ~(unsigned __int128)0;
    /* 2^128 mod value, so that all - excess is the last number of a whole multiple. */
    unsigned __int128 excess = (all % value + 1) % value, x;
    uint8_t data[40], hash[32];

    memcpy(data, seed, 32);
    sg_store_be32(data + 32, k);
    for (uint32_t again = 0;; again++) {
        sg_store_be32(data + 36, again);
        sg_sha256(hash, SG_BYTES_ARRAY(data));
        x = (unsigned __int128)sg_load_be64(hash) << 64 | sg_load_be64(hash + 8);
        if (x <= all - excess)
            return x % value;
    }
}

static struct sg_point point_at(const struct sg_population *p, unsigned __int128 at)
{
    size_t lo = 0, hi = p->n_ranges;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->ranges[mid].from <= at)
            lo = mid;
        else
            hi = mid;
    }
    const struct range *g = &p->ranges[lo];
    const struct sg_bucket *k = &p->bills[g->bill].buckets[g->bucket];
    const struct sg_proof_meter *m = &p->bills[g->bill].meters[k->meter];
    int64_t most = (g->is_export ? k->export_wh : k->import_wh) - 1;
    unsigned __int128 wh = (at - g->from) * (uint64_t)m->ratio_den /
                           ((unsigned __int128)(uint64_t)m->ratio_num * MICRO);
    return (struct sg_point){.bill = g->bill,
                             .bucket = g->bucket,
                             .is_export = g->is_export,
                             .wh = wh > (uint64_t)most ? most : (int64_t)wh};
}

int sg_sample_draw(const struct sg_population *p, const struct sg_challenge *c,
                   struct sg_point **ret)
{
    uint8_t commitment[32], seed[32];
    struct sg_point *points;

    sg_population_commitment(p, commitment);
    if (c->bills != p->n || memcmp(commitment, c->commitment, 32))
        return SG_SAMPLE_COMMITMENT;
    points = calloc(c->points, sizeof(*points));
    if (!points)
        return sg_raise(-ENOMEM);
    make_seed(c, seed);
    for (uint32_t k = 0; k < c->points; k++)
        points[k] = point_at(p, draw(seed, k, p->value));
    *ret = points;
    return 0;
}
