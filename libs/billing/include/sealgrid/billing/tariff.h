#pragma once
/*
 * tariff - a tariff as data: one YAML file (docs/tariff.md is its description, format 2) and the
 * series it names.  Immutable after parsing: any thread.
 *
 * A tariff says to which post of use an interval belongs (seasons, kinds of day, hours), which
 * charges a bill has, in their order, with dated rates, and which taxes and fees come on them.
 * An interval belongs to the post, the season, the day and the month in which it begins, in local
 * time of the tariff's zone.  Days are counted since 1970-01-01, local.
 *
 * Scales: rates, prices and fixed amounts are integers of 1e-9 currency (per kWh, kvarh, kW, day,
 * month, cycle); percents and factors integers of 1e-6; energies Wh, demands W.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/yaml.h>
#include <sealgrid/billing/money.h>
#include <sealgrid/billing/series.h>
#include <sealgrid/billing/tz.h>

#define SG_TARIFF_FILE_MAX     (256 * 1024)
#define SG_TARIFF_POSTS_MAX    8
#define SG_TARIFF_SEASONS_MAX  8
#define SG_TARIFF_CHARGES_MAX  24
#define SG_TARIFF_PIECES_MAX   240 /* dated rates of one charge, tax or fee */
#define SG_TARIFF_TIERS_MAX    16
#define SG_TARIFF_BANDS_MAX    8 /* of a tax */
#define SG_TARIFF_TAXES_MAX    8
#define SG_TARIFF_FLAGS_MAX    480 /* months */
#define SG_TARIFF_CREDITED_MAX 8   /* charges that net metering credits */
#define SG_TARIFF_RANGES_MAX   4
#define SG_TARIFF_HOLIDAYS_MAX 128
#define SG_TARIFF_STEPS_MAX    32
#define SG_TARIFF_NAME_MAX     31
#define SG_TARIFF_ID_MAX       63
#define SG_TARIFF_TEXT_MAX     239
#define SG_TARIFF_NO_POST      UINT8_MAX
#define SG_TARIFF_ALWAYS       INT64_MIN /* from_day of a piece that has no date */
#define SG_PPM                 1000000

/* ---- days and posts ------------------------------------------------------------------------ */

struct sg_tariff_post {
    char name[SG_TARIFF_NAME_MAX + 1];
};

enum sg_day_kind { SG_DAY_WORKING, SG_DAY_SATURDAY, SG_DAY_SUNDAY, SG_DAY_HOLIDAY, SG_DAY_KINDS };

struct sg_tariff_season {
    char name[SG_TARIFF_NAME_MAX + 1];
    unsigned from; /* month * 32 + day; lasts until the next season begins, round the year */
};

enum sg_holiday_kind { SG_HOLIDAY_DATE, SG_HOLIDAY_YEARLY, SG_HOLIDAY_EASTER };

struct sg_tariff_holiday {
    enum sg_holiday_kind kind;
    int64_t day; /* DATE: days since 1970; YEARLY: month * 32 + day; EASTER: days after it */
};

/* Minutes of a local day, [from, until). */
struct sg_tariff_range {
    uint16_t from, until;
};

/* ---- charges ------------------------------------------------------------------------------- */

/* C(id, word in the file) */
#define SG_CHARGE_KINDS(C)                                                                         \
    C(ENERGY, "energy")                                                                            \
    C(TIERS, "tiers")                                                                              \
    C(DYNAMIC, "dynamic")                                                                          \
    C(DEMAND, "demand")                                                                            \
    C(REACTIVE_ENERGY, "reactive_energy")                                                          \
    C(REACTIVE_DEMAND, "reactive_demand")                                                          \
    C(FIXED, "fixed")                                                                              \
    C(FLAG, "flag")                                                                                \
    C(MINIMUM, "minimum")                                                                          \
    C(NET_METERING, "net_metering")

enum sg_charge_kind {
#define SG_C(id, word) SG_CHARGE_##id,
    SG_CHARGE_KINDS(SG_C)
#undef SG_C
        SG_CHARGE_N_KINDS
};

