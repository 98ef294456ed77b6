/* lint-warn - what a tariff says but can hardly mean. */
#include "lint.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

#define OLD_DAYS  400 /* of rates that are usually set every year */
#define SOON_DAYS 45

static void date_text(char ret[16], int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    snprintf(ret, 16, "%04d-%02u-%02u", year % 10000, month % 13, mday % 32);
}

/* ---- days and posts ------------------------------------------------------------------------ */

static bool kind_occurs(const struct sg_tariff *t, size_t kind)
{
    return kind != SG_DAY_HOLIDAY || t->n_holidays > 0;
}

static bool is_reached(const struct sg_tariff *t, size_t post)
{
    if (t->schedule) {
        for (size_t i = 0; i < t->schedule->n; i++)
            if (t->schedule->values[i] == (int64_t)post)
                return true;
        return false;
    }
    for (size_t s = 0; s < t->n_seasons; s++)
        for (size_t k = 0; k < SG_DAY_KINDS; k++)
            if (kind_occurs(t, k) && memchr(t->post_at[s][k], (int)post, 1440))
                return true;
    return false;
}

static void warn_of_posts(struct lint_report *r)
{
    const struct sg_tariff *t = r->tariff;

    for (size_t p = 0; p < t->n_posts; p++)
        if (!is_reached(t, p))
            lint_note(r, true, 0, "post %s is never reached", t->posts[p].name);
}

static void warn_of_seasons(struct lint_report *r)
{
    const struct sg_tariff *t = r->tariff;

    if (t->n_seasons < 2 && t->seasons[0].name[0])
        lint_note(r, true, 0, "season %s is the only one: it changes nothing", t->seasons[0].name);
    for (size_t s = 0; s < t->n_seasons && t->n_seasons > 1; s++) {
        size_t before = s ? s - 1 : t->n_seasons - 1;
        if (!memcmp(t->post_at[s], t->post_at[before], sizeof(t->post_at[s])))
            lint_note(r, true, 0, "season %s has the posts of the season before it",
                      t->seasons[s].name);
    }
}

static bool holidays_matter(const struct sg_tariff *t)
{
    for (size_t s = 0; s < t->n_seasons; s++)
        for (size_t k = 0; k < SG_DAY_HOLIDAY; k++)
            if (memcmp(t->post_at[s][k], t->post_at[s][SG_DAY_HOLIDAY], 1440))
                return true;
    return false;
}

static void warn_of_holidays(struct lint_report *r, int64_t today)
{
    const struct sg_tariff *t = r->tariff;
    int64_t last = INT64_MIN;
    char text[16];

    if (t->schedule || !holidays_matter(t))
        return;
    if (t->n_holidays == 0)
        lint_note(r, true, 0, "posts differ on holidays, but there are none");
    for (size_t i = 0; i < t->n_holidays; i++)
        if (t->holidays[i].kind == SG_HOLIDAY_DATE && t->holidays[i].day > last)
            last = t->holidays[i].day;
    if (last == INT64_MIN || sg_month_of_day(last) / 12 > sg_month_of_day(today) / 12)
        return;
    date_text(text, last);
    lint_note(r, true, 0, "holidays given by date end with %s: none of the coming years", text);
}

/* ---- charges ------------------------------------------------------------------------------- */

static bool piece_is_nothing(const struct sg_tariff *t, const struct sg_tariff_charge *c,
                             const struct sg_tariff_piece *piece)
{
    switch (c->kind) {
    case SG_CHARGE_TIERS:
        for (size_t i = 0; i < piece->n_tiers; i++)
            if (piece->tiers[i].rate)
                return false;
        return true;
    case SG_CHARGE_FIXED:
        return !piece->amount[0] && !piece->amount[1] && !piece->amount[2];
    case SG_CHARGE_DYNAMIC:
        return false;
    case SG_CHARGE_NET_METERING:
        for (size_t i = 0; i < c->n_credited; i++)
            if (piece->credit_ppm[i])
                return false;
        return true;
    default:
        for (size_t p = 0; p < t->n_posts; p++)
            if (c->posts & 1u << p && piece->rate[p] && is_reached(t, p))
                return false;
        return true;
    }
}

