#include "paper-int.h"
#include "som-int.h"

#include <math.h>
#include <string.h>

/* Everything of one customer, in arrays of as many days as the largest customer so far. */
struct sg_paper_judge {
    const struct sg_som *map;
    struct sg_corr_windows windows;
    const struct sg_fraud_kernel *kernel;
    struct sg_som_matcher *matcher;
    double *share; /* one a grid step: its length over the diameter */

    struct sg_corr_profile own, cls;
    uint32_t class_node[SG_FRAUD_DAY_KINDS];
    uint32_t room, n; /* days of both windows */
    struct sg_paper_day *day;
    double *own_r, *class_r, *median; /* room each */
    uint32_t *node;
    float *x; /* room x points, normalised */
};

static int shares_init(struct sg_paper_judge *j)
{
    const struct sg_som_shape *shape = sg_som_shape(j->map);
    double diameter = sg_som_grid_diameter(j->map);
    j->share = calloc(sg_som_grid_steps(shape), sizeof(double));
    if (!j->share)
        return sg_raise(-ENOMEM);
    for (uint32_t s = 0; diameter > 0 && s < sg_som_grid_steps(shape); s++)
        j->share[s] = sqrt(sg_som_grid_distance4(shape, s)) / 2 / diameter;
    return 0;
}

int sg_paper_judge_new(struct sg_paper_judge **ret, const struct sg_som *map,
                       const struct sg_corr_windows *w, const struct sg_fraud_kernel *kernel)
{
    SG_CLEANUP(sg_paper_judge_freep)
    struct sg_paper_judge *j = aligned_alloc(64, (sizeof(*j) + 63) / 64 * 64);
    if (!j)
        return sg_raise(-ENOMEM);
    *j = (struct sg_paper_judge){
        .map = map, .windows = *w, .kernel = sg_fraud_kernel_or_best(kernel)};
    int r = sg_som_matcher_new(&j->matcher, map, j->kernel);
    if (r == 0)
        r = shares_init(j);
    if (r)
        return sg_fold(r);
    *ret = TAKE_PTR(j);
    return 0;
}

static void arrays_free(struct sg_paper_judge *j)
{
    free(j->day);
    free(j->own_r);
    free(j->class_r);
    free(j->median);
    free(j->node);
    free(j->x);
    j->day = NULL;
    j->own_r = j->class_r = j->median = NULL;
    j->node = NULL;
    j->x = NULL;
    j->room = 0;
}

void sg_paper_judge_free(struct sg_paper_judge *j)
{
    if (!j)
        return;
    arrays_free(j);
    free(j->share);
    sg_som_matcher_free(j->matcher);
    free(j);
}

static int arrays_grow(struct sg_paper_judge *j, uint32_t days)
{
    if (days <= j->room)
        return 0;
    arrays_free(j);
    j->day = calloc(days, sizeof(*j->day));
    j->own_r = calloc(days, sizeof(double));
    j->class_r = calloc(days, sizeof(double));
    j->median = calloc(days, sizeof(double));
    j->node = calloc(days, sizeof(uint32_t));
    j->x = calloc((size_t)days * sg_som_shape(j->map)->points, sizeof(float));
    if (!j->day || !j->own_r || !j->class_r || !j->median || !j->node || !j->x)
        return sg_raise(-ENOMEM);
    j->room = days;
    return 0;
}

/* --- class ------------------------------------------------------------------------------------ */

/* The class of each kind of day, and its code as the profile to correlate with. */
static int find_classes(struct sg_paper_judge *j, double level)
{
    uint32_t points = j->own.points;
    j->cls = (struct sg_corr_profile){.points = points};
    for (unsigned k = 0; k < SG_FRAUD_DAY_KINDS; k++) {
        float mean[SG_FRAUD_POINTS_MAX], x[SG_FRAUD_POINTS_MAX];
        j->class_node[k] = UINT32_MAX;
        if (j->own.n_days[k] == 0)
            continue;
        for (uint32_t i = 0; i < points; i++)
            mean[i] = (float)j->own.mean[k][i];
        sg_paper_normalise(mean, level, points, x);
        int r = sg_som_match(j->matcher, x, 1, &j->class_node[k], NULL, NULL);
        if (r)
            return sg_fold(r); /* cut at 100 against codes within bounds: always a distance */
        sg_corr_profile_set(&j->cls, (enum sg_fraud_day_kind)k,
                            sg_som_code(j->map, j->class_node[k]), j->kernel);
    }
    return 0;
}

