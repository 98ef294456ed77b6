#pragma once
/*
 * store-int - what the files of the engine share.
 *
 *   store.c         open, close, background thread      store-open.c  keys, volumes, recovery
 *   store-status.c  status, list of files
 *   store-commit.c  group commit: journal, then the volumes' indexes
 *   store-cache.c   partitions in TEE memory    store-pages.c  opened pages there
 *   store-load.c    cold open of a partition, reading of pages, repair of what is found bad
 *   store-copy.c    a partition's copies on volumes: writing one, checking one
 *   store-edit.c    evaluation of a batch against partitions and the plan of new pages
 *   store-write.c   sealing of a plan, batches
 *   kv-local.c      sessions and scans     object*.c  objects     scrub*.c  scrub and rebuild
 *
 * Lock order: partition locks (ascending by key) -> gate -> journal lock, cache lock.
 * The gate is held for reading around every use of a volume's index, from before a batch is
 * journalled until it is applied; whoever holds it for writing (checkpoint, rebuild) sees all
 * volumes with exactly the records up to journal.seq.
 */
#include <pthread.h>

#include <sealgrid/kv.h>
#include <sealgrid/kvs/store.h>

#include "head-int.h"
#include "kv-int.h"
#include "placement-int.h"
#include "store-pages-int.h"
#include "volume-int.h"

struct sg_fragments;

#define SG_PAGE_ROWS_MAX SG_COLUMNS_ROWS_MAX
/* Of keys and values, before packing; one row may be more. */
#define SG_PAGE_BYTES_MAX (48u << 10)

struct sg_bucket {
    struct sg_bucket_keys keys;
    pthread_mutex_t lock; /* policy */
    struct sg_policy policy;
};

struct sg_dir_entry {
    struct sg_page page; /* first and last point into bounds; columns is unused */
    uint32_t bytes;      /* of the index entry */
    uint8_t *bounds;
};

/* A partition in TEE memory.  Fields below the lock are guarded by it. */
struct sg_part {
    struct sg_part *hash_next, *newer, *older;
    unsigned pins; /* cache lock */
    size_t charged;

    struct sg_bucket *bucket;
    uint32_t table;
    uint8_t key[SG_HEAD_KEY_LEN];
    uint8_t replicas;
    struct sg_bytes partition; /* owned */
    /* While its volume is rebuilt: what was left there, asked last. */
    struct sg_index *salvage;
    unsigned salvage_slot;

    pthread_mutex_t lock;
    bool loaded;
    struct sg_part_keys *keys;
    uint64_t version; /* 0: never written */
    uint64_t n_rows, next_page;
    uint8_t sum[SG_MULTISET_LEN];
    struct sg_dir_entry *dir; /* ascending, ranges disjoint */
    size_t n_dir;
    struct sg_row *tail; /* one allocation with its contents */
    size_t n_tail;
};

#define SG_CACHE_HEADS 8192

struct sg_cache {
    pthread_mutex_t lock;
    struct sg_part *heads[SG_CACHE_HEADS];
    struct sg_part *newest, *oldest;
    size_t bytes, max_bytes, n;
};

struct sg_commit {
    struct sg_commit *next;
    struct sg_bytes payload;
    bool done;
    int r;
};

struct sg_store {
    pid_t pid;
    struct sg_bucket *buckets;
    size_t n_buckets;
    struct sg_secret label_key;
    struct sg_writer writer;
    uint8_t store_id[SG_STORE_ID_LEN];

    struct sg_index_pool *pool;
    struct sg_volume *volumes;
    unsigned n_volumes;
    uint8_t rank[SG_PLACEMENT_GROUPS][SG_STORE_VOLUMES_MAX];

    pthread_rwlock_t gate;

    pthread_mutex_t journal_lock;
    struct sg_journal journal;
    size_t journal_bytes_max;
    atomic_bool broken; /* no journal could be written; tried again at the next commit */

    pthread_mutex_t queue_lock;
    pthread_cond_t queue_moved;
    struct sg_commit *queue, **queue_end;
    bool leading;

    struct sg_cache cache;
    struct sg_pages pages;

