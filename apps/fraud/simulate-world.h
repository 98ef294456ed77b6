#pragma once
/*
 * simulate-world - the customers of a study of inspections: who steals how much, out of labels, and
 * the orders of visits, out of rankings.
 *
 * A label's energies cover a theft of so many days: end_day - start_day where both are told, else
 * stolen_days.  Customers are those with a label that the first ranking holds; who lacks in another
 * ranking comes last there.
 */
#include "labels.h"
#include "ranking-file.h"
#include "simulate.h"

#define WORLD_NAME_MAX 31

struct world_order {
    char name[WORLD_NAME_MAX + 1];
    uint32_t *order;
    size_t lacking; /* customers that this ranking does not hold */
};

struct world {
    struct sim_customer *customers;
    const struct label **labels; /* of the customers, in order of names; borrowed */
    size_t n;
    struct world_order orders[SIM_ORDERS_MAX];
    size_t n_orders;
    size_t thieves, unlabelled, unranked; /* in the ranking without a label, and the other way */
    double kwh_day;                       /* that all of them hide */
};

struct world_days {
    int32_t end_day; /* of the labels' energies, exclusive, counted as start_day is; -1: not told */
    double stolen_days;
};

/* The first ranking.  WORLD_EMPTY: no customer has a label. */
enum world_outcome { WORLD_EMPTY = 1 };
SG_MUST_USE int world_make(struct world *ret, const struct labels *labels,
                           const struct ranking_file *first, struct world_days days);
/* A ranking to compare with, at most SIM_ORDERS_MAX with the first. */
SG_MUST_USE int world_add(struct world *w, const char *name, const struct ranking_file *f);
void world_clear(struct world *w);
