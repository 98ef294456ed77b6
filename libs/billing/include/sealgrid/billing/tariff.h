#pragma once
/*
 * tariff - a tariff as data: a YAML file (docs/tariff.md) with posts of use, holidays, flags, taxes
 * inside their own base, a minimum bill and a lighting fee.  Immutable after parsing: any thread.
 *
 * An interval belongs to the post, the day and the month in which it begins, in local time of the
 * tariff's zone.  Days of rest (Saturday, Sunday, holidays) belong wholly to the post that has no
 * hours.
 */
#include <sealgrid/base/yaml.h>
#include <sealgrid/billing/money.h>
#include <sealgrid/billing/tz.h>

#define SG_TARIFF_FILE_MAX     (256 * 1024)
#define SG_TARIFF_POSTS_MAX    8
#define SG_TARIFF_TAXES_MAX    8
#define SG_TARIFF_FLAGS_MAX    240
#define SG_TARIFF_HOLIDAYS_MAX 128
#define SG_TARIFF_STEPS_MAX    32
#define SG_TARIFF_NAME_MAX     31
#define SG_TARIFF_ID_MAX       63

struct sg_tariff_post {
    char name[SG_TARIFF_NAME_MAX + 1];
    int64_t rate; /* 1e-9 currency per kWh, before taxes */
};

/* Of a month of consumption: year * 12 + month - 1. */
struct sg_tariff_flag {
    int month;
    char name[SG_TARIFF_NAME_MAX + 1];
    int64_t adder; /* 1e-9 currency per kWh, before taxes */
};

struct sg_tariff_tax {
    char name[SG_TARIFF_NAME_MAX + 1];
    int64_t rate_ppm;  /* of its base */
    uint32_t excludes; /* bit i: tax i is not part of this one's base */
};

enum sg_holiday_kind { SG_HOLIDAY_DATE, SG_HOLIDAY_YEARLY, SG_HOLIDAY_EASTER };

struct sg_tariff_holiday {
    enum sg_holiday_kind kind;
    int64_t day; /* DATE: days since 1970; YEARLY: month * 32 + day; EASTER: days after it */
};

struct sg_tariff_step {
    int64_t up_to_wh; /* inclusive; INT64_MAX for the last */
    int64_t amount;   /* minor units */
};

struct sg_tariff {
    char id[SG_TARIFF_ID_MAX + 1];
    char currency[4];
    unsigned decimals; /* of the currency */
    char zone[65];
    struct sg_tz *tz;
    uint32_t interval_s; /* of the readings */
    enum sg_rounding rounding;
    struct sg_tariff_post posts[SG_TARIFF_POSTS_MAX];
    size_t n_posts;
    uint8_t post_of_minute[1440]; /* of a working day */
    uint8_t rest_post;
    struct sg_tariff_holiday holidays[SG_TARIFF_HOLIDAYS_MAX];
    size_t n_holidays;
    struct sg_tariff_flag flags[SG_TARIFF_FLAGS_MAX];
    size_t n_flags;
    int64_t minimum_wh; /* 0: no minimum */
    uint8_t minimum_post;
    struct sg_tariff_tax taxes[SG_TARIFF_TAXES_MAX];
    size_t n_taxes;
    struct sg_tariff_step lighting[SG_TARIFF_STEPS_MAX];
    size_t n_lighting;
    uint8_t sha256[32]; /* of the file */
};

enum sg_tariff_outcome { SG_TARIFF_BAD = 1 };
/* SG_TARIFF_BAD fills why: line and reason for people. */
SG_MUST_USE int sg_tariff_parse(struct sg_tariff **ret, struct sg_bytes yaml,
                                struct sg_yaml_error *why);
SG_MUST_USE int sg_tariff_load(struct sg_tariff **ret, const char *path, struct sg_yaml_error *why);
void sg_tariff_free(struct sg_tariff *t);
SG_DEFINE_FREEP(struct sg_tariff, sg_tariff_free)

/* Easter Sunday of a year 1583..9999 (days since 1970). */
int64_t sg_easter(int year);
bool sg_tariff_is_rest_day(const struct sg_tariff *t, int64_t local_day);
/* NULL if the tariff has no flags or none for that month. */
const struct sg_tariff_flag *sg_tariff_flag_of(const struct sg_tariff *t, int month);

/* Where an instant stands; the cursor remembers the local day, so that a run of intervals costs a
 * table look-up each.  Zero-initialise it. */
struct sg_tariff_cursor {
    int64_t from_s, until_s, midnight_s;
    bool rest;
    int month;
};
struct sg_tariff_slot {
    uint8_t post;
    int month;
};
struct sg_tariff_slot sg_tariff_slot_at(const struct sg_tariff *t, struct sg_tariff_cursor *c,
                                        int64_t start_s);
