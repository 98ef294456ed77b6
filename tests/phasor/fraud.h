#pragma once
/*
 * fraud - what thieves do to a polyphase meter, applied to what it would have measured.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/phasor.h>

/* F(ID, "name"): what is drawn at random in brackets */
#define PHASOR_FRAUDS(F)                                                                           \
    F(NONE, "honest")                                                                              \
    F(VOLTAGE, "voltage lost")        /* [10..100 %, gone in two of five] of one phase or two */   \
    F(CURRENT, "current lost")        /* [90..100 %] of one phase or two */                        \
    F(REVERSED, "current reversed")   /* of one phase or two */                                    \
    F(BYPASS_1, "by-pass, one phase") /* [10..90 %] */                                             \
    F(BYPASS_2, "by-pass, two phases")                                                             \
    F(BYPASS_ALL, "by-pass, all phases")                                                           \
    F(HARMONIC, "harmonics") /* power under-measured by [10..60 %], one phase or all */            \
    F(ANGLE, "power factor") /* angle turned by [15..75 degrees], one phase or all */

enum phasor_fraud {
#define F(id, name) FRAUD_##id,
    PHASOR_FRAUDS(F)
#undef F
        N_PHASOR_FRAUDS
};
extern const char *const phasor_fraud_names[N_PHASOR_FRAUDS];

struct fraud {
    enum phasor_fraud kind;
    unsigned mask;  /* elements it is done to */
    int64_t from_s; /* intervals that end after */
    double depth;   /* share taken off, or radians */
    double ghost;   /* V that are left of a lost voltage */
};
/* One of the frauds, evenly drawn; from some day between first and last on. */
void fraud_draw(struct fraud *f, struct sg_prng *p, unsigned elements, int64_t first_s,
                int64_t last_s, int64_t step_s);
void fraud_apply(const struct fraud *f, struct sg_phasor_sample *s);
