#include "learn.h"
#include "report-put.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/fraud/features.h>

static void put_day(struct sg_json *j, const char *key, int32_t day, bool dated)
{
    char text[16];
    int year;
    unsigned month, of_month;
    sg_json_key(j, key);
    if (!dated) {
        sg_json_int(j, day);
        return;
    }
    sg_civil_from_days(day, &year, &month, &of_month);
    snprintf(text, sizeof(text), "%04d-%02u-%02u", year % 10000, month % 100, of_month % 100);
    sg_json_str(j, text);
}

static void put_interval(struct sg_json *j, const char *key, const struct sg_judge_interval *v)
{
    sg_json_key(j, key);
    sg_json_array(j);
    sg_json_double(j, v->value);
    sg_json_double(j, v->low);
    sg_json_double(j, v->high);
    sg_json_end_array(j);
}

/* ---- learning ------------------------------------------------------------------------------ */

static void put_comparison(struct sg_json *j, const char *key, const struct sg_learn_comparison *c)
{
    sg_json_key(j, key);
    sg_json_object(j);
    put_count(j, "fraud", c->n_fraud);
    put_count(j, "nothing", c->n_nothing);
    put_count(j, "groups", c->n_groups);
    put_interval(j, "average_precision_unsupervised", &c->unsupervised);
    put_interval(j, "average_precision_learnt", &c->learnt);
    put_interval(j, "gain_80", &c->gain);
    put_interval(j, "auc_unsupervised", &c->unsupervised_auc);
    put_interval(j, "auc_learnt", &c->learnt_auc);
    sg_json_end_object(j);
}

static const char *verdict_of(const struct learn_result *r)
{
    return r->learned                   ? "learnt"
           : r->why_not == SG_LEARN_FEW ? "too-few-outcomes"
                                        : "no-better-than-unsupervised";
}

void learn_json(const struct learn_result *r, bool dated, struct sg_json *j)
{
    const struct sg_learn_report *p = &r->report;
    sg_json_object(j);
    sg_json_key(j, "result");
    sg_json_str(j, verdict_of(r));
    put_count(j, "fraud", p->n[SG_LEARN_FRAUD]);
    put_count(j, "nothing", p->n[SG_LEARN_NOTHING]);
    put_count(j, "defect", p->n[SG_LEARN_DEFECT]);
    put_count(j, "no_access", p->n[SG_LEARN_NO_ACCESS]);
    put_count(j, "never_inspected", p->n[SG_LEARN_UNKNOWN]);
    put_count(j, "inspections_too_early", r->too_early);
    put_count(j, "inspections_not_judged", r->not_judged);
    put_count(j, "anchors", r->anchors);
    put_count(j, "features", r->features);
    put_day(j, "first_day", p->first_day, dated);
    put_day(j, "last_day", p->last_day, dated);
    put_number(j, "effective_outcomes", p->effective);
    if (p->has_folds)
        put_comparison(j, "by_folds_of_groups", &p->folds);
    if (p->has_later) {
        put_day(j, "later_from", p->later_from, dated);
        put_comparison(j, "later", &p->later);
    }
    if (r->check.n) {
        put_count(j, "old_model_outcomes", r->check.n);
        put_number(j, "old_model_found", r->check.found);
        put_number(j, "old_model_expected", r->check.expected);
        put_number(j, "old_model_surprise", r->check.surprise);
        sg_json_key(j, "old_model_warning");
        sg_json_bool(j, fabs(r->check.surprise) > SG_LEARN_TRUST);
    }
    sg_json_end_object(j);
}

static void print_comparison(const char *name, const struct sg_learn_comparison *c)
{
    printf("%s: %zu frauds, %zu without, %zu groups\n", name, c->n_fraud, c->n_nothing,
           c->n_groups);
    printf("  average precision  unsupervised %.3f [%.3f, %.3f]  learnt %.3f [%.3f, %.3f]\n",
           c->unsupervised.value, c->unsupervised.low, c->unsupervised.high, c->learnt.value,
           c->learnt.low, c->learnt.high);
    printf("  gain %+.3f, 80 %% interval [%+.3f, %+.3f]; AUC %.3f -> %.3f\n", c->gain.value,
           c->gain.low, c->gain.high, c->unsupervised_auc.value, c->learnt_auc.value);
}

