/* conflicts - second readings, and the choice between them. */
#include "conflicts.h"

#include <sealgrid/crypto/merkle.h>
#include <sealgrid/meter/tables.h>

#define SECTION_MAX (16u << 20) /* octets of choices in an evidence file */

static int grow(void **items, size_t *capacity, size_t n, size_t size)
{
    const size_t wanted = *capacity ? 2 * *capacity : 16;
    void *grown;

    if (n < *capacity)
        return 0;
    if (wanted > CLIENT_ROWS_MAX)
        return sg_raisef(-E2BIG, "too many conflicts of a client");
    grown = reallocarray(*items, wanted, size);
    if (!grown)
        return sg_raise(-ENOMEM);
    *items = grown;
    *capacity = wanted;
    return 0;
}

void conflicts_clear(struct conflicts *c)
{
    for (size_t i = 0; i < c->n_records; i++)
        free(c->records[i].room);
    free(c->records);
    free(c->rows);
    *c = (struct conflicts){.rows = NULL};
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static int take_conflict(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                         struct sg_bytes value)
{
    struct conflicts *c = ctx;
    void *items = c->rows;
    int r = grow(&items, &c->rows_capacity, c->n_rows, sizeof(*c->rows));

    (void)partition;
    c->rows = items;
    if (!r)
        r = sg_row_conflict_decode(sort, value, &c->rows[c->n_rows]);
    c->n_rows += r == 0;
    return r;
}

/* Rows come by interval, then by the time of the resolution: the last one of an interval holds. */
static int take_resolution(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                           struct sg_bytes value)
{
    struct conflicts *c = ctx;
    struct conflict_record record = {.room = NULL};
    void *items = c->records;
    int r = grow(&items, &c->records_capacity, c->n_records, sizeof(*c->records));

    (void)partition;
    c->records = items;
    if (r)
        return r;
    record.room = malloc(value.len + 1);
    if (!record.room)
        return sg_raise(-ENOMEM);
    memcpy(record.room, value.data, value.len);
    r = sg_row_resolution_decode(sort, SG_BYTES(record.room, value.len), &record.row);
    if (r) {
        free(record.room);
        return r;
    }
    if (c->n_records && c->records[c->n_records - 1].row.ts_s == record.row.ts_s)
        free(c->records[--c->n_records].room);
    c->records[c->n_records++] = record;
    return 0;
}

int conflicts_read(struct conflicts *ret, struct sg_kv *kv, int64_t client, int64_t first_s,
                   int64_t after_s)
{
    int r = sg_table_each(kv, client, SG_TABLE_READING_CONFLICT, &first_s, &after_s, SG_BYTES_NONE,
                          take_conflict, ret);

    if (r || ret->n_rows == 0)
        return r;
    return sg_table_each(kv, client, SG_TABLE_RESOLUTION, &first_s, &after_s, SG_BYTES_NONE,
                         take_resolution, ret);
}

/* ---- settling -----------------------------------------------------------------------------------
 */

static const struct sg_row_resolution *record_of(const struct conflicts *c, int64_t client,
                                                 int64_t ts_s)
{
    for (size_t i = 0; i < c->n_records; i++) {
        const struct sg_resolution r = {client, c->records[i].row};
        if (r.row.ts_s == ts_s)
            return sg_resolution_verify(&r, NULL) == 0 ? &c->records[i].row : NULL;
    }
    return NULL;
}

static struct sg_row_reading *row_at(struct client *c, int64_t ts_s)
{
    size_t low = 0, high = c->n_rows;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (c->rows[middle].reading.ts_s < ts_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_rows && c->rows[low].reading.ts_s == ts_s ? &c->rows[low] : NULL;
}

static bool is_chosen(const struct sg_row_reading *row, const uint8_t chosen[SG_ROW_DIGEST_LEN])
{
    uint8_t digest[SG_ROW_DIGEST_LEN];
    return sg_row_digest(&row->reading, digest) == 0 && !memcmp(digest, chosen, SG_ROW_DIGEST_LEN);
}

/* Readings of the settled intervals that were not chosen. */
struct others {
    struct sg_row_reading *list;
    size_t n, capacity;
};

static int add_other(struct others *o, const struct sg_row_reading *row)
{
    void *items = o->list;
    int r = grow(&items, &o->capacity, o->n, sizeof(*o->list));

    o->list = items;
    if (!r)
        o->list[o->n++] = *row;
    return r;
}

enum choose_outcome { CHOOSE_OPEN = 1 }; /* nobody chose, or what was chosen is not there */

/* Puts the chosen reading of that interval among the rows, the first one among the others. */
static int choose(const struct conflicts *conflicts, struct client *c, int64_t ts_s,
                  struct others *others)
{
    const struct sg_row_resolution *record = record_of(conflicts, c->id, ts_s);
    struct sg_row_reading *row = row_at(c, ts_s);

    if (!record || !row)
        return CHOOSE_OPEN;
    if (is_chosen(row, record->chosen))
        return 0;
    for (size_t i = 0; i < conflicts->n_rows; i++) {
        const struct sg_row_reading *other = &conflicts->rows[i].row;
        if (other->reading.ts_s == ts_s && is_chosen(other, record->chosen)) {
            int r = add_other(others, row);
            if (!r)
                *row = *other;
            return r;
        }
    }
    return CHOOSE_OPEN;
}

static bool same_number(const struct sg_row_reading *a, const struct sg_row_reading *b)
{
    return a->reading.seq == b->reading.seq && !strcmp(a->serial, b->serial);
}

static bool same_row(const struct sg_row_reading *a, const struct sg_row_reading *b)
{
    return same_number(a, b) && !memcmp(&a->reading, &b->reading, sizeof(a->reading));
}

static int by_place(const void *a, const void *b)
{
    const struct sg_row_reading *x = a, *y = b;
    if (x->reading.ts_s != y->reading.ts_s)
        return x->reading.ts_s < y->reading.ts_s ? -1 : 1;
    return (x->reading.seq > y->reading.seq) - (x->reading.seq < y->reading.seq);
}

/* Second readings that were not chosen either, and none that has a billed one's number. */
static int list_others(const struct conflicts *conflicts, struct client *c, struct others *o)
{
    int r = 0;
    size_t kept = 0;

    for (size_t i = 0; i < conflicts->n_rows && !r; i++) {
        const struct sg_row_reading *row = row_at(c, conflicts->rows[i].row.reading.ts_s);
        if (!same_row(row, &conflicts->rows[i].row))
            r = add_other(o, &conflicts->rows[i].row);
    }
    for (size_t i = 0; i < o->n; i++)
        if (!same_number(row_at(c, o->list[i].reading.ts_s), &o->list[i]))
            o->list[kept++] = o->list[i];
    o->n = kept;
    return r;
}

/* The others behind the billed reading of their interval. */
static int insert_others(struct client *c, struct others *o)
{
    const size_t n = c->n_rows;
    struct sg_row_reading *rows = calloc(n + o->n, sizeof(*rows));
    size_t *rejected = calloc(o->n, sizeof(*rejected));
    size_t at = 0, k = 0;

    if (!rows || !rejected) {
        free(rows);
        free(rejected);
        return sg_raise(-ENOMEM);
    }
    qsort(o->list, o->n, sizeof(*o->list), by_place);
    for (size_t i = 0; i < n; i++) {
        rows[at++] = c->rows[i];
        while (k < o->n && o->list[k].reading.ts_s == c->rows[i].reading.ts_s) {
            rejected[k] = at;
            rows[at++] = o->list[k++];
        }
    }
    sg_assert(k == o->n && at == n + o->n); /* each has a billed reading of its interval */
    free(c->rows);
    free(c->rejected);
    c->rows = rows;
    c->n_rows = c->rows_capacity = at;
    c->rejected = rejected;
    c->n_rejected = k;
    return 0;
}

/* ---- blocks -------------------------------------------------------------------------------------
 */

static bool within(const struct sg_block_header *h, int64_t ts_s)
{
    return ts_s >= h->first_ts_s && ts_s <= h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;
}

static const struct sg_row_reading *numbered(struct client *c, const struct sg_block_header *h,
                                             uint32_t i)
{
    const int64_t ts_s = h->first_ts_s + (int64_t)i * h->interval_s;
    const struct sg_row_reading *row = row_at(c, ts_s), *end = c->rows + c->n_rows;

    for (; row && row < end && row->reading.ts_s == ts_s; row++)
        if (row->reading.seq == h->first_seq + i && !strcmp(row->serial, h->serial))
            return row;
    return NULL;
}

/* Whether the client's rows are what the block signed. */
static int says_so(struct client *c, const struct client_block *b, bool *ret)
{
    const struct sg_block_header *h = &b->evidence.header;
    uint8_t leaves[SG_BLOCK_READINGS_MAX][32], root[32];

    *ret = false;
    for (uint32_t i = 0; i < h->count; i++) {
        const struct sg_row_reading *row = numbered(c, h, i);
        if (!row)
            return 0;
        int r = sg_block_reading_hash(b->evidence.seed, i, &row->reading, leaves[i]);
        if (r)
            return r;
    }
    sg_merkle_root(root, (const uint8_t(*)[32])leaves, h->count);
    *ret = !memcmp(root, h->root, 32);
    return 0;
}

/* Of the blocks over settled intervals those that signed something else. */
static int drop_blocks(const struct conflicts *conflicts, struct client *c)
{
    size_t kept = 0;
    int r = 0;

    for (size_t i = 0; i < c->n_blocks; i++) {
        bool touched = false, right = true;
        for (size_t k = 0; k < conflicts->n_rows && !touched; k++)
            touched = within(&c->blocks[i].evidence.header, conflicts->rows[k].row.reading.ts_s);
        if (touched && !r)
            r = says_so(c, &c->blocks[i], &right);
        if (right)
            c->blocks[kept++] = c->blocks[i];
    }
    c->n_blocks = kept;
    return r;
}

/* ---- all ----------------------------------------------------------------------------------------
 */

static bool in_conflict(const struct conflicts *c, int64_t ts_s)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].row.reading.ts_s == ts_s)
            return true;
    return false;
}

