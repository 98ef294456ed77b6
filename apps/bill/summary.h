#pragma once
/*
 * summary - what a run over many clients, or the task of one, tells a queue: JSON.
 */
#include "fleet.h"

/* Period, counts, total, refused clients. */
SG_MUST_USE int summary_put(const struct fleet *f, const struct fleet_result *result,
                            struct sg_buf *ret);
/* {"refused":[{"client":N,"reason":W,"at":T}]} */
SG_MUST_USE int summary_put_refused(int64_t client, const struct refusal *why, struct sg_buf *ret);
