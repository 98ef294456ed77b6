/* bill - readings become lines. */
#include "bill-money-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/merkle.h>

#include <stdio.h>

#define RATIO_MAX    INT64_C(1000000)
#define ENERGY_MAX   INT64_C(1000000000000) /* Wh of one meter, post and month */
#define PERIOD_MAX_S (INT64_C(800) * 86400)

struct sg_billing {
    const struct sg_tariff *t;
    struct sg_bill bill; /* identity, meters and counts so far */
    struct sg_tariff_cursor cursor;
    int first_month, last_month;
    int64_t last_ts_s;
    size_t meter; /* of the last reading: most follow in a run */
    int64_t energy[SG_BILL_METERS_MAX][SG_TARIFF_POSTS_MAX][SG_BILL_MONTHS_MAX];
    struct sg_merkle tree;
};

const char *sg_bill_outcome_word(int outcome)
{
    static const char *const words[] = {
        [SG_BILL_OUTSIDE] = "reading.outside",     [SG_BILL_FOREIGN] = "reading.foreign",
        [SG_BILL_REPEATED] = "reading.duplicated", [SG_BILL_NO_ENERGY] = "reading.no_energy",
        [SG_BILL_TOO_LONG] = "period.too_long",    [SG_BILL_BAD_RECORD] = "installation.bad",
        [SG_BILL_NO_FLAG] = "tariff.no_flag"};
    return outcome >= SG_BILL_OUTSIDE && outcome <= SG_BILL_NO_FLAG ? words[outcome] : "unknown";
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Interval ends in (from, until]. */
static int64_t intervals_in(int64_t from_s, int64_t until_s, uint32_t interval_s)
{
    return until_s > from_s ? floor_div(until_s, interval_s) - floor_div(from_s, interval_s) : 0;
}

static bool record_ok(const struct sg_bill_install *i)
{
    return i->from_s < i->until_s && i->ratio_num >= 1 && i->ratio_num <= RATIO_MAX &&
           i->ratio_den >= 1 && i->ratio_den <= RATIO_MAX &&
           strlen(i->serial) <= SG_BILL_SERIAL_MAX;
}

static bool overlaps(const struct sg_bill *bill, const struct sg_bill_meter *m)
{
    for (size_t i = 0; i < bill->n_meters; i++)
        if (m->from_s < bill->meters[i].until_s && bill->meters[i].from_s < m->until_s)
            return true;
    return false;
}

/* Meters stand in the order of their coming, whatever the order of the records. */
static void insert_meter(struct sg_bill *bill, const struct sg_bill_meter *m)
{
    size_t at = bill->n_meters++;

    for (; at > 0 && bill->meters[at - 1].from_s > m->from_s; at--)
        bill->meters[at] = bill->meters[at - 1];
    bill->meters[at] = *m;
}

static int add_install(struct sg_billing *b, const struct sg_bill_install *i)
{
    struct sg_bill *bill = &b->bill;
    struct sg_bill_meter m = {.ratio_num = i->ratio_num, .ratio_den = i->ratio_den};

    if (!record_ok(i))
        return SG_BILL_BAD_RECORD;
    m.from_s = i->from_s > bill->from_s ? i->from_s : bill->from_s;
    m.until_s = i->until_s < bill->until_s ? i->until_s : bill->until_s;
    if (m.from_s >= m.until_s)
        return 0; /* not in this period */
    if (overlaps(bill, &m))
        return SG_BILL_BAD_RECORD;
    if (bill->n_meters == SG_BILL_METERS_MAX)
        return SG_BILL_TOO_LONG;
    snprintf(m.serial, sizeof(m.serial), "%s", i->serial);
    insert_meter(bill, &m);
    bill->expected += (uint64_t)intervals_in(m.from_s, m.until_s, bill->interval_s);
    return 0;
}

static int set_period(struct sg_billing *b)
{
    struct sg_bill *bill = &b->bill;
    struct sg_tariff_cursor c = {0};

    if (bill->until_s <= bill->from_s || bill->until_s - bill->from_s > PERIOD_MAX_S)
        return SG_BILL_TOO_LONG;
    b->first_month = sg_tariff_slot_at(b->t, &c, bill->from_s).month;
    b->last_month = sg_tariff_slot_at(b->t, &c, bill->until_s - 1).month;
    return b->last_month - b->first_month < SG_BILL_MONTHS_MAX ? 0 : SG_BILL_TOO_LONG;
}

static void copy_tariff(struct sg_bill *bill, const struct sg_tariff *t)
{
    memcpy(bill->tariff_id, t->id, sizeof(bill->tariff_id));
    memcpy(bill->tariff_sha256, t->sha256, 32);
    memcpy(bill->currency, t->currency, sizeof(bill->currency));
    bill->decimals = t->decimals;
    bill->rounding = t->rounding;
    bill->interval_s = t->interval_s;
}

int sg_billing_new(struct sg_billing **ret, const struct sg_tariff *t, int64_t client,
                   int64_t from_s, int64_t until_s, const struct sg_bill_install *installs,
                   size_t n_installs)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    b->t = t;
    b->bill = (struct sg_bill){.client = client, .from_s = from_s, .until_s = until_s};
    b->last_ts_s = INT64_MIN;
    copy_tariff(&b->bill, t);
    sg_merkle_init(&b->tree);
    r = set_period(b);
    for (size_t i = 0; i < n_installs && !r; i++)
        r = add_install(b, &installs[i]);
    if (r)
        return r;
    *ret = TAKE_PTR(b);
    return 0;
}

