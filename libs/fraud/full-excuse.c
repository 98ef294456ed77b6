#include "full-int.h"

#include <math.h>
#include <string.h>

/*
 * Changes that are not theft.  A fact alone excuses nothing: the load must look like it, else a
 * thief would be safe in premises that stand empty.  A pattern alone takes less off than one with
 * its fact, and one that some thefts have as well takes least.
 */
#define OFF_KNOWN        12.0f /* log odds */
#define OFF_VACANT       4.5f
#define OFF_SUN          3.0f
#define OFF_WEATHER      5.0f
#define OFF_NOON_OFF     8.0f
#define OFF_TARIFF       1.0f
#define OFF_TARIFF_MOVED 6.0f

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

/* No difference between the hours of a day, or nothing at all. */
static bool has_no_course(const struct sg_feature_work *w, const float *features)
{
    return features[sg_feature_of_stat(SG_STAT_SPREAD, 0)] + FEATURE(SPREAD_USUAL) < 0.01f ||
           w->cap <= 0;
}

/* That, or many hours a day at one and the same largest load: made by somebody. */
static bool looks_made(const struct sg_feature_work *w, const float *features)
{
    return FEATURE(CAP_GAIN) > 1.5f || has_no_course(w, features);
}

/* ---- vacant premises --------------------------------------------------------------------------
 * Everything falls to a base load that is there all day, and that was there before: nearly all
 * hours lie between the lowest loads of the reference and a little over its base.  A share of the
 * load or an amount off leaves less than the base, a cap leaves hours that are alike.
 *
 * With the fact any low load will do that shows nobody: no hour of the day differs from the others,
 * none passes the old base.  A refrigerator is left, or nothing at all.  Without the fact a by-pass
 * of the whole meter would look the same; with it nobody can tell from the load.
 */
static bool falls_to_base(const struct sg_feature_work *w, float most_left)
{
    return w->quantile_late[3] <= 1.35f * w->quantile[1] &&
           mean_over(w->late_y, 0, SG_VIEW_HOURS) <=
               most_left * mean_over(w->late_p, 0, SG_VIEW_HOURS);
}

/* Least and largest mean hour of the late days lie between these, over their mean. */
static bool hours_are_alike(const struct sg_feature_work *w, float least, float most)
{
    const float mean = mean_over(w->late_y, 0, SG_VIEW_HOURS);
    const float slack = 0.02f; /* of the customer's mean load: a lamp left on for an hour */
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        if (!lies_within(w->late_y[h], least * mean - slack, most * mean + slack))
            return false;
    return true;
}

/* A small load is told in steps of the meter: that many hours have the same largest one makes no
 * cap of it while there are others all day. */
static bool is_capped(const struct sg_feature_work *w, const float *features)
{
    return has_no_course(w, features) ||
           (FEATURE(CAP_GAIN) > 1.5f &&
            !(FEATURE(CAP_HOURS) < 14 && hours_are_alike(w, 0.87f, 1.15f)));
}

static bool seems_vacant(const struct sg_feature_work *w, const float *features)
{
    return falls_to_base(w, 0.9f) && w->quantile_late[0] >= 0.85f * w->quantile[0] &&
           features[sg_feature_of_stat(SG_STAT_SPREAD, 0)] < -0.55f * FEATURE(SPREAD_USUAL) &&
           !is_capped(w, features);
}

/* A tenth of the old base is too little to have a course; more of it is a machine's and steady. */
static bool may_be_vacant(const struct sg_feature_work *w, const float *features)
{
    const float spread = features[sg_feature_of_stat(SG_STAT_SPREAD, 0)] + FEATURE(SPREAD_USUAL);
    const bool steady = spread <= 0.35f && hours_are_alike(w, 0.4f, 2);
    return w->cap < 0.02f ||
           (falls_to_base(w, 0.98f) &&
            (steady || mean_over(w->late_y, 0, SG_VIEW_HOURS) <= 0.1f * w->quantile[1]));
}

static struct sg_full_excuse vacant(const struct sg_feature_work *w, const float *features,
                                    const struct sg_fraud_context *ctx)
{
    const float base = w->quantile[1];
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    const bool ended = ctx && ctx->vacant_until != SG_FRAUD_NO_DAY &&
                       sg_fraud_context_day(ctx, ctx->vacant_until) <= w->view->day[w->n - 1];
    e.known = ctx && began_by(w, ctx, ctx->vacant_since) && !ended;
    if (e.known ? !may_be_vacant(w, features) : !seems_vacant(w, features))
        return e;
    e.kind = SG_FULL_REASON_VACANT;
    e.off = e.known ? OFF_KNOWN : OFF_VACANT;
    e.a = base > 0 ? mean_over(w->late_y, 0, SG_VIEW_HOURS) / base : 0;
    return e;
}

