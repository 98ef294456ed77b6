/* bill-minimum - what the charges for energy lack of the price of the least energy. */
#include "bill-int.h"

#include <stdio.h>

/* Lines of the charge itself, and of net metering on it: "NET.CHARGE.POST". */
static int64_t charged(const struct sg_lines *l, size_t charge)
{
    const char *name = l->t->charges[charge].name;
    size_t len = strlen(name);
    int64_t sum = sg_lines_sum(l, charge);

    for (size_t i = 0; i < l->n; i++) {
        const struct sg_tariff_charge *c = &l->t->charges[l->made[i].charge];
        const char *rest = l->made[i].line.code + strlen(c->name) + 1;
        if (c->kind == SG_CHARGE_NET_METERING && !strncmp(rest, name, len) && rest[len] == '.')
            sum += l->made[i].line.amount;
    }
    return sum;
}

static int64_t least_wh(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    if (!c->by_phases)
        return c->least_wh[0];
    if (l->contract && l->contract->phases >= 1 && l->contract->phases <= 3)
        return c->least_wh[l->contract->phases - 1];
    sg_lines_refuse(l, SG_BILL_NO_CONTRACT);
    return 0;
}

/* Sum over the charges' pieces of Wh x rate x days, in 1e-12 currency x days of the period. */
static __int128 least_of(const struct sg_lines *l, const struct sg_tariff_charge *c, int64_t wh)
{
    __int128 sum = 0;

    for (size_t i = 0; i < c->n_credited; i++) {
        const struct sg_tariff_charge *of = &l->t->charges[c->credited[i]];
        const struct sg_spans *spans = &l->b->spans[c->credited[i]];
        for (size_t k = 0; k < spans->n; k++)
            sum += (__int128)wh * of->pieces[spans->list[k].piece].rate[c->least_post] *
                   spans->list[k].days;
    }
    return sum;
}

void sg_lines_minimum(struct sg_lines *l, const struct sg_tariff_charge *c)
{
    int64_t wh = least_wh(l, c), least, sum = 0;
    __int128 days = l->b->bill.days;

    if (!sg_bill_round(&l->b->bill, least_of(l, c, wh), sg_pow10(SG_EXACT_DIGITS) * days, &least)) {
        sg_lines_refuse(l, SG_BILL_TOO_LARGE);
        return;
    }
    for (size_t i = 0; i < c->n_credited; i++)
        sum += charged(l, c->credited[i]);
    if (sum >= least)
        return;
    const struct sg_line line = {.unit = SG_BILL_CYCLE, .quantity = 1};
    sg_lines_add_exact(l, &line, least - sum, sg_pow10(l->t->decimals), "%s", c->name);
    sg_trace_int(l, "least_wh", wh);
    sg_trace_amount(l, "least", least);
    sg_trace_amount(l, "charged", sum);
}
