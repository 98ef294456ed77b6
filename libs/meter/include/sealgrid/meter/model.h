#pragma once
/*
 * model - what simulated meters measure: load, phasors, labelled fraud.
 *
 * A pure function of (seed, meter, interval): any reading can be made again at any time, in any
 * order, on any thread.  Load shapes come from real hourly data (sg_load_data) or from tables
 * fitted on it (docs/load-model.md); phasors follow from the load so that P = V I pf, S^2 = P^2 +
 * Q^2 + D^2 and registers are the running sums of the intervals' energies.  Meters are 127 V phase
 * to neutral, 60 Hz, three phases, days are civil days of America/Sao_Paulo (UTC-3, no daylight
 * saving time).
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/reading.h>

#define SG_MODEL_PER_DAY_MAX 96

/* Wide daily rows of 24 hours in kWh (daily-rows.h).  Rows with a missing hour or more than two
 * zero ones are left out (the publisher of the set wrote 0 for missing); any other bad row:
 * -EBADMSG, its place in the trace. */
struct sg_load_data;
SG_MUST_USE int sg_load_data_open(struct sg_load_data **ret, const char *path);
void sg_load_data_free(struct sg_load_data *d);
SG_DEFINE_FREEP(struct sg_load_data, sg_load_data_free)
size_t sg_load_data_buildings(const struct sg_load_data *d);
size_t sg_load_data_rows(const struct sg_load_data *d);

enum sg_load_class { SG_LOAD_HOME, SG_LOAD_ROUND_THE_CLOCK, SG_LOAD_SHOP, SG_LOAD_OFFICE };
#define SG_LOAD_N_CLASSES 4

/* What the reported load x'(t) is made of; the eight types of the public benchmark.  t: hour of
 * day. */
enum sg_fraud {
    SG_FRAUD_NONE,
    SG_FRAUD_SCALE,       /* a x(t), a in 0.1..0.8 once */
    SG_FRAUD_OFF,         /* 0 in a daily window of at least 4 h */
    SG_FRAUD_SCALE_HOURS, /* g(t) x(t), g in 0.1..0.8 each hour */
    SG_FRAUD_MEAN_HOURS,  /* g(t) mean */
    SG_FRAUD_MEAN,        /* the day's mean: no energy lost */
    SG_FRAUD_REVERSE,     /* x(23 - t): no energy lost */
    SG_FRAUD_CUT,         /* min(x(t), c) */
    SG_FRAUD_SUBTRACT,    /* max(x(t) - c, 0) */
    /* Done to the meter's elements, so that its phasors tell (docs/load-model.md). */
    SG_FRAUD_VOLTAGE,    /* a voltage circuit weakened or cut, one phase or two */
    SG_FRAUD_CURRENT,    /* a current circuit shorted: at most a tenth is left, one phase or two */
    SG_FRAUD_REVERSED,   /* a current circuit turned round, one phase */
    SG_FRAUD_BYPASS_ONE, /* some of the current led past the element, of one phase */
    SG_FRAUD_BYPASS_TWO,
    SG_FRAUD_BYPASS_ALL,
    SG_FRAUD_ANGLE, /* currents turned against their voltages, one phase or all */
    SG_FRAUD_KINDS,
};

struct sg_model_config {
    uint64_t seed;
    uint32_t meters;
    uint32_t days;                   /* of the simulated period, for the draw of fraud starts */
    uint32_t interval_s;             /* 900..86400, divides 86400 */
    int64_t start_s;                 /* beginning of the first interval: midnight UTC-3 */
    const struct sg_load_data *data; /* borrowed; NULL: built-in shapes */
    unsigned fraud_permille;         /* of the meters: reported load */
    unsigned fraud_phasor_permille;  /* of the others: done to the elements */
    uint32_t fraud_first_day, fraud_last_day; /* starts are drawn from here, inclusive */
};

/* The constants of one meter. */
struct sg_model_meter {
    enum sg_load_class load;
    double daily_wh; /* mean */
    double tan_phi[3], thd_i[3], share[3], volts[3];
    int64_t energy_wh, reactive_varh; /* registers at start */
    bool has_neutral;                 /* a transformer in the neutral */
    enum sg_fraud fraud;
    uint32_t fraud_day; /* first day, from 0 */
    double
        fraud_param; /* a, c in Wh an interval, share of a circuit that is left, cosine of a turn */
    unsigned fraud_phases;   /* bits; of a load's form none */
    bool fraud_opened;       /* a cover was opened for it, on the first day */
    bool fraud_past_neutral; /* what passes the element passes the neutral's transformer, too */
    uint32_t fraud_from_h, fraud_hours;
    uint32_t building, row; /* with data */
};

struct sg_model;
/* -EINVAL: configuration out of range. */
SG_MUST_USE int sg_model_new(struct sg_model **ret, const struct sg_model_config *c);
void sg_model_free(struct sg_model *m);
SG_DEFINE_FREEP(struct sg_model, sg_model_free)
const struct sg_model_config *sg_model_config(const struct sg_model *m);
const struct sg_model_meter *sg_model_meter(const struct sg_model *m, uint32_t meter);
uint32_t sg_model_per_day(const struct sg_model *m);

/* One day of one meter; reading the intervals of a day from it costs far less than apart. */
struct sg_model_day {
    uint32_t meter, day;
    int64_t wh[SG_MODEL_PER_DAY_MAX]; /* reported */
    int64_t varh[SG_MODEL_PER_DAY_MAX];
    int64_t energy_wh, reactive_varh; /* registers at the day's beginning */
    int64_t true_wh;                  /* of the whole day, before fraud */
};
void sg_model_day(const struct sg_model *m, uint32_t meter, uint32_t day, struct sg_model_day *ret);
/* The day after *d, in place: registers carry on without a walk from the first day. */
void sg_model_next_day(const struct sg_model *m, struct sg_model_day *d);
/* Reading k of the day; k < per_day.  seq = 1 + day * per_day + k. */
void sg_model_reading(const struct sg_model *m, const struct sg_model_day *d, uint32_t k,
                      struct sg_reading *ret);
/* Reading by its number from 0, alone. */
void sg_model_reading_at(const struct sg_model *m, uint32_t meter, uint64_t index,
                         struct sg_reading *ret);
