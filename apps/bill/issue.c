/* issue - joins readings and blocks, checks that they agree, makes the bill and its evidence. */
#include "estimates.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/resolution.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/crypto/merkle.h>

#include <stdio.h>

#define NO_BLOCK SIZE_MAX

struct work {
    const struct client *c;
    const struct terms *terms;
    size_t *block_of; /* per row */
    uint8_t (*leaf)[32];
    /* Octets of the rows that blocks signed, one after the other: hashed, and put into the
     * evidence.
     */
    struct sg_buf octets;
    size_t *octets_at; /* per row; the next one's is the end */
    size_t *first_row; /* per block; its rows need not lie together */
    size_t *n_rows;
    bool *spare; /* per block: another holds all that it holds */
    struct refusal *why;
    size_t next_estimate;  /* of the client's, to be added */
    struct sg_buf section; /* the same as the evidence file has them; empty: none */
};

static int refuse(struct work *w, const char *word, int64_t ts_s)
{
    snprintf(w->why->word, sizeof(w->why->word), "%s", word);
    w->why->ts_s = ts_s;
    return ISSUE_REFUSED;
}

static int64_t last_ts(const struct sg_block_header *h)
{
    return h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;
}

static bool contains(const struct sg_block_header *b, const struct sg_block_header *part)
{
    uint64_t at = part->first_seq - b->first_seq; /* wraps far out of range if it is smaller */
    return at < b->count && part->count <= b->count - at && part->interval_s == b->interval_s &&
           part->first_ts_s == b->first_ts_s + (int64_t)at * b->interval_s &&
           !strcmp(part->serial, b->serial);
}

/*
 * A meter may send a reading at once and the day that holds it later: each of the two is sound, and
 * evidence with both would tell the reading twice.  Blocks come by their first time, so one that
 * holds another is met before it or begins with it.
 */
static void find_spare(struct work *w)
{
    const struct client_block *blocks = w->c->blocks;
    size_t cover = 0;

    for (size_t i = 1; i < w->c->n_blocks; i++) {
        const struct sg_block_header *held = &blocks[cover].evidence.header;
        const struct sg_block_header *h = &blocks[i].evidence.header;
        if (contains(held, h)) {
            w->spare[i] = true;
            continue;
        }
        if (contains(h, held))
            w->spare[cover] = true;
        if (w->spare[cover] || last_ts(h) > last_ts(held))
            cover = i;
    }
}

static bool holds(const struct client_block *b, const struct sg_row_reading *row)
{
    const struct sg_block_header *h = &b->evidence.header;
    return row->reading.seq - h->first_seq < h->count && !strcmp(h->serial, row->serial);
}

/* Blocks and rows both go forward in time: the search starts where the last one ended. */
static size_t find_block(const struct work *w, const struct sg_row_reading *row, size_t start)
{
    const struct client *c = w->c;

    for (size_t i = start; i < c->n_blocks; i++)
        if (!w->spare[i] && holds(&c->blocks[i], row))
            return i;
    for (size_t i = 0; i < start && i < c->n_blocks; i++)
        if (!w->spare[i] && holds(&c->blocks[i], row))
            return i;
    return NO_BLOCK;
}

/* A reading is encoded once. */
static int hash_row(struct work *w, size_t i, size_t block)
{
    const struct sg_block_evidence *e = &w->c->blocks[block].evidence;
    const struct sg_reading *reading = &w->c->rows[i].reading;
    uint8_t salt[SG_BLOCK_SALT_LEN];
    int r = sg_buf_reserve(&w->octets, SG_READING_LEAF_MAX);

    if (!r)
        r = sg_reading_encode(reading, &w->octets);
    if (r)
        return r;
    sg_block_salt(salt, e->seed, (uint32_t)(reading->seq - e->header.first_seq));
    sg_block_leaf_hash(w->leaf[i], salt,
                       SG_BYTES(w->octets.data + w->octets_at[i], w->octets.len - w->octets_at[i]));
    return 0;
}

