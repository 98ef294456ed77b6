/* fault - see fault.h. */
#include "fault.h"

#include <stdio.h>

const char *fault_word(enum fault f)
{
    static const char *const words[] = {
#define F(id, word) word,
        FAULTS(F)
#undef F
    };
    return words[f];
}

#define ENERGY SG_READING_interval_energy

struct spot {
    struct sg_evidence_block *block; /* one of lie.changed, already in its place */
    size_t at;
};

static bool in_period(const struct scenario *s, int64_t ts_s)
{
    return ts_s > s->from_s && ts_s <= s->until_s;
}

static bool overlaps(const struct scenario *s, const struct sg_evidence_block *b)
{
    return b->readings[b->n_readings - 1].ts_s > s->from_s && b->readings[0].ts_s <= s->until_s;
}

/* A reading of the period, in a copy of its block. */
static bool choose(const struct scenario *s, struct sg_prng *random, struct lie *lie, size_t copy,
                   struct spot *ret)
{
    size_t k = sg_prng_below(random, lie->n_blocks);
    struct sg_evidence_block *b = &lie->changed[copy];

    if (copy == 1 && lie->blocks[k] == &lie->changed[0])
        b = &lie->changed[0];
    else
        *b = *lie->blocks[k];
    lie->blocks[k] = b;
    *ret = (struct spot){b, sg_prng_below(random, b->n_readings)};
    return b->n_readings && in_period(s, b->readings[ret->at].ts_s);
}

static void remove_reading(struct sg_evidence_block *b, size_t at, size_t n)
{
    memmove(&b->readings[at], &b->readings[at + n],
            (b->n_readings - at - n) * sizeof(b->readings[0]));
    b->n_readings -= n;
}

static void insert_block(struct lie *lie, size_t at, const struct sg_evidence_block *b)
{
    memmove(&lie->blocks[at + 1], &lie->blocks[at], (lie->n_blocks - at) * sizeof(lie->blocks[0]));
    lie->blocks[at] = b;
    lie->n_blocks++;
}

/* ---- a bill that fits ---------------------------------------------------------------------- */

bool fault_bill(const struct scenario *s, struct lie *lie, const struct sc_terms *terms,
                const struct sc_charged *charged, size_t n)
{
    struct sg_bill bill = {.client = 0};

    if (scenario_bill(s, terms, charged, n, &bill) != 0)
        return false;
    memcpy(bill.tariff_id, s->bill.tariff_id, sizeof(bill.tariff_id));
    memcpy(bill.tariff_sha256, s->bill.tariff_sha256, 32);
    memcpy(bill.zone, s->bill.zone, sizeof(bill.zone));
    sg_bill_clear(&lie->bill);
    lie->bill = bill;
    return true;
}

static bool bill_again(const struct scenario *s, struct lie *lie, const struct sg_tariff *t,
                       const struct sg_bill_install *installs, const struct sc_charged *charged,
                       size_t n)
{
    struct sc_terms terms = scenario_terms(s);

    terms.tariff = t;
    terms.installs = installs;
    return fault_bill(s, lie, &terms, charged, n);
}

static bool bill_charged(const struct scenario *s, struct lie *lie,
                         const struct sc_charged *charged, size_t n)
{
    return bill_again(s, lie, s->world->tariff[s->tariff], s->installs, charged, n);
}

/* From what now stands in the file. */
static bool bill_file(const struct scenario *s, struct lie *lie, bool hashed)
{
    struct sc_charged charged[SC_READINGS_MAX];
    size_t n;

    return scenario_charges(s, lie->blocks, lie->n_blocks, hashed, charged, &n) == 0 &&
           bill_charged(s, lie, charged, n);
}

/* How far the trace of a change is covered up: not at all; leaf hashes too; the bill too. */
static bool cover_up(const struct scenario *s, struct sg_prng *random, struct lie *lie,
                     struct sg_evidence_block *b)
{
    bool hashes = sg_prng_below(random, 2), bill = sg_prng_below(random, 2);

