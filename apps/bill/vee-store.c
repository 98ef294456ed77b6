/* vee-store - a client's rows as the metering tables have them. */
#include "vee.h"

#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#include <stdio.h>

#define BLOCK_SPAN_S 86400

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
