#include "index-int.h"

#include <dirent.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>

#include "index-hot-int.h"
#include "io-int.h"

/* One environment (background threads) and one block cache for all volumes; per volume two write
 * buffers of buffer_bytes, and as much again for hot entries. */
struct sg_index_pool {
    rocksdb_env_t *env;
    rocksdb_cache_t *cache;
    size_t buffer_bytes;
};

struct sg_index {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *table_options;
    rocksdb_readoptions_t *read;
    rocksdb_readoptions_t *bulk;
    rocksdb_writeoptions_t *write;
    pthread_mutex_t hot_lock; /* also held while a batch is written: it is seen whole */
    struct sg_hot hot;
    size_t hot_max;
    _Atomic unsigned refs;
    atomic_bool failed;
    char path[320];
};

/* Hot entries apart: a record each of key, length and value. */
struct sg_index_batch {
    rocksdb_writebatch_t *batch;
    struct sg_buf hot;
    int failed; /* no memory for it */
    size_t bytes;
};

struct sg_index_snapshot {
    struct sg_index *ix;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
};

struct sg_index_iter {
    struct sg_index *ix;
    rocksdb_iterator_t *it;
    bool started;
    size_t prefix_len;
    uint8_t prefix[32];
};

/* RocksDB tells everything as text.  What it says is kept in the trace; the entry is not. */
static int damaged(char *text)
{
    int r = sg_raisef(-EIO, "index: %s", text);
    rocksdb_free(text);
    (void)r; /* raised for its trace only */
    return SG_INDEX_DAMAGED;
}

/* Pool. */

#define BUFFER_BYTES_MIN (1u << 20)
#define BUFFER_BYTES_MAX (16u << 20)

int sg_index_pool_new(struct sg_index_pool **ret, size_t bytes, size_t n_volumes)
{
    struct sg_index_pool *p = calloc(1, sizeof(*p));
    if (!p)
        return sg_raise(-ENOMEM);
    size_t buffer = bytes * 2 / 3 / (3 * n_volumes);
    p->buffer_bytes = buffer < BUFFER_BYTES_MIN   ? BUFFER_BYTES_MIN
                      : buffer > BUFFER_BYTES_MAX ? BUFFER_BYTES_MAX
                                                  : buffer;
    p->env = rocksdb_create_default_env();
    rocksdb_env_set_background_threads(p->env, 2);
    rocksdb_env_set_high_priority_background_threads(p->env, 1);
    p->cache = rocksdb_cache_create_lru(bytes / 3);
    *ret = p;
    return 0;
}

void sg_index_pool_free(struct sg_index_pool *p)
{
    if (!p)
        return;
    rocksdb_cache_destroy(p->cache);
    rocksdb_env_destroy(p->env);
    free(p);
}

/* Index. */

static void free_index(struct sg_index *ix)
{
    if (ix->db)
        rocksdb_close(ix->db);
    if (ix->write)
        rocksdb_writeoptions_destroy(ix->write);
    if (ix->bulk)
        rocksdb_readoptions_destroy(ix->bulk);
    if (ix->read)
        rocksdb_readoptions_destroy(ix->read);
    if (ix->options)
        rocksdb_options_destroy(ix->options);
    if (ix->table_options)
        rocksdb_block_based_options_destroy(ix->table_options);
    sg_hot_clear(&ix->hot);
    pthread_mutex_destroy(&ix->hot_lock);
    free(ix);
}

