#pragma once
/*
 * tcb - which TCB info and identity of a store apply to a platform at an instant, and what they
 * say.
 */
#include "intel-docs-int.h"
#include "judge-int.h"
#include "pck-int.h"
#include "quote-int.h"
#include "store-int.h"

/* Everything of steps 6, 8, 9 and 10 of Intel's procedure: identity of the QE, TCB info, levels,
 * module.  pck NULL: the platform is not known, so there is no TCB info for it. */
void sg_tcb_judge(const struct sg_tee_case *c, const struct sg_quote *q, const struct sg_pck *pck,
                  struct sg_tee_verdict *v);
/* Intel's own signature: signer and root are in the store, nothing but missing or old lists speaks
 * against them at the instant; one that a list revokes has no say. */
bool sg_tcb_signer_vouched(const struct sg_tee_store *s, const struct sg_tee_doc_entry *e,
                           int64_t at_s);
