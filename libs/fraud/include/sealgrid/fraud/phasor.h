#pragma once
/*
 * fraud phasor - what voltages, currents and powers of a polyphase meter say about its wiring.
 *
 * Fed interval by interval, one customer at a time, in order of time: two or three elements, star
 * (two or three phases and neutral) or Aron (two elements ab, cb on three wires), direct or through
 * instrument transformers.  A quantity that the meter does not tell is NAN; a rule that needs it
 * stays silent.  The last days are judged; those before them are the customer's own past.
 *
 * One thought carries most rules: what is done to a meter acts on the measurement, so its effect
 * (a factor on the current, a turn of the angle) is the same at every hour; what happens to the
 * load (a new machine, a capacitor bank, an empty shop, solar panels) differs from hour to hour.
 * So days are kept as sums over four quarters of the day, the change from past to recent is
 * estimated in each quarter, and counts by the least of what the quarters agree on.
 *
 * Memory is fixed: SG_PHASOR_DAYS_MAX days of sums (the oldest give way), whatever the number of
 * intervals.  Arithmetic is + - * / and square roots in one order: same bits on every machine.
 * Owns its days.  One thread at a time.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SG_PHASOR_ELEMENTS = 3,
    SG_PHASOR_DAYS_MAX = 400,
    SG_PHASOR_TOP = 4,
    SG_PHASOR_WORDS_MAX = 256,
};

enum sg_phasor_wiring {
    SG_PHASOR_STAR, /* elements are phases to neutral; a two-phase meter leaves one NAN */
    SG_PHASOR_ARON, /* element 0: voltage ab, current a; element 2: voltage cb, current c */
};

/* Bits of sg_phasor_sample.events. */
enum sg_phasor_event {
    SG_PHASOR_MAGNET = 1,         /* strong magnetic field */
    SG_PHASOR_COVER = 2,          /* meter cover opened */
    SG_PHASOR_TERMINAL_COVER = 4, /* terminal cover opened */
    SG_PHASOR_TILT = 8,           /* moved or shaken */
    SG_PHASOR_SERVICE = 16,       /* the utility's own visit, as the meter says: the events of that
                                   * day do not count, unless there is one on too many days */
    SG_PHASOR_EVENTS_ALL = 31,
};

/* One interval; NAN: not told.  Electrical quantities are those at the meter's terminals. */
struct sg_phasor_sample {
    int64_t ts_s;                 /* end of the interval, unix seconds */
    double v[SG_PHASOR_ELEMENTS]; /* V */
    double i[SG_PHASOR_ELEMENTS]; /* A */
    double p[SG_PHASOR_ELEMENTS]; /* W, positive when drawn */
    double q[SG_PHASOR_ELEMENTS]; /* var, positive inductive */
    double p_total;               /* W, as the meter told it */
    double neutral;               /* A, measured in the neutral */
    double v_angle[2];            /* degrees between voltages a and b, b and c: 120 each */
    double frequency;             /* Hz */
    double temperature;           /* degrees Celsius */
    double energy_wh;             /* of the interval, by the billed register */
    double check_wh;              /* of the interval, by another meter in line with this one */
    uint32_t events;              /* enum sg_phasor_event */
};
/* Everything NAN, no event. */
void sg_phasor_sample_clear(struct sg_phasor_sample *s);

/*
 * R(ID, "name", limit, unit of size): `limit` is the size of change at which a finding is as likely
 * an honest customer's as not (sureness one half); docs/fraud.md, "Phasors", gives for each the
 * formula and the source.
 */
#define SG_PHASOR_RULES(R)                                                                         \
    R(VOLTAGE_LOST, "voltage-lost", 0.045, "share of the voltage")                                 \
    R(CURRENT_LOST, "current-lost", 0.35, "share of the time")                                     \
    R(CURRENT_REVERSED, "current-reversed", 0.15, "share of the night")                            \
    R(WRONG_PHASE, "wrong-phase", 0.25, "sine of the angle")                                       \
    R(PHASE_SEQUENCE, "phase-sequence", 1.5, "share of the time")                                  \
    R(BYPASS, "bypass", 0.10, "share of the phase")                                                \
    R(BYPASS_ALL, "bypass-all", 0.15, "share of the load")                                         \
    R(NEUTRAL, "neutral-differs", 0.05, "share of the current")                                    \
    R(SUM_CHECK, "sum-check", 0.04, "share of the energy")                                         \
    R(REGISTER, "register-slow", 0.06, "share of the energy")                                      \
    R(POWER_FACTOR, "power-factor", 0.15, "sine of the angle")                                     \
    R(DISTORTION, "distortion", 0.06, "share of the power")                                        \
    R(IMPOSSIBLE, "impossible", 0.05, "share of the time")                                         \
    R(TAMPER_EVENT, "tamper-event", 1.0, "weighted events")                                        \
    R(NONSENSE, "nonsense", 0.05, "share of the time")                                             \
    R(FROZEN, "frozen", 0.10, "share of the time")                                                 \
    R(MISSING, "phasors-missing", 0.30, "share of the readings")

