/* scenario - see scenario.h. */
#include "scenario.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

#define CERT_FROM INT64_C(1500000000)
#define CERT_DAYS 10000

/* ---- the world ----------------------------------------------------------------------------- */

static int issue(struct sg_cert **ret, const char *name, int path_len, const struct sg_key *k,
                 const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = CERT_FROM,
                                        .not_after_s = CERT_FROM + CERT_DAYS * INT64_C(86400),
                                        .ca = path_len >= 0,
                                        .path_len = path_len};
    return sg_cert_issue(ret, &req, k, issuer, issuer_key);
}

/* RSA is the quickest to verify: two signatures in every case. */
static int make_authority(struct sc_world *w)
{
    struct sg_authority *a = &w->authority;
    int r = sg_key_generate(&w->authority_key[0], SG_KEY_RSA2048);

    if (!r)
        r = sg_key_generate(&w->authority_key[1], SG_KEY_RSA2048);
    if (!r)
        r = issue(&a->roots[0], "root", 1, w->authority_key[0], NULL, w->authority_key[0]);
    if (r)
        return r;
    a->n_roots = 1;
    r = issue(&a->intermediates[0], "second level", 0, w->authority_key[1], a->roots[0],
              w->authority_key[0]);
    a->n_intermediates = r == 0;
    return r;
}

static int make_meters(struct sc_world *w)
{
    int r = 0;

    for (size_t i = 0; i < SC_METERS && !r; i++) {
        bool ed = i % 2;
        w->alg[i] = ed ? SG_SIGN_EDDSA : SG_SIGN_ES256;
        r = sg_key_generate(&w->key[i], ed ? SG_KEY_ED25519 : SG_KEY_P256);
        if (!r)
            r = issue(&w->cert[i], "meter", -1, w->key[i], w->authority.intermediates[0],
                      w->authority_key[1]);
        if (!r)
            sg_cert_fingerprint(w->cert[i], w->fingerprint[i]);
    }
    return r;
}

static const char *const zones[] = {"America/Sao_Paulo", "Europe/Lisbon", "America/New_York"};
static const unsigned minutes[] = {60, 30, 15};

static int make_tariff(struct sc_world *w, size_t i)
{
    struct sg_yaml_error why;
    char yaml[1024];
    int r;

    w->zone_of[i] = (uint8_t)(i % 3);
    snprintf(
        yaml, sizeof(yaml),
        "format: 2\nid: faults-%zu\ncurrency: BRL\ndecimals: 2\nzone: %s\n"
        "interval_minutes: %u\nrounding: half-even\nposts:\n"
        "  - {name: peak, when: [{days: working, hours: \"18:00-21:00\"}]}\n"
        "  - {name: night, when: [{days: working, hours: [\"00:00-04:00\", \"23:00-24:00\"]}]}\n"
        "  - {name: off_peak}\nholidays: [01-01, 12-25, easter-2]\n"
        "charges: [{name: energy, kind: energy, rates: [{rate: {peak: 1.47961, night: 0.38647,"
        " off_peak: 0.65763}}]},\n"
        "  {name: basic, kind: fixed, per: cycle, rates: [{amount: {one: 1.10, two: 2.30,"
        " three: 4.70}}]},\n"
        "  {name: demand, kind: demand, integration_minutes: 60, contracted: true,"
        " excess: {tolerance_percent: 5, factor: 2}, ratchet: {percent: 80, months: 11},"
        " rates: [{rate: 3.21}]}]\n"
        "taxes: [{name: vat, rates: [{percent: 12.5}]}]\n",
        i, zones[i % 3], minutes[i / 3]);
    r = sg_tariff_parse(&w->tariff[i], sg_bytes_str(yaml), &why);
    return r > 0 ? sg_raisef(-EINVAL, "line %u: %s", why.line, why.text) : r;
}

int sc_world_make(struct sc_world *w)
{
    int r;

    *w = (struct sc_world){.tariff = {NULL}};
    r = make_authority(w);
    if (!r)
        r = make_meters(w);
    if (!r)
        r = sc_operators_make(w);
    for (size_t i = 0; i < SC_TARIFFS && !r; i++)
        r = make_tariff(w, i);
    return r;
}

void sc_world_clear(struct sc_world *w)
{
    for (size_t i = 0; i < SC_TARIFFS; i++)
        sg_tariff_free(w->tariff[i]);
    for (size_t i = 0; i < SC_METERS; i++) {
        sg_key_free(w->key[i]);
        sg_cert_free(w->cert[i]);
    }
    sc_operators_clear(w);
    sg_key_free(w->authority_key[0]);
    sg_key_free(w->authority_key[1]);
    sg_authority_clear(&w->authority);
}