/* The choices that hold, for the evidence file. */
static int write_section(const struct conflicts *conflicts, struct client *c)
{
    SG_FREE struct sg_row_resolution *rows = calloc(conflicts->n_records + 1, sizeof(*rows));
    size_t n = 0;

    if (!rows)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < conflicts->n_records; i++)
        if (in_conflict(conflicts, conflicts->records[i].row.ts_s))
            rows[n++] = conflicts->records[i].row;
    if (n > SG_RESOLUTIONS_MAX)
        return sg_raisef(-E2BIG, "more than %d resolutions in a period", SG_RESOLUTIONS_MAX);
    c->resolutions.max = SECTION_MAX;
    return sg_resolutions_encode(rows, n, &c->resolutions);
}

static int settle(const struct conflicts *conflicts, struct client *c, struct others *others,
                  uint64_t *ret_open)
{
    uint64_t open = 0;
    int r = 0;

    for (size_t i = 0; i < conflicts->n_rows && r >= 0; i++) {
        r = choose(conflicts, c, conflicts->rows[i].row.reading.ts_s, others);
        open += r == CHOOSE_OPEN;
    }
    if (r < 0)
        return r;
    *ret_open = open;
    if (open)
        return 0;
    r = list_others(conflicts, c, others);
    if (!r && others->n)
        r = insert_others(c, others);
    if (!r)
        r = drop_blocks(conflicts, c);
    return r ? r : write_section(conflicts, c);
}

