#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/full-file.h>

#include "fleet.h"
#include "labels.h"
#include "report.h"

#define CUSTOMERS 60
#define DAYS      40 /* 30 regular, 10 recent */

static char path[64];

/* The shape of the customer's own, with noise; customers divisible by 10 report it backwards from
 * day 30 on. */
static int put_day(struct sg_buf *b, int customer, int day, struct sg_prng *p)
{
    int r = sg_buf_printf(b, "c%d,%d,%d", customer, day, day % 7);
    for (int h = 0; r == 0 && h < 24; h++) {
        const int hour = customer % 10 == 0 && day >= 30 ? 23 - h : h;
        const double shape = 2 + sin(hour * 0.4 + customer) + hour * 0.05;
        r = sg_buf_printf(b, ",%.3f", shape * (0.9 + 0.2 * sg_prng_unit(p)) * (1 + customer % 7));
    }
    return r ? r : sg_buf_printf(b, "\n");
}

/* c7 has five days, c8 none that is complete. */
static int write_fleet(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(16 << 20);
    struct sg_prng p;
    (void)state;
    snprintf(path, sizeof(path), "/tmp/sealgrid-fraud-fleet-%d.csv", (int)getpid());
    int r = sg_buf_printf(&b, "customer,day,weekday");
    sg_prng_seed(&p, 5);
    for (int h = 0; r == 0 && h < 24; h++)
        r = sg_buf_printf(&b, ",h%02d", h);
    if (r == 0)
        r = sg_buf_printf(&b, "\n");
    for (int c = 0; r == 0 && c < CUSTOMERS; c++)
        for (int day = c == 7 ? 35 : 0; r == 0 && day < DAYS; day++)
            r = c == 8 ? sg_buf_printf(&b, "c8,%d,%d,,,,,,,,,,,,,,,,,,,,,,,,\n", day, day % 7)
                       : put_day(&b, c, day, &p);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&b), 0600);
}

static struct plan plan_of(enum plan_mode mode)
{
    return (struct plan){.mode = mode,
                         .fixed = true,
                         .windows = {{0, 29}, {30, 39}},
                         .least_reference = 7,
                         .least_recent = 3};
}

/* Trains if the mode wants it, then scores. */
static void run(const struct plan *plan, unsigned threads, const char *only, size_t pictures,
                struct fleet_result *ret)
{
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(sg_som_freep) struct sg_som *map = NULL;
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *full = NULL;
    assert_int_equal(source_file_open(&s, path, plan_span(plan)), 0);
    struct fleet f = {.plan = plan,
                      .source = s,
                      .threads = threads,
                      .seed = 1,
                      .repeats = 1,
                      .trees = 20,
                      .pictures = pictures};
    double error = 0;
    if (plan->mode == MODE_PAPER) {
        assert_int_equal(fleet_train(&f, &map, &error), 0);
        assert_true(error > 0);
    }
    if (plan->mode == MODE_FULL) {
        assert_int_equal(fleet_learn(&f, &full), 0);
        f.full = full;
    }
    f.only = only; /* a model comes from all */
    assert_int_equal(fleet_score(&f, map, ret), 0);
}

static void assert_same(const struct fleet_result *a, const struct fleet_result *b)
{
    assert_int_equal(a->ranking.n, b->ranking.n);
    for (size_t i = 0; i < a->ranking.n; i++) {
        const struct line *x = &a->ranking.lines[i], *y = &b->ranking.lines[i];
        assert_string_equal(x->id, y->id);
        assert_memory_equal(&x->score, &y->score, sizeof(x->score));
        assert_memory_equal(&x->likeness, &y->likeness, sizeof(x->likeness));
        assert_int_equal(x->class_then, y->class_then);
        assert_int_equal(x->class_now, y->class_now);
    }
    assert_int_equal(a->n_suspects, b->n_suspects);
    /* The context knows by how much days were renumbered; all before it is in the source's days. */
    for (size_t i = 0; i < a->n_suspects; i++)
        assert_memory_equal(&a->suspects[i].picture, &b->suspects[i].picture,
                            offsetof(struct picture, context));
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    for (enum plan_mode mode = MODE_CORRELATION; mode <= MODE_FULL; mode++) {
        const struct plan plan = plan_of(mode);
        SG_CLEANUP(fleet_result_clear) struct fleet_result one = {.suspects = NULL};
        run(&plan, 1, NULL, 9, &one);
        for (unsigned threads = 2; threads <= 5; threads += 3) {
            SG_CLEANUP(fleet_result_clear) struct fleet_result more = {.suspects = NULL};
            run(&plan, threads, NULL, 9, &more);
            assert_same(&one, &more);
        }
    }
}

