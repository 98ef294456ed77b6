/*
 * Index engines on our shapes: sealed pages of 6,000 octets and heads of 300 under 26-octet keys
 * that begin with a pseudorandom name, in groups of 40 partitions (one batch of the authenticator).
 * For each engine: with its own durability at each group, and without it behind a journal of ours
 * (one append and fdatasync a group, one sync of the engine at the end).  Then random gets, a scan.
 *   index-engine FOLDER [GROUPS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>
#include <rocksdb/c.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>

#define KEY 26
#define PAGE 6000
#define HEAD 300
#define GROUP 40
#define CLIENTS 1000

static unsigned groups = 500;
static uint8_t noise[PAGE * 2];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Page n of a client, or its head. */
static void make_key(uint64_t n, bool head, uint8_t key[KEY])
{
    struct sg_prng rng;
    sg_prng_seed2(&rng, 7, n % CLIENTS);
    uint64_t name[2] = {sg_prng_u64(&rng), sg_prng_u64(&rng)};
    memcpy(key + 2, name, 16);
    key[0] = key[2];
    key[1] = head ? 'H' : 'P';
    sg_store_be64(key + 18, head ? 0 : n);
}

struct engine {
    const char *name;
    bool synced;
    void (*open)(const char *path, bool synced);
    void (*begin)(void);
    void (*put)(const uint8_t *key, const uint8_t *value, size_t len);
    void (*commit)(void);
    void (*flush)(void);
    size_t (*get)(const uint8_t *key);
    size_t (*scan)(void);
    void (*close)(void);
};

/* RocksDB, configured as index-rocksdb.c does. */

static rocksdb_t *rocks;
static rocksdb_writebatch_t *rocks_batch;
static rocksdb_writeoptions_t *rocks_write;
static rocksdb_readoptions_t *rocks_read;

static void rocks_check(char *error)
{
    if (error)
        die("rocksdb", error);
}

static void rocks_open(const char *path, bool synced)
{
    char *error = NULL;
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(o, 8u << 20);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_block_based_options_set_block_size(t, 8192);
    rocksdb_block_based_options_set_block_cache(t, rocksdb_cache_create_lru(64u << 20));
    rocksdb_block_based_options_set_filter_policy(t, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(o, t);
    rocks = rocksdb_open(o, path, &error);
    rocks_check(error);
    rocks_batch = rocksdb_writebatch_create();
    rocks_write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rocks_write, synced);
    rocksdb_writeoptions_disable_WAL(rocks_write, !synced);
    rocks_read = rocksdb_readoptions_create();
}

static void rocks_begin(void)
{
    rocksdb_writebatch_clear(rocks_batch);
}

static void rocks_put(const uint8_t *key, const uint8_t *value, size_t len)
{
    rocksdb_writebatch_put(rocks_batch, (const char *)key, KEY, (const char *)value, len);
}

static void rocks_commit(void)
{
    char *error = NULL;
    rocksdb_write(rocks, rocks_write, rocks_batch, &error);
    rocks_check(error);
}

static void rocks_flush(void)
{
    char *error = NULL;
    rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
    rocksdb_flush(rocks, o, &error);
    rocks_check(error);
    rocksdb_flushoptions_destroy(o);
}

static size_t rocks_get(const uint8_t *key)
{
    char *error = NULL;
    size_t len = 0;
    rocksdb_pinnableslice_t *v =
        rocksdb_get_pinned(rocks, rocks_read, (const char *)key, KEY, &error);
    rocks_check(error);
    if (v)
        rocksdb_pinnableslice_value(v, &len);
    rocksdb_pinnableslice_destroy(v);
    return len;
}

static size_t rocks_scan(void)
{
    size_t octets = 0, len;
    rocksdb_iterator_t *it = rocksdb_create_iterator(rocks, rocks_read);
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        const char *v = rocksdb_iter_value(it, &len);
        octets += len + (size_t)(v[len / 2] & 1);
    }
    rocksdb_iter_destroy(it);
    return octets;
}

static void rocks_close(void)
{
    rocksdb_close(rocks);
}

/* LMDB. */

static MDB_env *lmdb;
static MDB_txn *lmdb_txn;
static MDB_dbi lmdb_dbi;

static void lmdb_check(int r)
{
    if (r)
        die("lmdb", mdb_strerror(r));
}

static void lmdb_open(const char *path, bool synced)
{
    lmdb_check(mdb_env_create(&lmdb));
    lmdb_check(mdb_env_set_mapsize(lmdb, (size_t)8 << 30));
    if (mkdir(path, 0700) < 0)
        die("mkdir", path);
    lmdb_check(mdb_env_open(lmdb, path, synced ? 0 : MDB_NOSYNC, 0600));
    lmdb_check(mdb_txn_begin(lmdb, NULL, 0, &lmdb_txn));
    lmdb_check(mdb_dbi_open(lmdb_txn, NULL, 0, &lmdb_dbi));
    lmdb_check(mdb_txn_commit(lmdb_txn));
}

static void lmdb_begin(void)
{
    lmdb_check(mdb_txn_begin(lmdb, NULL, 0, &lmdb_txn));
}

