/* The eight kinds of reported load, after the formulas of the public benchmark (model.h), and what
 * tampered elements leave of it. */
#include "model-int.h"

/* g(t) in 0.1..0.8, one an hour. */
static double gain(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t hour)
{
    const uint64_t h = sg_model_hash(m->config.seed, meter, STREAM_FRAUD, day * 24ull + hour);
    return 0.1 + 0.7 * sg_model_unit(h, 0);
}

static double mean_of(const int64_t *wh, uint32_t n)
{
    double sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += (double)wh[k];
    return sum / n;
}

static void reverse(int64_t *wh, uint32_t n)
{
    for (uint32_t k = 0; k < n / 2; k++) {
        const int64_t keep = wh[k];
        wh[k] = wh[n - 1 - k];
        wh[n - 1 - k] = keep;
    }
}

/* The mean in every interval, adding up to the day's energy. */
static void flatten(int64_t *wh, uint32_t n)
{
    int64_t total = 0, given = 0;
    for (uint32_t k = 0; k < n; k++)
        total += wh[k];
    for (uint32_t k = 0; k < n; k++) {
        wh[k] = total * (k + 1) / n - given;
        given += wh[k];
    }
}

static double reported(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t k, double x,
                       double mean)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const uint32_t hour = k * 24 / m->per_day;
    switch (mm->fraud) {
    case SG_FRAUD_SCALE:
        return mm->fraud_param * x;
    case SG_FRAUD_OFF:
        return hour >= mm->fraud_from_h && hour < mm->fraud_from_h + mm->fraud_hours ? 0 : x;
    case SG_FRAUD_SCALE_HOURS:
        return gain(m, meter, day, hour) * x;
    case SG_FRAUD_MEAN_HOURS:
        return gain(m, meter, day, hour) * mean;
    case SG_FRAUD_CUT:
        return fmin(x, mm->fraud_param);
    case SG_FRAUD_SUBTRACT:
        return fmax(x - mm->fraud_param, 0);
    default:
        return x;
    }
}

static void measure(const struct sg_model *m, uint32_t meter, uint32_t day, int64_t *wh)
{
    for (uint32_t k = 0; k < m->per_day; k++) {
        struct sg_model_split split;
        double active, reactive;
        sg_model_split_of(m, meter, (uint64_t)day * m->per_day + k, &split);
        sg_tamper_kept(&m->meters[meter], &split, &active, &reactive);
        wh[k] = (int64_t)((double)wh[k] * active);
    }
}

void sg_fraud_apply(const struct sg_model *m, uint32_t meter, uint32_t day, int64_t *wh)
{
    const uint32_t n = m->per_day;
    if (sg_tampers(&m->meters[meter])) {
        measure(m, meter, day, wh);
        return;
    }
    if (m->meters[meter].fraud == SG_FRAUD_REVERSE) {
        reverse(wh, n);
        return;
    }
    if (m->meters[meter].fraud == SG_FRAUD_MEAN) {
        flatten(wh, n);
        return;
    }
    const double mean = mean_of(wh, n);
    for (uint32_t k = 0; k < n; k++)
        wh[k] = (int64_t)reported(m, meter, day, k, (double)wh[k], mean);
}
