#include "lmdb.h"

#include "server.h"

#if SG_HAVE_LMDB
#include <lmdb.h>

#define MAP_BYTES ((size_t)16 << 30)

struct lightning {
    struct sg_bench_map base;
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *read; /* reset between uses */
    MDB_cursor *cursor;
};

static int failed(int r)
{
    return r ? sg_raisef(-EIO, "LMDB: %s", mdb_strerror(r)) : 0;
}

static MDB_val octets(const void *p, size_t n)
{
    return (MDB_val){n, (void *)(uintptr_t)p};
}

static int lmdb_put(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n)
{
    struct lightning *l = (struct lightning *)(void *)m;
    MDB_txn *txn;
    int r = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (r)
        return failed(r);
    for (size_t i = 0; r == 0 && i < n; i++) {
        MDB_val k = octets(rows[i].key, SG_BENCH_KEY_LEN),
                v = octets(rows[i].value.data, rows[i].value.len);
        r = mdb_put(txn, l->dbi, &k, &v, 0);
    }
    if (r)
        mdb_txn_abort(txn);
    else
        r = mdb_txn_commit(txn);
    return failed(r);
}

static int lmdb_get(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
                    struct sg_bench_seen *seen)
{
    struct lightning *l = (struct lightning *)(void *)m;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        MDB_val k = octets(rows[i].key, SG_BENCH_KEY_LEN), v;
        r = mdb_txn_renew(l->read);
        if (r == 0)
            r = mdb_get(l->read, l->dbi, &k, &v);
        if (r == 0)
            sg_bench_see(seen, v.mv_data, v.mv_size);
        mdb_txn_reset(l->read);
    }
    return failed(r);
}

static int walk(struct lightning *l, MDB_val *k, MDB_cursor_op first, const uint8_t *until,
                struct sg_bench_seen *seen)
{
    MDB_val v;
    int r = mdb_txn_renew(l->read);
    if (r == 0)
        r = mdb_cursor_renew(l->read, l->cursor);
    if (r == 0)
        r = mdb_cursor_get(l->cursor, k, &v, first);
    while (r == 0) {
        if (until &&
            sg_bytes_cmp(SG_BYTES(k->mv_data, k->mv_size), SG_BYTES(until, SG_BENCH_KEY_LEN)) >= 0)
            break;
        sg_bench_see(seen, v.mv_data, v.mv_size);
        r = mdb_cursor_get(l->cursor, k, &v, MDB_NEXT);
    }
    mdb_txn_reset(l->read);
    return r == MDB_NOTFOUND ? 0 : failed(r);
}

static int lmdb_scan(struct sg_bench_map *m, const struct sg_bench_range *range,
                     struct sg_bench_seen *seen)
{
    MDB_val k = octets(range->from, SG_BENCH_KEY_LEN);
    return walk((struct lightning *)(void *)m, &k, MDB_SET_RANGE, range->until, seen);
}

static int lmdb_scan_all(struct sg_bench_map *m, struct sg_bench_seen *seen)
{
    MDB_val k = {0, NULL};
    return walk((struct lightning *)(void *)m, &k, MDB_FIRST, NULL, seen);
}

static void lmdb_close(struct sg_bench_map *m)
{
    struct lightning *l = (struct lightning *)(void *)m;
    if (l->cursor)
        mdb_cursor_close(l->cursor);
    if (l->read)
        mdb_txn_abort(l->read);
    if (l->env)
        mdb_env_close(l->env);
    free(l);
}

static const struct sg_bench_map_ops ops = {.put = lmdb_put,
                                            .get = lmdb_get,
                                            .scan = lmdb_scan,
                                            .scan_all = lmdb_scan_all,
                                            .close = lmdb_close};

static int open_map(struct lightning *l, const char *folder)
{
    MDB_txn *txn;
    int r = mdb_env_create(&l->env);
    if (r == 0)
        r = mdb_env_set_mapsize(l->env, MAP_BYTES);
    if (r == 0)
        r = mdb_env_open(l->env, folder, 0, 0600);
    if (r == 0)
        r = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (r)
        return r;
    r = mdb_dbi_open(txn, NULL, 0, &l->dbi);
    if (r)
        mdb_txn_abort(txn);
    else
        r = mdb_txn_commit(txn);
    if (r == 0)
        r = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->read);
    if (r == 0)
        r = mdb_cursor_open(l->read, l->dbi, &l->cursor);
    if (r == 0)
        mdb_txn_reset(l->read);
    return r;
}

int sg_bench_lmdb_open(struct sg_bench_map **ret, const char *folder)
{
    struct lightning *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->base = (struct sg_bench_map){&ops, "LMDB 0.9, sync"};
    int r = failed(open_map(l, folder));
    if (r) {
        lmdb_close(&l->base);
        return r;
    }
    *ret = &l->base;
    return 0;
}

#else

int sg_bench_lmdb_open(struct sg_bench_map **ret, const char *folder)
{
    (void)ret;
    (void)folder;
    return SG_BENCH_ABSENT;
}

#endif
