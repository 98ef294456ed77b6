#pragma once
/*
 * kv access - what a caller may do.
 */
#include <sealgrid/kvs/service.h>

struct sg_kv_access;

SG_MUST_USE int sg_kv_access_new(struct sg_kv_access **ret, const struct sg_kv_service_options *o);
void sg_kv_access_free(struct sg_kv_access *a);
SG_DEFINE_FREEP(struct sg_kv_access, sg_kv_access_free)

/* All of verbs on the bucket; "*" asks for a grant on "*". */
bool sg_kv_access_may(const struct sg_kv_access *a, const char *who, const char *bucket,
                      unsigned verbs);
