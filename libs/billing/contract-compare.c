/* contract-compare - whether two contracts say the same.  What has no order in the file (posts,
 * exemptions, credits of a month) is compared as a set, from either side: a
 * bill's may have a name twice. */
#include <sealgrid/billing/contract.h>

#include <string.h>

static bool has_demand(const struct sg_contract_demand *list, size_t n,
                       const struct sg_contract_demand *d)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].post, d->post) && list[i].w == d->w)
            return true;
    return false;
}

static bool same_demands(const struct sg_contract_demand *a, size_t n_a,
                         const struct sg_contract_demand *b, size_t n_b)
{
    for (size_t i = 0; i < n_a && n_a == n_b; i++)
        if (!has_demand(b, n_b, &a[i]) || !has_demand(a, n_a, &b[i]))
            return false;
    return n_a == n_b;
}

static bool same_history(const struct sg_contract *a, const struct sg_contract *b)
{
    if (a->n_history != b->n_history)
        return false;
    for (size_t i = 0; i < a->n_history; i++) {
        const struct sg_contract_history *x = &a->history[i], *y = &b->history[i];
        if (x->month != y->month || !same_demands(x->demand, x->n_demand, y->demand, y->n_demand))
            return false;
    }
    return true;
}

static bool has_credit(const struct sg_contract *c, const struct sg_contract_credit *k)
{
    for (size_t i = 0; i < c->n_credits; i++)
        if (c->credits[i].month == k->month && !strcmp(c->credits[i].post, k->post) &&
            c->credits[i].wh == k->wh)
            return true;
    return false;
}

static bool same_credits(const struct sg_contract *a, const struct sg_contract *b)
{
    if (a->n_credits != b->n_credits)
        return false;
    for (size_t i = 0; i < a->n_credits; i++)
        if (!has_credit(b, &a->credits[i]) || !has_credit(a, &b->credits[i]))
            return false;
    return true;
}

static bool same_exemptions(const struct sg_contract *a, const struct sg_contract *b)
{
    if (a->n_exempt != b->n_exempt)
        return false;
    for (size_t i = 0; i < a->n_exempt; i++)
        if (!sg_contract_is_exempt(b, a->exempt[i]) || !sg_contract_is_exempt(a, b->exempt[i]))
            return false;
    return true;
}

const char *sg_contract_difference(const struct sg_contract *a, const struct sg_contract *b)
{
    if (a->from_day != b->from_day || a->until_day != b->until_day)
        return "from, until";
    if (strcmp(a->tariff, b->tariff) != 0)
        return "tariff";
    if (a->phases != b->phases)
        return "phases";
    if (!same_demands(a->demand, a->n_demand, b->demand, b->n_demand))
        return "demand_kw";
    if (!same_history(a, b))
        return "demand_history";
    if (!same_credits(a, b))
        return "credits";
    return same_exemptions(a, b) ? NULL : "exempt";
}
