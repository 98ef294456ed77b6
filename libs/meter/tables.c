/* tables - scans of the record interface, with keys in the form of the metering rows. */
#include <sealgrid/meter/tables.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/rows.h>

#include <stdlib.h>

struct key {
    uint8_t octets[SG_ROW_KEY_MAX];
    struct sg_buf buf;
};

static void key_init(struct key *k)
{
    k->buf = (struct sg_buf){k->octets, 0, sizeof(k->octets), sizeof(k->octets), false};
}

/* Nothing without v. */
static int int_key(struct key *k, const int64_t *v, struct sg_bytes *ret)
{
    key_init(k);
    int r = v ? sg_row_int_sort(&k->buf, *v) : 0;
    *ret = v ? sg_buf_bytes(&k->buf) : SG_BYTES_NONE;
    return r;
}

static int each_row(struct sg_kv_scan *scan, struct sg_bytes partition, sg_table_row_fn fn,
                    void *ctx)
{
    for (;;) {
        struct sg_bytes sort, value;
        int r = sg_kv_scan_next(scan, &sort, &value);
        if (r == SG_KV_NOT_FOUND)
            return 0;
        if (r)
            return r == SG_KV_DAMAGED ? sg_raisef(-EUCLEAN, "the store lost rows") : sg_fold(r);
        r = fn(ctx, partition, sort, value);
        if (r)
            return r;
    }
}

int sg_table_each(struct sg_kv *kv, int64_t client, uint32_t table, const int64_t *from,
                  const int64_t *until, struct sg_bytes fields, sg_table_row_fn fn, void *ctx)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_kv_range range = {.table = table, .fields = fields};
    struct key partition, low, high;
    key_init(&partition);
    int r = sg_row_client_partition(&partition.buf, client);
    if (r == 0)
        r = int_key(&low, from, &range.from);
    if (r == 0)
        r = int_key(&high, until, &range.until);
    if (r)
        return r;
    range.partition = sg_buf_bytes(&partition.buf);
    r = sg_kv_scan_open(&scan, kv, SG_METERING_BUCKET, &range);
    if (r == SG_KV_NOT_FOUND)
        return 0;
    return r ? sg_fold(r) : each_row(scan, range.partition, fn, ctx);
}

/* ---- clients ------------------------------------------------------------------------------- */

static int grow(int64_t **list, size_t n, size_t *room)
{
    if (n < *room)
        return 0;
    if (n >= SG_TABLE_CLIENTS_MAX)
        return sg_raisef(-E2BIG, "more than %u clients", SG_TABLE_CLIENTS_MAX);
    const size_t more = *room ? 2 * *room : 1024;
    int64_t *grown = reallocarray(*list, more, sizeof(*grown));
    if (!grown)
        return sg_raise(-ENOMEM);
    *list = grown;
    *room = more < SG_TABLE_CLIENTS_MAX ? more : SG_TABLE_CLIENTS_MAX;
    return 0;
}

static int collect(struct sg_kv_scan *scan, int64_t **list, size_t *n)
{
    size_t room = 0;
    for (;;) {
        struct sg_bytes partition, value;
        int r = sg_kv_scan_next(scan, &partition, &value);
        if (r == SG_KV_NOT_FOUND)
            return 0;
        r = r ? sg_fold(r) : grow(list, *n, &room);
        if (r == 0)
            r = sg_row_client_take(partition, &(*list)[*n]);
        if (r)
            return r;
        (*n)++;
    }
}

int sg_table_clients(struct sg_kv *kv, int64_t **ret, size_t *ret_n)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    SG_FREE int64_t *list = NULL;
    size_t n = 0;
    int r = sg_kv_partitions_open(&scan, kv, SG_METERING_BUCKET, SG_TABLE_INSTALLATION,
                                  SG_BYTES_NONE, SG_BYTES_NONE);
    r = r == SG_KV_NOT_FOUND ? 0 : r ? sg_fold(r) : collect(scan, &list, &n);
    if (r)
        return r;
    *ret = TAKE_PTR(list);
    *ret_n = n;
    return 0;
}
