#pragma once
/*
 * simulate - what campaigns of inspections would find, by which order of visits, for how many
 * visits a week.
 *
 * A campaign begins on a Monday, day 0, with a fixed order of visits, and lasts `weeks`; visits are
 * made on working days, `visits_week` of them a week, evenly over its days.  A visit costs
 * `visit_cost` and ends in one of three ways:
 *
 *   no access   with probability no_access; the customer is visited again after retry_days, before
 *               those not visited yet, until `attempts` visits were made
 *   found       a thief, with probability 1 - missed
 *   regular     an honest customer, or a thief that was missed
 *
 * A theft of k kWh a day that had gone on for b days when the campaign began and is found on day t
 * recovers
 *
 *   stopped  k (horizon_days - t)           what would have been hidden until the horizon
 *   billed   k (b + t) billed_share         what is billed and paid for the time before
 *
 * hit rate = found / (found + regular); lift = hit rate / (share of thieves among the customers x
 * (1 - missed)), the expected hit rate of visits at random; found share = found / thieves; money =
 * (stopped + billed) kwh_price - visits visit_cost.
 *
 * A round draws as many customers as there are, with replacement (another fleet like this one), and
 * the chance of every visit; all orders are tried on the same customers.  Every figure comes as the
 * mean over the rounds with the percentiles 2.5 and 97.5.  Same world, orders, campaign, rounds and
 * seed: same bits.
 *
 * Borrows everything for the call.  Any thread.
 */
#include <sealgrid/base/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_customer {
    double kwh_day;     /* hidden a day, >= 0; 0 of the honest */
    double days_before; /* since when, on day 0 */
    bool thief;
};

struct sim_campaign {
    uint32_t weeks, attempts, retry_days, horizon_days;
    double visits_week;           /* above 0 */
    double no_access, missed;     /* 0..1 */
    double visit_cost, kwh_price; /* in one currency */
    double billed_share;          /* 0..1 */
};
#define SIM_WEEKS_MAX    520
#define SIM_ATTEMPTS_MAX 10
#define SIM_DAYS_MAX     36600
#define SIM_VISITS_MAX   1e7 /* a week */

/* F(name): the figures of a campaign. */
#define SIM_FIGURES(F) F(visits) F(found) F(hit_rate) F(lift) F(found_share) F(kwh) F(money)
enum sim_figure {
#define F(name) SIM_##name,
    SIM_FIGURES(F)
#undef F
        SIM_N_FIGURES
};
extern const char *const sim_figure_names[SIM_N_FIGURES];

struct sim_interval {
    double mean, low, high;
};

struct sim_result {
    struct sim_interval figure[SIM_N_FIGURES];
};

enum sim_outcome { SIM_NO_ACCESS, SIM_FOUND, SIM_REGULAR };

/* One visit of customer number `index`; other than 0 ends the campaign. */
typedef int (*sim_visit_fn)(void *user, uint32_t index, uint32_t day, enum sim_outcome outcome);

/* One campaign over the customers themselves, in this order (n distinct numbers of customers).
 * visit may be NULL.  ret: one value a figure. */
SG_MUST_USE int sim_campaign_run(const struct sim_customer *customers, size_t n,
                                 const uint32_t *order, const struct sim_campaign *c, uint64_t seed,
                                 sim_visit_fn visit, void *user, double ret[SIM_N_FIGURES]);

/* Orders of visits that are tried beside those that are given. */
#define SIM_ORDERS_MAX 8
struct sim_study {
    const struct sim_customer *customers;
    size_t n;                               /* 1..SIM_CUSTOMERS_MAX */
    const uint32_t *orders[SIM_ORDERS_MAX]; /* each all n numbers, first visited first */
    size_t n_orders;
    struct sim_campaign campaign; /* visits_week is taken from below */
    const double *capacities;     /* visits a week */
    size_t n_capacities;
    uint32_t rounds; /* 1..SIM_ROUNDS_MAX */
    uint64_t seed;
};
#define SIM_CUSTOMERS_MAX 50000000u
#define SIM_ROUNDS_MAX    10000u

/* ret[(order * n_capacities + capacity)] for the given orders, then for the random order and for
 * the best there is (thieves by kwh_day, then the others by their number): n_orders + 2 rows.  The
 * caller frees it.  -EINVAL: past a limit. */
SG_MUST_USE int sim_study_run(const struct sim_study *s, struct sim_result **ret);
