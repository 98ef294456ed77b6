#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <sealgrid/base/file.h>

#include "simulate-main.h"
#include "simulate-report.h"

#define N 1000

static struct sim_customer customers[N];
static uint32_t order[N];
static double got[SIM_N_FIGURES];

/* Every tenth steals 10 kWh a day, since 20 days; the order is that of their numbers. */
static void make_fleet(void)
{
    for (uint32_t i = 0; i < N; i++) {
        order[i] = i;
        customers[i] = (struct sim_customer){
            .thief = i % 10 == 0, .kwh_day = i % 10 ? 0 : 10, .days_before = i % 10 ? 0 : 20};
    }
}

static struct sim_campaign certain(void)
{
    return (struct sim_campaign){.weeks = 2,
                                 .attempts = 1,
                                 .horizon_days = 100,
                                 .visits_week = 10,
                                 .visit_cost = 50,
                                 .kwh_price = 2,
                                 .billed_share = 0.5};
}

struct log {
    uint32_t index[64], day[64];
    enum sim_outcome outcome[64];
    size_t n;
};

static int keep(void *user, uint32_t index, uint32_t day, enum sim_outcome outcome)
{
    struct log *l = user;
    assert_true(l->n < 64);
    l->index[l->n] = index;
    l->day[l->n] = day;
    l->outcome[l->n++] = outcome;
    return 0;
}

/* Two visits on each of ten working days: numbers 0 to 19, thieves 0 (day 0) and 10 (Monday of the
 * second week, day 7).  10 x (100 + 0.5 x 20) + 10 x (93 + 0.5 x 27) = 2165 kWh. */
static void a_campaign_without_chance(void **state)
{
    (void)state;
    const struct sim_campaign c = certain();
    struct log l = {.n = 0};
    make_fleet();
    assert_int_equal(sim_campaign_run(customers, N, order, &c, 1, keep, &l, got), 0);
    assert_int_equal(l.n, 20);
    assert_int_equal(l.day[9], 4);
    assert_int_equal(l.day[10], 7);
    assert_int_equal(l.index[19], 19);
    assert_int_equal(l.outcome[10], SIM_FOUND);
    assert_int_equal(l.outcome[11], SIM_REGULAR);
    assert_true(got[SIM_visits] == 20 && got[SIM_found] == 2);
    assert_true(fabs(got[SIM_hit_rate] - 0.1) < 1e-12 && fabs(got[SIM_lift] - 1) < 1e-12);
    assert_true(fabs(got[SIM_found_share] - 0.02) < 1e-12);
    assert_true(fabs(got[SIM_kwh] - 2165) < 1e-9);
    assert_true(fabs(got[SIM_money] - (2165 * 2 - 20 * 50)) < 1e-9);
}

/* Seven visits a week over five days: 1, 1, 2, 1, 2. */
static void visits_are_spread_over_the_week(void **state)
{
    (void)state;
    static const uint32_t days[7] = {0, 1, 2, 2, 3, 4, 4};
    struct sim_campaign c = certain();
    struct log l = {.n = 0};
    make_fleet();
    c.weeks = 1;
    c.visits_week = 7;
    assert_int_equal(sim_campaign_run(customers, N, order, &c, 1, keep, &l, got), 0);
    assert_int_equal(l.n, 7);
    assert_memory_equal(l.day, days, sizeof(days));
}