    for (size_t i = 0; i < b->n_readings && hashes; i++) {
        uint64_t at = b->readings[i].seq - b->evidence.header.first_seq;
        if (at < b->n_leaves && sg_block_reading_hash(b->evidence.seed, (uint32_t)at,
                                                      &b->readings[i], b->leaves[at]) != 0)
            return false;
    }
    size_t len = strlen(lie->what);
    snprintf(lie->what + len, sizeof(lie->what) - len, "%s%s", hashes ? ", hashes too" : "",
             bill ? ", bill too" : "");
    if (!bill)
        return true;
    return bill_file(s, lie, hashes);
}

/* ---- the faults ---------------------------------------------------------------------------- */

static bool drop(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct spot p;

    if (!choose(s, random, lie, 0, &p))
        return false;
    switch (sg_prng_below(random, 4)) {
    case 0: {
        size_t k = sg_prng_below(random, lie->n_blocks);
        snprintf(lie->what, sizeof(lie->what), "block %zu", k);
        if (!overlaps(s, lie->blocks[k]))
            return false; /* nothing of it is on this bill */
        memmove(&lie->blocks[k], &lie->blocks[k + 1],
                (lie->n_blocks - k - 1) * sizeof(lie->blocks[0]));
        lie->n_blocks--;
        return !sg_prng_below(random, 2) || bill_file(s, lie, false);
    }
    case 1: { /* a run, with its leaf hashes: as if the block had never had it */
        size_t n = 1 + sg_prng_below(random, p.block->n_readings - p.at);
        snprintf(lie->what, sizeof(lie->what), "%zu from %zu, leaves shortened", n, p.at);
        remove_reading(p.block, p.at, n);
        memmove(p.block->leaves[p.at], p.block->leaves[p.at + n],
                32 * (p.block->n_leaves - p.at - n));
        p.block->n_leaves -= n;
        return cover_up(s, random, lie, p.block);
    }
    case 2: { /* from the bill alone */
        struct sc_charged charged[SC_READINGS_MAX];
        size_t at = sg_prng_below(random, s->n_charged);
        memcpy(charged, s->charged, s->n_charged * sizeof(charged[0]));
        memmove(&charged[at], &charged[at + 1], (s->n_charged - at - 1) * sizeof(charged[0]));
        snprintf(lie->what, sizeof(lie->what), "%zu from the bill alone", at);
        return bill_charged(s, lie, charged, s->n_charged - 1);
    }
    default:
        snprintf(lie->what, sizeof(lie->what), "reading %zu", p.at);
        remove_reading(p.block, p.at, 1);
        return cover_up(s, random, lie, p.block);
    }
}

static bool repeat(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sc_charged charged[SC_READINGS_MAX];
    struct spot p;

    if (!choose(s, random, lie, 0, &p))
        return false;
    switch (sg_prng_below(random, 4)) {
    case 0:
        snprintf(lie->what, sizeof(lie->what), "block");
        insert_block(lie, sg_prng_below(random, lie->n_blocks + 1), p.block);
        return true;
    case 1: /* charged twice, in its own interval */
        memcpy(charged, s->charged, sizeof(charged));
        p.at = sg_prng_below(random, s->n_charged);
        charged[p.at].energy_wh *= 2;
        snprintf(lie->what, sizeof(lie->what), "charge %zu doubled", p.at);
        return bill_charged(s, lie, charged, s->n_charged);
    case 2: /* in the place of the next */
        if (p.at + 1 >= p.block->n_readings)
            return false;
        p.block->readings[p.at + 1].field[ENERGY] = p.block->readings[p.at].field[ENERGY];
        snprintf(lie->what, sizeof(lie->what), "%zu's energy told twice", p.at);
        return cover_up(s, random, lie, p.block);
    default:
        snprintf(lie->what, sizeof(lie->what), "reading %zu", p.at);
        p.block->readings[p.block->n_readings++] = p.block->readings[p.at];
        return cover_up(s, random, lie, p.block);
    }
}

