#include <sealgrid/tee/policy.h>

#include "judge-int.h"

#define STATUS_BIT(id) (UINT32_C(1) << SG_TEE_STATUS_##id)

struct sg_tee_policy sg_tee_policy_default(void)
{
    return (struct sg_tee_policy){
        .any_kind = true,
        .any_measurement = true,
        .any_signer = true,
        .any_advisory = true, /* an UpToDate level lists what does not need a new one */
        .statuses = STATUS_BIT(UP_TO_DATE) | STATUS_BIT(NOT_APPLICABLE),
        .vmpls = 1,
    };
}

struct sg_tee_policy sg_tee_policy_crypto_only(void)
{
    return (struct sg_tee_policy){
        .any_kind = true,
        .any_measurement = true,
        .any_signer = true,
        .any_advisory = true,
        .any_status = true,
        .allow_absent = SG_TEE_ABSENT_TCB_INFO | SG_TEE_ABSENT_QE_IDENTITY | SG_TEE_ABSENT_CRL,
        .allow_debug = true,
        .allow_migratable = true,
        .allow_simulated = true,
        .vmpls = UINT32_MAX,
    };
}

static bool listed(const struct sg_bytes *list, size_t n, struct sg_bytes value)
{
    for (size_t i = 0; i < n; i++) {
        if (value.len && sg_bytes_equal(list[i], value))
            return true;
    }
    return false;
}

static void apply_program(const struct sg_tee_policy *p, struct sg_tee_verdict *v)
{
    const struct sg_tee_claims *c = &v->claims;
    if (!p->any_measurement &&
        !listed(p->measurements, p->n_measurements, SG_BYTES(c->measurement, c->measurement_len)))
        sg_tee_refuse(v, SG_TEE_REASON_MEASUREMENT);
    if (!p->any_signer && !listed(p->signers, p->n_signers, SG_BYTES(c->signer, c->signer_len)))
        sg_tee_refuse(v, SG_TEE_REASON_SIGNER);
    if (c->svn < p->min_svn)
        sg_tee_refuse(v, SG_TEE_REASON_SVN);
    if (p->report_data && !sg_tee_is_over(v, p->report_data))
        sg_tee_refuse(v, SG_TEE_REASON_REPORT_DATA);
}

static bool at_least(struct sg_bytes value, uint64_t minimum)
{
    uint64_t n = 0;
    if (value.len > 8)
        return false;
    for (size_t i = value.len; i > 0; i--)
        n = n << 8 | value.data[i - 1];
    return n >= minimum;
}

static bool rule_holds(const struct sg_tee_field_rule *rule, const struct sg_tee_verdict *v)
{
    struct sg_bytes value;
    if (!sg_tee_verdict_field(v, sg_bytes_str(rule->name), &value))
        return false;
    return rule->at_least ? at_least(value, rule->minimum)
                          : listed(rule->values, rule->n_values, value);
}

/* The documents that an absence is about, as a policy's bit. */
static uint32_t absence_bit(enum sg_tee_reason r)
{
    switch (r) {
    case SG_TEE_TCB_INFO_MISSING:
    case SG_TEE_TCB_INFO_MISMATCH:
        return SG_TEE_ABSENT_TCB_INFO;
    case SG_TEE_QE_IDENTITY_MISSING:
    case SG_TEE_QE_IDENTITY_MISMATCH:
        return SG_TEE_ABSENT_QE_IDENTITY;
    default:
        return SG_TEE_ABSENT_CRL; /* the only other thing that sg_tee_absent is called with */
    }
}

/* true: no TCB status for want of documents that the policy can do without. */
static bool apply_absences(const struct sg_tee_policy *p, struct sg_tee_verdict *v)
{
    bool excused = v->absent.n > 0;
    for (size_t i = 0; i < v->absent.n; i++) {
        if (p->allow_absent & absence_bit(v->absent.at[i]))
            continue;
        sg_tee_refuse(v, v->absent.at[i]);
        excused = false;
    }
    return excused;
}

/* A status that could not be told leaves that of the parts that could. */
static enum sg_tee_status told(const struct sg_tee_verdict *v)
{
    const enum sg_tee_status parts[] = {v->platform.status, v->qe.status, v->tdx_module.status};
    enum sg_tee_status all = SG_TEE_STATUS_NOT_APPLICABLE;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i] != SG_TEE_STATUS_COLLATERAL_MISSING)
            all = sg_tee_status_merge(all, parts[i]);
    }
    return all;
}

static void apply_tcb(const struct sg_tee_policy *p, bool excused, struct sg_tee_verdict *v)
{
    enum sg_tee_status s = v->tcb_status;
    if (s == SG_TEE_STATUS_COLLATERAL_MISSING && excused)
        s = told(v);
    if (!p->any_status && !(p->statuses & UINT32_C(1) << s) &&
        !(s == SG_TEE_STATUS_NOT_APPLICABLE && excused))
        sg_tee_refuse(v, SG_TEE_REASON_TCB_STATUS);
    if (p->min_tcb_evaluation && v->tcb_evaluation < p->min_tcb_evaluation)
        sg_tee_refuse(v, SG_TEE_REASON_TCB_EVALUATION);
}

static void apply_advisories(const struct sg_tee_policy *p, struct sg_tee_verdict *v)
{
    for (size_t i = 0; !p->any_advisory && i < v->advisories.n; i++) {
        bool known = false;
        for (size_t k = 0; k < p->n_advisories; k++)
            known |= strcmp(p->advisories[k], v->advisories.id[i]) == 0;
        if (!known)
            sg_tee_refuse(v, SG_TEE_REASON_ADVISORY);
    }
}

static void apply_freshness(const struct sg_tee_policy *p, struct sg_tee_verdict *v)
{
    const bool used = v->collateral_from_s != INT64_MIN;
    if (p->max_collateral_age_s && used &&
        p->at_s - v->collateral_oldest_s > p->max_collateral_age_s)
        sg_tee_refuse(v, SG_TEE_REASON_COLLATERAL_AGE);
}

static void apply_platform(const struct sg_tee_policy *p, struct sg_tee_verdict *v)
{
    if (!p->any_kind && !(p->kinds & UINT32_C(1) << v->kind))
        sg_tee_refuse(v, SG_TEE_REASON_KIND_REFUSED);
    if (v->kind == SG_TEE_SIM && !p->allow_simulated)
        sg_tee_refuse(v, SG_TEE_REASON_SIMULATED);
    if (v->claims.debug && !p->allow_debug)
        sg_tee_refuse(v, SG_TEE_REASON_DEBUG);
    if (v->migratable && !p->allow_migratable)
        sg_tee_refuse(v, SG_TEE_REASON_MIGRATABLE);
    if (v->vmpl > 31 || !(p->vmpls & UINT32_C(1) << v->vmpl))
        sg_tee_refuse(v, SG_TEE_REASON_VMPL);
}

void sg_tee_apply(const struct sg_tee_policy *p, struct sg_tee_verdict *v)
{
    if (!v->judged)
        sg_tee_refuse(v, SG_TEE_REASON_NOT_JUDGED);
    apply_platform(p, v);
    apply_program(p, v);
    for (size_t i = 0; i < p->n_rules; i++) {
        if (!rule_holds(&p->rules[i], v))
            sg_tee_refuse(v, SG_TEE_REASON_FIELD);
    }
    apply_tcb(p, apply_absences(p, v), v);
    apply_advisories(p, v);
    apply_freshness(p, v);
    v->applied = true;
}
