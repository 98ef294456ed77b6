#include "model-int.h"
#include <sealgrid/base/random.h>

/* Printed by scripts/fit-load-model.py from CityLearn 2022 homes and the Cambridge estate; sources,
 * licences and method in docs/load-model.md.  Hour 0..23 over the day's mean. */
static const struct shape {
    double work[24], rest[24];
    double weekend;               /* energy of a rest day over that of a working day */
    double season;                /* amplitude, peak in mid-January (southern summer) */
    double day_sigma, hour_sigma; /* log-normal */
    double median_wh, spread;     /* of the daily mean over meters, log-normal: ours, for Brazil */
    double max_wh;
} shapes[SG_LOAD_N_CLASSES] = {
    [SG_LOAD_HOME] = {{0.609, 0.609, 0.585, 0.562, 0.606, 0.689, 0.771, 0.745,
                       0.970, 1.191, 1.492, 1.419, 1.389, 1.225, 1.147, 1.088,
                       1.153, 1.217, 1.251, 1.292, 1.210, 1.073, 0.917, 0.789},
                      {0.590, 0.590, 0.562, 0.531, 0.542, 0.562, 0.593, 0.707,
                       1.032, 1.365, 1.619, 1.575, 1.566, 1.427, 1.325, 1.280,
                       1.225, 1.106, 1.058, 1.114, 1.048, 0.987, 0.850, 0.748},
                      1.07,
                      0.15,
                      0.230,
                      0.619,
                      9000,
                      0.55,
                      90000},
    [SG_LOAD_ROUND_THE_CLOCK] = {{0.864, 0.964, 1.029, 1.023, 0.997, 0.985, 0.973, 0.982,
                                  1.037, 1.092, 1.110, 1.124, 1.121, 1.117, 1.115, 1.107,
                                  1.074, 1.011, 0.947, 0.898, 0.872, 0.861, 0.852, 0.846},
                                 {0.964, 1.067, 1.137, 1.111, 1.077, 1.052, 1.037, 1.020,
                                  1.003, 0.981, 0.974, 0.975, 0.973, 0.973, 0.974, 0.977,
                                  0.973, 0.973, 0.966, 0.958, 0.956, 0.959, 0.959, 0.961},
                                 0.87,
                                 0.05,
                                 0.053,
                                 0.099,
                                 60000,
                                 0.8,
                                 500000},
    [SG_LOAD_SHOP] = {{0.749, 0.746, 0.746, 0.747, 0.751, 0.776, 0.842, 0.937,
                       1.066, 1.205, 1.291, 1.327, 1.332, 1.310, 1.299, 1.297,
                       1.250, 1.148, 1.025, 0.925, 0.859, 0.821, 0.786, 0.764},
                      {0.920, 0.916, 0.919, 0.917, 0.913, 0.919, 0.940, 0.979,
                       1.019, 1.043, 1.059, 1.071, 1.078, 1.086, 1.092, 1.098,
                       1.096, 1.076, 1.040, 1.004, 0.981, 0.966, 0.944, 0.926},
                      0.79,
                      0.04,
                      0.064,
                      0.113,
                      30000,
                      0.8,
                      400000},
    [SG_LOAD_OFFICE] = {{0.556, 0.548, 0.551, 0.553, 0.558, 0.598, 0.687, 0.851,
                         1.125, 1.366, 1.500, 1.547, 1.536, 1.499, 1.492, 1.484,
                         1.407, 1.240, 1.056, 0.956, 0.861, 0.766, 0.671, 0.591},
                        {0.804, 0.795, 0.798, 0.794, 0.791, 0.810, 0.847, 0.943,
                         1.038, 1.111, 1.169, 1.197, 1.197, 1.177, 1.192, 1.199,
                         1.183, 1.135, 1.072, 1.027, 1.006, 0.973, 0.909, 0.833},
                        0.66,
                        0.10,
                        0.121,
                        0.223,
                        40000,
                        0.8,
                        400000},
};

