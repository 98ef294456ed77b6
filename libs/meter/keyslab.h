#pragma once
/*
 * keyslab - many small key records of one size in few locked pages, for processes with tens of
 * thousands of sessions: sodium_malloc would spend four pages on each.
 * Owns: the pages.  A slot is zero when taken and wiped when given back.  Any thread.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>
#include <stddef.h>

struct sg_keyslab;

/* slot_bytes: 1..4096. */
SG_MUST_USE int sg_keyslab_new(struct sg_keyslab **ret, size_t slot_bytes);
/* Every slot must have been given back. */
void sg_keyslab_free(struct sg_keyslab *s);
SG_DEFINE_FREEP(struct sg_keyslab, sg_keyslab_free)
SG_MUST_USE int sg_keyslab_take(struct sg_keyslab *s, void **ret);
/* NULL accepted. */
void sg_keyslab_give(struct sg_keyslab *s, void *slot);
