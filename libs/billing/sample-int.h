#pragma once
/*
 * sample, inside - between drawing and answering.
 */
#include <sealgrid/billing/sample.h>

/* NULL: there is no such bill. */
const struct sg_proof_bill *sg_population_bill(const struct sg_population *p, size_t i);