static void set_table_options(struct sg_index *ix, struct sg_index_pool *pool)
{
    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(t, pool->cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
    rocksdb_block_based_options_set_block_size(t, 8192);
    rocksdb_block_based_options_set_filter_policy(t, rocksdb_filterpolicy_create_bloom_full(10));
    ix->table_options = t;
    rocksdb_options_set_block_based_table_factory(ix->options, t);
}

/* The engine insists on a text log, which tells nothing that a status does not: it gets a folder of
 * its own, and loses it once it has opened. */
static void log_folder(const struct sg_index *ix, char ret[330])
{
    snprintf(ret, 330, "%s-log", ix->path);
}

static void set_options(struct sg_index *ix, struct sg_index_pool *pool, bool create)
{
    char log[330];
    rocksdb_options_t *o = ix->options = rocksdb_options_create();
    rocksdb_options_set_env(o, pool->env);
    rocksdb_options_set_create_if_missing(o, create);
    rocksdb_options_set_error_if_exists(o, create);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_write_buffer_size(o, pool->buffer_bytes);
    rocksdb_options_set_max_write_buffer_number(o, 2);
    rocksdb_options_set_compression(o, rocksdb_no_compression); /* sealed octets do not shrink */
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_open_files(o, 200);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_keep_log_file_num(o, 1);
    rocksdb_options_set_info_log_level(o, 4);
    log_folder(ix, log);
    rocksdb_options_set_db_log_dir(o, log);
    set_table_options(ix, pool);
}

/* Whoever closes has flushed, or does not care; an index whose folder is lost would try for a
 * second.  There is no call of its own for this option. */
static void no_flush_at_close(struct sg_index *ix, char **error)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_get_options_from_string(ix->options, "avoid_flush_during_shutdown=true", o, error);
    rocksdb_options_destroy(ix->options);
    ix->options = o;
}

static int missing(const char *path)
{
    char current[340];
    struct stat st;
    snprintf(current, sizeof(current), "%s/CURRENT", path);
    return stat(current, &st) < 0 && errno == ENOENT;
}

int sg_index_open(struct sg_index **ret, struct sg_index_pool *pool, const char *path, bool create)
{
    char *error = NULL, log[330];
    if (!create && missing(path))
        return SG_INDEX_NOT_FOUND;
    struct sg_index *ix = calloc(1, sizeof(*ix));
    if (!ix)
        return sg_raise(-ENOMEM);
    ix->refs = 1;
    ix->hot_max = pool->buffer_bytes;
    pthread_mutex_init(&ix->hot_lock, NULL);
    snprintf(ix->path, sizeof(ix->path), "%s", path);
    set_options(ix, pool, create);
    ix->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(ix->read, 1);
    ix->bulk = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(ix->bulk, 1);
    rocksdb_readoptions_set_fill_cache(ix->bulk, 0);
    rocksdb_readoptions_set_readahead_size(ix->bulk, 1u << 20);
    ix->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(ix->write, 1);
    if (!error)
        no_flush_at_close(ix, &error);
    if (!error)
        ix->db = rocksdb_open(ix->options, path, &error);
    log_folder(ix, log);
    int removed = sg_remove_tree(log);
    (void)removed; /* only waste */
    if (error) {
        free_index(ix);
        return damaged(error);
    }
    *ret = ix;
    return 0;
}

struct sg_index *sg_index_ref(struct sg_index *ix)
{
    atomic_fetch_add(&ix->refs, 1);
    return ix;
}

void sg_index_unref(struct sg_index *ix)
{
    if (ix && atomic_fetch_sub(&ix->refs, 1) == 1)
        free_index(ix);
}

/* Writing. */

#define HOT_BATCH_MAX (256u << 20)

int sg_index_batch_new(struct sg_index_batch **ret)
{
    struct sg_index_batch *b = calloc(1, sizeof(*b));
    if (!b)
        return sg_raise(-ENOMEM);
    b->batch = rocksdb_writebatch_create();
    b->hot = (struct sg_buf)SG_BUF_INIT(HOT_BATCH_MAX);
    *ret = b;
    return 0;
}

void sg_index_batch_free(struct sg_index_batch *b)
{
    if (!b)
        return;
    rocksdb_writebatch_destroy(b->batch);
    sg_buf_clear(&b->hot);
    free(b);
}

void sg_index_batch_reset(struct sg_index_batch *b)
{
    rocksdb_writebatch_clear(b->batch);
    sg_buf_reset(&b->hot);
    b->failed = 0;
    b->bytes = 0;
}

/* No value: deleted. */
static void add_hot(struct sg_index_batch *b, struct sg_bytes key, struct sg_bytes value)
{
    int r = b->failed ? b->failed : sg_buf_append(&b->hot, key);
    r = r ? r : sg_buf_append_be32(&b->hot, (uint32_t)value.len);
    b->failed = r ? r : sg_buf_append(&b->hot, value);
}

