#include "sql-int.h"

struct sg_sql_block {
    struct sg_sql_block *next;
    size_t used, size;
    uint8_t data[];
};

#define BLOCK_SIZE ((size_t)64 << 10)

static void clear_blocks(struct sg_sql_writes *w)
{
    while (w->blocks) {
        struct sg_sql_block *b = w->blocks;
        w->blocks = b->next;
        free(b);
    }
    w->bytes = 0;
}

void sg_sql_writes_clear(struct sg_sql_writes *w)
{
    for (size_t i = 0; i < w->n; i++)
        sg_sql_table_unref(w->log[i].table);
    free(w->log);
    free(w->slots);
    clear_blocks(w);
    *w = (struct sg_sql_writes){0};
}

static int copy(struct sg_sql_writes *w, struct sg_bytes from, struct sg_bytes *ret)
{
    if (from.len == 0) {
        *ret = SG_BYTES_NONE;
        return 0;
    }
    if (from.len > SG_SQL_WRITES_BYTES - w->bytes)
        return SG_SQL_WRITES_FULL;
    if (!w->blocks || from.len > w->blocks->size - w->blocks->used) {
        size_t size = from.len > BLOCK_SIZE ? from.len : BLOCK_SIZE;
        struct sg_sql_block *b = malloc(sizeof(*b) + size);
        if (!b)
            return sg_raise(-ENOMEM);
        *b = (struct sg_sql_block){.next = w->blocks, .size = size};
        w->blocks = b;
    }
    uint8_t *p = w->blocks->data + w->blocks->used;
    memcpy(p, from.data, from.len);
    w->blocks->used += from.len;
    w->bytes += from.len;
    *ret = SG_BYTES(p, from.len);
    return 0;
}

/* ---- keys ---- */

/* FNV-1a, 64 bits.  A client who collides keys on purpose only slows its own transaction, which is
 * bounded by SG_SQL_WRITES_MAX and the deadline. */
static uint64_t hash_octets(uint64_t h, struct sg_bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        h = (h ^ b.data[i]) * UINT64_C(0x100000001b3);
    return h;
}

static size_t slot_of(const struct sg_sql_writes *w, uint32_t table, struct sg_bytes partition,
                      struct sg_bytes sort)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ table;
    h = hash_octets(h, partition);
    h = hash_octets((h ^ partition.len) * UINT64_C(0x100000001b3), sort);
    h ^= h >> 29;
    size_t at = (size_t)h & (w->n_slots - 1);
    for (; w->slots[at] >= 0; at = (at + 1) & (w->n_slots - 1)) {
        const struct sg_sql_write *x = &w->log[w->slots[at]];
        if (x->table->id == table && sg_bytes_equal(x->sort, sort) &&
            sg_bytes_equal(x->partition, partition))
            break;
    }
    return at;
}

static int32_t find_index(const struct sg_sql_writes *w, uint32_t table, struct sg_bytes partition,
                          struct sg_bytes sort)
{
    return w->n ? w->slots[slot_of(w, table, partition, sort)] : -1;
}

const struct sg_sql_write *sg_sql_writes_find(const struct sg_sql_writes *w, uint32_t table,
                                              struct sg_bytes partition, struct sg_bytes sort)
{
    int32_t i = find_index(w, table, partition, sort);
    return i < 0 ? NULL : &w->log[i];
}

static void rehash(struct sg_sql_writes *w)
{
    for (size_t i = 0; i < w->n_slots; i++)
        w->slots[i] = -1;
    for (size_t i = 0; i < w->n; i++) {
        const struct sg_sql_write *x = &w->log[i];
        w->slots[slot_of(w, x->table->id, x->partition, x->sort)] = (int32_t)i;
    }
}