void sg_billing_free(struct sg_billing *b)
{
    free(b);
}

static bool is_at(const struct sg_bill_meter *m, const char *serial, int64_t ts_s)
{
    return ts_s > m->from_s && ts_s <= m->until_s && !strcmp(m->serial, serial);
}

static struct sg_bill_meter *find_meter(struct sg_billing *b, const char *serial, int64_t ts_s)
{
    if (b->meter < b->bill.n_meters && is_at(&b->bill.meters[b->meter], serial, ts_s))
        return &b->bill.meters[b->meter];
    for (size_t i = 0; i < b->bill.n_meters; i++) {
        if (!is_at(&b->bill.meters[i], serial, ts_s))
            continue;
        b->meter = i;
        return &b->bill.meters[i];
    }
    return NULL;
}

int sg_billing_add(struct sg_billing *b, const char *serial, int64_t ts_s, int64_t energy_wh,
                   const uint8_t leaf_hash[32])
{
    struct sg_bill *bill = &b->bill;
    struct sg_bill_meter *m;
    int64_t *sum;

    if (ts_s <= bill->from_s || ts_s > bill->until_s || ts_s % bill->interval_s)
        return SG_BILL_OUTSIDE;
    if (ts_s <= b->last_ts_s)
        return SG_BILL_REPEATED;
    m = find_meter(b, serial, ts_s);
    if (!m)
        return SG_BILL_FOREIGN;
    struct sg_tariff_slot slot = sg_tariff_slot_at(b->t, &b->cursor, ts_s - bill->interval_s);
    int month = slot.month - b->first_month;
    if (month < 0)
        month = 0; /* the first interval may begin just before the period's month */
    sum = &b->energy[b->meter][slot.post][month];
    if (energy_wh > ENERGY_MAX || energy_wh < -ENERGY_MAX || *sum > ENERGY_MAX - energy_wh ||
        *sum < -ENERGY_MAX - energy_wh)
        return SG_BILL_TOO_LONG;
    *sum += energy_wh;
    m->readings++;
    bill->billed++;
    b->last_ts_s = ts_s;
    sg_merkle_add(&b->tree, leaf_hash);
    return 0;
}

/* Energy of a post and month over all meters, each after its ratio. */
static int64_t energy_of(const struct sg_billing *b, size_t post, int month)
{
    int64_t sum = 0;

    for (size_t i = 0; i < b->bill.n_meters; i++) {
        const struct sg_bill_meter *m = &b->bill.meters[i];
        sum += sg_round_div((__int128)b->energy[i][post][month] * m->ratio_num, m->ratio_den,
                            b->bill.rounding);
    }
    return sum;
}

