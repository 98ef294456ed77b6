#pragma once
/*
 * vee - validation and estimation of one client's interval readings (the E of editing is left out:
 * nothing here changes a reading).
 *
 * Rules are data: a YAML file (docs/vee.md) with the checks that are on, their parameters, and the
 * chain of estimation methods by length of gap.  Integers only, rounding declared by the file, no
 * clock and no randomness: the same rows and the same file give the same findings and the same
 * estimates, so that an auditor recomputes each.
 *
 * Estimates are made from the genuine readings of the same period alone, because these are what the
 * evidence file of the bill holds.  They are never readings: own table, own section, no signature.
 */
#include <sealgrid/base/yaml.h>
#include <sealgrid/billing/tariff.h>
#include <sealgrid/meter/reading.h>

#define SG_VEE_FILE_MAX     (256 * 1024)
#define SG_VEE_NAME_MAX     31
#define SG_VEE_SERIAL_MAX   20
#define SG_VEE_PARAMS_MAX   4
#define SG_VEE_STEPS_MAX    8
#define SG_VEE_PROFILES_MAX 8
#define SG_VEE_HOLIDAYS_MAX 128
#define SG_VEE_SLOTS_MAX    2000000 /* intervals of a period */
#define SG_VEE_ROWS_MAX     4000000
#define SG_VEE_TEXT_MAX     200

/* ---- rules ------------------------------------------------------------------------------------
 */

enum sg_vee_severity { SG_VEE_INFO, SG_VEE_WARN, SG_VEE_FAIL };
const char *sg_vee_severity_word(enum sg_vee_severity s);

/* C(id, word): docs/vee.md says what each asks. */
#define SG_VEE_CHECKS(C)                                                                           \
    C(CONSECUTIVE, "consecutive")                                                                  \
    C(DUPLICATE, "duplicate")                                                                      \
    C(CONFLICT, "conflict")                                                                        \
    C(INTERVAL_SIZE, "interval_size")                                                              \
    C(ORDER, "order")                                                                              \
    C(SEQUENCE, "sequence")                                                                        \
    C(CLOCK, "clock")                                                                              \
    C(MISSING_QUANTITY, "missing_quantity")                                                        \
    C(SIBLING, "sibling")                                                                          \
    C(NEGATIVE, "negative")                                                                        \
    C(ZERO, "zero")                                                                                \
    C(INACTIVE, "inactive")                                                                        \
    C(STUCK, "stuck")                                                                              \
    C(SPIKE, "spike")                                                                              \
    C(HIGH_LOW, "high_low")                                                                        \
    C(DYNAMIC, "dynamic")                                                                          \
    C(UNIT, "unit")                                                                                \
    C(MULTIPLIER, "multiplier")                                                                    \
    C(SUM, "sum")                                                                                  \
    C(ESTIMATION, "estimation")

enum sg_vee_check_id {
#define SG_C(id, word) SG_VEE_##id,
    SG_VEE_CHECKS(SG_C)
#undef SG_C
        SG_VEE_N_CHECKS
};

struct sg_vee_check {
    bool on;
    enum sg_vee_severity severity;
    int64_t param[SG_VEE_PARAMS_MAX]; /* in the order of sg_vee_params */
};
struct sg_vee_param {
    const char *name; /* NULL ends the list */
    int64_t def, min, max;
};
/* SG_VEE_PARAMS_MAX + 1 entries at most. */
const struct sg_vee_param *sg_vee_params(enum sg_vee_check_id id);
const char *sg_vee_check_word(enum sg_vee_check_id id);

enum sg_vee_method { SG_VEE_LINEAR, SG_VEE_HISTORY, SG_VEE_PROXY_DAY, SG_VEE_PROFILE };
const char *sg_vee_method_word(enum sg_vee_method m);

/* One step of the chain: the first whose length holds the gap and whose inputs are there is used.
 */
struct sg_vee_step {
    char rule[SG_VEE_NAME_MAX + 1]; /* its name, on the bill and in the evidence */
    enum sg_vee_method method;
    int64_t up_to_s; /* longest gap */
    int64_t days;    /* history: at most so many values, nearest days first */
    int64_t least;   /* history: at least so many */
    size_t profile;
};

