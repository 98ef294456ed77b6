/* bill-taxes - rates of taxes and the lighting fee, as in force on the period's last local day. */
#include "bill-int.h"

static int64_t last_day(const struct sg_billing *b)
{
    return b->days[b->n_days - 1];
}

static int take_tax(const struct sg_billing *b, const struct sg_tariff_tax *from,
                    struct sg_bill_tax *ret)
{
    const struct sg_bill *bill = &b->bill;
    struct sg_bill_tax tax = {.excludes = from->excludes, .on_top = from->on_top};
    int r = sg_tariff_tax_rate(from, last_day(b), bill->import_wh, &tax.rate_ppm);

    if (r)
        return r < 0 ? r : SG_BILL_NO_RATE;
    memcpy(tax.name, from->name, sizeof(tax.name));
    if (bill->has_contract && sg_contract_is_exempt(&bill->contract, tax.name))
        tax.rate_ppm = 0;
    *ret = tax;
    return 0;
}

int sg_bill_taxes(struct sg_billing *b)
{
    struct sg_bill *bill = &b->bill;
    int r = 0;

    for (size_t i = 0; i < b->t->n_taxes && !r; i++) {
        r = take_tax(b, &b->t->taxes[i], &bill->taxes[i]);
        bill->n_taxes = i + 1;
    }
    if (r)
        return r;
    r = sg_tariff_lighting(b->t, last_day(b), bill->import_wh, &bill->lighting);
    return r > 0 ? SG_BILL_NO_RATE : r;
}