/* ---- constants of the meters --------------------------------------------------------------- */

/* Percent of the fleet. */
static enum sg_load_class draw_class(struct sg_prng *p)
{
    uint64_t x = sg_prng_below(p, 100);
    if (x < 88)
        return SG_LOAD_HOME;
    if (x < 94)
        return SG_LOAD_SHOP;
    return x < 98 ? SG_LOAD_OFFICE : SG_LOAD_ROUND_THE_CLOCK;
}

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

/* Ranges after the E550 capture, docs/load-model.md. */
static void draw_phases(struct sg_prng *p, struct sg_model_meter *mm)
{
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        mm->share[i] = between(p, 0.2, 0.45);
        sum += mm->share[i];
        mm->volts[i] = between(p, 128.9, 129.9);
        mm->tan_phi[i] = between(p, 0.04, 0.34);
        mm->thd_i[i] = between(p, 0.05, 0.15);
    }
    for (int i = 0; i < 3; i++)
        mm->share[i] /= sum;
}

static void draw_fraud(const struct sg_model_config *c, struct sg_prng *p,
                       struct sg_model_meter *mm)
{
    const double mean_wh = mm->daily_wh * c->interval_s / 86400;
    if (sg_prng_below(p, 1000) >= c->fraud_permille)
        return;
    mm->fraud = (enum sg_fraud)(1 + sg_prng_below(p, 8));
    mm->fraud_day =
        c->fraud_first_day + (uint32_t)sg_prng_below(p, c->fraud_last_day - c->fraud_first_day + 1);
    mm->fraud_from_h = (uint32_t)sg_prng_below(p, 20);
    mm->fraud_hours = 4 + (uint32_t)sg_prng_below(p, 24 - mm->fraud_from_h - 4 + 1);
    switch (mm->fraud) {
    case SG_FRAUD_SCALE:
        mm->fraud_param = between(p, 0.1, 0.8);
        break;
    case SG_FRAUD_CUT: /* 0.3..0.7 of the 99th percentile, 2.8 times the mean */
        mm->fraud_param = between(p, 0.3, 0.7) * 2.8 * mean_wh;
        break;
    case SG_FRAUD_SUBTRACT:
        mm->fraud_param = between(p, 0.3, 0.8) * mean_wh;
        break;
    default:
        break;
    }
}

/* A run of the building's days that begins on the weekday of the simulation's first day. */
static void draw_row(const struct sg_model *m, struct sg_prng *p, struct sg_model_meter *mm)
{
    const struct sg_load_data *data = m->config.data;
    mm->building = (uint32_t)sg_prng_below(p, sg_load_data_buildings(data));
    const struct sg_load_building *b = sg_load_data_building(data, mm->building);
    const unsigned want = (unsigned)((m->first_local_day + 4) % 7);
    mm->row = (uint32_t)sg_prng_below(p, b->n_rows);
    for (uint32_t tries = 0; tries < 14; tries++) {
        if (sg_load_data_weekday(data, b->first_row + mm->row) == want)
            break;
        mm->row = (mm->row + 1) % b->n_rows;
    }
}

static void draw_meter(const struct sg_model *m, uint32_t i, struct sg_model_meter *mm)
{
    struct sg_prng p;
    sg_prng_seed2(&p, m->config.seed, UINT64_C(0x6d6f64656c) << 32 | i);
    mm->load = draw_class(&p);
    const struct shape *s = &shapes[mm->load];
    mm->daily_wh = s->median_wh * exp(s->spread * sg_prng_normal(&p));
    mm->daily_wh = fmin(fmax(mm->daily_wh, 800), s->max_wh);
    draw_phases(&p, mm);
    mm->energy_wh = (int64_t)(mm->daily_wh * between(&p, 10, 2000));
    mm->reactive_varh = (int64_t)((double)mm->energy_wh * 0.2);
    mm->has_neutral = sg_model_hash(m->config.seed, i, STREAM_METER, 0) % 4 != 0;
    if (m->config.data)
        draw_row(m, &p, mm);
    draw_fraud(&m->config, &p, mm);
    sg_tamper_draw(&m->config, i, mm);
}

