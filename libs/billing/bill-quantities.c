/* bill-quantities - one reading at a time into energy by meter, day and post. */
#include "bill-int.h"

#include <stdio.h>

/* ---- one reading --------------------------------------------------------------------------- */

static bool is_at(const struct sg_bill_meter *m, const char *serial, int64_t ts_s)
{
    return ts_s > m->from_s && ts_s <= m->until_s && !strcmp(m->serial, serial);
}

/* SIZE_MAX: that meter is not here at that time. */
static size_t find_meter(const struct sg_billing *b, const char *serial, int64_t ts_s)
{
    const struct sg_bill *bill = &b->bill;

    if (b->meter < bill->n_meters && is_at(&bill->meters[b->meter], serial, ts_s))
        return b->meter;
    for (size_t i = 0; i < bill->n_meters; i++)
        if (is_at(&bill->meters[i], serial, ts_s))
            return i;
    return SIZE_MAX;
}

static bool too_much(int64_t v)
{
    return v > SG_BILL_READING_MAX || v < -SG_BILL_READING_MAX;
}

static int row_for(struct sg_billing *b, size_t meter, int64_t day, struct sg_bill_row **ret)
{
    struct sg_bill_row *last = b->n_rows ? &b->rows[b->n_rows - 1] : NULL;

    if (last && last->day == day && last->meter == meter) {
        *ret = last;
        return 0;
    }
    if (b->n_rows == b->rows_capacity) {
        size_t capacity = b->rows_capacity ? 2 * b->rows_capacity : 64;
        struct sg_bill_row *rows = reallocarray(b->rows, capacity, sizeof(*rows));
        if (!rows)
            return sg_raise(-ENOMEM);
        b->rows = rows;
        b->rows_capacity = capacity;
    }
    *ret = &b->rows[b->n_rows++];
    **ret = (struct sg_bill_row){.day = day, .meter = meter};
    return 0;
}

/* ---- dynamic prices ------------------------------------------------------------------------ */

/* The span of a charge in which a local day lies; days rise, but for a change of the clocks. */
static size_t span_of(struct sg_spans *s, int64_t day)
{
    if (day < s->list[s->at].from_day)
        s->at = 0;
    while (s->at + 1 < s->n && day >= s->list[s->at].until_day)
        s->at++;
    return s->at;
}

static int64_t amount_of(enum sg_energy_of of, int64_t energy_wh)
{
    switch (of) {
    case SG_OF_IMPORT:
        return energy_wh > 0 ? energy_wh : 0;
    case SG_OF_EXPORT:
        return energy_wh < 0 ? -energy_wh : 0;
    default:
        return energy_wh;
    }
}

__int128 sg_bill_priced_part(const struct sg_billing *b, const struct sg_bill_priced *p)
{
    const struct sg_bill_meter *m = &b->bill.meters[p->meter];
    __int128 sign = p->raw < 0 ? -1 : 1, size = p->raw * sign * m->ratio_num;
    __int128 whole = size / m->ratio_den, odd = whole & 1;

    /* Wider than sg_round_div's result: its remainder and its last bit decide. */
    whole +=
        sg_round_div(odd * m->ratio_den + size % m->ratio_den, m->ratio_den, b->bill.rounding) -
        odd;
    return sign * whole;
}

static void add_price(struct sg_billing *b, struct sg_bill_priced *p, size_t meter, int64_t wh,
                      int64_t price)
{
    if (p->meter != meter) {
        p->exact += sg_bill_priced_part(b, p);
        p->raw = 0;
        p->meter = meter;
    }
    p->raw += (__int128)wh * price;
    if (!p->intervals++)
        p->lowest = p->highest = price;
    p->lowest = price < p->lowest ? price : p->lowest;
    p->highest = price > p->highest ? price : p->highest;
}

/* All prices of an interval; none of them: nothing may have been added. */
static int find_prices(struct sg_billing *b, int64_t start_s, int64_t day,
                       int64_t ret[SG_TARIFF_CHARGES_MAX])
{
    for (size_t i = 0; i < b->t->n_charges; i++) {
        const struct sg_tariff_charge *c = &b->t->charges[i];
        if (!b->priced[i])
            continue;
        size_t span = span_of(&b->spans[i], day);
        ret[i] = sg_charge_price(c, &c->pieces[b->spans[i].list[span].piece], start_s);
        if (ret[i] == SG_SERIES_NONE)
            return SG_BILL_NO_PRICE;
    }
    return 0;
}

static void add_prices(struct sg_billing *b, size_t meter, int64_t energy_wh,
                       const int64_t prices[SG_TARIFF_CHARGES_MAX])
{
    for (size_t i = 0; i < b->t->n_charges; i++)
        if (b->priced[i])
            add_price(b, &b->priced[i][b->spans[i].at], meter,
                      amount_of(b->t->charges[i].of, energy_wh), prices[i]);
}

/* ---- estimates and proofs ------------------------------------------------------------------ */

