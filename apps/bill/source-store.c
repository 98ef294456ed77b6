/* source-store - the metering tables through the record interface. */
#include "source.h"

#include "conflicts.h"

#include <sealgrid/crypto/hash.h>
#include <sealgrid/meter/tables.h>

#define BLOCK_SPAN_S                                                                               \
    86400 /* of most blocks; longer ones begin earlier and are found by the rows                   \
           */

static int take_install(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct client *c = ctx;
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
    install.has_certificate = row.metrology_cert.len > 0;
    if (install.has_certificate)
        sg_sha256(install.certificate_sha256, row.metrology_cert);
    return client_add_install(c, &install);
}

static int take_block(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                      struct sg_bytes value)
{
    struct client *c = ctx;
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

static int take_reading(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct client *c = ctx;
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

/* Terms that cannot be read refuse the bill: without them it would be another one.  So do two that
 * overlap, which a file of contracts cannot hold. */
static int take_contract(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                         struct sg_bytes value)
{
    struct client *c = ctx;
    const struct sg_contracts *all = &c->contracts;
    SG_CLEANUP(sg_contract_clear) struct sg_contract contract = {.client = 0};
    struct sg_row_contract row;
    struct sg_yaml_error why;
    int r = sg_row_contract_decode(sort, value, &row);

    (void)partition;
    if (!r)
        r = sg_contract_read(&contract, row.terms, &why);
    if (r < 0)
        return r;
    if (r > 0 || contract.client != c->id || contract.from_day != row.from_day ||
        (all->n && all->list[all->n - 1].until_day > contract.from_day)) {
        c->bad_contract = true;
        return 0;
    }
    return client_add_contract(c, &contract);
}

static int read_table(struct client *c, struct sg_kv *kv, uint32_t table, const int64_t *from,
                      const int64_t *until, sg_table_row_fn fn)
{
    return sg_table_each(kv, c->id, table, from, until, SG_BYTES_NONE, fn, c);
}

static int read_all(struct client *c, struct sg_kv *kv, struct conflicts *conflicts, int64_t from_s,
                    int64_t until_s)
{
    int64_t first = from_s + 1, after = until_s + 1, blocks_from = first - BLOCK_SPAN_S;
    int r = read_table(c, kv, SG_TABLE_INSTALLATION, NULL, NULL, take_install);

    if (!r)
        r = read_table(c, kv, SG_TABLE_CONTRACT, NULL, NULL, take_contract);
    if (!r)
        r = read_table(c, kv, SG_TABLE_BLOCK, &blocks_from, &after, take_block);
    if (r)
        return r;
    widen(c, &from_s, &until_s);
    first = from_s + 1;
    after = until_s + 1;
    r = conflicts_read(conflicts, kv, c->id, first, after);
    return r ? r : read_table(c, kv, SG_TABLE_READING, &first, &after, take_reading);
}

int source_store(struct client *c, struct sg_kv *kv, int64_t from_s, int64_t until_s)
{
    SG_CLEANUP(conflicts_clear) struct conflicts conflicts = {.rows = NULL};
    int r = read_all(c, kv, &conflicts, from_s, until_s);
    return r ? r : conflicts_settle(&conflicts, c, &c->conflicts);
}