static void lmdb_put(const uint8_t *key, const uint8_t *value, size_t len)
{
    MDB_val k = {KEY, (void *)(uintptr_t)key}, v = {len, (void *)(uintptr_t)value};
    lmdb_check(mdb_put(lmdb_txn, lmdb_dbi, &k, &v, 0));
}

static void lmdb_commit(void)
{
    lmdb_check(mdb_txn_commit(lmdb_txn));
}

static void lmdb_flush(void)
{
    lmdb_check(mdb_env_sync(lmdb, 1));
}

static size_t lmdb_get(const uint8_t *key)
{
    MDB_txn *txn;
    MDB_val k = {KEY, (void *)(uintptr_t)key}, v = {0, NULL};
    lmdb_check(mdb_txn_begin(lmdb, NULL, MDB_RDONLY, &txn));
    lmdb_check(mdb_get(txn, lmdb_dbi, &k, &v));
    mdb_txn_abort(txn);
    return v.mv_size;
}

static size_t lmdb_scan(void)
{
    size_t octets = 0;
    MDB_txn *txn;
    MDB_cursor *c;
    MDB_val k, v;
    lmdb_check(mdb_txn_begin(lmdb, NULL, MDB_RDONLY, &txn));
    lmdb_check(mdb_cursor_open(txn, lmdb_dbi, &c));
    while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0)
        octets += v.mv_size + (((const uint8_t *)v.mv_data)[v.mv_size / 2] & 1);
    mdb_cursor_close(c);
    mdb_txn_abort(txn);
    return octets;
}

static void lmdb_close(void)
{
    mdb_env_close(lmdb);
}

/* The run. */

static double seconds_since(int64_t then)
{
    return (double)(sg_clock_monotonic_ns() - then) / 1e9;
}

/* What our journal costs, once: its octets, its sync. */
static void journal_group(int fd)
{
    for (int i = 0; i < GROUP; i++)
        if (write(fd, noise, PAGE + HEAD + 2 * KEY) < 0)
            die("journal", strerror(errno));
    if (fdatasync(fd) < 0)
        die("journal", strerror(errno));
}

static void write_group(const struct engine *e, uint64_t g)
{
    uint8_t key[KEY];
    e->begin();
    for (uint64_t i = g * GROUP; i < (g + 1) * GROUP; i++) {
        make_key(i, false, key);
        e->put(key, noise + i % PAGE, PAGE);
        make_key(i, true, key);
        e->put(key, noise + i % PAGE, HEAD);
    }
    e->commit();
}

static uint64_t file_bytes(const char *folder)
{
    char command[600];
    uint64_t kib = 0;
    snprintf(command, sizeof(command), "du -sk '%s'", folder);
    FILE *p = popen(command, "re");
    if (!p || fscanf(p, "%lu", &kib) != 1)
        kib = 0;
    if (p)
        pclose(p);
    return kib << 10;
}

static void run(const struct engine *e, const char *folder)
{
    char path[300], journal[300];
    uint8_t key[KEY];
    struct sg_prng rng;
    sg_prng_seed(&rng, 5);
    snprintf(path, sizeof(path), "%s/%s-%d", folder, e->name, e->synced);
    snprintf(journal, sizeof(journal), "%s/journal", folder);
    int fd = open(journal, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    e->open(path, e->synced);
    int64_t then = sg_clock_monotonic_ns();
    for (uint64_t g = 0; g < groups; g++) {
        if (!e->synced)
            journal_group(fd);
        write_group(e, g);
    }
    e->flush();
    double writing = seconds_since(then);
    then = sg_clock_monotonic_ns();
    size_t octets = 0;
    for (unsigned i = 0; i < 20000; i++) {
        make_key(sg_prng_below(&rng, (uint64_t)groups * GROUP), false, key);
        octets += e->get(key);
    }
    double getting = seconds_since(then);
    then = sg_clock_monotonic_ns();
    octets += e->scan();
    double scanning = seconds_since(then);
    printf("%-8s %-16s %9.0f pages/s %9.0f gets/s %8.0f MB/s scan %7.0f MB on disk (%zu)\n",
           e->name, e->synced ? "own sync" : "behind journal", groups * GROUP / writing,
           20000 / getting, (double)groups * GROUP * (PAGE + HEAD) / 1e6 / scanning,
           (double)file_bytes(path) / 1e6, octets);
    e->close();
    close(fd);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "bench-index";
    const struct engine engines[] = {
        {"rocksdb", true, rocks_open, rocks_begin, rocks_put, rocks_commit, rocks_flush, rocks_get,
         rocks_scan, rocks_close},
        {"lmdb", true, lmdb_open, lmdb_begin, lmdb_put, lmdb_commit, lmdb_flush, lmdb_get,
         lmdb_scan, lmdb_close},
        {"rocksdb", false, rocks_open, rocks_begin, rocks_put, rocks_commit, rocks_flush,
         rocks_get, rocks_scan, rocks_close},
        {"lmdb", false, lmdb_open, lmdb_begin, lmdb_put, lmdb_commit, lmdb_flush, lmdb_get,
         lmdb_scan, lmdb_close},
    };
    if (argc > 2)
        groups = (unsigned)atoi(argv[2]);
    sg_random_bytes(noise, sizeof(noise));
    if (sg_mkdir_p(folder, 0700) < 0)
        die("folder", folder);
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        run(&engines[i], folder);
    return 0;
}
