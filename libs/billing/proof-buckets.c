/* proof-buckets - readings into the running-total trees of their meter, piece and post. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/proof.h>

#define PIECES_MAX 1024
#define TABLE_MAX  (1u << 20)
#define NO_BUCKET  UINT32_MAX
#define FIRST_ROOM 256

struct kept {
    uint8_t leaf[32], content[32];
    struct sg_totals before, own;
    int64_t ts_s;
};

struct bucket {
    struct sg_bucket out;
    struct sg_totals sum;
    struct sg_merkle *tree;
    struct kept *leaves; /* of buckets that keep */
    size_t room;
};

struct sg_buckets {
    const struct sg_tariff *t;
    struct sg_tariff_cursor cursor;
    bool keep, plan;              /* plan: buckets without a reading are listed, too */
    int64_t cuts[PIECES_MAX + 1]; /* piece i is [cuts[i], cuts[i + 1]) */
    size_t n_pieces, piece;       /* the piece of the last interval */
    struct sg_bucket_meter *meters;
    int64_t *next_s; /* by meter: end of the interval that comes next */
    size_t n_meters;
    uint32_t *table; /* piece, meter, post: index into list */
    struct bucket *list;
    size_t n, capacity;
    struct sg_bucket *out; /* what finish gave away, and where it stands in the list */
    size_t *place, n_out;
};

/* ---- pieces -------------------------------------------------------------------------------- */

static bool add_cut(struct sg_buckets *b, int64_t day)
{
    size_t at = b->n_pieces; /* cuts[n_pieces] is the end */

    if (day <= b->cuts[0] || day >= b->cuts[at])
        return true;
    while (b->cuts[at - 1] >= day)
        if (b->cuts[--at] == day)
            return true;
    if (b->n_pieces == PIECES_MAX)
        return false;
    memmove(&b->cuts[at + 1], &b->cuts[at], (b->n_pieces - at + 1) * sizeof(b->cuts[0]));
    b->cuts[at] = day;
    b->n_pieces++;
    return true;
}

static bool add_months(struct sg_buckets *b)
{
    int64_t end = b->cuts[b->n_pieces];

    for (int month = sg_month_of_day(b->cuts[0]) + 1; sg_first_day_of_month(month) < end; month++)
        if (!add_cut(b, sg_first_day_of_month(month)))
            return false;
    return true;
}

static bool add_charge(struct sg_buckets *b, const struct sg_tariff_charge *c)
{
    if (c->kind == SG_CHARGE_FLAG)
        return c->split != SG_SPLIT_INTERVAL || add_months(b);
    if (c->kind != SG_CHARGE_ENERGY && c->kind != SG_CHARGE_TIERS &&
        c->kind != SG_CHARGE_REACTIVE_ENERGY)
        return true;
    for (size_t i = 0; i < c->n_pieces; i++)
        if (!add_cut(b, c->pieces[i].from_day))
            return false;
    return true;
}

static int64_t first_end(int64_t from_s, int64_t step)
{
    return from_s - ((from_s % step) + step) % step + step;
}

static bool make_pieces(struct sg_buckets *b, int64_t from_s, int64_t until_s)
{
    int64_t step = b->t->interval_s;

    b->cuts[0] = sg_tariff_slot_at(b->t, &b->cursor, first_end(from_s, step) - step).day;
    b->cuts[1] = sg_tariff_slot_at(b->t, &b->cursor, until_s - 1).day + 1;
    b->n_pieces = 1;
    for (size_t i = 0; i < b->t->n_charges; i++)
        if (!add_charge(b, &b->t->charges[i]))
            return false;
    return true;
}

static size_t piece_of(struct sg_buckets *b, int64_t day)
{
    if (day < b->cuts[b->piece])
        b->piece = 0;
    while (b->piece + 1 < b->n_pieces && day >= b->cuts[b->piece + 1])
        b->piece++;
    return b->piece;
}

/* ---- making -------------------------------------------------------------------------------- */

int sg_buckets_new(struct sg_buckets **ret, const struct sg_tariff *t, int64_t from_s,
                   int64_t until_s, const struct sg_bucket_meter *meters, size_t n_meters,
                   bool keep)
{
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *b = calloc(1, sizeof(*b));
    size_t cells;

    if (!b)
        return sg_raise(-ENOMEM);
    b->t = t;
    b->keep = keep;
    b->n_meters = n_meters;
    if (until_s <= from_s || !make_pieces(b, from_s, until_s))
        return SG_PROOF_TOO_MANY;
    cells = b->n_pieces * n_meters * t->n_posts;
    if (cells > TABLE_MAX)
        return SG_PROOF_TOO_MANY;
    b->meters = calloc(n_meters + 1, sizeof(*b->meters));
    b->next_s = calloc(n_meters + 1, sizeof(*b->next_s));
    b->table = malloc((cells + 1) * sizeof(*b->table));
    if (!b->meters || !b->next_s || !b->table)
        return sg_raise(-ENOMEM);
    memset(b->table, 0xff, cells * sizeof(*b->table));
    for (size_t i = 0; i < n_meters; i++) {
        b->meters[i] = meters[i];
        b->next_s[i] = first_end(meters[i].from_s, t->interval_s);
    }
    *ret = TAKE_PTR(b);
    return 0;
}