enum sg_energy_of { SG_OF_IMPORT, SG_OF_EXPORT, SG_OF_NET }; /* net = import - export */
enum sg_fixed_per { SG_PER_CYCLE, SG_PER_DAY, SG_PER_MONTH };
enum sg_flag_split { SG_SPLIT_INTERVAL, SG_SPLIT_DAYS };

struct sg_tariff_tier {
    int64_t up_to_wh; /* INT64_MAX for the last */
    int64_t rate;
};

/* Rates of a charge from one local day on.  Only the members of its kind are set. */
struct sg_tariff_piece {
    int64_t from_day;                  /* SG_TARIFF_ALWAYS: no beginning */
    int64_t rate[SG_TARIFF_POSTS_MAX]; /* without by_post the one rate stands at every post */
    struct sg_tariff_tier tiers[SG_TARIFF_TIERS_MAX];
    size_t n_tiers;
    int64_t amount[3];                          /* FIXED: by phases - 1; else all three equal */
    int64_t adder, cap, floor;                  /* DYNAMIC; cap INT64_MAX, floor INT64_MIN: none */
    int64_t credit_ppm[SG_TARIFF_CREDITED_MAX]; /* NET_METERING: of the rate of credited[i] */
};

/* Of a month of consumption: year * 12 + month - 1. */
struct sg_tariff_flag {
    int month;
    char name[SG_TARIFF_NAME_MAX + 1];
    int64_t adder; /* 1e-9 currency per kWh, before taxes */
};

struct sg_tariff_charge {
    char name[SG_TARIFF_NAME_MAX + 1];
    enum sg_charge_kind kind;
    unsigned line; /* in the file */
    /* ENERGY, DEMAND, REACTIVE_*: rates by post, and a line per post; else one line over all. */
    bool by_post;
    uint8_t posts; /* bit p: post p has a rate (DEMAND, REACTIVE_*: the others carry none) */
    struct sg_tariff_piece *pieces; /* ascending; owned; none for FLAG and MINIMUM */
    size_t n_pieces;

    enum sg_energy_of of;     /* ENERGY, DYNAMIC */
    uint32_t per_days;        /* TIERS: thresholds are for so many days; 0: for the whole period */
    struct sg_series *prices; /* DYNAMIC; owned */
    uint32_t window_s;        /* DEMAND: a multiple of the interval, divides an hour */
    bool contracted;          /* DEMAND: at least the contract's */
    bool has_excess;          /* DEMAND: above the contract's by more than the tolerance */
    int64_t tolerance_ppm, factor_ppm;
    uint32_t ratchet_months; /* DEMAND; 0: none */
    int64_t ratchet_ppm;
    int64_t power_factor_ppm; /* REACTIVE_* */
    struct sg_tariff_range capacitive[SG_TARIFF_RANGES_MAX];
    size_t n_capacitive;
    size_t demand;         /* REACTIVE_DEMAND: index of the demand charge, which stands above */
    enum sg_fixed_per per; /* FIXED */
    bool by_phases;        /* FIXED, MINIMUM: the contract's phases decide */
    enum sg_flag_split split;
    struct sg_tariff_flag *flags; /* FLAG: by month, ascending; owned */
    size_t n_flags;
    int64_t least_wh[3]; /* MINIMUM: by phases - 1 */
    uint8_t least_post;
    /* MINIMUM: charges it holds for; NET_METERING: charges it credits.  Indices of import ENERGY
     * charges that stand above. */
    size_t credited[SG_TARIFF_CREDITED_MAX];
    size_t n_credited;
    uint32_t carry_months; /* NET_METERING: a credit may be used so many months after its own */
};

/* ---- taxes and fees ------------------------------------------------------------------------ */

struct sg_tariff_band {
    int64_t up_to_wh; /* inclusive, import of the period; INT64_MAX for the last */
    int64_t rate_ppm;
};

struct sg_tariff_tax_piece {
    int64_t from_day;
    struct sg_tariff_band bands[SG_TARIFF_BANDS_MAX];
    size_t n_bands; /* at least 1 */
};