static void thieves_come_first_and_the_unjudged_last(void **state)
{
    (void)state;
    for (enum plan_mode mode = MODE_CORRELATION; mode <= MODE_FULL; mode++) {
        const struct plan plan = plan_of(mode);
        SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
        run(&plan, 2, NULL, 3, &got);
        const struct ranking *r = &got.ranking;
        assert_int_equal(r->n, CUSTOMERS);
        assert_int_equal(r->n_unjudged, 2);
        for (size_t i = 0; i < 6; i++) /* c0, c10, .. c50 */
            assert_int_equal(r->lines[i].id[strlen(r->lines[i].id) - 1], '0');
        assert_string_equal(r->lines[58].id, "c8"); /* lacks more days than c7 */
        assert_int_equal(r->lines[58].unjudged, NO_DAYS);
        assert_string_equal(r->lines[59].id, "c7");
        assert_int_equal(r->lines[59].unjudged, FEW_REFERENCE);
        assert_int_equal(got.incomplete, DAYS);
        assert_int_equal(got.n_suspects, 3);
        for (size_t i = 0; i < 3; i++)
            assert_string_equal(got.suspects[i].id, r->lines[i].id);
    }
}

/* The score of the file form, as libs/fraud has it. */
static void correlation_is_that_of_the_library(void **state)
{
    (void)state;
    const struct plan plan = plan_of(MODE_CORRELATION);
    SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
    SG_CLEANUP(source_freep) struct source *s = NULL;
    struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct source_notes notes;
    run(&plan, 2, NULL, 0, &got);
    assert_int_equal(source_file_open(&s, path, plan_span(&plan)), 0);
    for (int c = 0; c < 7; c++) {
        double score;
        assert_int_equal(source_next(s, NULL, &d, &notes), 0);
        assert_int_equal(sg_corr_score(&d, &plan.windows, NULL, &score), 0);
        for (size_t i = 0; i < got.ranking.n; i++)
            if (!strcmp(got.ranking.lines[i].id, d.id))
                assert_true(got.ranking.lines[i].score == score);
    }
    sg_fraud_days_clear(&d);
}

static void windows_may_end_with_the_last_day(void **state)
{
    (void)state;
    struct plan plan = plan_of(MODE_CORRELATION);
    SG_CLEANUP(fleet_result_clear) struct fleet_result fixed = {.suspects = NULL};
    SG_CLEANUP(fleet_result_clear) struct fleet_result last = {.suspects = NULL};
    run(&plan, 2, NULL, 5, &fixed);
    plan.fixed = false;
    plan.windows = (struct sg_corr_windows){{1000, 1029}, {1030, 1039}};
    run(&plan, 2, NULL, 5, &last);
    assert_same(&fixed, &last);
}

static void put_header(struct sg_buf *b)
{
    assert_int_equal(sg_buf_printf(b, "customer,day,weekday"), 0);
    for (int h = 0; h < 24; h++)
        assert_int_equal(sg_buf_printf(b, ",h%02d", h), 0);
    assert_int_equal(sg_buf_printf(b, "\n"), 0);
}

/* The picture of the i-th suspect stands beside the reasons of the i-th line: one order for both.
 */
static void equals_stand_by_name_with_their_pictures(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
    SG_CLEANUP(source_freep) struct source *s = NULL;
    const struct plan plan = plan_of(MODE_CORRELATION);
    char file[96];
    put_header(&b);
    for (const char *name = "dbeac"; *name; name++)
        for (int day = 0; day < 40; day++) {
            assert_int_equal(sg_buf_printf(&b, "%c,%d,0", *name, day), 0);
            for (int h = 0; h < 24; h++)
                assert_int_equal(sg_buf_printf(&b, ",%d", h), 0);
            assert_int_equal(sg_buf_printf(&b, "\n"), 0);
        }
    snprintf(file, sizeof(file), "%s.ties", path);
    assert_int_equal(sg_file_write_atomic(file, sg_buf_bytes(&b), 0600), 0);
    assert_int_equal(source_file_open(&s, file, plan_span(&plan)), 0);
    const struct fleet f = {.plan = &plan, .source = s, .threads = 1, .pictures = 3};
    assert_int_equal(fleet_score(&f, NULL, &got), 0);
    unlink(file);
    assert_int_equal(got.n_suspects, 3);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(got.ranking.lines[i].id[0], "abcde"[i]);
        if (i < 3)
            assert_string_equal(got.suspects[i].id, got.ranking.lines[i].id);
    }
}

