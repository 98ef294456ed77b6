#pragma once
/*
 * store data - what the store's suites write and read: readings of simulated meters (load-model.md)
 * as the value tuples that an authenticator stores, 31 days of 15 minutes a client.
 *
 * Some tens of meters are simulated; further clients repeat them, each under its own keys.  Slots
 * past the first month repeat the month's values at later times.
 */
#include "../peers/map.h"

#define SG_STORE_DAY   96
#define SG_STORE_DAYS  31
#define SG_STORE_MONTH (SG_STORE_DAY * SG_STORE_DAYS)
#define SG_STORE_GROUP 40 /* clients of one batch of an authenticator */

struct sg_store_data; /* immutable */

SG_MUST_USE int sg_store_data_new(struct sg_store_data **ret);
void sg_store_data_free(struct sg_store_data *d);
SG_DEFINE_FREEP(struct sg_store_data, sg_store_data_free)
/* Slot 0 is the first 15 minutes; the value is borrowed from d. */
void sg_store_data_row(const struct sg_store_data *d, uint64_t client, uint64_t slot,
                       struct sg_bench_row *ret);
void sg_store_data_key(uint64_t client, uint64_t slot, uint8_t ret[SG_BENCH_KEY_LEN]);
/* Mean octets of key and value. */
double sg_store_data_row_octets(const struct sg_store_data *d);
