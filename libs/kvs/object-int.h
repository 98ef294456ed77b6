#pragma once
/*
 * object - whole values of any size (docs/adr/0003, section "Objects"): a manifest, which is the
 * one row of a partition named by the object, and its contents: in the manifest if short, else as
 * sealed chunks, copied or erasure-coded over the volumes.
 */
#include "fragment-int.h"

SG_MUST_USE int sg_object_put(struct sg_store *s, struct sg_bucket *b, const char *name,
                              struct sg_bytes contents);
/* 0, SG_KV_NOT_FOUND, SG_KV_DAMAGED. */
SG_MUST_USE int sg_object_get(struct sg_store *s, struct sg_bucket *b, const char *name,
                              struct sg_buf *ret);
/* 0, SG_KV_NOT_FOUND. */
SG_MUST_USE int sg_object_delete(struct sg_store *s, struct sg_bucket *b, const char *name);
SG_MUST_USE int sg_object_list(struct sg_store *s, struct sg_bucket *b, const char *prefix,
                               int (*fn)(void *user, const char *name, uint64_t size), void *user);