/* ---- solar panels -----------------------------------------------------------------------------
 * What is missing is what panels of some size would give: half a sine from six to eighteen o'clock,
 * no more than the load itself; the night is as it was.  It is more like that than like the
 * customer's own activity, which falls in holidays.  Hours that are off every day alike are a
 * theft's (h2): clouds leave some load on some days, unless the fact is known.  A share of the load
 * off takes from the night as much as from noon.
 *
 * Clouds are the strongest mark.  What is missing by daylight differs more from day to day than it
 * did before; where panels are large, how many hours at noon nothing is drawn does.
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

/* What is left in the dark and around noon; how what is missing resembles the sun, and how the
 * customer's own activity. */
struct left {
    float dark, noon, like, own;
};

/* Share missing of a day's load in these hours. */
static float missing_in(const struct sg_feature_work *w, uint32_t row, unsigned from, unsigned to)
{
    float y = 0, p = 0;
    for (unsigned h = from; h < to; h++) {
        y += w->y[h][row];
        p += w->p[h][row];
    }
    return p > 0 ? 1 - y / p : 0;
}

static float spread_of(const float *v, uint32_t n)
{
    float sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += v[i];
    for (uint32_t i = 0; i < n; i++)
        squares += (v[i] - sum / (float)n) * (v[i] - sum / (float)n);
    return n ? sqrtf(squares / (float)n) : 0;
}

/* Does what is missing in these hours differ from day to day by so much more than before? */
static bool varies_more(const struct sg_feature_work *w, unsigned from, unsigned to, float times)
{
    float v[SG_VIEW_DAYS_MAX];
    for (uint32_t d = 0; d < w->n; d++)
        v[d] = missing_in(w, d, from, to);
    return spread_of(v + w->late, w->n - w->late) >
           times * spread_of(v, w->view->n_reference) + 0.02f;
}

static bool has_weather(const struct sg_feature_work *w)
{
    return varies_more(w, 8, 17, 1.2f) && !varies_more(w, 0, 5, 1.5f);
}

/* Hours around noon without load: more than one a day, not as many every day, none by night. */
static bool noon_off_varies(const struct sg_feature_work *w)
{
    float off[SG_VIEW_DAYS_MAX], sum = 0;
    for (uint32_t d = w->late; d < w->n; d++) {
        off[d] = 0;
        for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
            const bool none = w->y[h][d] < 0.02f;
            if (none && (h < 6 || h >= 18))
                return false;
            off[d] += none;
        }
        sum += off[d];
    }
    return sum > (float)(w->n - w->late) && spread_of(off + w->late, w->n - w->late) >= 1;
}

static struct left find_left(const struct sg_feature_work *w)
{
    float missing[SG_VIEW_HOURS];
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        missing[h] = w->late_p[h] - w->late_y[h];
    return (struct left){
        .noon = mean_over(w->late_y, 10, 15) / (mean_over(w->late_p, 10, 15) + 1e-6f),
        .dark = (mean_over(w->late_y, 0, 5) + mean_over(w->late_y, 20, 24)) /
                (mean_over(w->late_p, 0, 5) + mean_over(w->late_p, 20, 24) + 1e-6f),
        .like = likeness_with_sun(w, missing),
        .own = correlation(missing, w->late_p),
    };
}

/* Log odds; 0: nothing to take off. */
static float panels_are_likely(const struct sg_feature_work *w, const struct left *l)
{
    if (hours_always_off(w) >= 3)
        return 0;
    if (l->noon <= 0.6f && lies_within(l->dark, 0.7f, 1.6f) && l->like >= 0.85f &&
        noon_off_varies(w))
        return OFF_NOON_OFF;
    if (l->noon > 0.85f || !lies_within(l->dark, 0.75f, 1.4f) || l->like < 0.92f ||
        l->like <= l->own)
        return 0;
    return l->like > l->own + 0.02f && l->dark >= 0.8f && has_weather(w) ? OFF_WEATHER : OFF_SUN;
}

static bool panels_are_possible(const struct left *l)
{
    return l->noon < l->dark - 0.1f && lies_within(l->dark, 0.6f, 2.5f) && l->like >= 0.5f;
}

static struct sg_full_excuse solar(const struct sg_feature_work *w, const float *features,
                                   const struct sg_fraud_context *ctx)
{
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    const struct left l = find_left(w);
    e.known = ctx && began_by(w, ctx, ctx->solar_since);
    if (looks_made(w, features))
        return e;
    e.off = !e.known ? panels_are_likely(w, &l) : panels_are_possible(&l) ? OFF_KNOWN : 0;
    if (e.off > 0)
        e.kind = SG_FULL_REASON_SOLAR;
    e.a = l.noon;
    return e;
}