static int join(struct work *w)
{
    const struct client *c = w->c;
    size_t at = 0;

    for (size_t i = 0; i < c->n_rows; i++) {
        const struct sg_row_reading *row = &c->rows[i];
        size_t b = row->origin == SG_ORIGIN_METROLOGY ? find_block(w, row, at) : NO_BLOCK;
        /* More rows than the block signed: two of them claim one number. */
        if (b != NO_BLOCK && w->n_rows[b] == c->blocks[b].evidence.header.count)
            b = NO_BLOCK;
        w->block_of[i] = b;
        w->octets_at[i] = w->octets.len;
        if (b == NO_BLOCK)
            continue;
        at = b;
        int r = hash_row(w, i, b);
        if (r)
            return r;
        if (w->n_rows[b]++ == 0)
            w->first_row[b] = i;
    }
    w->octets_at[c->n_rows] = w->octets.len;
    return 0;
}

/* Rows of a block into the evidence form, ordered by their place in the block; their octets. */
static void gather(const struct work *w, size_t b, struct sg_evidence_block *ret,
                   struct sg_bytes octets[SG_BLOCK_READINGS_MAX])
{
    const struct sg_block_header *h = &w->c->blocks[b].evidence.header;

    ret->evidence = w->c->blocks[b].evidence;
    ret->evidence.signature = SG_BYTES(w->c->blocks[b].signature, w->c->blocks[b].signature_len);
    ret->n_readings = 0;
    for (size_t i = w->first_row[b]; ret->n_readings < w->n_rows[b]; i++) {
        if (w->block_of[i] != b)
            continue;
        uint64_t index = w->c->rows[i].reading.seq - h->first_seq;
        memcpy(ret->leaves[index], w->leaf[i], 32);
        octets[ret->n_readings++] =
            SG_BYTES(w->octets.data + w->octets_at[i], w->octets_at[i + 1] - w->octets_at[i]);
    }
    ret->n_leaves = h->count;
}

static bool in_evidence(const struct work *w, size_t block)
{
    const struct sg_block_header *h = &w->c->blocks[block].evidence.header;
    return !w->spare[block] && last_ts(h) > w->terms->from_s && h->first_ts_s <= w->terms->until_s;
}

/* What is stored must still be what was signed. */
static int check_block(struct work *w, const struct sg_evidence_block *b)
{
    const struct sg_block_header *h = &b->evidence.header;
    uint8_t root[32];

    if (b->n_readings != h->count)
        return refuse(w, "block.incomplete", h->first_ts_s);
    sg_merkle_root(root, (const uint8_t(*)[32])b->leaves, h->count);
    return memcmp(root, h->root, 32) ? refuse(w, "block.altered", h->first_ts_s) : 0;
}

static int put_evidence(struct work *w, struct sg_buf *out)
{
    struct sg_evidence_head head = {w->c->id, w->terms->from_s, w->terms->until_s, 0};
    struct sg_evidence_block *b = malloc(sizeof(*b));
    struct sg_bytes octets[SG_BLOCK_READINGS_MAX];
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < w->c->n_blocks; i++)
        head.n_blocks += in_evidence(w, i);
    const bool sections = w->section.len || w->c->resolutions.len;
    r = sections ? sg_evidence_put_head_sections(out, &head) : sg_evidence_put_head(out, &head);
    for (size_t i = 0; i < w->c->n_blocks && !r; i++) {
        if (!in_evidence(w, i))
            continue;
        gather(w, i, b, octets);
        r = check_block(w, b);
        if (!r)
            r = sg_evidence_put_block_encoded(out, b, octets);
    }
    if (!r && sections)
        r = sg_evidence_put_sections(out, sg_buf_bytes(&w->section),
                                     sg_buf_bytes(&w->c->resolutions));
    free(b);
    return r;
}

/* ---- estimates ------------------------------------------------------------------------------ */

static int write_estimates(struct work *w)
{
    if (w->c->estimates.n == 0)
        return 0;
    return sg_vee_section_encode(w->terms->rules->sha256, &w->c->estimates, &w->section);
}

