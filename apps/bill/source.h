#pragma once
/*
 * source - where a client's data comes from.
 */
#include "client.h"

#include <sealgrid/kv.h>

#define EVIDENCE_BUCKET "evidence"

/* Scans installation, reading_conflict, block and reading of c->id for (from, until]. */
SG_MUST_USE int source_store(struct client *c, struct sg_kv *kv, int64_t from_s, int64_t until_s);

enum source_outcome { SOURCE_BAD = 1 };
/* An evidence file (packed or bare), or the canonical CSV (docs/vee.md).
 * *ret_signed says which.  SOURCE_BAD fills why.  Installations come from inst (may be NULL: one of
 * ratio 1 for every serial that occurs, for the whole period). */
SG_MUST_USE int source_file(struct client *c, struct sg_bytes file, bool *ret_signed,
                            int64_t *ret_from_s, int64_t *ret_until_s, char why[160]);
