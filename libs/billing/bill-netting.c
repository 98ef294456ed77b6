/* bill-netting - net metering: what was sent out sets off what was taken, at a share of the rate;
 * what is left is carried. */
#include "bill-int.h"

/* One post: where the energy that sets off comes from, and how much of it is used. */
struct netting {
    int64_t import_wh, export_wh, carried_wh, used_wh;
};

static int last_month(const struct sg_lines *l)
{
    return l->b->months[l->b->n_months - 1].month;
}

static bool has_lapsed(const struct sg_lines *l, const struct sg_tariff_charge *c,
                       const struct sg_contract_credit *credit)
{
    return last_month(l) - credit->month > (int)c->carry_months;
}

static int64_t carried(struct sg_lines *l, const struct sg_tariff_charge *c, const char *post)
{
    int64_t sum = 0;

    for (size_t i = 0; l->contract && i < l->contract->n_credits; i++) {
        const struct sg_contract_credit *credit = &l->contract->credits[i];
        if (strcmp(credit->post, post) || has_lapsed(l, c, credit))
            continue;
        if (credit->wh > SG_BILL_QUANTITY_MAX - sum)
            sg_lines_refuse(l, SG_BILL_TOO_LARGE);
        else
            sum += credit->wh;
    }
    return sum;
}

static void net_post(struct sg_lines *l, const struct sg_tariff_charge *c, size_t post,
                     struct netting *ret)
{
    struct netting n = {.import_wh = sg_bill_energy(l->b, INT64_MIN, INT64_MAX, post, SG_OF_IMPORT),
                        .export_wh = sg_bill_energy(l->b, INT64_MIN, INT64_MAX, post, SG_OF_EXPORT),
                        .carried_wh = carried(l, c, l->t->posts[post].name)};
    int64_t have = n.export_wh + n.carried_wh;

    n.used_wh = n.import_wh < have ? n.import_wh : have;
    *ret = n;
}

/* ---- credit carried out ---------------------------------------------------------------------- */

static void keep_credit(struct sg_bill *bill, int month, size_t post, int64_t wh)
{
    if (wh > 0)
        bill->credits[bill->n_credits++] =
            (struct sg_bill_credit){.month = month, .post = (uint32_t)post, .wh = wh};
}

static size_t post_of(const struct sg_lines *l, const char *name)
{
    size_t p = 0;

    while (p < l->t->n_posts && strcmp(l->t->posts[p].name, name))
        p++;
    return p;
}

/* The period's own export is used first, then the oldest credit; what is left stands in the same
 * order: old ones as in the contract, then the period's own. */
static void carry(struct sg_lines *l, const struct sg_tariff_charge *c, const struct netting *n)
{
    struct sg_bill *bill = &l->b->bill;
    int64_t own[SG_TARIFF_POSTS_MAX], left[SG_TARIFF_POSTS_MAX];

    for (size_t p = 0; p < l->t->n_posts; p++) {
        own[p] = n[p].export_wh < n[p].used_wh ? n[p].export_wh : n[p].used_wh;
        left[p] = n[p].used_wh - own[p];
    }
    for (size_t i = 0; l->contract && i < l->contract->n_credits; i++) {
        const struct sg_contract_credit *credit = &l->contract->credits[i];
        size_t p = post_of(l, credit->post);
        if (has_lapsed(l, c, credit))
            continue;
        if (p == l->t->n_posts) {
            sg_lines_refuse(l, SG_BILL_NO_POST); /* nobody's credit may vanish */
            return;
        }
        int64_t take = credit->wh < left[p] ? credit->wh : left[p];
        left[p] -= take;
        keep_credit(bill, credit->month, p, credit->wh - take);
    }
    for (size_t p = 0; p < l->t->n_posts; p++)
        keep_credit(bill, last_month(l), p, n[p].export_wh - own[p]);
}

