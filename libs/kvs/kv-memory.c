#include <sealgrid/kvs/memory.h>

#include <pthread.h>

#include "kv-int.h"
#include "tuple-int.h"

/*
 * Entries lie in one array ordered by full key; a full key is unambiguous and orders as (bucket,
 * space, table, partition, sort) because each part but the last is ended or of fixed width:
 * bucket 00 | space | table BE32 | partition with 00 as 00 FF, ended 00 01 | sort
 */
enum space { SPACE_BUCKET, SPACE_RECORD, SPACE_OBJECT };

struct entry {
    struct sg_buf key, value;
    size_t sort_at; /* where the sort key (or object name) begins in key */
    struct sg_buf partition;
};

struct sg_kv_memory {
    pthread_mutex_t lock;
    struct entry **entry;
    size_t n, allocated;
    int64_t damage_after;
};

struct memory_session {
    struct sg_kv kv;
    struct sg_kv_memory *m;
};

struct memory_scan {
    struct sg_kv_scan scan;
    struct sg_kv_memory *m;
    struct sg_buf rows; /* u32 sort length, u32 value length, octets; in order of the scan */
    size_t at;
    uint8_t fields[SG_KV_FIELDS_MAX];
    size_t fields_len;
};

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    sg_buf_clear(&e->key);
    sg_buf_clear(&e->value);
    sg_buf_clear(&e->partition);
    free(e);
}
SG_DEFINE_FREEP(struct entry, entry_free)

/* ---- full keys ---- */

static int append_escaped(struct sg_buf *b, struct sg_bytes part)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < part.len; i++) {
        r = sg_buf_append_u8(b, part.data[i]);
        if (r == 0 && part.data[i] == 0)
            r = sg_buf_append_u8(b, 0xff);
    }
    return r < 0 ? r : sg_buf_append(b, SG_BYTES_LIT("\0\1"));
}

static int full_key(struct sg_buf *b, const char *bucket, enum space space, uint32_t table,
                    struct sg_bytes partition, struct sg_bytes sort)
{
    int r = sg_buf_append(b, SG_BYTES(bucket, strlen(bucket) + 1));
    if (r == 0)
        r = sg_buf_append_u8(b, (uint8_t)space);
    if (r == 0)
        r = sg_buf_append_be32(b, table);
    if (r == 0)
        r = append_escaped(b, partition);
    return r < 0 ? r : sg_buf_append(b, sort);
}

