#include "provider-int.h"

int sg_tee_provider_open(struct sg_tee_provider **ret, const char *kind, const char *where)
{
    switch (sg_tee_kind_parse(sg_bytes_str(kind))) {
    case SG_TEE_SIM:
        return sg_sim_provider_open(ret, where);
    default:
        return sg_raisef(-ENOTSUP, "no provider of evidence \"%s\"", kind);
    }
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
