/* bill-calendar - the local days of a period and what holds on them. */
#include "bill-int.h"

#define MONTHS_MAX 40

static int64_t grid_floor(int64_t s, int64_t step)
{
    return s - ((s % step) + step) % step;
}

static int note_day(struct sg_billing *b, int64_t day)
{
    int month = sg_month_of_day(day);

    if (b->n_days == SG_BILL_DAYS_MAX)
        return SG_BILL_TOO_LONG;
    b->days[b->n_days++] = day;
    if (b->n_months == 0 || b->months[b->n_months - 1].month != month) {
        if (b->n_months == MONTHS_MAX)
            return SG_BILL_TOO_LONG;
        b->months[b->n_months++].month = month;
    }
    b->months[b->n_months - 1].days++;
    return 0;
}

/* Interval by interval would do; a day at a time is faster. */
static int list_days(struct sg_billing *b)
{
    int64_t step = b->t->interval_s;
    int64_t begin = grid_floor(b->bill.from_s, step);
    int64_t end = grid_floor(b->bill.until_s, step); /* begin of the last is one step before */
    struct sg_tariff_cursor c = {.from_s = 0};
    int r = 0;

    while (begin < end && !r) {
        int64_t day = sg_tariff_slot_at(b->t, &c, begin).day;
        /* A change of the clocks cuts a day into two runs. */
        if (b->n_days == 0 || b->days[b->n_days - 1] < day)
            r = note_day(b, day);
        begin = grid_floor(c.until_s - 1, step) + step;
    }
    return r ? r : b->n_days ? 0 : SG_BILL_EMPTY;
}

int64_t sg_bill_days_in(const struct sg_billing *b, int64_t from_day, int64_t until_day)
{
    int64_t n = 0;

    for (size_t i = 0; i < b->n_days; i++)
        n += b->days[i] >= from_day && b->days[i] < until_day;
    return n;
}

/* Pieces that have a day of the period, clipped to it. */
static int make_spans(struct sg_billing *b, const struct sg_tariff_charge *c, struct sg_spans *s)
{
    int64_t first = b->days[0], end = b->days[b->n_days - 1] + 1;

    if (c->n_pieces == 0)
        return 0;
    if (c->pieces[0].from_day > first)
        return SG_BILL_NO_RATE;
    s->list = calloc(c->n_pieces, sizeof(*s->list));
    if (!s->list)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < c->n_pieces; i++) {
        int64_t from = c->pieces[i].from_day > first ? c->pieces[i].from_day : first;
        int64_t until = i + 1 < c->n_pieces ? c->pieces[i + 1].from_day : end;
        until = until < end ? until : end;
        int64_t days = from < until ? sg_bill_days_in(b, from, until) : 0;
        if (days)
            s->list[s->n++] = (struct sg_span){from, until, days, i};
    }
    return 0;
}

static int check_flags(const struct sg_billing *b, const struct sg_tariff_charge *c)
{
    for (size_t i = 0; c->kind == SG_CHARGE_FLAG && i < b->n_months; i++)
        if (!sg_charge_flag_of(c, b->months[i].month))
            return SG_BILL_NO_FLAG;
    return 0;
}

int sg_bill_calendar(struct sg_billing *b)
{
    int r;

    if (b->bill.until_s <= b->bill.from_s)
        return SG_BILL_EMPTY;
    if (b->bill.until_s - b->bill.from_s > SG_BILL_DAYS_MAX * INT64_C(86400))
        return SG_BILL_TOO_LONG;
    b->days = calloc(SG_BILL_DAYS_MAX, sizeof(*b->days));
    b->months = calloc(MONTHS_MAX, sizeof(*b->months));
    if (!b->days || !b->months)
        return sg_raise(-ENOMEM);
    r = list_days(b);
    b->bill.days = (int64_t)b->n_days;
    for (size_t i = 0; i < b->t->n_charges && !r; i++) {
        r = make_spans(b, &b->t->charges[i], &b->spans[i]);
        if (!r)
            r = check_flags(b, &b->t->charges[i]);
    }
    return r;
}