/* First entry whose key is not below key. */
static size_t lower_bound(const struct sg_kv_memory *m, struct sg_bytes key)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (sg_bytes_cmp(sg_buf_bytes(&m->entry[mid]->key), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct entry *find(const struct sg_kv_memory *m, struct sg_bytes key)
{
    size_t i = lower_bound(m, key);
    bool there = i < m->n && sg_bytes_equal(sg_buf_bytes(&m->entry[i]->key), key);
    return there ? m->entry[i] : NULL;
}

static int make_room(struct sg_kv_memory *m, size_t more)
{
    if (m->n + more <= m->allocated)
        return 0;
    size_t allocated = 2 * (m->n + more);
    struct entry **grown = reallocarray(m->entry, allocated, sizeof(struct entry *));
    if (!grown)
        return sg_raise(-ENOMEM);
    m->entry = grown;
    m->allocated = allocated;
    return 0;
}

static int entry_new(struct entry **ret, const char *bucket, enum space space,
                     const struct sg_kv_key *key, struct sg_bytes value)
{
    SG_CLEANUP(entry_freep) struct entry *e = calloc(1, sizeof(*e));
    if (!e)
        return sg_raise(-ENOMEM);
    e->key.max = e->partition.max = 8 * SG_KV_KEY_MAX;
    e->value.max = SG_KV_OBJECT_MAX;
    int r = full_key(&e->key, bucket, space, key->table, key->partition, key->sort);
    if (r == 0)
        r = sg_buf_append(&e->partition, key->partition);
    if (r == 0)
        r = sg_buf_append(&e->value, value);
    if (r < 0)
        return r;
    e->sort_at = e->key.len - key->sort.len;
    *ret = TAKE_PTR(e);
    return 0;
}

/* Room was made.  Takes the entry. */
static void put_entry(struct sg_kv_memory *m, struct entry *e)
{
    size_t i = lower_bound(m, sg_buf_bytes(&e->key));
    if (i < m->n && sg_bytes_equal(sg_buf_bytes(&m->entry[i]->key), sg_buf_bytes(&e->key))) {
        entry_free(m->entry[i]);
    } else {
        memmove(m->entry + i + 1, m->entry + i, (m->n - i) * sizeof(struct entry *));
        m->n++;
    }
    m->entry[i] = e;
}

static void delete_key(struct sg_kv_memory *m, struct sg_bytes key)
{
    struct entry *e = find(m, key);
    if (!e)
        return;
    size_t i = lower_bound(m, key);
    memmove(m->entry + i, m->entry + i + 1, (m->n - i - 1) * sizeof(struct entry *));
    m->n--;
    entry_free(e);
}

static bool has_bucket(const struct sg_kv_memory *m, const char *bucket)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(256);
    return full_key(&key, bucket, SPACE_BUCKET, 0, SG_BYTES_NONE, SG_BYTES_NONE) == 0 &&
           find(m, sg_buf_bytes(&key));
}

/* ---- batches ---- */

static enum sg_kv_op_result judge(const struct sg_kv_op *op, const struct entry *present)
{
    switch (op->kind) {
    case SG_KV_PUT:
    case SG_KV_DELETE:
        return SG_KV_OP_OK;
    case SG_KV_INSERT:
        if (!present)
            return SG_KV_OP_OK;
        return sg_bytes_equal(sg_buf_bytes(&present->value), op->value) ? SG_KV_OP_SAME
                                                                        : SG_KV_OP_CONFLICT;
    default:
        if (op->expect_absent)
            return present ? SG_KV_OP_CONFLICT : SG_KV_OP_OK;
        return present && sg_bytes_equal(sg_buf_bytes(&present->value), op->expect)
                   ? SG_KV_OP_OK
                   : SG_KV_OP_CONFLICT;
    }
}

static bool same_key(const struct sg_kv_key *a, const struct sg_kv_key *b)
{
    return a->table == b->table && sg_bytes_equal(a->partition, b->partition) &&
           sg_bytes_equal(a->sort, b->sort);
}

static int key_cmp(const void *pa, const void *pb)
{
    const struct sg_kv_key *a = &(*(const struct sg_kv_op *const *)pa)->key;
    const struct sg_kv_key *b = &(*(const struct sg_kv_op *const *)pb)->key;
    int c = (a->table > b->table) - (a->table < b->table);
    if (c == 0)
        c = sg_bytes_cmp(a->partition, b->partition);
    return c ? c : sg_bytes_cmp(a->sort, b->sort);
}

static int check_writes_once(const struct sg_kv_op *ops, size_t n)
{
    SG_FREE const struct sg_kv_op **write = calloc(n, sizeof(*write));
    size_t writes = 0;
    if (!write)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        if (ops[i].kind != SG_KV_CHECK)
            write[writes++] = &ops[i];
    qsort(write, writes, sizeof(*write), key_cmp);
    for (size_t i = 1; i < writes; i++)
        if (same_key(&write[i - 1]->key, &write[i]->key))
            return sg_raisef(-EINVAL, "two writes to one key in a batch");
    return 0;
}

static int judge_all(const struct sg_kv_memory *m, const char *bucket, const struct sg_kv_op *ops,
                     size_t n, enum sg_kv_op_result *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    bool conflict = false;
    for (size_t i = 0; i < n; i++) {
        const struct sg_kv_key *k = &ops[i].key;
        sg_buf_reset(&key);
        int r = full_key(&key, bucket, SPACE_RECORD, k->table, k->partition, k->sort);
        if (r < 0)
            return r;
        ret[i] = judge(&ops[i], find(m, sg_buf_bytes(&key)));
        conflict |= ret[i] == SG_KV_OP_CONFLICT;
    }
    return conflict ? SG_KV_CONFLICT : 0;
}

static void free_entries(struct entry **made, size_t n)
{
    for (size_t i = 0; i < n; i++)
        entry_free(made[i]);
}

static bool writes(const struct sg_kv_op *op)
{
    return op->kind != SG_KV_CHECK && op->kind != SG_KV_DELETE;
}

/* Everything that can fail comes before the first change. */
static int apply(struct sg_kv_memory *m, const char *bucket, const struct sg_kv_op *ops, size_t n)
{
    SG_FREE struct entry **made = calloc(n, sizeof(struct entry *));
    int r = made ? make_room(m, n) : sg_raise(-ENOMEM);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++)
        if (ops[i].kind != SG_KV_CHECK)
            r = entry_new(&made[i], bucket, SPACE_RECORD, &ops[i].key, ops[i].value);
    if (r < 0) {
        free_entries(made, n);
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        if (writes(&ops[i])) {
            put_entry(m, made[i]);
        } else if (made[i]) {
            delete_key(m, sg_buf_bytes(&made[i]->key));
            entry_free(made[i]);
        }
    }
    return 0;
}

