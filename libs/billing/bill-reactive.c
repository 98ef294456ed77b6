/* bill-reactive - lines of reactive energy and demand, by the reference power factor. */
#include "bill-int.h"

static void energy_line(struct sg_lines *l, const struct sg_tariff_charge *c,
                        const struct sg_span *span, const struct sg_bill_hours *h, size_t post)
{
    size_t first = c->by_post ? post : 0, last = c->by_post ? post : l->t->n_posts - 1;
    struct sg_line line = {
        .span = span, .unit = SG_BILL_KWH, .rate = c->pieces[span->piece].rate[post]};
    uint64_t hours = 0;
    __int128 mwh = 0;

    for (size_t p = first; p <= last; p++) {
        mwh += h->mwh[p];
        hours += h->counted[p];
    }
    line.quantity = sg_round_div(mwh, 1000, l->t->rounding);
    if (c->by_post)
        sg_lines_add(l, &line, "%s.%s", c->name, l->t->posts[post].name);
    else
        sg_lines_add(l, &line, "%s", c->name);
    sg_trace_int(l, "hours", (int64_t)hours);
}

void sg_lines_reactive_energy(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];
    const struct sg_bill_reactive *re = &l->b->reactive[l->charge];

    for (size_t i = 0; i < spans->n; i++) {
        if (!c->by_post) {
            energy_line(l, c, &spans->list[i], &re->spans[i], 0);
            continue;
        }
        for (size_t p = 0; p < l->t->n_posts; p++)
            if (c->posts & 1u << p)
                energy_line(l, c, &spans->list[i], &re->spans[i], p);
    }
}

/* ---- demand -------------------------------------------------------------------------------- */

static void highest(const struct sg_lines *l, const struct sg_tariff_charge *c, size_t post,
                    int64_t *ret_w, int64_t *ret_at_s)
{
    const struct sg_bill_reactive *re = &l->b->reactive[l->charge];

    *ret_w = 0;
    *ret_at_s = INT64_MIN;
    for (size_t p = 0; p < l->t->n_posts; p++) {
        if ((c->by_post && p != post) || re->at_s[p] == INT64_MIN)
            continue;
        if (*ret_at_s == INT64_MIN || re->highest_w[p] > *ret_w ||
            (re->highest_w[p] == *ret_w && re->at_s[p] < *ret_at_s)) {
            *ret_w = re->highest_w[p];
            *ret_at_s = re->at_s[p];
        }
    }
}

static void demand_line(struct sg_lines *l, const struct sg_tariff_charge *c,
                        const struct sg_span *span, size_t post)
{
    bool over_all = !l->t->charges[c->demand].by_post;
    int64_t highest_w, at_s;
    struct sg_demand d;

    highest(l, c, post, &highest_w, &at_s);
    sg_demand_of(l, c->demand, over_all ? SG_BILL_ALL_POSTS : post, &d);
    const struct sg_line line = {.span = span,
                                 .unit = SG_BILL_KW,
                                 .quantity = highest_w > d.billed_w ? highest_w - d.billed_w : 0,
                                 .rate = c->pieces[span->piece].rate[post],
                                 .days = span->days,
                                 .of_days = l->b->bill.days};
    if (c->by_post)
        sg_lines_add(l, &line, "%s.%s", c->name, l->t->posts[post].name);
    else
        sg_lines_add(l, &line, "%s", c->name);
    sg_trace_int(l, "highest_w", highest_w);
    sg_trace_time(l, "at", at_s);
    sg_trace_int(l, "billed_w", d.billed_w);
}

void sg_lines_reactive_demand(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];

    for (size_t i = 0; i < spans->n; i++) {
        if (!c->by_post) {
            demand_line(l, c, &spans->list[i], 0);
            continue;
        }
        for (size_t p = 0; p < l->t->n_posts; p++)
            if (c->posts & 1u << p)
                demand_line(l, c, &spans->list[i], p);
    }
}
