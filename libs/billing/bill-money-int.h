#pragma once
/*
 * bill-money - the arithmetic from energies to the total; used to make a bill and to check one.
 */
#include <sealgrid/billing/bill.h>

/* Energy times rate, rounded once. */
int64_t sg_bill_amount(const struct sg_bill *b, int64_t energy_wh, int64_t rate);
/* net from the lines; then taxes' bases and amounts, gross and total; lighting is given. */
void sg_bill_sum_up(struct sg_bill *b);
