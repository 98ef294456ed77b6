#pragma once
/*
 * balances-int - leads: customers who are not fed by the transformer that lists them, and what
 * other transformers cannot explain.
 */
#include "balances.h"

struct balances_lead {
    size_t of;  /* a load: index in balances.customers; a rest: in balances.transformers */
    float *row; /* by interval */
};

struct balances_lead_list {
    struct balances_lead *leads;
    size_t n, room;
};

struct balances_leads {
    struct balances_lead_list loads, rests;
};

/* Copies the row. */
SG_MUST_USE int balances_leads_add(struct balances_lead_list *to, size_t of, const float *row,
                                   size_t n_intervals);
/* Compares each load with each rest; `fits` of customers tells the best.  days: intervals, past,
 * points a day and weekday alone. */
SG_MUST_USE int balances_leads_follow(const struct balances_leads *leads,
                                      const struct sg_balance_input *days, struct balances *b);
void balances_leads_clear(struct balances_leads *leads);
