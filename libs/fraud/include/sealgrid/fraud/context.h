#pragma once
/*
 * fraud context - what is known of a consumer besides its load: facts that the utility keeps in
 * other tables.  Each may be unknown; with none at all a customer is judged by its load alone.
 *
 * A fact explains a change, it never accuses: premises vacant since a day, solar panels since a
 * day, another tariff since a day, a public holiday.  The class, activity, region and contracted
 * demand are for the inspector, and for comparing like with like.
 *
 * Days here are calendar days (by custom since 1970-01-01); `epoch` is the calendar day of the
 * load's day number 0, because a score may have renumbered the days.
 * Borrows: the list of holidays.  A plain value otherwise.
 */
#include <sealgrid/fraud/days.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(constant, word) */
#define SG_FRAUD_CLASSES(X)                                                                        \
    X(UNKNOWN, "unknown")                                                                          \
    X(RESIDENTIAL, "residential")                                                                  \
    X(COMMERCIAL, "commercial")                                                                    \
    X(INDUSTRIAL, "industrial")                                                                    \
    X(RURAL, "rural")                                                                              \
    X(PUBLIC, "public")                                                                            \
    X(LIGHTING, "lighting")

enum sg_fraud_class {
#define X(name, word) SG_FRAUD_CLASS_##name,
    SG_FRAUD_CLASSES(X)
#undef X
        SG_FRAUD_CLASS_COUNT
};

enum {
    SG_FRAUD_ACTIVITY_MAX = 31, /* octets: code or word of the trade, e.g. CNAE "4721-1/02" */
    SG_FRAUD_REGION_MAX = 31,
    SG_FRAUD_HOLIDAYS_MAX = 4096,
};

#define SG_FRAUD_NO_DAY INT32_MIN

struct sg_fraud_context {
    enum sg_fraud_class cls;
    char activity[SG_FRAUD_ACTIVITY_MAX + 1]; /* "": not known */
    char region[SG_FRAUD_REGION_MAX + 1];
    float contracted_kw; /* 0: not known, or none agreed */

    int32_t vacant_since; /* SG_FRAUD_NO_DAY: not known to be vacant */
    int32_t vacant_until; /* first day in use again; NO_DAY: still vacant */
    int32_t solar_since;  /* first day with panels on the premises; NO_DAY: none known */
    float solar_kw;       /* peak; 0: not known */
    int32_t tariff_since; /* first day of the present tariff; NO_DAY: not known */

    const int32_t *holiday; /* n_holidays calendar days, ascending; of the region */
    size_t n_holidays;
    int32_t epoch;
};

#define SG_FRAUD_CONTEXT_NONE                                                                      \
    {                                                                                              \
        .vacant_since = SG_FRAUD_NO_DAY, .vacant_until = SG_FRAUD_NO_DAY,                          \
        .solar_since = SG_FRAUD_NO_DAY, .tariff_since = SG_FRAUD_NO_DAY                            \
    }

/* The load's own number of a calendar day; NO_DAY stays NO_DAY. */
static inline int32_t sg_fraud_context_day(const struct sg_fraud_context *c, int32_t calendar)
{
    return calendar == SG_FRAUD_NO_DAY ? SG_FRAUD_NO_DAY : calendar - c->epoch;
}

/* Is the load's day a listed holiday?  c may be NULL: no. */
bool sg_fraud_context_holiday(const struct sg_fraud_context *c, int32_t day);
/* A holiday is lived like a weekend. */
enum sg_fraud_day_kind sg_fraud_context_kind(const struct sg_fraud_context *c, int32_t day,
                                             uint8_t weekday);

/* The class of a word ("residential"), UNKNOWN for any other. */
enum sg_fraud_class sg_fraud_class_named(const char *word);
