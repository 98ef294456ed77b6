#pragma once
/*
 * credits - energy sent out and not yet set off, as it goes from one bill to the next: what one
 * carries out the other's contract must bring in.
 */
#include <sealgrid/billing/bill.h>

struct credits {
    struct sg_contract_credit *list; /* owned; one a month and post */
    size_t n;
};
void credits_clear(struct credits *c);
/* Of a bill's contract; none without one. */
SG_MUST_USE int credits_in(const struct sg_bill *bill, struct credits *ret);
SG_MUST_USE int credits_out(const struct sg_bill *bill, struct credits *ret);
bool credits_same(const struct credits *a, const struct credits *b);
