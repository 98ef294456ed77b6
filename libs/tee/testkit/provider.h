#pragma once
/*
 * testkit provider - evidence of hardware that is not there: what a service on a make-believe Intel
 * platform would send.  For tests and benchmarks; no product links it.
 */
#include <sealgrid/tee/provider.h>

#include "intel.h"

/* SGX: quotes v3 of the production enclave of tk_quote_sgx; TDX: v4 of the TD of tk_quote_td.  No
 * sealing key.  Borrows t.  Any thread. */
SG_MUST_USE int tk_provider_new(struct sg_tee_provider **ret, const struct tk_intel *t,
                                enum sg_tee_kind kind);
