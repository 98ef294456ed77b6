#pragma once
/*
 * report-put - a figure and its name into a report.
 */
#include <sealgrid/base/json.h>

static inline void put_number(struct sg_json *j, const char *key, double v)
{
    sg_json_key(j, key);
    sg_json_double(j, v);
}

static inline void put_count(struct sg_json *j, const char *key, uint64_t v)
{
    sg_json_key(j, key);
    sg_json_uint(j, v);
}
