#pragma once
/*
 * vee-rules - parts of the reader of rule files, by what they read.  Every function is an
 * sg_field_fn; into is struct sg_vee_rules.
 */
#include "fields-int.h"

#include <sealgrid/billing/vee.h>

/* Named problems of one check, profile or step do not hide those of the others. */
int sg_vee_take_checks(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_vee_take_profiles(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
/* After the profiles, which its steps name. */
int sg_vee_take_estimate(struct sg_fields *f, const struct sg_yaml_node *n, void *into);

/* A whole number; its range is told as "min..max". */
int sg_vee_take_int(struct sg_fields *f, const struct sg_yaml_node *n, int64_t min, int64_t max,
                    int64_t *ret);
