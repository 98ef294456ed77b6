#pragma once
/*
 * balance-int - the parts of balance.c, in the order in which they work:
 *
 *   data    which readings count; gaps filled; the transformer's clock set right
 *   within  what is usual at its hour, and its day's level, taken out of every series
 *   sums    products of all series with each other, by part of the days
 *   solve   least squares over a few chosen columns with coefficients within bounds
 *   share   customers whose load goes with the loss: a share of it passes by
 *   fall    customers whose fall goes with the loss's rise: hours off, peaks cut, all of it
 *   level   losses of the transformer, what is left, what is wrong with the transformer itself
 *
 * A series is a row of in->n_intervals values.  Parts: 0 is the past, 1.. are equal runs of judged
 * days; a theft begins with one of them.
 */
#include <sealgrid/fraud/balance.h>

#include <stdint.h>

enum {
    BALANCE_STARTS_MAX = 5,
    BALANCE_PARTS_MAX = BALANCE_STARTS_MAX + 1,
    BALANCE_OPEN_MAX = 96,
    BALANCE_SLOTS_MAX = 2 * 96,
};

/* What is a hint alone stays below this, where one half of sureness is 1. */
#define BALANCE_HINT_MOST 0.6

bool balance_input_is_valid(const struct sg_balance_input *in);

/* ---- data ----------------------------------------------------------------------------------- */

struct balance_data {
    const struct sg_balance_input *in;
    size_t days, parts, first_part; /* first_part: 1 where there is no past */
    size_t rows;                    /* intervals that count: from first_part on */
    size_t judged;                  /* of them after the past */
    size_t lacking;                 /* judged intervals without the transformer's reading */
    int shift;                      /* intervals by which its clock is late */
    bool *used;                     /* by customer */
    float *then, *usual;            /* by customer and slot: mean of past, of judged; NAN: none */
    float *of, *sum, *left; /* transformer; customers; the difference, NAN: does not count */
};

/* 0, SG_BALANCE_TOO_FEW, -ENOMEM.  Cleared by the caller in any case. */
SG_MUST_USE int balance_data_make(struct balance_data *ret, const struct sg_balance_input *in);
void balance_data_clear(struct balance_data *d);
/* Days and parts of d->in alone. */
void balance_data_part(struct balance_data *d);
/* Interval of the day; those of Saturday and Sunday after those of the others. */
size_t balance_slot(const struct sg_balance_input *in, size_t t);
/* First interval of a part; of d->parts: the end. */
size_t balance_part_begins(const struct balance_data *d, size_t part);
/* A customer's load, a gap filled by what is usual. */
float balance_load(const struct balance_data *d, size_t j, size_t t);

/* ---- within --------------------------------------------------------------------------------- */

/* In place; 0 where the interval does not count. */
void balance_within(const struct balance_data *d, float *series);

/* ---- sums ----------------------------------------------------------------------------------- */

/* Series: the customers, then these.  LEFT is the left-hand side. */
enum { BALANCE_SUM, BALANCE_SQUARE, BALANCE_LEFT, BALANCE_OTHERS };

struct balance_sums {
    const struct balance_data *d;
    size_t m;        /* series */
    double t2_scale; /* of SQUARE */
    float *z, *left; /* series, m rows; left as it is now, outliers cut */
    double *h;       /* by part: m x m sums of products from that part on */
    double left2;
};

SG_MUST_USE int balance_sums_make(struct balance_sums *ret, const struct balance_data *d);
void balance_sums_clear(struct balance_sums *s);
/* Products with left, after it changed. */
void balance_sums_left(struct balance_sums *s);
/* Sum of products of two series over n values: eight partial sums, same bits everywhere. */
void balance_products(const float *a, const float *const b[4], size_t n, double ret[4]);

/* ---- solve ---------------------------------------------------------------------------------- */

/* A series from a part on, 0 before. */
struct balance_column {
    size_t series, part;
};

struct balance_fit {
    const struct balance_sums *sums;
    size_t n;
    struct balance_column open[BALANCE_OPEN_MAX];
    double x[BALANCE_OPEN_MAX], low[BALANCE_OPEN_MAX], high[BALANCE_OPEN_MAX];
    double g[BALANCE_OPEN_MAX];
    double h[BALANCE_OPEN_MAX][BALANCE_OPEN_MAX];
};

double balance_product(const struct balance_sums *s, struct balance_column a,
                       struct balance_column b);
/* Opens a column, with coefficient 0.  f->n < BALANCE_OPEN_MAX. */
void balance_open(struct balance_fit *f, struct balance_column c, double low, double high);
bool balance_is_open(const struct balance_fit *f, struct balance_column c);
/* Least squares within the bounds, from x on. */
void balance_descend(struct balance_fit *f);
/* Sum of squared residuals. */
double balance_rss(const struct balance_fit *f);
/* Of a column with what is left. */
double balance_slope(const struct balance_fit *f, struct balance_column c);

/* ---- share ---------------------------------------------------------------------------------- */

struct balance_share {
    struct balance_fit fit;
    double variance, sigma; /* of a residual; kWh */
    float *rest;            /* what no column explains, outliers cut; 0 where it does not count */
};

SG_MUST_USE int balance_share_fit(struct balance_share *ret, struct balance_sums *sums);
void balance_share_clear(struct balance_share *s);
/* What the columns leave of the difference as it was measured, outliers and all; NAN where an
 * interval does not count. */
void balance_share_rest(const struct balance_share *s, float *ret);
/* Coefficient of a series in a part of the days, all its columns together. */
double balance_weight(const struct balance_fit *f, size_t series, size_t part);
/* Weight, sureness and correlation of each customer. */
SG_MUST_USE int balance_share_judge(struct balance_share *s, struct sg_balance_customer *ret);

/* What the transformer's meter counts of what passes: 1, or the course and the level of the loss
 * are both proportional to the sum of the customers. */
double balance_ratio(const struct balance_data *d, const struct balance_fit *f);

/* Do many customers draw what the transformer's meter does not see? */
bool balance_phase_lacks(const struct balance_data *d, const struct sg_balance_customer *c);

/* ---- fall ----------------------------------------------------------------------------------- */

/* Judges customers whom balance_share_judge is not sure of; kwh is set where a fall is told. */
SG_MUST_USE int balance_fall_judge(const struct balance_data *d, const struct balance_fit *f,
                                   struct sg_balance_customer *ret);

/* ---- level ---------------------------------------------------------------------------------- */

void balance_level(const struct balance_data *d, const struct balance_share *s,
                   struct sg_balance_customer *customers, struct sg_balance_result *ret);
