#pragma once
/*
 * report - the summary of a run, for people and as JSON.
 */
#include "fleet.h"
#include "labels.h"

struct report {
    const struct plan *plan;
    const struct fleet_result *result;
    const struct labels *labels;   /* NULL: none */
    const struct verdict *verdict; /* NULL: none */
    const struct sg_drift *drift;  /* since what was learnt; NULL: nothing was */
    const struct sg_learned *learned;
    double map_error;              /* 0: no map was trained */
    double seconds_train, seconds_score;
    unsigned threads;
    uint64_t seed;
    uint32_t rounds;
    size_t profiles; /* suspects told in JSON, of those with a picture */
};

SG_MUST_USE int report_json(const struct report *r, struct sg_buf *b);
void report_print(const struct report *r);