static struct sg_kv_memory *memory_of(struct sg_kv *kv)
{
    return ((struct memory_session *)kv)->m;
}

static int locked_batch(struct sg_kv_memory *m, const char *bucket, const struct sg_kv_op *ops,
                        size_t n, enum sg_kv_op_result *results)
{
    if (!has_bucket(m, bucket))
        return SG_KV_NOT_FOUND;
    int r = judge_all(m, bucket, ops, n, results);
    return r ? r : apply(m, bucket, ops, n);
}

static int memory_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                        enum sg_kv_op_result *ret_results)
{
    struct sg_kv_memory *m = memory_of(kv);
    SG_FREE enum sg_kv_op_result *results = calloc(n, sizeof(*results));
    int r = results ? check_writes_once(ops, n) : sg_raise(-ENOMEM);
    if (r < 0)
        return r;
    pthread_mutex_lock(&m->lock);
    r = locked_batch(m, bucket, ops, n, results);
    pthread_mutex_unlock(&m->lock);
    if (ret_results && (r == 0 || r == SG_KV_CONFLICT))
        memcpy(ret_results, results, n * sizeof(*results));
    return r;
}

/* ---- one value ---- */

static int get_value(struct sg_kv_memory *m, const char *bucket, enum space space,
                     const struct sg_kv_key *k, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    int r = full_key(&key, bucket, space, k->table, k->partition, k->sort);
    if (r < 0)
        return r;
    pthread_mutex_lock(&m->lock);
    const struct entry *e = find(m, sg_buf_bytes(&key));
    r = e ? sg_buf_append(ret, sg_buf_bytes(&e->value)) : SG_KV_NOT_FOUND;
    pthread_mutex_unlock(&m->lock);
    return r;
}

static int memory_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key,
                      struct sg_buf *ret)
{
    return get_value(memory_of(kv), bucket, SPACE_RECORD, &key, ret);
}

/* ---- scans ---- */

static int copy_row(struct sg_buf *rows, struct sg_bytes sort, struct sg_bytes value)
{
    int r = sg_buf_append_be32(rows, (uint32_t)sort.len);
    if (r == 0)
        r = sg_buf_append_be32(rows, (uint32_t)value.len);
    if (r == 0)
        r = sg_buf_append(rows, sort);
    return r < 0 ? r : sg_buf_append(rows, value);
}

static struct sg_bytes sort_of(const struct entry *e)
{
    return SG_BYTES(e->key.data + e->sort_at, e->key.len - e->sort_at);
}