void sg_buckets_free(struct sg_buckets *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++) {
        free(b->list[i].tree);
        free(b->list[i].leaves);
    }
    free(b->list);
    free(b->meters);
    free(b->next_s);
    free(b->table);
    free(b->out);
    free(b->place);
    free(b);
}

static int new_bucket(struct sg_buckets *b, size_t piece, size_t meter, uint8_t post)
{
    struct sg_merkle *tree;

    if (b->n == SG_BUCKETS_MAX)
        return SG_PROOF_TOO_MANY;
    if (b->n == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 8;
        struct bucket *list = reallocarray(b->list, capacity, sizeof(*list));
        if (!list)
            return sg_raise(-ENOMEM);
        b->list = list;
        b->capacity = capacity;
    }
    tree = malloc(sizeof(*tree));
    if (!tree)
        return sg_raise(-ENOMEM);
    sg_merkle_init(tree);
    b->list[b->n] = (struct bucket){.out = {.meter = (uint32_t)meter,
                                            .post = post,
                                            .from_day = b->cuts[piece],
                                            .until_day = b->cuts[piece + 1]},
                                    .tree = tree};
    b->table[(piece * b->n_meters + meter) * b->t->n_posts + post] = (uint32_t)b->n++;
    return 0;
}

/* *ret NULL: the tariff puts the interval nowhere. */
static int bucket_of(struct sg_buckets *b, size_t meter, int64_t ts_s, struct bucket **ret)
{
    struct sg_tariff_slot slot =
        sg_tariff_slot_at(b->t, &b->cursor, ts_s - (int64_t)b->t->interval_s);
    int r = 0;

    *ret = NULL;
    if (slot.post >= b->t->n_posts)
        return 0;
    size_t piece = piece_of(b, slot.day);
    const uint32_t *at = &b->table[(piece * b->n_meters + meter) * b->t->n_posts + slot.post];
    if (*at == NO_BUCKET)
        r = new_bucket(b, piece, meter, slot.post);
    if (!r)
        *ret = &b->list[*at];
    return r;
}

static int keep_leaf(struct bucket *k, int64_t ts_s, struct sg_totals own,
                     const uint8_t content[32], const uint8_t leaf[32])
{
    struct kept *at;

    if (k->out.intervals == k->room) {
        size_t room = k->room ? k->room * 2 : FIRST_ROOM;
        struct kept *leaves = reallocarray(k->leaves, room, sizeof(*leaves));
        if (!leaves)
            return sg_raise(-ENOMEM);
        k->leaves = leaves;
        k->room = room;
    }
    at = &k->leaves[k->out.intervals];
    *at = (struct kept){.before = k->sum, .own = own, .ts_s = ts_s};
    memcpy(at->content, content, 32);
    memcpy(at->leaf, leaf, 32);
    return 0;
}

static int add_leaf(const struct sg_buckets *b, struct bucket *k, int64_t ts_s,
                    struct sg_totals own, const uint8_t content[32])
{
    uint8_t leaf[32] = {0};
    int r;

    if (own.import_wh > SG_TOTAL_MAX - k->sum.import_wh ||
        own.export_wh > SG_TOTAL_MAX - k->sum.export_wh)
        return SG_PROOF_OVERFLOW;
    if (!b->plan)
        sg_total_leaf(leaf, content, k->sum);
    r = b->keep ? keep_leaf(k, ts_s, own, content, leaf) : 0;
    if (r)
        return r;
    if (!b->plan)
        sg_merkle_add(k->tree, leaf);
    k->sum.import_wh += own.import_wh;
    k->sum.export_wh += own.export_wh;
    k->out.intervals++;
    return 0;
}

/* Intervals without a reading, up to the one that ends at until_s. */
static int pass_over(struct sg_buckets *b, size_t meter, int64_t until_s)
{
    static const uint8_t none[32];
    int64_t step = b->t->interval_s;
    int r = 0;

    for (; b->next_s[meter] < until_s && !r; b->next_s[meter] += step) {
        struct bucket *k;
        r = bucket_of(b, meter, b->next_s[meter], &k);
        if (!r && k)
            r = add_leaf(b, k, b->next_s[meter], (struct sg_totals){0, 0}, none);
    }
    return r;
}

int sg_buckets_add(struct sg_buckets *b, size_t meter, int64_t ts_s, int64_t energy_wh,
                   const uint8_t leaf_hash[32])
{
    int64_t step = b->t->interval_s;
    struct bucket *k;
    int r;

    if (meter >= b->n_meters || ts_s > b->meters[meter].until_s || ts_s % step ||
        ts_s < b->next_s[meter])
        return SG_PROOF_ORDER;
    if (energy_wh > SG_TOTAL_MAX || energy_wh < -SG_TOTAL_MAX)
        return SG_PROOF_OVERFLOW;
    r = pass_over(b, meter, ts_s);
    if (!r)
        r = bucket_of(b, meter, ts_s, &k);
    if (r)
        return r;
    if (!k)
        return SG_PROOF_ORDER;
    r = add_leaf(b, k, ts_s, sg_totals_of(energy_wh), leaf_hash);
    if (r)
        return r;
    k->out.readings++;
    b->next_s[meter] = ts_s + step;
    return 0;
}

