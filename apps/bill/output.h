#pragma once
/*
 * output - where bills and evidence files go.
 */
#include <sealgrid/billing/bill.h>
#include <sealgrid/kv.h>

#define PERIOD_NAME_MAX 40

/* "2026-09" for a whole month of the tariff's zone, else both ends. */
void output_period_name(char ret[PERIOD_NAME_MAX], const struct sg_tariff *t, int64_t from_s,
                        int64_t until_s);
/* OUT/bill/CLIENT/PERIOD.json or OUT/evidence/CLIENT/PERIOD.cbor: renamed into place whole, durable
 * after output_sync. */
SG_MUST_USE int output_file(const char *out, const char *kind, int64_t client, const char *period,
                            const char *suffix, struct sg_bytes contents);
SG_MUST_USE int output_sync(const char *out);
/* The same names as objects of the bucket "evidence". */
SG_MUST_USE int output_object(struct sg_kv *kv, const char *kind, int64_t client,
                              const char *period, const char *suffix, struct sg_bytes contents);
