#pragma once
/*
 * bench, inside - what main.c, run.c, report.c and machine.c share; suites see bench.h alone.
 */
#include <limits.h>
#include <stdio.h>

#include "bench.h"
#include <sealgrid/base/json.h>

#define SG_BENCH_LAPS_MAX 64

enum sg_bench_kind { SG_BENCH_RATE, SG_BENCH_QUANTITY, SG_BENCH_SKIPPED };

/* Of one side over the laps; of a quantity all three are its value. */
struct sg_bench_spread {
    double median, min, max;
};

struct sg_bench_result {
    char *suite, *name, *unit, *note, *ours_name, *theirs_name; /* owned; NULL where none */
    char *reason;                                               /* of a skipped line */
    enum sg_bench_kind kind;
    struct sg_bench_spread ours, theirs, ratio;
    uint64_t ours_n, theirs_n; /* units a lap */
    unsigned laps;
    double goal; /* 0: none */
    bool at_most, cpu;
};

struct sg_bench_ended {
    const struct sg_bench_suite *suite;
    char *failure; /* NULL: it ran to its end */
    double seconds;
};

struct sg_bench {
    bool quick;
    int64_t (*now_ns)(void);            /* the monotonic clock; of tests a false one */
    int64_t (*cpu_ns)(void);            /* CPU time of the process; the same */
    FILE *table;                        /* gets every line once it is known; NULL: silent */
    const struct sg_bench_suite *suite; /* running */
    char scratch[PATH_MAX];             /* "" until a suite asks for a folder */
    char parent[PATH_MAX - 64];         /* where to make it */
    struct sg_bench_result *results;
    size_t n_results;
    struct sg_bench_ended *ended;
    size_t n_ended;
    unsigned n_folders;
};

/* Set by SIGINT and SIGTERM: the run ends after the lap, so that folders and servers go. */
extern volatile int sg_bench_interrupted;

void sg_bench_init(struct sg_bench *b, bool quick, const char *parent);
/* Removes the scratch folder too. */
void sg_bench_clear(struct sg_bench *b);
/* 0 whether the suite failed or not (it stands in b->ended), or -ENOMEM. */
SG_MUST_USE int sg_bench_run_suite(struct sg_bench *b, const struct sg_bench_suite *suite);

/* Sorts v; n >= 1. */
struct sg_bench_spread sg_bench_spread(double *v, size_t n);
/* A result without a goal meets it. */
bool sg_bench_met(const struct sg_bench_result *r);

/* report.c: the table, made for 100 columns, is written line by line. */
void sg_bench_print_head(FILE *f, const struct sg_bench *b);
void sg_bench_print_suite(FILE *f, const struct sg_bench_suite *suite);
void sg_bench_print_result(FILE *f, const struct sg_bench_result *r);
void sg_bench_print_failure(FILE *f, const struct sg_bench_ended *e);
void sg_bench_print_end(FILE *f, const struct sg_bench *b);
SG_MUST_USE int sg_bench_json(const struct sg_bench *b, struct sg_buf *out);
/* "1.23M", "45.6k", "0.812": at most 6 characters below 1e15. */
void sg_bench_number(char ret[16], double v);

/* machine.c: processor, cores, memory, kernel, commit and the versions of the packages that our
 * programs and their peers are made of, as members of the object that j stands in. */
void sg_bench_machine(struct sg_json *j);
