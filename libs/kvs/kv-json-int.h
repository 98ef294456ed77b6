#pragma once
/*
 * kv json - reading the few JSON bodies of the record API (jansson's only user here).
 */
#include <sealgrid/kv.h>

/* {"policy":"..."} and nothing else. */
bool sg_kv_policy_of(struct sg_bytes json, char *ret, size_t size);
/* Code of {"error":{"code":...}} into ret, "" if it is none. */
void sg_kv_error_code_of(struct sg_bytes json, char *ret, size_t size);
/* One call of fn each; fn returning nonzero ends it.  -EBADMSG, also when not marked complete. */
SG_MUST_USE int sg_kv_listing_of(struct sg_bytes json,
                                 int (*fn)(void *user, const char *name, uint64_t size),
                                 void *user);
