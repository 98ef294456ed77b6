#pragma once
/* model-int - parts of the model that its files share. */
#include <math.h>
#include <sealgrid/meter/model.h>

#define LOCAL_OFFSET_S (-3 * 3600)
#define N_QUANTILES    64

struct sg_model {
    struct sg_model_config config;
    uint32_t per_day;
    int64_t first_local_day; /* days since 1970-01-01 */
    struct sg_model_meter *meters;
    /* exp(sigma z) at 64 equally likely z, by class: noise without a call of exp. */
    double day_noise[SG_LOAD_N_CLASSES][N_QUANTILES];
    double hour_noise[SG_LOAD_N_CLASSES][N_QUANTILES];
};

/* Independent 64 bits for each (seed, meter, what, index): SplitMix64's finaliser over a sum of odd
 * multiples. */
enum sg_model_stream {
    STREAM_METER,
    STREAM_DAY,
    STREAM_HOUR,
    STREAM_INTERVAL,
    STREAM_PHASOR,
    STREAM_FRAUD,
    STREAM_GRID,
    STREAM_EVENT,
    STREAM_OUTAGE
};

static inline uint64_t sg_model_hash(uint64_t seed, uint32_t meter, enum sg_model_stream what,
                                     uint64_t index)
{
    uint64_t x = seed + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)meter + 1) +
                 UINT64_C(0xd1342543de82ef95) * ((uint64_t)what + 1) +
                 UINT64_C(0xaf251af3b0f025b5) * (index + 1);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ x >> 27;
}

/* 0..1 from 16 of the 64 bits; part 0..3. */
static inline double sg_model_unit(uint64_t h, unsigned part)
{
    return (double)(h >> 16 * part & 0xffff) * (1.0 / 65536);
}

/* data: energy of a day and of its hours, scaled by the caller. */
struct sg_load_building {
    uint32_t first_row, n_rows;
    double daily_kwh; /* mean */
};
const struct sg_load_building *sg_load_data_building(const struct sg_load_data *d, uint32_t i);
const float *sg_load_data_hours(const struct sg_load_data *d, uint32_t row);
/* kWh of rows 0 .. row - 1 of the file. */
double sg_load_data_before(const struct sg_load_data *d, uint32_t row);
/* 0 = Sunday. */
unsigned sg_load_data_weekday(const struct sg_load_data *d, uint32_t row);

/* One phase at an instant: as it is, or as the meter measures it. */
struct sg_model_phase {
    double volts, amperes, p, q, s, thd_v, thd_i;
};

/* How a load is spread over the phases in an interval: shares, 1 together, and tan phi. */
struct sg_model_split {
    double share[3], tan_phi[3];
};
void sg_model_split_of(const struct sg_model *m, uint32_t meter, uint64_t index,
                       struct sg_model_split *ret);

/* fraud-phasors: what is done to the elements of a meter. */
static inline bool sg_tampers(const struct sg_model_meter *mm)
{
    return mm->fraud >= SG_FRAUD_VOLTAGE;
}
void sg_tamper_draw(const struct sg_model_config *c, uint32_t meter, struct sg_model_meter *mm);
/* Measured active and reactive power over the true active one, all phases together. */
void sg_tamper_kept(const struct sg_model_meter *mm, const struct sg_model_split *split,
                    double *ret_active, double *ret_reactive);
/* True phases into measured ones. */
void sg_tamper_phases(const struct sg_model_meter *mm, struct sg_model_phase ph[3]);
/* Whether the measured neutral is that of the measured currents; else of the true ones. */
bool sg_tamper_hides_neutral(const struct sg_model_meter *mm);

/* Bits of interval k of a day (enum sg_reading_event). */
int64_t sg_model_events(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t k);

/* Changes a day's true interval energies into reported ones. */
void sg_fraud_apply(const struct sg_model *m, uint32_t meter, uint32_t day, int64_t *wh);
