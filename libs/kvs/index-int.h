#pragma once
/*
 * index - the ordered map of one volume, behind one adaptor (index-rocksdb.c; the choice is argued
 * in docs/adr/0005).  It needs not be trusted, nor durable before sg_index_flush: the journal is.
 *
 * Thread-safe, but for the objects that one caller makes for itself (batch, iterator).  An index is
 * counted: snapshots and iterators keep it alive while its volume is rebuilt under them.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

enum sg_index_outcome {
    SG_INDEX_NOT_FOUND = 1,
    SG_INDEX_DAMAGED, /* checksum, structure or read error; the text is in sg_error_trace() */
};

/* Memory and threads that all volumes share. */
struct sg_index_pool;
SG_MUST_USE int sg_index_pool_new(struct sg_index_pool **ret, size_t bytes, size_t n_volumes);
void sg_index_pool_free(struct sg_index_pool *p);
SG_DEFINE_FREEP(struct sg_index_pool, sg_index_pool_free)

struct sg_index;
/* create: the folder must hold none yet.  0, SG_INDEX_NOT_FOUND, SG_INDEX_DAMAGED, -errno. */
SG_MUST_USE int sg_index_open(struct sg_index **ret, struct sg_index_pool *pool, const char *path,
                              bool create);
struct sg_index *sg_index_ref(struct sg_index *ix);
/* The last reference closes it. */
void sg_index_unref(struct sg_index *ix);
SG_DEFINE_FREEP(struct sg_index, sg_index_unref)

struct sg_index_batch;
SG_MUST_USE int sg_index_batch_new(struct sg_index_batch **ret);
void sg_index_batch_free(struct sg_index_batch *b);
SG_DEFINE_FREEP(struct sg_index_batch, sg_index_batch_free)
void sg_index_batch_reset(struct sg_index_batch *b);
void sg_index_batch_put(struct sg_index_batch *b, struct sg_bytes key, struct sg_bytes value);
void sg_index_batch_delete(struct sg_index_batch *b, struct sg_bytes key);
size_t sg_index_batch_bytes(const struct sg_index_batch *b);

/* Atomic, visible at once, durable at the next flush.  0, SG_INDEX_DAMAGED, -errno.  Heads of
 * partitions wait in memory (index-hot-int.h) until there are many, or a flush, or an iterator that
 * would meet them. */
SG_MUST_USE int sg_index_write(struct sg_index *ix, struct sg_index_batch *b);
SG_MUST_USE int sg_index_flush(struct sg_index *ix);
/* Whether a background task has failed: then nothing more it says is to be believed. */
bool sg_index_failed(struct sg_index *ix);

/* Of pages: whoever reads through it has the head already.  Holds a reference. */
struct sg_index_snapshot;
SG_MUST_USE int sg_index_snapshot_new(struct sg_index_snapshot **ret, struct sg_index *ix);
void sg_index_snapshot_free(struct sg_index_snapshot *s);
SG_DEFINE_FREEP(struct sg_index_snapshot, sg_index_snapshot_free)

/* *ret is reset and filled.  snap may be NULL.  0, SG_INDEX_NOT_FOUND, SG_INDEX_DAMAGED. */
SG_MUST_USE int sg_index_get(struct sg_index *ix, const struct sg_index_snapshot *snap,
                             struct sg_bytes key, struct sg_buf *ret);

struct sg_index_iter;
/* Entries whose key starts with prefix, ascending.  bulk: reads everything from the files, past the
 * block cache.  Holds a reference. */
SG_MUST_USE int sg_index_iter_new(struct sg_index_iter **ret, struct sg_index *ix,
                                  struct sg_bytes prefix, bool bulk);
void sg_index_iter_free(struct sg_index_iter *it);
SG_DEFINE_FREEP(struct sg_index_iter, sg_index_iter_free)
/* 0 and an entry borrowed until the next call, SG_INDEX_NOT_FOUND at the end, SG_INDEX_DAMAGED. */
SG_MUST_USE int sg_index_iter_next(struct sg_index_iter *it, struct sg_bytes *ret_key,
                                   struct sg_bytes *ret_value);

enum sg_index_file_kind {
    SG_INDEX_FILE_TABLE,    /* never changes once written */
    SG_INDEX_FILE_MANIFEST, /* grows */
    SG_INDEX_FILE_POINTER,  /* names the manifest */
    SG_INDEX_FILE_OTHER,    /* small, never changes once written */
};
/* Live files by name below the index's folder.  fn may stop it with a nonzero value. */
SG_MUST_USE int
sg_index_files(struct sg_index *ix,
               int (*fn)(void *user, enum sg_index_file_kind kind, const char *path), void *user);
/* Every record of a manifest against its own checksum, the first live octets.  0, SG_INDEX_DAMAGED,
 * -errno. */
SG_MUST_USE int sg_index_manifest_check(struct sg_bytes contents);
/* Whether a pointer's contents name a manifest that is there. */
bool sg_index_pointer_ok(const char *path);
uint64_t sg_index_bytes(struct sg_index *ix);
