#pragma once
/*
 * lmdb - LMDB with its own durability: each batch one write transaction, synced when it commits.
 * Readers use one renewed transaction.  At most 16 GiB.
 */
#include "map.h"

/* folder is empty.  SG_BENCH_ABSENT (server.h): built without the library. */
SG_MUST_USE int sg_bench_lmdb_open(struct sg_bench_map **ret, const char *folder);
