#include "sql-int.h"

#include <sealgrid/base/clock.h>

#define USER_TABLES_MAX 1000

struct sg_bytes sg_sql_dictionary_tables(void)
{
    return SG_BYTES_LIT("\x25"
                        "table\x00\x01");
}

/* ---- tables ---- */

struct sg_sql_table *sg_sql_table_ref(struct sg_sql_table *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void sg_sql_table_unref(struct sg_sql_table *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(t->record);
    free(t);
}

int sg_sql_table_new(struct sg_sql_table **ret, const struct sg_sql_shape *shape, uint32_t id,
                     unsigned flags)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(sizeof((*ret)->sort));
    SG_FREE struct sg_sql_table *t = calloc(1, sizeof(*t));
    if (!t)
        return sg_raise(-ENOMEM);
    int r = sg_tuple_key_append(&sort, &SG_VAL_TEXT(shape->name), 1);
    if (r < 0)
        return r;
    t->refs = 1;
    t->id = id;
    t->flags = flags;
    t->origin_column = -1;
    t->shape = *shape;
    t->sort_len = sort.len;
    memcpy(t->sort, sort.data, sort.len);
    *ret = TAKE_PTR(t);
    return 0;
}

int sg_sql_table_encode(const struct sg_sql_table *t, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_DDL_TEXT_MAX);
    int r = sg_ddl_format(&t->shape, &text);
    if (r < 0)
        return r;
    struct sg_value v[3] = {SG_VAL_INT(SG_SQL_DICTIONARY_VERSION), SG_VAL_INT(t->id),
                            SG_VAL_TEXT("")};
    v[2].bytes = sg_buf_bytes(&text);
    return sg_tuple_value_append(ret, v, 3);
}

static int decode_fields(struct sg_bytes record, uint32_t *ret_id, struct sg_bytes *ret_text)
{
    struct sg_value v[3];
    size_t n;
    if (sg_tuple_value_decode(record, v, 3, &n) < 0 || n != 3)
        return SG_SQL_REFUSED;
    if (v[0].type != SG_INTEGER || v[1].type != SG_INTEGER || v[2].type != SG_TEXT ||
        v[0].i != SG_SQL_DICTIONARY_VERSION || v[1].i < SG_TABLE_USER_FIRST || v[1].i > UINT32_MAX)
        return SG_SQL_REFUSED;
    *ret_id = (uint32_t)v[1].i;
    *ret_text = v[2].bytes;
    return 0;
}

int sg_sql_table_decode(struct sg_bytes record, struct sg_sql_table **ret)
{
    SG_FREE struct sg_ddl *ddl = calloc(1, sizeof(*ddl));
    SG_CLEANUP(sg_sql_table_unrefp) struct sg_sql_table *t = NULL;
    struct sg_bytes text;
    uint32_t id;
    size_t at;
    const char *what;
    if (!ddl)
        return sg_raise(-ENOMEM);
    if (decode_fields(record, &id, &text))
        return SG_SQL_REFUSED;
    int r = sg_ddl_parse(text, ddl, &at, &what);
    if (r)
        return r < 0 ? r : SG_SQL_REFUSED;
    if (ddl->kind != SG_DDL_CREATE)
        return SG_SQL_REFUSED;
    r = sg_sql_table_new(&t, &ddl->shape, id, 0);
    if (r < 0)
        return r;
    t->record = malloc(record.len);
    if (!t->record)
        return sg_raise(-ENOMEM);
    memcpy(t->record, record.data, record.len);
    t->record_len = record.len;
    *ret = TAKE_PTR(t);
    return 0;
}

/* ---- catalogs ---- */

void sg_sql_catalog_unref(struct sg_sql_catalog *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < c->n; i++)
        sg_sql_table_unref(c->tables[i]);
    free(c->tables);
    free(c);
}

static int by_name(const void *a, const void *b)
{
    const struct sg_sql_table *x = *(struct sg_sql_table *const *)a;
    const struct sg_sql_table *y = *(struct sg_sql_table *const *)b;
    return strcmp(x->shape.name, y->shape.name);
}

struct sg_sql_table *sg_sql_catalog_find(const struct sg_sql_catalog *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->tables[i]->shape.name, name) == 0)
            return c->tables[i];
    return NULL;
}

