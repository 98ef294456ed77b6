#include "full-int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sealgrid/base/clock.h>

/* A family that adds less than this to the margin is no reason. */
#define EFFECT_LEAST 0.25

#define FEATURE(name) f[sg_feature_of_pooled(SG_POOLED_##name)]

/* ---- which reasons, with which figures --------------------------------------------------------
 */

struct finder {
    const struct sg_feature_work *w;
    const float *f;
    const struct sg_absence *absence;
    bool gap_told;
};

static float median_of_stat(const struct sg_feature_work *w, enum sg_day_stat s, uint32_t first,
                            uint32_t n)
{
    double v[SG_VIEW_DAYS_MAX];
    for (uint32_t i = 0; i < n; i++)
        v[i] = (double)w->stat[s][first + i];
    return (float)sg_corr_median(v, n);
}

static float before(const struct finder *x, enum sg_day_stat s)
{
    return median_of_stat(x->w, s, 0, x->w->view->n_reference);
}

static float late(const struct finder *x, enum sg_day_stat s)
{
    return median_of_stat(x->w, s, x->w->late, x->w->n - x->w->late);
}

static float mean24(const float v[SG_VIEW_HOURS])
{
    float sum = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        sum += v[h];
    return sum / SG_VIEW_HOURS;
}

static float level_of(const struct finder *x)
{
    return mean24(x->w->late_y) / (mean24(x->w->late_p) + 1e-6f);
}

/* Each: true if the figures bear the reason out. */
static bool find_level(const struct finder *x, struct sg_full_reason *r)
{
    const float *f = x->f;
    r->a = level_of(x);
    r->b = 1 + FEATURE(PEERS_SAY);
    return fabsf(r->a - r->b) > 0.1f;
}

static bool find_shape(const struct finder *x, struct sg_full_reason *r)
{
    r->a = late(x, SG_STAT_OWN);
    r->b = before(x, SG_STAT_OWN);
    return r->a < r->b - 0.05f;
}

static bool find_peaks(const struct finder *x, struct sg_full_reason *r)
{
    const float *f = x->f;
    r->a = x->w->cap * x->w->level;
    r->c = (float)x->w->view->n_reference;
    r->b = floorf(FEATURE(CAP_BEFORE) * r->c + 0.5f);
    return FEATURE(CAP_BEFORE) > 0.2f;
}

/* The hours running whose load fell furthest, round midnight not counted. */
static bool find_gap(const struct finder *x, struct sg_full_reason *r)
{
    float ratio[SG_VIEW_HOURS];
    unsigned least = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        ratio[h] = x->w->late_y[h] / (x->w->late_p[h] + 1e-6f);
        least = ratio[h] < ratio[least] ? h : least;
    }
    const float near = ratio[least] + 0.15f;
    unsigned from = least, to = least + 1;
    while (from > 0 && ratio[from - 1] < near)
        from--;
    while (to < SG_VIEW_HOURS && ratio[to] < near)
        to++;
    r->a = ratio[least];
    r->b = (float)from;
    r->c = (float)to;
    return to - from >= 2 && to - from <= 18 && near < 0.8f * level_of(x) + 0.1f;
}

/* Hours that are off all days say more than the base load that went with them. */
static bool find_base(const struct finder *x, struct sg_full_reason *r)
{
    struct sg_full_reason gap = {.kind = SG_FULL_REASON_GAP};
    if (find_gap(x, &gap) && gap.a < 0.3f && x->f[sg_feature_of_stat(SG_STAT_LOW, 0)] > 1.5f &&
        !x->gap_told) {
        *r = gap;
        return true;
    }
    r->a = x->w->quantile_late[0] / (x->w->quantile[0] + 1e-6f);
    return r->a < 0.8f;
}

static bool find_reversed(const struct finder *x, struct sg_full_reason *r)
{
    r->b = late(x, SG_STAT_OWN);
    r->a = late(x, SG_STAT_TURNED) + r->b;
    return r->a > 0.4f && r->a > r->b + 0.15f;
}

static bool find_flat(const struct finder *x, struct sg_full_reason *r)
{
    r->a = late(x, SG_STAT_SPREAD) / (before(x, SG_STAT_SPREAD) + 1e-3f);
    return r->a < 0.7f;
}

