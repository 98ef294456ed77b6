/* source-store - the metering tables through the record interface. */
#include "source.h"

#include <sealgrid/base/cleanup.h>

#define KEY_ROOM     SG_ROW_KEY_MAX
#define CLIENTS_MAX  10000000
#define BLOCK_SPAN_S 86400 /* of most blocks; longer ones begin earlier and are found by the rows  \
                            */

typedef int (*row_fn)(struct client *c, struct sg_bytes partition, struct sg_bytes sort,
                      struct sg_bytes value);

struct key {
    uint8_t octets[KEY_ROOM];
    struct sg_buf buf;
};

static void key_init(struct key *k)
{
    k->buf = (struct sg_buf){k->octets, 0, sizeof(k->octets), sizeof(k->octets), false};
}

static int int_key(struct key *k, int64_t v)
{
    key_init(k);
    return sg_row_int_sort(&k->buf, v);
}

static int each_row(struct client *c, struct sg_kv_scan *scan, struct sg_bytes partition, row_fn fn)
{
    for (;;) {
        struct sg_bytes sort, value;
        int r = sg_kv_scan_next(scan, &sort, &value);
        if (r == SG_KV_NOT_FOUND)
            return 0;
        if (r)
            return r == SG_KV_DAMAGED ? sg_raisef(-EUCLEAN, "the store lost rows") : sg_fold(r);
        r = fn(c, partition, sort, value);
        if (r)
            return r;
    }
}

/* Rows of the client in a table whose first sort element is in [from, until). */
static int scan_table(struct client *c, struct sg_kv *kv, uint32_t table, const int64_t *from,
                      const int64_t *until, row_fn fn)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct key partition, low, high;
    struct sg_kv_range range = {.table = table};
    int r;

    key_init(&partition);
    r = sg_row_client_partition(&partition.buf, c->id);
    if (!r && from)
        r = int_key(&low, *from);
    if (!r && until)
        r = int_key(&high, *until);
    if (r)
        return r;
    range.partition = sg_buf_bytes(&partition.buf);
    if (from)
        range.from = sg_buf_bytes(&low.buf);
    if (until)
        range.until = sg_buf_bytes(&high.buf);
    r = sg_kv_scan_open(&scan, kv, STORE_BUCKET, &range);
    if (r == SG_KV_NOT_FOUND)
        return 0;
    return r ? sg_fold(r) : each_row(c, scan, range.partition, fn);
}

static int take_install(struct client *c, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct sg_row_installation row;
    struct client_install install;
    int r = sg_row_installation_decode(partition, sort, value, &row);

    if (r)
        return r;
    memcpy(install.serial, row.serial, sizeof(install.serial));
    install.from_s = row.from_ts_s;
    install.until_s = row.open ? INT64_MAX : row.until_ts_s;
    install.ratio_num = row.ratio_num;
    install.ratio_den = row.ratio_den;
    return client_add_install(c, &install);
}

static int count_conflict(struct client *c, struct sg_bytes partition, struct sg_bytes sort,
                          struct sg_bytes value)
{
    (void)partition;
    (void)sort;
    (void)value;
    c->conflicts++;
    return 0;
}

static int take_block(struct client *c, struct sg_bytes partition, struct sg_bytes sort,
                      struct sg_bytes value)
{
    struct sg_block_evidence evidence;
    struct sg_row_block row;
    int r = sg_row_block_decode(value, &row);

    (void)partition;
    (void)sort;
    if (r)
        return r;
    if (sg_block_evidence_decode(row.evidence, &evidence) != 0)
        return sg_raisef(-EBADMSG, "block evidence");
    return client_add_block(c, &evidence);
}

static int take_reading(struct client *c, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct sg_row_reading *row;
    int r = client_add_row(c, &row);

    (void)partition;
    return r ? r : sg_row_reading_decode(sort, value, row);
}

/* Blocks that reach over an end of the period are proved with all their readings. */
static void widen(const struct client *c, int64_t *from_s, int64_t *until_s)
{
    for (size_t i = 0; i < c->n_blocks; i++) {
        const struct sg_block_header *h = &c->blocks[i].evidence.header;
        int64_t last = h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;
        if (last <= *from_s && h->first_ts_s <= *from_s)
            continue;
        if (h->first_ts_s <= *from_s)
            *from_s = h->first_ts_s - 1;
        if (last > *until_s)
            *until_s = last;
    }
}

int source_store(struct client *c, struct sg_kv *kv, int64_t from_s, int64_t until_s)
{
    int64_t first = from_s + 1, after = until_s + 1, blocks_from = first - BLOCK_SPAN_S;
    int r = scan_table(c, kv, SG_TABLE_INSTALLATION, NULL, NULL, take_install);

    if (!r)
        r = scan_table(c, kv, SG_TABLE_READING_CONFLICT, &first, &after, count_conflict);
    if (!r)
        r = scan_table(c, kv, SG_TABLE_BLOCK, &blocks_from, &after, take_block);
    if (r)
        return r;
    widen(c, &from_s, &until_s);
    first = from_s + 1;
    after = until_s + 1;
    return scan_table(c, kv, SG_TABLE_READING, &first, &after, take_reading);
}

static int collect_clients(struct sg_kv_scan *scan, int64_t **list, size_t *n)
{
    size_t capacity = 0;

    for (;;) {
        struct sg_bytes partition, value;
        int r = sg_kv_scan_next(scan, &partition, &value);
        if (r == SG_KV_NOT_FOUND)
            return 0;
        if (r)
            return sg_fold(r);
        if (*n == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            int64_t *grown =
                capacity <= CLIENTS_MAX ? reallocarray(*list, capacity, sizeof(*grown)) : NULL;
            if (!grown)
                return sg_raise(-ENOMEM);
            *list = grown;
        }
        r = sg_row_client_take(partition, &(*list)[*n]);
        if (r)
            return r;
        (*n)++;
    }
}

int source_clients(struct sg_kv *kv, int64_t **ret, size_t *ret_n)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    SG_FREE int64_t *list = NULL;
    size_t n = 0;
    int r = sg_kv_partitions_open(&scan, kv, STORE_BUCKET, SG_TABLE_INSTALLATION, SG_BYTES_NONE,
                                  SG_BYTES_NONE);

    r = r == SG_KV_NOT_FOUND ? 0 : r ? sg_fold(r) : collect_clients(scan, &list, &n);
    if (r)
        return r;
    *ret = TAKE_PTR(list);
    *ret_n = n;
    return 0;
}
