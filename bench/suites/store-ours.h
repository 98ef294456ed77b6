#pragma once
/*
 * store ours - our side of the store's suites: a store of three volumes with three copies of all,
 * in process, or behind its service over loopback HTTPS with both sides authenticated.
 */
#include "../peers/map.h"
#include "../peers/trust.h"

#include <sealgrid/kv.h>

struct sg_bench_store;

/* In an empty folder, with the settings that a daemon starts with. */
SG_MUST_USE int sg_bench_store_open(struct sg_bench_store **ret, const char *folder);
/* Its service too; 0 or -errno. */
SG_MUST_USE int sg_bench_store_serve(struct sg_bench_store *s, const struct sg_bench_trust *trust);
void sg_bench_store_close(struct sg_bench_store *s);
SG_DEFINE_FREEP(struct sg_bench_store, sg_bench_store_close)

/* A session, in process or over the service; the store outlives it. */
SG_MUST_USE int sg_bench_store_map(struct sg_bench_map **ret, struct sg_bench_store *s,
                                   bool remote);
