#include "provider-int.h"

#include "gramine-int.h"
#include "tpm-provider-int.h"
#include "tsm-int.h"

int sg_tee_provider_open(struct sg_tee_provider **ret, const char *kind, const char *where)
{
    if (strcmp(kind, "sim") == 0)
        return sg_sim_provider_open(ret, where);
    if (strcmp(kind, "tsm") == 0)
        return sg_tsm_provider_open(ret, where, &sg_tsm_kernel);
    if (strcmp(kind, "gramine") == 0)
        return sg_gramine_provider_open(ret, where);
    if (strcmp(kind, "tpm") == 0)
        return sg_tpm_provider_open(ret, where);
    return sg_raisef(-ENOTSUP, "no provider of evidence \"%s\"", kind);
}

void sg_tee_provider_free(struct sg_tee_provider *p)
{
    if (p)
        p->ops->free(p);
}

enum sg_tee_kind sg_tee_provider_kind(const struct sg_tee_provider *p)
{
    return p->ops->kind;
}

int sg_tee_evidence(struct sg_tee_provider *p, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    struct sg_buf *ret)
{
    return p->ops->evidence(p, report_data, ret);
}

int sg_tee_sealing_key(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                       struct sg_secret *ret)
{
    return p->ops->sealing_key(p, policy, label, ret);
}
