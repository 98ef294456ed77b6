#pragma once
/*
 * ingest-live - a whole platform of real daemons, one machine, loaded over UDP with frames that
 * were recorded before: what the programs beside this one do with them, in processor time of all.
 * Owns: the platform while it measures; it is down again at the end, whatever happens.
 */
#include "../bench.h"
#include "../peers/server.h"

struct live_options {
    unsigned meters, days;
    bool single; /* a block a reading instead of a day; at most 16 of a meter are sent */
};

struct live_result {
    uint64_t blocks, readings;
    double cpu_s;  /* casd, kvsd, authd, aggd, sqld */
    double wall_s; /* from the first frame sent to the last acknowledgement */
};

/* 0; SG_BENCH_ABSENT, SG_BENCH_SILENT: why is in *ret_reason; -EBADMSG: not everything was stored.
 */
SG_MUST_USE int live_measure(struct sg_bench *b, const struct live_options *o,
                             struct live_result *ret, struct sg_bench_reason *ret_reason);
