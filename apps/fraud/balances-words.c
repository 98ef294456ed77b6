#include "balances.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of honest customers of simulated transformers one of 400 is as sure. */
#define TOLD_LEAST 0.445f

/* Calibrated by 38,000 honest customers of 1,150 simulated transformers: docs/fraud-scores.md. */
double balances_decibel(float sureness)
{
    static const struct {
        double sureness, decibel;
    } points[] = {{0, 0},      {0.0055, 2}, {0.015, 3},  {0.037, 5},    {0.063, 7},
                  {0.104, 10}, {0.15, 13},  {0.205, 16}, {0.265, 19.5}, {0.39, 23},
                  {0.445, 26}, {0.52, 29},  {1, 30}};
    size_t i = 1;
    const double x = fmin(fmax((double)sureness, 0), 1);
    while (i + 1 < sizeof(points) / sizeof(points[0]) && x > points[i].sureness)
        i++;
    const double part =
        (x - points[i - 1].sureness) / (points[i].sureness - points[i - 1].sureness);
    return points[i - 1].decibel + part * (points[i].decibel - points[i - 1].decibel);
}

/* Of a name: the words stand in a list. */
static void blank_commas(char *text)
{
    for (char *comma = text; (comma = strchr(comma, ',')) != NULL;)
        *comma = ' ';
}

bool balances_tells(const struct balances_customer *c)
{
    return c->used && c->sureness >= TOLD_LEAST;
}

bool balances_words(const struct balances_customer *c, char ret[BALANCES_WORDS_MAX])
{
    if (!balances_tells(c))
        return false;
    snprintf(
        ret, BALANCES_WORDS_MAX,
        "%.1f kWh a day (%.0f %% of its load) of what is lost behind transformer %s go with it",
        (double)c->kwh_per_day, 100 * (double)c->share, c->transformer);
    blank_commas(ret);
    return true;
}

/* ---- notes ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void add(char *note, const char *format, ...)
{
    const size_t n = strlen(note);
    va_list args;
    va_start(args, format);
    if (n)
        snprintf(note + n, BALANCES_NOTE_MAX - n, "; ");
    vsnprintf(note + strlen(note), BALANCES_NOTE_MAX - strlen(note), format, args);
    va_end(args);
}

/* A meter that counts too much or too little. */
static void add_meter(const struct balances_transformer *t, char *ret)
{
    const struct sg_balance_result *b = &t->result;
    if (b->findings & SG_BALANCE_PHASE)
        add(ret, "a phase of its meter seems to be missing: it does not see what many of its "
                 "customers draw");
    if (b->findings & SG_BALANCE_RATIO)
        add(ret,
            "its meter counts %.2f of what its customers draw and at all hours alike: look at the "
            "ratio of its transformers and for a missing phase",
            b->ratio);
}

bool balances_note(const struct balances_transformer *t, char ret[BALANCES_NOTE_MAX])
{
    const struct sg_balance_result *b = &t->result;
    const double days = t->days > 0 ? t->days : 1;
    ret[0] = 0;
    if (!t->judged) {
        add(ret, "too few readings of it or of its customers");
        return true;
    }
    add_meter(t, ret);
    if (b->findings & SG_BALANCE_CLOCK)
        add(ret, "its readings come %d intervals %s: its clock; judged as set right",
            b->clock_late < 0 ? -b->clock_late : b->clock_late,
            b->clock_late < 0 ? "early" : "late");
    if (b->findings & SG_BALANCE_LACKING)
        add(ret, "%.0f %% of its readings are missing", 100 * b->lacking);
    if (b->findings & SG_BALANCE_UNLISTED)
        add(ret,
            "%.1f kWh a day that no listed customer explains: look for a line that is not listed",
            (b->unexplained_kwh - b->absent_kwh) / days);
    if (b->findings & SG_BALANCE_TOO_MUCH)
        add(ret,
            "its customers report %.1f kWh a day more than it delivers: look for customers whom "
            "another feeds and at its meter",
            -b->unexplained_kwh / days);
    return ret[0] != 0;
}

bool balances_customer_note(const struct balances_customer *c, char ret[BALANCES_NOTE_MAX])
{
    ret[0] = 0;
    if (!c->used)
        add(ret, "too few readings");
    if (c->elsewhere)
        add(ret, "its load does not come from this transformer");
    if (c->elsewhere && c->fits[0])
        add(ret, "it fits transformer %s", c->fits);
    blank_commas(ret);
    return ret[0] != 0;
}
