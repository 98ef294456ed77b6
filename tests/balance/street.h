#pragma once
/*
 * street - a simulated transformer and those it feeds: households and shops whose loads share the
 * weather and the hours of the day, losses of the transformer (ABNT NBR 5440) and of the lines,
 * meters of class 1 and 0.5, and what makes a balance wrong: lines that nobody lists, thieves,
 * outages, a transformer's meter that is set up wrongly.
 *
 * A street is a function of its plan.  Owns its rows; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealgrid/base/random.h>
#include <sealgrid/fraud/balance.h>

/* T(ID, "name"): what draws on the transformer and is in nobody's list. */
#define STREET_LINES(T)                                                                            \
    T(NONE, "none")                                                                                \
    T(LIGHTS, "street lights")                                                                     \
    T(HOUSEHOLD, "a household")                                                                    \
    T(TWO, "two households")                                                                       \
    T(NEW, "one that moved in")                                                                    \
    T(CONSTANT, "hooked up, constant")                                                             \
    T(HOOKED, "hooked up midway")
enum street_line {
#define T(id, name) STREET_LINE_##id,
    STREET_LINES(T)
#undef T
        STREET_N_LINES
};
extern const char *const street_line_names[STREET_N_LINES];

#define STREET_THEFTS(T)                                                                           \
    T(NONE, "honest")                                                                              \
    T(ALWAYS, "by-pass, always") /* 20..95 % of the load */                                        \
    T(SHARE, "by-pass, midway")  /* the same, from a judged day on */                              \
    T(ALL, "all of it, midway")  /* meter shows nothing */                                         \
    T(HOURS, "off for hours")    /* 4..12 h a day, midway */                                       \
    T(CUT, "peaks cut")          /* at 0.6..1.5 of the mean, midway */
enum street_theft {
#define T(id, name) STREET_THEFT_##id,
    STREET_THEFTS(T)
#undef T
        STREET_N_THEFTS
};
extern const char *const street_theft_names[STREET_N_THEFTS];

/* What is wrong with the transformer or its list. */
#define STREET_FAULTS(T)                                                                           \
    T(NONE, "none")                                                                                \
    T(RATIO, "ratio of 1.5 or 2/3")                                                                \
    T(PHASE, "a phase missing")                                                                    \
    T(CLOCK, "clock an interval or two off")                                                       \
    T(GAPS, "readings missing")                                                                    \
    T(ELSEWHERE, "lists one of another's")
enum street_fault {
#define T(id, name) STREET_FAULT_##id,
    STREET_FAULTS(T)
#undef T
        STREET_N_FAULTS
};
extern const char *const street_fault_names[STREET_N_FAULTS];

enum { STREET_MOST = 204 };

struct street_plan {
    uint64_t seed;
    uint32_t index;
    size_t per_day, days, past;
    size_t customers; /* 0: 10 to 60 */
    size_t thieves;
    enum street_line line;
    enum street_fault fault;
    bool outages;
};

struct street {
    struct street_plan plan;
    struct sg_prng prng;
    size_t n, listed, intervals; /* those past `listed` are in nobody's list */
    size_t elsewhere;            /* listed, but fed by another; SIZE_MAX: nobody */
    int shift;                   /* intervals by which the transformer's clock is late */
    double ratio;                /* of its meter */
    enum street_theft theft[STREET_MOST];
    bool stopped[STREET_MOST]; /* readings lack for long */
    double stolen[STREET_MOST];
    float *drawn, *reported, *transformer;
};

/* Transformer `index` of a town: an hour an interval, 30 days and 30 judged; half of them have no
 * line that is not listed, seven of ten no thief, one of twelve another fault. */
struct street_plan street_of_town(uint64_t seed, uint32_t index);
/* false: no memory. */
bool street_make(struct street *ret, const struct street_plan *plan);
void street_clear(struct street *s);
struct sg_balance_input street_input(const struct street *s);