static int copy_range(const struct sg_kv_memory *m, struct sg_bytes from, struct sg_bytes until,
                      const struct sg_kv_range *range, struct sg_buf *rows)
{
    size_t first = lower_bound(m, from), end = lower_bound(m, until);
    uint64_t left = range->limit ? range->limit : UINT64_MAX;
    int r = 0;
    for (size_t i = first; r == 0 && i < end && left--; i++) {
        const struct entry *e = m->entry[range->reverse ? end - 1 - (i - first) : i];
        r = copy_row(rows, sort_of(e), sg_buf_bytes(&e->value));
    }
    return r;
}

/* The value of the row at p, narrowed where it lies; false: it is no tuple. */
static bool narrow(const struct memory_scan *s, struct sg_bytes *value)
{
    return s->fields_len == 0 ||
           sg_tuple_value_pick(*value, SG_BYTES(s->fields, s->fields_len),
                               (uint8_t *)(uintptr_t)value->data, &value->len);
}

static int memory_next(struct sg_kv_scan *base, struct sg_bytes *ret_sort,
                       struct sg_bytes *ret_value)
{
    struct memory_scan *s = (struct memory_scan *)base;
    if (s->at == s->rows.len)
        return SG_KV_NOT_FOUND;
    pthread_mutex_lock(&s->m->lock);
    bool damaged = s->m->damage_after == 0;
    if (s->m->damage_after > 0)
        s->m->damage_after--;
    pthread_mutex_unlock(&s->m->lock);
    if (damaged)
        return SG_KV_DAMAGED;
    const uint8_t *p = s->rows.data + s->at;
    *ret_sort = SG_BYTES(p + 8, sg_load_be32(p));
    *ret_value = SG_BYTES(p + 8 + ret_sort->len, sg_load_be32(p + 4));
    s->at += 8 + ret_sort->len + ret_value->len;
    return narrow(s, ret_value) ? 0 : SG_KV_DAMAGED;
}

static void memory_scan_free(struct sg_kv_scan *base)
{
    struct memory_scan *s = (struct memory_scan *)base;
    sg_buf_clear(&s->rows);
    free(s);
}

static const struct sg_kv_scan_ops scan_ops = {memory_next, memory_scan_free};

static int scan_new(struct memory_scan **ret, struct sg_kv_memory *m)
{
    struct memory_scan *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    *s = (struct memory_scan){.scan = {&scan_ops}, .m = m, .rows = SG_BUF_INIT(SIZE_MAX / 2)};
    *ret = s;
    return 0;
}

/* The end of everything below a prefix: nothing sorts between it and prefix ff ff ... */
static int end_of(struct sg_buf *key)
{
    uint8_t *p;
    int r = sg_buf_extend(key, SG_KV_KEY_MAX + 1, &p);
    if (r == 0)
        memset(p, 0xff, SG_KV_KEY_MAX + 1);
    return r;
}

static int memory_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                            const struct sg_kv_range *range)
{
    struct sg_kv_memory *m = memory_of(kv);
    SG_CLEANUP(sg_buf_clear) struct sg_buf from = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf until = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    struct memory_scan *s;
    int r = full_key(&from, bucket, SPACE_RECORD, range->table, range->partition, range->from);
    if (r == 0)
        r = full_key(&until, bucket, SPACE_RECORD, range->table, range->partition, range->until);
    if (r == 0 && range->until.len == 0)
        r = end_of(&until);
    if (r < 0 || (r = scan_new(&s, m)) < 0)
        return r;
    s->fields_len = range->fields.len;
    if (range->fields.len)
        memcpy(s->fields, range->fields.data, range->fields.len);
    pthread_mutex_lock(&m->lock);
    r = copy_range(m, sg_buf_bytes(&from), sg_buf_bytes(&until), range, &s->rows);
    pthread_mutex_unlock(&m->lock);
    if (r < 0) {
        sg_kv_scan_free(&s->scan);
        return r;
    }
    *ret = &s->scan;
    return 0;
}

