#pragma once
/*
 * provider-int - what a kind of provider implements.  The first member of its own struct is struct
 * sg_tee_provider.
 */
#include <sealgrid/tee/provider.h>

struct sg_tee_provider_ops {
    enum sg_tee_kind kind;
    int (*evidence)(struct sg_tee_provider *p, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    struct sg_buf *ret);
    int (*sealing_key)(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                       struct sg_secret *ret);
    void (*free)(struct sg_tee_provider *p);
};

struct sg_tee_provider {
    const struct sg_tee_provider_ops *ops;
};

SG_MUST_USE int sg_sim_provider_open(struct sg_tee_provider **ret, const char *dir);
