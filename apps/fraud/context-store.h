#pragma once
/*
 * context-store - what the store knows of a consumer besides its load: the row of CONSUMER that
 * holds on a day, and the demand of the contract (rows.h), as facts for a score.
 *
 * A row that cannot be read is as good as none: the facts explain, they never accuse, and one
 * damaged row must not keep a fleet from being judged.  It is counted.
 */
#include <sealgrid/fraud/context.h>
#include <sealgrid/kv.h>

/* What else the same row tells of the meter, for the phasor rules. */
struct context_meter {
    bool aron; /* two elements on three wires */
};
/* Facts of the client that hold on that day (since 1970).  *bad: rows that were passed over are
 * added.  0 also without any fact; -errno. */
SG_MUST_USE int context_from_store(struct sg_fraud_context *ret, struct sg_kv *kv, int64_t client,
                                   int32_t day, struct context_meter *ret_meter, uint32_t *bad);