    pthread_t background;
    bool background_runs;
    pthread_mutex_t background_lock;
    pthread_cond_t background_wake;
    bool background_stop, checkpoint_due;
    pthread_mutex_t checkpoint_lock; /* one checkpoint or rebuild at a time */
    pthread_mutex_t scrub_lock;      /* taken before the checkpoint lock */

    struct sg_fragments *fragments;

    _Atomic uint64_t journal_damage, journal_repaired;
    _Atomic uint64_t batches, rows_written, pages_written, commits, cold_opens;
};

/* store.c */
struct sg_bucket *sg_store_bucket(struct sg_store *s, const char *name);
unsigned sg_store_replicas(struct sg_store *s, struct sg_bucket *b, uint32_t table);
void sg_store_damage(struct sg_store *s, unsigned slot, uint64_t n);
void sg_store_repaired(struct sg_store *s, unsigned slot, uint64_t n);
/* Sets the volume aside; its index stays open until the volume is rebuilt. */
void sg_store_set_aside(struct sg_store *s, unsigned slot, enum sg_volume_state why);
static inline enum sg_volume_state sg_volume_state(const struct sg_volume *v)
{
    return (enum sg_volume_state)atomic_load(&v->state);
}
static inline struct sg_volume *sg_store_replica(struct sg_store *s, const uint8_t *key, unsigned r)
{
    return &s->volumes[s->rank[key[0]][r]];
}
/* -EOWNERDEAD in a child of fork. */
SG_MUST_USE int sg_store_usable(struct sg_store *s);
/* Folders of the journal on online volumes, starting at a different one for each segment. */
size_t sg_store_journal_sites(struct sg_store *s, bool all, struct sg_journal_site *ret);

/* store-open.c */
SG_MUST_USE int sg_store_open_keys(struct sg_store *s, const struct sg_store_options *o,
                                   uint8_t root[SG_KEY_LEN]);
/* 0, SG_STORE_LOCKED, SG_STORE_FOREIGN. */
SG_MUST_USE int sg_store_open_volumes(struct sg_store *s, const struct sg_store_options *o,
                                      bool *ret_fresh);
SG_MUST_USE int sg_store_recover(struct sg_store *s, struct sg_bytes root, bool fresh);

/* store-commit.c */
/* Gate held for reading.  Journals the payload together with whatever else waits, then applies it.
 * 0: durable and visible.  Negative: void. */
SG_MUST_USE int sg_store_commit(struct sg_store *s, struct sg_bytes payload);
/* To the volumes that are online (or rebuilt so far); after_label: only to those whose label is
 * older than seq. */
SG_MUST_USE int sg_store_apply(struct sg_store *s, struct sg_bytes payload, bool after_label,
                               uint64_t seq);
/* Store id and the journal's present end: what every volume has got once its index is flushed. */
void sg_store_mark(struct sg_store *s, struct sg_label *ret);
/* As sg_store_checkpoint; checkpoint lock held. */
SG_MUST_USE int sg_store_checkpoint_locked(struct sg_store *s);

/* store-cache.c */
void sg_cache_init(struct sg_cache *c, size_t max_bytes);
void sg_cache_clear(struct sg_cache *c);
/* Pinned; not locked, not loaded. */
SG_MUST_USE int sg_part_get(struct sg_part **ret, struct sg_store *s, struct sg_bucket *b,
                            uint32_t table, struct sg_bytes partition);
/* Charges what the partition now takes; may evict others. */
void sg_part_put(struct sg_store *s, struct sg_part *p);
void sg_part_forget(struct sg_part *p); /* lock held: drops what was loaded */
/* After a change of policy: partitions of this bucket have a new number of replicas. */
void sg_cache_forget_replicas(struct sg_store *s, struct sg_bucket *b);
static inline const uint8_t *sg_part_name(const struct sg_part *p)
{
    return sg_head_key_name(p->key);
}

/* store-load.c: partition locked, gate held for reading. */
/* 0, SG_KV_DAMAGED (no good copy left). */
SG_MUST_USE int sg_part_load(struct sg_store *s, struct sg_part *p);
/*
 * Page e into *ret_rows.  snaps: NULL or one snapshot per replica rank (NULL where there is none).
 * keys: of the partition, or a copy.  0, SG_KV_DAMAGED.
 */