/* ---- when and where ------------------------------------------------------------------------ */

/* Local days with 23 or 25 hours, by zone; Sao Paulo's clocks changed at midnight. */
static const int days[3][4][3] = {
    {{2018, 11, 4}, {2019, 2, 17}, {2017, 10, 15}, {2018, 2, 18}},
    {{2026, 3, 29}, {2026, 10, 25}, {2027, 3, 28}, {2027, 10, 31}},
    {{2026, 3, 8}, {2026, 11, 1}, {2027, 3, 14}, {2027, 11, 7}},
};

static int64_t midnight(const struct scenario *s, int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    return sg_tz_midnight(s->world->tariff[s->tariff]->tz, year, month, mday);
}

/* One to three local days: about a change of the clocks, a month's end, a holiday or any other. */
static void choose_period(struct scenario *s, struct sg_prng *random)
{
    const int *change = days[s->world->zone_of[s->tariff]][sg_prng_below(random, 4)];
    int64_t day = sg_days_from_civil(change[0], (unsigned)change[1], (unsigned)change[2]);

    switch (sg_prng_below(random, 4)) {
    case 0:
    case 1: /* the change itself, or the day before or after it */
        day -= (int64_t)sg_prng_below(random, 2);
        break;
    case 2: /* a year's end */
        day = sg_days_from_civil(2025, 12, 23) + (int64_t)sg_prng_below(random, 10);
        break;
    default:
        day = sg_days_from_civil(2026, 4, 1) + (int64_t)sg_prng_below(random, 200);
    }
    s->from_s = midnight(s, day);
    s->until_s = midnight(s, day + 1 + (int64_t)sg_prng_below(random, 2));
}

/* ---- records ------------------------------------------------------------------------------- */

static void set_record(struct sg_installation *record, const struct scenario *s, size_t meter,
                       int64_t client, int64_t from_s, int64_t until_s)
{
    *record = (struct sg_installation){.client = client,
                                       .from_s = from_s,
                                       .until_s = until_s,
                                       .ratio_num = 1,
                                       .ratio_den = 1,
                                       .cert = s->world->cert[meter]};
    snprintf(record->serial, sizeof(record->serial), "7000000%zu", meter);
}

static int make_records(struct scenario *s, struct sg_prng *random, const size_t meter[3])
{
    static const int64_t ratios[4][2] = {{1, 1}, {40, 1}, {3, 2}, {1000, 7}};
    struct sg_installation *records = calloc(3, sizeof(*records));
    int64_t step = s->world->tariff[s->tariff]->interval_s, before = s->from_s - 30 * step;
    size_t n = s->exchange_s == INT64_MAX ? 1 : 2;

    if (!records)
        return sg_raise(-ENOMEM);
    set_record(&records[0], s, meter[0], s->client, before, s->exchange_s);
    set_record(&records[1], s, meter[1], s->client, s->exchange_s, INT64_MAX);
    set_record(&records[n], s, meter[2], s->client + 1, before, INT64_MAX);
    for (size_t i = 0; i < n; i++) {
        const int64_t *ratio = ratios[sg_prng_below(random, 4)];
        records[i].ratio_num = ratio[0];
        records[i].ratio_den = ratio[1];
    }
    return sg_installations_index(&s->installations, records, n + 1);
}

static void list_installs(struct scenario *s)
{
    size_t n;
    const struct sg_installation *records =
        sg_installations_of_client(&s->installations, s->client, &n);

    for (size_t i = 0; i < n; i++)
        s->installs[i] = (struct sg_bill_install){
            .serial = records[i].serial,
            .from_s = records[i].from_s,
            .until_s = records[i].until_s,
            .ratio_num = records[i].ratio_num,
            .ratio_den = records[i].ratio_den,
            .certificate_sha256 = s->world->fingerprint[records[i].serial[7] - '0']};
    s->n_installs = n;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static void make_readings(struct sg_reading *readings, const struct sg_block_header *h,
                          struct sg_prng *random)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct sg_reading *r = &readings[i];
        r->seq = h->first_seq + i;
        r->ts_s = h->first_ts_s + (int64_t)i * h->interval_s;
        for (int k = 0; k < SG_READING_N_FIELDS; k++)
            r->field[k] = SG_READING_NA;
        r->field[SG_READING_voltage_a] = 127000 + (int64_t)sg_prng_below(random, 2000);
        r->field[SG_READING_interval_energy] = (int64_t)sg_prng_below(random, 4000);
        if (h->first_seq % 2) /* blocks with and without the fields that came later */
            r->field[SG_READING_events] = (int64_t)sg_prng_below(random, 64);
    }
}