struct sg_tariff_tax {
    char name[SG_TARIFF_NAME_MAX + 1];
    uint32_t excludes;                  /* bit i: tax i is not part of this one's base */
    bool on_top;                        /* of the gross with all taxes inside; excludes nothing */
    struct sg_tariff_tax_piece *pieces; /* ascending; owned */
    size_t n_pieces;
};

struct sg_tariff_step {
    int64_t up_to_wh; /* inclusive; INT64_MAX for the last */
    int64_t amount;   /* minor units */
};

struct sg_tariff_lighting_piece {
    int64_t from_day;
    struct sg_tariff_step steps[SG_TARIFF_STEPS_MAX];
    size_t n_steps; /* at least 1 */
};

/* ---- the tariff ---------------------------------------------------------------------------- */

struct sg_tariff {
    char id[SG_TARIFF_ID_MAX + 1];
    char title[SG_TARIFF_TEXT_MAX + 1], source[SG_TARIFF_TEXT_MAX + 1]; /* for people */
    char currency[4];
    unsigned decimals; /* of the currency */
    char zone[65];
    struct sg_tz *tz;
    uint32_t interval_s; /* of the readings */
    enum sg_rounding rounding;

    struct sg_tariff_post posts[SG_TARIFF_POSTS_MAX];
    size_t n_posts;
    struct sg_tariff_season seasons[SG_TARIFF_SEASONS_MAX]; /* by their first day */
    size_t n_seasons;                                       /* at least 1 once parsed */
    struct sg_tariff_holiday holidays[SG_TARIFF_HOLIDAYS_MAX];
    size_t n_holidays;
    struct sg_series *schedule; /* of post numbers; NULL: the table below rules */
    uint8_t post_at[SG_TARIFF_SEASONS_MAX][SG_DAY_KINDS][1440];

    struct sg_tariff_charge charges[SG_TARIFF_CHARGES_MAX];
    size_t n_charges;
    struct sg_tariff_tax taxes[SG_TARIFF_TAXES_MAX];
    size_t n_taxes;
    struct sg_tariff_lighting_piece *lighting_pieces; /* owned */
    size_t n_lighting_pieces;                         /* 0: no such fee */
    uint8_t sha256[32];                               /* of the file */
};

/* ---- reading ------------------------------------------------------------------------------- */

/* Appends the octets of a file that the tariff names; the name has no "/" and no "..".  0, or
 * -errno as sg_file_read gives it (-EFBIG past the buffer's maximum). */
typedef int (*sg_tariff_fetch_fn)(void *user, const char *name, struct sg_buf *ret);
/* One problem, error or warning; why is the caller's until the call returns. */
typedef void (*sg_tariff_problem_fn)(void *user, const struct sg_yaml_error *why);

struct sg_tariff_reading {
    sg_tariff_fetch_fn fetch;     /* NULL: a tariff that names files is refused */
    sg_tariff_problem_fn problem; /* NULL; else called for every problem, not for the first alone */
    void *user;
};

enum sg_tariff_outcome {
    SG_TARIFF_BAD = 1,
    SG_TARIFF_NO_RATE, /* the first rate begins later */
};
/* SG_TARIFF_BAD fills why: line and reason of the first problem. */
SG_MUST_USE int sg_tariff_parse(struct sg_tariff **ret, struct sg_bytes yaml,
                                struct sg_yaml_error *why);
/* how NULL: as sg_tariff_parse. */
SG_MUST_USE int sg_tariff_read(struct sg_tariff **ret, struct sg_bytes yaml,
                               const struct sg_tariff_reading *how, struct sg_yaml_error *why);
/* A sg_tariff_fetch_fn for the folder in which a file lies; user is that file's path. */
SG_MUST_USE int sg_tariff_fetch_beside(void *user, const char *name, struct sg_buf *ret);
/* A file; the series that it names lie in the same folder. */
SG_MUST_USE int sg_tariff_load(struct sg_tariff **ret, const char *path, struct sg_yaml_error *why);
void sg_tariff_free(struct sg_tariff *t);
SG_DEFINE_FREEP(struct sg_tariff, sg_tariff_free)