/* One whose load cannot be judged may rank by its meter: it stands on the page in its place,
 * without a picture. */
static void suspects_are_the_first_lines(void **state)
{
    (void)state;
    const struct plan plan = plan_of(MODE_FULL);
    SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *full = NULL;
    SG_CLEANUP(source_freep) struct source *s = NULL;
    struct phasors_entry entry = {
        .id = "c7",
        .summary = {.score = 0.95f,
                    .n_findings = 1,
                    .days_past = 20,
                    .days_recent = 10,
                    .top = {{.rule = SG_PHASOR_VOLTAGE_LOST, .elements = 1, .sureness = 0.95f}}}};
    const struct phasors phasors = {.list = &entry, .n = 1};
    size_t at = SIZE_MAX;
    assert_int_equal(source_file_open(&s, path, plan_span(&plan)), 0);
    struct fleet f = {.plan = &plan,
                      .source = s,
                      .threads = 2,
                      .seed = 1,
                      .repeats = 1,
                      .trees = 20,
                      .pictures = 12,
                      .phasors = &phasors};
    assert_int_equal(fleet_learn(&f, &full), 0);
    f.full = full;
    assert_int_equal(fleet_score(&f, NULL, &got), 0);
    assert_int_equal(got.n_suspects, 12);
    for (size_t i = 0; i < 12; i++) {
        assert_string_equal(got.suspects[i].id, got.ranking.lines[i].id);
        assert_int_equal(got.suspects[i].picture.points,
                         got.ranking.lines[i].unjudged == JUDGED ? 24 : 0);
        at = strcmp(got.suspects[i].id, "c7") ? at : i;
    }
    assert_in_range(at, 0, 11);
}

/* A thief whose meter loses the evenings since: the honest days before must not acquit. */
static void lost_readings_acquit_nobody(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(scorer_clear) struct scorer scorer = {.plan = NULL};
    const struct plan plan = {.mode = MODE_CORRELATION,
                              .windows = {{0, 29}, {30, 39}},
                              .least_reference = 7,
                              .least_recent = 3};
    struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct source_notes notes;
    struct sg_prng p;
    struct line line;
    char file[96];
    sg_prng_seed(&p, 9);
    put_header(&b);
    for (int day = 0; day < 60; day++) {
        assert_int_equal(put_day(&b, 1, day, &p), 0);
        if (day < 50)
            continue;
        for (int hour = 0; hour < 7; hour++, b.len--) /* more than a quarter of them */
            while (b.data[b.len - 1] != ',')
                b.len--;
        assert_int_equal(sg_buf_printf(&b, ",,,,,,,\n"), 0);
    }
    snprintf(file, sizeof(file), "%s.lost", path);
    assert_int_equal(sg_file_write_atomic(file, sg_buf_bytes(&b), 0600), 0);
    assert_int_equal(source_file_open(&s, file, plan_span(&plan)), 0);
    unlink(file);
    assert_int_equal(source_next(s, NULL, &d, &notes), 0);
    assert_int_equal(d.n_days, 50);
    assert_int_equal(notes.last_day, 59);
    assert_int_equal(scorer_init(&scorer, &plan, NULL), 0);
    assert_int_equal(score_one(&scorer, &d, &notes, &line, NULL), 0);
    assert_int_equal(line.unjudged, FEW_RECENT);
    assert_int_equal(line.incomplete, 10);
    sg_fraud_days_clear(&d);
}

/* Cuts the last values of the day written last. */
static void lose_evening(struct sg_buf *b, int hours)
{
    for (int hour = 0; hour < hours; hour++, b->len--)
        while (b->data[b->len - 1] != ',')
            b->len--;
    for (int hour = 0; hour < hours; hour++)
        assert_int_equal(sg_buf_append_u8(b, ','), 0);
    assert_int_equal(sg_buf_append_u8(b, '\n'), 0);
}