/* ---- model --------------------------------------------------------------------------------- */

/* Inverse of the normal distribution by Newton's method; only at start. */
static double normal_quantile(double q)
{
    double z = 0;
    for (int i = 0; i < 60; i++)
        z -= (0.5 * erfc(-z / sqrt(2)) - q) / (exp(-z * z / 2) / sqrt(2 * M_PI));
    return z;
}

static void make_noise(double sigma, double ret[N_QUANTILES])
{
    for (int i = 0; i < N_QUANTILES; i++)
        ret[i] = exp(sigma * normal_quantile((i + 0.5) / N_QUANTILES) - sigma * sigma / 2);
}

static bool config_valid(const struct sg_model_config *c)
{
    return c->meters >= 1 && c->meters <= 10000000 && c->interval_s >= 900 &&
           c->interval_s <= 86400 && 86400 % c->interval_s == 0 && c->start_s >= 0 &&
           c->fraud_permille <= 1000 && c->fraud_phasor_permille <= 1000 &&
           c->fraud_first_day <= c->fraud_last_day;
}

int sg_model_new(struct sg_model **ret, const struct sg_model_config *c)
{
    if (!config_valid(c))
        return sg_raisef(-EINVAL, "an interval must divide the day into 1 to 96 parts");
    SG_CLEANUP(sg_model_freep) struct sg_model *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    m->config = *c;
    m->per_day = 86400 / c->interval_s;
    m->first_local_day = (c->start_s + LOCAL_OFFSET_S) / 86400;
    m->meters = calloc(c->meters, sizeof(*m->meters));
    if (!m->meters)
        return sg_raise(-ENOMEM);
    for (int k = 0; k < SG_LOAD_N_CLASSES; k++) {
        make_noise(shapes[k].day_sigma, m->day_noise[k]);
        make_noise(shapes[k].hour_sigma, m->hour_noise[k]);
    }
    for (uint32_t i = 0; i < c->meters; i++)
        draw_meter(m, i, &m->meters[i]);
    *ret = TAKE_PTR(m);
    return 0;
}

void sg_model_free(struct sg_model *m)
{
    if (!m)
        return;
    free(m->meters);
    free(m);
}

const struct sg_model_config *sg_model_config(const struct sg_model *m)
{
    return &m->config;
}

const struct sg_model_meter *sg_model_meter(const struct sg_model *m, uint32_t meter)
{
    sg_assert(meter < m->config.meters);
    return &m->meters[meter];
}

uint32_t sg_model_per_day(const struct sg_model *m)
{
    return m->per_day;
}

/* ---- energy of a day ----------------------------------------------------------------------- */

static bool is_rest_day(const struct sg_model *m, uint32_t day)
{
    const int64_t weekday = (m->first_local_day + day + 4) % 7;
    return weekday == 0 || weekday == 6;
}

static int64_t built_in_day_wh(const struct sg_model *m, uint32_t meter, uint32_t day)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const struct shape *s = &shapes[mm->load];
    const double day_of_year = fmod((double)(m->first_local_day + day), 365.2425);
    const double season = 1 + s->season * cos(2 * M_PI * (day_of_year - 15) / 365.2425);
    const double week = (is_rest_day(m, day) ? s->weekend : 1) * 7 / (5 + 2 * s->weekend);
    const uint64_t h = sg_model_hash(m->config.seed, meter, STREAM_DAY, day);
    return (int64_t)(mm->daily_wh * season * week * m->day_noise[mm->load][h % N_QUANTILES]);
}

/* Rows of the building in turn, from the meter's first, around its end. */
static uint32_t data_row(const struct sg_model *m, uint32_t meter, uint32_t day)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const struct sg_load_building *b = sg_load_data_building(m->config.data, mm->building);
    return b->first_row + (mm->row + day) % b->n_rows;
}

