#pragma once
/*
 * tee status - how current a platform's trusted computing base (TCB) is, in the words of Intel's
 * TCB info, and three of our own for what could not be told.
 */
#include <sealgrid/base/bytes.h>

#define SG_TEE_STATUSES(X)                                                                         \
    X(NOT_CHECKED, "not_checked")       /* nobody asked: --crypto-only */                          \
    X(NOT_APPLICABLE, "not_applicable") /* the vendor publishes no levels: policy decides */       \
    X(COLLATERAL_MISSING, "collateral_missing") /* no usable TCB info or identity */               \
    X(UP_TO_DATE, "UpToDate")                                                                      \
    X(SW_HARDENING, "SWHardeningNeeded")                                                           \
    X(CONFIGURATION, "ConfigurationNeeded")                                                        \
    X(CONFIGURATION_AND_SW, "ConfigurationAndSWHardeningNeeded")                                   \
    X(OUT_OF_DATE, "OutOfDate")                                                                    \
    X(OUT_OF_DATE_CONFIGURATION, "OutOfDateConfigurationNeeded")                                   \
    X(REVOKED, "Revoked")                                                                          \
    X(NOT_SUPPORTED, "NOT_SUPPORTED") /* below every level */

enum sg_tee_status {
#define X(id, name) SG_TEE_STATUS_##id,
    SG_TEE_STATUSES(X)
#undef X
        SG_TEE_N_STATUSES
};

const char *sg_tee_status_name(enum sg_tee_status s);
/* The seven of Intel and nothing else; false otherwise. */
bool sg_tee_status_parse(struct sg_bytes name, enum sg_tee_status *ret);
/*
 * The status of two parts together (platform and quoting enclave, and TDX module): what either
 * lacks, the whole lacks.  An out-of-date part degrades UpToDate and SWHardeningNeeded to OutOfDate
 * and the Configuration states to OutOfDateConfigurationNeeded.  NOT_APPLICABLE changes nothing;
 * NOT_SUPPORTED before Revoked before missing collateral swallow everything else.
 */
enum sg_tee_status sg_tee_status_merge(enum sg_tee_status a, enum sg_tee_status b);
