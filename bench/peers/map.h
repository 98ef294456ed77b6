#pragma once
/*
 * map - what the store's suites ask of every engine, ours and foreign ones: rows of clients, each
 * client's in the order of their keys; a batch is durable when put returns.
 *
 * A key is two encoded integer tuples (kvs/tuple.h), client and time, 9 octets each; foreign
 * engines take the 18 octets as they are.  One thread at a time.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

#define SG_BENCH_CLIENT_LEN 9
#define SG_BENCH_KEY_LEN    18

struct sg_bench_row {
    uint8_t key[SG_BENCH_KEY_LEN];
    struct sg_bytes value;
};

/* Rows of one client from a time (inclusive) until another (exclusive). */
struct sg_bench_range {
    uint8_t from[SG_BENCH_KEY_LEN], until[SG_BENCH_KEY_LEN];
};

/* What a reader was given: each row is copied once, as whoever uses it would. */
struct sg_bench_seen {
    uint64_t rows, octets;
    uint8_t row[512];
};

struct sg_bench_map;

struct sg_bench_map_ops {
    /* All or nothing. */
    int (*put)(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n);
    /* n keys, each of a row that is there. */
    int (*get)(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
               struct sg_bench_seen *seen);
    int (*scan)(struct sg_bench_map *m, const struct sg_bench_range *range,
                struct sg_bench_seen *seen);
    int (*scan_all)(struct sg_bench_map *m, struct sg_bench_seen *seen); /* NULL: cannot */
    /* Everything is where it will stay, so that its size on disk can be told; NULL: always so. */
    int (*settle)(struct sg_bench_map *m);
    void (*close)(struct sg_bench_map *m);
};

struct sg_bench_map {
    const struct sg_bench_map_ops *ops;
    const char *name; /* of the side: "RocksDB 7.8, WAL and fsync" */
};

static inline void sg_bench_map_close(struct sg_bench_map *m)
{
    if (m)
        m->ops->close(m);
}
SG_DEFINE_FREEP(struct sg_bench_map, sg_bench_map_close)

static inline void sg_bench_see(struct sg_bench_seen *s, const void *value, size_t len)
{
    size_t n = len < sizeof(s->row) ? len : sizeof(s->row);
    memcpy(s->row, value, n);
    s->rows++;
    s->octets += len;
}
