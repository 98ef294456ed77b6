#pragma once
/*
 * demo-args - the arguments of a child, built up piece by piece, and the JSON that it reports.
 */
#include "demo.h"

#include <jansson.h>

#define SG_ARG_LEN 700
#define SG_ARGS    40

struct sg_args {
    char text[SG_ARGS][SG_ARG_LEN];
    const char *argv[SG_ARGS + 1];
    size_t n;
};

/* Starts the list with one of our programs. */
void sg_args_program(struct sg_args *a, const struct sg_demo *m, const char *name);
void sg_arg(struct sg_args *a, const char *fmt, ...) SG_PRINTF(2, 3);
void sg_arg_option(struct sg_args *a, const char *name, const char *value);
void sg_arg_option_int(struct sg_args *a, const char *name, int64_t value);
/* Runs it; standard output must be one JSON object, which the caller decrefs.  *ret_exit NULL: an
 * exit status other than 0 is a failure. */
SG_MUST_USE int sg_args_run_json(const struct sg_args *a, json_t **ret);
SG_MUST_USE int sg_args_run_json_exit(const struct sg_args *a, json_t **ret, int *ret_exit);
int64_t sg_json_number(const json_t *j, const char *name);

/* sealgrid-sim towards the deployment's aggregators: bare, and as the demo's fleet. */
void sg_demo_aggregators(struct sg_args *a, const struct sg_demo *m);
void sg_demo_fleet(struct sg_args *a, const struct sg_demo *m);
/* Sum of a metric over all instances of a daemon, -1 if none answers. */
int64_t sg_demo_metric(const struct sg_demo *m, const char *daemon, const char *name);
