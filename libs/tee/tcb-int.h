#pragma once
/*
 * tcb - which TCB info and identity of a store apply to a platform at an instant, and what they
 * say.
 */
#include "intel-docs-int.h"
#include "judge-int.h"
#include "pck-int.h"
#include "quote-int.h"

/* Everything of steps 6, 8, 9 and 10 of Intel's procedure: identity of the QE, TCB info, levels,
 * module.  pck NULL: the platform is not known, so there is no TCB info for it. */
void sg_tcb_judge(const struct sg_tee_case *c, const struct sg_quote *q, const struct sg_pck *pck,
                  struct sg_tee_verdict *v);