/* Distinct partitions of entries first..end. */
static int copy_partitions(const struct sg_kv_memory *m, size_t first, size_t end,
                           struct sg_bytes until, struct sg_buf *rows)
{
    int r = 0;
    for (size_t i = first; r == 0 && i < end; i++) {
        struct sg_bytes partition = sg_buf_bytes(&m->entry[i]->partition);
        if (until.len && sg_bytes_cmp(partition, until) >= 0)
            break;
        if (i == first || !sg_bytes_equal(partition, sg_buf_bytes(&m->entry[i - 1]->partition)))
            r = copy_row(rows, partition, SG_BYTES_NONE);
    }
    return r;
}

static int memory_partitions_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                  uint32_t table, struct sg_bytes from, struct sg_bytes until)
{
    struct sg_kv_memory *m = memory_of(kv);
    SG_CLEANUP(sg_buf_clear) struct sg_buf low = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf high = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    struct memory_scan *s;
    int r = full_key(&low, bucket, SPACE_RECORD, table, from, SG_BYTES_NONE);
    if (r == 0)
        r = full_key(&high, bucket, SPACE_RECORD, table, SG_BYTES_NONE, SG_BYTES_NONE);
    if (r < 0)
        return r;
    high.len -= 2; /* without the partition's end: all partitions of the table */
    r = end_of(&high);
    if (r < 0 || (r = scan_new(&s, m)) < 0)
        return r;
    pthread_mutex_lock(&m->lock);
    r = copy_partitions(m, lower_bound(m, sg_buf_bytes(&low)), lower_bound(m, sg_buf_bytes(&high)),
                        until, &s->rows);
    pthread_mutex_unlock(&m->lock);
    if (r < 0) {
        sg_kv_scan_free(&s->scan);
        return r;
    }
    *ret = &s->scan;
    return 0;
}

/* ---- objects and buckets ---- */

static struct sg_kv_key object_key(const char *name)
{
    return (struct sg_kv_key){.sort = sg_bytes_str(name)};
}

static int locked_put(struct sg_kv_memory *m, const char *bucket, enum space space,
                      const struct sg_kv_key *key, struct sg_bytes value)
{
    struct entry *e;
    int r = make_room(m, 1);
    if (r == 0)
        r = entry_new(&e, bucket, space, key, value);
    if (r == 0)
        put_entry(m, e);
    return r;
}

static int memory_object_put(struct sg_kv *kv, const char *bucket, const char *name,
                             struct sg_bytes contents)
{
    struct sg_kv_memory *m = memory_of(kv);
    const struct sg_kv_key key = object_key(name);
    pthread_mutex_lock(&m->lock);
    int r = has_bucket(m, bucket) ? locked_put(m, bucket, SPACE_OBJECT, &key, contents)
                                  : SG_KV_NOT_FOUND;
    pthread_mutex_unlock(&m->lock);
    return r;
}

static int memory_object_get(struct sg_kv *kv, const char *bucket, const char *name,
                             struct sg_buf *ret)
{
    const struct sg_kv_key key = object_key(name);
    return get_value(memory_of(kv), bucket, SPACE_OBJECT, &key, ret);
}

static int memory_object_delete(struct sg_kv *kv, const char *bucket, const char *name)
{
    struct sg_kv_memory *m = memory_of(kv);
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    int r = full_key(&key, bucket, SPACE_OBJECT, 0, SG_BYTES_NONE, sg_bytes_str(name));
    if (r < 0)
        return r;
    pthread_mutex_lock(&m->lock);
    r = find(m, sg_buf_bytes(&key)) ? 0 : SG_KV_NOT_FOUND;
    delete_key(m, sg_buf_bytes(&key));
    pthread_mutex_unlock(&m->lock);
    return r;
}