/* ---- another tariff ---------------------------------------------------------------------------
 * The same total at other hours, and every day alike.  A day reversed or made flat is what thieves
 * of posts report (h5, h6), so it is no excuse.  Without the fact little is taken off, unless what
 * goes in some hours running comes back in others and the rest of the day is as it was.
 */
enum { TAKEN_MOST = 6, GIVEN_LEAST = 3, GIVEN_MOST = 12 };

/* Hours running (round midnight, too): what the best change of them explains of the whole. */
struct block {
    unsigned from, n;
    float moved; /* energy, over the customer's hourly mean */
    float explains;
};

/* A share of the load goes in these hours. */
static struct block taken_from(const float change[SG_VIEW_HOURS], const float p[SG_VIEW_HOURS],
                               unsigned from, unsigned n)
{
    float cp = 0, pp = 0, load = 0;
    for (unsigned i = 0; i < n; i++) {
        const unsigned h = (from + i) % SG_VIEW_HOURS;
        cp -= change[h] * p[h];
        pp += p[h] * p[h];
        load += p[h];
    }
    const float share = pp > 0 ? cp / pp : 0;
    if (!lies_within(share, 0.25f, 0.9f))
        return (struct block){0, 0, 0, 0};
    return (struct block){from, n, share * load, share * cp};
}

/* As much comes to each of these. */
static struct block given_to(const float change[SG_VIEW_HOURS], unsigned from, unsigned n)
{
    float sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += change[(from + i) % SG_VIEW_HOURS];
    return sum > 0 ? (struct block){from, n, sum, sum * sum / (float)n}
                   : (struct block){0, 0, 0, 0};
}

static bool overlap(const struct block *a, const struct block *b)
{
    return (b->from + SG_VIEW_HOURS - a->from) % SG_VIEW_HOURS < a->n ||
           (a->from + SG_VIEW_HOURS - b->from) % SG_VIEW_HOURS < b->n;
}

/* What goes in one block comes back in another, and that is nearly all that happened. */
static bool is_moved(const struct sg_feature_work *w)
{
    struct block given[SG_VIEW_HOURS * (GIVEN_MOST - GIVEN_LEAST + 1)];
    float change[SG_VIEW_HOURS], all = 0;
    size_t n = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        change[h] = w->late_y[h] - w->late_p[h];
        all += change[h] * change[h];
    }
    for (unsigned from = 0; from < SG_VIEW_HOURS; from++)
        for (unsigned k = GIVEN_LEAST; k <= GIVEN_MOST; k++)
            given[n++] = given_to(change, from, k);
    for (unsigned from = 0; from < SG_VIEW_HOURS; from++)
        for (unsigned k = 2; k <= TAKEN_MOST; k++) {
            const struct block taken = taken_from(change, w->late_p, from, k);
            for (size_t i = 0; taken.n && i < n; i++)
                if (given[i].n && taken.explains + given[i].explains > 0.85f * all &&
                    lies_within(given[i].moved, 0.6f * taken.moved, 1.7f * taken.moved) &&
                    !overlap(&taken, &given[i]))
                    return true;
        }
    return false;
}

static bool hours_are_made(const struct sg_feature_work *w, const float *features)
{
    const float turned = FEATURE(MEAN_TURNED) + FEATURE(MEAN_OWN); /* r with the reversed day */
    const float spread = features[sg_feature_of_stat(SG_STAT_SPREAD, 0)];
    return looks_made(w, features) || spread < -0.6f * FEATURE(SPREAD_USUAL) ||
           (turned > 0.75f && FEATURE(MEAN_TURNED) > 0.1f) || FEATURE(WINDOW_LOW) < 0.25f;
}

static struct sg_full_excuse tariff(const struct sg_feature_work *w, const float *features,
                                    const struct sg_fraud_context *ctx)
{
    struct sg_full_excuse e = {.kind = SG_FULL_REASON_NONE};
    const float level =
        mean_over(w->late_y, 0, SG_VIEW_HOURS) / (mean_over(w->late_p, 0, SG_VIEW_HOURS) + 1e-6f);
    const bool moved = FEATURE(HOURS_SPREAD) > 0.08f && FEATURE(SHAPE_OVER_OWN) > 1.3f;
    e.known = ctx && began_by(w, ctx, ctx->tariff_since) &&
              sg_fraud_context_day(ctx, ctx->tariff_since) >= w->view->windows.reference.first;
    if (!moved || hours_are_made(w, features) || FEATURE(SELF_OWN) < (e.known ? -0.25f : -0.05f) ||
        !lies_within(level, e.known ? 0.75f : 0.88f, e.known ? 1.3f : 1.15f))
        return e;
    e.kind = SG_FULL_REASON_TARIFF;
    e.off = e.known ? OFF_KNOWN : is_moved(w) ? OFF_TARIFF_MOVED : OFF_TARIFF;
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