static int catalog_new(struct sg_sql_catalog **ret)
{
    SG_CLEANUP(sg_sql_catalog_unrefp) struct sg_sql_catalog *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->refs = 1;
    c->tables = calloc(SG_SQL_SYSTEM_TABLES + USER_TABLES_MAX, sizeof(*c->tables));
    if (!c->tables)
        return sg_raise(-ENOMEM);
    int r = sg_sql_system_tables(c->tables, SG_SQL_SYSTEM_TABLES, &c->n);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

static int take_record(struct sg_sql_catalog *c, struct sg_bytes sort, struct sg_bytes record,
                       struct sg_sql_error *reterr)
{
    if (c->n == SG_SQL_SYSTEM_TABLES + USER_TABLES_MAX)
        return sg_sql_refuse(reterr, SG_SQL_ERR_limit, "more than %d tables", USER_TABLES_MAX);
    struct sg_sql_table *t;
    int r = sg_sql_table_decode(record, &t);
    if (r < 0)
        return r;
    if (r || !sg_bytes_equal(sort, SG_BYTES(t->sort, t->sort_len))) {
        if (!r)
            sg_sql_table_unref(t);
        return sg_sql_refuse(reterr, SG_SQL_ERR_damaged, "the dictionary is damaged");
    }
    c->tables[c->n++] = t;
    return 0;
}

static int read_records(struct sg_sql_catalog *c, struct sg_kv *kv, const char *bucket,
                        struct sg_sql_error *reterr)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_kv_range range = {.table = SG_TABLE_DICTIONARY,
                                .partition = sg_sql_dictionary_tables()};
    int r = sg_kv_scan_open(&scan, kv, bucket, &range);
    while (r == 0) {
        struct sg_bytes sort, record;
        r = sg_kv_scan_next(scan, &sort, &record);
        if (r)
            break;
        r = take_record(c, sort, record, reterr);
        if (r)
            return r;
    }
    return r == SG_KV_NOT_FOUND ? 0 : sg_sql_refuse_kv(reterr, r);
}

static int read_catalog(struct sg_sql_engine *e, struct sg_sql_catalog **ret,
                        struct sg_sql_error *reterr)
{
    SG_CLEANUP(sg_sql_catalog_unrefp) struct sg_sql_catalog *c = NULL;
    int r = 0;
    /* An idle session may have died with kvsd's last life: then once more with a fresh one. */
    for (int attempt = 0; attempt < 2; attempt++) {
        struct sg_kv *kv = NULL;
        sg_sql_catalog_unref(TAKE_PTR(c));
        *reterr = (struct sg_sql_error){0};
        r = catalog_new(&c);
        if (r < 0)
            return r;
        r = sg_sql_pool_get(&e->pool, attempt > 0, &kv);
        if (r == SG_SQL_POOL_FULL)
            return sg_sql_refuse(reterr, SG_SQL_ERR_busy, "too many statements at once");
        if (r == 0)
            r = read_records(c, kv, e->bucket, reterr);
        else
            r = sg_sql_refuse_kv(reterr, r);
        sg_sql_pool_put(&e->pool, kv, r != 0);
        if (r == 0)
            break;
    }
    if (r)
        return r;
    qsort(c->tables, c->n, sizeof(*c->tables), by_name);
    *ret = TAKE_PTR(c);
    return 0;
}

static struct sg_sql_catalog *catalog_ref(struct sg_sql_catalog *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

int sg_sql_engine_catalog(struct sg_sql_engine *e, bool force, struct sg_sql_catalog **ret,
                          struct sg_sql_error *reterr)
{
    struct sg_sql_catalog *c = NULL;
    int64_t now = sg_clock_monotonic_ns();
    pthread_mutex_lock(&e->lock);
    if (!force && e->catalog && e->catalog_read_ns && now - e->catalog_read_ns < e->catalog_ns)
        c = catalog_ref(e->catalog);
    pthread_mutex_unlock(&e->lock);
    if (c) {
        *ret = c;
        return 0;
    }
    int r = read_catalog(e, &c, reterr);
    if (r)
        return r;
    pthread_mutex_lock(&e->lock);
    sg_sql_catalog_unref(e->catalog);
    e->catalog = catalog_ref(c);
    e->catalog_read_ns = now;
    pthread_mutex_unlock(&e->lock);
    *ret = c;
    return 0;
}

void sg_sql_engine_catalog_changed(struct sg_sql_engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->catalog_read_ns = 0;
    pthread_mutex_unlock(&e->lock);
}

/* ---- engine ---- */

void sg_sql_engine_free(struct sg_sql_engine *e)
{
    if (!e)
        return;
    sg_sql_catalog_unref(e->catalog);
    sg_sql_pool_clear(&e->pool);
    pthread_mutex_destroy(&e->lock);
    free(e->bucket);
    free(e);
}

static pthread_once_t sqlite_once = PTHREAD_ONCE_INIT;

/* A connection of ours stays on one thread, so SQLite needs no lock inside one. */
static void configure_sqlite(void)
{
    sg_assert(sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK);
    sg_assert(sqlite3_initialize() == SQLITE_OK);
}

int sg_sql_engine_new(struct sg_sql_engine **ret, const struct sg_sql_engine_options *o)
{
    SG_CLEANUP(sg_sql_engine_freep) struct sg_sql_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return sg_raise(-ENOMEM);
    pthread_once(&sqlite_once, configure_sqlite);
    sqlite3_hard_heap_limit64(o->memory_max_bytes ? o->memory_max_bytes : INT64_C(512) << 20);
    pthread_mutex_init(&e->lock, NULL);
    e->catalog_ns = (o->catalog_ms ? o->catalog_ms : 2000) * 1000000;
    e->bucket = strdup(o->bucket ? o->bucket : "metering");
    if (!e->bucket)
        return sg_raise(-ENOMEM);
    int r = sg_sql_pool_init(&e->pool, o);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(e);
    return 0;
}

int sg_sql_engine_probe(struct sg_sql_engine *e)
{
    struct sg_sql_error error = {0};
    struct sg_sql_catalog *c;
    int r = sg_sql_engine_catalog(e, true, &c, &error);
    if (r)
        return r;
    sg_sql_catalog_unref(c);
    return 0;
}
