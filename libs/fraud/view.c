#include "view-int.h"

#include <string.h>

bool sg_view_windows_good(const struct sg_corr_windows *w)
{
    const int64_t first = w->reference.first, last = w->test.last;
    return w->reference.first <= w->reference.last && w->reference.last < w->test.first &&
           w->test.first <= w->test.last && last - first < SG_VIEW_DAYS_MAX;
}

static uint32_t calendar_days(const struct sg_corr_windows *w)
{
    return (uint32_t)(w->test.last - w->reference.first) + 1;
}

static int make_room(struct sg_view *v, uint32_t days)
{
    v->stride = (days + 7) / 8 * 8;
    v->x = calloc((size_t)v->stride * SG_VIEW_HOURS, sizeof(*v->x));
    v->day = calloc(v->stride, sizeof(*v->day));
    v->kind = calloc(v->stride, 1);
    v->weekday = calloc(v->stride, 1);
    v->gap = calloc(v->stride, sizeof(*v->gap));
    v->absent = malloc(calendar_days(&v->windows) * sizeof(*v->absent));
    if (v->x && v->day && v->kind && v->weekday && v->gap && v->absent)
        return 0;
    sg_view_clear(v);
    return sg_raise(-ENOMEM);
}

int sg_view_init(struct sg_view *v, const struct sg_corr_windows *w)
{
    *v = (struct sg_view){.windows = *w};
    return make_room(v, sg_window_days(w->reference) + sg_window_days(w->test));
}

void sg_view_clear(struct sg_view *v)
{
    free(v->x);
    free(v->day);
    free(v->kind);
    free(v->weekday);
    free(v->gap);
    free(v->absent);
    *v = (struct sg_view){.x = NULL};
}

static void put_gap(struct sg_view *v, uint32_t to, const struct sg_fraud_days *d, uint32_t from)
{
    const uint32_t each = d->points / SG_VIEW_HOURS;
    uint32_t *absent = &v->absent[d->day[from] - v->windows.reference.first];
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        uint32_t n = 0;
        for (uint32_t i = h * each; i < (h + 1) * each; i++)
            n += sg_fraud_days_is_filled(d, from, i);
        *absent |= (uint32_t)(n > 0) << h;
        v->gap[to] |= (uint32_t)(4 * n > each) << h;
    }
    if (sg_fraud_days_has_gap(d, from))
        v->gap[to] |= SG_VIEW_TOUCHED;
}

static void put_lost(struct sg_view *v, const struct sg_fraud_days *d)
{
    const int64_t first = v->windows.reference.first, last = v->windows.test.last;
    for (uint32_t i = 0; i < calendar_days(&v->windows); i++)
        v->absent[i] = SG_FRAUD_ALL_HOURS;
    for (uint32_t i = 0; i < d->n_lost; i++)
        if (d->lost[i].day >= first && d->lost[i].day <= last)
            v->absent[d->lost[i].day - first] = d->lost[i].hours;
}

static bool find_gaps(const struct sg_view *v)
{
    uint32_t any = 0;
    for (uint32_t i = 0; i < sg_view_days(v); i++)
        any |= v->gap[i];
    return any != 0;
}

static void put_day(struct sg_view *v, uint32_t to, const struct sg_fraud_days *d, uint32_t from,
                    const struct sg_fraud_context *ctx)
{
    const float *row = sg_fraud_days_row(d, from);
    const uint32_t each = d->points / SG_VIEW_HOURS;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        float sum = 0;
        for (uint32_t i = 0; i < each; i++)
            sum += row[h * each + i];
        v->x[h * v->stride + to] = sum;
    }
    v->day[to] = d->day[from];
    v->weekday[to] = d->weekday[from];
    v->kind[to] = (uint8_t)sg_fraud_context_kind(ctx, d->day[from], d->weekday[from]);
    v->gap[to] = 0;
    v->absent[d->day[from] - v->windows.reference.first] = 0;
    if (d->n_gaps)
        put_gap(v, to, d, from);
}

void sg_view_fill(struct sg_view *v, const struct sg_fraud_days *d,
                  const struct sg_fraud_context *ctx)
{
    uint32_t reference, recent;
    v->n_reference = sg_corr_find(d, v->windows.reference, &reference);
    v->n_recent = sg_corr_find(d, v->windows.test, &recent);
    put_lost(v, d);
    for (uint32_t i = 0; i < v->n_reference; i++)
        put_day(v, i, d, reference + i, ctx);
    for (uint32_t i = 0; i < v->n_recent; i++)
        put_day(v, v->n_reference + i, d, recent + i, ctx);
    v->gaps = d->n_gaps && find_gaps(v);
}

int sg_view_copy(struct sg_view *ret, const struct sg_view *from)
{
    struct sg_view v = {
        .windows = from->windows, .n_reference = from->n_reference, .n_recent = from->n_recent};
    const uint32_t n = sg_view_days(from);
    int r = make_room(&v, n);
    if (r)
        return r;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        memcpy(v.x + h * v.stride, from->x + h * from->stride, n * sizeof(*v.x));
    memcpy(v.day, from->day, n * sizeof(*v.day));
    memcpy(v.kind, from->kind, n);
    memcpy(v.weekday, from->weekday, n);
    memcpy(v.gap, from->gap, n * sizeof(*v.gap));
    memcpy(v.absent, from->absent, calendar_days(&v.windows) * sizeof(*v.absent));
    v.gaps = from->gaps;
    *ret = v;
    return 0;
}

/* Rows below `day`. */
static uint32_t rows_before(const struct sg_view *v, int64_t day)
{
    uint32_t n = 0;
    while (n < sg_view_days(v) && v->day[n] < day)
        n++;
    return n;
}

struct sg_view sg_view_part(const struct sg_view *from, const struct sg_corr_windows *w)
{
    const uint32_t first = rows_before(from, w->reference.first);
    const uint32_t recent = rows_before(from, w->test.first);
    struct sg_view part = *from;
    part.windows = *w;
    part.n_reference = recent - first;
    part.n_recent = rows_before(from, (int64_t)w->test.last + 1) - recent;
    part.x += first;
    part.day += first;
    part.kind += first;
    part.weekday += first;
    part.gap += first;
    part.absent += w->reference.first - from->windows.reference.first;
    part.gaps = from->gaps && find_gaps(&part);
    return part;
}
