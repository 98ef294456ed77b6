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

/* What a feature speaks of; a reason is told by family. */
enum sg_feature_family {
    SG_FEATURE_LEVEL,
    SG_FEATURE_SHAPE,    /* shape of the day */
    SG_FEATURE_PEAKS,    /* cut peaks */
    SG_FEATURE_GAP,      /* hours missing from the day */
    SG_FEATURE_BASE,     /* base load */
    SG_FEATURE_REVERSED, /* reversed day */
    SG_FEATURE_FLAT,     /* flat day */
    SG_FEATURE_NOISE,    /* noise from hour to hour */
    SG_FEATURE_STEP,     /* sudden step */
    SG_FEATURE_MISSING,  /* missing days */
    SG_FEATURE_HABIT,    /* the customer's habit */
    SG_FEATURE_FAMILIES
};

enum { SG_FEATURE_DAYS_MAX = 512 }; /* calendar days of both windows together */

/* The vector's length; names and families by index. */
uint32_t sg_feature_count(void);
const char *sg_feature_name(uint32_t feature); /* "level_late" */
enum sg_feature_family sg_feature_family(uint32_t feature);
