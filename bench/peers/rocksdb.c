#include "rocksdb.h"

#include <rocksdb/c.h>

#define CACHE_BYTES  (256u << 20)
#define BUFFER_BYTES (32u << 20) /* two of them */
#define BLOCK_BYTES  16384
#define BLOOM_BITS   10

struct rocks {
    struct sg_bench_map base;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_writebatch_t *batch; /* the session's own; all else is the first session's */
    rocksdb_cache_t *cache;
    bool again;
};

/* Takes the text. */
static int failed(char *error)
{
    if (!error)
        return 0;
    int r = sg_raisef(-EIO, "RocksDB: %s", error);
    rocksdb_free(error);
    return r;
}

static int rocks_put(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n)
{
    struct rocks *k = (struct rocks *)(void *)m;
    char *error = NULL;
    rocksdb_writebatch_clear(k->batch);
    for (size_t i = 0; i < n; i++)
        rocksdb_writebatch_put(k->batch, (const char *)rows[i].key, SG_BENCH_KEY_LEN,
                               (const char *)rows[i].value.data, rows[i].value.len);
    rocksdb_write(k->db, k->write, k->batch, &error);
    return failed(error);
}

static int rocks_get(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
                     struct sg_bench_seen *seen)
{
    struct rocks *k = (struct rocks *)(void *)m;
    for (size_t i = 0; i < n; i++) {
        char *error = NULL;
        size_t len;
        rocksdb_pinnableslice_t *v =
            rocksdb_get_pinned(k->db, k->read, (const char *)rows[i].key, SG_BENCH_KEY_LEN, &error);
        if (error || !v)
            return error ? failed(error) : sg_raise(-ENOENT);
        const char *value = rocksdb_pinnableslice_value(v, &len);
        sg_bench_see(seen, value, len);
        rocksdb_pinnableslice_destroy(v);
    }
    return 0;
}

/* From the iterator's place until a key, or to the end. */
static int walk(rocksdb_iterator_t *it, const uint8_t *until, struct sg_bench_seen *seen)
{
    char *error = NULL;
    for (; rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t len;
        const char *key = rocksdb_iter_key(it, &len);
        if (until && sg_bytes_cmp(SG_BYTES(key, len), SG_BYTES(until, SG_BENCH_KEY_LEN)) >= 0)
            break;
        const char *value = rocksdb_iter_value(it, &len);
        sg_bench_see(seen, value, len);
    }
    rocksdb_iter_get_error(it, &error);
    rocksdb_iter_destroy(it);
    return failed(error);
}

static int rocks_scan(struct sg_bench_map *m, const struct sg_bench_range *range,
                      struct sg_bench_seen *seen)
{
    struct rocks *k = (struct rocks *)(void *)m;
    rocksdb_iterator_t *it = rocksdb_create_iterator(k->db, k->read);
    rocksdb_iter_seek(it, (const char *)range->from, SG_BENCH_KEY_LEN);
    return walk(it, range->until, seen);
}

static int rocks_scan_all(struct sg_bench_map *m, struct sg_bench_seen *seen)
{
    struct rocks *k = (struct rocks *)(void *)m;
    rocksdb_iterator_t *it = rocksdb_create_iterator(k->db, k->read);
    rocksdb_iter_seek_to_first(it);
    return walk(it, NULL, seen);
}

static int rocks_settle(struct sg_bench_map *m)
{
    struct rocks *k = (struct rocks *)(void *)m;
    char *error = NULL;
    rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
    rocksdb_flush(k->db, o, &error);
    rocksdb_flushoptions_destroy(o);
    if (!error)
        rocksdb_compact_range(k->db, NULL, 0, NULL, 0);
    return failed(error);
}

static void rocks_close(struct sg_bench_map *m)
{
    struct rocks *k = (struct rocks *)(void *)m;
    rocksdb_writebatch_destroy(k->batch);
    if (!k->again) {
        if (k->db)
            rocksdb_close(k->db);
        rocksdb_readoptions_destroy(k->read);
        rocksdb_writeoptions_destroy(k->write);
        rocksdb_options_destroy(k->options);
        rocksdb_cache_destroy(k->cache);
    }
    free(k);
}

static const struct sg_bench_map_ops ops = {.put = rocks_put,
                                            .get = rocks_get,
                                            .scan = rocks_scan,
                                            .scan_all = rocks_scan_all,
                                            .settle = rocks_settle,
                                            .close = rocks_close};

static void configure(struct rocks *k)
{
    rocksdb_options_t *o = k->options;
    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_write_buffer_size(o, BUFFER_BYTES);
    rocksdb_options_set_max_background_jobs(o, 4);
    rocksdb_options_set_bytes_per_sync(o, 1u << 20);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_bottommost_compression(o, rocksdb_zstd_compression);
    rocksdb_block_based_options_set_block_size(t, BLOCK_BYTES);
    rocksdb_block_based_options_set_block_cache(t, k->cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(t, 1);
    rocksdb_block_based_options_set_format_version(t, 5);
    rocksdb_block_based_options_set_filter_policy(
        t, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(o, t);
    rocksdb_block_based_options_destroy(t);
    rocksdb_writeoptions_set_sync(k->write, 1);
}

int sg_bench_rocksdb_open(struct sg_bench_map **ret, const char *folder)
{
    char *error = NULL;
    struct rocks *k = calloc(1, sizeof(*k));
    if (!k)
        return sg_raise(-ENOMEM);
    k->base = (struct sg_bench_map){&ops, "RocksDB 7.8, WAL, fsync"};
    k->options = rocksdb_options_create();
    k->write = rocksdb_writeoptions_create();
    k->read = rocksdb_readoptions_create();
    k->batch = rocksdb_writebatch_create();
    k->cache = rocksdb_cache_create_lru(CACHE_BYTES);
    configure(k);
    k->db = rocksdb_open(k->options, folder, &error);
    if (error) {
        rocks_close(&k->base);
        return failed(error);
    }
    *ret = &k->base;
    return 0;
}

int sg_bench_rocksdb_again(struct sg_bench_map **ret, struct sg_bench_map *first)
{
    struct rocks *k = malloc(sizeof(*k));
    if (!k)
        return sg_raise(-ENOMEM);
    *k = *(struct rocks *)(void *)first;
    k->batch = rocksdb_writebatch_create();
    k->again = true;
    *ret = &k->base;
    return 0;
}