void learn_print(const struct learn_result *r)
{
    const struct sg_learn_report *p = &r->report;
    printf("%zu frauds, %zu without finding, %zu defects, %zu without access, %zu never inspected; "
           "%zu inspections too early, %zu of customers not judged; %zu anchors\n",
           p->n[SG_LEARN_FRAUD], p->n[SG_LEARN_NOTHING], p->n[SG_LEARN_DEFECT],
           p->n[SG_LEARN_NO_ACCESS], p->n[SG_LEARN_UNKNOWN], r->too_early, r->not_judged,
           r->anchors);
    if (p->has_folds)
        print_comparison("groups in folds", &p->folds);
    if (p->has_later)
        print_comparison("the latest third", &p->later);
    if (r->check.n)
        printf("the old model expected %.1f finds of %zu, there were %.0f%s\n", r->check.expected,
               r->check.n, r->check.found,
               fabs(r->check.surprise) > SG_LEARN_TRUST ? ": it no longer holds" : "");
    printf("%s\n", r->learned ? "learnt: better than the unsupervised ranking"
                   : r->why_not == SG_LEARN_FEW
                       ? "too few outcomes: the unsupervised ranking is kept"
                       : "no better than the unsupervised ranking, which is kept");
}

/* ---- drift --------------------------------------------------------------------------------- */

const char *learn_column(const struct sg_learned *m, uint32_t column)
{
    const uint32_t features = sg_learned_facts(m).features;
    return column < features    ? sg_feature_name(column)
           : column == features ? "unsupervised score"
                                : "learnt score";
}

void learn_drift_json(const struct sg_learned *m, const struct sg_drift *d, struct sg_json *j)
{
    const struct sg_learned_facts f = sg_learned_facts(m);
    bool warns;
    sg_json_key(j, "learnt_from");
    sg_json_object(j);
    sg_json_key(j, "first_day");
    sg_json_int(j, f.first_day);
    sg_json_key(j, "last_day");
    sg_json_int(j, f.last_day);
    put_count(j, "fraud", f.n_fraud);
    put_count(j, "nothing", f.n_nothing);
    sg_json_end_object(j);
    put_count(j, "drift_customers", sg_drift_customers(d));
    put_number(j, "drift_limit", SG_DRIFT_LIMIT);
    put_number(j, "drift_unsupervised_score", sg_drift_index(d, f.features, &warns));
    put_number(j, "drift_learnt_score", sg_drift_index(d, f.features + 1, &warns));
    sg_json_key(j, "drift_warnings");
    sg_json_array(j);
    for (uint32_t column = 0; column < f.features + 2; column++) {
        const double index = sg_drift_index(d, column, &warns);
        if (!warns)
            continue;
        sg_json_object(j);
        sg_json_key(j, "of");
        sg_json_str(j, learn_column(m, column));
        put_number(j, "index", index);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

unsigned learn_drift_warn(const struct sg_learned *m, const struct sg_drift *d)
{
    const uint32_t columns = sg_learned_facts(m).features + 2;
    unsigned n = 0;
    for (uint32_t column = 0; column < columns; column++) {
        bool warns;
        const double index = sg_drift_index(d, column, &warns);
        n += warns;
        if (warns && n <= 5)
            fprintf(stderr,
                    "sealgrid-fraud: drift: %s is not as it was when the model was learnt: "
                    "stability index %.2f, limit %.2f\n",
                    learn_column(m, column), index, SG_DRIFT_LIMIT);
    }
    if (n > 5)
        fprintf(stderr, "sealgrid-fraud: drift: so are %u more; learn again\n", n - 5);
    return n;
}
