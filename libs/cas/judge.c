#include <stdio.h>

#include "judge-int.h"

/* Policies speak of every kind in the same words. */
static struct sg_tee_verdict simulated_verdict(void)
{
    const struct sg_tee_component none = {SG_TEE_STATUS_NOT_APPLICABLE, 0};
    return (struct sg_tee_verdict){.kind = SG_TEE_SIM,
                                   .tcb_status = SG_TEE_STATUS_NOT_APPLICABLE,
                                   .platform = none,
                                   .qe = none,
                                   .tdx_module = none,
                                   .collateral_oldest_s = INT64_MAX,
                                   .collateral_from_s = INT64_MIN,
                                   .collateral_until_s = INT64_MAX};
}

int sg_cas_judge_simulated(struct sg_key *platform, struct sg_bytes evidence, int64_t at_s,
                           struct sg_tee_verdict *ret)
{
    const struct sg_tee_collateral collateral = {.sim_platforms = &platform,
                                                 .n_sim_platforms = platform != NULL};
    *ret = simulated_verdict();
    int r = sg_tee_verify(SG_TEE_SIM, evidence, &collateral, at_s, &ret->claims);
    ret->judged = r == 0;
    return r > 0 ? SG_CAS_REFUSAL_EVIDENCE + r : r;
}

int sg_cas_judge_hardware(const struct sg_cas_judging *j, enum sg_tee_kind kind,
                          struct sg_bytes evidence, int64_t at_s, struct sg_tee_verdict *ret)
{
    struct sg_tee_evidence parts;
    const struct sg_tee_case c = {
        .evidence = &parts, .store = j->store, .cache = j->cache, .at_s = at_s};
    *ret = (struct sg_tee_verdict){0};
    if (sg_tee_evidence_decode(evidence, &parts) < 0)
        return SG_CAS_REFUSAL_EVIDENCE + SG_TEE_REFUSED_MALFORMED;
    if (kind == SG_TEE_KIND_NONE || sg_tee_recognise(&parts) != kind)
        return SG_CAS_REFUSAL_EVIDENCE + SG_TEE_REFUSED_UNSUPPORTED;
    int r = sg_tee_judge(&c, ret);
    if (r < 0)
        return r;
    return ret->reasons.n ? SG_CAS_REFUSAL_UNTRUSTED : 0;
}

void sg_cas_reasons_text(const struct sg_tee_reasons *reasons, char *ret, size_t size)
{
    size_t at = 0;
    ret[0] = 0;
    for (size_t i = 0; i < reasons->n && at < size; i++) {
        int n =
            snprintf(ret + at, size - at, "%s%s", i ? " " : "", sg_tee_reason_name(reasons->at[i]));
        at += n > 0 ? (size_t)n : 0;
    }
}
