#pragma once
/*
 * gramine - evidence of an enclave under Gramine, through its attestation files.
 */
#include "provider-int.h"

#define SG_GRAMINE_FOLDER "/dev/attestation"

/* where: the folder; NULL or "": SG_GRAMINE_FOLDER.  -ENOTSUP: Gramine attests otherwise than by
 * DCAP, or not. */
SG_MUST_USE int sg_gramine_provider_open(struct sg_tee_provider **ret, const char *where);
