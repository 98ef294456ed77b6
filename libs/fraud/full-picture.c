#include "full-judge-int.h"

#include <math.h>
#include <string.h>

static float hundredth(const double *sorted, uint32_t n, uint32_t percent)
{
    return (float)sorted[(uint64_t)(n - 1) * percent / 100];
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum sg_fraud_day_kind usual_kind(const struct sg_view *v)
{
    uint32_t workdays = 0;
    for (uint32_t i = v->n_reference; i < sg_view_days(v); i++)
        workdays += v->kind[i] == SG_FRAUD_WORKDAY;
    return workdays * 2 >= v->n_recent ? SG_FRAUD_WORKDAY : SG_FRAUD_WEEKEND;
}

/* Indices in d of the days of a kind from first..last. */
static uint32_t list_days(const struct sg_fraud_days *d, const struct sg_fraud_context *ctx,
                          enum sg_fraud_day_kind kind, int32_t first, int32_t last, uint32_t *ret)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_days && n < SG_VIEW_DAYS_MAX; i++)
        if (d->day[i] >= first && d->day[i] <= last &&
            sg_fraud_context_kind(ctx, d->day[i], d->weekday[i]) == kind)
            ret[n++] = i;
    return n;
}

static void put_regular(const struct sg_fraud_days *d, const uint32_t *list, uint32_t n,
                        struct sg_full_picture *p)
{
    double v[SG_VIEW_DAYS_MAX];
    for (uint32_t k = 0; k < d->points && n > 0; k++) {
        double sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            v[i] = (double)sg_fraud_days_row(d, list[i])[k];
            sum += v[i];
        }
        qsort(v, n, sizeof(*v), by_value);
        p->regular[k] = (float)(sum / n);
        p->low[k] = hundredth(v, n, 10);
        p->high[k] = hundredth(v, n, 90);
    }
}

static void put_recent(const struct sg_fraud_days *d, const uint32_t *list, uint32_t n,
                       struct sg_full_picture *p)
{
    for (uint32_t k = 0; k < d->points && n > 0; k++) {
        double sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += (double)sg_fraud_days_row(d, list[i])[k];
        p->recent[k] = (float)(sum / n);
    }
}

/* An hour's load, over the customer's mean, that was to be expected on a row's day. */
static double expected_of(const struct sg_full_judge *j, uint32_t row)
{
    return (double)(j->work.regular[row] * (1 + j->expected.movement[row]));
}

/* ---- what is missing --------------------------------------------------------------------------
 */

/* A step of less than this share of what is expected, or with fewer days on a side, is none. */
#define STEP_LEAST 0.15
enum { STEP_DAYS = 3 };

/* The row where the step of load over expectation begins that leaves least squares; 0: none.  The
 * score looks for one among the judged days only; for how long energy has been missing is counted
 * from one before them, too. */
static uint32_t find_step(const struct sg_full_judge *j)
{
    const struct sg_feature_work *w = &j->work;
    double before = 0, after = 0, best = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < w->n; i++)
        after += (double)w->mean[i] - expected_of(j, i);
    for (uint32_t i = 1; i < w->n; i++) {
        const double left = i, right = w->n - i;
        const double one = (double)w->mean[i - 1] - expected_of(j, i - 1);
        before += one;
        after -= one;
        const double step = after / right - before / left;
        const double gain = step * step * left * right;
        if (right < STEP_DAYS || left < STEP_DAYS || gain <= best)
            continue;
        best = gain;
        at = fabs(step) > STEP_LEAST * expected_of(j, i) ? i : 0;
    }
    return at;
}

static int32_t find_beginning(const struct sg_full_judge *j, int32_t told)
{
    const uint32_t row = find_step(j);
    if (row == 0 || (told != SG_FRAUD_NO_DAY && row > j->work.view->n_reference))
        return told;
    return j->view.day[row];
}

void sg_full_find_missing(const struct sg_full_judge *j, struct sg_full_score *s)
{
    const struct sg_feature_work *w = &j->work;
    double missing = 0;
    uint32_t n = 0;
    s->began = find_beginning(j, s->change_day);
    const int32_t from = s->began == SG_FRAUD_NO_DAY ? j->view.windows.test.first : s->began;
    for (uint32_t i = 0; i < w->n; i++)
        if (j->view.day[i] >= from) {
            missing += expected_of(j, i) - (double)w->mean[i];
            n++;
        }
    s->missing_day = n ? missing / n * (double)w->level * SG_VIEW_HOURS : 0;
    /* A step of the load says when energy began to lack, not when a day took another shape. */
    if (s->missing_day <= 0)
        s->began = SG_FRAUD_NO_DAY;
}

/* ---- picture ----------------------------------------------------------------------------------
 */

/* The last days of the view: an interval's mean load and what was to be expected. */
static void put_levels(const struct sg_full_judge *j, uint32_t points, struct sg_full_picture *p)
{
    const struct sg_feature_work *w = &j->work;
    const uint32_t first = w->n > SG_FULL_PICTURE_DAYS ? w->n - SG_FULL_PICTURE_DAYS : 0;
    const float interval = w->level * SG_VIEW_HOURS / (float)points;
    p->n_days = w->n - first;
    for (uint32_t i = 0; i < p->n_days; i++) {
        const uint32_t row = first + i;
        p->day[i] = j->view.day[row];
        p->level[i] = w->mean[row] * interval;
        p->expected[i] = (float)expected_of(j, row) * interval;
    }
}

void sg_full_judge_picture(const struct sg_full_judge *j, const struct sg_fraud_days *d,
                           const struct sg_fraud_context *ctx, struct sg_full_picture *ret)
{
    const struct sg_corr_windows *w = &j->view.windows;
    uint32_t list[SG_VIEW_DAYS_MAX], n;
    struct sg_full_picture *p = ret;
    *p = (struct sg_full_picture){.points = d->points,
                                  .kind = usual_kind(&j->view),
                                  .first_recent = w->test.first,
                                  .change_day = sg_full_change_day(&j->work)};
    n = list_days(d, ctx, p->kind, w->reference.first, w->reference.last, list);
    put_regular(d, list, n, p);
    const int32_t from = p->change_day == SG_FRAUD_NO_DAY ? w->test.first : p->change_day;
    n = list_days(d, ctx, p->kind, from, w->test.last, list);
    put_recent(d, list, n, p);
    put_levels(j, d->points, p);
}
