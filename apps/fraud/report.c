#include "report.h"
#include "report-put.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

#include "learn.h"

static void put_text(struct sg_json *j, const char *key, const char *v)
{
    sg_json_key(j, key);
    sg_json_str(j, v);
}

/* "auc", "auc_low", "auc_high" */
static void put_interval(struct sg_json *j, const char *key, const struct sg_judge_interval *v)
{
    char name[64];
    put_number(j, key, v->value);
    snprintf(name, sizeof(name), "%s_low", key);
    put_number(j, name, v->low);
    snprintf(name, sizeof(name), "%s_high", key);
    put_number(j, name, v->high);
}

enum end { VALUE, LOW, HIGH };

static double end_of(const struct sg_judge_interval *v, enum end end)
{
    return end == VALUE ? v->value : end == LOW ? v->low : v->high;
}

/* {"10": 0.9, "50": 0.7}: only such k as there are customers. */
static void put_by_k(struct sg_json *j, const char *key, const struct verdict *v,
                     const struct sg_judge_interval *at, enum end end)
{
    sg_json_key(j, key);
    sg_json_object(j);
    for (size_t i = 0; i < VERDICT_N_K; i++) {
        char k[16];
        if (verdict_ks[i] > v->customers)
            continue;
        snprintf(k, sizeof(k), "%u", verdict_ks[i]);
        put_number(j, k, end_of(&at[i], end));
    }
    sg_json_end_object(j);
}

static void put_types(struct sg_json *j, const struct verdict *v)
{
    sg_json_key(j, "auc_of_type");
    sg_json_object(j);
    for (int type = 1; type < LABEL_TYPES; type++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", type);
        if (!isnan(v->type_auc[type]))
            put_number(j, name, v->type_auc[type]);
    }
    sg_json_end_object(j);
}

static void put_verdict(struct sg_json *j, const struct report *r)
{
    const struct verdict *v = r->verdict;
    put_count(j, "labelled", v->customers);
    put_count(j, "thieves", v->thieves);
    put_count(j, "unlabelled", v->unlabelled);
    put_count(j, "labels_without_customer", v->unseen);
    put_interval(j, "auc", &v->auc);
    put_interval(j, "average_precision", &v->average_precision);
    put_by_k(j, "precision_at_k", v, v->precision, VALUE);
    put_by_k(j, "precision_at_k_low", v, v->precision, LOW);
    put_by_k(j, "precision_at_k_high", v, v->precision, HIGH);
    put_by_k(j, "lift_at_k", v, v->lift, VALUE);
    put_interval(j, "false_per_1000_at_half", &v->false_alarms);
    put_number(j, "hidden_energy", v->energy);
    put_by_k(j, "recovered_energy_at_k", v, v->recovered, VALUE);
    put_types(j, v);
    put_count(j, "bootstrap_rounds", r->rounds);
    put_number(j, "interval_level", 0.95);
}

static void put_curve(struct sg_json *j, const char *key, const float *v, uint32_t n)
{
    sg_json_key(j, key);
    sg_json_array(j);
    for (uint32_t i = 0; i < n; i++)
        sg_json_double(j, round(1e4 * (double)v[i]) / 1e4);
    sg_json_end_array(j);
}

/* What is known of one, if anything is. */
static void put_label(struct sg_json *j, const struct label *l)
{
    if (!l)
        return;
    sg_json_key(j, "thief");
    sg_json_bool(j, l->thief);
    sg_json_key(j, "type");
    sg_json_int(j, l->type);
    sg_json_key(j, "start_day");
    sg_json_int(j, l->start_day);
}

static void put_suspect(struct sg_json *j, const struct report *r, size_t i)
{
    const struct suspect *s = &r->result->suspects[i];
    const struct line *l = &r->result->ranking.lines[i];
    char reasons[REASONS_MAX];
    score_reasons(l, r->plan, reasons);
    sg_json_object(j);
    put_text(j, "customer", s->id);
    put_number(j, "score", s->score);
    put_count(j, "rank", i + 1);
    if (r->labels)
        put_label(j, labels_find(r->labels, s->id));
    put_text(j, "reasons", reasons);
    if (r->plan->mode == MODE_FULL) {
        put_number(j, "missing_kwh_day", (double)l->missing_day);
        put_number(j, "chance", score_chance(&r->result->odds, l));
    }
    put_text(j, "days", l->kind == SG_FRAUD_WORKDAY ? "workdays" : "weekends");
    put_curve(j, "regular", s->picture.regular, s->picture.points);
    put_curve(j, "recent", s->picture.recent, s->picture.points);
    sg_json_end_object(j);
}