void sg_index_batch_put(struct sg_index_batch *b, struct sg_bytes key, struct sg_bytes value)
{
    b->bytes += key.len + value.len;
    if (sg_hot_key(key) && value.len > 0) {
        add_hot(b, key, value);
        return;
    }
    rocksdb_writebatch_put(b->batch, (const char *)key.data, key.len, (const char *)value.data,
                           value.len);
}

void sg_index_batch_delete(struct sg_index_batch *b, struct sg_bytes key)
{
    if (sg_hot_key(key))
        add_hot(b, key, SG_BYTES_NONE);
    rocksdb_writebatch_delete(b->batch, (const char *)key.data, key.len);
    b->bytes += key.len;
}

size_t sg_index_batch_bytes(const struct sg_index_batch *b)
{
    return b->bytes;
}

static int fail(struct sg_index *ix, char *error)
{
    atomic_store(&ix->failed, true);
    return damaged(error);
}

static int write_batch(struct sg_index *ix, rocksdb_writebatch_t *batch)
{
    char *error = NULL;
    if (rocksdb_writebatch_count(batch) == 0)
        return 0;
    rocksdb_write(ix->db, ix->write, batch, &error);
    return error ? fail(ix, error) : 0;
}

/* Hot lock held: every hot entry to the engine, in one batch in the order of keys, which is how it
 * takes them best.  If it does not take them they stay: what it has in their place is older. */
static int settle(struct sg_index *ix)
{
    SG_FREE const struct sg_hot_entry **sorted = NULL;
    size_t n = 0;
    if (ix->hot.n_used == 0)
        return 0;
    int r = sg_hot_sorted(&ix->hot, &sorted, &n);
    if (r)
        return r;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    for (size_t i = 0; i < n; i++)
        rocksdb_writebatch_put(batch, (const char *)sorted[i]->key, sizeof(sorted[i]->key),
                               (const char *)sorted[i]->value, sorted[i]->len);
    r = write_batch(ix, batch);
    rocksdb_writebatch_destroy(batch);
    if (r == 0)
        sg_hot_empty(&ix->hot);
    return r;
}

static int settle_all(struct sg_index *ix)
{
    pthread_mutex_lock(&ix->hot_lock);
    int r = settle(ix);
    pthread_mutex_unlock(&ix->hot_lock);
    return r;
}

/* Hot lock held. */
static int take_hot(struct sg_index *ix, const struct sg_buf *records)
{
    struct sg_reader in = sg_reader_over(sg_buf_bytes(records));
    struct sg_bytes key, value;
    uint32_t len;
    int r = 0;
    while (r == 0 && sg_take(&in, SG_HEAD_KEY_LEN, &key) && sg_take_be32(&in, &len) &&
           sg_take(&in, len, &value)) {
        if (len)
            r = sg_hot_put(&ix->hot, key.data, value);
        else
            sg_hot_drop(&ix->hot, key.data);
    }
    return r || sg_hot_bytes(&ix->hot) <= ix->hot_max ? r : settle(ix);
}

int sg_index_write(struct sg_index *ix, struct sg_index_batch *b)
{
    if (b->failed)
        return b->failed;
    pthread_mutex_lock(&ix->hot_lock);
    int r = write_batch(ix, b->batch);
    r = r ? r : take_hot(ix, &b->hot);
    pthread_mutex_unlock(&ix->hot_lock);
    return r;
}

int sg_index_flush(struct sg_index *ix)
{
    char *error = NULL;
    int r = settle_all(ix);
    if (r)
        return r;
    rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(o, 1);
    rocksdb_flush(ix->db, o, &error);
    rocksdb_flushoptions_destroy(o);
    return error ? fail(ix, error) : 0;
}

bool sg_index_failed(struct sg_index *ix)
{
    uint64_t errors = 0;
    if (rocksdb_property_int(ix->db, "rocksdb.background-errors", &errors) == 0 && errors > 0)
        atomic_store(&ix->failed, true);
    return atomic_load(&ix->failed);
}

uint64_t sg_index_bytes(struct sg_index *ix)
{
    uint64_t n = 0;
    return rocksdb_property_int(ix->db, "rocksdb.total-sst-files-size", &n) == 0 ? n : 0;
}

/* Reading. */

