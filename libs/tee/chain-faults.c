#include "chain-faults-int.h"

#include <string.h>

static bool is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static uint32_t judge_dates(const struct sg_tee_cert *c, int64_t at_s)
{
    return (at_s < c->not_before_s ? BIT(NOT_YET_VALID) : 0u) |
           (at_s > c->not_after_s ? BIT(EXPIRED) : 0u);
}

static uint32_t judge_form(const struct sg_tee_cert *c)
{
    const bool known = c->alg != SG_TEE_ALG_NONE && sg_tee_key_type(c->key) != SG_TEE_KEY_OTHER;
    return (c->unknown_critical ? BIT(CRITICAL) : 0u) | (known ? 0u : BIT(ALGORITHM));
}

uint32_t sg_tee_leaf_faults(const struct sg_tee_chain_request *q, const struct sg_tee_cert *c)
{
    uint32_t faults = judge_dates(c, q->of->at_s) | judge_form(c);
    if (c->has_constraints ? c->ca : !q->leaf_may_be_bare)
        faults |= BIT(CONSTRAINTS);
    if (c->has_key_usage ? !c->may_sign : !q->leaf_may_be_bare)
        faults |= BIT(KEY_USAGE);
    if (q->leaf_names && !is_one_of(c->common_name, q->leaf_names))
        faults |= BIT(NAME);
    return faults;
}

uint32_t sg_tee_ca_faults(const struct sg_tee_chain_request *q, const struct sg_tee_cert *c,
                          size_t below)
{
    uint32_t faults = judge_dates(c, q->of->at_s) | judge_form(c);
    if (!c->ca)
        faults |= BIT(CONSTRAINTS);
    if (!c->may_sign_certs)
        faults |= BIT(KEY_USAGE);
    if (c->path_length >= 0 && below > (size_t)c->path_length)
        faults |= BIT(PATH_LENGTH);
    if (q->ca_names && !is_one_of(c->common_name, q->ca_names))
        faults |= BIT(NAME);
    return faults;
}

uint32_t sg_tee_anchor_faults(const struct sg_tee_chain_request *q, const struct sg_tee_anchor *a,
                              size_t below)
{
    uint32_t faults = 0;
    if (a->dated && q->of->at_s < a->not_before_s)
        faults |= BIT(NOT_YET_VALID);
    if (a->dated && q->of->at_s > a->not_after_s)
        faults |= BIT(EXPIRED);
    if (a->path_length >= 0 && below > (size_t)a->path_length)
        faults |= BIT(PATH_LENGTH);
    return faults;
}