/* Those of intervals that end before that instant. */
static int add_estimates(struct work *w, struct sg_billing *billing, int64_t before_s)
{
    const struct sg_vee_estimates *all = &w->c->estimates;

    while (w->next_estimate < all->n) {
        const struct sg_vee_estimate *e = &all->items[w->next_estimate];
        const struct sg_bill_reading reading = {
            .serial = e->serial,
            .ts_s = e->ts_s,
            .energy_wh = e->energy_wh,
            .reactive_varh = e->reactive_varh == SG_READING_NA ? INT64_MIN : e->reactive_varh,
            .estimated = e->rule};
        if (e->ts_s >= before_s)
            return 0;
        int r = sg_billing_add(billing, &reading);
        if (r)
            return r < 0 ? r : refuse(w, sg_bill_outcome_word(r), e->ts_s);
        w->next_estimate++;
    }
    return 0;
}

static int add_readings(struct work *w, struct sg_billing *billing)
{
    for (size_t i = 0; i < w->c->n_rows; i++) {
        const struct sg_row_reading *row = &w->c->rows[i];
        int64_t reactive = row->reading.field[SG_READING_interval_reactive_energy];
        const struct sg_bill_reading reading = {
            .serial = row->serial,
            .ts_s = row->reading.ts_s,
            .energy_wh = row->reading.field[SG_READING_interval_energy],
            .reactive_varh = reactive == SG_READING_NA ? INT64_MIN : reactive,
            .leaf = w->terms->signed_only ? w->leaf[i] : NULL};

        if (reading.ts_s <= w->terms->from_s || reading.ts_s > w->terms->until_s)
            continue; /* of a block that reaches over the period's end */
        if (client_is_rejected(w->c, i))
            continue;
        if (w->terms->signed_only && w->block_of[i] == NO_BLOCK)
            return refuse(w, "reading.unsigned", reading.ts_s);
        if (reading.energy_wh == SG_READING_NA)
            continue; /* missing, or estimated */
        int r = add_estimates(w, billing, reading.ts_s);
        if (r)
            return r;
        r = sg_billing_add(billing, &reading);
        if (r)
            return r < 0 ? r : refuse(w, sg_bill_outcome_word(r), reading.ts_s);
    }
    return add_estimates(w, billing, INT64_MAX);
}

/* ---- choices -------------------------------------------------------------------------------- */

static bool is_billed(const struct work *w, int64_t ts_s)
{
    return ts_s > w->terms->from_s && ts_s <= w->terms->until_s;
}

/* The reading of that interval that counts. */
static const struct sg_row_reading *billed_at(const struct client *c, int64_t ts_s)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].reading.ts_s == ts_s && !client_is_rejected(c, i))
            return &c->rows[i];
    return NULL;
}

static int add_choice(struct work *w, struct sg_billing *billing,
                      const struct sg_row_resolution *row)
{
    const struct sg_row_reading *billed = billed_at(w->c, row->ts_s);
    struct sg_bill_choice choice;
    int r = sg_resolution_choice(row, &choice);

    if (r || !billed)
        return r ? r : refuse(w, "reading.conflict", row->ts_s);
    if (billed->reading.field[SG_READING_interval_energy] != SG_READING_NA)
        choice.energy_wh = billed->reading.field[SG_READING_interval_energy];
    r = sg_billing_add_choice(billing, billed->serial, &choice);
    return r > 0 ? refuse(w, sg_bill_outcome_word(r), row->ts_s) : r;
}

/* The section as it goes into the evidence is what the bill is told by. */
static int add_choices(struct work *w, struct sg_billing *billing)
{
    SG_FREE struct sg_row_resolution *rows = NULL;
    size_t n = 0;
    int r = 0;

    if (w->c->resolutions.len)
        r = sg_fold(sg_resolutions_decode(sg_buf_bytes(&w->c->resolutions), &rows, &n));
    for (size_t i = 0; i < n && !r; i++)
        if (is_billed(w, rows[i].ts_s))
            r = add_choice(w, billing, &rows[i]);
    return r;
}

