/* bill-money - from energies to the total. */
#include "bill-money-int.h"

#define PPM 1000000
/* More than any bill; every sum of such stays inside int64_t. */
#define GROSS_MAX INT64_C(100000000000000000)

int64_t sg_bill_amount(const struct sg_bill *b, int64_t energy_wh, int64_t rate)
{
    /* Wh x 1e-9 per kWh is 1e-12 currency units. */
    return sg_round_div((__int128)energy_wh * rate, sg_pow10(SG_EXACT_DIGITS - b->decimals),
                        b->rounding);
}

static int64_t excluded_ppm(const struct sg_bill *b, uint32_t excludes)
{
    int64_t sum = 0;

    for (size_t i = 0; i < b->n_taxes; i++)
        if (excludes & UINT32_C(1) << i)
            sum += b->taxes[i].rate_ppm;
    return sum;
}

static int64_t excluded_amount(const struct sg_bill *b, uint32_t excludes)
{
    int64_t sum = 0;

    for (size_t i = 0; i < b->n_taxes; i++)
        if (excludes & UINT32_C(1) << i)
            sum += b->taxes[i].amount;
    return sum;
}

/* gross = net / (1 - sum of shares); a tax's share is rate x (1 - rates it excludes). */
static int64_t gross_of(const struct sg_bill *b)
{
    const __int128 one = (__int128)PPM * PPM;
    __int128 left = one;

    for (size_t i = 0; i < b->n_taxes; i++)
        left -= (__int128)b->taxes[i].rate_ppm * (PPM - excluded_ppm(b, b->taxes[i].excludes));
    /* Only a forged bill gets here: a tariff's taxes are bounded. */
    if (left <= 0)
        return b->net;
    int64_t gross = sg_round_div((__int128)b->net * one, left, b->rounding);
    return gross > GROSS_MAX || gross < -GROSS_MAX ? b->net : gross;
}

void sg_bill_sum_up(struct sg_bill *b)
{
    b->net = 0;
    for (size_t i = 0; i < b->n_lines; i++)
        b->net += b->lines[i].amount;
    b->gross = gross_of(b);
    for (size_t i = 0; i < b->n_taxes; i++) {
        struct sg_bill_tax *tax = &b->taxes[i];
        tax->base = b->gross - excluded_amount(b, tax->excludes);
        tax->amount = sg_round_div((__int128)tax->base * tax->rate_ppm, PPM, b->rounding);
    }
    b->total = b->gross + b->lighting;
}