static int64_t data_day_wh(const struct sg_model *m, uint32_t meter, uint32_t day)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const struct sg_load_building *b = sg_load_data_building(m->config.data, mm->building);
    const uint32_t row = data_row(m, meter, day);
    const double kwh =
        sg_load_data_before(m->config.data, row + 1) - sg_load_data_before(m->config.data, row);
    return (int64_t)(mm->daily_wh * kwh / b->daily_kwh);
}

static int64_t day_wh(const struct sg_model *m, uint32_t meter, uint32_t day)
{
    return m->config.data ? data_day_wh(m, meter, day) : built_in_day_wh(m, meter, day);
}

/* Reactive energy over active, of the day; phases differ around it. */
static double day_tan_phi(const struct sg_model *m, uint32_t meter, uint32_t day)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const uint64_t h = sg_model_hash(m->config.seed, meter, STREAM_DAY, day);
    double t = 0;
    for (int i = 0; i < 3; i++)
        t += mm->share[i] * mm->tan_phi[i];
    return t * (0.9 + 0.2 * sg_model_unit(h, 2));
}

/* ---- intervals of a day -------------------------------------------------------------------- */

/* Weight of every interval: the hour's shape times noise of the hour and of the interval. */
static void built_in_weights(const struct sg_model *m, uint32_t meter, uint32_t day, double *ret)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const double *shape = is_rest_day(m, day) ? shapes[mm->load].rest : shapes[mm->load].work;
    const double *noise = m->hour_noise[mm->load];
    uint64_t hour_hash = 0, hash = 0;
    uint32_t drawn = UINT32_MAX;
    for (uint32_t k = 0; k < m->per_day; k++) {
        const uint32_t hour = k * 24 / m->per_day;
        if (hour != drawn)
            hour_hash = sg_model_hash(m->config.seed, meter, STREAM_HOUR, day * 24ull + hour);
        drawn = hour;
        if (k % 4 == 0)
            hash = sg_model_hash(m->config.seed, meter, STREAM_INTERVAL, day * 96ull + k);
        const double spread = mm->load == SG_LOAD_HOME ? 0.8 : 0.2;
        ret[k] = shape[hour] * noise[hour_hash % N_QUANTILES] *
                 (1 - spread / 2 + spread * sg_model_unit(hash, k % 4));
    }
}

static void data_weights(const struct sg_model *m, uint32_t meter, uint32_t day, double *ret)
{
    const float *hours = sg_load_data_hours(m->config.data, data_row(m, meter, day));
    uint64_t hash = 0;
    for (uint32_t k = 0; k < m->per_day; k++) {
        if (k % 4 == 0)
            hash = sg_model_hash(m->config.seed, meter, STREAM_INTERVAL, day * 96ull + k);
        ret[k] = (double)hours[k * 24 / m->per_day] * (0.85 + 0.3 * sg_model_unit(hash, k % 4));
    }
}

/* Whole units by the cumulated weights: the intervals add up to the total exactly. */
static void distribute(int64_t total, const double *weights, uint32_t n, int64_t *ret)
{
    double sum = 0, so_far = 0;
    int64_t given = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += weights[k];
    for (uint32_t k = 0; k < n; k++) {
        so_far += weights[k];
        const int64_t until = k + 1 == n ? total : (int64_t)((double)total * (so_far / sum));
        ret[k] = until - given;
        given = until;
    }
}

static int64_t sum_of(const int64_t *v, uint32_t n)
{
    int64_t s = 0;
    for (uint32_t k = 0; k < n; k++)
        s += v[k];
    return s;
}

static bool is_fraud_day(const struct sg_model *m, uint32_t meter, uint32_t day)
{
    return m->meters[meter].fraud != SG_FRAUD_NONE && day >= m->meters[meter].fraud_day;
}

