/* vee-methods - an interval's value by each of the methods. */
#include "vee-estimate-int.h"

/* A sum of inputs: the reactive one lacks as soon as one input lacks it. */
struct pool {
    int64_t wh, varh, n;
    bool reactive;
};

static void pool_add(struct pool *p, const struct sg_vee_row *row)
{
    p->reactive = (p->n == 0 || p->reactive) && row->reactive_varh != SG_READING_NA;
    p->wh += row->energy_wh;
    p->varh += p->reactive ? row->reactive_varh : 0;
    p->n++;
}

static int64_t between(const struct vee_work *w, int64_t a, int64_t b, size_t k, size_t n)
{
    const __int128 n1 = (__int128)n + 1;
    return sg_round_div((__int128)a * (n1 - (__int128)k) + (__int128)b * (__int128)k, n1,
                        w->g->rules->rounding);
}

int vee_by_line(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                struct vee_value *ret)
{
    const struct sg_vee_row *a = gap->first ? vee_input_at(w, gap, gap->first - 1) : NULL;
    const struct sg_vee_row *b = vee_input_at(w, gap, gap->first + gap->n);
    int r;

    (void)step;
    if (!a || !b)
        return VEE_STEP_UNFIT;
    const bool reactive = a->reactive_varh != SG_READING_NA && b->reactive_varh != SG_READING_NA;
    for (size_t k = 1; k <= gap->n; k++)
        ret[k - 1] = (struct vee_value){
            between(w, a->energy_wh, b->energy_wh, k, gap->n),
            reactive ? between(w, a->reactive_varh, b->reactive_varh, k, gap->n) : SG_READING_NA};
    r = vee_note_input(w, a);
    return r ? r : vee_note_input(w, b);
}

/* The reading of that day whose interval begins at the same local minute; of a repeated hour the
 * first.  NULL: not there, or not genuine. */
static const struct sg_vee_row *same_minute(const struct vee_work *w, const struct vee_gap *gap,
                                            const struct vee_day *day, size_t slot)
{
    for (size_t i = day->first; i < day->first + day->n; i++)
        if (w->g->minute[i] == w->g->minute[slot])
            return vee_input_at(w, gap, i);
    return NULL;
}

/* Days by distance from the one at, the earlier of two equally far first: 0, -1, +1, -2, ... */
static const struct vee_day *nth_day(const struct vee_grid *g, size_t at, size_t n)
{
    const size_t far = (n + 1) / 2;
    if (n % 2)
        return far <= at ? &g->days[at - far] : NULL;
    return at + far < g->n_days ? &g->days[at + far] : NULL;
}

static int average_one(struct vee_work *w, const struct vee_gap *gap,
                       const struct sg_vee_step *step, size_t slot, struct vee_value *ret)
{
    const struct vee_grid *g = w->g;
    const size_t at = g->day_of[slot];
    struct pool pool = {0, 0, 0, false};

    for (size_t n = 1; n <= 2 * g->n_days && pool.n < step->days; n++) {
        const struct vee_day *day = nth_day(g, at, n);
        const struct sg_vee_row *row =
            day && day->kind == g->days[at].kind ? same_minute(w, gap, day, slot) : NULL;
        if (!row)
            continue;
        int r = vee_note_input(w, row);
        if (r)
            return r;
        pool_add(&pool, row);
    }
    if (pool.n < step->least)
        return VEE_STEP_UNFIT;
    ret->wh = sg_round_div(pool.wh, pool.n, g->rules->rounding);
    ret->varh = pool.reactive ? sg_round_div(pool.varh, pool.n, g->rules->rounding) : SG_READING_NA;
    return 0;
}

int vee_by_history(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                   struct vee_value *ret)
{
    int r = 0;

    for (size_t k = 0; k < gap->n && !r; k++)
        r = average_one(w, gap, step, gap->first + k, &ret[k]);
    return r;
}

/* Takes the part of the gap that lies in one local day from another whole day of its kind. */
static int copy_day(struct vee_work *w, const struct vee_gap *gap, size_t first, size_t n,
                    struct vee_value *ret)
{
    const struct vee_grid *g = w->g;
    const size_t at = g->day_of[first];

    for (size_t far = 1; far <= 2 * g->n_days; far++) {
        const struct vee_day *day = nth_day(g, at, far);
        size_t k = 0;
        if (!day || day->kind != g->days[at].kind)
            continue;
        while (k < n && same_minute(w, gap, day, first + k))
            k++;
        if (k < n)
            continue;
        for (k = 0; k < n; k++) {
            const struct sg_vee_row *row = same_minute(w, gap, day, first + k);
            int r = vee_note_input(w, row);
            if (r)
                return r;
            ret[k] = (struct vee_value){row->energy_wh, row->reactive_varh};
        }
        return 0;
    }
    return VEE_STEP_UNFIT;
}

int vee_by_proxy_day(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                     struct vee_value *ret)
{
    int r = 0;

    (void)step;
    for (size_t at = 0; at < gap->n && !r;) {
        const size_t first = gap->first + at;
        size_t n = 1;
        while (at + n < gap->n && w->g->day_of[first + n] == w->g->day_of[first])
            n++;
        r = copy_day(w, gap, first, n, ret + at);
        at += n;
    }
    return r;
}

static int64_t weight_of(const struct vee_work *w, const struct sg_vee_profile *p, size_t slot)
{
    return p->weight[w->g->days[w->g->day_of[slot]].kind][w->g->minute[slot] / 60];
}

/* The class' shape at the client's own height: energy of its genuine intervals by their weights. */
int vee_by_profile(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                   struct vee_value *ret)
{
    const struct sg_vee_profile *p = &w->g->rules->profiles[step->profile];
    const int64_t per_hour = 3600 / (w->g->s->interval_s < 3600 ? w->g->s->interval_s : 3600);
    __int128 weights = 0, wh = 0;

    for (size_t i = 0; i < w->g->n_slots; i++) {
        const struct sg_vee_row *row = vee_input_at(w, gap, i);
        if (!row)
            continue;
        int r = vee_note_input(w, row);
        if (r)
            return r;
        wh += row->energy_wh;
        weights += weight_of(w, p, i);
    }
    if (w->n_inputs == 0) { /* nothing of this meter: the class' own height */
        wh = p->day_wh;
        for (int h = 0; h < 24; h++)
            weights += p->weight[SG_VEE_WORKING][h] * per_hour;
    }
    if (weights == 0 || wh < 0)
        return VEE_STEP_UNFIT;
    for (size_t k = 0; k < gap->n; k++) {
        ret[k] = (struct vee_value){
            sg_round_div(wh * weight_of(w, p, gap->first + k), weights, w->g->rules->rounding),
            SG_READING_NA};
        if (ret[k].wh > VEE_INTERVAL_MAX)
            return VEE_STEP_UNFIT;
    }
    return 0;
}
