#pragma once
/*
 * store - the engine under kv.h: sealed pages and objects on N volumes that nobody has to trust.
 *
 * A volume is one directory, self-contained: its index, its fragments, its part of the journal
 * (docs/adr/0003, 0004, 0005).  One process owns all of them through a lock file in each.  A store
 * opens and serves as long as every partition it is asked for has one good copy; volumes that are
 * missing, stale, unreadable or foreign are set aside, reported, and rebuilt by sg_store_scrub().
 *
 * Owns: its volumes' descriptors, the partition cache, one background thread.  Copies every option.
 * Any thread, through one struct sg_kv session per thread (sg_kv_open_local, kv.h).
 * A fork must not use the store: its writer keys are gone there and every call fails -EOWNERDEAD.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/kvs/policy.h>

struct sg_store;

#define SG_STORE_VOLUMES_MAX 64
#define SG_STORE_BUCKETS_MAX 64
#define SG_STORE_EPOCHS_MAX  64

struct sg_store_kek {
    uint32_t epoch;      /* the highest one wraps; older ones only unwrap */
    struct sg_bytes key; /* 32 octets; secret "kek/BUCKET/EPOCH" */
};

struct sg_store_bucket {
    const char *name;
    const char *policy; /* used until sg_kv_bucket_create() sets another; NULL: replicas=3 */
    const struct sg_store_kek *keks;
    size_t n_keks;
    struct sg_bytes name_key; /* 32 octets; secret "name-key/BUCKET" */
};

struct sg_store_options {
    const char *const *volumes; /* directories, made if absent; a volume keeps its place by its
                                 * label, so their order may change, their number may grow */
    size_t n_volumes;
    const struct sg_store_bucket *buckets; /* at least one */
    size_t n_buckets;
    struct sg_bytes store_key; /* 32 octets, seals journal and volume labels; empty: derived from
                                * the first bucket's name key, which must then stay the first */
    uint8_t lease[16];         /* writer lease, issued once by casd for this process */
    size_t cache_bytes;        /* verified partition directories in TEE memory; 0: 64 MiB */
    size_t pages_bytes;        /* opened pages there, for reads of single rows; 0: 64 MiB */
    size_t index_bytes;   /* block cache and write buffers of all volumes together; 0: 192 MiB */
    size_t journal_bytes; /* checkpoint after so much journal; 0: 128 MiB */
};

enum sg_store_outcome {
    SG_STORE_LOCKED = 1, /* another process owns one of the volumes */
    SG_STORE_FOREIGN,    /* no volume opens under these keys, though some are there */
};

/* Recovers from the journal.  SG_STORE_LOCKED, SG_STORE_FOREIGN, -errno. */
SG_MUST_USE int sg_store_open(struct sg_store **ret, const struct sg_store_options *o);
/* Checkpoints and closes; NULL accepted.  Every session must be freed before. */
void sg_store_close(struct sg_store *s);
SG_DEFINE_FREEP(struct sg_store, sg_store_close)

/* Everything now in memory tables goes to the volumes' indexes, and the journal is cut. */
SG_MUST_USE int sg_store_checkpoint(struct sg_store *s);

enum sg_volume_state {
    SG_VOLUME_ONLINE,
    SG_VOLUME_MISSING, /* directory or label gone */
    SG_VOLUME_STALE,   /* behind the others and the journal: rolled back, or away for too long */
    SG_VOLUME_DAMAGED, /* index does not open or reported an error */
    SG_VOLUME_REBUILDING,
};
const char *sg_volume_state_name(enum sg_volume_state state);

struct sg_volume_status {
    unsigned slot;
    char path[256];
    enum sg_volume_state state;
    uint64_t damage;   /* pieces found damaged, withheld or rolled back since the store opened */
    uint64_t repaired; /* pieces written again from a good copy since then */
    uint64_t checkpoint_seq; /* last journal record that its index surely holds */
    uint64_t index_bytes;
    uint64_t fragment_bytes;
};

struct sg_store_status {
    size_t n_volumes;
    unsigned online;
    bool writable;             /* false after a journal failure: reopen to recover */
    uint64_t journal_seq;      /* last durable record */
    uint64_t damage, repaired; /* sums over volumes, journal included */
    uint64_t batches, rows_written, pages_written, commits; /* commits: journal syncs */
    uint64_t cache_bytes, cached_partitions, cold_opens;
};

void sg_store_status(struct sg_store *s, struct sg_store_status *ret);
/* slot < n_volumes. */
void sg_store_volume_status(struct sg_store *s, unsigned slot, struct sg_volume_status *ret);

enum sg_scrub_depth {
    SG_SCRUB_FILES, /* checksums of every live file, and the rebuild of what fails; ~ disk speed */
    SG_SCRUB_FULL,  /* also opens every page and fragment and checks every head */
};

#define SG_SCRUB_ALL_VOLUMES UINT64_MAX

struct sg_scrub_options {
    enum sg_scrub_depth depth;
    uint64_t volumes; /* bit per slot; SG_SCRUB_ALL_VOLUMES */
    bool verify_only; /* count, repair nothing */
};

struct sg_scrub_report {
    size_t n_volumes;
    struct {
        uint64_t damage; /* found by this scrub */
        uint64_t repaired;
        bool rebuilt; /* its index was built anew from the others */
    } volumes[SG_STORE_VOLUMES_MAX];
    uint64_t files, file_bytes;
    uint64_t partitions, pages, rows;
    uint64_t objects, fragments;
    uint64_t damage, repaired;
    uint64_t lost; /* partitions and objects without any good copy */
};

/* Verify, repair, rebuild; beside running readers and writers.  One scrub at a time: -EBUSY.
 * 0 even when something is lost: see the report. */
SG_MUST_USE int sg_store_scrub(struct sg_store *s, const struct sg_scrub_options *o,
                               struct sg_scrub_report *ret);

enum sg_store_file_class {
    SG_FILE_INDEX,    /* sorted tables */
    SG_FILE_MANIFEST, /* the index's own manifest and pointer to it, volume label, checkpoint */
    SG_FILE_JOURNAL,
    SG_FILE_FRAGMENT,
};

/* One call per live file, path and the length that is live now.  For tests that damage volumes, and
 * for backups.  A table of the index is listed once its checksum was taken, so that any change of
 * what is listed is found by a scrub, unless a compaction has replaced the file. */
SG_MUST_USE int sg_store_files(struct sg_store *s,
                               int (*fn)(void *user, enum sg_store_file_class class,
                                         const char *path, uint64_t live_bytes),
                               void *user);
