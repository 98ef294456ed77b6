#pragma once
/*
 * simulate-report - what a study of inspections found, as JSON, as a page and in a few lines.
 * Borrows everything.
 */
#include "simulate-world.h"

#include <sealgrid/page/html.h>

struct sim_report {
    const struct world *world;
    const struct sim_study *study;
    const struct sim_result *results; /* of sim_study_run */
    size_t asked;                     /* the capacity that was asked for */
    bool each;                        /* every capacity was: the lines tell all */
    const char *currency;             /* "BRL" */
    enum sg_language language;        /* that the page shows first */
};

/* The orders of the results, in their rows: those of the world, then "random" and "best". */
const char *sim_report_order_name(const struct sim_report *r, size_t row);
const struct sim_result *sim_report_at(const struct sim_report *r, size_t row, size_t capacity);

SG_MUST_USE int sim_report_json(const struct sim_report *r, struct sg_buf *b);
void sim_report_print(const struct sim_report *r);
/* simulate-page.c */
#define SIM_PAGE_MAX (16u << 20)
SG_MUST_USE int sim_report_page(const struct sim_report *r, struct sg_buf *b);
