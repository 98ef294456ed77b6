#include "full-int.h"

#include <math.h>
#include <string.h>

/*
 * Changes that are not theft.  A fact alone excuses nothing: the load must look like it, else a
 * thief would be safe in premises that stand empty.  A pattern alone takes less off than one with
 * its fact.
 */
#define OFF_KNOWN   9.0f /* log odds */
#define OFF_PATTERN 3.0f
#define OFF_TARIFF  1.5f

#define FEATURE(name) features[sg_feature_of_pooled(SG_POOLED_##name)]

static float mean_over(const float v[SG_VIEW_HOURS], unsigned from, unsigned to)
{
    float sum = 0;
    for (unsigned h = from; h < to; h++)
        sum += v[h];
    return sum / (float)(to - from);
}

static bool lies_within(float v, float low, float high)
{
    return v >= low && v <= high;
}

static bool began_by(const struct sg_feature_work *w, const struct sg_fraud_context *ctx,
                     int32_t since)
{
    return ctx && since != SG_FRAUD_NO_DAY &&
           sg_fraud_context_day(ctx, since) <= w->view->day[w->late];
}

/* Many hours a day at one and the same largest load, or no difference between hours at all: made by
 * somebody. */
static bool looks_made(const struct sg_feature_work *w, const float *features)
{
    return FEATURE(CAP_GAIN) > 1.5f ||
           features[sg_feature_of_stat(SG_STAT_SPREAD, 0)] + FEATURE(SPREAD_USUAL) < 0.01f ||
           w->cap <= 0;
}

/* ---- vacant premises --------------------------------------------------------------------------
 * Everything falls to a base load that is there all day, and that was there before: nearly all
 * hours lie between the lowest loads of the reference and a little over its base.  A share of the
 * load or an amount off leaves less than the base, a cap leaves hours that are alike.  With the
 * fact half of the base will do, or nothing at all (the breaker is off); without it a bypass of the
 * whole meter would look the same.
 */
static struct sg_full_excuse vacant(const struct sg_feature_work *w, const float *features,
                                    const struct sg_fraud_context *ctx)
{
    const float base = w->quantile[1], least = w->quantile[0];
    const float high = w->quantile_late[3], low = w->quantile_late[0];
    const float level = mean_over(w->late_y, 0, SG_VIEW_HOURS);
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    const bool quiet =
        high <= 1.35f * base && level <= 0.92f * mean_over(w->late_p, 0, SG_VIEW_HOURS) &&
        features[sg_feature_of_stat(SG_STAT_SPREAD, 0)] < -0.3f * FEATURE(SPREAD_USUAL);
    const bool ended = ctx && ctx->vacant_until != SG_FRAUD_NO_DAY &&
                       sg_fraud_context_day(ctx, ctx->vacant_until) <= w->view->day[w->n - 1];
    e.known = ctx && began_by(w, ctx, ctx->vacant_since) && !ended;
    const bool excused = e.known ? (quiet && low >= 0.5f * least) || w->cap < 0.02f
                                 : quiet && low >= 0.85f * least && !looks_made(w, features);
    if (!excused)
        return e;
    e.kind = SG_FULL_REASON_VACANT;
    e.off = e.known ? OFF_KNOWN : OFF_PATTERN;
    e.a = base > 0 ? level / base : 0;
    return e;
}

/* ---- solar panels -----------------------------------------------------------------------------
 * What is missing has the shape of the sun's day: half a sine from six to eighteen o'clock, more on
 * clear days than on cloudy ones; the night is as it was.  It is more like the sun than like the
 * customer's own activity, which falls in holidays.  Hours that are off every day alike are a
 * theft's (h2): at noon some load must be left on some days, or the fact be known.
 */
static const float sun[SG_VIEW_HOURS] = {
    0,      0,      0,      0,      0,      0,      0.131f, 0.383f, 0.609f, 0.793f, 0.924f, 0.991f,
    0.991f, 0.924f, 0.793f, 0.609f, 0.383f, 0.131f, 0,      0,      0,      0,      0,      0};

/* r of what is missing with the regular day: high if the customer's own activity fell. */
static float likeness_with_activity(const struct sg_feature_work *w,
                                    const float missing[SG_VIEW_HOURS])
{
    float a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float m = missing[h], p = w->late_p[h];
        a += m;
        b += p;
        aa += m * m;
        bb += p * p;
        ab += m * p;
    }
    const float n = SG_VIEW_HOURS;
    const float var = (aa - a * a / n) * (bb - b * b / n);
    return var > 1e-12f ? (ab - a * b / n) / sqrtf(var) : 0;
}

