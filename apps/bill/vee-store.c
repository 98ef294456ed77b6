/* vee-store - a client's rows as the metering tables have them, and the table of estimates. */
#include "vee.h"

#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#include <stdio.h>

#define BLOCK_SPAN_S 86400
#define BATCH        500 /* rows a batch: far below what the store takes */

struct reading_work {
    struct vee_client *c;
    struct sg_block_header *blocks; /* headers alone, by first time */
    size_t n_blocks, capacity;
};

static int grow(void **items, size_t *capacity, size_t n, size_t size)
{
    const size_t wanted = *capacity ? 2 * *capacity : 256;
    void *grown;

    if (n < *capacity)
        return 0;
    if (wanted > SG_VEE_ROWS_MAX)
        return sg_raisef(-E2BIG, "too many rows of a client");
    grown = reallocarray(*items, wanted, size);
    if (!grown)
        return sg_raise(-ENOMEM);
    *items = grown;
    *capacity = wanted;
    return 0;
}

static int take_install(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct vee_client *c = ((struct reading_work *)ctx)->c;
    struct sg_row_installation row;
    void *items = c->meters;
    int r = sg_row_installation_decode(partition, sort, value, &row);

    if (!r)
        r = grow(&items, &c->meters_capacity, c->n_meters, sizeof(*c->meters));
    c->meters = items;
    if (r)
        return r;
    struct sg_vee_meter *m = &c->meters[c->n_meters++];
    *m = (struct sg_vee_meter){.from_s = row.from_ts_s,
                               .until_s = row.open ? INT64_MAX : row.until_ts_s,
                               .ratio_num = row.ratio_num,
                               .ratio_den = row.ratio_den};
    snprintf(m->serial, sizeof(m->serial), "%s", row.serial);
    return 0;
}

static int take_block(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                      struct sg_bytes value)
{
    struct reading_work *w = ctx;
    struct sg_block_evidence evidence;
    struct sg_row_block row;
    void *items = w->blocks;
    int r = sg_row_block_decode(value, &row);

    (void)partition;
    (void)sort;
    if (r)
        return r;
    if (sg_block_evidence_decode(row.evidence, &evidence) != 0)
        return sg_raisef(-EBADMSG, "block evidence");
    r = grow(&items, &w->capacity, w->n_blocks, sizeof(*w->blocks));
    w->blocks = items;
    if (r)
        return r;
    w->blocks[w->n_blocks++] = evidence.header;
    w->c->interval_s = evidence.header.interval_s;
    return 0;
}

/* Blocks are by first time and a day long at most: the search goes back no further. */
static const struct sg_block_header *block_of(const struct reading_work *w,
                                              const struct sg_row_reading *row)
{
    size_t low = 0, high = w->n_blocks;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (w->blocks[middle].first_ts_s <= row->reading.ts_s)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i-- > 0;) {
        const struct sg_block_header *h = &w->blocks[i];
        if (row->reading.seq - h->first_seq < h->count && !strcmp(h->serial, row->serial))
            return h;
        if (h->first_ts_s < row->reading.ts_s - 2 * BLOCK_SPAN_S)
            break;
    }
    return NULL;
}

static int add_row(struct reading_work *w, const struct sg_row_reading *row)
{
    struct vee_client *c = w->c;
    const struct sg_block_header *h = block_of(w, row);
    void *items = c->rows;
    int r = grow(&items, &c->capacity, c->n_rows, sizeof(*c->rows));

    c->rows = items;
    if (r)
        return r;
    struct sg_vee_row *to = &c->rows[c->n_rows++];
    *to = sg_vee_row_of(&row->reading, row->serial);
    to->interval_s = h ? h->interval_s : 0;
    if (h && h->clock == SG_CLOCK_UNSYNCHRONISED)
        to->flags = SG_VEE_ROW_CLOCK_BAD;
    if (h && h->clock == SG_CLOCK_WAS_SET)
        to->flags = SG_VEE_ROW_CLOCK_SET;
    return 0;
}

static int take_reading(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct sg_row_reading row;
    int r = sg_row_reading_decode(sort, value, &row);

    (void)partition;
    return r ? r : add_row(ctx, &row);
}

static int take_conflict(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                         struct sg_bytes value)
{
    struct sg_row_conflict row;
    int r = sg_row_conflict_decode(sort, value, &row);

    (void)partition;
    return r ? r : add_row(ctx, &row.row);
}

