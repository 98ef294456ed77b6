#include "balance-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct balance {
    struct balance_data data;
    struct balance_sums sums;
    struct balance_share *share;
    struct sg_balance_customer *customers;
};

static void balance_clear(struct balance *b)
{
    if (b->share)
        balance_share_clear(b->share);
    free(b->share);
    free(b->customers);
    balance_sums_clear(&b->sums);
    balance_data_clear(&b->data);
}

static int solve(struct balance *b, const struct sg_balance_input *in,
                 struct sg_balance_result *ret)
{
    b->customers = calloc(in->n_customers, sizeof(*b->customers));
    b->share = calloc(1, sizeof(*b->share));
    if (!b->customers || !b->share)
        return sg_raise(-ENOMEM);
    int r = balance_data_make(&b->data, in);
    if (r == 0)
        r = balance_sums_make(&b->sums, &b->data);
    if (r == 0)
        r = balance_share_fit(b->share, &b->sums);
    if (r)
        return r;
    for (size_t j = 0; j < in->n_customers; j++)
        b->customers[j].used = b->data.used[j];
    r = balance_share_judge(b->share, b->customers);
    /* What a meter does not see it does not see rise. */
    if (r == 0 && !balance_phase_lacks(&b->data, b->customers))
        r = balance_fall_judge(&b->data, &b->share->fit, b->customers);
    if (r == 0)
        balance_level(&b->data, b->share, b->customers, ret);
    return r;
}

bool balance_input_is_valid(const struct sg_balance_input *in)
{
    return in->n_customers >= 1 && in->n_customers <= SG_BALANCE_CUSTOMERS_MAX &&
           in->n_intervals >= 1 && in->n_intervals <= SG_BALANCE_INTERVALS_MAX &&
           in->n_past < in->n_intervals && in->per_day >= 1 && in->per_day <= 96 &&
           in->n_past % in->per_day == 0 && in->weekday < 7 && !(in->no_load_kwh < 0) &&
           !(in->loss_per_kwh2 < 0);
}

int sg_balance(const struct sg_balance_input *in, struct sg_balance_customer *ret,
               struct sg_balance_result *ret_result, float *ret_rest)
{
    SG_CLEANUP(balance_clear) struct balance b = {.share = NULL};
    if (!balance_input_is_valid(in))
        return sg_raisef(-EINVAL, "%zu customers, %zu intervals, %zu of them past, %u a day",
                         in->n_customers, in->n_intervals, in->n_past, in->per_day);
    struct sg_balance_result result;
    int r = solve(&b, in, &result);
    if (r)
        return r;
    memcpy(ret, b.customers, in->n_customers * sizeof(*ret));
    *ret_result = result;
    if (ret_rest)
        balance_share_rest(b.share, ret_rest);
    return 0;
}
