#include "fraud-data.h"

#include <stdio.h>
#include <string.h>

#include <sealgrid/meter/model.h>

#define MONDAY_S INT64_C(1788750000) /* 2026-09-07T00:00 at UTC-3 */

static void fill_customer(const struct sg_model *m, uint32_t i, float *load)
{
    struct sg_model_day day;
    sg_model_day(m, i, 0, &day);
    for (uint32_t d = 0; d < FRAUD_DAYS; d++) {
        for (uint32_t k = 0; k < FRAUD_POINTS; k++)
            *load++ = (float)day.wh[k] / 1000;
        if (d + 1 < FRAUD_DAYS)
            sg_model_next_day(m, &day);
    }
}

int fraud_data_make(struct fraud_data *ret)
{
    SG_CLEANUP(sg_model_freep) struct sg_model *m = NULL;
    const struct sg_model_config c = {.seed = 1,
                                      .meters = FRAUD_MODELS,
                                      .days = FRAUD_DAYS,
                                      .interval_s = 86400 / FRAUD_POINTS,
                                      .start_s = MONDAY_S,
                                      .fraud_permille = 85,
                                      .fraud_first_day = FRAUD_REFERENCE,
                                      .fraud_last_day = FRAUD_REFERENCE + 9};
    const size_t each = FRAUD_DAYS * FRAUD_POINTS;
    int r = sg_model_new(&m, &c);
    if (r)
        return r;
    float *load = malloc(FRAUD_MODELS * each * sizeof(*load));
    if (!load)
        return sg_raise(-ENOMEM);
    for (uint32_t i = 0; i < FRAUD_MODELS; i++)
        fill_customer(m, i, load + i * each);
    ret->load = load;
    return 0;
}

void fraud_data_clear(struct fraud_data *d)
{
    free(d->load);
    d->load = NULL;
}

/* Round k: hours turned by k, size times 1 + k / 1000; round 0 is the model itself. */
static void turn_day(const float *from, uint64_t round, float *ret)
{
    const size_t turn = (size_t)(round % 24) * (FRAUD_POINTS / 24);
    const float size = 1 + (float)(round % 1000) / 1000;
    for (size_t k = 0; k < FRAUD_POINTS; k++)
        ret[k] = from[(k + turn) % FRAUD_POINTS] * size;
}

int fraud_data_customer(const struct fraud_data *d, uint64_t i, struct sg_fraud_days *ret)
{
    const float *from = d->load + (i % FRAUD_MODELS) * FRAUD_DAYS * FRAUD_POINTS;
    float day[FRAUD_POINTS];
    char id[24];
    snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
    int r = sg_fold(sg_fraud_days_start(ret, id, FRAUD_POINTS));
    for (int32_t k = 0; r == 0 && k < FRAUD_DAYS; k++) {
        turn_day(from + (size_t)k * FRAUD_POINTS, i / FRAUD_MODELS, day);
        r = sg_fold(sg_fraud_days_add(ret, k, (uint8_t)(k % 7), day, NULL));
    }
    return r;
}

static double mean_of(const float *load, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)load[i];
    return sum / (double)n;
}

void fraud_data_vectors(const struct fraud_data *d, size_t n, float *ret)
{
    const size_t each = FRAUD_DAYS * FRAUD_POINTS;
    /* Day by day over all customers, so that any n has a mixture. */
    for (size_t i = 0; i < n; i++) {
        const float *customer = d->load + i % FRAUD_MODELS * each;
        const float *day = customer + i / FRAUD_MODELS * FRAUD_POINTS;
        const double mean = mean_of(customer, each);
        for (size_t k = 0; k < FRAUD_POINTS; k++)
            *ret++ = (float)((double)day[k] / mean);
    }
}

static int put_row(struct sg_buf *b, const struct sg_fraud_days *days, uint32_t i)
{
    int r = sg_buf_printf(b, "%s,%d,%d", days->id, (int)days->day[i], (int)days->weekday[i]);
    for (uint32_t k = 0; r == 0 && k < FRAUD_POINTS; k++)
        r = sg_buf_printf(b, ",%.3f", (double)sg_fraud_days_row(days, i)[k]);
    return r ? r : sg_buf_append_u8(b, '\n');
}

int fraud_data_csv(const struct fraud_data *d, size_t n, struct sg_buf *ret)
{
    struct sg_fraud_days days = SG_FRAUD_DAYS_INIT;
    int r = sg_buf_printf(ret, "customer,day,weekday");
    for (unsigned k = 0; r == 0 && k < FRAUD_POINTS; k++)
        r = sg_buf_printf(ret, ",q%02u", k);
    if (r == 0)
        r = sg_buf_append_u8(ret, '\n');
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = fraud_data_customer(d, i, &days);
        for (uint32_t k = 0; r == 0 && k < days.n_days; k++)
            r = put_row(ret, &days, k);
    }
    sg_fraud_days_clear(&days);
    return r;
}