const char *sg_charge_kind_word(enum sg_charge_kind kind);

/* ---- asking -------------------------------------------------------------------------------- */

/* Easter Sunday of a year 1583..9999 (days since 1970). */
int64_t sg_easter(int year);
/* Of a local day (days since 1970), among these holidays. */
enum sg_day_kind sg_day_kind_of(const struct sg_tariff_holiday *holidays, size_t n,
                                int64_t local_day);
enum sg_day_kind sg_tariff_day_kind(const struct sg_tariff *t, int64_t local_day);
/* Index into seasons. */
size_t sg_tariff_season_of(const struct sg_tariff *t, int64_t local_day);
/* year * 12 + month - 1 of a local day, and back to the month's first day. */
int sg_month_of_day(int64_t local_day);
int64_t sg_first_day_of_month(int month);

/* Where an instant stands; the cursor remembers the local day, so that a run of intervals costs a
 * table look-up each.  Zero-initialise it. */
struct sg_tariff_cursor {
    int64_t from_s, until_s, midnight_s;
    int64_t day;
    const uint8_t *post_at; /* by the minute */
    int month;
    uint8_t season;
};
struct sg_tariff_slot {
    uint8_t post; /* SG_TARIFF_NO_POST: the schedule has no step there (tariff.no_schedule) */
    uint8_t season;
    uint16_t minute; /* of the local day, as clocks show it */
    int month;       /* year * 12 + month - 1 */
    int64_t day;     /* local days since 1970 */
};
struct sg_tariff_slot sg_tariff_slot_at(const struct sg_tariff *t, struct sg_tariff_cursor *c,
                                        int64_t start_s);

/* Number of the piece that holds on that local day; SG_CHARGE_NO_PIECE before the first.  Piece i
 * lasts until the day before pieces[i + 1].from_day. */
#define SG_CHARGE_NO_PIECE SIZE_MAX
size_t sg_charge_piece_at(const struct sg_tariff_charge *c, int64_t local_day);
/* NULL: none for that month (tariff.no_flag). */
const struct sg_tariff_flag *sg_charge_flag_of(const struct sg_tariff_charge *c, int month);
/* Does a reactive charge count capacitive energy at that minute of the local day? */
bool sg_charge_is_capacitive(const struct sg_tariff_charge *c, unsigned minute);
/* Price of an interval of a DYNAMIC charge under one of its pieces: series + adder, then at most
 * cap, at least floor.  SG_SERIES_NONE: the series has none there (tariff.no_price). */
static inline int64_t sg_charge_price(const struct sg_tariff_charge *c,
                                      const struct sg_tariff_piece *piece, int64_t start_s)
{
    int64_t price = sg_series_at(c->prices, start_s);

    if (price == SG_SERIES_NONE)
        return price;
    price += piece->adder;
    price = price > piece->cap ? piece->cap : price;
    return price < piece->floor ? piece->floor : price;
}
/* The rate of an excess line: rate x factor, rounded to 1e-9 by the tariff's rule. */
int64_t sg_charge_excess_rate(const struct sg_tariff *t, const struct sg_tariff_charge *c,
                              const struct sg_tariff_piece *piece, size_t post);

/* Rate of a tax on a local day for a period with so much import.  0 or SG_TARIFF_NO_RATE. */
SG_MUST_USE int sg_tariff_tax_rate(const struct sg_tariff_tax *tax, int64_t local_day,
                                   int64_t import_wh, int64_t *ret_ppm);
/* Lighting fee in minor units; 0 without one.  0 or SG_TARIFF_NO_RATE. */
SG_MUST_USE int sg_tariff_lighting(const struct sg_tariff *t, int64_t local_day, int64_t import_wh,
                                   int64_t *ret_amount);
/* Can bills be made by this tariff only with the client's contract (phases, contracted demand,
 * demand of earlier months)? */
bool sg_tariff_needs_contract(const struct sg_tariff *t);
