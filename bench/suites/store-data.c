#include "store-data.h"

#include <sealgrid/meter/model.h>
#include <sealgrid/meter/rows.h>
#include <stdio.h>

#define METERS       32
#define FIRST_CLIENT INT64_C(3000000001)
#define START_S      INT64_C(1788231600) /* midnight UTC-3 of 2026-09-01 */
#define INTERVAL_S   900
#define OCTETS_MAX   (64u << 20)

struct sg_store_data {
    struct sg_buf octets;
    size_t at[METERS * SG_STORE_MONTH + 1];
};

static int add_day(struct sg_store_data *d, const struct sg_model *m,
                   const struct sg_model_day *day)
{
    struct sg_row_reading row = {.origin = SG_ORIGIN_METROLOGY};
    snprintf(row.serial, sizeof(row.serial), "%08u", 12345000 + day->meter);
    for (uint32_t k = 0; k < SG_STORE_DAY; k++) {
        sg_model_reading(m, day, k, &row.reading);
        d->at[day->meter * SG_STORE_MONTH + day->day * SG_STORE_DAY + k] = d->octets.len;
        int r = sg_row_reading_encode(&d->octets, &row);
        if (r)
            return r;
    }
    return 0;
}

static int add_meters(struct sg_store_data *d, const struct sg_model *m)
{
    struct sg_model_day day;
    for (uint32_t meter = 0; meter < METERS; meter++) {
        sg_model_day(m, meter, 0, &day);
        for (uint32_t i = 0; i < SG_STORE_DAYS; i++) {
            int r = add_day(d, m, &day);
            if (r)
                return r;
            if (i + 1 < SG_STORE_DAYS)
                sg_model_next_day(m, &day);
        }
    }
    d->at[METERS * SG_STORE_MONTH] = d->octets.len;
    return 0;
}

int sg_store_data_new(struct sg_store_data **ret)
{
    SG_CLEANUP(sg_store_data_freep) struct sg_store_data *d = calloc(1, sizeof(*d));
    SG_CLEANUP(sg_model_freep) struct sg_model *m = NULL;
    const struct sg_model_config c = {.seed = 1,
                                      .meters = METERS,
                                      .days = SG_STORE_DAYS,
                                      .interval_s = INTERVAL_S,
                                      .start_s = START_S};
    if (!d)
        return sg_raise(-ENOMEM);
    d->octets.max = OCTETS_MAX;
    int r = sg_model_new(&m, &c);
    if (r == 0)
        r = add_meters(d, m);
    if (r == 0)
        *ret = TAKE_PTR(d);
    return r;
}

void sg_store_data_free(struct sg_store_data *d)
{
    if (!d)
        return;
    sg_buf_clear(&d->octets);
    free(d);
}

/* An integer's key form (kvs/tuple.h). */
static void put_int(uint8_t at[9], int64_t v)
{
    at[0] = 0x15;
    sg_store_be64(at + 1, (uint64_t)v ^ UINT64_C(1) << 63);
}

void sg_store_data_key(uint64_t client, uint64_t slot, uint8_t ret[SG_BENCH_KEY_LEN])
{
    put_int(ret, FIRST_CLIENT + (int64_t)client);
    put_int(ret + SG_BENCH_CLIENT_LEN, START_S + INTERVAL_S * ((int64_t)slot + 1));
}

void sg_store_data_row(const struct sg_store_data *d, uint64_t client, uint64_t slot,
                       struct sg_bench_row *ret)
{
    size_t i = client % METERS * SG_STORE_MONTH + slot % SG_STORE_MONTH;
    sg_store_data_key(client, slot, ret->key);
    ret->value = SG_BYTES(d->octets.data + d->at[i], d->at[i + 1] - d->at[i]);
}

double sg_store_data_row_octets(const struct sg_store_data *d)
{
    return SG_BENCH_KEY_LEN + (double)d->octets.len / (METERS * SG_STORE_MONTH);
}
