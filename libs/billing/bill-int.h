#pragma once
/*
 * bill-int - one run of billing, inside: readings become quantities (bill-quantities.c for energy,
 * bill-windows.c for demand and clock hours), quantities become lines (bill-lines.c and one file a
 * family of charge), lines become sums (bill-money.c).
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/json.h>
#include <sealgrid/billing/bill.h>

#include "bill-money-int.h"

/* Past these the products below could leave 128 bits; see docs/billing.md, "Limits". */
#define SG_BILL_READING_MAX  INT64_C(1000000000)       /* Wh or varh of one interval, as measured */
#define SG_BILL_QUANTITY_MAX INT64_C(1000000000000000) /* of a sum after ratios, or an amount */
#define SG_BILL_DAYS_MAX     800

/* ---- the calendar of a period (bill-calendar.c) ---------------------------------------------- */

/* The part of the period in which one piece of a charge's rates holds: local days [from, until), of
 * which so many have an interval. */
struct sg_span {
    int64_t from_day, until_day;
    int64_t days;
    size_t piece;
};
struct sg_spans {
    struct sg_span *list;
    size_t n, at; /* at: where the last reading fell */
};
struct sg_month_days {
    int month;
    int64_t days;
};

/* ---- quantities ------------------------------------------------------------------------------ */

/* One meter on one local day, by post, before the ratio. */
struct sg_bill_row {
    int64_t day;
    size_t meter;
    int64_t import_wh[SG_TARIFF_POSTS_MAX], export_wh[SG_TARIFF_POSTS_MAX];
};

/* Sums over aligned stretches of time that count only when whole; a meter's part is multiplied by
 * its ratio and rounded when the stretch ends or another meter goes on. */
struct sg_bill_stretch {
    int64_t start_s;
    uint32_t length_s, need, got; /* intervals */
    size_t meter;
    int64_t raw_wh, raw_varh; /* of the meter at hand */
    int64_t wh, varh;         /* of meters before, after ratios */
    bool no_varh;             /* an interval without reactive energy */
    struct sg_tariff_slot slot;
};

/* Demand: the highest power over windows of one length, by the post in which they begin. */
struct sg_bill_window {
    struct sg_bill_stretch s;
    uint64_t counted[SG_TARIFF_POSTS_MAX];
    int64_t highest_w[SG_TARIFF_POSTS_MAX], at_s[SG_TARIFF_POSTS_MAX];
};
#define SG_BILL_WINDOWS_MAX 12 /* lengths that divide an hour */

/* Reactive charges: clock hours. */
struct sg_bill_hours {
    uint64_t counted[SG_TARIFF_POSTS_MAX];
    __int128 mwh[SG_TARIFF_POSTS_MAX];
};
struct sg_bill_reactive {
    struct sg_bill_hours *spans; /* of the charge's spans */
    int64_t highest_w[SG_TARIFF_POSTS_MAX], at_s[SG_TARIFF_POSTS_MAX];
};

/* Dynamic prices: one for each span of the charge. */
struct sg_bill_priced {
    __int128 raw;   /* Wh x 1e-9 per kWh of the meter at hand */
    __int128 exact; /* of meters before, after ratios */
    size_t meter;
    uint64_t intervals;
    int64_t lowest, highest;
};

struct sg_billing {
    const struct sg_tariff *t;
    struct sg_bill bill; /* identity, meters and counts so far; owned */
    int64_t last_ts_s;
    size_t meter; /* of the last reading: most follow in a run */
    struct sg_tariff_cursor cursor;
    bool too_large, too_long;

    int64_t *days; /* local days with an interval, ascending */
    size_t n_days;
    struct sg_month_days *months;
    size_t n_months;
    struct sg_spans spans[SG_TARIFF_CHARGES_MAX];

    struct sg_bill_row *rows; /* in time order */
    size_t n_rows, rows_capacity;
    struct sg_bill_window windows[SG_BILL_WINDOWS_MAX];
    size_t n_windows, window_of[SG_TARIFF_CHARGES_MAX];
    struct sg_bill_stretch hour;
    bool has_hours;
    struct sg_bill_reactive reactive[SG_TARIFF_CHARGES_MAX];
    struct sg_bill_priced *priced[SG_TARIFF_CHARGES_MAX]; /* by span; NULL: not dynamic */
    size_t estimates_capacity;
    struct sg_merkle tree;
    struct sg_buckets *buckets;
};

/* Days, months and spans of the period.  0, EMPTY, TOO_LONG, NO_RATE, NO_FLAG. */
SG_MUST_USE int sg_bill_calendar(struct sg_billing *b);
/* Local days of [from, until) in which an interval begins. */
int64_t sg_bill_days_in(const struct sg_billing *b, int64_t from_day, int64_t until_day);