/* Second readings were appended: behind the first of their interval they stand, as they came. */
static int by_time(const void *a, const void *b)
{
    const struct sg_vee_row *x = a, *y = b;
    if (x->ts_s != y->ts_s)
        return x->ts_s < y->ts_s ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int vee_client_read(struct vee_client *ret, struct sg_kv *kv, int64_t client, int64_t from_s,
                    int64_t until_s)
{
    const int64_t first = from_s + 1, after = until_s + 1, blocks = first - BLOCK_SPAN_S;
    const struct sg_bytes all = SG_BYTES_NONE;
    struct reading_work w = {.c = ret};
    int r = sg_table_each(kv, client, SG_TABLE_INSTALLATION, NULL, NULL, all, take_install, &w);

    if (!r)
        r = sg_table_each(kv, client, SG_TABLE_BLOCK, &blocks, &after, all, take_block, &w);
    if (!r)
        r = sg_table_each(kv, client, SG_TABLE_READING, &first, &after, all, take_reading, &w);
    const size_t firsts = ret->n_rows;
    if (!r)
        r = sg_table_each(kv, client, SG_TABLE_READING_CONFLICT, &first, &after, all, take_conflict,
                          &w);
    free(w.blocks);
    if (!r && ret->n_rows > firsts)
        qsort(ret->rows, ret->n_rows, sizeof(*ret->rows), by_time);
    return r;
}

void vee_client_clear(struct vee_client *c)
{
    free(c->rows);
    free(c->meters);
    *c = (struct vee_client){.rows = NULL};
}

/* ---- estimates ----------------------------------------------------------------------------------
 */

static void describe(const struct sg_vee_rules *rules, const char *rule, char *ret, size_t size)
{
    const struct sg_vee_step *step = rules->steps;

    while (strcmp(step->rule, rule) != 0)
        step++;
    int n = snprintf(ret, size, "method=%s up_to_minutes=%lld", sg_vee_method_word(step->method),
                     (long long)(step->up_to_s / 60));
    if (step->method == SG_VEE_HISTORY)
        snprintf(ret + n, size - (size_t)n, " days=%lld least=%lld", (long long)step->days,
                 (long long)step->least);
    if (step->method == SG_VEE_PROFILE)
        snprintf(ret + n, size - (size_t)n, " profile=%s", rules->profiles[step->profile].name);
}

static int put_row(struct sg_buf *keys, struct sg_buf *values, const struct sg_vee_rules *rules,
                   const struct sg_vee_estimate *e, int64_t made_ts_s)
{
    struct sg_row_estimate row = {.ts_s = e->ts_s,
                                  .energy_wh = e->energy_wh,
                                  .reactive_varh = e->reactive_varh,
                                  .adjusted = e->adjusted,
                                  .made_ts_s = made_ts_s};
    int r;

    memcpy(row.inputs, e->inputs, 32);
    memcpy(row.rules, rules->sha256, 32);
    snprintf(row.serial, sizeof(row.serial), "%s", e->serial);
    snprintf(row.rule, sizeof(row.rule), "%s", e->rule);
    describe(rules, e->rule, row.parameters, sizeof(row.parameters));
    r = sg_row_estimate_sort(keys, e->ts_s, e->inputs);
    return r ? r : sg_row_estimate_encode(values, &row);
}

struct batch {
    struct sg_kv_op ops[BATCH];
    size_t key_at[BATCH + 1], value_at[BATCH + 1];
    struct sg_buf partition, keys, values;
};

/* One row is there with the same key already: the same estimate, made before. */
static int write_batch(struct sg_kv *kv, struct batch *b, size_t n)
{
    enum sg_kv_op_result results[BATCH];

    for (size_t i = 0; i < n; i++)
        b->ops[i] = (struct sg_kv_op){
            .kind = SG_KV_REPLACE,
            .key = {SG_TABLE_ESTIMATE, sg_buf_bytes(&b->partition),
                    SG_BYTES(b->keys.data + b->key_at[i], b->key_at[i + 1] - b->key_at[i])},
            .value = SG_BYTES(b->values.data + b->value_at[i], b->value_at[i + 1] - b->value_at[i]),
            .expect_absent = true};
    int r = sg_kv_batch(kv, SG_METERING_BUCKET, b->ops, n, results);
    if (r != SG_KV_CONFLICT)
        return r ? sg_fold(r) : 0;
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (results[i] == SG_KV_OP_OK)
            b->ops[left++] = b->ops[i];
    r = left ? sg_kv_batch(kv, SG_METERING_BUCKET, b->ops, left, NULL) : 0;
    return r ? sg_fold(r) : 0;
}

static int fill_batch(struct batch *b, const struct sg_vee_rules *rules,
                      const struct sg_vee_estimate *items, size_t n, int64_t made_ts_s)
{
    int r = 0;

    sg_buf_reset(&b->keys);
    sg_buf_reset(&b->values);
    for (size_t i = 0; i < n && !r; i++) {
        b->key_at[i] = b->keys.len;
        b->value_at[i] = b->values.len;
        r = put_row(&b->keys, &b->values, rules, &items[i], made_ts_s);
    }
    b->key_at[n] = b->keys.len;
    b->value_at[n] = b->values.len;
    return r;
}

int vee_client_keep(struct sg_kv *kv, int64_t client, const struct sg_vee_rules *rules,
                    const struct sg_vee_estimates *e, int64_t made_ts_s)
{
    SG_FREE struct batch *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    b->partition.max = SG_ROW_KEY_MAX;
    b->keys.max = (size_t)BATCH * SG_ROW_KEY_MAX;
    b->values.max = (size_t)BATCH * 1024;
    r = sg_row_client_partition(&b->partition, client);
    for (size_t i = 0; i < e->n && !r; i += BATCH) {
        const size_t n = e->n - i < BATCH ? e->n - i : BATCH;
        r = fill_batch(b, rules, e->items + i, n, made_ts_s);
        if (!r)
            r = write_batch(kv, b, n);
    }
    sg_buf_clear(&b->partition);
    sg_buf_clear(&b->keys);
    sg_buf_clear(&b->values);
    return r;
}
