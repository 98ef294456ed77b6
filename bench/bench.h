#pragma once
/*
 * bench - one table: a figure of ours, a physical bound or a peer measured in the same run, their
 * ratio.
 *
 * Machines are shared and noisy, so a line is judged by its ratio alone.  Both sides run in turns
 * (ours, theirs; theirs, ours; ...), laps of about equal time, and a ratio is taken pair by pair:
 * the line shows the median of the pairs and their spread.  Times alone are not comparable between
 * runs.
 *
 * A suite is one file of bench/suites: it prepares its data, then gives its lines to the run.  A
 * peer that is not installed is a skipped line with its reason, never silence.
 * One thread; sides may start their own.
 */
#include <sealgrid/base/buf.h>

struct sg_bench; /* the run: options, scratch folder, lines so far */

/*
 * One side of a line.  run does n units of work and leaves in *ret_ns their duration: it is preset
 * to 0, which means "the whole call, the line's clock"; a side that prepares inside the call, or
 * whose clock is in another process, sets its own.  0 or -errno.
 */
struct sg_bench_side {
    const char *name; /* "sealgrid", "libsodium", "RocksDB 7.8, WAL and fsync" */
    int (*run)(void *ctx, uint64_t n, int64_t *ret_ns);
    void *ctx;
};

struct sg_bench_line {
    const char *name; /* "seal 256 B"; unique in its suite */
    const char *unit; /* of a rate: "records/s", "MB/s"; of a quantity: "kWh", "MiB" */
    /* Rate = n * per_unit / s: octets a unit / 1e6 for MB/s; 0 means 1. */
    double per_unit;
    uint64_t fixed_n; /* units a lap; 0: as many as fill the time of a lap */
    unsigned laps;    /* pairs; 0: 7, of --quick 2 */
    double goal;      /* least ratio wanted, 0: none */
    bool cpu;         /* the clock is the process's CPU time: for sides that wait for nothing */
    const char *note; /* what is compared, in a sentence; may be NULL */
    struct sg_bench_side ours, theirs;
};

struct sg_bench_suite {
    const char *name; /* "crypto" */
    const char *what; /* for --list */
    int (*run)(struct sg_bench *b);
};

/* Whether only a proof that everything runs is wanted; full or quick, by that. */
bool sg_bench_quick(const struct sg_bench *b);
uint64_t sg_bench_scale(const struct sg_bench *b, uint64_t full, uint64_t quick);
/* An empty folder of this name below the run's scratch folder; removed at the end of the run. */
SG_MUST_USE int sg_bench_folder(struct sg_bench *b, const char *name, char *ret_path, size_t size);

/* Measures both sides and records the line.  0; a failing side is -errno, and ends the suite. */
SG_MUST_USE int sg_bench_pair(struct sg_bench *b, const struct sg_bench_line *line);
/* Two quantities that are no rates (quantisation error, octets on disk): ratio = ours / theirs;
 * at_most: the goal is an upper bound. */
SG_MUST_USE int sg_bench_quantity(struct sg_bench *b, const struct sg_bench_line *line, double ours,
                                  double theirs, bool at_most);
/* A line that cannot be measured here: the reason goes into table and JSON. */
void sg_bench_skip(struct sg_bench *b, const char *line, const char *reason);
