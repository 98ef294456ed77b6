/*
 * vee-estimate - fills gaps from the genuine readings of the same period and meter.
 *
 * A gap is a run of intervals of one meter without a genuine reading.  Its inputs are gathered
 * first (they go into the hash), then each interval's value follows from them by the step's method,
 * then the whole gap is fitted to the register if the rules say so and the register is known at
 * both ends.
 */
#include "vee-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define INPUTS_MAX   (64u * 1024 * 1024) /* octets that one gap's hash may be over */
#define INTERVAL_MAX 10000000 /* Wh: what a reading may hold (meter/reading.h), an estimate too */

struct gap {
    size_t first, n;
    const char *serial; /* of the meter whose reading lacks; NULL: nobody knows */
};

struct work {
    const struct vee_grid *g;
    struct sg_vee_estimates *out;
    size_t capacity;
    struct sg_buf inputs; /* of the gap in hand, CBOR items one after the other */
    uint64_t n_inputs;
};

/* ---- inputs ------------------------------------------------------------------------------------
 */

static const struct sg_vee_row *input_at(const struct work *w, const struct gap *gap, size_t slot)
{
    const struct sg_vee_row *row = slot < w->g->n_slots ? vee_genuine(w->g, slot) : NULL;
    return row && !strcmp(row->serial, gap->serial) ? row : NULL;
}

static int put_quantity(struct sg_buf *b, int64_t v)
{
    return v == SG_READING_NA ? sg_cbor_put_null(b) : sg_cbor_put_int(b, v);
}

static int note_input(struct work *w, const struct sg_vee_row *row)
{
    int r = sg_cbor_put_array(&w->inputs, 4);

    if (!r)
        r = sg_cbor_put_int(&w->inputs, row->ts_s);
    if (!r)
        r = put_quantity(&w->inputs, row->energy_wh);
    if (!r)
        r = put_quantity(&w->inputs, row->reactive_varh);
    if (!r)
        r = put_quantity(&w->inputs, row->register_wh);
    w->n_inputs += r == 0;
    return r;
}

/* ---- values ------------------------------------------------------------------------------------
 */

/* Both quantities of one interval. */
struct value {
    int64_t wh, varh;
};

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

enum step_outcome { STEP_UNFIT = 1 }; /* its inputs are not there */

static int64_t between(const struct work *w, int64_t a, int64_t b, size_t k, size_t n)
{
    const __int128 n1 = (__int128)n + 1;
    return sg_round_div((__int128)a * (n1 - (__int128)k) + (__int128)b * (__int128)k, n1,
                        w->g->rules->rounding);
}

static int by_line(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                   struct value *ret)
{
    const struct sg_vee_row *a = gap->first ? input_at(w, gap, gap->first - 1) : NULL;
    const struct sg_vee_row *b = input_at(w, gap, gap->first + gap->n);
    int r;

    (void)step;
    if (!a || !b)
        return STEP_UNFIT;
    const bool reactive = a->reactive_varh != SG_READING_NA && b->reactive_varh != SG_READING_NA;
    for (size_t k = 1; k <= gap->n; k++)
        ret[k - 1] = (struct value){
            between(w, a->energy_wh, b->energy_wh, k, gap->n),
            reactive ? between(w, a->reactive_varh, b->reactive_varh, k, gap->n) : SG_READING_NA};
    r = note_input(w, a);
    return r ? r : note_input(w, b);
}

/* The reading of that day whose interval begins at the same local minute; of a repeated hour the
 * first.  NULL: not there, or not genuine. */
static const struct sg_vee_row *same_minute(const struct work *w, const struct gap *gap,
                                            const struct vee_day *day, size_t slot)
{
    for (size_t i = day->first; i < day->first + day->n; i++)
        if (w->g->minute[i] == w->g->minute[slot])
            return input_at(w, gap, i);
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

static int average_one(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                       size_t slot, struct value *ret)
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
        int r = note_input(w, row);
        if (r)
            return r;
        pool_add(&pool, row);
    }
    if (pool.n < step->least)
        return STEP_UNFIT;
    ret->wh = sg_round_div(pool.wh, pool.n, g->rules->rounding);
    ret->varh = pool.reactive ? sg_round_div(pool.varh, pool.n, g->rules->rounding) : SG_READING_NA;
    return 0;
}