int sg_index_snapshot_new(struct sg_index_snapshot **ret, struct sg_index *ix)
{
    struct sg_index_snapshot *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->ix = sg_index_ref(ix);
    s->snapshot = rocksdb_create_snapshot(ix->db);
    s->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(s->read, 1);
    rocksdb_readoptions_set_snapshot(s->read, s->snapshot);
    *ret = s;
    return 0;
}

void sg_index_snapshot_free(struct sg_index_snapshot *s)
{
    if (!s)
        return;
    rocksdb_readoptions_destroy(s->read);
    rocksdb_release_snapshot(s->ix->db, s->snapshot);
    sg_index_unref(s->ix);
    free(s);
}

/* 0, SG_INDEX_NOT_FOUND (ask the engine), SG_INDEX_DAMAGED, -errno. */
static int get_hot(struct sg_index *ix, struct sg_bytes key, struct sg_buf *ret)
{
    int r = SG_INDEX_NOT_FOUND;
    pthread_mutex_lock(&ix->hot_lock);
    const struct sg_hot_entry *e = sg_hot_find(&ix->hot, key.data);
    if (e) {
        sg_buf_reset(ret);
        r = e->len > ret->max ? SG_INDEX_DAMAGED : sg_buf_append(ret, SG_BYTES(e->value, e->len));
    }
    pthread_mutex_unlock(&ix->hot_lock);
    return r;
}

int sg_index_get(struct sg_index *ix, const struct sg_index_snapshot *snap, struct sg_bytes key,
                 struct sg_buf *ret)
{
    char *error = NULL;
    size_t len = 0;
    if (!snap && sg_hot_key(key)) {
        int hot = get_hot(ix, key, ret);
        if (hot != SG_INDEX_NOT_FOUND)
            return hot;
    }
    rocksdb_pinnableslice_t *v = rocksdb_get_pinned(ix->db, snap ? snap->read : ix->read,
                                                    (const char *)key.data, key.len, &error);
    if (error)
        return damaged(error);
    if (!v)
        return SG_INDEX_NOT_FOUND;
    const char *data = rocksdb_pinnableslice_value(v, &len);
    sg_buf_reset(ret);
    int r = len > ret->max ? SG_INDEX_DAMAGED : sg_buf_append(ret, SG_BYTES(data, len));
    rocksdb_pinnableslice_destroy(v);
    return r;
}

int sg_index_iter_new(struct sg_index_iter **ret, struct sg_index *ix, struct sg_bytes prefix,
                      bool bulk)
{
    sg_assert(prefix.len <= sizeof((*ret)->prefix));
    int r = sg_hot_prefix(prefix) ? settle_all(ix) : 0;
    if (r)
        return r;
    struct sg_index_iter *it = calloc(1, sizeof(*it));
    if (!it)
        return sg_raise(-ENOMEM);
    it->ix = sg_index_ref(ix);
    it->prefix_len = prefix.len;
    if (prefix.len)
        memcpy(it->prefix, prefix.data, prefix.len);
    it->it = rocksdb_create_iterator(ix->db, bulk ? ix->bulk : ix->read);
    *ret = it;
    return 0;
}

void sg_index_iter_free(struct sg_index_iter *it)
{
    if (!it)
        return;
    rocksdb_iter_destroy(it->it);
    sg_index_unref(it->ix);
    free(it);
}

static void advance(struct sg_index_iter *it)
{
    if (it->started)
        rocksdb_iter_next(it->it);
    else if (it->prefix_len)
        rocksdb_iter_seek(it->it, (const char *)it->prefix, it->prefix_len);
    else
        rocksdb_iter_seek_to_first(it->it);
    it->started = true;
}

int sg_index_iter_next(struct sg_index_iter *it, struct sg_bytes *ret_key,
                       struct sg_bytes *ret_value)
{
    char *error = NULL;
    size_t key_len, value_len;
    advance(it);
    if (!rocksdb_iter_valid(it->it)) {
        rocksdb_iter_get_error(it->it, &error);
        return error ? damaged(error) : SG_INDEX_NOT_FOUND;
    }
    const char *key = rocksdb_iter_key(it->it, &key_len);
    if (key_len < it->prefix_len || memcmp(key, it->prefix, it->prefix_len) != 0)
        return SG_INDEX_NOT_FOUND;
    const char *value = rocksdb_iter_value(it->it, &value_len);
    *ret_key = SG_BYTES(key, key_len);
    *ret_value = SG_BYTES(value, value_len);
    return 0;
}