enum sg_vee_kind { SG_VEE_WORKING, SG_VEE_SATURDAY, SG_VEE_SUNDAY, SG_VEE_HOLIDAY, SG_VEE_N_KINDS };

struct sg_vee_profile {
    char name[SG_VEE_NAME_MAX + 1];
    int64_t weight[SG_VEE_N_KINDS][24]; /* of a clock hour, relative */
    int64_t day_wh;                     /* of a working day, if the period has no reading at all */
};

struct sg_vee_rules {
    char id[SG_VEE_NAME_MAX + 1];
    char zone[65];
    struct sg_tz *tz;
    enum sg_rounding rounding;
    struct sg_tariff_holiday holidays[SG_VEE_HOLIDAYS_MAX];
    size_t n_holidays;
    struct sg_vee_check checks[SG_VEE_N_CHECKS];
    struct sg_vee_step steps[SG_VEE_STEPS_MAX];
    size_t n_steps;
    bool adjust;          /* to the register, where it is known at both ends of the gap */
    bool adjust_reactive; /* reactive energy to its register likewise */
    struct sg_vee_profile profiles[SG_VEE_PROFILES_MAX];
    size_t n_profiles;
    uint8_t sha256[32]; /* of the file */
};

enum sg_vee_rules_outcome { SG_VEE_RULES_BAD = 1 };
/* SG_VEE_RULES_BAD fills why: line and reason. */
SG_MUST_USE int sg_vee_rules_parse(struct sg_vee_rules **ret, struct sg_bytes yaml,
                                   struct sg_yaml_error *why);
SG_MUST_USE int sg_vee_rules_load(struct sg_vee_rules **ret, const char *path,
                                  struct sg_yaml_error *why);
void sg_vee_rules_free(struct sg_vee_rules *r);
SG_DEFINE_FREEP(struct sg_vee_rules, sg_vee_rules_free)
/* Of a local day (days since 1970). */
enum sg_vee_kind sg_vee_day_kind(const struct sg_vee_rules *r, int64_t day);

/* ---- what is judged ---------------------------------------------------------------------------
 */

#define SG_VEE_ROW_ESTIMATED 1u /* not measured */
#define SG_VEE_ROW_CLOCK_BAD 2u /* the meter said that its clock is not synchronised */
#define SG_VEE_ROW_CLOCK_SET 4u /* or was set within the block */

struct sg_vee_row {
    char serial[SG_VEE_SERIAL_MAX + 1];
    uint64_t seq; /* the meter's; 0: none told */
    int64_t ts_s; /* end of the interval, UTC */
    /* SG_READING_NA: none */
    int64_t energy_wh, reactive_varh, register_wh, reactive_register_varh;
    uint32_t interval_s; /* as its source says; 0: not told */
    unsigned flags;
};

/* A meter's reading; the source's own words are the caller's to add. */
struct sg_vee_row sg_vee_row_of(const struct sg_reading *reading, const char *serial);

/* An installation record: (from, until]. */
struct sg_vee_meter {
    char serial[SG_VEE_SERIAL_MAX + 1];
    int64_t from_s, until_s, ratio_num, ratio_den;
};
/* What the source of the rows says of a meter: compared with the records. */
struct sg_vee_told {
    char serial[SG_VEE_SERIAL_MAX + 1];
    int64_t ratio_num, ratio_den; /* 0: not told */
    char unit[8];                 /* "": not told */
};

struct sg_vee_series {
    int64_t client;
    int64_t from_s, until_s;       /* (from, until], whole intervals */
    uint32_t interval_s;           /* 60..86400, divides 86400 */
    const struct sg_vee_row *rows; /* as they came; rows outside the period are not looked at */
    size_t n_rows;
    const struct sg_vee_meter *meters; /* none: whatever meter occurs is taken as installed */
    size_t n_meters;
    const struct sg_vee_told *told;
    size_t n_told;
};

struct sg_vee_finding {
    const char *rule; /* word */
    enum sg_vee_severity severity;
    const char *serial;      /* NULL: of no one meter */
    int64_t from_s, until_s; /* of the intervals concerned: (from, until] */
    uint64_t count;          /* intervals or rows */
    int64_t value, limit;    /* what was seen and what it was held against; SG_READING_NA: none */
    const char *text;        /* for people; borrowed for the call */
};
typedef void (*sg_vee_fn)(void *user, const struct sg_vee_finding *f);

