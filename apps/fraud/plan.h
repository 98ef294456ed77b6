#pragma once
/*
 * plan - what is to be done with every customer, worked out from the options once.
 */
#include "options.h"
#include "source.h"

#include <sealgrid/fraud/correlation.h>

enum plan_mode { MODE_CORRELATION, MODE_PAPER, MODE_FULL };

struct plan {
    enum plan_mode mode;
    bool fixed;    /* windows are in the days' own numbers; else they end with each customer's last
                    * day, and are those of days renumbered from 0 (plan_renumber) */
    bool dated;    /* they were given as dates */
    bool calendar; /* the source's days are days since 1970-01-01 */
    bool sliding;  /* each recent day against earlier ones, instead of windows */
    struct sg_corr_windows windows;
    struct sg_corr_sliding slide;
    uint32_t least_reference, least_recent;
};

enum plan_outcome { PLAN_BAD = 1 };
/* PLAN_BAD and why (borrowed, static). */
SG_MUST_USE int plan_make(struct plan *ret, const struct fraud_options *o, const char **ret_why);
const char *plan_mode_word(enum plan_mode mode); /* "correlation", "paper", "full" */
/* The windows of a whole fleet end with this day, unless they were given. */
void plan_anchor(struct plan *p, int32_t last_day);
/* Days of the calendar that are needed; all, if windows end with each customer's last day. */
struct source_span plan_span(const struct plan *p);
/* Not fixed: the last day that was told of the customer becomes the last of the windows.  Complete
 * or not: who drops a reading a day must not be judged by the honest days before. */
int32_t plan_epoch(const struct plan *p, int32_t last_day); /* what is taken off the days */
void plan_renumber(const struct plan *p, struct sg_fraud_days *d, int32_t last_day);
/* "2026-09-30" to days since 1970-01-01. */
bool plan_date(const char *text, int32_t *ret);
