#pragma once
/*
 * fraud-data - load curves for the fraud suite: a few hundred simulated customers (meter/model.h)
 * as they are, and any number of further ones that repeat them with another size and another order
 * of hours, made again whenever they are wanted, so that no fleet lies in memory.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/fraud/days.h>

#define FRAUD_POINTS    96
#define FRAUD_DAYS      120
#define FRAUD_REFERENCE 90
#define FRAUD_MODELS    200

struct fraud_data {
    float *load; /* FRAUD_MODELS x FRAUD_DAYS x FRAUD_POINTS, kWh; day 0 is a Monday */
};

SG_MUST_USE int fraud_data_make(struct fraud_data *ret);
void fraud_data_clear(struct fraud_data *d);
/* Customer i of any fleet. */
SG_MUST_USE int fraud_data_customer(const struct fraud_data *d, uint64_t i,
                                    struct sg_fraud_days *ret);
/* n vectors of one day each, divided by its customer's mean; n <= FRAUD_MODELS * FRAUD_DAYS. */
void fraud_data_vectors(const struct fraud_data *d, size_t n, float *ret);
/* Wide daily rows of the first n customers. */
SG_MUST_USE int fraud_data_csv(const struct fraud_data *d, size_t n, struct sg_buf *ret);