/* Room for one more, at most half of the slots used. */
static int grow(struct sg_sql_writes *w)
{
    if (w->n == SG_SQL_WRITES_MAX)
        return SG_SQL_WRITES_FULL;
    if (w->n < w->capacity)
        return 0;
    size_t capacity = w->capacity ? w->capacity * 2 : 64;
    struct sg_sql_write *log = realloc(w->log, capacity * sizeof(*log));
    if (!log)
        return sg_raise(-ENOMEM);
    w->log = log;
    int32_t *slots = realloc(w->slots, capacity * 2 * sizeof(*slots));
    if (!slots)
        return sg_raise(-ENOMEM);
    w->slots = slots;
    w->n_slots = capacity * 2;
    w->capacity = capacity;
    rehash(w);
    return 0;
}

static int add(struct sg_sql_writes *w, const struct sg_sql_write *x)
{
    struct sg_sql_write mine = *x;
    int r = grow(w);
    if (r == 0)
        r = copy(w, x->partition, &mine.partition);
    if (r == 0)
        r = copy(w, x->sort, &mine.sort);
    if (r == 0)
        r = copy(w, x->value, &mine.value);
    if (r == 0)
        r = copy(w, x->expected, &mine.expected);
    if (r)
        return r;
    size_t slot = slot_of(w, x->table->id, mine.partition, mine.sort);
    mine.earlier = w->slots[slot];
    sg_sql_table_ref(mine.table);
    w->slots[slot] = (int32_t)w->n;
    w->log[w->n++] = mine;
    return 0;
}

int sg_sql_writes_insert(struct sg_sql_writes *w, struct sg_sql_table *t, struct sg_bytes partition,
                         struct sg_bytes sort, struct sg_bytes value, bool replace)
{
    const struct sg_sql_write *last = sg_sql_writes_find(w, t->id, partition, sort);
    if (last && !last->is_delete && !replace)
        return SG_SQL_WRITES_DUPLICATE;
    return add(w, &(struct sg_sql_write){.table = t,
                                         .partition = partition,
                                         .sort = sort,
                                         .value = value,
                                         .expect = replace || last ? SG_SQL_EXPECT_ANY
                                                                   : SG_SQL_EXPECT_ABSENT});
}

int sg_sql_writes_change(struct sg_sql_writes *w, struct sg_sql_table *t, struct sg_bytes partition,
                         struct sg_bytes sort, struct sg_bytes expected, struct sg_bytes value)
{
    const struct sg_sql_write *last = sg_sql_writes_find(w, t->id, partition, sort);
    if (last && (last->is_delete || !sg_bytes_equal(last->value, expected)))
        return SG_SQL_WRITES_STALE;
    return add(w, &(struct sg_sql_write){.table = t,
                                         .partition = partition,
                                         .sort = sort,
                                         .is_delete = !value.data,
                                         .value = value,
                                         .expect = last ? SG_SQL_EXPECT_ANY : SG_SQL_EXPECT_VALUE,
                                         .expected = last ? SG_BYTES_NONE : expected});
}

/* ---- savepoints ---- */

int sg_sql_writes_savepoint(struct sg_sql_writes *w, int level)
{
    if (level < 0 || level >= SG_SQL_SAVEPOINTS_MAX)
        return SG_SQL_WRITES_FULL;
    while (w->n_marks <= level)
        w->marks[w->n_marks++] = w->n;
    return 0;
}

void sg_sql_writes_release(struct sg_sql_writes *w, int level)
{
    if (level >= 0 && level < w->n_marks)
        w->n_marks = level;
}

void sg_sql_writes_rollback_to(struct sg_sql_writes *w, int level)
{
    if (level < 0 || level >= w->n_marks)
        return;
    size_t n = w->marks[level];
    w->n_marks = level + 1;
    if (n == w->n)
        return;
    while (w->n > n)
        sg_sql_table_unref(w->log[--w->n].table);
    rehash(w);
}

/* ---- the batch ---- */

void sg_sql_batch_clear(struct sg_sql_batch *b)
{
    free(b->ops);
    free(b->sources);
    *b = (struct sg_sql_batch){0};
}

