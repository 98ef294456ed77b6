#pragma once
/*
 * estimates - of a bill: what stands in place of readings that lack, by the rules of billing/vee.h.
 */
#include "client.h"

#include <sealgrid/billing/vee.h>

enum estimates_outcome { ESTIMATES_PERIOD = 1 }; /* not a whole number of intervals */
/* From the client's rows of the terms' period; none without rules. */
SG_MUST_USE int estimates_make(const struct client *c, const struct terms *terms,
                               struct sg_vee_estimates *ret);
