/* bill-demand - lines of demand: measured, contracted, by ratchet, and what exceeds the contract.
 */
#include "bill-int.h"

static const char *post_name(const struct sg_lines *l, size_t post)
{
    return post == SG_BILL_ALL_POSTS ? SG_CONTRACT_ALL : l->t->posts[post].name;
}

static void take_post(const struct sg_bill_window *w, size_t post, struct sg_demand *ret)
{
    bool first = ret->windows == 0;

    if (!w->counted[post])
        return;
    ret->windows += w->counted[post];
    if (first || w->highest_w[post] > ret->measured_w ||
        (w->highest_w[post] == ret->measured_w && w->at_s[post] < ret->at_s)) {
        ret->measured_w = w->highest_w[post];
        ret->at_s = w->at_s[post];
    }
}

/* Months of the history end before the month of the period's last day. */
static int64_t ratchet_w(const struct sg_lines *l, const struct sg_tariff_charge *c, size_t post)
{
    int month = l->b->months[l->b->n_months - 1].month;
    int64_t highest =
        sg_contract_highest_w(l->contract, post_name(l, post), month, c->ratchet_months);

    return sg_round_div((__int128)highest * c->ratchet_ppm, SG_PPM, l->t->rounding);
}

void sg_demand_of(struct sg_lines *l, size_t charge, size_t post, struct sg_demand *ret)
{
    const struct sg_tariff_charge *c = &l->t->charges[charge];
    const struct sg_bill_window *w = &l->b->windows[l->b->window_of[charge]];
    struct sg_demand d = {.at_s = INT64_MIN, .contracted_w = -1, .ratchet_w = -1};

    for (size_t p = 0; p < l->t->n_posts; p++)
        if (post == SG_BILL_ALL_POSTS || p == post)
            take_post(w, p, &d);
    d.billed_w = d.measured_w;
    if (c->contracted || c->has_excess) {
        d.contracted_w = l->contract ? sg_contract_demand_w(l->contract, post_name(l, post)) : -1;
        if (d.contracted_w < 0)
            sg_lines_refuse(l, SG_BILL_NO_CONTRACT);
    }
    if (c->contracted && d.contracted_w > d.billed_w)
        d.billed_w = d.contracted_w;
    if (c->ratchet_months) {
        if (l->contract)
            d.ratchet_w = ratchet_w(l, c, post);
        else
            sg_lines_refuse(l, SG_BILL_NO_CONTRACT);
    }
    if (d.ratchet_w > d.billed_w)
        d.billed_w = d.ratchet_w;
    *ret = d;
}

static void trace_demand(struct sg_lines *l, const struct sg_demand *d)
{
    sg_trace_int(l, "measured_w", d->measured_w);
    sg_trace_time(l, "at", d->at_s);
    sg_trace_int(l, "windows", (int64_t)d->windows);
    if (d->contracted_w >= 0)
        sg_trace_int(l, "contracted_w", d->contracted_w);
    if (d->ratchet_w >= 0)
        sg_trace_int(l, "ratchet_w", d->ratchet_w);
}

static bool exceeds(const struct sg_tariff_charge *c, const struct sg_demand *d)
{
    return c->has_excess && (__int128)d->measured_w * SG_PPM >
                                (__int128)d->contracted_w * (SG_PPM + c->tolerance_ppm);
}

/* One line, and one more for the excess. */
static void demand_lines(struct sg_lines *l, const struct sg_tariff_charge *c,
                         const struct sg_span *span, size_t post)
{
    const struct sg_tariff_piece *piece = &c->pieces[span->piece];
    const char *dot = post == SG_BILL_ALL_POSTS ? "" : ".";
    const char *name = post == SG_BILL_ALL_POSTS ? "" : post_name(l, post);
    size_t rate_post = post == SG_BILL_ALL_POSTS ? 0 : post;
    struct sg_demand d;

    sg_demand_of(l, l->charge, post, &d);
    struct sg_line line = {.span = span,
                           .unit = SG_BILL_KW,
                           .quantity = d.billed_w,
                           .rate = piece->rate[rate_post],
                           .days = span->days,
                           .of_days = l->b->bill.days};
    sg_lines_add(l, &line, "%s%s%s", c->name, dot, name);
    trace_demand(l, &d);
    if (l->failure || !exceeds(c, &d))
        return;
    line.quantity = d.measured_w - d.contracted_w;
    line.rate = sg_charge_excess_rate(l->t, c, piece, rate_post);
    sg_lines_add(l, &line, "%s%s%s.excess", c->name, dot, name);
    trace_demand(l, &d);
}

void sg_lines_demand(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];

    for (size_t i = 0; i < spans->n; i++) {
        if (!c->by_post) {
            demand_lines(l, c, &spans->list[i], SG_BILL_ALL_POSTS);
            continue;
        }
        for (size_t p = 0; p < l->t->n_posts; p++)
            if (c->posts & 1u << p)
                demand_lines(l, c, &spans->list[i], p);
    }
}
