#pragma once
/*
 * judge-int - evidence of any kind to a verdict, by casd about services and by services about casd.
 * A verdict is not trust: sg_tee_apply with a policy, and what the report data binds, come after.
 * Any thread; a struct sg_cas_judging serves one at a time.
 */
#include "collateral-int.h"
#include "messages-int.h"

/* All: 0; SG_CAS_REFUSAL_EVIDENCE + enum sg_tee_refusal, or SG_CAS_REFUSAL_UNTRUSTED with the
 * reasons in *ret; -errno.  *ret is always filled, as far as it went. */

/* platform NULL: nobody's simulated evidence counts. */
SG_MUST_USE int sg_cas_judge_simulated(struct sg_key *platform, struct sg_bytes evidence,
                                       int64_t at_s, struct sg_tee_verdict *ret);
/* The kind is what was said it is: evidence never chooses by itself how it is judged. */
SG_MUST_USE int sg_cas_judge_hardware(const struct sg_cas_judging *j, enum sg_tee_kind kind,
                                      struct sg_bytes evidence, int64_t at_s,
                                      struct sg_tee_verdict *ret);
/* "debug measurement-unknown": all reasons, as far as they fit. */
void sg_cas_reasons_text(const struct sg_tee_reasons *reasons, char *ret, size_t size);