/* Nobody ever opens: each is tried `attempts` times, `retry_days` apart, and nothing is found. */
static void who_was_not_at_home_is_visited_again(void **state)
{
    (void)state;
    struct sim_campaign c = certain();
    struct log l = {.n = 0};
    make_fleet();
    c.no_access = 1;
    c.attempts = 3;
    c.retry_days = 7;
    c.weeks = 3;
    c.visits_week = 2;
    assert_int_equal(sim_campaign_run(customers, N, order, &c, 1, keep, &l, got), 0);
    assert_int_equal(l.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(l.index[i], i % 2);
        assert_int_equal(l.day[i] / 7, i / 2);
    }
    assert_true(got[SIM_found] == 0 && got[SIM_kwh] == 0 && isnan(got[SIM_hit_rate]));
    assert_true(got[SIM_money] == -6 * 50);
    c.weeks = 5;
    l.n = 0;
    assert_int_equal(sim_campaign_run(customers, N, order, &c, 1, keep, &l, got), 0);
    assert_int_equal(l.index[6], 2); /* three visits were enough */
}

/* More visits than customers: each once, then nobody. */
static void a_campaign_ends_with_the_customers(void **state)
{
    (void)state;
    struct sim_campaign c = certain();
    make_fleet();
    c.visits_week = 1e6;
    assert_int_equal(sim_campaign_run(customers, N, order, &c, 1, NULL, NULL, got), 0);
    assert_true(got[SIM_visits] == N && got[SIM_found] == N / 10 && got[SIM_found_share] == 1);
}

static void limits_are_kept(void **state)
{
    (void)state;
    make_fleet();
    for (int i = 0; i < 8; i++) {
        struct sim_campaign c = certain();
        switch (i) {
        case 0:
            c.weeks = 0;
            break;
        case 1:
            c.no_access = 1.1;
            break;
        case 2:
            c.missed = NAN;
            break;
        case 3:
            c.billed_share = -1;
            break;
        case 4:
            c.visits_week = 0;
            break;
        case 5:
            c.attempts = SIM_ATTEMPTS_MAX + 1;
            break;
        case 6:
            c.visit_cost = INFINITY;
            break;
        default:
            c.horizon_days = SIM_DAYS_MAX + 1;
        }
        assert_int_equal(sim_campaign_run(customers, N, order, &c, 1, NULL, NULL, got), -EINVAL);
    }
}

static uint32_t thieves_first[N];
static const double capacities[] = {5, 50};

static struct sim_study study(void)
{
    size_t at = 0;
    make_fleet();
    for (int thieves = 1; thieves >= 0; thieves--)
        for (uint32_t i = 0; i < N; i++)
            if (customers[i].thief == thieves)
                thieves_first[at++] = i;
    return (struct sim_study){.customers = customers,
                              .n = N,
                              .orders = {thieves_first, order},
                              .n_orders = 2,
                              .campaign = certain(),
                              .capacities = capacities,
                              .n_capacities = 2,
                              .rounds = 100,
                              .seed = 7};
}

/* Rows: thieves first, by number, random, best.  A thief in ten; the first ranking is perfect, so
 * that it is the best there is; orders without knowledge find one in ten. */
static void orders_are_told_apart(void **state)
{
    (void)state;
    struct sim_study s = study();
    struct sim_result *r = NULL, *again = NULL;
    s.campaign.missed = 0.2;
    assert_int_equal(sim_study_run(&s, &r), 0);
    assert_int_equal(sim_study_run(&s, &again), 0);
    assert_memory_equal(r, again, 8 * sizeof(*r));
    const struct sim_interval *best = r[3 * 2 + 1].figure, *random = r[2 * 2 + 1].figure;
    assert_memory_equal(&r[1], &r[3 * 2 + 1], sizeof(*r));
    assert_true(best[SIM_hit_rate].mean > 0.6 && best[SIM_hit_rate].mean < 0.85);
    assert_true(best[SIM_lift].mean > 6 && best[SIM_lift].mean < 11);
    assert_true(random[SIM_lift].mean > 0.88 && random[SIM_lift].mean < 1.12);
    assert_true(random[SIM_hit_rate].mean > 0.06 && random[SIM_hit_rate].mean < 0.1);
    assert_true(random[SIM_hit_rate].low < random[SIM_hit_rate].mean &&
                random[SIM_hit_rate].mean < random[SIM_hit_rate].high);
    assert_true(best[SIM_kwh].low > random[SIM_kwh].high);
    assert_true(r[0].figure[SIM_found].mean < r[1].figure[SIM_found].mean);
    s.seed = 8;
    free(again);
    assert_int_equal(sim_study_run(&s, &again), 0);
    assert_memory_not_equal(r, again, 8 * sizeof(*r));
    free(r);
    free(again);
    s.rounds = 0;
    assert_int_equal(sim_study_run(&s, &r), -EINVAL);
}

