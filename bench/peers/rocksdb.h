#pragma once
/*
 * rocksdb - RocksDB as its tuning guide would have it for this work: write-ahead log, synced at
 * each batch; LZ4, the lowest level ZSTD; blocks of 16 KiB, Bloom filters; 320 MiB of memory, as
 * much as our store takes.
 */
#include "map.h"

/* folder is empty or new. */
SG_MUST_USE int sg_bench_rocksdb_open(struct sg_bench_map **ret, const char *folder);
/* Another session on the same database, for another thread; closed before the first. */
SG_MUST_USE int sg_bench_rocksdb_again(struct sg_bench_map **ret, struct sg_bench_map *first);