static int list_locked(struct sg_kv_memory *m, struct sg_bytes from,
                       int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    for (size_t i = lower_bound(m, from); i < m->n; i++) {
        char name[SG_KV_OBJECT_NAME_MAX + 1];
        const struct entry *e = m->entry[i];
        if (e->key.len < from.len || memcmp(e->key.data, from.data, from.len) != 0)
            break;
        struct sg_bytes text = sort_of(e);
        memcpy(name, text.data, text.len);
        name[text.len] = 0;
        if (fn(user, name, e->value.len))
            break;
    }
    return 0;
}

static int memory_object_list(struct sg_kv *kv, const char *bucket, const char *prefix,
                              int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    struct sg_kv_memory *m = memory_of(kv);
    SG_CLEANUP(sg_buf_clear) struct sg_buf from = SG_BUF_INIT(8 * SG_KV_KEY_MAX);
    int r = full_key(&from, bucket, SPACE_OBJECT, 0, SG_BYTES_NONE, sg_bytes_str(prefix));
    if (r < 0)
        return r;
    pthread_mutex_lock(&m->lock);
    r = has_bucket(m, bucket) ? list_locked(m, sg_buf_bytes(&from), fn, user) : SG_KV_NOT_FOUND;
    pthread_mutex_unlock(&m->lock);
    return r;
}

static int locked_bucket_create(struct sg_kv_memory *m, const char *bucket, const char *policy)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(256);
    const struct sg_kv_key none = {0};
    int r = full_key(&key, bucket, SPACE_BUCKET, 0, SG_BYTES_NONE, SG_BYTES_NONE);
    if (r < 0)
        return r;
    const struct entry *e = find(m, sg_buf_bytes(&key));
    if (e)
        return sg_bytes_equal(sg_buf_bytes(&e->value), sg_bytes_str(policy)) ? 0 : SG_KV_CONFLICT;
    return locked_put(m, bucket, SPACE_BUCKET, &none, sg_bytes_str(policy));
}

static int memory_bucket_create(struct sg_kv *kv, const char *bucket, const char *policy)
{
    struct sg_kv_memory *m = memory_of(kv);
    pthread_mutex_lock(&m->lock);
    int r = locked_bucket_create(m, bucket, policy);
    pthread_mutex_unlock(&m->lock);
    return r;
}

/* ---- sessions ---- */

static void session_free(struct sg_kv *kv)
{
    free(kv);
}

static const struct sg_kv_ops session_ops = {
    .free = session_free,
    .batch = memory_batch,
    .get = memory_get,
    .scan_open = memory_scan_open,
    .partitions_open = memory_partitions_open,
    .object_put = memory_object_put,
    .object_get = memory_object_get,
    .object_delete = memory_object_delete,
    .object_list = memory_object_list,
    .bucket_create = memory_bucket_create,
};

int sg_kv_open_memory(struct sg_kv **ret, struct sg_kv_memory *m)
{
    struct memory_session *s = malloc(sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    *s = (struct memory_session){.kv = {&session_ops}, .m = m};
    *ret = &s->kv;
    return 0;
}

int sg_kv_memory_new(struct sg_kv_memory **ret)
{
    SG_CLEANUP(sg_kv_memory_freep) struct sg_kv_memory *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&m->lock, NULL);
    m->damage_after = -1;
    int r = locked_bucket_create(m, "metering", "replicas=3");
    if (r == 0)
        r = locked_bucket_create(m, "evidence", "ec=6+2");
    if (r)
        return sg_fold(r);
    *ret = TAKE_PTR(m);
    return 0;
}

void sg_kv_memory_damage_after(struct sg_kv_memory *m, int64_t rows)
{
    pthread_mutex_lock(&m->lock);
    m->damage_after = rows;
    pthread_mutex_unlock(&m->lock);
}

void sg_kv_memory_free(struct sg_kv_memory *m)
{
    if (!m)
        return;
    free_entries(m->entry, m->n);
    free(m->entry);
    pthread_mutex_destroy(&m->lock);
    free(m);
}
