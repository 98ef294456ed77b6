#pragma once
/*
 * tables - the metering tables of the store (rows.h) as programs that only read them want them: the
 * rows of one client, and which clients there are.
 *
 * Borrows all arguments for the call.  On the thread of the session kv.
 */
#include <sealgrid/kv.h>

#define SG_METERING_BUCKET "metering"

/* What is borrowed lasts until fn returns; what fn returns other than 0 ends the reading. */
typedef int (*sg_table_row_fn)(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                               struct sg_bytes value);

/* Rows of the client in the table, those whose first sort element is in [from, until); NULL: all.
 * fields as in sg_kv_range.  0 with no row too, -EUCLEAN if the store lost rows, -errno. */
SG_MUST_USE int sg_table_each(struct sg_kv *kv, int64_t client, uint32_t table, const int64_t *from,
                              const int64_t *until, struct sg_bytes fields, sg_table_row_fn fn,
                              void *ctx);

/* Every client that has an installation, at most SG_TABLE_CLIENTS_MAX; the caller frees the list.
 * 0, -E2BIG, -errno. */
#define SG_TABLE_CLIENTS_MAX 10000000u
SG_MUST_USE int sg_table_clients(struct sg_kv *kv, int64_t **ret, size_t *ret_n);
