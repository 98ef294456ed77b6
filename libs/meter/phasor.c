/*
 * Phasors of one reading from its interval's energy.
 *   S1^2 = P^2 + Q^2 (fundamental),  S = S1 sqrt(1 + THDi^2),  D^2 = S^2 - S1^2,  I = S / V,
 *   power factor = P / S,  angle = -atan2(Q, P): negative when the current lags, as the E550 shows.
 *   In^2 = |sum of S1/V, 120 degrees apart|^2 + (sum of third harmonics)^2: those are in phase.
 * Rounded to the units of the reading at the very end.
 */
#include "model-int.h"

#define NOMINAL_HZ 60.0
/* Of a phase's harmonic current the part whose order is a multiple of three, which meets the
 * others' in the neutral: that of the third and ninth among the limits of IEC 61000-3-2 for
 * rectifiers (class D: 3.4, 1.9, 1.0, 0.5, 0.35 mA/W of orders 3 to 11), roots of sums of squares.
 */
#define TRIPLEN 0.85

static int64_t rounded(double v)
{
    return llrint(v);
}

static struct sg_model_phase make_phase(const struct sg_model_meter *mm, int i, double p,
                                        double tan_phi, uint64_t h)
{
    struct sg_model_phase x;
    x.p = p;
    x.q = p * tan_phi;
    x.thd_i = mm->thd_i[i] * (0.8 + 0.4 * sg_model_unit(h, 1));
    x.thd_v = 0.01 + 0.012 * sg_model_unit(h, 2);
    x.s = sqrt((x.p * x.p + x.q * x.q) * (1 + x.thd_i * x.thd_i));
    /* The feeder's wander and 15 mV a W of drop per kW: 129.4 V unloaded, 127.8..131.3 captured. */
    x.volts = mm->volts[i] + 1.2 * (sg_model_unit(h, 3) - 0.5) - 6e-5 * p;
    x.amperes = x.s / x.volts;
    return x;
}

/* Power factor and angle have no meaning without current. */
static void put_phase(const struct sg_model_phase *x, int i, struct sg_reading *r)
{
    const bool idle = x->s < 0.5;
    r->field[SG_READING_voltage_a + i] = rounded(x->volts * 1000);
    r->field[SG_READING_current_a + i] = rounded(x->amperes * 1000);
    r->field[SG_READING_active_power_a + i] = rounded(x->p);
    r->field[SG_READING_reactive_power_a + i] = rounded(x->q);
    r->field[SG_READING_power_factor_a + i] = idle ? SG_READING_NA : rounded(x->p / x->s * 1000);
    r->field[SG_READING_current_angle_a + i] =
        idle ? SG_READING_NA : rounded(-atan2(x->q, x->p) * (18000 / M_PI));
    r->field[SG_READING_voltage_thd_a + i] = rounded(x->thd_v * 10000);
    r->field[SG_READING_current_thd_a + i] = rounded(x->thd_i * 10000);
}

static void put_totals(const struct sg_model_phase ph[3], struct sg_reading *r)
{
    const double s = ph[0].s + ph[1].s + ph[2].s, p = ph[0].p + ph[1].p + ph[2].p;
    int64_t w = 0, var = 0;
    for (int i = 0; i < 3; i++) {
        w += r->field[SG_READING_active_power_a + i];
        var += r->field[SG_READING_reactive_power_a + i];
    }
    r->field[SG_READING_active_power] = w;
    r->field[SG_READING_reactive_power] = var;
    r->field[SG_READING_apparent_power] = rounded(s);
    r->field[SG_READING_power_factor] = s < 0.5 ? SG_READING_NA : rounded(p / s * 1000);
}

static double neutral_amperes(const struct sg_model_phase ph[3])
{
    static const double re[3] = {1, -0.5, -0.5},
                        im[3] = {0, -0.8660254037844386, 0.8660254037844386};
    double x = 0, y = 0, third = 0;
    for (int i = 0; i < 3; i++) {
        const double active = ph[i].p / ph[i].volts, lagging = -ph[i].q / ph[i].volts;
        x += active * re[i] - lagging * im[i];
        y += active * im[i] + lagging * re[i];
        third += TRIPLEN * ph[i].thd_i * sqrt(active * active + lagging * lagging);
    }
    return sqrt(x * x + y * y + third * third);
}

/* The neutral's transformer is of a lower class than those of the phases: told in steps of 10 mA.
 */
static void put_neutral(const struct sg_model_meter *mm, double amperes, struct sg_reading *r)
{
    r->field[SG_READING_neutral_current] =
        mm->has_neutral ? 10 * rounded(amperes * 100) : SG_READING_NA;
}

/* Voltages are near 120 degrees apart and close the circle. */
static void put_voltage_angles(uint64_t h, struct sg_reading *r)
{
    const int64_t ab = 12000 + rounded(60 * (sg_model_unit(h, 0) - 0.5));
    const int64_t bc = 12000 + rounded(60 * (sg_model_unit(h, 1) - 0.5));
    r->field[SG_READING_voltage_angle_ab] = ab;
    r->field[SG_READING_voltage_angle_bc] = bc;
    r->field[SG_READING_voltage_angle_ca] = 36000 - ab - bc;
}