static int sign_block(struct scenario *s, size_t meter, const struct sg_block_header *h,
                      struct sg_prng *random)
{
    struct sg_evidence_block *b = calloc(1, sizeof(*b));
    struct sg_buf *wire = &s->wire[s->n_blocks];
    uint8_t seed[SG_BLOCK_SEED_LEN];
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    s->blocks[s->n_blocks++] = b;
    *wire = (struct sg_buf)SG_BUF_INIT(SG_BLOCK_MAX);
    for (size_t i = 0; i < sizeof(seed); i++)
        seed[i] = (uint8_t)sg_prng_below(random, 256);
    make_readings(b->readings, h, random);
    r = sg_block_sign(h, b->readings, h->count, s->world->key[meter], s->world->alg[meter], seed,
                      wire);
    if (!r)
        r = sg_block_decode(sg_buf_bytes(wire), &b->evidence, b->readings);
    b->n_readings = b->n_leaves = h->count;
    for (uint32_t i = 0; i < h->count && !r; i++)
        r = sg_block_reading_hash(seed, i, &b->readings[i], b->leaves[i]);
    return sg_fold(r);
}

static struct sg_block_header header_of(const struct scenario *s, size_t meter, uint64_t seq,
                                        int64_t ts_s, uint32_t count)
{
    struct sg_block_header h = {.first_seq = seq,
                                .count = count,
                                .first_ts_s = ts_s,
                                .interval_s = s->world->tariff[s->tariff]->interval_s,
                                .software = 1,
                                .format = SG_BLOCK_FORMAT};

    snprintf(h.serial, sizeof(h.serial), "7000000%zu", meter);
    return h;
}

/* Neither at the period's begin nor at an end: there only the next bill shows that the meter was
 * silent. */
static bool gap_may_follow(const struct scenario *s, int64_t at, int64_t until_s)
{
    int64_t step = s->world->tariff[s->tariff]->interval_s;

    return at > s->from_s + step && at + 4 * step < until_s && at + 4 * step < s->until_s;
}

/* The clock set back: the last intervals of the block before told again, under numbers that go on.
 * Something of the period stands before it in its block and something follows, whose numbers show
 * that both tellings were there: at the period's ends only the neighbouring bill would. */
static int tell_again(struct scenario *s, struct sg_prng *random, size_t meter, uint64_t *seq,
                      int64_t at, int64_t until_s)
{
    const struct sg_block_header *before = &s->blocks[s->n_blocks - 1]->evidence.header;
    int64_t step = before->interval_s;
    uint32_t n = 1 + (uint32_t)sg_prng_below(random, SC_CHOICES_MAX);
    int r;

    if (s->told_again != SC_BLOCKS_MAX || n >= before->count || sg_prng_below(random, 4) ||
        at - (int64_t)(n + 1) * step <= s->from_s || at + 4 * step >= until_s ||
        at + 4 * step >= s->until_s)
        return 0;
    struct sg_block_header h = header_of(s, meter, *seq, at - (int64_t)n * step, n);
    s->told_again = s->n_blocks;
    r = sign_block(s, meter, &h, random);
    *seq += n;
    return r;
}

/* Intervals that end in (from, until], in blocks; now and then some that the meter did not record.
 */
static int make_blocks(struct scenario *s, struct sg_prng *random, size_t meter, int64_t from_s,
                       int64_t until_s)
{
    int64_t step = s->world->tariff[s->tariff]->interval_s, at = from_s + step;
    uint64_t seq = 1 + sg_prng_below(random, 1000000);
    int r = 0;

    while (at <= until_s && !r && s->n_blocks < SC_BLOCKS_MAX - 2) {
        uint64_t left = (uint64_t)((until_s - at) / step) + 1;
        uint64_t count = 1 + sg_prng_below(random, 96);
        if (count > left || s->n_blocks == SC_BLOCKS_MAX - 3)
            count = left < 96 ? left : 96;
        struct sg_block_header h = header_of(s, meter, seq, at, (uint32_t)count);
        r = sign_block(s, meter, &h, random);
        seq += count;
        at += (int64_t)count * step;
        if (!r && s->n_blocks < SC_BLOCKS_MAX - 4)
            r = tell_again(s, random, meter, &seq, at, until_s);
        if (gap_may_follow(s, at, until_s) && sg_prng_below(random, 6) == 0)
            at += (int64_t)(1 + sg_prng_below(random, 3)) * step;
    }
    return r;
}

