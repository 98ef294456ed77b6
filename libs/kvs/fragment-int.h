#pragma once
/*
 * fragment - append-only segment files on the volumes that hold the shards of large objects.
 * Layout in docs/adr/0003, section "Fragments".
 */
#include "store-int.h"

struct sg_fragments;
SG_MUST_USE int sg_fragments_new(struct sg_fragments **ret, struct sg_store *s);
void sg_fragments_free(struct sg_fragments *f);
uint64_t sg_fragments_bytes(struct sg_fragments *f, unsigned slot);
SG_MUST_USE int sg_fragments_files(struct sg_fragments *f,
                                   int (*fn)(void *user, enum sg_store_file_class class,
                                             const char *path, uint64_t live_bytes),
                                   void *user);