/* One customer's recent days arrive and cannot be used any more, another one's end. */
static void days_that_arrive_unusable_are_ranked(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4 << 20);
    SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
    const struct plan plan = plan_of(MODE_FULL);
    char reasons[REASONS_MAX], others[sizeof(path)];
    struct sg_prng p;
    size_t rank = 0;
    sg_prng_seed(&p, 5);
    put_header(&b);
    for (int c = 0; c < CUSTOMERS; c++)
        for (int day = 0; day < (c == 17 ? 30 : DAYS); day++) {
            assert_int_equal(put_day(&b, c, day, &p), 0);
            if (c == 15 && day >= 31)
                lose_evening(&b, 9);
        }
    memcpy(others, path, sizeof(path));
    snprintf(path, sizeof(path), "/tmp/sealgrid-fraud-lost-%d.csv", (int)getpid());
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&b), 0600), 0);
    struct plan fixed = plan;
    fixed.fixed = true;
    run(&fixed, 2, NULL, 9, &got);
    unlink(path);
    memcpy(path, others, sizeof(path));
    while (strcmp(got.ranking.lines[rank].id, "c15") != 0)
        rank++;
    const struct line *l = &got.ranking.lines[rank];
    assert_int_equal(l->unjudged, LOST_RECENT);
    assert_in_range(rank, 6, 20); /* behind the thieves, before most */
    score_reasons(l, &fixed, reasons);
    assert_string_equal(reasons,
                        "not judged: recent-days-unusable (30 regular, 1 recent); readings missing "
                        "on 90 % of days since day 31 (never before); 9 days incomplete");
    l = &got.ranking.lines[CUSTOMERS - 1];
    assert_string_equal(l->id, "c17");
    score_reasons(l, &fixed, reasons);
    assert_string_equal(reasons, "not judged: few-recent-days (30 regular, 0 recent); nothing "
                                 "arrives since day 29");
}

static void a_sliding_reference_finds_them_too(void **state)
{
    (void)state;
    struct plan plan = plan_of(MODE_CORRELATION);
    SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
    plan.sliding = true;
    plan.slide = (struct sg_corr_sliding){
        .reference_days = 20, .least_days = 3, .lag_days = 10, .recent_days = 10};
    run(&plan, 2, NULL, 0, &got);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(got.ranking.lines[i].id[strlen(got.ranking.lines[i].id) - 1], '0');
    assert_int_equal(got.ranking.n_unjudged, 2);
}

static void one_customer_is_a_task_of_its_own(void **state)
{
    (void)state;
    const struct plan plan = plan_of(MODE_CORRELATION);
    SG_CLEANUP(fleet_result_clear) struct fleet_result all = {.suspects = NULL};
    SG_CLEANUP(fleet_result_clear) struct fleet_result one = {.suspects = NULL};
    run(&plan, 2, NULL, 0, &all);
    run(&plan, 2, "c20", 1, &one);
    assert_int_equal(one.ranking.n, 1);
    assert_int_equal(one.n_suspects, 1);
    for (size_t i = 0; i < all.ranking.n; i++)
        if (!strcmp(all.ranking.lines[i].id, "c20"))
            assert_true(one.ranking.lines[0].score == all.ranking.lines[i].score);
}

/* What a job queue does: a model of the fleet in a file, and one customer alone. */
static void run_alone(const struct plan *plan, const char *model, const char *id,
                      struct fleet_result *ret)
{
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *full = NULL;
    assert_int_equal(sg_full_load(model, &full), 0);
    assert_int_equal(source_file_open(&s, path, plan_span(plan)), 0);
    const struct fleet f = {
        .plan = plan, .source = s, .threads = 1, .seed = 99, .full = full, .only = id};
    assert_int_equal(fleet_score(&f, NULL, ret), 0);
    assert_int_equal(ret->ranking.n, 1);
}

struct alone {
    const struct plan *plan;
    const char *model;
    size_t n;
};

static int is_same_alone(void *ctx, const struct line *l, size_t rank)
{
    struct alone *a = ctx;
    SG_CLEANUP(fleet_result_clear) struct fleet_result one = {.suspects = NULL};
    char here[REASONS_MAX], alone[REASONS_MAX];
    if (rank % 6 != 0 && l->unjudged == JUDGED)
        return 0;
    run_alone(a->plan, a->model, l->id, &one);
    const struct line *other = &one.ranking.lines[0];
    assert_string_equal(other->id, l->id);
    assert_int_equal(other->unjudged, l->unjudged);
    assert_memory_equal(&other->score, &l->score, sizeof(l->score));
    assert_memory_equal(&other->margin, &l->margin, sizeof(l->margin));
    score_reasons(l, a->plan, here);
    score_reasons(other, a->plan, alone);
    assert_string_equal(here, alone);
    a->n++;
    return 0;
}

