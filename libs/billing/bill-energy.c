/* bill-energy - lines of energy: by post, by tier, by dynamic price. */
#include "bill-int.h"

static void energy_line(struct sg_lines *l, const struct sg_tariff_charge *c,
                        const struct sg_span *span, size_t post, size_t energy_post)
{
    const struct sg_line line = {
        .span = span,
        .unit = SG_BILL_KWH,
        .quantity = sg_bill_energy(l->b, span->from_day, span->until_day, energy_post, c->of),
        .rate = c->pieces[span->piece].rate[post]};

    if (energy_post == SG_BILL_ALL_POSTS)
        sg_lines_add(l, &line, "%s", c->name);
    else
        sg_lines_add(l, &line, "%s.%s", c->name, l->t->posts[post].name);
    sg_trace_energy(l, span->from_day, span->until_day, energy_post, c->of);
}

void sg_lines_energy(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];

    for (size_t i = 0; i < spans->n; i++) {
        if (!c->by_post) {
            energy_line(l, c, &spans->list[i], 0, SG_BILL_ALL_POSTS);
            continue;
        }
        for (size_t p = 0; p < l->t->n_posts; p++)
            energy_line(l, c, &spans->list[i], p, p);
    }
}

/* ---- tiers --------------------------------------------------------------------------------- */

/* A threshold in the piece's share of the days, rounded to Wh. */
static int64_t threshold(const struct sg_lines *l, const struct sg_tariff_charge *c,
                         const struct sg_span *span, const struct sg_tariff_tier *tier)
{
    int64_t of_days = c->per_days ? (int64_t)c->per_days : l->b->bill.days;

    if (tier->up_to_wh == INT64_MAX)
        return INT64_MAX;
    return sg_round_div((__int128)tier->up_to_wh * span->days, of_days, l->t->rounding);
}

static void tier_lines(struct sg_lines *l, const struct sg_tariff_charge *c,
                       const struct sg_span *span)
{
    const struct sg_tariff_piece *piece = &c->pieces[span->piece];
    int64_t below = 0, wh = sg_bill_energy(l->b, span->from_day, span->until_day, SG_BILL_ALL_POSTS,
                                           SG_OF_IMPORT);

    for (size_t k = 0; k < piece->n_tiers; k++) {
        int64_t up_to = threshold(l, c, span, &piece->tiers[k]);
        int64_t part = (wh < up_to ? wh : up_to) - below;
        const struct sg_line line = {.span = span,
                                     .unit = SG_BILL_KWH,
                                     .quantity = part > 0 ? part : 0,
                                     .rate = piece->tiers[k].rate};
        if (k == 0 || part > 0) {
            sg_lines_add(l, &line, "%s.tier%zu", c->name, k + 1);
            sg_trace_int(l, "above_wh", below);
            if (up_to != INT64_MAX)
                sg_trace_int(l, "up_to_wh", up_to);
            sg_trace_energy(l, span->from_day, span->until_day, SG_BILL_ALL_POSTS, SG_OF_IMPORT);
        }
        below = up_to;
    }
}

void sg_lines_tiers(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];

    for (size_t i = 0; i < spans->n; i++)
        tier_lines(l, c, &spans->list[i]);
}

/* ---- dynamic prices ------------------------------------------------------------------------ */

/* The last meter's part, by its ratio, rounded to 1e-12 currency. */
static __int128 exact_price(const struct sg_lines *l, const struct sg_bill_priced *p)
{
    return p->exact + sg_bill_priced_part(l->b, p);
}

static void dynamic_line(struct sg_lines *l, const struct sg_tariff_charge *c,
                         const struct sg_span *span, const struct sg_bill_priced *p)
{
    const struct sg_line line = {.span = span,
                                 .unit = SG_BILL_KWH,
                                 .quantity = sg_bill_energy(l->b, span->from_day, span->until_day,
                                                            SG_BILL_ALL_POSTS, c->of)};

    sg_lines_add_exact(l, &line, exact_price(l, p), sg_pow10(SG_EXACT_DIGITS), "%s", c->name);
    sg_trace_int(l, "intervals", (int64_t)p->intervals);
    if (p->intervals) {
        sg_trace_rate(l, "lowest", p->lowest);
        sg_trace_rate(l, "highest", p->highest);
    }
    sg_trace_energy(l, span->from_day, span->until_day, SG_BILL_ALL_POSTS, c->of);
}

void sg_lines_dynamic(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    const struct sg_spans *spans = &l->b->spans[l->charge];

    for (size_t i = 0; i < spans->n; i++)
        dynamic_line(l, c, &spans->list[i], &l->b->priced[l->charge][i]);
}