static bool swap(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sc_charged charged[SC_READINGS_MAX];
    struct spot p, q;

    if (sg_prng_below(random, 3) == 0) { /* on the bill alone */
        size_t i = sg_prng_below(random, s->n_charged), j = sg_prng_below(random, s->n_charged);
        int64_t energy = s->charged[i].energy_wh;
        memcpy(charged, s->charged, sizeof(charged));
        charged[i].energy_wh = charged[j].energy_wh;
        charged[j].energy_wh = energy;
        snprintf(lie->what, sizeof(lie->what), "charges %zu and %zu", i, j);
        return bill_charged(s, lie, charged, s->n_charged);
    }
    if (!choose(s, random, lie, 0, &p) || !choose(s, random, lie, 1, &q))
        return false;
    struct sg_reading *a = &p.block->readings[p.at], *b = &q.block->readings[q.at], old = *a;
    bool whole = sg_prng_below(random, 2);
    if (!memcmp(a->field, b->field, sizeof(a->field)))
        return false;
    *a = *b;
    *b = old;
    if (!whole) { /* each keeps its number and time: the contents change places */
        b->seq = a->seq;
        b->ts_s = a->ts_s;
        a->seq = old.seq;
        a->ts_s = old.ts_s;
    }
    if (whole && p.block == q.block)
        return false; /* another order of the list, nothing else */
    snprintf(lie->what, sizeof(lie->what), "readings %zu and %zu%s", p.at, q.at,
             whole ? ", numbers and all" : "");
    return cover_up(s, random, lie, sg_prng_below(random, 2) ? p.block : q.block);
}

static bool edit(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct spot p;

    if (!choose(s, random, lie, 0, &p))
        return false;
    int64_t *field = sg_prng_below(random, 3)
                         ? &p.block->readings[p.at].field[ENERGY]
                         : &p.block->readings[p.at].field[SG_READING_voltage_a];
    *field += sg_prng_below(random, 2) ? 1 : -1;
    snprintf(lie->what, sizeof(lie->what), "reading %zu", p.at);
    return cover_up(s, random, lie, p.block);
}

static bool add_foreign(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    const struct sg_evidence_block *other = s->blocks[s->neighbour];
    size_t k = sg_prng_below(random, lie->n_blocks);
    struct spot p;

    switch (sg_prng_below(random, 5)) {
    case 0: /* a neighbour's block, as signed */
        lie->blocks[k] = other;
        snprintf(lie->what, sizeof(lie->what), "block in the place of %zu", k);
        return !sg_prng_below(random, 2) || bill_file(s, lie, false);
    case 1: /* under our meter's name */
        lie->changed[0] = *other;
        memcpy(lie->changed[0].evidence.header.serial, lie->blocks[k]->evidence.header.serial,
               sizeof(lie->changed[0].evidence.header.serial));
        lie->blocks[k] = &lie->changed[0];
        snprintf(lie->what, sizeof(lie->what), "block relabelled in the place of %zu", k);
        return !sg_prng_below(random, 2) || bill_file(s, lie, false);
    case 2:
        snprintf(lie->what, sizeof(lie->what), "block beside ours");
        insert_block(lie, k, other);
        return true;
    case 3: /* a meter that told a time twice: both are signed */
        snprintf(lie->what, sizeof(lie->what), "second telling");
        insert_block(lie, k, s->blocks[s->second]);
        return true;
    default:
        if (!choose(s, random, lie, 0, &p))
            return false;
        p.block->readings[p.at] = other->readings[sg_prng_below(random, other->n_readings)];
        snprintf(lie->what, sizeof(lie->what), "reading in the place of %zu", p.at);
        return cover_up(s, random, lie, p.block);
    }
}

static int64_t shift(const struct scenario *s, struct sg_prng *random)
{
    int64_t step = s->bill.interval_s;
    int64_t by = sg_prng_below(random, 2) ? step * (int64_t)(1 + sg_prng_below(random, 4)) : 3600;

    return sg_prng_below(random, 2) ? by : -by;
}