/* Files. */

static int list_tables(struct sg_index *ix,
                       int (*fn)(void *user, enum sg_index_file_kind kind, const char *path),
                       void *user)
{
    const rocksdb_livefiles_t *live = rocksdb_livefiles(ix->db);
    int r = 0, n = live ? rocksdb_livefiles_count(live) : 0;
    for (int i = 0; r == 0 && i < n; i++) {
        char path[400];
        snprintf(path, sizeof(path), "%s%s", ix->path, rocksdb_livefiles_name(live, i));
        r = fn(user, SG_INDEX_FILE_TABLE, path);
    }
    if (live)
        rocksdb_livefiles_destroy(live);
    return r;
}

static int list_one(struct sg_index *ix, const char *name,
                    int (*fn)(void *user, enum sg_index_file_kind kind, const char *path),
                    void *user)
{
    char path[400];
    enum sg_index_file_kind kind;
    if (strncmp(name, "MANIFEST-", 9) == 0)
        kind = SG_INDEX_FILE_MANIFEST;
    else if (strcmp(name, "CURRENT") == 0)
        kind = SG_INDEX_FILE_POINTER;
    else if (strcmp(name, "IDENTITY") == 0 || strncmp(name, "OPTIONS-", 8) == 0)
        kind = SG_INDEX_FILE_OTHER;
    else
        return 0;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", ix->path, name) >= sizeof(path))
        return sg_raise(-ENAMETOOLONG);
    return fn(user, kind, path);
}

int sg_index_files(struct sg_index *ix,
                   int (*fn)(void *user, enum sg_index_file_kind kind, const char *path),
                   void *user)
{
    int r = list_tables(ix, fn, user);
    if (r)
        return r;
    DIR *d = opendir(ix->path);
    if (!d)
        return sg_raise_errno();
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        r = list_one(ix, e->d_name, fn, user);
    closedir(d);
    return r;
}

bool sg_index_pointer_ok(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    char manifest[480];
    unsigned long number;
    int used = 0;
    if (sg_file_read(path, &b) < 0 || sg_buf_append_u8(&b, 0) < 0)
        return false;
    if (sscanf((const char *)b.data, "MANIFEST-%6lu\n%n", &number, &used) != 1 ||
        (size_t)used + 1 != b.len)
        return false;
    const char *slash = strrchr(path, '/');
    snprintf(manifest, sizeof(manifest), "%.*s/%.*s", (int)(slash - path), path, used - 1,
             (const char *)b.data);
    return access(manifest, R_OK) == 0;
}

/* Manifest: 32 KiB blocks of records, each CRC32C (masked, little endian, over type and payload),
 * length (16 bits), type; a block's last 6 octets or fewer are zero. */
#define LOG_BLOCK  32768u
#define LOG_HEADER 7u

static uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool all_zero(const uint8_t *p, size_t n)
{
    while (n)
        if (p[--n])
            return false;
    return true;
}

static bool log_record_ok(const uint8_t *p, size_t len)
{
    uint32_t masked = load_le32(p) - 0xa282ead8u;
    uint32_t crc = masked >> 17 | masked << 15;
    return sg_crc32c(0, SG_BYTES(p + 6, 1 + len)) == crc;
}

int sg_index_manifest_check(struct sg_bytes contents)
{
    size_t at = 0;
    while (at < contents.len) {
        size_t in_block = LOG_BLOCK - at % LOG_BLOCK, left = contents.len - at;
        if (in_block < LOG_HEADER) {
            size_t n = in_block < left ? in_block : left;
            if (!all_zero(contents.data + at, n))
                return SG_INDEX_DAMAGED;
            at += n;
            continue;
        }
        if (left < LOG_HEADER)
            return SG_INDEX_DAMAGED;
        const uint8_t *p = contents.data + at;
        size_t len = (size_t)p[4] | (size_t)p[5] << 8;
        if (len > in_block - LOG_HEADER || len > left - LOG_HEADER || !log_record_ok(p, len))
            return SG_INDEX_DAMAGED;
        at += LOG_HEADER + len;
    }
    return 0;
}