/* Wh or varh of one meter after its ratio; too much of it is noted in b. */
int64_t sg_bill_after_ratio(struct sg_billing *b, size_t meter, __int128 raw);

/* Makes the accumulators that the tariff's charges ask for. */
SG_MUST_USE int sg_bill_windows_new(struct sg_billing *b);
void sg_bill_windows_add(struct sg_billing *b, const struct sg_bill_reading *reading,
                         const struct sg_tariff_slot *slot);

/* What the meter at hand adds to exact: by its ratio, rounded to 1e-12 currency. */
__int128 sg_bill_priced_part(const struct sg_billing *b, const struct sg_bill_priced *p);

#define SG_BILL_ALL_POSTS SIZE_MAX
/* Energy of the local days [from, until), each meter after its ratio, summed. */
int64_t sg_bill_energy(struct sg_billing *b, int64_t from_day, int64_t until_day, size_t post,
                       enum sg_energy_of of);
/* Of one meter. */
int64_t sg_bill_energy_of_meter(struct sg_billing *b, size_t meter, int64_t from_day,
                                int64_t until_day, size_t post, enum sg_energy_of of);

/* floor(sqrt(n)), n >= 0. */
uint64_t sg_isqrt(unsigned __int128 n);

/* ---- lines ----------------------------------------------------------------------------------- */

struct sg_made_line {
    struct sg_bill_line line;
    size_t charge;
    size_t trace_at, trace_len;
};

/* Failures stick: after one, every call does nothing. */
struct sg_lines {
    struct sg_billing *b;
    const struct sg_tariff *t;
    const struct sg_contract *contract; /* or NULL */
    size_t charge;                      /* whose lines are being made */
    struct sg_made_line *made;
    size_t n, capacity;
    struct sg_buf trace;
    struct sg_json json; /* of the line at hand */
    bool open;
    int failure; /* negative, or an outcome */
};

/* A line's place and price. */
struct sg_line {
    const struct sg_span *span; /* NULL: the whole period */
    enum sg_bill_unit unit;
    int64_t quantity, rate;
    int64_t days, of_days; /* of_days 0: no weight */
};
/* Appends a line that is quantity x rate x weight; its trace stays open for members until the next
 * line.  fmt makes the code. */
void sg_lines_add(struct sg_lines *l, const struct sg_line *line, const char *fmt, ...)
    SG_PRINTF(3, 4);
/* One whose amount follows otherwise: numerator / denominator, in currency units. */
void sg_lines_add_exact(struct sg_lines *l, const struct sg_line *line, __int128 numerator,
                        __int128 denominator, const char *fmt, ...) SG_PRINTF(5, 6);
void sg_lines_refuse(struct sg_lines *l, int outcome);
/* Members of the trace. */
void sg_trace_int(struct sg_lines *l, const char *key, int64_t v);
void sg_trace_text(struct sg_lines *l, const char *key, const char *text);
/* INT64_MIN: null. */
void sg_trace_time(struct sg_lines *l, const char *key, int64_t unix_s);
void sg_trace_rate(struct sg_lines *l, const char *key, int64_t rate);
void sg_trace_amount(struct sg_lines *l, const char *key, int64_t minor);
/* A list of each meter's energy. */
void sg_trace_energy(struct sg_lines *l, int64_t from_day, int64_t until_day, size_t post,
                     enum sg_energy_of of);

/* Sum of the amounts of one charge's lines so far. */
int64_t sg_lines_sum(const struct sg_lines *l, size_t charge);
/* What a demand charge takes at a post (SG_BILL_ALL_POSTS: over all). */
struct sg_demand {
    uint64_t windows;     /* counted */
    int64_t measured_w;   /* the highest of them */
    int64_t at_s;         /* its begin; INT64_MIN: none */
    int64_t contracted_w; /* -1: the charge does not ask */
    int64_t ratchet_w;    /* -1: likewise */
    int64_t billed_w;
};
void sg_demand_of(struct sg_lines *l, size_t charge, size_t post, struct sg_demand *ret);

/* One a kind of charge. */
void sg_lines_energy(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_tiers(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_dynamic(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_demand(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_reactive_energy(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_reactive_demand(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_fixed(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_flag(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_minimum(struct sg_lines *l, const struct sg_tariff_charge *c);
void sg_lines_net_metering(struct sg_lines *l, const struct sg_tariff_charge *c);

/* All lines, in the tariff's order, and the trace, into the bill. */
SG_MUST_USE int sg_bill_lines(struct sg_billing *b);
/* Rates of taxes and the lighting fee in force on the last day.  0, NO_RATE. */
SG_MUST_USE int sg_bill_taxes(struct sg_billing *b);