static int make_bill(struct work *w, struct sg_bill *ret)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *billing = NULL;
    struct sg_bill_install installs[CLIENT_INSTALLS_MAX];
    const struct terms *terms = w->terms;
    const struct sg_bill_input in = {.tariff = terms->tariff,
                                     .client = w->c->id,
                                     .from_s = terms->from_s,
                                     .until_s = terms->until_s,
                                     .installs = installs,
                                     .n_installs = w->c->n_installs,
                                     .contracts =
                                         terms->contracts ? terms->contracts : &w->c->contracts};
    int r;

    for (size_t i = 0; i < w->c->n_installs; i++) {
        const struct client_install *from = &w->c->installs[i];
        installs[i] = (struct sg_bill_install){
            from->serial,    from->from_s,
            from->until_s,   from->ratio_num,
            from->ratio_den, from->has_certificate ? from->certificate_sha256 : NULL};
    }
    r = sg_billing_new(&billing, &in);
    if (r)
        return r < 0 ? r : refuse(w, sg_bill_outcome_word(r), INT64_MIN);
    r = write_estimates(w);
    if (!r)
        r = add_readings(w, billing);
    if (!r)
        r = add_choices(w, billing);
    if (r)
        return r;
    if (w->section.len) {
        uint8_t sha256[32];
        sg_sha256(sha256, sg_buf_bytes(&w->section));
        sg_billing_set_estimates(billing, sha256);
    }
    r = sg_billing_finish(billing, ret);
    return r > 0 ? refuse(w, sg_bill_outcome_word(r), INT64_MIN) : r;
}

static int run(struct work *w, struct sg_bill *ret, struct sg_buf *ret_evidence)
{
    struct sg_bill bill = {.client = 0};
    int r;

    if (w->c->conflicts)
        return refuse(w, "reading.conflict", INT64_MIN);
    if (w->c->n_installs == 0)
        return refuse(w, "installation.none", INT64_MIN);
    if (w->c->bad_contract && !w->terms->contracts)
        return refuse(w, "contract.bad", INT64_MIN);
    find_spare(w);
    r = join(w);
    if (!r)
        r = make_bill(w, &bill);
    if (!r && w->terms->signed_only)
        r = put_evidence(w, ret_evidence);
    if (r)
        sg_bill_clear(&bill);
    else
        *ret = bill;
    return r;
}

int issue(struct client *c, const struct terms *terms, struct sg_bill *ret,
          struct sg_buf *ret_evidence, struct refusal *why)
{
    SG_FREE size_t *block_of = calloc(c->n_rows + 1, sizeof(*block_of));
    SG_FREE size_t *octets_at = calloc(c->n_rows + 1, sizeof(*octets_at));
    SG_FREE uint8_t(*leaf)[32] = calloc(c->n_rows + 1, sizeof(*leaf));
    SG_FREE size_t *first_row = calloc(c->n_blocks + 1, sizeof(*first_row));
    SG_FREE size_t *n_rows = calloc(c->n_blocks + 1, sizeof(*n_rows));
    SG_FREE bool *spare = calloc(c->n_blocks + 1, sizeof(*spare));
    struct work w = {.c = c,
                     .terms = terms,
                     .block_of = block_of,
                     .leaf = leaf,
                     .octets = SG_BUF_INIT(SG_EVIDENCE_MAX),
                     .octets_at = octets_at,
                     .first_row = first_row,
                     .n_rows = n_rows,
                     .spare = spare,
                     .why = why,
                     .section = SG_BUF_INIT(SG_EVIDENCE_MAX)};
    int r;

    if (!block_of || !octets_at || !leaf || !first_row || !n_rows || !spare)
        return sg_raise(-ENOMEM);
    r = estimates_make(c, terms);
    if (!r)
        r = run(&w, ret, ret_evidence);
    sg_buf_clear(&w.section);
    sg_buf_clear(&w.octets);
    return r;
}
