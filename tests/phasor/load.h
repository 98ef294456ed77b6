#pragma once
/*
 * load - honest customers with polyphase meters, interval by interval, as a pure function of
 * (seed, customer).
 *
 * Ranges after one captured Brazilian three-phase meter (repository
 * heliopas/readInstantaneousValues, files/240605_log.csv, MIT; three hours of 5 June 2024): 127 to
 * 132 V, 10 to 69 A, 59.90 to 60.09 Hz, 24.8 to 25.7 degrees; distortion power over apparent power
 * 0.07 to 0.15 in the median of a phase and 0.26 in the highest hundredth; currents of the phases
 * correlated by 0.87 to 0.99; the share of a phase in the current wandering by 0.014 to 0.045
 * within the three hours; voltages of two phases 0.09 V apart and together by 0.5 V; 5 to 17 mV a
 * ampere; in 6 % of the reports P^2 + Q^2 exceeds (V I)^2, for the quantities are not read at one
 * instant. What three hours of one customer cannot tell is ours: how customers differ, days, weeks,
 * seasons, and how often what happens.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/phasor.h>

#define LOAD_INTERVAL_S 900
#define LOAD_PER_DAY    96
#define LOAD_EAST_S     (-3 * 3600)

/* Honest events, each from `day` on (for `days`) in some customers. */
enum load_event {
    LOAD_VACATION,    /* most of the load off for 4 to 20 days */
    LOAD_NEW_SINGLE,  /* a machine on one phase, at its hours */
    LOAD_OLD_SINGLE,  /* such a machine goes */
    LOAD_NEW_THREE,   /* a machine on all phases */
    LOAD_SOLAR,       /* panels are put up, on one phase or all */
    LOAD_CAPACITOR,   /* a capacitor bank fails, or is added */
    LOAD_ELECTRONICS, /* lamps, drives: the current is distorted more */
    LOAD_DECLINE,     /* business shrinks, slowly or at once */
    LOAD_TENANT,      /* what is connected to one phase moves out */
    LOAD_FLOATING,    /* neutral broken for hours */
    LOAD_VISIT,       /* the utility opens the meter */
    LOAD_N_EVENTS,
};

struct load_config {
    uint64_t seed;
    uint32_t days;
    unsigned neutral_permille; /* meters that measure the neutral */
    unsigned check_permille;   /* that have a check meter in line */
};

struct load_customer {
    struct sg_prng prng;
    uint32_t index, days;
    enum sg_phasor_wiring wiring;
    unsigned elements; /* bits */
    double ratio;      /* of transformers: readings are secondary amperes */
    bool has_neutral, has_check;
    bool event[LOAD_N_EVENTS];
    uint32_t event_day[LOAD_N_EVENTS], event_days[LOAD_N_EVENTS];
    int event_phase; /* -1: all */
    double event_size;

    double hours[24], hours_phase[3][24]; /* relative load */
    double weekend, season;
    double three, tan_three;         /* W a phase, mean; tan phi of the common load */
    double single[3], tan_single[3]; /* W */
    double filter[3], bank;          /* var, capacitive */
    double thd[3];
    double volts[3], ohms, feeder_sigma, lean_sigma;
    double gain_v[3], gain_i[3], gain_p[3]; /* class errors */
    bool solar;
    int solar_phase; /* -1: all */
    double solar_w;
    double sigma_day, sigma_day_phase, sigma_week, sigma_common, sigma_phase;
    /* states */
    double day_common, day_phase[3], week_phase[3], common, phase[3], feeder, lean[3], frequency,
        cloud;
    uint32_t outage_left, single_outage_left, sag_left;
    int outage_phase, sag_phase; /* -1: all */
    double sag_depth;
};

void load_draw(struct load_customer *c, const struct load_config *config, uint32_t index);
/* Interval k of day d, in ascending order, as the meter's element circuits really carry it.  False:
 * the meter is without supply and reports nothing. */
bool load_next(struct load_customer *c, uint32_t d, uint32_t k, struct sg_phasor_sample *ret);