static int note_estimate(struct sg_billing *b, size_t meter, const struct sg_bill_reading *r)
{
    struct sg_bill *bill = &b->bill;
    struct sg_bill_estimate *last =
        bill->n_estimates ? &bill->estimates[bill->n_estimates - 1] : NULL;

    struct sg_totals own = sg_totals_of(r->energy_wh);
    bill->estimated++;
    if (last && last->meter == meter && !strcmp(last->rule, r->estimated) &&
        last->until_s + bill->interval_s == r->ts_s) {
        last->until_s = r->ts_s;
        last->intervals++;
        last->import_wh += own.import_wh;
        last->export_wh += own.export_wh;
        return 0;
    }
    if (bill->n_estimates == SG_BILL_ESTIMATES_MAX) {
        b->too_long = true;
        return 0;
    }
    if (bill->n_estimates == b->estimates_capacity) {
        size_t capacity = b->estimates_capacity ? 2 * b->estimates_capacity : 16;
        void *list = reallocarray(bill->estimates, capacity, sizeof(*bill->estimates));
        if (!list)
            return sg_raise(-ENOMEM);
        bill->estimates = list;
        b->estimates_capacity = capacity;
    }
    last = &bill->estimates[bill->n_estimates++];
    *last = (struct sg_bill_estimate){.meter = (uint32_t)meter,
                                      .from_s = r->ts_s - bill->interval_s,
                                      .until_s = r->ts_s,
                                      .intervals = 1,
                                      .import_wh = own.import_wh,
                                      .export_wh = own.export_wh};
    snprintf(last->rule, sizeof(last->rule), "%s", r->estimated);
    return 0;
}

/* An estimate has no leaf anywhere. */
static int note_proof(struct sg_billing *b, size_t meter, const struct sg_bill_reading *r)
{
    int result;

    if (r->estimated || !r->leaf)
        return 0;
    sg_merkle_add(&b->tree, r->leaf);
    result = sg_buckets_add(b->buckets, meter, r->ts_s, r->energy_wh, r->leaf);
    if (result > 0)
        b->too_long = true;
    return result < 0 ? result : 0;
}

static int count(struct sg_billing *b, size_t meter, const struct sg_bill_reading *r)
{
    if (r->estimated)
        return note_estimate(b, meter, r);
    b->bill.meters[meter].readings++;
    b->bill.billed++;
    return 0;
}

int sg_billing_add(struct sg_billing *b, const struct sg_bill_reading *r)
{
    const struct sg_bill *bill = &b->bill;
    int64_t prices[SG_TARIFF_CHARGES_MAX], start_s = r->ts_s - bill->interval_s;
    struct sg_bill_row *row;
    int result;

    if (r->ts_s <= bill->from_s || r->ts_s > bill->until_s || r->ts_s % bill->interval_s)
        return SG_BILL_OUTSIDE;
    if (r->ts_s <= b->last_ts_s)
        return SG_BILL_REPEATED;
    size_t meter = find_meter(b, r->serial, r->ts_s);
    if (meter == SIZE_MAX)
        return SG_BILL_FOREIGN;
    if (too_much(r->energy_wh) || (r->reactive_varh != INT64_MIN && too_much(r->reactive_varh)))
        return SG_BILL_TOO_LARGE;
    struct sg_tariff_slot slot = sg_tariff_slot_at(b->t, &b->cursor, start_s);
    if (slot.post == SG_TARIFF_NO_POST)
        return SG_BILL_NO_SCHEDULE;
    result = find_prices(b, start_s, slot.day, prices);
    if (!result)
        result = row_for(b, meter, slot.day, &row);
    if (!result)
        result = count(b, meter, r);
    if (result)
        return result;
    b->meter = meter;
    b->last_ts_s = r->ts_s;
    row->import_wh[slot.post] += r->energy_wh > 0 ? r->energy_wh : 0;
    row->export_wh[slot.post] -= r->energy_wh < 0 ? r->energy_wh : 0;
    add_prices(b, meter, r->energy_wh, prices);
    sg_bill_windows_add(b, r, &slot);
    return note_proof(b, meter, r);
}

/* ---- sums ---------------------------------------------------------------------------------- */

int64_t sg_bill_after_ratio(struct sg_billing *b, size_t meter, __int128 raw)
{
    int64_t v = sg_bill_times_ratio(&b->bill, &b->bill.meters[meter], raw);

    if (v <= SG_BILL_QUANTITY_MAX && v >= -SG_BILL_QUANTITY_MAX)
        return v;
    b->too_large = true;
    return 0;
}

static int64_t row_energy(const struct sg_bill_row *row, size_t post, enum sg_energy_of of)
{
    switch (of) {
    case SG_OF_IMPORT:
        return row->import_wh[post];
    case SG_OF_EXPORT:
        return row->export_wh[post];
    default:
        return row->import_wh[post] - row->export_wh[post];
    }
}

int64_t sg_bill_energy_of_meter(struct sg_billing *b, size_t meter, int64_t from_day,
                                int64_t until_day, size_t post, enum sg_energy_of of)
{
    size_t first = post == SG_BILL_ALL_POSTS ? 0 : post;
    size_t last = post == SG_BILL_ALL_POSTS ? b->t->n_posts - 1 : post;
    __int128 sum = 0;

    for (size_t i = 0; i < b->n_rows; i++) {
        const struct sg_bill_row *row = &b->rows[i];
        if (row->meter != meter || row->day < from_day || row->day >= until_day)
            continue;
        for (size_t p = first; p <= last; p++)
            sum += row_energy(row, p, of);
    }
    return sg_bill_after_ratio(b, meter, sum);
}

int64_t sg_bill_energy(struct sg_billing *b, int64_t from_day, int64_t until_day, size_t post,
                       enum sg_energy_of of)
{
    int64_t sum = 0;

    for (size_t i = 0; i < b->bill.n_meters; i++)
        sum += sg_bill_energy_of_meter(b, i, from_day, until_day, post, of);
    if (sum <= SG_BILL_QUANTITY_MAX && sum >= -SG_BILL_QUANTITY_MAX)
        return sum;
    b->too_large = true;
    return 0;
}