static void finish_bucket(struct bucket *k)
{
    uint8_t top[32];

    sg_merkle_finish(k->tree, top);
    k->out.import_wh = k->sum.import_wh;
    k->out.export_wh = k->sum.export_wh;
    sg_total_root(k->out.root, k->out.intervals, k->sum, top);
}

int sg_buckets_finish(struct sg_buckets *b, const struct sg_bucket **ret, size_t *ret_n)
{
    size_t cells = b->n_pieces * b->n_meters * b->t->n_posts;
    int r = 0;

    for (size_t m = 0; m < b->n_meters && !r; m++)
        r = pass_over(b, m, b->meters[m].until_s + 1);
    if (r)
        return r;
    b->out = calloc(b->n + 1, sizeof(*b->out));
    b->place = calloc(b->n + 1, sizeof(*b->place));
    if (!b->out || !b->place)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < cells; i++) {
        struct bucket *k = b->table[i] == NO_BUCKET ? NULL : &b->list[b->table[i]];
        if (!k || (!k->out.readings && !b->plan))
            continue;
        finish_bucket(k);
        b->out[b->n_out] = k->out;
        b->place[b->n_out++] = b->table[i];
    }
    *ret = b->out;
    *ret_n = b->n_out;
    return 0;
}

int sg_buckets_plan(struct sg_buckets **ret, const struct sg_tariff *t, int64_t from_s,
                    int64_t until_s, const struct sg_bucket_meter *meters, size_t n_meters)
{
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *b = NULL;
    const struct sg_bucket *list;
    size_t n;
    int r = sg_buckets_new(&b, t, from_s, until_s, meters, n_meters, true);

    if (r)
        return r;
    b->plan = true;
    r = sg_buckets_finish(b, &list, &n);
    if (!r)
        *ret = TAKE_PTR(b);
    return r;
}

struct sg_bucket sg_buckets_get(const struct sg_buckets *b, size_t i)
{
    sg_assert(i < b->n_out);
    return b->out[i];
}

/* ---- asking -------------------------------------------------------------------------------- */

static struct sg_leaf leaf_of(const struct bucket *k, size_t bucket, size_t i)
{
    struct sg_leaf leaf = {.bucket = bucket,
                           .index = i,
                           .ts_s = k->leaves[i].ts_s,
                           .before = k->leaves[i].before,
                           .own = k->leaves[i].own};

    memcpy(leaf.content, k->leaves[i].content, 32);
    return leaf;
}

bool sg_buckets_leaf_of(const struct sg_buckets *b, size_t meter, int64_t ts_s, struct sg_leaf *ret)
{
    for (size_t i = 0; i < b->n_out; i++) {
        const struct bucket *k = &b->list[b->place[i]];
        size_t lo = 0, hi = (size_t)k->out.intervals;
        if (k->out.meter != meter)
            continue;
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (k->leaves[mid].ts_s < ts_s)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo == k->out.intervals || k->leaves[lo].ts_s != ts_s)
            continue;
        *ret = leaf_of(k, i, lo);
        return true;
    }
    return false;
}

static int64_t end_of(const struct kept *k, bool is_export)
{
    return is_export ? k->before.export_wh + k->own.export_wh
                     : k->before.import_wh + k->own.import_wh;
}

bool sg_buckets_leaf_at(const struct sg_buckets *b, size_t bucket, bool is_export, int64_t wh,
                        struct sg_leaf *ret)
{
    const struct bucket *k = bucket < b->n_out ? &b->list[b->place[bucket]] : NULL;
    size_t lo = 0, hi = k ? (size_t)k->out.intervals : 0;

    while (lo < hi) { /* the first that ends beyond it: one that holds something */
        size_t mid = lo + (hi - lo) / 2;
        if (end_of(&k->leaves[mid], is_export) <= wh)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (!k || wh < 0 || lo == k->out.intervals)
        return false;
    *ret = leaf_of(k, bucket, lo);
    return true;
}

size_t sg_buckets_path(const struct sg_buckets *b, const struct sg_leaf *leaf, uint8_t (*ret)[32])
{
    const struct bucket *k = &b->list[b->place[leaf->bucket]];
    size_t n = (size_t)k->out.intervals, len = 0;
    uint8_t(*leaves)[32] = malloc(n * sizeof(*leaves));

    sg_assert(leaves && leaf->index < n);
    for (size_t i = 0; i < n; i++)
        memcpy(leaves[i], k->leaves[i].leaf, 32);
    len = sg_merkle_path(ret, (const uint8_t(*)[32])leaves, n, (size_t)leaf->index);
    free(leaves);
    return len;
}
