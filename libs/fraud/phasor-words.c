/*
 * phasor-words - a finding as an inspector would tell it, and where to look.
 */
#include "phasor-int.h"

#include <stdarg.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

static const char *const look[SG_PHASOR_N_RULES] = {
    [SG_PHASOR_VOLTAGE_LOST] = "look for an open voltage link or a resistor in it",
    [SG_PHASOR_CURRENT_LOST] = "look for a shorted or open current circuit or a jumper",
    [SG_PHASOR_CURRENT_REVERSED] = "look for swapped current leads",
    [SG_PHASOR_WRONG_PHASE] = "look for current and voltage of different phases on one element",
    [SG_PHASOR_PHASE_SEQUENCE] = "check the wiring; nothing is lost by that alone",
    [SG_PHASOR_BYPASS] = "look for a by-pass of the element",
    [SG_PHASOR_BYPASS_ALL] = "look for a by-pass of the whole meter or a business that shrank",
    [SG_PHASOR_NEUTRAL] = "look for current that does not pass the meter",
    [SG_PHASOR_SUM_CHECK] = "compare the meters on site",
    [SG_PHASOR_REGISTER] = "test the register against a standard meter",
    [SG_PHASOR_POWER_FACTOR] = "look for a device that shifts voltage or current",
    [SG_PHASOR_DISTORTION] = "look for a device that distorts the current",
    [SG_PHASOR_IMPOSSIBLE] = "test or replace the meter",
    [SG_PHASOR_TAMPER_EVENT] = "check seals",
    [SG_PHASOR_NONSENSE] = "test or replace the meter",
    [SG_PHASOR_FROZEN] = "the readings repeat: the meter may be imitated",
};

struct text {
    char *at;
    size_t room, n;
};

static SG_PRINTF(2, 3) void add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(t->at + t->n, t->room - t->n, fmt, ap);
    va_end(ap);
    t->n = n < 0 ? t->n : t->n + (size_t)n < t->room ? t->n + (size_t)n : t->room - 1;
}

/* "phase B", "phases A and C", "the meter" when all or none are meant. */
static void add_elements(struct text *t, unsigned mask)
{
    const char *name = "ABC";
    unsigned n = 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        n += mask >> k & 1;
    if (n == 0 || n == SG_PHASOR_ELEMENTS) {
        add(t, n ? "all phases" : "meter");
        return;
    }
    add(t, n > 1 ? "phases " : "phase ");
    for (int k = 0, told = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (mask >> k & 1)
            add(t, "%s%c", told++ ? " and " : "", name[k]);
}

static void add_what(struct text *t, const struct sg_phasor_finding *f)
{
    const double percent = 100 * (double)f->size;
    switch (f->rule) {
    case SG_PHASOR_VOLTAGE_LOST:
        add(t, "voltage %.0f %% below the other phases while current flows", percent);
        break;
    case SG_PHASOR_CURRENT_LOST:
        add(t, "current gone by %.0f %% while the others carry", percent);
        break;
    case SG_PHASOR_CURRENT_REVERSED:
        add(t, "power runs backwards by night too in %.0f %% of the time", 100 * (double)f->share);
        break;
    case SG_PHASOR_WRONG_PHASE:
        add(t, "current turned against its voltage as if from another phase");
        break;
    case SG_PHASOR_PHASE_SEQUENCE:
        add(t, "voltages follow in the wrong order");
        break;
    case SG_PHASOR_BYPASS:
        add(t, "current %.0f %% below what the other phases lead to expect at all hours alike",
            percent);
        break;
    case SG_PHASOR_BYPASS_ALL:
        add(t, "currents fell by %.0f %% at all hours and on all phases alike", percent);
        break;
    case SG_PHASOR_NEUTRAL:
        add(t, "current of the neutral differs from that of the phases by %.0f %% more", percent);
        break;
    case SG_PHASOR_SUM_CHECK:
        add(t, "%.1f %% less than the check tells", percent);
        break;
    case SG_PHASOR_REGISTER:
        add(t, "register counts %.1f %% less of the measured power than before", percent);
        break;
    case SG_PHASOR_POWER_FACTOR:
        add(t, "angle of the current turned: power fell while the current stayed");
        break;
    case SG_PHASOR_DISTORTION:
        add(t, "power %.0f %% below what voltage and current and angle give", percent);
        break;
    case SG_PHASOR_IMPOSSIBLE:
        add(t, "more power than volts times amperes in %.0f %% of the readings", percent);
        break;
    case SG_PHASOR_TAMPER_EVENT:
        add(t, "magnet or cover or tilt events without a visit of ours");
        break;
    case SG_PHASOR_NONSENSE:
        add(t, "frequency or temperature that cannot be in %.0f %% of the readings", percent);
        break;
    case SG_PHASOR_FROZEN:
        add(t, "the same voltages twice running in %.0f %% of the readings", percent);
        break;
    default:
        break;
    }
}

static void add_date(struct text *t, int64_t unix_s, int32_t east_s)
{
    int year;
    unsigned month, day;
    const int64_t local = unix_s - 1 + east_s;
    sg_civil_from_days(local / 86400 - (local % 86400 < 0), &year, &month, &day);
    add(t, " since %04d-%02u-%02u", year, month, day);
}

void sg_phasor_words(const struct sg_phasor_finding *f, int32_t east_s,
                     char ret[SG_PHASOR_WORDS_MAX])
{
    struct text t = {.at = ret, .room = SG_PHASOR_WORDS_MAX};
    ret[0] = 0;
    if ((unsigned)f->rule >= SG_PHASOR_N_RULES)
        return;
    add_elements(&t, f->elements);
    add(&t, ": ");
    add_what(&t, f);
    add_date(&t, f->first_s, east_s);
    if (f->kwh_per_day >= 0.1f)
        add(&t, " (about %.*f kWh a day)", f->kwh_per_day < 10 ? 1 : 0, (double)f->kwh_per_day);
    add(&t, " - %s", look[f->rule]);
}
