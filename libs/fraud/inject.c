#include "inject-int.h"

#include "exact-int.h"

#include <math.h>
#include <string.h>

enum { CURVE = 6 };

/* ---- drawing --------------------------------------------------------------------------------- */

struct draw {
    uint64_t state;
};

/* 0 to below 1, in steps of 2^-24. */
static float next_share(struct draw *d)
{
    d->state = sg_fraud_mix(d->state);
    return (float)(d->state >> 40) * 0x1p-24f;
}

static float next_within(struct draw *d, float from, float to)
{
    return from + (to - from) * next_share(d);
}

/* from..to, both ends. */
static uint32_t next_of(struct draw *d, uint32_t from, uint32_t to)
{
    return from + (uint32_t)(next_share(d) * (float)(to - from + 1));
}

/* ---- grain ----------------------------------------------------------------------------------- */

static bool is_multiple(float load, double inverse)
{
    const double steps = (double)load * inverse, slack = 1e-3 + steps * 0x1p-22;
    const double off = fabs(steps - floor(steps + 0.5));
    return off <= slack && slack < 0.2;
}

float sg_inject_grain(const struct sg_view *v)
{
    static const struct {
        float grain;
        double inverse;
    } tries[] = {{10, 0.1}, {1, 1}, {0.1f, 10}, {0.01f, 100}, {0.001f, 1000}};
    const uint32_t n = sg_view_days(v);
    unsigned t = 0;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < n; d++)
            while (!is_multiple(v->x[h * v->stride + d], tries[t].inverse))
                if (++t == sizeof(tries) / sizeof(tries[0]))
                    return 0;
    return tries[t].grain;
}

static float round_to(float load, float grain)
{
    return grain > 0 ? floorf(load / grain + 0.5f) * grain : load;
}

/* ---- forms ----------------------------------------------------------------------------------- */

/* What one thief does every day. */
struct theft {
    enum sg_inject_kind kind;
    unsigned general; /* 0: later, 1: curve, 2: earlier days */
    float share, amount;
    uint32_t from, to; /* hours off; from: also how much later */
    uint32_t back;     /* rows */
    float curve[SG_VIEW_HOURS];
    float mixed; /* of the theft; the rest is the true load */
    float some;  /* of the days */
};

static void draw_curve(struct draw *d, float curve[SG_VIEW_HOURS])
{
    float knot[CURVE];
    for (unsigned i = 0; i < CURVE; i++)
        knot[i] = next_within(d, 0.1f, 1.2f);
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float at = (float)h * (CURVE - 1) / (SG_VIEW_HOURS - 1);
        const unsigned i = at < CURVE - 2 ? (unsigned)at : CURVE - 2;
        curve[h] = knot[i] + (knot[i + 1] - knot[i]) * (at - (float)i);
    }
}

static struct theft draw_theft(struct draw *d, const struct sg_inject_base *base,
                               enum sg_inject_kind kind, const struct sg_view *v)
{
    struct theft t = {.kind = kind, .general = next_of(d, 0, 2), .mixed = 1, .some = 1};
    t.share = next_within(d, 0.1f, 0.9f);
    t.amount = kind == SG_INJECT_CUT_PEAKS ? next_within(d, 0.3f, 0.8f) * base->peak
                                           : next_within(d, 0.15f, 0.8f) * base->mean;
    t.from = next_of(d, 0, 19);
    t.to = next_of(d, t.from + 3, SG_VIEW_HOURS);
    t.back = v->n_reference > v->n_recent ? next_of(d, 7, v->n_reference / 2) : 1;
    if (kind == SG_INJECT_GENERAL)
        draw_curve(d, t.curve);
    if (next_share(d) < 0.3f)
        t.mixed = next_within(d, 0.3f, 1);
    if (next_share(d) < 0.2f)
        t.some = next_within(d, 0.4f, 1);
    return t;
}

static float general(const struct theft *t, const struct sg_view *v, uint32_t h, uint32_t d)
{
    switch (t->general) {
    case 0:
        return v->x[(h + 4 + t->from % 17) % SG_VIEW_HOURS * v->stride + d];
    case 1:
        return v->x[h * v->stride + d] * t->curve[h];
    default:
        return v->x[h * v->stride + (d >= t->back ? d - t->back : d)] * t->share;
    }
}

static float reported(const struct theft *t, struct draw *draw, const struct sg_view *v, uint32_t h,
                      uint32_t d, float mean)
{
    const float x = v->x[h * v->stride + d];
    switch (t->kind) {
    case SG_INJECT_SHARE:
        return x * t->share;
    case SG_INJECT_HOURS_OFF:
        return h >= t->from && h < t->to ? 0 : x;
    case SG_INJECT_CHANGING_SHARE:
        return x * next_within(draw, 0.1f, 0.9f);
    case SG_INJECT_SHARE_OF_MEAN:
        return mean * next_within(draw, 0.1f, 0.9f);
    case SG_INJECT_MEAN:
        return mean;
    case SG_INJECT_REVERSED:
        return v->x[(SG_VIEW_HOURS - 1 - h) * v->stride + d];
    case SG_INJECT_CUT_PEAKS:
        return x < t->amount ? x : t->amount;
    case SG_INJECT_AMOUNT_OFF:
        return x > t->amount ? x - t->amount : 0;
    default:
        return general(t, v, h, d);
    }
}

static float mean_of_day(const struct sg_view *v, uint32_t d)
{
    float sum = 0;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        sum += v->x[h * v->stride + d];
    return sum / SG_VIEW_HOURS;
}

void sg_inject(const struct sg_view *from, const struct sg_inject_base *base,
               enum sg_inject_kind kind, uint64_t key, struct sg_view *to)
{
    struct draw draw = {sg_fraud_mix(key)};
    const struct theft t = draw_theft(&draw, base, kind, from);
    const uint32_t n = sg_view_days(from);
    const uint32_t begin = from->n_reference + next_of(&draw, 0, from->n_recent / 2);
    for (uint32_t d = from->n_reference; d < n; d++) {
        const bool honest = d < begin || (t.some < 1 && next_share(&draw) >= t.some);
        const float mean = mean_of_day(from, d);
        for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
            const float x = from->x[h * from->stride + d];
            float *ret = &to->x[h * to->stride + d];
            if (honest)
                *ret = x;
            else
                *ret = round_to(reported(&t, &draw, from, h, d, mean) * t.mixed + x * (1 - t.mixed),
                                base->grain);
        }
    }
}
