#include "sim-int.h"

static const char *const refusals[] = {[SG_TEE_ACCEPTED] = "accepted",
#define X(id, name) [SG_TEE_REFUSED_##id] = name,
                                       SG_TEE_REFUSALS(X)
#undef X
};

const char *sg_tee_refusal_name(enum sg_tee_refusal r)
{
    return (size_t)r < sizeof refusals / sizeof refusals[0] ? refusals[r] : "unknown";
}

int sg_tee_verify(enum sg_tee_kind kind, struct sg_bytes evidence,
                  const struct sg_tee_collateral *collateral, int64_t at_s,
                  struct sg_tee_claims *ret)
{
    (void)at_s; /* simulated evidence has no dates; every hardware kind has */
    switch (kind) {
    case SG_TEE_SIM:
        return sg_sim_verify(evidence, collateral, ret);
    default:
        return SG_TEE_REFUSED_UNSUPPORTED;
    }
}