/* ---- files --------------------------------------------------------------------------------- */

static char why[RANKING_FILE_WHY_MAX];

static int parse(struct ranking_file *f, const char *text)
{
    ranking_file_clear(f);
    return ranking_file_parse(f, sg_bytes_str(text), why);
}

static void a_ranking_is_read_again(void **state)
{
    (void)state;
    SG_CLEANUP(ranking_file_clear) struct ranking_file f = {.list = NULL};
    assert_int_equal(parse(&f, "customer,score,rank,reasons\nb,1.5,2,x\n'=a,2.5,1,\"y, z\"\r\n"
                               "\"c,d\",-1e300,3,not judged\n"),
                     0);
    assert_int_equal(f.n, 3);
    assert_string_equal(f.list[0].id, "=a");
    assert_string_equal(f.list[2].id, "c,d");
    static const struct {
        const char *text, *why;
    } bad[] = {{"", "no customer"},
               {"customer,score\n", "no customer"},
               {"customer,rank\na,1\n", "line 1"},
               {"score,customer\nx,a\n", "line 2, column 1: score"},
               {"score,customer\nnan,a\n", "line 2, column 1: score"},
               {"score,customer\n1,a\n2\n", "line 3, column 2: customer"},
               {"customer,score\na,1\nb,2\na,3\n", "lines 2 and 4"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse(&f, bad[i].text), RANKING_FILE_BAD);
        assert_non_null(strstr(why, bad[i].why));
    }
}

static struct labels labels;
static struct world world;

/* a steals 60 of 100 kWh over the 30 days from 60 to 90; b has no start: over stolen_days. */
static void make_world(void)
{
    SG_CLEANUP(ranking_file_clear) struct ranking_file f = {.list = NULL};
    const struct world_days days = {.end_day = 90, .stolen_days = 10};
    assert_int_equal(labels_parse(&labels,
                                  sg_bytes_str("customer,label,start_day,true_wh,reported_wh\n"
                                               "a,1,60,100000,40000\nb,1,-1,3000,2000\n"
                                               "c,0,-1,1,1\nd,0,-1,1,1\nz,1,-1,2,1\n"),
                                  why),
                     0);
    assert_int_equal(parse(&f, "customer,score\nd,4\na,3\nx,2\nb,1\nc,0\n"), 0);
    assert_int_equal(world_make(&world, &labels, &f, days), 0);
    assert_int_equal(parse(&f, "customer,score\nb,2\na,1\n"), 0);
    assert_int_equal(world_add(&world, "drop", &f), 0);
}

static void a_world_of_labels_and_rankings(void **state)
{
    (void)state;
    static const uint32_t by_ranking[] = {3, 0, 1, 2}, by_drop[] = {1, 0, 2, 3};
    make_world();
    assert_int_equal(world.n, 4);
    assert_int_equal(world.thieves, 2);
    assert_int_equal(world.unlabelled, 1);
    assert_int_equal(world.unranked, 1);
    assert_true(fabs(world.customers[0].kwh_day - 2) < 1e-12);
    assert_true(world.customers[0].days_before == 30);
    assert_true(fabs(world.customers[1].kwh_day - 0.1) < 1e-12);
    assert_memory_equal(world.orders[0].order, by_ranking, sizeof(by_ranking));
    assert_memory_equal(world.orders[1].order, by_drop, sizeof(by_drop));
    assert_int_equal(world.orders[1].lacking, 2);
    world_clear(&world);
    labels_clear(&labels);
}

