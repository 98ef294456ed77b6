#pragma once
/*
 * series - values by the step of time: the prices or the posts that a dynamic tariff publishes,
 * as a file of lines INSTANT,VALUE.  docs/tariff.md has the form.  Immutable after reading.
 *
 * INSTANT is RFC 3339 in UTC ("2013-01-01T00:30:00Z"), a multiple of the step since 1970, later
 * than the line before.  A value holds for one step; steps that no line names have none.
 */
#include <sealgrid/base/yaml.h>
#include <sealgrid/billing/money.h>

#define SG_SERIES_FILE_MAX  (64u << 20)
#define SG_SERIES_STEPS_MAX (1u << 20) /* from the first to the last: 29 years of quarter-hours */
#define SG_SERIES_NONE      INT64_MIN

struct sg_series {
    int64_t from_s;  /* begin of the first step */
    uint32_t step_s; /* divides a day */
    size_t n;        /* steps */
    int64_t *values; /* price in 1e-9 currency per kWh, or the number of a post; SG_SERIES_NONE */
    uint8_t sha256[32];
};

/* Names of posts: a value is then one of them, else it is a price. */
struct sg_series_words {
    const char *const *words;
    size_t n;
};
enum sg_series_outcome { SG_SERIES_BAD = 1 };
/* words NULL: prices.  SG_SERIES_BAD fills why with the file's line and the reason. */
SG_MUST_USE int sg_series_read(struct sg_series **ret, struct sg_bytes csv, uint32_t step_s,
                               const struct sg_series_words *words, struct sg_yaml_error *why);
void sg_series_free(struct sg_series *s);
SG_DEFINE_FREEP(struct sg_series, sg_series_free)

/* The value of the step that holds the instant; SG_SERIES_NONE if none does. */
static inline int64_t sg_series_at(const struct sg_series *s, int64_t unix_s)
{
    if (unix_s < s->from_s)
        return SG_SERIES_NONE;
    uint64_t i = (uint64_t)(unix_s - s->from_s) / s->step_s;
    return i < s->n ? s->values[i] : SG_SERIES_NONE;
}
