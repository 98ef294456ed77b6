#pragma once
/*
 * kv access - who a caller is and what it may do.
 */
#include <sealgrid/kvs/service.h>

struct sg_kv_access;

SG_MUST_USE int sg_kv_access_new(struct sg_kv_access **ret, const struct sg_kv_service_options *o);
void sg_kv_access_free(struct sg_kv_access *a);
SG_DEFINE_FREEP(struct sg_kv_access, sg_kv_access_free)

#define SG_KV_WHO_MAX 128
/* uri: of the verified certificate, "" if none; authorization: the header's value or NULL.  A
 * caller that shows a key is that key, whatever its certificate.  SG_KV_DENIED: nobody known. */
SG_MUST_USE int sg_kv_access_who(const struct sg_kv_access *a, const char *uri,
                                 const char *authorization, char ret[SG_KV_WHO_MAX]);
/* All of verbs on the bucket; "*" asks for a grant on "*". */
bool sg_kv_access_may(const struct sg_kv_access *a, const char *who, const char *bucket,
                      unsigned verbs);