static void add_line(struct sg_bill *bill, const char *code, int64_t energy_wh, int64_t rate)
{
    struct sg_bill_line *line = &bill->lines[bill->n_lines++];

    snprintf(line->code, sizeof(line->code), "%s", code);
    line->energy_wh = energy_wh;
    line->rate = rate;
    line->amount = sg_bill_amount(bill, energy_wh, rate);
}

static void add_energy_lines(const struct sg_billing *b, struct sg_bill *bill)
{
    char code[SG_BILL_CODE_MAX + 1];

    for (size_t p = 0; p < b->t->n_posts; p++) {
        int64_t wh = 0;
        for (int m = 0; m <= b->last_month - b->first_month; m++)
            wh += energy_of(b, p, m);
        snprintf(code, sizeof(code), "energy.%s", b->t->posts[p].name);
        add_line(bill, code, wh, b->t->posts[p].rate);
        bill->energy_wh += wh;
    }
}

static int add_flag_lines(const struct sg_billing *b, struct sg_bill *bill)
{
    char code[SG_BILL_CODE_MAX + 1];

    if (!b->t->n_flags)
        return 0;
    for (int m = b->first_month; m <= b->last_month; m++) {
        const struct sg_tariff_flag *flag = sg_tariff_flag_of(b->t, m);
        int64_t wh = 0;
        if (!flag)
            return SG_BILL_NO_FLAG;
        for (size_t p = 0; p < b->t->n_posts; p++)
            wh += energy_of(b, p, m - b->first_month);
        snprintf(code, sizeof(code), "flag.%04d-%02d.%s", m / 12, m % 12 + 1, flag->name);
        add_line(bill, code, wh, flag->adder);
    }
    return 0;
}

/* What the energy lines lack of the minimum energy at the minimum's post. */
static void add_minimum_line(const struct sg_billing *b, struct sg_bill *bill)
{
    int64_t least, energy = 0;

    if (!b->t->minimum_wh)
        return;
    for (size_t p = 0; p < b->t->n_posts; p++)
        energy += bill->lines[p].amount;
    least = sg_bill_amount(bill, b->t->minimum_wh, b->t->posts[b->t->minimum_post].rate);
    if (energy >= least)
        return;
    struct sg_bill_line *line = &bill->lines[bill->n_lines++];
    snprintf(line->code, sizeof(line->code), "minimum");
    line->energy_wh = 0;
    line->rate = 0;
    line->amount = least - energy;
}

static int64_t lighting_of(const struct sg_tariff *t, int64_t energy_wh)
{
    for (size_t i = 0; i < t->n_lighting; i++)
        if (energy_wh <= t->lighting[i].up_to_wh)
            return t->lighting[i].amount;
    return 0;
}

static void add_taxes(const struct sg_billing *b, struct sg_bill *bill)
{
    for (size_t i = 0; i < b->t->n_taxes; i++) {
        struct sg_bill_tax *tax = &bill->taxes[bill->n_taxes++];
        memcpy(tax->name, b->t->taxes[i].name, sizeof(tax->name));
        tax->rate_ppm = b->t->taxes[i].rate_ppm;
        tax->excludes = b->t->taxes[i].excludes;
    }
    sg_bill_sum_up(bill);
}

int sg_billing_finish(struct sg_billing *b, struct sg_bill *ret)
{
    struct sg_bill bill = b->bill;
    int r;

    add_energy_lines(b, &bill);
    r = add_flag_lines(b, &bill);
    if (r)
        return r;
    add_minimum_line(b, &bill);
    bill.lighting = lighting_of(b->t, bill.energy_wh);
    add_taxes(b, &bill);
    bill.missing = bill.expected - bill.billed;
    sg_merkle_finish(&b->tree, bill.root);
    *ret = bill;
    return 0;
}
