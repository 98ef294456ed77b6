#pragma once
/*
 * copies - an engine written n times over: each batch goes to n of its maps at once, each on its
 * own thread, and is done when all are; reading asks the first.  What a peer without replication
 * has to do for as many copies as ours.
 * Owns: the maps.
 */
#include "map.h"

#define SG_BENCH_COPIES_MAX 4

/* Takes the maps on success. */
SG_MUST_USE int sg_bench_copies_new(struct sg_bench_map **ret, const char *name,
                                    struct sg_bench_map *const *maps, size_t n);