static bool retime(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    int64_t by = shift(s, random);
    struct spot p;

    if (!choose(s, random, lie, 0, &p))
        return false;
    switch (sg_prng_below(random, 3)) {
    case 0: /* a whole block, as a clock set wrong would */
        p.block->evidence.header.first_ts_s += by;
        for (size_t i = 0; i < p.block->n_readings; i++)
            p.block->readings[i].ts_s += by;
        snprintf(lie->what, sizeof(lie->what), "block by %lld s", (long long)by);
        return cover_up(s, random, lie, p.block);
    case 1: /* its number */
        p.block->readings[p.at].seq += (uint64_t)(int64_t)(by / (int64_t)s->bill.interval_s);
        snprintf(lie->what, sizeof(lie->what), "number of %zu", p.at);
        return p.block->readings[p.at].seq > 0 && cover_up(s, random, lie, p.block);
    default:
        p.block->readings[p.at].ts_s += by;
        snprintf(lie->what, sizeof(lie->what), "reading %zu by %lld s", p.at, (long long)by);
        return cover_up(s, random, lie, p.block);
    }
}

/* A reading's energy goes to another one: of another post, day, meter, side of a DST change. */
static bool move_energy(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sc_charged charged[SC_READINGS_MAX];
    size_t i = sg_prng_below(random, s->n_charged), j = sg_prng_below(random, s->n_charged);
    int64_t most = s->charged[i].energy_wh;
    int64_t wh = most > 0 ? 1 + (int64_t)sg_prng_below(random, (uint64_t)most) : 0;

    memcpy(charged, s->charged, sizeof(charged));
    charged[i].energy_wh -= wh;
    charged[j].energy_wh += wh;
    snprintf(lie->what, sizeof(lie->what), "%lld Wh from %zu to %zu", (long long)wh, i, j);
    return bill_charged(s, lie, charged, s->n_charged);
}

/* Readings of the last meter charged under the other one's serial and ratio. */
static bool move_exchange(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sg_bill_install installs[2] = {s->installs[0], s->installs[1]};
    struct sc_charged charged[SC_READINGS_MAX];
    int64_t by = shift(s, random);

    if (s->n_installs < 2)
        return false;
    installs[0].until_s += by;
    installs[1].from_s += by;
    memcpy(charged, s->charged, sizeof(charged));
    for (size_t i = 0; i < s->n_charged; i++)
        charged[i].serial = installs[charged[i].ts_s > installs[1].from_s].serial;
    snprintf(lie->what, sizeof(lie->what), "exchange by %lld s", (long long)by);
    return installs[0].from_s < installs[0].until_s &&
           bill_again(s, lie, s->world->tariff[s->tariff], installs, charged, s->n_charged);
}

static bool move(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sc_charged charged[SC_READINGS_MAX];
    int64_t by = shift(s, random);
    size_t k = s->tariff / 3 * 3 + sg_prng_below(random, 3);

    switch (sg_prng_below(random, 4)) {
    case 0: /* as if the clocks went otherwise */
        snprintf(lie->what, sizeof(lie->what), "to the posts of tariff %zu", k);
        return k != s->tariff &&
               bill_again(s, lie, s->world->tariff[k], s->installs, s->charged, s->n_charged);
    case 1:
        return move_exchange(s, random, lie);
    case 2: { /* everything a little later or earlier: across post, day and period */
        size_t n = 0;
        for (size_t i = 0; i < s->n_charged; i++) {
            charged[n] = s->charged[i];
            charged[n].ts_s += by;
            n += in_period(s, charged[n].ts_s);
        }
        snprintf(lie->what, sizeof(lie->what), "all charges by %lld s", (long long)by);
        return bill_charged(s, lie, charged, n);
    }
    default:
        return move_energy(s, random, lie);
    }
}

/* The buckets say less, more, or something else than the readings, all else being honest. */
static bool rewrite_buckets(struct sg_prng *random, struct sg_bill *b, int64_t one)
{
    struct sg_bucket *k = &b->buckets[sg_prng_below(random, b->n_buckets)];
    struct sg_bucket *other = &b->buckets[sg_prng_below(random, b->n_buckets)], old = *k;

    switch (sg_prng_below(random, 5)) {
    case 0:
        k->root[sg_prng_below(random, 32)] ^= (uint8_t)(1u << sg_prng_below(random, 8));
        return true;
    case 1: /* one Wh from one class to another, so that sums stay */
        k->import_wh -= 1;
        other->import_wh += 1;
        return k != other;
    case 2: /* two classes change places */
        k->post = other->post;
        other->post = old.post;
        return k->post != old.post;
    case 3:
        k->readings += (uint64_t)one;
        return true;
    default:
        if (b->n_buckets < 2)
            return false;
        memmove(k, k + 1, (size_t)(&b->buckets[b->n_buckets] - (k + 1)) * sizeof(*k));
        b->n_buckets--;
        return true;
    }
}