static int by_history(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                      struct value *ret)
{
    int r = 0;

    for (size_t k = 0; k < gap->n && !r; k++)
        r = average_one(w, gap, step, gap->first + k, &ret[k]);
    return r;
}

/* Takes the part of the gap that lies in one local day from another whole day of its kind. */
static int copy_day(struct work *w, const struct gap *gap, size_t first, size_t n,
                    struct value *ret)
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
            int r = note_input(w, row);
            if (r)
                return r;
            ret[k] = (struct value){row->energy_wh, row->reactive_varh};
        }
        return 0;
    }
    return STEP_UNFIT;
}

static int by_proxy_day(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                        struct value *ret)
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

static int64_t weight_of(const struct work *w, const struct sg_vee_profile *p, size_t slot)
{
    return p->weight[w->g->days[w->g->day_of[slot]].kind][w->g->minute[slot] / 60];
}

/* The class' shape at the client's own height: energy of its genuine intervals by their weights. */
static int by_profile(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                      struct value *ret)
{
    const struct sg_vee_profile *p = &w->g->rules->profiles[step->profile];
    const int64_t per_hour = 3600 / (w->g->s->interval_s < 3600 ? w->g->s->interval_s : 3600);
    __int128 weights = 0, wh = 0;

    for (size_t i = 0; i < w->g->n_slots; i++) {
        const struct sg_vee_row *row = input_at(w, gap, i);
        if (!row)
            continue;
        int r = note_input(w, row);
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
        return STEP_UNFIT;
    for (size_t k = 0; k < gap->n; k++) {
        ret[k] = (struct value){
            sg_round_div(wh * weight_of(w, p, gap->first + k), weights, w->g->rules->rounding),
            SG_READING_NA};
        if (ret[k].wh > INTERVAL_MAX)
            return STEP_UNFIT;
    }
    return 0;
}

/* ---- register ----------------------------------------------------------------------------------
 */

/* What the register moved by over the gap; false: not known, or it went back. */
static bool register_total(const struct work *w, const struct gap *gap, int64_t *ret)
{
    const struct sg_vee_row *a = gap->first ? input_at(w, gap, gap->first - 1) : NULL;
    const struct sg_vee_row *b = input_at(w, gap, gap->first + gap->n);

    if (!a || !b || a->register_wh == SG_READING_NA || b->register_wh == SG_READING_NA)
        return false;
    *ret = b->register_wh - b->energy_wh - a->register_wh;
    return *ret >= 0;
}

/* Whether an interval's share could be more than any meter reports. */
static bool too_much(const struct gap *gap, const struct value *v, int64_t total)
{
    __int128 sum = 0;
    int64_t most = 0;

    for (size_t k = 0; k < gap->n; k++) {
        sum += v[k].wh > 0 ? v[k].wh : 0;
        most = v[k].wh > most ? v[k].wh : most;
    }
    if (sum == 0)
        return total / (int64_t)gap->n >= INTERVAL_MAX;
    return (__int128)total * most / sum >= INTERVAL_MAX;
}

/* The share of interval k, rounded down, and what was cut off. */
static int64_t share(const struct value *v, const struct gap *gap, size_t k, int64_t total,
                     int64_t sum, __int128 *ret_rest)
{
    const __int128 part = (__int128)total * (sum ? v[k].wh : 1);
    const __int128 whole = sum ? sum : (__int128)gap->n;
    *ret_rest = part % whole;
    return (int64_t)(part / whole);
}

struct rest {
    __int128 cut;
    size_t k;
};

static int larger_first(const void *a, const void *b)
{
    const struct rest *x = a, *y = b;
    if (x->cut != y->cut)
        return x->cut < y->cut ? 1 : -1;
    return x->k < y->k ? -1 : x->k > y->k;
}

/* Largest remainder: what is lacking goes, a Wh each, to the intervals that lost most by rounding
 * down; of equal ones to the earlier. */
static int fit(const struct gap *gap, int64_t total, struct value *v)
{
    SG_FREE struct rest *rests = calloc(gap->n, sizeof(*rests));
    int64_t sum = 0, given = 0;

    if (!rests)
        return sg_raise(-ENOMEM);
    for (size_t k = 0; k < gap->n; k++) {
        v[k].wh = v[k].wh < 0 ? 0 : v[k].wh;
        sum += v[k].wh;
    }
    for (size_t k = 0; k < gap->n; k++) {
        rests[k].k = k;
        v[k].wh = share(v, gap, k, total, sum, &rests[k].cut);
        given += v[k].wh;
    }
    qsort(rests, gap->n, sizeof(*rests), larger_first);
    for (size_t i = 0; i < (size_t)(total - given); i++)
        v[rests[i].k].wh++;
    return 0;
}

static int adjust(struct work *w, const struct gap *gap, struct value *v, bool *ret_adjusted)
{
    int64_t total;
    int r;

    *ret_adjusted =
        w->g->rules->adjust && register_total(w, gap, &total) && !too_much(gap, v, total);
    if (!*ret_adjusted)
        return 0;
    r = fit(gap, total, v);
    if (!r)
        r = note_input(w, input_at(w, gap, gap->first - 1));
    return r ? r : note_input(w, input_at(w, gap, gap->first + gap->n));
}

/* ---- one gap -----------------------------------------------------------------------------------
 */

/* SHA-256 of the array [rule file's hash, rule, interval, serial, first end, intervals, inputs...]
 * in deterministic CBOR; docs/vee.md. */
static int hash_inputs(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                       uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf head = SG_BUF_INIT(512);
    int r = sg_cbor_put_array(&head, 6 + w->n_inputs);

    if (!r)
        r = sg_cbor_put_bytes(&head, SG_BYTES(w->g->rules->sha256, 32));
    if (!r)
        r = sg_cbor_put_text(&head, step->rule);
    if (!r)
        r = sg_cbor_put_uint(&head, w->g->s->interval_s);
    if (!r)
        r = sg_cbor_put_text(&head, gap->serial);
    if (!r)
        r = sg_cbor_put_int(&head, vee_slot_end(w->g, gap->first));
    if (!r)
        r = sg_cbor_put_uint(&head, gap->n);
    if (r)
        return r;
    const struct sg_bytes parts[] = {sg_buf_bytes(&head), sg_buf_bytes(&w->inputs)};
    sg_sha256_parts(ret, parts, 2);
    return 0;
}

static int grow(struct work *w, size_t more)
{
    size_t wanted = w->capacity ? w->capacity : 64;

    while (wanted < w->out->n + more)
        wanted *= 2;
    if (wanted == w->capacity)
        return 0;
    struct sg_vee_estimate *items = reallocarray(w->out->items, wanted, sizeof(*items));
    if (!items)
        return sg_raise(-ENOMEM);
    w->out->items = items;
    w->capacity = wanted;
    return 0;
}

static int keep(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                const struct value *v, bool adjusted)
{
    uint8_t inputs[32];
    int r = hash_inputs(w, gap, step, inputs);

    if (!r)
        r = grow(w, gap->n);
    for (size_t k = 0; k < gap->n && !r; k++) {
        struct sg_vee_estimate *e = &w->out->items[w->out->n++];
        *e = (struct sg_vee_estimate){.ts_s = vee_slot_end(w->g, gap->first + k),
                                      .energy_wh = v[k].wh,
                                      .reactive_varh = v[k].varh,
                                      .adjusted = adjusted};
        snprintf(e->serial, sizeof(e->serial), "%s", gap->serial);
        snprintf(e->rule, sizeof(e->rule), "%s", step->rule);
        memcpy(e->inputs, inputs, 32);
    }
    return r;
}

static int try_step(struct work *w, const struct gap *gap, const struct sg_vee_step *step,
                    struct value *v)
{
    static int (*const methods[])(struct work *, const struct gap *, const struct sg_vee_step *,
                                  struct value *) = {by_line, by_history, by_proxy_day, by_profile};

    if ((int64_t)gap->n * w->g->s->interval_s > step->up_to_s)
        return STEP_UNFIT;
    sg_buf_reset(&w->inputs);
    w->n_inputs = 0;
    return methods[step->method](w, gap, step, v);
}

static int fill(struct work *w, const struct gap *gap)
{
    SG_FREE struct value *v = calloc(gap->n, sizeof(*v));
    bool adjusted;
    int r = STEP_UNFIT;
    size_t i = 0;

    if (!v)
        return sg_raise(-ENOMEM);
    while (gap->serial && i < w->g->rules->n_steps) {
        r = try_step(w, gap, &w->g->rules->steps[i], v);
        if (r != STEP_UNFIT)
            break;
        i++;
    }
    if (r == STEP_UNFIT) {
        w->out->unfilled += gap->n;
        return 0;
    }
    if (!r)
        r = adjust(w, gap, v, &adjusted);
    return r ? r : keep(w, gap, &w->g->rules->steps[i], v, adjusted);
}

/* ---- all gaps ----------------------------------------------------------------------------------
 */

/* The meter that should have told: by the records, else the one that told before, else the next. */
static const char *owner(const struct vee_grid *g, size_t slot, const char *before)
{
    if (g->s->n_meters) {
        const struct sg_vee_meter *m = vee_meter_at(g->s, vee_slot_end(g, slot));
        return m ? m->serial : NULL;
    }
    for (size_t i = slot; !before && i < g->n_slots; i++)
        if (g->row_of[i] != VEE_NO_ROW)
            before = g->s->rows[g->row_of[i]].serial;
    return before;
}

static bool is_gap(const struct vee_grid *g, size_t slot)
{
    return g->rows_in[slot] != 3 && !vee_genuine(g, slot) &&
           (g->s->n_meters == 0 || vee_meter_at(g->s, vee_slot_end(g, slot)));
}

static int fill_all(struct work *w)
{
    const struct vee_grid *g = w->g;
    const char *before = NULL;
    int r = 0;

    for (size_t i = 0; i < g->n_slots && !r;) {
        if (!is_gap(g, i)) {
            if (g->row_of[i] != VEE_NO_ROW)
                before = g->s->rows[g->row_of[i]].serial;
            i++;
            continue;
        }
        struct gap gap = {i, 1, owner(g, i, before)};
        while (i + gap.n < g->n_slots && is_gap(g, i + gap.n) &&
               (!gap.serial || g->s->n_meters == 0 ||
                !strcmp(owner(g, i + gap.n, before), gap.serial)))
            gap.n++;
        r = fill(w, &gap);
        i += gap.n;
    }
    return r;
}

int sg_vee_estimate(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                    struct sg_vee_estimates *ret)
{
    SG_CLEANUP(vee_grid_clear) struct vee_grid g = {.n_slots = 0};
    struct sg_vee_estimates out = {NULL, 0, 0};
    struct work w = {.g = &g, .out = &out, .inputs = SG_BUF_INIT(INPUTS_MAX)};
    int r = vee_grid_make(&g, rules, s);

    if (r)
        return r;
    r = fill_all(&w);
    sg_buf_clear(&w.inputs);
    if (r)
        sg_vee_estimates_clear(&out);
    else
        *ret = out;
    return r;
}

void sg_vee_estimates_clear(struct sg_vee_estimates *e)
{
    free(e->items);
    *e = (struct sg_vee_estimates){NULL, 0, 0};
}
