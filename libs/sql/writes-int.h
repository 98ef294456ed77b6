#pragma once
/*
 * writes - what one transaction is about to write: a log of puts and deletes by key, folded into
 * one kv batch at the commit.
 * Owns: its octets, in blocks that never move before sg_sql_writes_clear, so that a cursor may hold
 * pointers to a pending row.  References the tables it names.
 *
 * The first write of a key carries the precondition (the row was absent, or had the value that was
 * read), the last one the effect.  Limits: SG_SQL_WRITES_MAX writes and SG_SQL_WRITES_BYTES.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/kv.h>

struct sg_sql_table;

#define SG_SQL_WRITES_MAX     16000u
#define SG_SQL_WRITES_BYTES   (15u << 20)
#define SG_SQL_SAVEPOINTS_MAX 64

enum sg_sql_expect { SG_SQL_EXPECT_ANY, SG_SQL_EXPECT_ABSENT, SG_SQL_EXPECT_VALUE };

struct sg_sql_write {
    struct sg_sql_table *table;
    struct sg_bytes partition, sort;
    bool is_delete;
    struct sg_bytes value;
    enum sg_sql_expect expect;
    struct sg_bytes expected;
    int32_t earlier; /* previous write of this key, or -1 */
};

struct sg_sql_block;

struct sg_sql_writes {
    struct sg_sql_write *log;
    size_t n, capacity;
    int32_t *slots; /* hash of the keys: index of each key's last write, or -1 */
    size_t n_slots;
    struct sg_sql_block *blocks;
    size_t bytes;
    size_t marks[SG_SQL_SAVEPOINTS_MAX];
    int n_marks;
};

enum sg_sql_writes_outcome {
    SG_SQL_WRITES_DUPLICATE = 1, /* the key is there already */
    SG_SQL_WRITES_STALE,         /* this transaction has changed the row since it was read */
    SG_SQL_WRITES_FULL,
};

void sg_sql_writes_clear(struct sg_sql_writes *w);
/* The last write of a key, or NULL. */
const struct sg_sql_write *sg_sql_writes_find(const struct sg_sql_writes *w, uint32_t table,
                                              struct sg_bytes partition, struct sg_bytes sort);
/* A new row; replace: whatever is there is overwritten. */
SG_MUST_USE int sg_sql_writes_insert(struct sg_sql_writes *w, struct sg_sql_table *t,
                                     struct sg_bytes partition, struct sg_bytes sort,
                                     struct sg_bytes value, bool replace);
/* A row read as expected gets another value, or goes (value.data NULL). */
SG_MUST_USE int sg_sql_writes_change(struct sg_sql_writes *w, struct sg_sql_table *t,
                                     struct sg_bytes partition, struct sg_bytes sort,
                                     struct sg_bytes expected, struct sg_bytes value);
/* SQLite's nested savepoints 0, 1, ...; one already open keeps its mark. */
SG_MUST_USE int sg_sql_writes_savepoint(struct sg_sql_writes *w, int level);
void sg_sql_writes_release(struct sg_sql_writes *w, int level);
void sg_sql_writes_rollback_to(struct sg_sql_writes *w, int level);

/* The batch: ops[i] belongs to sources[i].  With the check of each table's dictionary record, so
 * that nothing is written into a table dropped meanwhile (its source is NULL).  Borrows from w. */
struct sg_sql_batch {
    struct sg_kv_op *ops;
    const struct sg_sql_write **sources;
    size_t n;
};
SG_MUST_USE int sg_sql_writes_fold(const struct sg_sql_writes *w, struct sg_sql_batch *ret);
void sg_sql_batch_clear(struct sg_sql_batch *b);

/* Last writes of keys of a table, sorted by partition and sort key: copies, which stay good until
 * sg_sql_writes_clear. */
struct sg_sql_overlay {
    struct sg_sql_write *rows;
    size_t n;
};
SG_MUST_USE int sg_sql_writes_overlay(const struct sg_sql_writes *w, uint32_t table,
                                      struct sg_sql_overlay *ret);
void sg_sql_overlay_clear(struct sg_sql_overlay *o);