enum sg_phasor_rule {
#define SG_R(id, name, limit, unit) SG_PHASOR_##id,
    SG_PHASOR_RULES(SG_R)
#undef SG_R
        SG_PHASOR_N_RULES
};
extern const char *const sg_phasor_rule_names[SG_PHASOR_N_RULES];

struct sg_phasor_config {
    enum sg_phasor_wiring wiring;
    double ratio;          /* of the instrument transformers, energy; 1: direct */
    int64_t recent_from_s; /* intervals that end after this instant are judged; INT64_MIN: those of
                            * the last `recent_days` */
    uint32_t recent_days;
    int32_t day_s;  /* length of a day of sums: 86400; less to judge a short record */
    int32_t east_s; /* local time, for quarters of the day and nights */
};
#define SG_PHASOR_CONFIG_DEFAULT                                                                   \
    {                                                                                              \
        .wiring = SG_PHASOR_STAR, .ratio = 1, .recent_from_s = INT64_MIN, .recent_days = 30,       \
        .day_s = 86400, .east_s = -10800                                                           \
    }

struct sg_phasor_finding {
    enum sg_phasor_rule rule;
    uint8_t elements;        /* bit k: element k concerned */
    int64_t first_s, last_s; /* of the days in which it was seen */
    float share;             /* of the intervals from first_s on, 0..1 */
    float size;              /* in the rule's unit */
    float kwh_per_day;       /* estimated loss, 0 where nothing is lost or nothing can be said */
    float sureness;          /* 0..1; one half at the rule's limit */
};

struct sg_phasor_summary {
    float score;         /* 0..1; 0.5 and more: see docs/fraud.md for the false alarms */
    uint32_t n_findings; /* of sureness 0.2 and more */
    uint32_t days_past, days_recent;
    int32_t east_s;                              /* of the dates in its words */
    struct sg_phasor_finding top[SG_PHASOR_TOP]; /* surest first */
};

struct sg_phasor;
SG_MUST_USE int sg_phasor_new(struct sg_phasor **ret);
void sg_phasor_free(struct sg_phasor *p);
SG_DEFINE_FREEP(struct sg_phasor, sg_phasor_free)

enum sg_phasor_outcome {
    SG_PHASOR_NOT_AFTER = 1, /* not after the last interval, or no time since 1970: left out */
    SG_PHASOR_NO_RECENT,     /* nothing to judge */
};
/* Begins another customer.  -EINVAL: a ratio or a length of day that is none. */
SG_MUST_USE int sg_phasor_start(struct sg_phasor *p, const struct sg_phasor_config *c);
/* 0 or SG_PHASOR_NOT_AFTER.  A value beyond 10^10 counts as not told. */
SG_MUST_USE int sg_phasor_add(struct sg_phasor *p, const struct sg_phasor_sample *s);
/* Judges what was added.  0 or SG_PHASOR_NO_RECENT with a summary of zeros. */
SG_MUST_USE int sg_phasor_finish(struct sg_phasor *p, struct sg_phasor_summary *ret);

/* -10 log10 of the share of honest customers whose score is at least this, as the simulation of
 * tests/phasor has them (docs/fraud.md tells the figures): 10 is one in ten, 20 one in a hundred.
 */
double sg_phasor_decibel(float score);
/* Of two such figures, the load's and the phasors', that of the better of two chances (Sidak 1967):
 * p = 1 - (1 - min)^2.  Both >= 0. */
double sg_phasor_combine(double load_decibel, double phasor_decibel);
/* Honest customers of 1,000 at such a figure. */
double sg_phasor_per_1000(double decibel);

/* For an inspector: "phase B: current 62 % below what the other phases lead to expect at all hours
 * alike since 2026-09-03 (about 14 kWh a day) - look for a by-pass of the element".  No comma, so
 * that it may stand in a list. */
enum sg_phasor_language { SG_PHASOR_ENGLISH, SG_PHASOR_PORTUGUESE };
void sg_phasor_words_in(const struct sg_phasor_finding *f, int32_t east_s,
                        enum sg_phasor_language language, char ret[SG_PHASOR_WORDS_MAX]);
/* In English. */
void sg_phasor_words(const struct sg_phasor_finding *f, int32_t east_s,
                     char ret[SG_PHASOR_WORDS_MAX]);
