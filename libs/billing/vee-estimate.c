/*
 * vee-estimate - fills gaps from the genuine readings of the same period and meter.
 *
 * A gap is a run of intervals of one meter without a genuine reading.  Its inputs are gathered
 * first (they go into the hash), then each interval's value follows from them by the step's method,
 * then the whole gap is fitted to the register if the rules say so and the register is known at
 * both ends.
 */
#include "vee-estimate-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define INPUTS_MAX (64u * 1024 * 1024) /* octets that one gap's hash may be over */

/* ---- inputs ------------------------------------------------------------------------------------
 */

const struct sg_vee_row *vee_input_at(const struct vee_work *w, const struct vee_gap *gap,
                                      size_t slot)
{
    const struct sg_vee_row *row = slot < w->g->n_slots ? vee_genuine(w->g, slot) : NULL;
    return row && !strcmp(row->serial, gap->serial) ? row : NULL;
}

static int put_quantity(struct sg_buf *b, int64_t v)
{
    return v == SG_READING_NA ? sg_cbor_put_null(b) : sg_cbor_put_int(b, v);
}

int vee_note_input(struct vee_work *w, const struct sg_vee_row *row)
{
    const bool with_reactive = w->g->rules->adjust_reactive;
    int r = sg_cbor_put_array(&w->inputs, with_reactive ? 5 : 4);

    if (!r)
        r = sg_cbor_put_int(&w->inputs, row->ts_s);
    if (!r)
        r = put_quantity(&w->inputs, row->energy_wh);
    if (!r)
        r = put_quantity(&w->inputs, row->reactive_varh);
    if (!r)
        r = put_quantity(&w->inputs, row->register_wh);
    if (!r && with_reactive)
        r = put_quantity(&w->inputs, row->reactive_register_varh);
    w->n_inputs += r == 0;
    return r;
}

/* ---- one gap -----------------------------------------------------------------------------------
 */

/* SHA-256 of the array [rule file's hash, rule, interval, serial, first end, intervals, inputs...]
 * in deterministic CBOR; docs/vee.md. */
static int hash_inputs(struct vee_work *w, const struct vee_gap *gap,
                       const struct sg_vee_step *step, uint8_t ret[32])
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

static int grow(struct vee_work *w, size_t more)
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

static int keep(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                const struct vee_value *v, bool adjusted)
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

static int try_step(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                    struct vee_value *v)
{
    static const vee_method_fn methods[] = {vee_by_line, vee_by_history, vee_by_proxy_day,
                                            vee_by_profile};

    if ((int64_t)gap->n * w->g->s->interval_s > step->up_to_s)
        return VEE_STEP_UNFIT;
    sg_buf_reset(&w->inputs);
    w->n_inputs = 0;
    return methods[step->method](w, gap, step, v);
}

static int fill(struct vee_work *w, const struct vee_gap *gap)
{
    SG_FREE struct vee_value *v = calloc(gap->n, sizeof(*v));
    bool adjusted;
    int r = VEE_STEP_UNFIT;
    size_t i = 0;

    if (!v)
        return sg_raise(-ENOMEM);
    while (gap->serial && i < w->g->rules->n_steps) {
        r = try_step(w, gap, &w->g->rules->steps[i], v);
        if (r != VEE_STEP_UNFIT)
            break;
        i++;
    }
    if (r == VEE_STEP_UNFIT) {
        w->out->unfilled += gap->n;
        return 0;
    }
    if (!r)
        r = vee_adjust(w, gap, v, &adjusted);
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

static int fill_all(struct vee_work *w)
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
        struct vee_gap gap = {i, 1, owner(g, i, before)};
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
    struct vee_work w = {.g = &g, .out = &out, .inputs = SG_BUF_INIT(INPUTS_MAX)};
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