SG_MUST_USE int sg_part_read_page(struct sg_store *s, struct sg_part *p, struct sg_part_keys *keys,
                                  const struct sg_page *e, struct sg_index_snapshot *const *snaps,
                                  struct sg_rows *ret_rows);
/* Of it what is wanted (columns-int.h; n_rows is known here). */
SG_MUST_USE int sg_part_read_some(struct sg_store *s, struct sg_part *p, struct sg_part_keys *keys,
                                  const struct sg_page *e, struct sg_index_snapshot *const *snaps,
                                  const struct sg_columns_want *want, struct sg_rows *ret_rows);
/* The sealed octets of page e, checked, from any replica into *raw; bad slots are counted and, if
 * repair, written again. */
SG_MUST_USE int sg_part_fetch(struct sg_store *s, struct sg_part *p, struct sg_part_keys *keys,
                              const struct sg_page *e, struct sg_index_snapshot *const *snaps,
                              bool repair, struct sg_buf *raw, struct sg_buf *plain,
                              struct sg_page *ret_page);
/* Index in dir of the page whose range holds sort, or n_dir. */
size_t sg_part_find(const struct sg_part *p, struct sg_bytes sort);
size_t sg_row_find(const struct sg_row *rows, size_t n, struct sg_bytes sort, bool *ret_found);
/* store-copy.c: likewise.  The partition's copy on one volume, checked whole against the head: 0,
 * or SG_KV_DAMAGED. */
SG_MUST_USE int sg_part_check_copy(struct sg_store *s, struct sg_part *p, unsigned slot,
                                   uint64_t *ret_pages);
/* The whole partition, as loaded, onto that volume (into ix if not NULL). */
SG_MUST_USE int sg_part_copy_to(struct sg_store *s, struct sg_part *p, unsigned slot,
                                struct sg_index *ix);

/* store-write.c */
SG_MUST_USE int sg_store_batch(struct sg_store *s, struct sg_bucket *b, const struct sg_kv_op *ops,
                               size_t n, enum sg_kv_op_result *ret_results);
/* One row.  0, SG_KV_NOT_FOUND, SG_KV_DAMAGED. */
SG_MUST_USE int sg_store_get(struct sg_store *s, struct sg_bucket *b, struct sg_kv_key key,
                             struct sg_buf *ret);

/* store-list.c: partition keys of a table with rows, in order. */
struct sg_part_list {
    struct sg_bytes *keys; /* each owned */
    size_t n;
};
void sg_part_list_clear(struct sg_part_list *l);
SG_MUST_USE int sg_store_list(struct sg_store *s, struct sg_bucket *b, uint32_t table,
                              struct sg_bytes from, struct sg_bytes until,
                              struct sg_part_list *ret);

/* store-settings.c: policies of buckets, kept as records in the bucket itself. */
SG_MUST_USE int sg_settings_load(struct sg_store *s);
/* 0, SG_KV_DENIED (no keys for such a bucket), -EINVAL (not a policy). */
SG_MUST_USE int sg_settings_bucket_create(struct sg_store *s, const char *bucket,
                                          const char *policy);

/* scrub-rebuild.c: the volume's index anew from the others.  Checkpoint lock held. */
SG_MUST_USE int sg_volume_rebuild(struct sg_store *s, unsigned slot,
                                  struct sg_scrub_report *report);
/* scrub-walk.c: one call for each partition that any online volume (or extra) knows in a placement
 * group, with a partition of its own that is neither loaded nor in the cache.  Gate held. */
SG_MUST_USE int sg_scrub_walk(struct sg_store *s, uint8_t group, struct sg_index *extra,
                              int (*fn)(struct sg_store *s, struct sg_part *p, void *user),
                              void *user, struct sg_scrub_report *report);
/* scrub-full.c */
SG_MUST_USE int sg_scrub_partitions(struct sg_store *s, const struct sg_scrub_options *o,
                                    struct sg_scrub_report *report);
void sg_scrub_count(struct sg_store *s, unsigned slot, struct sg_scrub_report *report,
                    uint64_t damage, uint64_t repaired);