/* Active energy, reported; *ret_true before fraud. */
static void make_wh(const struct sg_model *m, uint32_t meter, uint32_t day, double *weights,
                    int64_t *ret, int64_t *ret_true)
{
    if (m->config.data)
        data_weights(m, meter, day, weights);
    else
        built_in_weights(m, meter, day, weights);
    *ret_true = day_wh(m, meter, day);
    distribute(*ret_true, weights, m->per_day, ret);
    if (is_fraud_day(m, meter, day))
        sg_fraud_apply(m, meter, day, ret);
}

/* By the elements, as the active energy is. */
static void tampered_varh(const struct sg_model *m, uint32_t meter, uint32_t day, const int64_t *wh,
                          int64_t *ret)
{
    for (uint32_t k = 0; k < m->per_day; k++) {
        struct sg_model_split split;
        double active, reactive;
        sg_model_split_of(m, meter, (uint64_t)day * m->per_day + k, &split);
        sg_tamper_kept(&m->meters[meter], &split, &active, &reactive);
        ret[k] = (int64_t)((double)wh[k] * (reactive / active));
    }
}

static void make_varh(const struct sg_model *m, uint32_t meter, uint32_t day, double *weights,
                      const int64_t *wh, int64_t *ret)
{
    if (sg_tampers(&m->meters[meter]) && is_fraud_day(m, meter, day)) {
        tampered_varh(m, meter, day, wh, ret);
        return;
    }
    const int64_t total = (int64_t)((double)sum_of(wh, m->per_day) * day_tan_phi(m, meter, day));
    uint64_t hash = 0;
    if (total == 0) {
        memset(ret, 0, m->per_day * sizeof(*ret));
        return;
    }
    for (uint32_t k = 0; k < m->per_day; k++) {
        if (k % 4 == 0)
            hash = sg_model_hash(m->config.seed, meter, STREAM_INTERVAL, day * 96ull + k + 1);
        weights[k] = (double)wh[k] * (0.8 + 0.4 * sg_model_unit(hash, k % 4));
    }
    distribute(total, weights, m->per_day, ret);
}

static void fill_day(const struct sg_model *m, struct sg_model_day *d)
{
    double weights[SG_MODEL_PER_DAY_MAX];
    make_wh(m, d->meter, d->day, weights, d->wh, &d->true_wh);
    make_varh(m, d->meter, d->day, weights, d->wh, d->varh);
}

/* What a day adds to the registers; only a thief's days have to be made whole for it. */
static void day_totals(const struct sg_model *m, uint32_t meter, uint32_t day, int64_t *ret_wh,
                       int64_t *ret_varh)
{
    double weights[SG_MODEL_PER_DAY_MAX];
    int64_t wh[SG_MODEL_PER_DAY_MAX], varh[SG_MODEL_PER_DAY_MAX], true_wh;
    if (!is_fraud_day(m, meter, day)) {
        *ret_wh = day_wh(m, meter, day);
        *ret_varh = (int64_t)((double)*ret_wh * day_tan_phi(m, meter, day));
        return;
    }
    make_wh(m, meter, day, weights, wh, &true_wh);
    make_varh(m, meter, day, weights, wh, varh);
    *ret_wh = sum_of(wh, m->per_day);
    *ret_varh = sum_of(varh, m->per_day);
}

void sg_model_day(const struct sg_model *m, uint32_t meter, uint32_t day, struct sg_model_day *ret)
{
    sg_assert(meter < m->config.meters);
    const struct sg_model_meter *mm = &m->meters[meter];
    ret->meter = meter;
    ret->day = day;
    ret->energy_wh = mm->energy_wh;
    ret->reactive_varh = mm->reactive_varh;
    for (uint32_t d = 0; d < day; d++) {
        int64_t wh, varh;
        day_totals(m, meter, d, &wh, &varh);
        ret->energy_wh += wh;
        ret->reactive_varh += varh;
    }
    fill_day(m, ret);
}

void sg_model_next_day(const struct sg_model *m, struct sg_model_day *d)
{
    d->energy_wh += sum_of(d->wh, m->per_day);
    d->reactive_varh += sum_of(d->varh, m->per_day);
    d->day++;
    fill_day(m, d);
}
