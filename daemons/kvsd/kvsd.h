#pragma once
/*
 * kvsd - options and the parts of its main (DESIGN.md).
 */
#include <sealgrid/cas/daemon.h>
#include <sealgrid/kvs/service.h>
#include <sealgrid/kvs/store.h>

/* kind, member, name, default, min, max, required, help */
#define KVSD_OPTIONS(X)                                                                            \
    X(STRING, listen, "listen", "127.0.0.1:17410", 0, 0, false, "address of the service")          \
    X(LIST, volumes, "volumes", NULL, 0, 0, true,                                                  \
      "folders of the volumes; one that is missing "                                               \
      "or damaged is set aside, not fatal")                                                        \
    X(LIST, buckets, "buckets", NULL, 0, 0, true, "\"NAME POLICY\" each; casd holds their keys")   \
    X(LIST, access, "access", NULL, 0, 0, true,                                                    \
      "\"WHO BUCKET VERBS\" each: spiffe://... or key:NAME, a bucket or *, read,write,admin")      \
    X(INT, workers, "workers", "16", 1, 256, false, "requests handled at once")                    \
    X(INT, max_connections, "max-connections", "512", 1, 16000, false, "more are closed at once")  \
    X(INT, object_mib, "object-mib", "256", 1, 1024, false,                                        \
      "largest object taken, MiB; held in memory while it is written")                             \
    X(INT, cache_mib, "cache-mib", "64", 1, 65536, false, "verified partitions kept, MiB")         \
    X(INT, index_mib, "index-mib", "192", 8, 65536, false, "index caches of all volumes, MiB")     \
    X(INT, journal_mib, "journal-mib", "128", 1, 65536, false,                                     \
      "journal after which a checkpoint is made, MiB")

struct kvsd_options {
    struct sg_daemon_options common;
    KVSD_OPTIONS(SG_CONF_MEMBER)
};

extern const struct sg_conf_table kvsd_table;

struct kvsd_bucket {
    char name[64];
    char policy[SG_POLICY_TEXT_MAX];
};
/* "metering replicas=3".  -EINVAL. */
SG_MUST_USE int kvsd_bucket_parse(const char *text, struct kvsd_bucket *ret);

/* Opens the store with the keys of a grant; they are copied into the store's own secrets. */
SG_MUST_USE int kvsd_open_store(struct sg_store **ret, const struct kvsd_options *o,
                                const struct sg_cas_grant *grant);
/* The record service over the store, with the API keys of the grant. */
SG_MUST_USE int kvsd_make_service(struct sg_kv_service **ret, const struct kvsd_options *o,
                                  const struct sg_cas_grant *grant, struct sg_store *store);
/* The daemon's whole life (sg_daemon). */
SG_MUST_USE int kvsd_run(const void *options, int ends);
