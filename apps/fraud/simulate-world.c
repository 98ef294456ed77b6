#include "simulate-world.h"

#include <math.h>
#include <stdio.h>

void world_clear(struct world *w)
{
    free(w->customers);
    free(w->labels);
    for (size_t i = 0; i < w->n_orders; i++)
        free(w->orders[i].order);
    *w = (struct world){.n = 0};
}

static struct sim_customer customer_of(const struct label *l, double kwh_per_unit,
                                       struct world_days days)
{
    double stolen = days.stolen_days;
    if (!l->thief)
        return (struct sim_customer){.kwh_day = 0};
    if (l->start_day >= 0 && days.end_day > l->start_day)
        stolen = days.end_day - l->start_day;
    return (struct sim_customer){.thief = true,
                                 .days_before = stolen,
                                 .kwh_day = fmax(0, l->energy) * kwh_per_unit / stolen};
}

/* Whether a ranking holds each label; counts those that have none. */
static int mark(const struct labels *labels, const struct ranking_file *f, uint8_t **ret,
                size_t *ret_unlabelled)
{
    uint8_t *is_ranked = calloc(labels->n + 1, 1);
    size_t unlabelled = 0;
    if (!is_ranked)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < f->n; i++) {
        const struct label *l = labels_find(labels, f->list[i].id);
        if (l)
            is_ranked[l - labels->list] = 1;
        else
            unlabelled++;
    }
    *ret = is_ranked;
    *ret_unlabelled = unlabelled;
    return 0;
}

int world_make(struct world *ret, const struct labels *labels, const struct ranking_file *first,
               struct world_days days)
{
    SG_CLEANUP(world_clear) struct world w = {.n = 0};
    SG_FREE uint8_t *is_ranked = NULL;
    int r = mark(labels, first, &is_ranked, &w.unlabelled);
    if (r)
        return r;
    w.customers = calloc(labels->n + 1, sizeof(*w.customers));
    w.labels = calloc(labels->n + 1, sizeof(*w.labels));
    if (!w.customers || !w.labels)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < labels->n; i++) {
        if (!is_ranked[i])
            continue;
        w.customers[w.n] = customer_of(&labels->list[i], labels->kwh, days);
        w.thieves += w.customers[w.n].thief;
        w.kwh_day += w.customers[w.n].kwh_day;
        w.labels[w.n++] = &labels->list[i];
    }
    w.unranked = labels->n - w.n;
    if (w.n == 0)
        return WORLD_EMPTY;
    r = world_add(&w, "ranking", first);
    if (r)
        return r;
    *ret = w;
    w = (struct world){.n = 0};
    return 0;
}

static int by_name(const void *name, const void *label)
{
    return strcmp(name, (*(const struct label *const *)label)->id);
}

int world_add(struct world *w, const char *name, const struct ranking_file *f)
{
    SG_FREE uint32_t *order = calloc(w->n, sizeof(*order));
    SG_FREE uint8_t *is_there = calloc(w->n, 1);
    struct world_order *to = &w->orders[w->n_orders];
    size_t n = 0;
    if (w->n_orders == SIM_ORDERS_MAX)
        return sg_raisef(-E2BIG, "more than %d rankings", SIM_ORDERS_MAX);
    if (!order || !is_there)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < f->n; i++) {
        const struct label **l =
            bsearch(f->list[i].id, w->labels, w->n, sizeof(const struct label *), by_name);
        if (!l)
            continue;
        order[n++] = (uint32_t)(l - w->labels);
        is_there[l - w->labels] = 1;
    }
    *to = (struct world_order){.lacking = w->n - n};
    for (uint32_t i = 0; i < w->n; i++)
        if (!is_there[i])
            order[n++] = i;
    snprintf(to->name, sizeof(to->name), "%s", name);
    to->order = TAKE_PTR(order);
    w->n_orders++;
    return 0;
}
