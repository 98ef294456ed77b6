#pragma once
/*
 * full-test-int - days made for tests of the full score: shapes of homes and offices with noise,
 * weather that all share, and what is done to them.
 */
#include "exact-int.h"

#include <sealgrid/fraud/context.h>
#include <sealgrid/fraud/correlation.h>

#include <stdio.h>
#include <string.h>

enum { MADE_DAYS = 80, MADE_REFERENCE = 60 };

static const struct sg_corr_windows made_windows = {.reference = {0, MADE_REFERENCE - 1},
                                                    .test = {MADE_REFERENCE, MADE_DAYS - 1}};

struct made {
    float load[MADE_DAYS][24];
    uint8_t weekday[MADE_DAYS];
};

/* 0 to below 1, from a hash. */
static inline float made_share(uint64_t a, uint64_t b)
{
    return (float)(sg_fraud_mix(sg_fraud_mix(a) ^ b) >> 40) * 0x1p-24f;
}

/* An office (even numbers) or a home; `weather` is what all have in common, by the day. */
static inline void made_customer(struct made *m, unsigned number, float weather)
{
    const float size = 5 + 40 * made_share(number, 1), base = 0.3f + 0.3f * made_share(number, 2);
    const unsigned up = 6 + (unsigned)(3 * made_share(number, 3));
    for (unsigned d = 0; d < MADE_DAYS; d++) {
        const bool weekend = d % 7 >= 5;
        const float day =
            0.94f + 0.12f * made_share(number, 1000 + d) + weather * (made_share(4242, d) - 0.5f);
        m->weekday[d] = (uint8_t)(d % 7);
        for (unsigned h = 0; h < 24; h++) {
            const bool work = number % 2 == 0 ? h >= up && h < up + 10 && !weekend
                                              : (h >= up && h < up + 2) || (h >= 18 && h < 23);
            const float x = (base + (work ? 0.7f : 0)) * size * day *
                            (0.95f + 0.1f * made_share(number, 5000 + d * 24 + h));
            m->load[d][h] = (float)(int)(x * 10 + 0.5f) / 10;
        }
    }
}

/* As days of `points` values that add up to the hours; day 0 is `first`. */
static inline void made_days(const struct made *m, const char *id, uint32_t points, int32_t first,
                             struct sg_fraud_days *ret)
{
    float row[SG_FRAUD_POINTS_MAX];
    const uint32_t each = points / 24;
    sg_assert(sg_fraud_days_start(ret, id, points) == 0);
    for (unsigned d = 0; d < MADE_DAYS; d++) {
        for (uint32_t i = 0; i < points; i++)
            row[i] = m->load[d][i / each] / (float)each;
        sg_assert(sg_fraud_days_add(ret, first + (int32_t)d, m->weekday[d], row, NULL) == 0);
    }
}
