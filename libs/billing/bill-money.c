/* bill-money - from quantities to the total. */
#include "bill-money-int.h"

#define PPM 1000000
/* More than any bill; every sum of such stays inside int64_t. */
#define AMOUNT_MAX INT64_C(1000000000000000)

const char *const sg_bill_unit_words[SG_BILL_N_UNITS] = {
#define SG_U(id, word, digits) word,
    SG_BILL_UNITS(SG_U)
#undef SG_U
};
const unsigned sg_bill_unit_digits[SG_BILL_N_UNITS] = {
#define SG_U(id, word, digits) digits,
    SG_BILL_UNITS(SG_U)
#undef SG_U
};

bool sg_bill_round(const struct sg_bill *b, __int128 numerator, __int128 denominator,
                   int64_t *ret_minor)
{
    __int128 scaled;

    if (__builtin_mul_overflow(numerator, (__int128)sg_pow10(b->decimals), &scaled))
        return false;
    *ret_minor = sg_round_div(scaled, denominator, b->rounding);
    return *ret_minor <= AMOUNT_MAX && *ret_minor >= -AMOUNT_MAX;
}

bool sg_bill_amount(const struct sg_bill *b, const struct sg_bill_line *line, int64_t *ret_minor)
{
    __int128 numerator = (__int128)line->quantity * line->rate;
    __int128 denominator =
        (__int128)sg_pow10(SG_RATE_DIGITS) * sg_pow10(sg_bill_unit_digits[line->unit]);

    if (line->of_days) {
        if (__builtin_mul_overflow(numerator, (__int128)line->days, &numerator))
            return false;
        denominator *= line->of_days;
    }
    return sg_bill_round(b, numerator, denominator, ret_minor);
}

int64_t sg_bill_times_ratio(const struct sg_bill *b, const struct sg_bill_meter *m, __int128 raw)
{
    return sg_round_div(raw * m->ratio_num, m->ratio_den, b->rounding);
}

static int64_t excluded_ppm(const struct sg_bill *b, uint32_t excludes)
{
    int64_t sum = 0;

    for (size_t i = 0; i < b->n_taxes; i++)
        if (excludes & UINT32_C(1) << i)
            sum += b->taxes[i].rate_ppm;
    return sum;
}

/* gross = net / (1 - sum of shares); a tax's share is rate x (1 - rates it excludes). */
static bool gross_of(const struct sg_bill *b, int64_t net, int64_t *ret)
{
    const __int128 one = (__int128)PPM * PPM;
    __int128 left = one;

    for (size_t i = 0; i < b->n_taxes; i++)
        if (!b->taxes[i].on_top)
            left -= (__int128)b->taxes[i].rate_ppm * (PPM - excluded_ppm(b, b->taxes[i].excludes));
    /* Only a forged bill gets here: a tariff's taxes are bounded. */
    if (left <= 0)
        return false;
    *ret = sg_round_div((__int128)net * one, left, b->rounding);
    return *ret <= AMOUNT_MAX && *ret >= -AMOUNT_MAX;
}

static int64_t excluded_amount(const struct sg_bill_sums *s, size_t n, uint32_t excludes)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        if (excludes & UINT32_C(1) << i)
            sum += s->amount[i];
    return sum;
}

bool sg_bill_sum_up(const struct sg_bill *b, struct sg_bill_sums *ret)
{
    struct sg_bill_sums s = {.net = 0};
    int64_t on_top = 0;

    for (size_t i = 0; i < b->n_lines; i++) {
        s.net += b->lines[i].amount;
        if (s.net > AMOUNT_MAX || s.net < -AMOUNT_MAX)
            return false;
    }
    if (!gross_of(b, s.net, &s.gross))
        return false;
    for (size_t i = 0; i < b->n_taxes; i++) {
        const struct sg_bill_tax *tax = &b->taxes[i];
        s.base[i] = s.gross - (tax->on_top ? 0 : excluded_amount(&s, i, tax->excludes));
        s.amount[i] = sg_round_div((__int128)s.base[i] * tax->rate_ppm, PPM, b->rounding);
        on_top += tax->on_top ? s.amount[i] : 0;
    }
    s.total = s.gross + on_top + b->lighting;
    *ret = s;
    return true;
}
