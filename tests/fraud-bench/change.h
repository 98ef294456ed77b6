#pragma once
/*
 * change - honest changes of a load that are no theft.
 */
#include "theft.h"

#include <sealgrid/fraud/context.h>

/* C(constant, "words") */
#define CHANGE_LIST(C)                                                                             \
    C(VACANT, "vacant, base load left")                                                            \
    C(VACANT_LOW, "vacant, an eighth of it")                                                       \
    C(VACANT_OFF, "vacant, nearly all off")                                                        \
    C(SOLAR, "solar panels")                                                                       \
    C(SOLAR_LARGE, "solar panels, feeding in")                                                     \
    C(TARIFF, "another tariff")                                                                    \
    C(HOLIDAYS, "three public holidays")                                                           \
    C(AWAY, "away for 8 to 14 days")

enum change {
#define C(name, words) CHANGE_##name,
    CHANGE_LIST(C)
#undef C
        CHANGES
};
extern const char *const change_words[CHANGES];

/* What the utility knows of it, as struct sg_fraud_context has it; holidays lie in the change. */
struct change_made {
    int start;          /* within the recent days */
    int32_t holiday[3]; /* days of CHANGE_HOLIDAYS */
};
void change_do(struct window *w, enum change c, struct draw *d, struct change_made *ret);
/* Borrows m. */
struct sg_fraud_context change_fact(enum change c, const struct change_made *m);