static void put_unjudged(struct sg_json *j, const struct ranking *r)
{
    sg_json_key(j, "not_judged");
    sg_json_object(j);
    for (int u = 1; u < N_UNJUDGED; u++)
        put_count(j, score_unjudged_word((enum unjudged)u), r->unjudged[u]);
    sg_json_end_object(j);
}

static void put_windows(struct sg_json *j, const struct plan *p)
{
    sg_json_key(j, "windows");
    sg_json_object(j);
    sg_json_key(j, "fixed");
    sg_json_bool(j, p->fixed);
    put_number(j, "reference_first", p->windows.reference.first);
    put_number(j, "reference_last", p->windows.reference.last);
    put_number(j, "test_first", p->windows.test.first);
    put_number(j, "test_last", p->windows.test.last);
    sg_json_end_object(j);
}

int report_json(const struct report *r, struct sg_buf *b)
{
    const struct fleet_result *f = r->result;
    struct sg_json j;
    sg_json_init(&j, b);
    sg_json_object(&j);
    put_text(&j, "mode", plan_mode_word(r->plan->mode));
    sg_json_key(&j, "sliding");
    sg_json_bool(&j, r->plan->sliding);
    put_windows(&j, r->plan);
    put_count(&j, "customers", f->ranking.n);
    put_count(&j, "judged", f->ranking.n - f->ranking.n_unjudged);
    put_unjudged(&j, &f->ranking);
    put_count(&j, "readings", f->readings);
    put_count(&j, "days_incomplete", f->incomplete);
    put_count(&j, "readings_in_conflict", f->conflicts);
    if (r->verdict)
        put_verdict(&j, r);
    if (r->map_error > 0)
        put_number(&j, "map_quantisation_error", r->map_error);
    if (r->drift)
        learn_drift_json(r->learned, r->drift, &j);
    sg_json_key(&j, "suspects");
    sg_json_array(&j);
    for (size_t i = 0; i < f->n_suspects && i < r->profiles; i++)
        put_suspect(&j, r, i);
    sg_json_end_array(&j);
    put_count(&j, "seed", r->seed);
    put_count(&j, "threads", r->threads);
    put_number(&j, "seconds_train", r->seconds_train);
    put_number(&j, "seconds_score", r->seconds_score);
    sg_json_key(&j, "cpu_ms");
    sg_json_int(&j, sg_clock_cpu_ns() / 1000000);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static void print_interval(const char *name, const struct sg_judge_interval *v)
{
    if (isnan(v->value))
        printf("%-28s        -   thieves and honest customers are needed\n", name);
    else if (isnan(v->low))
        printf("%-28s %8.4f\n", name, v->value);
    else
        printf("%-28s %8.4f   [%.4f, %.4f]\n", name, v->value, v->low, v->high);
}

static void print_verdict(const struct verdict *v)
{
    char name[64];
    printf("%zu labelled customers, %zu thieves; 95 %% bootstrap intervals\n", v->customers,
           v->thieves);
    print_interval("AUC", &v->auc);
    print_interval("average precision", &v->average_precision);
    for (size_t i = 0; i < VERDICT_N_K; i++) {
        if (verdict_ks[i] > v->customers)
            continue;
        snprintf(name, sizeof(name), "precision at %u", verdict_ks[i]);
        print_interval(name, &v->precision[i]);
    }
    print_interval("false of 1,000 at half found", &v->false_alarms);
    printf("%-28s", "AUC of type");
    for (int type = 1; type < LABEL_TYPES; type++)
        if (!isnan(v->type_auc[type]))
            printf(" %d: %.3f", type, v->type_auc[type]);
    printf("\n");
}

void report_print(const struct report *r)
{
    const struct fleet_result *f = r->result;
    printf("%zu customers, %zu judged, %llu days incomplete, %llu readings in conflict; %.2f s\n",
           f->ranking.n, f->ranking.n - f->ranking.n_unjudged, (unsigned long long)f->incomplete,
           (unsigned long long)f->conflicts, r->seconds_train + r->seconds_score);
    if (r->verdict)
        print_verdict(r->verdict);
}
