#pragma once
/*
 * bill-money - the arithmetic from quantities to the total; used to make a bill and to check one.
 */
#include <sealgrid/billing/bill.h>

/* What the lines of a bill add up to. */
struct sg_bill_sums {
    int64_t net, gross, total;
    int64_t base[SG_TARIFF_TAXES_MAX], amount[SG_TARIFF_TAXES_MAX];
};

/* numerator / denominator currency units, rounded once to minor units; false past any bill. */
bool sg_bill_round(const struct sg_bill *b, __int128 numerator, __int128 denominator,
                   int64_t *ret_minor);
/* quantity x rate x weight of a line that has a rate. */
bool sg_bill_amount(const struct sg_bill *b, const struct sg_bill_line *line, int64_t *ret_minor);
/* net from the lines; then the taxes' bases and amounts, gross and total; lighting is given.
 * False past any bill. */
bool sg_bill_sum_up(const struct sg_bill *b, struct sg_bill_sums *ret);
/* Wh of one meter after its ratio; saturates. */
int64_t sg_bill_times_ratio(const struct sg_bill *b, const struct sg_bill_meter *m, __int128 raw);
extern const char *const sg_bill_unit_words[SG_BILL_N_UNITS];
extern const unsigned sg_bill_unit_digits[SG_BILL_N_UNITS];