static bool find_noise(const struct finder *x, struct sg_full_reason *r)
{
    r->a = late(x, SG_STAT_ROUGH) / (before(x, SG_STAT_ROUGH) + 1e-3f);
    return r->a > 1.25f;
}

static bool find_step(const struct finder *x, struct sg_full_reason *r)
{
    r->a = x->w->change;
    r->b = x->w->split_t;
    r->c = (float)x->w->view->day[x->w->split];
    return x->w->split_t > 3 && fabsf(x->w->change - 1) > 0.1f;
}

bool sg_full_missing_reason(const struct sg_absence *x, struct sg_full_reason *ret)
{
    ret->kind = SG_FULL_REASON_MISSING;
    ret->a = x->now;
    ret->b = x->before;
    ret->c = (float)x->since;
    return x->now > x->before + 0.05f;
}

static bool find_missing(const struct finder *x, struct sg_full_reason *r)
{
    return sg_full_missing_reason(x->absence, r);
}

static const struct {
    uint8_t kind;
    bool (*find)(const struct finder *x, struct sg_full_reason *r);
} finders[SG_FEATURE_FAMILIES] = {
    [SG_FEATURE_LEVEL] = {SG_FULL_REASON_LEVEL, find_level},
    [SG_FEATURE_SHAPE] = {SG_FULL_REASON_SHAPE, find_shape},
    [SG_FEATURE_PEAKS] = {SG_FULL_REASON_PEAKS, find_peaks},
    [SG_FEATURE_GAP] = {SG_FULL_REASON_GAP, find_gap},
    [SG_FEATURE_BASE] = {SG_FULL_REASON_BASE, find_base},
    [SG_FEATURE_REVERSED] = {SG_FULL_REASON_REVERSED, find_reversed},
    [SG_FEATURE_FLAT] = {SG_FULL_REASON_FLAT, find_flat},
    [SG_FEATURE_NOISE] = {SG_FULL_REASON_NOISE, find_noise},
    [SG_FEATURE_STEP] = {SG_FULL_REASON_STEP, find_step},
    [SG_FEATURE_MISSING] = {SG_FULL_REASON_MISSING, find_missing},
};

/* The family that adds most and was not asked yet. */
static unsigned next_family(const double *family, uint32_t asked)
{
    unsigned best = SG_FEATURE_FAMILIES;
    for (unsigned i = 0; i < SG_FEATURE_FAMILIES; i++)
        if (!(asked >> i & 1) && family[i] >= EFFECT_LEAST &&
            (best == SG_FEATURE_FAMILIES || family[i] > family[best]))
            best = i;
    return best;
}

void sg_full_find_reasons(const struct sg_feature_work *w, const float *features,
                          const struct sg_absence *absence, const struct sg_full_excuse *excuse,
                          struct sg_full_score *s)
{
    struct finder x = {.w = w, .f = features, .absence = absence};
    const unsigned room = SG_FULL_REASONS - (excuse->kind != SG_FULL_REASON_NONE);
    unsigned n = 0, family;
    uint32_t asked = 0;
    while (n < room && (family = next_family(s->family, asked)) < SG_FEATURE_FAMILIES) {
        struct sg_full_reason r = {.kind = finders[family].kind};
        asked |= 1u << family;
        if (!finders[family].find || !finders[family].find(&x, &r) ||
            (x.gap_told && r.kind == SG_FULL_REASON_GAP))
            continue;
        x.gap_told = x.gap_told || r.kind == SG_FULL_REASON_GAP;
        s->reason[n++] = r;
    }
    if (excuse->kind != SG_FULL_REASON_NONE)
        s->reason[n] =
            (struct sg_full_reason){.kind = excuse->kind, .a = excuse->a, .b = excuse->known};
}

/* ---- in words -------------------------------------------------------------------------------- */

static void put_day(char *text, size_t room, int32_t day, bool dated)
{
    char date[SG_RFC3339_MAX];
    if (!dated) {
        snprintf(text, room, "day %d", (int)day);
        return;
    }
    sg_time_rfc3339(date, (int64_t)day * 86400);
    snprintf(text, room, "%.10s", date);
}

