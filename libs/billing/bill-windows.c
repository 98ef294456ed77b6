/* bill-windows - demand windows and clock hours: sums over stretches of time that must be whole. */
#include "bill-int.h"

#define HOUR_S 3600
#define PPM    1000000

static int64_t grid_floor(int64_t s, int64_t step)
{
    return s - ((s % step) + step) % step;
}

/* ---- a stretch ----------------------------------------------------------------------------- */

static void flush(struct sg_billing *b, struct sg_bill_stretch *s)
{
    s->wh += sg_bill_after_ratio(b, s->meter, s->raw_wh);
    s->varh += sg_bill_after_ratio(b, s->meter, s->raw_varh);
    s->raw_wh = s->raw_varh = 0;
}

static void begin(struct sg_bill_stretch *s, int64_t start_s, size_t meter,
                  const struct sg_tariff_slot *slot)
{
    s->start_s = start_s;
    s->got = 0;
    s->meter = meter;
    s->raw_wh = s->raw_varh = s->wh = s->varh = 0;
    s->no_varh = false;
    s->slot = *slot; /* of its first interval, if that is there; else it never counts */
}

/* True if the stretch is whole with this reading. */
static bool stretch_add(struct sg_billing *b, struct sg_bill_stretch *s,
                        const struct sg_bill_reading *r, const struct sg_tariff_slot *slot)
{
    int64_t start_s = grid_floor(r->ts_s - b->t->interval_s, s->length_s);

    if (s->start_s != start_s || s->got == 0)
        begin(s, start_s, b->meter, slot);
    if (s->meter != b->meter) {
        flush(b, s);
        s->meter = b->meter;
    }
    s->raw_wh += r->energy_wh;
    if (r->reactive_varh == INT64_MIN)
        s->no_varh = true;
    else
        s->raw_varh += r->reactive_varh;
    if (++s->got < s->need)
        return false;
    flush(b, s);
    s->got = 0;
    return true;
}

/* ---- demand -------------------------------------------------------------------------------- */

static void end_window(struct sg_bill_window *w)
{
    int64_t power = w->s.wh * (HOUR_S / (int64_t)w->s.length_s);
    uint8_t post = w->s.slot.post;

    if (power < 0)
        power = 0;
    if (!w->counted[post]++ || power > w->highest_w[post]) {
        w->highest_w[post] = power;
        w->at_s[post] = w->s.start_s;
    }
}

/* ---- reactive ------------------------------------------------------------------------------ */

uint64_t sg_isqrt(unsigned __int128 n)
{
    unsigned __int128 x, y;
    unsigned bits = 0;

    if (n < 2)
        return (uint64_t)n;
    for (unsigned __int128 v = n; v; v >>= 1)
        bits++;
    /* Newton from above: falls until it is there. */
    y = (unsigned __int128)1 << (bits + 1) / 2;
    do {
        x = y;
        y = n >> 64 ? (x + n / x) / 2 : ((uint64_t)x + (uint64_t)n / (uint64_t)x) / 2;
    } while (y < x);
    return (uint64_t)x;
}

/* floor(S x reference power factor) in mVAh, S = sqrt(P^2 + Q^2). */
static int64_t reference_mvah(int64_t wh, int64_t varh, int64_t pf_ppm)
{
    unsigned __int128 square = (unsigned __int128)((__int128)wh * wh + (__int128)varh * varh);
    uint64_t apparent = sg_isqrt(square * PPM);

    return (int64_t)((__int128)apparent * pf_ppm / PPM);
}

static size_t span_at(const struct sg_spans *s, int64_t day)
{
    size_t i = 0;

    while (i + 1 < s->n && day >= s->list[i].until_day)
        i++;
    return i;
}

static void judge_hour(struct sg_billing *b, size_t charge)
{
    const struct sg_tariff_charge *c = &b->t->charges[charge];
    const struct sg_bill_stretch *h = &b->hour;
    struct sg_bill_reactive *re = &b->reactive[charge];
    uint8_t post = h->slot.post;
    bool capacitive = sg_charge_is_capacitive(c, h->slot.minute);

    if ((c->by_post && !(c->posts & 1u << post)) || (capacitive ? h->varh >= 0 : h->varh <= 0))
        return;
    int64_t reference = reference_mvah(h->wh, h->varh, c->power_factor_ppm);
    struct sg_bill_hours *span = &re->spans[span_at(&b->spans[charge], h->slot.day)];
    int64_t excess = reference - 1000 * h->wh;
    span->counted[post]++;
    span->mwh[post] += excess > 0 ? excess : 0;
    int64_t demand = sg_round_div(reference, 1000, b->bill.rounding);
    if (demand > re->highest_w[post] || re->at_s[post] == INT64_MIN) {
        re->highest_w[post] = demand;
        re->at_s[post] = h->start_s;
    }
}

static void end_hour(struct sg_billing *b)
{
    if (b->hour.wh < 0 || b->hour.no_varh)
        return;
    for (size_t i = 0; i < b->t->n_charges; i++)
        if (b->reactive[i].spans)
            judge_hour(b, i);
}

/* ---- a run --------------------------------------------------------------------------------- */

static void stretch_init(struct sg_billing *b, struct sg_bill_stretch *s, uint32_t length_s)
{
    s->length_s = length_s;
    s->need = length_s / b->t->interval_s;
}

static size_t window_of(struct sg_billing *b, uint32_t length_s)
{
    size_t i = 0;

    while (i < b->n_windows && b->windows[i].s.length_s != length_s)
        i++;
    sg_assert(i < SG_BILL_WINDOWS_MAX);
    if (i == b->n_windows) {
        stretch_init(b, &b->windows[i].s, length_s);
        b->n_windows++;
    }
    return i;
}

static int prepare_reactive(struct sg_billing *b, size_t charge)
{
    struct sg_bill_reactive *re = &b->reactive[charge];

    if (!b->has_hours)
        stretch_init(b, &b->hour, HOUR_S);
    b->has_hours = true;
    for (size_t p = 0; p < SG_TARIFF_POSTS_MAX; p++)
        re->at_s[p] = INT64_MIN;
    re->spans = calloc(b->spans[charge].n, sizeof(*re->spans));
    return re->spans ? 0 : sg_raise(-ENOMEM);
}

static int prepare(struct sg_billing *b, size_t charge)
{
    const struct sg_tariff_charge *c = &b->t->charges[charge];

    switch (c->kind) {
    case SG_CHARGE_DEMAND:
        b->window_of[charge] = window_of(b, c->window_s);
        return 0;
    case SG_CHARGE_REACTIVE_ENERGY:
    case SG_CHARGE_REACTIVE_DEMAND:
        return prepare_reactive(b, charge);
    case SG_CHARGE_DYNAMIC:
        b->priced[charge] = calloc(b->spans[charge].n, sizeof(*b->priced[charge]));
        return b->priced[charge] ? 0 : sg_raise(-ENOMEM);
    default:
        return 0;
    }
}

int sg_bill_windows_new(struct sg_billing *b)
{
    int r = 0;

    for (size_t i = 0; i < b->t->n_charges && !r; i++)
        r = prepare(b, i);
    return r;
}

void sg_bill_windows_add(struct sg_billing *b, const struct sg_bill_reading *reading,
                         const struct sg_tariff_slot *slot)
{
    for (size_t i = 0; i < b->n_windows; i++)
        if (stretch_add(b, &b->windows[i].s, reading, slot))
            end_window(&b->windows[i]);
    if (b->has_hours && stretch_add(b, &b->hour, reading, slot))
        end_hour(b);
}