/* A neighbour's block over the period's begin, and a block that tells part of the period again. */
static int make_others(struct scenario *s, struct sg_prng *random, const size_t meter[3])
{
    int64_t step = s->world->tariff[s->tariff]->interval_s;
    const struct sg_block_header *first = &s->blocks[0]->evidence.header;
    struct sg_block_header h =
        header_of(s, meter[2], first->first_seq, first->first_ts_s, first->count);
    int r;

    s->signed_blocks = s->n_blocks;
    s->neighbour = s->n_blocks;
    r = sign_block(s, meter[2], &h, random);
    if (r)
        return r;
    s->second = s->n_blocks;
    h = header_of(s, meter[0], first->first_seq, s->from_s + step,
                  1 + (uint32_t)sg_prng_below(random, 6));
    return sign_block(s, meter[0], &h, random);
}

static int make_signed(struct scenario *s, struct sg_prng *random, const size_t meter[3])
{
    int64_t step = s->world->tariff[s->tariff]->interval_s;
    int64_t from = s->from_s - (int64_t)(sg_prng_below(random, 3) == 0) * 5 * step;
    int64_t until = s->until_s + (int64_t)(sg_prng_below(random, 3) == 0) * 7 * step;
    int r;

    if (s->exchange_s == INT64_MAX)
        r = make_blocks(s, random, meter[0], from, until);
    else {
        r = make_blocks(s, random, meter[0], from, s->exchange_s);
        if (!r)
            r = make_blocks(s, random, meter[1], s->exchange_s, until);
    }
    return r ? r : make_others(s, random, meter);
}

/* ---- bills --------------------------------------------------------------------------------- */

static int compare_charged(const void *a, const void *b)
{
    const struct sc_charged *x = a, *y = b;
    return (x->ts_s > y->ts_s) - (x->ts_s < y->ts_s);
}

static void drop_repeated(struct sc_charged *list, size_t *n)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++)
        if (!kept || list[kept - 1].ts_s != list[i].ts_s)
            list[kept++] = list[i];
    *n = kept;
}

static int charge(const struct scenario *s, const struct sg_evidence_block *b, size_t i,
                  bool hashed, struct sc_charged *ret, size_t *n)
{
    const struct sg_reading *r = &b->readings[i];
    uint64_t at = r->seq - b->evidence.header.first_seq;
    struct sc_charged *c = &ret[*n];

    if (r->ts_s <= s->from_s || r->ts_s > s->until_s || *n == SC_READINGS_MAX ||
        !scenario_counts(&s->choices, r))
        return 0;
    *c = (struct sc_charged){.serial = b->evidence.header.serial,
                             .ts_s = r->ts_s,
                             .energy_wh = r->field[SG_READING_interval_energy]};
    (*n)++;
    if (hashed || at >= b->n_leaves)
        return sg_block_reading_hash(b->evidence.seed, (uint32_t)at, r, c->leaf);
    memcpy(c->leaf, b->leaves[at], 32);
    return 0;
}

int scenario_charges(const struct scenario *s, const struct sg_evidence_block *const *blocks,
                     size_t n_blocks, bool hashed, struct sc_charged *ret, size_t *ret_n)
{
    int r = 0;

    *ret_n = 0;
    for (size_t k = 0; k < n_blocks; k++)
        for (size_t i = 0; i < blocks[k]->n_readings && !r; i++)
            r = charge(s, blocks[k], i, hashed, ret, ret_n);
    if (r)
        return r;
    qsort(ret, *ret_n, sizeof(*ret), compare_charged);
    drop_repeated(ret, ret_n);
    return 0;
}

struct sc_terms scenario_terms(const struct scenario *s)
{
    return (struct sc_terms){.tariff = s->world->tariff[s->tariff],
                             .from_s = s->from_s,
                             .until_s = s->until_s,
                             .installs = s->installs,
                             .contract = &s->contract,
                             .choices = &s->choices};
}

static const struct sc_charged *charged_at(const struct sc_charged *charged, size_t n, int64_t ts_s)
{
    for (size_t i = 0; i < n; i++)
        if (charged[i].ts_s == ts_s)
            return &charged[i];
    return NULL;
}

/* What is not charged, a liar's bill need not explain. */
static int add_choices(const struct sc_choices *c, const struct sc_charged *charged, size_t n,
                       struct sg_billing *b)
{
    int r = 0;