static bool is_nothing(const struct sg_tariff *t, const struct sg_tariff_charge *c)
{
    if (c->kind == SG_CHARGE_FLAG)
        return false; /* a year of green flags is a good year */
    if (c->kind == SG_CHARGE_MINIMUM)
        return !c->least_wh[0] && !c->least_wh[1] && !c->least_wh[2];
    for (size_t i = 0; i < c->n_pieces; i++)
        if (!piece_is_nothing(t, c, &c->pieces[i]))
            return false;
    return true;
}

static void warn_of_flags(struct lint_report *r, const struct sg_tariff_charge *c, int64_t today)
{
    int last = c->flags[c->n_flags - 1].month;

    for (size_t i = 1; i < c->n_flags; i++)
        for (int m = c->flags[i - 1].month + 1; m < c->flags[i].month; m++)
            lint_note(r, true, c->line, "%s: no flag for %04d-%02d, between others", c->name,
                      m / 12, m % 12 + 1);
    if (last <= sg_month_of_day(today))
        lint_note(r, true, c->line, "%s: flags end with %04d-%02d: later bills are refused",
                  c->name, last / 12, last % 12 + 1);
}

static void warn_of_series(struct lint_report *r, const struct sg_series *s, unsigned line,
                           const char *what, int64_t today)
{
    int64_t end_s = s->from_s + (int64_t)s->n * s->step_s;
    size_t lacking = 0;
    char text[SG_RFC3339_MAX];

    for (size_t i = 0; i < s->n; i++)
        lacking += s->values[i] == SG_SERIES_NONE;
    if (lacking)
        lint_note(r, true, line, "%s: %zu steps have no value, between others", what, lacking);
    sg_time_rfc3339(text, end_s);
    if (end_s < (today + SOON_DAYS) * 86400)
        lint_note(r, true, line, "%s: the series ends at %s: later bills are refused", what, text);
}

static void warn_of_age(struct lint_report *r, unsigned line, const char *name, int64_t from_day,
                        int64_t today)
{
    char text[16];

    if (from_day == SG_TARIFF_ALWAYS || today - from_day <= OLD_DAYS)
        return;
    date_text(text, from_day);
    lint_note(r, true, line, "%s: the last rates are of %s, more than %d days old", name, text,
              OLD_DAYS);
}

/* Bills can be made only from the latest of the first dates on. */
static void warn_of_begin(struct lint_report *r)
{
    const struct sg_tariff *t = r->tariff;
    int64_t first = INT64_MAX, latest = INT64_MIN;
    const char *which = "";
    char text[16];

    for (size_t i = 0; i < t->n_charges; i++) {
        if (!t->charges[i].n_pieces)
            continue;
        int64_t from = t->charges[i].pieces[0].from_day;
        first = from < first && from != SG_TARIFF_ALWAYS ? from : first;
        if (from > latest) {
            latest = from;
            which = t->charges[i].name;
        }
    }
    for (size_t i = 0; i < t->n_taxes; i++)
        if (t->taxes[i].pieces[0].from_day > latest) {
            latest = t->taxes[i].pieces[0].from_day;
            which = t->taxes[i].name;
        }
    if (first >= latest || first == INT64_MAX)
        return;
    date_text(text, latest);
    lint_note(r, true, 0, "earlier rates are of no use: %s begins with %s", which, text);
}

void lint_warn(struct lint_report *r, int64_t today)
{
    const struct sg_tariff *t = r->tariff;

    warn_of_posts(r);
    if (!t->schedule)
        warn_of_seasons(r);
    warn_of_holidays(r, today);
    warn_of_begin(r);
    if (t->schedule)
        warn_of_series(r, t->schedule, 0, "schedule", today);
    for (size_t i = 0; i < t->n_charges; i++) {
        const struct sg_tariff_charge *c = &t->charges[i];
        if (is_nothing(t, c))
            lint_note(r, true, c->line, "%s never applies: all of it is zero or has no hours",
                      c->name);
        if (c->kind == SG_CHARGE_FLAG)
            warn_of_flags(r, c, today);
        if (c->kind == SG_CHARGE_DYNAMIC)
            warn_of_series(r, c->prices, c->line, c->name, today);
        if (c->n_pieces)
            warn_of_age(r, c->line, c->name, c->pieces[c->n_pieces - 1].from_day, today);
    }
    for (size_t i = 0; i < t->n_taxes; i++)
        warn_of_age(r, 0, t->taxes[i].name, t->taxes[i].pieces[t->taxes[i].n_pieces - 1].from_day,
                    today);
}