/* One grid, one frequency for all meters; captured 59.91..60.07 Hz. */
static int64_t frequency_mhz(uint64_t seed, int64_t ts)
{
    const uint64_t h = sg_model_hash(seed, 0, STREAM_GRID, (uint64_t)ts);
    return rounded(NOMINAL_HZ * 1000 + 70 * (sg_model_unit(h, 0) + sg_model_unit(h, 1) - 1));
}

/* Inside the case: warmest at 15 h; captured 24.8..25.7 C from 9 to 12 h. */
static int64_t temperature_dc(const struct sg_model *m, uint32_t meter, uint32_t day, double hour)
{
    const uint64_t h = sg_model_hash(m->config.seed, meter, STREAM_DAY, day);
    const double mean = 24 + 3 * (sg_model_unit(h, 3) - 0.5);
    return rounded(10 * (mean + 4 * cos(2 * M_PI * (hour - 15) / 24)));
}

static void put_energy(const struct sg_model *m, const struct sg_model_day *d, uint32_t k,
                       struct sg_reading *r)
{
    int64_t wh = d->energy_wh, varh = d->reactive_varh;
    for (uint32_t i = 0; i <= k; i++) {
        wh += d->wh[i];
        varh += d->varh[i];
    }
    r->field[SG_READING_demand] = rounded((double)d->wh[k] * 3600 / m->config.interval_s);
    r->field[SG_READING_interval_energy] = d->wh[k];
    r->field[SG_READING_interval_reactive_energy] = d->varh[k];
    r->field[SG_READING_energy_register] = wh;
    r->field[SG_READING_reactive_energy_register] = varh;
}

/* One of four for the interval, and one for each phase. */
static uint64_t interval_hash(const struct sg_model *m, uint32_t meter, uint64_t index, unsigned i)
{
    return sg_model_hash(m->config.seed, meter, STREAM_PHASOR, index * 4 + i);
}

void sg_model_split_of(const struct sg_model *m, uint32_t meter, uint64_t index,
                       struct sg_model_split *ret)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    const uint64_t h = interval_hash(m, meter, index, 0);
    double sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        const double swing = 0.8 + 0.4 * sg_model_unit(interval_hash(m, meter, index, 1 + i), 0);
        ret->tan_phi[i] = mm->tan_phi[i] * swing;
        ret->share[i] = mm->share[i] * (0.8 + 0.4 * sg_model_unit(h, i));
        sum += ret->share[i];
    }
    for (unsigned i = 0; i < 3; i++)
        ret->share[i] /= sum;
}

/* Phases that carry `watts`, and what the meter measures of them; where it was tampered with,
 * `watts` is what it measures. */
static void put_phases(const struct sg_model *m, const struct sg_model_day *d, uint64_t index,
                       double watts, struct sg_reading *r)
{
    const struct sg_model_meter *mm = &m->meters[d->meter];
    const bool tampered = sg_tampers(mm) && d->day >= mm->fraud_day;
    struct sg_model_split split;
    struct sg_model_phase ph[3];
    sg_model_split_of(m, d->meter, index, &split);
    if (tampered) {
        double active, reactive;
        sg_tamper_kept(mm, &split, &active, &reactive);
        watts /= active;
    }
    for (unsigned i = 0; i < 3; i++)
        ph[i] = make_phase(mm, (int)i, watts * split.share[i], split.tan_phi[i],
                           interval_hash(m, d->meter, index, 1 + i));
    const double neutral = neutral_amperes(ph);
    if (tampered)
        sg_tamper_phases(mm, ph);
    put_neutral(mm, tampered && sg_tamper_hides_neutral(mm) ? neutral_amperes(ph) : neutral, r);
    for (int i = 0; i < 3; i++)
        put_phase(&ph[i], i, r);
    put_totals(ph, r);
}

void sg_model_reading(const struct sg_model *m, const struct sg_model_day *d, uint32_t k,
                      struct sg_reading *ret)
{
    sg_assert(k < m->per_day);
    const uint64_t index = (uint64_t)d->day * m->per_day + k;
    const uint64_t h = sg_model_hash(m->config.seed, d->meter, STREAM_INTERVAL, ~index);
    ret->seq = index + 1;
    ret->ts_s = m->config.start_s + (int64_t)(index + 1) * m->config.interval_s;
    put_energy(m, d, k, ret);
    /* At the interval's last instant the load is near its mean. */
    put_phases(m, d, index,
               (double)ret->field[SG_READING_demand] * (0.9 + 0.2 * sg_model_unit(h, 2)), ret);
    put_voltage_angles(h, ret);
    ret->field[SG_READING_frequency] = frequency_mhz(m->config.seed, ret->ts_s);
    ret->field[SG_READING_temperature] =
        temperature_dc(m, d->meter, d->day, (k + 1) * 24.0 / m->per_day);
    ret->field[SG_READING_events] = sg_model_events(m, d->meter, d->day, k);
}

void sg_model_reading_at(const struct sg_model *m, uint32_t meter, uint64_t index,
                         struct sg_reading *ret)
{
    struct sg_model_day d;
    sg_model_day(m, meter, (uint32_t)(index / m->per_day), &d);
    sg_model_reading(m, &d, (uint32_t)(index % m->per_day), ret);
}
