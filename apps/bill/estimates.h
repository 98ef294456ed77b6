#pragma once
/*
 * estimates - of a bill: what stands in place of readings that lack, by the rules of billing/vee.h.
 */
#include "client.h"

#include <sealgrid/billing/vee.h>
#include <sealgrid/kv.h>

/* c->estimates, from the client's rows of the terms' period; none without rules. */
SG_MUST_USE int estimates_make(struct client *c, const struct terms *terms);
/* Into the table of estimates, those that are not there.  ISSUE_REFUSED: a row there tells
 * something else ("estimate.conflict"). */
SG_MUST_USE int estimates_keep(const struct client *c, const struct terms *terms, struct sg_kv *kv,
                               int64_t made_ts_s, struct refusal *why);