static void batch_add(struct sg_sql_batch *b, const struct sg_sql_write *source,
                      const struct sg_kv_op *op)
{
    b->sources[b->n] = source;
    b->ops[b->n++] = *op;
}

static void fold_key(struct sg_sql_batch *b, const struct sg_sql_write *first,
                     const struct sg_sql_write *last)
{
    struct sg_kv_op op = {
        .key = {.table = first->table->id, .partition = first->partition, .sort = first->sort},
        .value = last->value,
        .expect = first->expected,
        .expect_absent = first->expect == SG_SQL_EXPECT_ABSENT,
    };
    bool conditional = first->expect != SG_SQL_EXPECT_ANY;
    if (!last->is_delete) {
        op.kind = conditional ? SG_KV_REPLACE : SG_KV_PUT;
        batch_add(b, first, &op);
        return;
    }
    if (conditional) {
        op.kind = SG_KV_CHECK;
        batch_add(b, first, &op);
    }
    if (first->expect == SG_SQL_EXPECT_ABSENT)
        return; /* inserted and deleted again: nothing to write */
    op.kind = SG_KV_DELETE;
    op.expect = SG_BYTES_NONE;
    batch_add(b, first, &op);
}

static bool checked_already(const struct sg_sql_batch *b, const struct sg_sql_table *t)
{
    for (size_t i = 0; i < b->n && !b->sources[i]; i++)
        if (b->ops[i].expect.data == t->record)
            return true;
    return false;
}

static void add_table_checks(const struct sg_sql_writes *w, struct sg_sql_batch *b)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct sg_sql_table *t = w->log[i].table;
        if (!t->record || checked_already(b, t))
            continue;
        batch_add(b, NULL,
                  &(struct sg_kv_op){.kind = SG_KV_CHECK,
                                     .key = {.table = SG_TABLE_DICTIONARY,
                                             .partition = sg_sql_dictionary_tables(),
                                             .sort = SG_BYTES(t->sort, t->sort_len)},
                                     .expect = SG_BYTES(t->record, t->record_len)});
    }
}

int sg_sql_writes_fold(const struct sg_sql_writes *w, struct sg_sql_batch *ret)
{
    struct sg_sql_batch b = {0};
    size_t max = 3 * w->n; /* a table's check, a key's check, its write */
    b.ops = calloc(max ? max : 1, sizeof(*b.ops));
    b.sources = calloc(max ? max : 1, sizeof(*b.sources));
    if (!b.ops || !b.sources) {
        sg_sql_batch_clear(&b);
        return sg_raise(-ENOMEM);
    }
    add_table_checks(w, &b);
    for (size_t i = 0; i < w->n; i++) {
        const struct sg_sql_write *first = &w->log[i];
        if (first->earlier < 0)
            fold_key(&b, first,
                     sg_sql_writes_find(w, first->table->id, first->partition, first->sort));
    }
    *ret = b;
    return 0;
}

/* ---- what cursors see ---- */

static int by_key(const void *a, const void *b)
{
    const struct sg_sql_write *x = a, *y = b;
    int c = sg_bytes_cmp(x->partition, y->partition);
    return c ? c : sg_bytes_cmp(x->sort, y->sort);
}

int sg_sql_writes_overlay(const struct sg_sql_writes *w, uint32_t table, struct sg_sql_overlay *ret)
{
    struct sg_sql_overlay o = {0};
    if (w->n == 0) {
        *ret = o;
        return 0;
    }
    o.rows = calloc(w->n, sizeof(*o.rows));
    if (!o.rows)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < w->n; i++) {
        const struct sg_sql_write *x = &w->log[i];
        if (x->table->id == table && x->earlier < 0)
            o.rows[o.n++] = *sg_sql_writes_find(w, table, x->partition, x->sort);
    }
    qsort(o.rows, o.n, sizeof(*o.rows), by_key);
    *ret = o;
    return 0;
}

void sg_sql_overlay_clear(struct sg_sql_overlay *o)
{
    free(o->rows);
    *o = (struct sg_sql_overlay){0};
}