/* In a fleet that was spilled and by a model that went through a file: the same bits. */
static void one_customer_by_a_model_of_the_fleet(void **state)
{
    (void)state;
    const struct plan plan = plan_of(MODE_FULL);
    SG_CLEANUP(fleet_result_clear) struct fleet_result all = {.suspects = NULL};
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *full = NULL;
    SG_CLEANUP(source_freep) struct source *s = NULL;
    char model[96];
    snprintf(model, sizeof(model), "%s.model", path);
    assert_int_equal(source_file_open(&s, path, plan_span(&plan)), 0);
    struct fleet f = {.plan = &plan,
                      .source = s,
                      .threads = 3,
                      .seed = 1,
                      .repeats = 1,
                      .trees = 20,
                      .pictures = 2,
                      .room = {.run = 7, .folder = "/tmp"}};
    assert_int_equal(fleet_learn(&f, &full), 0);
    assert_int_equal(sg_full_save(full, model), 0);
    f.full = full;
    assert_int_equal(fleet_score(&f, NULL, &all), 0);
    assert_non_null(all.ranking.spill);
    assert_int_equal(all.ranking.n_lines, 2);
    struct alone a = {&plan, model, 0};
    assert_int_equal(ranking_each(&all.ranking, is_same_alone, &a), 0);
    assert_int_equal(a.n, 9 + 2); /* every sixth, and those not judged */
    unlink(model);
}

static void nobody_has_regular_days(void **state)
{
    (void)state;
    struct plan plan = plan_of(MODE_PAPER);
    SG_CLEANUP(source_freep) struct source *s = NULL;
    struct sg_som *map = NULL;
    double error;
    plan.windows = (struct sg_corr_windows){{100, 189}, {190, 219}};
    assert_int_equal(source_file_open(&s, path, plan_span(&plan)), 0);
    const struct fleet f = {.plan = &plan, .source = s, .threads = 2};
    assert_int_equal(fleet_train(&f, &map, &error), FLEET_NO_MAP);
    assert_null(map);
}

static void a_report_holds_the_suspects(void **state)
{
    (void)state;
    const struct plan plan = plan_of(MODE_PAPER);
    SG_CLEANUP(fleet_result_clear) struct fleet_result got = {.suspects = NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
    run(&plan, 2, NULL, 2, &got);
    SG_CLEANUP(labels_clear) struct labels labels = {.list = NULL};
    char why[160];
    assert_int_equal(labels_parse(&labels,
                                  SG_BYTES_LIT("customer,label,type,start_day\n"
                                               "c0,1,6,30\nc10,1,6,30\nc20,1,6,30\n"
                                               "c30,1,6,30\nc40,1,6,30\nc50,1,6,30\n"),
                                  why),
                     0);
    const struct report r = {
        .plan = &plan, .result = &got, .labels = &labels, .threads = 2, .profiles = 2};
    assert_int_equal(report_json(&r, &text), 0);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
    const char *s = (const char *)text.data;
    assert_non_null(strstr(s, "\"mode\":\"paper\""));
    assert_non_null(strstr(s, "\"few-regular-days\":1"));
    assert_non_null(strstr(s, "\"rank\":2"));
    assert_null(strstr(s, "\"rank\":3"));
    assert_non_null(strstr(s, "\"thief\":true,\"type\":6,\"start_day\":30"));
    assert_non_null(strstr(s, "\"recent\":["));
}

static int remove_fleet(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(thieves_come_first_and_the_unjudged_last),
        cmocka_unit_test(correlation_is_that_of_the_library),
        cmocka_unit_test(windows_may_end_with_the_last_day),
        cmocka_unit_test(equals_stand_by_name_with_their_pictures),
        cmocka_unit_test(suspects_are_the_first_lines),
        cmocka_unit_test(lost_readings_acquit_nobody),
        cmocka_unit_test(days_that_arrive_unusable_are_ranked),
        cmocka_unit_test(a_sliding_reference_finds_them_too),
        cmocka_unit_test(one_customer_is_a_task_of_its_own),
        cmocka_unit_test(one_customer_by_a_model_of_the_fleet),
        cmocka_unit_test(nobody_has_regular_days),
        cmocka_unit_test(a_report_holds_the_suspects),
    };
    return cmocka_run_group_tests(tests, write_fleet, remove_fleet);
}