/* r of what is missing with the sun's day, the sun allowed an hour either way. */
static float likeness_with_sun(const float missing[SG_VIEW_HOURS])
{
    float best = -1;
    for (int shift = -1; shift <= 2; shift++) {
        float a = 0, b = 0, aa = 0, bb = 0, ab = 0;
        for (int h = 0; h < SG_VIEW_HOURS; h++) {
            const float m = missing[h], s = sun[(h - shift + SG_VIEW_HOURS) % SG_VIEW_HOURS];
            a += m;
            b += s;
            aa += m * m;
            bb += s * s;
            ab += m * s;
        }
        const float n = SG_VIEW_HOURS;
        const float var = (aa - a * a / n) * (bb - b * b / n);
        const float r = var > 1e-12f ? (ab - a * b / n) / sqrtf(var) : 0;
        best = r > best ? r : best;
    }
    return best;
}

/* Share of the late hours around noon in which next to nothing was drawn. */
static float share_off_at_noon(const struct sg_feature_work *w)
{
    uint32_t off = 0;
    for (unsigned h = 10; h < 15; h++)
        for (uint32_t d = w->late; d < w->n; d++)
            off += w->y[h][d] < 0.02f;
    return (float)off / (5.0f * (float)(w->n - w->late));
}

static struct sg_full_excuse solar(const struct sg_feature_work *w, const float *features,
                                   const struct sg_fraud_context *ctx)
{
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    float missing[SG_VIEW_HOURS];
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        missing[h] = w->late_p[h] - w->late_y[h];
    const float noon = mean_over(w->late_y, 10, 15) / (mean_over(w->late_p, 10, 15) + 1e-6f);
    const float dark = (mean_over(w->late_y, 0, 5) + mean_over(w->late_y, 20, 24)) /
                       (mean_over(w->late_p, 0, 5) + mean_over(w->late_p, 20, 24) + 1e-6f);
    const float like = likeness_with_sun(missing);
    e.known = ctx && began_by(w, ctx, ctx->solar_since);
    if (noon > (e.known ? 1.1f : 0.85f) ||
        !lies_within(dark, e.known ? 0.75f : 0.8f, e.known ? 1.75f : 1.3f) ||
        like < (e.known ? 0.7f : 0.93f) || looks_made(w, features) ||
        (!e.known && (share_off_at_noon(w) > 0.5f || likeness_with_activity(w, missing) > like)))
        return e;
    e.kind = SG_FULL_REASON_SOLAR;
    e.off = e.known ? OFF_KNOWN : OFF_PATTERN;
    e.a = noon;
    return e;
}

/* ---- another tariff ---------------------------------------------------------------------------
 * The same total at other hours, and every day alike.  A day reversed or made flat is what thieves
 * of posts report (h5, h6), so it is no excuse.  Without the fact little is taken off.
 */
static struct sg_full_excuse tariff(const struct sg_feature_work *w, const float *features,
                                    const struct sg_fraud_context *ctx)
{
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    const float level =
        mean_over(w->late_y, 0, SG_VIEW_HOURS) / (mean_over(w->late_p, 0, SG_VIEW_HOURS) + 1e-6f);
    const float turned = FEATURE(MEAN_TURNED) + FEATURE(MEAN_OWN); /* r with the reversed day */
    const float spread = features[sg_feature_of_stat(SG_STAT_SPREAD, 0)];
    const bool made = looks_made(w, features) || spread < -0.6f * FEATURE(SPREAD_USUAL) ||
                      (turned > 0.75f && FEATURE(MEAN_TURNED) > 0.1f) ||
                      FEATURE(WINDOW_LOW) < 0.25f;
    const bool edgy = features[sg_feature_of_stat(SG_STAT_JAG, 1)] > 4;
    const bool moved = FEATURE(HOURS_SPREAD) > 0.08f && FEATURE(SHAPE_OVER_OWN) > 1.3f;
    e.known = ctx && began_by(w, ctx, ctx->tariff_since) &&
              sg_fraud_context_day(ctx, ctx->tariff_since) >= w->view->windows.reference.first;
    if (made || !moved || (edgy && !e.known) || FEATURE(SELF_OWN) < (e.known ? -0.25f : -0.05f) ||
        !lies_within(level, e.known ? 0.75f : 0.92f, e.known ? 1.3f : 1.08f))
        return e;
    e.kind = SG_FULL_REASON_TARIFF;
    e.off = e.known ? OFF_KNOWN : OFF_TARIFF;
    e.a = level;
    return e;
}

struct sg_full_excuse sg_full_find_excuse(const struct sg_feature_work *w, const float *features,
                                          const struct sg_fraud_context *ctx)
{
    const struct sg_full_excuse all[] = {vacant(w, features, ctx), solar(w, features, ctx),
                                         tariff(w, features, ctx)};
    struct sg_full_excuse best = {.kind = SG_FULL_REASON_NONE};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].kind != SG_FULL_REASON_NONE && all[i].off > best.off)
            best = all[i];
    return best;
}
