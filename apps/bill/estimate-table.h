#pragma once
/*
 * estimate-table - the table of estimates (meter/rows.h).  A row stands under its interval and the
 * hash of what it follows from, so the same estimate made again is the row that is there; it is
 * never written again, and never deleted.
 */
#include <sealgrid/billing/vee.h>
#include <sealgrid/kv.h>

enum estimate_table_outcome {
    /* A row of the same interval and inputs tells something else than its rules give: *ret_ts_s is
     * the end of that interval.  Nothing, or a part of the estimates, was written. */
    ESTIMATE_TABLE_DIFFERS = 1,
};
SG_MUST_USE int estimate_table_keep(struct sg_kv *kv, int64_t client,
                                    const struct sg_vee_rules *rules,
                                    const struct sg_vee_estimates *e, int64_t made_ts_s,
                                    int64_t *ret_ts_s);
