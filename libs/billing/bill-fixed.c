/* bill-fixed - lines by time: fixed amounts, and flags by the month. */
#include "bill-int.h"

#include <stdio.h>

/* 0-based; the contract must say it where the tariff asks. */
static size_t phases(struct sg_lines *l, bool asked)
{
    if (!asked)
        return 0;
    if (l->contract && l->contract->phases >= 1 && l->contract->phases <= 3)
        return l->contract->phases - 1;
    sg_lines_refuse(l, SG_BILL_NO_CONTRACT);
    return 0;
}

static void put_fixed(struct sg_lines *l, const struct sg_tariff_charge *c, struct sg_line *line)
{
    size_t n = phases(l, c->by_phases);

    line->rate = c->pieces[line->span->piece].amount[n];
    sg_lines_add(l, line, "%s", c->name);
    if (c->by_phases)
        sg_trace_int(l, "phases", (int64_t)n + 1);
}

/* Each local month of the piece, by its days. */
static void month_lines(struct sg_lines *l, const struct sg_tariff_charge *c,
                        const struct sg_span *span)
{
    for (size_t m = 0; m < l->b->n_months; m++) {
        int month = l->b->months[m].month;
        int64_t first = sg_first_day_of_month(month), next = sg_first_day_of_month(month + 1);
        struct sg_span part = {.from_day = first > span->from_day ? first : span->from_day,
                               .until_day = next < span->until_day ? next : span->until_day,
                               .piece = span->piece};
        part.days = sg_bill_days_in(l->b, part.from_day, part.until_day);
        struct sg_line line = {.span = &part,
                               .unit = SG_BILL_MONTH,
                               .quantity = 1,
                               .days = part.days,
                               .of_days = next - first};
        if (part.days)
            put_fixed(l, c, &line);
    }
}

void sg_lines_fixed(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];

    for (size_t i = 0; i < spans->n; i++) {
        const struct sg_span *span = &spans->list[i];
        struct sg_line day = {.span = span, .unit = SG_BILL_DAY, .quantity = span->days};
        struct sg_line cycle = {.span = span,
                                .unit = SG_BILL_CYCLE,
                                .quantity = 1,
                                .days = span->days,
                                .of_days = l->b->bill.days};
        if (c->per == SG_PER_MONTH)
            month_lines(l, c, span);
        else
            put_fixed(l, c, c->per == SG_PER_DAY ? &day : &cycle);
    }
}

/* ---- flags --------------------------------------------------------------------------------- */

static int64_t flag_wh(struct sg_lines *l, const struct sg_tariff_charge *c, size_t m,
                       int64_t left_wh)
{
    const struct sg_month_days *month = &l->b->months[m];

    if (c->split == SG_SPLIT_INTERVAL)
        return sg_bill_energy(l->b, sg_first_day_of_month(month->month),
                              sg_first_day_of_month(month->month + 1), SG_BILL_ALL_POSTS,
                              SG_OF_IMPORT);
    if (m + 1 == l->b->n_months)
        return left_wh;
    return sg_round_div((__int128)l->b->bill.import_wh * month->days, l->b->bill.days,
                        l->t->rounding);
}

void sg_lines_flag(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    int64_t left_wh = l->b->bill.import_wh;

    for (size_t m = 0; m < l->b->n_months; m++) {
        const struct sg_month_days *month = &l->b->months[m];
        const struct sg_tariff_flag *flag = sg_charge_flag_of(c, month->month);
        struct sg_line line = {
            .unit = SG_BILL_KWH, .quantity = flag_wh(l, c, m, left_wh), .rate = flag->adder};
        left_wh -= line.quantity;
        sg_lines_add(l, &line, "%s.%04d-%02d.%s", c->name, month->month / 12, month->month % 12 + 1,
                     flag->name);
        sg_trace_text(l, "split", c->split == SG_SPLIT_DAYS ? "days" : "interval");
        sg_trace_int(l, "days", month->days);
    }
}