/* An end of the period as this series takes it from a bill's: at an interval's end, as the bill
 * counts them (docs/billing.md, Period). */
static inline int64_t sg_vee_grid_end(int64_t ts_s, uint32_t interval_s)
{
    return ts_s - ((ts_s % interval_s) + interval_s) % interval_s;
}

enum sg_vee_outcome {
    SG_VEE_BAD_PERIOD = 1, /* no whole number of intervals, none at all, or too many */
};
SG_MUST_USE int sg_vee_check(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                             sg_vee_fn fn, void *user);

/* ---- estimates --------------------------------------------------------------------------------
 */

struct sg_vee_estimate {
    char serial[SG_VEE_SERIAL_MAX + 1];
    char rule[SG_VEE_NAME_MAX + 1];
    int64_t ts_s;
    int64_t energy_wh;
    int64_t reactive_varh; /* SG_READING_NA: its inputs have none */
    bool adjusted;         /* to the register */
    uint8_t inputs[32];    /* hash over what it follows from */
};
struct sg_vee_estimates {
    struct sg_vee_estimate *items; /* by time */
    size_t n;
    uint64_t unfilled; /* missing intervals that no step of the chain could fill */
};
void sg_vee_estimates_clear(struct sg_vee_estimates *e);

/* Every interval of the period that has no genuine reading with an energy.  Rows flagged estimated
 * are no inputs and fill nothing; intervals with conflicting rows are neither estimated nor used.
 */
SG_MUST_USE int sg_vee_estimate(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                                struct sg_vee_estimates *ret);

/* ---- evidence (docs/evidence.md, "Estimates") --------------------------------------------------
 */

/* The section: ["sealgrid-estimates-v1", rules: sha256, [* [ts, energy, reactive or null, rule]]],
 * deterministic CBOR, by time.  Its SHA-256 is the bill's readings.estimates_sha256. */
SG_MUST_USE int sg_vee_section_encode(const uint8_t rules_sha256[32],
                                      const struct sg_vee_estimates *e, struct sg_buf *ret);
enum sg_vee_section_outcome { SG_VEE_SECTION_MALFORMED = 1 };
/* serial, adjusted and inputs of the items are empty. */
SG_MUST_USE int sg_vee_section_decode(struct sg_bytes section, uint8_t ret_rules_sha256[32],
                                      struct sg_vee_estimates *ret);

#define SG_VEE_JUDGEMENTS(C)                                                                       \
    C(UNNEEDED, "estimate.unneeded") /* a signed reading of that interval exists */                \
    C(ALTERED, "estimate.altered")   /* does not follow from its rule and the readings */          \
    C(RULE, "estimate.rule")         /* names a rule, or a rule file, that is not the one given */ \
    C(SECTION, "estimate.section")   /* unreadable, or not the one that the bill names */
enum sg_vee_judgement {
#define SG_C(id, word) SG_VEE_ESTIMATE_##id,
    SG_VEE_JUDGEMENTS(SG_C)
#undef SG_C
};
const char *sg_vee_judgement_word(enum sg_vee_judgement j);
typedef void (*sg_vee_judge_fn)(void *user, enum sg_vee_judgement j, int64_t from_s,
                                int64_t until_s, uint64_t count, const char *text);
/* The auditor's side: the section's estimates against the signed readings of the period (s).  rules
 * may be NULL: then only need is judged.  Runs are reported as one. */
SG_MUST_USE int sg_vee_judge(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                             const uint8_t rules_sha256[32], const struct sg_vee_estimates *told,
                             sg_vee_judge_fn fn, void *user);
/* The same from what an auditor holds: the section of the evidence file (empty: none) and the
 * bill's readings.estimates_sha256 (NULL: none).  Each without the other is a finding. */
SG_MUST_USE int sg_vee_audit(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                             struct sg_bytes section, const uint8_t *bill_sha256,
                             sg_vee_judge_fn fn, void *user, struct sg_vee_estimates *ret);