static bool rewrite(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sg_bill_install installs[2] = {s->installs[0], s->installs[1]};
    struct sg_bill *b = &lie->bill;
    int64_t one = sg_prng_below(random, 2) ? 1 : -1;

    switch (sg_prng_below(random, 10)) {
    case 7:
    case 8:
        snprintf(lie->what, sizeof(lie->what), "buckets");
        return rewrite_buckets(random, b, one);
    case 9: /* another key under the meter's serial */
        snprintf(lie->what, sizeof(lie->what), "certificate");
        b->meters[sg_prng_below(random, b->n_meters)].certificate_sha256[3] ^= 1;
        return true;
    case 0: /* another ratio, everything worked out by it */
        installs[sg_prng_below(random, s->n_installs)].ratio_num += 1;
        snprintf(lie->what, sizeof(lie->what), "ratio");
        return bill_again(s, lie, s->world->tariff[s->tariff], installs, s->charged, s->n_charged);
    case 1:
        b->root[sg_prng_below(random, 32)] ^= (uint8_t)(1u << sg_prng_below(random, 8));
        return true;
    case 2:
        b->total += one;
        return true;
    case 3:
        b->lines[sg_prng_below(random, b->n_lines)].amount += one;
        return true;
    case 4:
        b->billed -= 1;
        b->missing += 1;
        return true;
    case 5:
        b->client += one;
        return true;
    default:
        if (sg_prng_below(random, 2))
            b->until_s += one * (int64_t)b->interval_s;
        else
            b->from_s += one * (int64_t)b->interval_s;
        return true;
    }
}

/* ---- one fault ----------------------------------------------------------------------------- */

static bool changed(const struct scenario *s, const struct lie *lie)
{
    if (lie->n_blocks != s->signed_blocks)
        return true;
    for (size_t i = 0; i < lie->n_blocks; i++) {
        const struct sg_evidence_block *a = lie->blocks[i], *b = s->blocks[i];
        if (a != b &&
            (a->n_readings != b->n_readings || a->n_leaves != b->n_leaves ||
             memcmp(a->leaves, b->leaves, sizeof(a->leaves)) ||
             memcmp(a->readings, b->readings, b->n_readings * sizeof(a->readings[0])) ||
             memcmp(&a->evidence.header, &b->evidence.header, sizeof(a->evidence.header))))
            return true;
    }
    if (lie->choices.n != s->choices.n ||
        memcmp(lie->choices.rows, s->choices.rows, s->choices.n * sizeof(s->choices.rows[0])))
        return true;
    const struct sg_bill *a = &s->bill, *b = &lie->bill;
    return sg_bill_difference(a, b) != NULL;
}

bool fault_make(enum fault f, const struct scenario *s, struct sg_prng *random, struct lie *ret)
{
    static bool (*const make[N_FAULTS])(const struct scenario *, struct sg_prng *, struct lie *) = {
        [FAULT_DROPPED] = drop,
        [FAULT_REPEATED] = repeat,
        [FAULT_SWAPPED] = swap,
        [FAULT_EDITED] = edit,
        [FAULT_FOREIGN] = add_foreign,
        [FAULT_RETIMED] = retime,
        [FAULT_MOVED] = move,
        [FAULT_BILL] = rewrite,
        [FAULT_CONTRACT] = fault_contract,
        [FAULT_CHOICE] = fault_choice,
    };

    ret->n_blocks = s->signed_blocks;
    for (size_t i = 0; i < s->signed_blocks; i++)
        ret->blocks[i] = s->blocks[i];
    ret->what[0] = 0;
    ret->choices = s->choices;
    sg_bill_clear(&ret->bill);
    if (sg_bill_copy(&ret->bill, &s->bill) != 0)
        return false;
    return make[f](s, random, ret) && changed(s, ret);
}
