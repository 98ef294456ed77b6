/*
 * Policies: whatever is accepted keeps its promises: every release names a secret, every secret has
 * one rule to make it, nobody gets in without a measurement.
 */
#include "policy-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct sg_cas_policy *p, const struct sg_cas_rule *rule)
{
    const struct sg_tee_policy *accept = &rule->accept->policy;
    sg_assert(sg_cas_policy_rule(p, sg_bytes_str(rule->service)) == rule);
    sg_assert(!accept->any_kind && !accept->any_status && !accept->report_data);
    sg_assert(!accept->any_measurement || !accept->any_signer);
    for (size_t i = 0; i < accept->n_measurements; i++)
        sg_assert(accept->measurements[i].len % 16 == 0 && accept->measurements[i].len >= 32);
    size_t released = 0;
    for (size_t i = 0; i < p->n_wanted; i++)
        released += sg_cas_rule_releases(rule, p->wanted[i].name);
    sg_assert(rule->n_released == 0 || released > 0);
}

static void check_wanted(const struct sg_cas_policy *p, size_t i)
{
    const struct sg_cas_wanted *w = &p->wanted[i];
    bool from_source = w->kind == SG_CAS_SECRET_FILE || w->kind == SG_CAS_SECRET_TEXT;
    sg_assert(*w->name && strlen(w->name) <= SG_CAS_SECRET_NAME_MAX);
    sg_assert(from_source == (w->source != NULL));
    sg_assert(w->kind != SG_CAS_SECRET_RANDOM || (w->octets >= 16 && w->octets <= 4096));
    for (size_t k = 0; k < i; k++)
        sg_assert(strcmp(p->wanted[k].name, w->name) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e = {0};
    int r = sg_cas_policy_parse(&p, SG_BYTES(data, size), &e);
    if (r != 0) {
        sg_assert(!p && (r < 0 || *e.text));
        return 0;
    }
    sg_assert(p->version >= 1 && p->certificate_s >= 3600 && p->certificate_s <= 86400);
    for (size_t i = 0; i < p->n_rules; i++)
        check_rule(p, &p->rules[i]);
    for (size_t i = 0; i < p->n_wanted; i++)
        check_wanted(p, i);
    return 0;
}