/* The day a theft would have begun with, if most days from one on lack something. */
static void put_missing(char *text, size_t room, const struct sg_full_reason *r, bool dated,
                        int32_t epoch)
{
    char since[48] = "", day[32], before[32] = "never before";
    if (r->c > (float)SG_FRAUD_NO_DAY) {
        put_day(day, sizeof(day), (int32_t)r->c + epoch, dated);
        snprintf(since, sizeof(since), " since %s", day);
    }
    if (r->b >= 0.005f)
        snprintf(before, sizeof(before), "before on %.0f %%", 100 * (double)r->b);
    snprintf(text, room, "readings missing on %.0f %% of days%s (%s)", 100 * (double)r->a, since,
             before);
}

static void put_excuse(char *text, size_t room, const struct sg_full_reason *r)
{
    const char *looks_like = r->b > 0 ? "" : "looks like ";
    const double a = (double)r->a;
    if (r->kind == SG_FULL_REASON_VACANT)
        snprintf(text, room, "%svacant premises: %.1f times the old base load all day", looks_like,
                 a);
    else if (r->kind == SG_FULL_REASON_SOLAR)
        snprintf(text, room, "%ssolar panels: %.2f of usual left at noon and the night as before",
                 looks_like, a);
    else
        snprintf(text, room, "%sa changed tariff: %.2f of the total at other hours", looks_like, a);
}

static void put_step(char *text, size_t room, const struct sg_full_reason *r, bool dated,
                     int32_t epoch)
{
    char day[32];
    put_day(day, sizeof(day), (int32_t)r->c + epoch, dated);
    snprintf(text, room, "load steps %s by %.0f %% on %s", r->a < 1 ? "down" : "up",
             100 * fabs((double)r->a - 1), day);
}

/* Of a correlation: never "-0.00". */
static double shown(float r)
{
    return fabsf(r) < 0.005f ? 0 : (double)r;
}

static void put_level(char *text, size_t room, const struct sg_full_reason *r)
{
    const double a = (double)r->a, b = (double)r->b;
    if (fabs(b - 1) < 0.05)
        snprintf(text, room, "draws %.2f of its usual load", a);
    else
        snprintf(text, room,
                 "draws %.2f of its usual load while customers who move alike lead one to "
                 "expect %.2f",
                 a, b);
}

void sg_full_reason_text(const struct sg_full_reason *r, bool dated, int32_t epoch,
                         char ret[SG_FULL_REASON_MAX])
{
    const size_t room = SG_FULL_REASON_MAX;
    const double a = (double)r->a, b = (double)r->b;
    ret[0] = '\0';
    switch ((enum sg_full_reason_kind)r->kind) {
    case SG_FULL_REASON_LEVEL:
        put_level(ret, room, r);
        break;
    case SG_FULL_REASON_SHAPE:
        snprintf(ret, room, "correlation with own regular day %.2f (before %.2f)", shown(r->a),
                 shown(r->b));
        break;
    case SG_FULL_REASON_PEAKS:
        snprintf(ret, room, "never passes %.4g in an hour (before on %.0f of %.0f days)", a, b,
                 (double)r->c);
        break;
    case SG_FULL_REASON_GAP:
        snprintf(ret, room, "from %.0f to %.0f o'clock down to %.2f of usual", b, (double)r->c, a);
        break;
    case SG_FULL_REASON_BASE:
        snprintf(ret, room, "base load down to %.2f of before", a);
        break;
    case SG_FULL_REASON_REVERSED:
        snprintf(
            ret, room,
            "day runs backwards: correlation %.2f with the regular day reversed and %.2f as it "
            "was",
            shown(r->a), shown(r->b));
        break;
    case SG_FULL_REASON_FLAT:
        snprintf(ret, room, "day is flat: spread over the hours %.2f of before", a);
        break;
    case SG_FULL_REASON_NOISE:
        snprintf(ret, room, "jumps from hour to hour %.1f times as much as before", a);
        break;
    case SG_FULL_REASON_STEP:
        put_step(ret, room, r, dated, epoch);
        break;
    case SG_FULL_REASON_MISSING:
        put_missing(ret, room, r, dated, epoch);
        break;
    case SG_FULL_REASON_VACANT:
    case SG_FULL_REASON_SOLAR:
    case SG_FULL_REASON_TARIFF:
        put_excuse(ret, room, r);
        break;
    case SG_FULL_REASON_NONE:
    case SG_FULL_REASON_COUNT:
        break;
    }
}
