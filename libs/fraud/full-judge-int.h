#pragma once
/* full-judge-int - the judge's work space, shared with the picture drawn of it. */
#include "full-int.h"

struct sg_full_judge {
    const struct sg_full_model *model;
    struct sg_view view;
    struct sg_absence absence;
    struct sg_expected expected;
    float feature[SG_FEATURES];
    double effect[SG_FEATURES]; /* what each adds to the margin */
    struct sg_feature_work work;
};

/* The day of a step that stands out, in the days' own numbers; SG_FRAUD_NO_DAY: none does. */
int32_t sg_full_change_day(const struct sg_feature_work *w);

/* Sets began and missing_day; change_day is set (full-picture.c). */
void sg_full_find_missing(const struct sg_full_judge *j, struct sg_full_score *s);
