#pragma once
/*
 * phasor-int - days of sums, and what the files of the rules share.
 */
#include <sealgrid/fraud/phasor.h>

#include <math.h>

enum {
    PHASOR_QUARTERS = 4,
    PHASOR_EVENTS = 4, /* magnet, cover, terminal cover, tilt */
    PHASOR_WEEK = 7,
};

/* Below it a current is none: IEC 62053-21, starting current 0.4 % of the base current of 15 A. */
#define PHASOR_START_A 0.06

enum phasor_quantity { PHASOR_VOLTAGES, PHASOR_CURRENTS, PHASOR_POWERS, PHASOR_QUANTITIES };

/* Sums over the intervals of a quarter of a day in which an element told V, I, P and Q. */
struct phasor_cell {
    double n;
    double i, p, q;
    double s;  /* V I */
    double s1; /* sqrt(P^2 + Q^2) */
};

/* Sums of products of changes from one interval to the next: y of the element's voltage against
 * that of the others, x of its current, o of the others' current. */
struct phasor_line {
    double n, xx, oo, xo, xy, oy, yy;
};

struct phasor_day {
    int32_t day;
    double v[SG_PHASOR_ELEMENTS], n_v[SG_PHASOR_ELEMENTS];
    int64_t first_s, last_s; /* ends of its first and last interval */
    uint32_t n;              /* intervals */
    struct phasor_cell cell[PHASOR_QUARTERS][SG_PHASOR_ELEMENTS];
    struct phasor_line line[SG_PHASOR_ELEMENTS];
    /* voltage of an element over the mean of the others, where it carries current */
    double ratio[SG_PHASOR_ELEMENTS], n_ratio[SG_PHASOR_ELEMENTS], n_low[SG_PHASOR_ELEMENTS];
    /* no current while the others carry and its voltage is there */
    double n_idle[SG_PHASOR_ELEMENTS], n_others[SG_PHASOR_ELEMENTS];
    /* by night */
    double n_night[SG_PHASOR_ELEMENTS], n_reversed[SG_PHASOR_ELEMENTS];
    double neutral, neutral_of, n_neutral; /* |measured - vector sum|, sum of currents */
    double p_differs, p_total;             /* |sum of elements - total|, |total| */
    double check_wh, check_energy_wh;
    double register_wh, power_wh;
    double n_power, n_impossible;
    double n_angle, n_sequence;
    double n_nonsense, n_steady;
    /* intervals whose energy arrived, and those of them that told a quantity */
    double n_arrived, n_told[PHASOR_QUANTITIES][SG_PHASOR_ELEMENTS];
    uint32_t events[PHASOR_EVENTS];
    bool service;
};

struct sg_phasor {
    struct sg_phasor_config config;
    uint32_t n_days;
    int64_t last_ts_s;
    bool tells_energy;
    double v_sum[SG_PHASOR_ELEMENTS], v_n[SG_PHASOR_ELEMENTS]; /* so far */
    double last_v[SG_PHASOR_ELEMENTS], last_i[SG_PHASOR_ELEMENTS];
    struct phasor_day day[SG_PHASOR_DAYS_MAX];
    double x[SG_PHASOR_DAYS_MAX]; /* work space: a feature by day */
    double sorted[SG_PHASOR_DAYS_MAX];
    /* while judging */
    uint32_t n_past;   /* days before the judged ones */
    unsigned elements; /* bits of those that are there */
    uint32_t n_findings;
    double strength_2; /* sum of squares of strengths, the strongest one whole, others a quarter */
    double strongest;
    struct sg_phasor_finding *top;
};

/* ---- days (phasor.c) ------------------------------------------------------------------------ */

static inline double phasor_ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

/* Mean over the other elements of those that tell it; NAN: none. */
double phasor_others(const double v[SG_PHASOR_ELEMENTS], int k);

/* ---- steps (phasor-step.c) ------------------------------------------------------------------ */

struct phasor_step {
    uint32_t from;      /* first day of the change */
    double past, after; /* medians */
    double z;           /* change over its own uncertainty, >= 0 */
};
/* p->x[d] for every day, NAN: not known.  sign +1 seeks a rise, -1 a fall.  False: too few days. */
bool phasor_step_of(struct sg_phasor *p, int sign, struct phasor_step *ret);
/* Size and certainty as one number, 1 at the rule's limit. */
double phasor_strength(enum sg_phasor_rule rule, double size, double z);
extern const double phasor_limits[SG_PHASOR_N_RULES];

/* Sums of cells: days first..end-1, one quarter (or all: quarter < 0), elements of a mask. */
struct phasor_cell phasor_sum(const struct sg_phasor *p, uint32_t first, uint32_t end, int quarter,
                              unsigned mask);

/* ---- the line (phasor-line.c) --------------------------------------------------------------- */

double phasor_signed_current(const struct sg_phasor_sample *s, int k);
/* Adds the change from the last interval to this one. */
void phasor_line_add(const struct sg_phasor *p, struct phasor_day *d,
                     const struct sg_phasor_sample *s);
/* Is the share of the current of these elements taken past the meter from day `from` on, or was it
 * never drawn?  0: the line cannot tell; towards 1: past the meter; towards -1: not drawn. */
double phasor_line_says(const struct sg_phasor *p, uint32_t from, unsigned mask, double share);

/* ---- missing (phasor-missing.c) -------------------------------------------------------------- */

void phasor_missing_add(struct sg_phasor *p, struct phasor_day *d,
                        const struct sg_phasor_sample *s);

/* ---- rules ---------------------------------------------------------------------------------- */

struct phasor_claim {
    enum sg_phasor_rule rule;
    unsigned elements;
    uint32_t from; /* first day */
    double share, size, strength, kwh_per_day;
};
void phasor_claim(struct sg_phasor *p, const struct phasor_claim *c);
void phasor_rules_states(struct sg_phasor *p);  /* counts: phasor-states.c */
void phasor_rules_missing(struct sg_phasor *p); /* told before and no more: phasor-missing.c */
void phasor_rules_balance(struct sg_phasor *p); /* currents of the elements: phasor-balance.c */
void phasor_rules_angle(struct sg_phasor *p);   /* power factor, distortion: phasor-angle.c */