static void a_study_as_json_and_page(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SIM_PAGE_MAX);
    const double asked[] = {1, 2, 3, 4, 5, 6};
    struct sim_result *results;
    make_world();
    snprintf(world.orders[1].name, sizeof(world.orders[1].name), "<b>\"&");
    const struct sim_study s = {.customers = world.customers,
                                .n = world.n,
                                .orders = {world.orders[0].order, world.orders[1].order},
                                .n_orders = 2,
                                .campaign = certain(),
                                .capacities = asked,
                                .n_capacities = 6,
                                .rounds = 20};
    assert_int_equal(sim_study_run(&s, &results), 0);
    const struct sim_report r = {.world = &world,
                                 .study = &s,
                                 .results = results,
                                 .asked = 4,
                                 .currency = "BRL",
                                 .language = SG_PT_BR};
    assert_int_equal(sim_report_json(&r, &b), 0);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_non_null(strstr((const char *)b.data, "\"thieves\":2"));
    assert_non_null(strstr((const char *)b.data, "\"random\":{\"asked\":{\"visits_week\":5"));
    sg_buf_reset(&b);
    assert_int_equal(sim_report_page(&r, &b), 0);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_null(strstr((const char *)b.data, "<b>"));
    assert_non_null(strstr((const char *)b.data, "&lt;b&gt;&quot;&amp;"));
    assert_non_null(
        strstr((const char *)b.data, "data-figure=\"orders.random.asked.hit_rate.mean"));
    free(results);
    world_clear(&world);
    labels_clear(&labels);
}

static void write_file(char path[64], const char *name, const char *content)
{
    snprintf(path, 64, "/tmp/sealgrid-simulate-%d-%s", (int)getpid(), name);
    assert_int_equal(sg_file_write_atomic(path, sg_bytes_str(content), 0600), 0);
}

static int simulate(const char *ranking, const char *truth, const char *json, const char *visits)
{
    const char *argv[] = {"simulate-inspections",
                          "--ranking",
                          ranking,
                          "--labels",
                          truth,
                          "--json",
                          json,
                          "--per",
                          "day",
                          "--rounds",
                          "5",
                          "--capacities",
                          visits,
                          NULL};
    return simulate_main(13, (char **)(uintptr_t)argv);
}

/* Capacities told one by one: rising numbers, a day's as five times as many a week. */
static void capacities_are_told_one_by_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    static const char *const bad[] = {"", "x", "2,1", "1,,2", "0", "1 2", "1,"};
    char ranking[64], truth[64], json[64];
    write_file(ranking, "ranking", "customer,score\na,3\nb,2\nc,1\n");
    write_file(truth, "labels", "customer,label\na,1\nb,0\nc,0\n");
    write_file(json, "json", "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(simulate(ranking, truth, json, bad[i]), 2);
    assert_int_equal(simulate(ranking, truth, json, "1,3"), 0);
    assert_int_equal(sg_file_read(json, &b), 0);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_non_null(strstr((const char *)b.data, "\"asked\":{\"visits_week\":5,"));
    assert_non_null(strstr((const char *)b.data, "{\"visits_week\":15,"));
    assert_null(strstr((const char *)b.data, "{\"visits_week\":10,"));
    unlink(ranking);
    unlink(truth);
    unlink(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_campaign_without_chance),
        cmocka_unit_test(visits_are_spread_over_the_week),
        cmocka_unit_test(who_was_not_at_home_is_visited_again),
        cmocka_unit_test(a_campaign_ends_with_the_customers),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(orders_are_told_apart),
        cmocka_unit_test(a_ranking_is_read_again),
        cmocka_unit_test(a_world_of_labels_and_rankings),
        cmocka_unit_test(a_study_as_json_and_page),
        cmocka_unit_test(capacities_are_told_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
