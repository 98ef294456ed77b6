#include <sealgrid/tee/status.h>

static const char *const names[] = {
#define X(id, name) [SG_TEE_STATUS_##id] = name,
    SG_TEE_STATUSES(X)
#undef X
};

const char *sg_tee_status_name(enum sg_tee_status s)
{
    return (size_t)s < SG_TEE_N_STATUSES ? names[s] : "unknown";
}

bool sg_tee_status_parse(struct sg_bytes name, enum sg_tee_status *ret)
{
    for (unsigned s = SG_TEE_STATUS_UP_TO_DATE; s <= SG_TEE_STATUS_REVOKED; s++) {
        if (sg_bytes_equal(name, sg_bytes_str(names[s]))) {
            *ret = (enum sg_tee_status)s;
            return true;
        }
    }
    return false;
}

/* What a status says is lacking. */
enum { SOFTWARE = 1, CONFIGURATION = 2, UPDATE = 4 };

static const unsigned char lacks[SG_TEE_N_STATUSES] = {
    [SG_TEE_STATUS_SW_HARDENING] = SOFTWARE,
    [SG_TEE_STATUS_CONFIGURATION] = CONFIGURATION,
    [SG_TEE_STATUS_CONFIGURATION_AND_SW] = CONFIGURATION | SOFTWARE,
    [SG_TEE_STATUS_OUT_OF_DATE] = UPDATE,
    [SG_TEE_STATUS_OUT_OF_DATE_CONFIGURATION] = UPDATE | CONFIGURATION,
};

static const enum sg_tee_status by_lack[8] = {
    SG_TEE_STATUS_UP_TO_DATE,
    SG_TEE_STATUS_SW_HARDENING,
    SG_TEE_STATUS_CONFIGURATION,
    SG_TEE_STATUS_CONFIGURATION_AND_SW,
    SG_TEE_STATUS_OUT_OF_DATE,
    SG_TEE_STATUS_OUT_OF_DATE,
    SG_TEE_STATUS_OUT_OF_DATE_CONFIGURATION,
    SG_TEE_STATUS_OUT_OF_DATE_CONFIGURATION,
};

/* The worst first; none of them combines with anything. */
static const enum sg_tee_status swallowing[] = {SG_TEE_STATUS_NOT_SUPPORTED, SG_TEE_STATUS_REVOKED,
                                                SG_TEE_STATUS_COLLATERAL_MISSING,
                                                SG_TEE_STATUS_NOT_CHECKED};

enum sg_tee_status sg_tee_status_merge(enum sg_tee_status a, enum sg_tee_status b)
{
    for (size_t i = 0; i < sizeof swallowing / sizeof swallowing[0]; i++) {
        if (a == swallowing[i] || b == swallowing[i])
            return swallowing[i];
    }
    if (a == SG_TEE_STATUS_NOT_APPLICABLE)
        return b;
    if (b == SG_TEE_STATUS_NOT_APPLICABLE)
        return a;
    return by_lack[lacks[a] | lacks[b]];
}