/* --- matrix ----------------------------------------------------------------------------------- */

/* The days of one window, put behind those there are.  Days of a kind without a profile are left
 * out; the reference has none. */
static int judge_window(struct sg_paper_judge *j, const struct sg_fraud_days *d, uint32_t first,
                        uint32_t n, bool test, double level)
{
    uint32_t points = d->points;
    for (uint32_t i = 0; i < n; i++)
        sg_paper_normalise(sg_fraud_days_row(d, first + i), level, points,
                           j->x + (size_t)i * points);
    int r = sg_som_match(j->matcher, j->x, n, j->node, NULL, NULL);
    if (r)
        return sg_fold(r);
    sg_corr_rows(&j->own, d, first, n, j->kernel, j->own_r);
    sg_corr_rows(&j->cls, d, first, n, j->kernel, j->class_r);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cls = j->class_node[sg_fraud_day_kind_of(d->weekday[first + i])];
        if (cls == UINT32_MAX)
            continue;
        uint32_t step = sg_som_grid_step(sg_som_shape(j->map), cls, j->node[i]);
        j->day[j->n++] = (struct sg_paper_day){
            .index = first + i,
            .test = test,
            .node = j->node[i],
            .own = (float)j->own_r[i],
            .cls = (float)j->class_r[i],
            .shift = (float)j->share[step],
        };
    }
    return 0;
}

/* --- score ------------------------------------------------------------------------------------ */

struct summary {
    double own, cls, shift; /* median, median, mean */
};

static struct summary summarise(struct sg_paper_judge *j, const struct sg_paper_day *day,
                                uint32_t n)
{
    struct summary s = {0};
    for (uint32_t i = 0; i < n; i++)
        j->median[i] = (double)day[i].own;
    s.own = sg_corr_median(j->median, n);
    for (uint32_t i = 0; i < n; i++)
        j->median[i] = (double)day[i].cls;
    s.cls = sg_corr_median(j->median, n);
    for (uint32_t i = 0; i < n; i++)
        s.shift += (double)day[i].shift;
    s.shift /= n;
    return s;
}

static struct sg_paper_score score_of(struct sg_paper_judge *j, uint32_t n_reference)
{
    struct summary before = summarise(j, j->day, n_reference);
    struct summary after = summarise(j, j->day + n_reference, j->n - n_reference);
    struct sg_paper_score s = {
        .own_drop = before.own - after.own,
        .class_drop = before.cls - after.cls,
        .shift_gain = after.shift - before.shift,
        .n_reference = n_reference,
        .n_test = j->n - n_reference,
    };
    s.score = (s.own_drop + s.class_drop) / 2 + s.shift_gain;
    memcpy(s.class_node, j->class_node, sizeof(s.class_node));
    return s;
}

int sg_paper_judge_score(struct sg_paper_judge *j, const struct sg_fraud_days *d,
                         struct sg_paper_score *ret)
{
    j->n = 0;
    if (d->points != sg_som_shape(j->map)->points)
        return SG_PAPER_POINTS;
    if (sg_corr_profile_of(d, j->windows.reference, j->kernel, &j->own))
        return SG_PAPER_NO_REFERENCE;
    double level = sg_paper_level(&j->own);
    if (!(level > 0))
        return SG_PAPER_NO_LEVEL;
    uint32_t first_reference, first_test;
    uint32_t n_reference = sg_corr_find(d, j->windows.reference, &first_reference);
    uint32_t n_test = sg_corr_find(d, j->windows.test, &first_test);

    int r = arrays_grow(j, n_reference + n_test);
    if (r == 0)
        r = find_classes(j, level);
    if (r == 0)
        r = judge_window(j, d, first_reference, n_reference, false, level);
    if (r == 0)
        r = judge_window(j, d, first_test, n_test, true, level);
    if (r < 0)
        return r;
    if (j->n == n_reference)
        return SG_PAPER_NO_TEST;
    *ret = score_of(j, n_reference);
    ret->level = level;
    return 0;
}

const struct sg_paper_day *sg_paper_judge_matrix(const struct sg_paper_judge *j, size_t *ret_n)
{
    *ret_n = j->n;
    return j->day;
}
