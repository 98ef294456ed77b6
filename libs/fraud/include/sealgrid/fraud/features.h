#pragma once
/*
 * fraud features - one customer's recent days against its own reference days, as numbers.
 *
 * Loads are first added up to 24 hours a day and divided by the customer's mean load over the
 * reference; so 24, 48 and 96 points, small and large customers give the same features.  Each
 * feature compares recent with reference days of the same kind, most as a difference and as that
 * difference over the reference days' own spread.  "Late" are the last two thirds of the recent
 * days: a theft that began in the first third fills them.
 *
 * Everything is additions, multiplications, divisions, square roots and comparisons in one order:
 * the same bits everywhere.
 */
#include <sealgrid/fraud/context.h>
#include <sealgrid/fraud/correlation.h>

/* X(constant, word): what a feature speaks of; a reason is told by family. */
#define SG_FEATURE_FAMILY_LIST(X)                                                                  \
    X(LEVEL, "level")                                                                              \
    X(SHAPE, "shape of the day")                                                                   \
    X(PEAKS, "cut peaks")                                                                          \
    X(GAP, "hours missing from the day")                                                           \
    X(BASE, "base load")                                                                           \
    X(REVERSED, "reversed day")                                                                    \
    X(FLAT, "flat day")                                                                            \
    X(NOISE, "noise from hour to hour")                                                            \
    X(STEP, "sudden step")                                                                         \
    X(MISSING, "missing days")                                                                     \
    X(HABIT, "the customer's habit")

enum sg_feature_family {
#define X(name, word) SG_FEATURE_##name,
    SG_FEATURE_FAMILY_LIST(X)
#undef X
        SG_FEATURE_FAMILIES
};

/* "level" */
const char *sg_feature_family_word(enum sg_feature_family f);

enum { SG_FEATURE_DAYS_MAX = 512 }; /* calendar days of both windows together */

/* The vector's length; names and families by index. */
uint32_t sg_feature_count(void);
const char *sg_feature_name(uint32_t feature); /* "level_late" */
enum sg_feature_family sg_feature_family(uint32_t feature);
