#pragma once
/*
 * expect-int - casd's evidence, judged by whoever is about to trust it.
 */
#include "messages-int.h"

/* 0; SG_CAS_UNTRUSTED, with every reason in the trace; -errno. */
SG_MUST_USE int sg_cas_expect_judge(const struct sg_cas_expect *e, const struct sg_cas_proof *proof,
                                    const uint8_t report_data[SG_TEE_REPORT_DATA_LEN], int64_t at_s,
                                    struct sg_tee_claims *ret);
