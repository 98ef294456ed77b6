#include "plan.h"

#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/fraud/features.h>

bool plan_date(const char *text, int32_t *ret)
{
    char stamp[32];
    int64_t s;
    if (strlen(text) != 10)
        return false;
    snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", text);
    if (sg_time_parse(stamp, &s) != 0)
        return false;
    *ret = (int32_t)(s / 86400);
    return true;
}

static bool parse_number(const char *text, int32_t *ret)
{
    int32_t v = 0;
    size_t n = 0;
    for (; text[n] >= '0' && text[n] <= '9' && n < 8; n++)
        v = v * 10 + (text[n] - '0');
    *ret = v;
    return n > 0 && text[n] == 0;
}

/* "90..119" or "2026-09-01..2026-09-30"; both ends alike. */
static bool parse_window(const char *text, struct sg_corr_window *ret, bool *ret_dated)
{
    char first[16] = "", last[16] = "";
    const char *dots = strstr(text, "..");
    if (!dots || (size_t)(dots - text) >= sizeof(first) || strlen(dots + 2) >= sizeof(last))
        return false;
    memcpy(first, text, (size_t)(dots - text));
    memcpy(last, dots + 2, strlen(dots + 2));
    *ret_dated = plan_date(first, &ret->first);
    const bool good = *ret_dated
                          ? plan_date(last, &ret->last)
                          : parse_number(first, &ret->first) && parse_number(last, &ret->last);
    return good && ret->first <= ret->last;
}

static const char *take_windows(struct plan *p, const struct fraud_options *o)
{
    bool reference_dated, test_dated;
    if (!o->reference_days || !o->test_days)
        return "--reference-days and --test-days come together";
    if (!parse_window(o->reference_days, &p->windows.reference, &reference_dated) ||
        !parse_window(o->test_days, &p->windows.test, &test_dated) || reference_dated != test_dated)
        return "--reference-days and --test-days: like 0..89, or 2026-06-01..2026-08-31";
    if (p->windows.test.first <= p->windows.reference.last)
        return "--test-days must come after --reference-days";
    p->fixed = true;
    p->dated = test_dated;
    return NULL;
}

const char *plan_mode_word(enum plan_mode mode)
{
    static const char *const words[] = {
        [MODE_CORRELATION] = "correlation", [MODE_PAPER] = "paper", [MODE_FULL] = "full"};
    return words[mode];
}

static const char *take_mode(struct plan *p, const char *mode)
{
    for (enum plan_mode m = MODE_CORRELATION; m <= MODE_FULL; m++)
        if (!strcmp(mode, plan_mode_word(m))) {
            p->mode = m;
            return NULL;
        }
    return "--mode: correlation, paper or full";
}

static const char *check(const struct plan *p, const struct fraud_options *o)
{
    if (p->sliding && p->mode != MODE_CORRELATION)
        return "--sliding is of --mode correlation";
    if (p->sliding && p->fixed)
        return "--sliding has no windows";
    if (p->mode == MODE_FULL &&
        p->windows.test.last - p->windows.reference.first >= SG_FEATURE_DAYS_MAX)
        return "--mode full: more than 512 days from the first regular to the last recent one";
    if (p->windows.test.last - p->windows.reference.first >= WINDOW_DAYS_MAX)
        return "more than 2000 days from the first regular to the last recent one";
    if (o->store && p->fixed && !p->dated)
        return "--store: --reference-days and --test-days are dates, 2026-06-01..2026-08-31";
    return NULL;
}

int plan_make(struct plan *ret, const struct fraud_options *o, const char **ret_why)
{
    const int32_t reference = (int32_t)o->reference, recent = (int32_t)o->recent;
    struct plan p = {
        .windows = {.reference = {0, reference - 1}, .test = {reference, reference + recent - 1}},
        .slide = {.reference_days = (uint32_t)o->sliding_days,
                  .lag_days = (uint32_t)o->sliding_lag,
                  .recent_days = (uint32_t)o->recent},
        .least_reference = (uint32_t)o->least_reference,
        .least_recent = (uint32_t)o->least_recent,
    };
    const char *why = take_mode(&p, o->mode);
    if (!why && (o->reference_days || o->test_days))
        why = take_windows(&p, o);
    /* Days keep coming into a store: there the reference slides unless windows were asked for. */
    p.sliding = o->sliding || (o->store && p.mode == MODE_CORRELATION && !p.fixed);
    p.slide.least_days =
        p.least_reference < p.slide.reference_days ? p.least_reference : p.slide.reference_days;
    if (!why)
        why = check(&p, o);
    if (why) {
        *ret_why = why;
        return PLAN_BAD;
    }
    *ret = p;
    return 0;
}

void plan_anchor(struct plan *p, int32_t last_day)
{
    const int32_t by = last_day - p->windows.test.last;
    if (p->fixed)
        return;
    p->windows.reference.first += by;
    p->windows.reference.last += by;
    p->windows.test.first += by;
    p->windows.test.last += by;
    p->fixed = p->dated = true;
}

struct source_span plan_span(const struct plan *p)
{
    const int32_t last = p->windows.test.last;
    if (!p->fixed)
        return (struct source_span){1, 0};
    if (!p->sliding)
        return (struct source_span){p->windows.reference.first, last};
    /* Two days of a week are a weekend's. */
    const uint32_t weeks = (p->slide.reference_days + 1) / 2;
    const uint32_t back = p->slide.recent_days + p->slide.lag_days + 7 * weeks;
    return (struct source_span){last - (int32_t)back + 1, last};
}

int32_t plan_epoch(const struct plan *p, int32_t last_day)
{
    return p->fixed ? 0 : last_day - p->windows.test.last;
}

void plan_renumber(const struct plan *p, struct sg_fraud_days *d, int32_t last_day)
{
    if (!p->fixed && (d->n_days || d->n_lost))
        sg_fraud_days_renumber(d, plan_epoch(p, last_day));
}