    for (size_t i = 0; i < c->n && r >= 0; i++) {
        const struct sc_charged *of = charged_at(charged, n, c->rows[i].ts_s);
        struct sg_bill_choice choice;
        if (!of)
            continue;
        r = sg_resolution_choice(&c->rows[i], &choice);
        choice.energy_wh = of->energy_wh;
        if (!r)
            r = sg_billing_add_choice(b, of->serial, &choice);
    }
    return r < 0 ? r : 0;
}

int scenario_bill(const struct scenario *s, const struct sc_terms *terms,
                  const struct sc_charged *charged, size_t n, struct sg_bill *ret)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    struct sg_contract contract = terms->contract ? *terms->contract : (struct sg_contract){0};
    const struct sg_contracts contracts = {&contract, terms->contract ? 1 : 0};
    const struct sg_bill_input in = {.tariff = terms->tariff,
                                     .client = s->client,
                                     .from_s = terms->from_s,
                                     .until_s = terms->until_s,
                                     .installs = terms->installs,
                                     .n_installs = s->n_installs,
                                     .contracts = &contracts};
    int r = sg_billing_new(&b, &in);

    for (size_t i = 0; i < n && !r; i++) {
        const struct sg_bill_reading reading = {.serial = charged[i].serial,
                                                .ts_s = charged[i].ts_s,
                                                .energy_wh = charged[i].energy_wh,
                                                .reactive_varh = INT64_MIN,
                                                .leaf = charged[i].leaf};
        r = sg_billing_add(b, &reading);
    }
    if (!r)
        r = add_choices(terms->choices, charged, n, b);
    return r ? r : sg_billing_finish(b, ret);
}

int scenario_evidence(const struct scenario *s, const struct sg_evidence_block *const *blocks,
                      size_t n, const struct sc_choices *choices, struct sg_buf *ret)
{
    const struct sg_evidence_head head = {s->client, s->from_s, s->until_s, n};
    SG_CLEANUP(sg_buf_clear) struct sg_buf section = SG_BUF_INIT(SC_EVIDENCE_MAX);
    int r = choices->n ? sg_resolutions_encode(choices->rows, choices->n, &section) : 0;

    if (!r)
        r = section.len ? sg_evidence_put_head_sections(ret, &head)
                        : sg_evidence_put_head(ret, &head);
    for (size_t i = 0; i < n && !r; i++)
        r = sg_evidence_put_block(ret, blocks[i]);
    return r || !section.len ? r
                             : sg_evidence_put_sections(ret, SG_BYTES_NONE, sg_buf_bytes(&section));
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void choose_meters(struct sg_prng *random, size_t ret[3])
{
    ret[0] = sg_prng_below(random, SC_METERS);
    ret[1] = (ret[0] + 1 + sg_prng_below(random, SC_METERS - 2)) % SC_METERS;
    do
        ret[2] = sg_prng_below(random, SC_METERS);
    while (ret[2] == ret[0] || ret[2] == ret[1]);
}

int scenario_make(struct scenario *s, const struct sc_world *w, struct sg_prng *random)
{
    size_t meter[3];
    int64_t step;
    int r;

    *s = (struct scenario){
        .world = w, .client = 4000000000, .exchange_s = INT64_MAX, .told_again = SC_BLOCKS_MAX};
    s->tariff = sg_prng_below(random, 10) ? sg_prng_below(random, 3)
                                          : 3 + sg_prng_below(random, SC_TARIFFS - 3);
    step = w->tariff[s->tariff]->interval_s;
    choose_period(s, random);
    choose_meters(random, meter);
    if (sg_prng_below(random, 3) == 0) {
        uint64_t intervals = (uint64_t)((s->until_s - s->from_s) / step);
        s->exchange_s = s->from_s + (int64_t)(1 + sg_prng_below(random, intervals - 1)) * step;
    }
    r = make_records(s, random, meter);
    if (!r)
        r = make_signed(s, random, meter);
    if (!r)
        r = scenario_make_choices(s, random);
    if (r)
        return r;
    scenario_make_contract(s, random);
    list_installs(s);
    r = scenario_charges(s, (const struct sg_evidence_block *const *)s->blocks, s->signed_blocks,
                         false, s->charged, &s->n_charged);
    const struct sc_terms terms = scenario_terms(s);
    return r ? r : scenario_bill(s, &terms, s->charged, s->n_charged, &s->bill);
}

void scenario_clear(struct scenario *s)
{
    for (size_t i = 0; i < s->n_blocks; i++) {
        free(s->blocks[i]);
        sg_buf_clear(&s->wire[i]);
    }
    sg_bill_clear(&s->bill);
    for (size_t i = 0; i < s->installations.n; i++)
        s->installations.records[i].cert = NULL; /* the world's */
    sg_installations_clear(&s->installations);
}