int conflicts_settle(const struct conflicts *conflicts, struct client *c, uint64_t *ret_open)
{
    struct others others = {NULL, 0, 0};
    int r;

    *ret_open = 0;
    if (conflicts->n_rows == 0)
        return 0;
    r = settle(conflicts, c, &others, ret_open);
    free(others.list);
    return r;
}

/* ---- of an evidence file ------------------------------------------------------------------------
 */

/* The choice of that interval, if it is rightly signed. */
static const struct sg_row_resolution *signed_choice(const struct sg_row_resolution *rows, size_t n,
                                                     int64_t client, int64_t ts_s)
{
    for (size_t i = 0; i < n; i++) {
        const struct sg_resolution r = {client, rows[i]};
        if (rows[i].ts_s == ts_s)
            return sg_resolution_verify(&r, NULL) == 0 ? &rows[i] : NULL;
    }
    return NULL;
}

/* The rows of one interval: the chosen one to the front.  False: there is none. */
static bool put_chosen_first(struct sg_row_reading *rows, size_t n,
                             const struct sg_row_resolution *choice)
{
    for (size_t i = 0; i < n && choice; i++) {
        if (!is_chosen(&rows[i], choice->chosen))
            continue;
        const struct sg_row_reading chosen = rows[i];
        memmove(&rows[1], &rows[0], i * sizeof(rows[0]));
        rows[0] = chosen;
        return true;
    }
    return false;
}

static void settle_interval(struct client *c, size_t at, size_t n,
                            const struct sg_row_resolution *choice)
{
    if (n == 1 && !choice)
        return;
    if (!put_chosen_first(&c->rows[at], n, choice)) {
        c->conflicts++;
        return;
    }
    for (size_t i = 1; i < n; i++)
        c->rejected[c->n_rejected++] = at + i;
}

int conflicts_settle_file(struct client *c, struct sg_bytes section)
{
    SG_FREE struct sg_row_resolution *choices = NULL;
    size_t n_choices = 0, n;
    int r = 0;

    if (section.len)
        r = sg_resolutions_decode(section, &choices, &n_choices);
    if (r)
        return r < 0 ? r : CONFLICTS_MALFORMED;
    free(c->rejected);
    c->n_rejected = 0;
    c->rejected = calloc(c->n_rows + 1, sizeof(*c->rejected));
    if (!c->rejected)
        return sg_raise(-ENOMEM);
    if (c->n_rows)
        qsort(c->rows, c->n_rows, sizeof(*c->rows), by_place);
    for (size_t i = 0; i < c->n_rows; i += n) {
        const int64_t ts_s = c->rows[i].reading.ts_s;
        for (n = 1; i + n < c->n_rows && c->rows[i + n].reading.ts_s == ts_s;)
            n++;
        settle_interval(c, i, n, signed_choice(choices, n_choices, c->id, ts_s));
    }
    c->resolutions.max = SECTION_MAX;
    return sg_buf_append(&c->resolutions, section);
}