static bool room_for_credits(struct sg_lines *l)
{
    struct sg_bill *bill = &l->b->bill;
    size_t most = (l->contract ? l->contract->n_credits : 0) + SG_TARIFF_POSTS_MAX;

    if (most > SG_BILL_CREDITS_MAX) {
        sg_lines_refuse(l, SG_BILL_TOO_LONG);
        return false;
    }
    free(bill->credits); /* a tariff has one such charge */
    bill->n_credits = 0;
    bill->credits = calloc(most, sizeof(*bill->credits));
    if (!bill->credits)
        sg_lines_refuse(l, sg_raise(-ENOMEM));
    return bill->credits != NULL;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The percents in force on the period's last day hold for all of it. */
static int64_t credited_rate(const struct sg_lines *l, const struct sg_tariff_charge *c,
                             size_t which, size_t post, size_t piece)
{
    const struct sg_spans *own = &l->b->spans[l->charge];
    const struct sg_tariff_charge *of = &l->t->charges[c->credited[which]];
    int64_t share = c->pieces[own->list[own->n - 1].piece].credit_ppm[which];

    return -sg_round_div((__int128)of->pieces[piece].rate[post] * share, SG_PPM, l->t->rounding);
}

static void credit_line(struct sg_lines *l, const struct sg_tariff_charge *c, size_t which,
                        size_t post, const struct sg_span *span, int64_t wh,
                        const struct netting *n)
{
    const struct sg_line line = {.span = span,
                                 .unit = SG_BILL_KWH,
                                 .quantity = wh,
                                 .rate = credited_rate(l, c, which, post, span->piece)};

    sg_lines_add(l, &line, "%s.%s.%s", c->name, l->t->charges[c->credited[which]].name,
                 l->t->posts[post].name);
    sg_trace_int(l, "import_wh", n->import_wh);
    sg_trace_int(l, "export_wh", n->export_wh);
    sg_trace_int(l, "carried_wh", n->carried_wh);
    sg_trace_int(l, "used_wh", n->used_wh);
}

/* Import of the post in a piece of the credited charge, and in all of them. */
static int64_t piece_import(struct sg_lines *l, const struct sg_span *span, size_t post)
{
    return sg_bill_energy(l->b, span->from_day, span->until_day, post, SG_OF_IMPORT);
}

static int64_t pieces_import(struct sg_lines *l, const struct sg_spans *spans, size_t post)
{
    int64_t sum = 0;

    for (size_t i = 0; i < spans->n; i++)
        sum += piece_import(l, &spans->list[i], post);
    return sum;
}

/* In the order of a bill: pieces, then posts. */
static void credit_lines(struct sg_lines *l, const struct sg_tariff_charge *c, size_t which,
                         const struct netting *n)
{
    const struct sg_spans *spans = &l->b->spans[c->credited[which]];
    int64_t left[SG_TARIFF_POSTS_MAX], all[SG_TARIFF_POSTS_MAX];

    for (size_t p = 0; p < l->t->n_posts; p++) {
        left[p] = n[p].used_wh;
        all[p] = pieces_import(l, spans, p);
    }
    for (size_t i = 0; i < spans->n; i++)
        for (size_t p = 0; p < l->t->n_posts; p++) {
            __int128 share = (__int128)n[p].used_wh * piece_import(l, &spans->list[i], p);
            int64_t wh = all[p] ? (int64_t)(share / all[p]) : 0;
            if (i + 1 == spans->n)
                wh = left[p];
            left[p] -= wh;
            credit_line(l, c, which, p, &spans->list[i], wh, &n[p]);
        }
}

void sg_lines_net_metering(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    struct netting n[SG_TARIFF_POSTS_MAX];

    if (!room_for_credits(l))
        return;
    for (size_t p = 0; p < l->t->n_posts; p++)
        net_post(l, c, p, &n[p]);
    carry(l, c, n);
    for (size_t i = 0; i < c->n_credited; i++)
        credit_lines(l, c, i, n);
}
