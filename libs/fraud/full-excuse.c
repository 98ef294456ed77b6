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
#define OFF_TARIFF  2.5f

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
 * What is missing is what panels of some size would give: half a sine from six to eighteen o'clock,
 * no more than the load itself; the night is as it was.  It is more like that than like the
 * customer's own activity, which falls in holidays.  Hours that are off every day alike are a
 * theft's (h2): clouds and the year leave some load on some days, unless the fact is known.  A
 * share of the load off takes from the night as much as from noon.
 */
static const float sun[SG_VIEW_HOURS] = {
    0,      0,      0,      0,      0,      0,      0.131f, 0.383f, 0.609f, 0.793f, 0.924f, 0.991f,
    0.991f, 0.924f, 0.793f, 0.609f, 0.383f, 0.131f, 0,      0,      0,      0,      0,      0};

static float correlation(const float a[SG_VIEW_HOURS], const float b[SG_VIEW_HOURS])
{
    const float mean_a = mean_over(a, 0, SG_VIEW_HOURS), mean_b = mean_over(b, 0, SG_VIEW_HOURS);
    float aa = 0, bb = 0, ab = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float x = a[h] - mean_a, y = b[h] - mean_b;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return aa * bb > 1e-12f ? ab / sqrtf(aa * bb) : 0;
}

/* r of what is missing with what panels would take, of the best size and with the sun an hour
 * earlier to two later. */
static float likeness_with_sun(const struct sg_feature_work *w, const float missing[SG_VIEW_HOURS])
{
    static const float size[] = {0.25f, 0.5f, 1, 2, 4, 8}; /* over the customer's mean load */
    float best = -1, taken[SG_VIEW_HOURS];
    for (unsigned k = 0; k < sizeof(size) / sizeof(size[0]); k++)
        for (int shift = -1; shift <= 2; shift++) {
            for (int h = 0; h < SG_VIEW_HOURS; h++) {
                const float gives = size[k] * sun[(h - shift + SG_VIEW_HOURS) % SG_VIEW_HOURS];
                taken[h] = gives < w->late_p[h] ? gives : w->late_p[h];
            }
            const float r = correlation(missing, taken);
            best = r > best ? r : best;
        }
    return best;
}

/* Hours running in which next to nothing was drawn on any late day. */
static unsigned hours_always_off(const struct sg_feature_work *w)
{
    unsigned run = 0, longest = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        float most = 0;
        for (uint32_t d = w->late; d < w->n; d++)
            most = w->y[h][d] > most ? w->y[h][d] : most;
        run = most < 0.02f ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* What is left in the dark and around noon. */
struct left {
    float dark, noon, like;
};

static bool panels_are_likely(const struct sg_feature_work *w, const struct left *l,
                              const float missing[SG_VIEW_HOURS])
{
    return l->noon <= 0.85f && lies_within(l->dark, 0.75f, 1.4f) && l->like >= 0.92f &&
           l->like > correlation(missing, w->late_p) && hours_always_off(w) < 3;
}

static bool panels_are_possible(const struct left *l)
{
    return l->noon < l->dark - 0.1f && lies_within(l->dark, 0.6f, 2.5f) && l->like >= 0.5f;
}

static struct sg_full_excuse solar(const struct sg_feature_work *w, const float *features,
                                   const struct sg_fraud_context *ctx)
{
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    float missing[SG_VIEW_HOURS];
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        missing[h] = w->late_p[h] - w->late_y[h];
    const struct left l = {
        .noon = mean_over(w->late_y, 10, 15) / (mean_over(w->late_p, 10, 15) + 1e-6f),
        .dark = (mean_over(w->late_y, 0, 5) + mean_over(w->late_y, 20, 24)) /
                (mean_over(w->late_p, 0, 5) + mean_over(w->late_p, 20, 24) + 1e-6f),
        .like = likeness_with_sun(w, missing),
    };
    e.known = ctx && began_by(w, ctx, ctx->solar_since);
    if (looks_made(w, features) ||
        !(e.known ? panels_are_possible(&l) : panels_are_likely(w, &l, missing)))
        return e;
    e.kind = SG_FULL_REASON_SOLAR;
    e.off = e.known ? OFF_KNOWN : OFF_PATTERN;
    e.a = l.noon;
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
    const bool moved = FEATURE(HOURS_SPREAD) > 0.08f && FEATURE(SHAPE_OVER_OWN) > 1.3f;
    e.known = ctx && began_by(w, ctx, ctx->tariff_since) &&
              sg_fraud_context_day(ctx, ctx->tariff_since) >= w->view->windows.reference.first;
    if (made || !moved || FEATURE(SELF_OWN) < (e.known ? -0.25f : -0.05f) ||
        !lies_within(level, e.known ? 0.75f : 0.88f, e.known ? 1.3f : 1.15f))
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
