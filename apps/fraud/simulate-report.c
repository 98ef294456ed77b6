#include "simulate-report.h"
#include "report-put.h"

#include <stdio.h>

const char *sim_report_order_name(const struct sim_report *r, size_t row)
{
    const size_t given = r->world->n_orders;
    return row < given ? r->world->orders[row].name : row == given ? "random" : "best";
}

const struct sim_result *sim_report_at(const struct sim_report *r, size_t row, size_t capacity)
{
    return &r->results[row * r->study->n_capacities + capacity];
}

/* {"visits_week": 20, "hit_rate": {"mean", "low", "high"}, ...} */
static void put_result(struct sg_json *j, const struct sim_report *r, size_t row, size_t capacity)
{
    const struct sim_result *one = sim_report_at(r, row, capacity);
    sg_json_object(j);
    put_number(j, "visits_week", r->study->capacities[capacity]);
    for (size_t f = 0; f < SIM_N_FIGURES; f++) {
        sg_json_key(j, sim_figure_names[f]);
        sg_json_object(j);
        put_number(j, "mean", one->figure[f].mean);
        put_number(j, "low", one->figure[f].low);
        put_number(j, "high", one->figure[f].high);
        sg_json_end_object(j);
    }
    sg_json_end_object(j);
}

static void put_orders(struct sg_json *j, const struct sim_report *r)
{
    sg_json_key(j, "orders");
    sg_json_object(j);
    for (size_t row = 0; row < r->world->n_orders + 2; row++) {
        sg_json_key(j, sim_report_order_name(r, row));
        sg_json_object(j);
        sg_json_key(j, "asked");
        put_result(j, r, row, r->asked);
        sg_json_key(j, "curve");
        sg_json_array(j);
        for (size_t i = 0; i < r->study->n_capacities; i++)
            put_result(j, r, row, i);
        sg_json_end_array(j);
        if (row < r->world->n_orders)
            put_count(j, "lacking", r->world->orders[row].lacking);
        sg_json_end_object(j);
    }
    sg_json_end_object(j);
}

static void put_campaign(struct sg_json *j, const struct sim_report *r)
{
    const struct sim_campaign *c = &r->study->campaign;
    sg_json_key(j, "campaign");
    sg_json_object(j);
    put_number(j, "visits_week", r->study->capacities[r->asked]);
    put_count(j, "weeks", c->weeks);
    put_number(j, "no_access", c->no_access);
    put_number(j, "missed", c->missed);
    put_count(j, "attempts", c->attempts);
    put_count(j, "retry_days", c->retry_days);
    put_count(j, "horizon_days", c->horizon_days);
    put_number(j, "billed_share", c->billed_share);
    put_number(j, "visit_cost", c->visit_cost);
    put_number(j, "kwh_price", c->kwh_price);
    sg_json_key(j, "currency");
    sg_json_str(j, r->currency);
    sg_json_end_object(j);
}

int sim_report_json(const struct sim_report *r, struct sg_buf *b)
{
    const struct world *w = r->world;
    struct sg_json j;
    sg_json_init(&j, b);
    sg_json_object(&j);
    put_count(&j, "customers", w->n);
    put_count(&j, "thieves", w->thieves);
    put_number(&j, "base_rate", (double)w->thieves / (double)w->n);
    put_number(&j, "hidden_kwh_day", w->kwh_day);
    put_count(&j, "ranked_without_label", w->unlabelled);
    put_count(&j, "labels_without_rank", w->unranked);
    put_campaign(&j, r);
    put_orders(&j, r);
    put_count(&j, "rounds", r->study->rounds);
    put_number(&j, "interval_level", 0.95);
    put_count(&j, "seed", r->study->seed);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static void print_one(const struct sim_report *r, size_t row, size_t capacity)
{
    const struct sim_interval *f = sim_report_at(r, row, capacity)->figure;
    printf("%-14s %7.1f %9.1f %7.1f %%  [%.1f, %.1f] %7.2f %12.0f %14.0f\n",
           sim_report_order_name(r, row), f[SIM_visits].mean, f[SIM_found].mean,
           100 * f[SIM_hit_rate].mean, 100 * f[SIM_hit_rate].low, 100 * f[SIM_hit_rate].high,
           f[SIM_lift].mean, f[SIM_kwh].mean, f[SIM_money].mean);
}

static void print_table(const struct sim_report *r, size_t capacity)
{
    printf("%zu customers, %zu thieves; %.1f visits a week for %u weeks; %u rounds, 95 %% "
           "intervals\n",
           r->world->n, r->world->thieves, r->study->capacities[capacity], r->study->campaign.weeks,
           r->study->rounds);
    printf("%-14s %7s %9s %22s %12s %12s %14s\n", "order", "visits", "found", "hit rate", "lift",
           "kWh", r->currency);
    for (size_t row = 0; row < r->world->n_orders + 2; row++)
        print_one(r, row, capacity);
}

void sim_report_print(const struct sim_report *r)
{
    if (!r->each)
        print_table(r, r->asked);
    for (size_t i = 0; r->each && i < r->study->n_capacities; i++)
        print_table(r, i);
}
