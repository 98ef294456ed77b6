/* series - lines INSTANT,VALUE. */
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/series.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define INSTANT_LEN 20 /* "2013-01-01T00:30:00Z" */
#define VALUE_MAX   40
#define PRICE_MAX   INT64_C(1000000000000000) /* a million per kWh */
#define DAY_S       86400

struct step {
    int64_t at_s, value;
};

static int refuse(struct sg_yaml_error *why, unsigned line, const char *reason)
{
    return sg_yaml_refuse(why, line, "%s", reason);
}

static bool take_word(const char *text, const struct sg_series_words *words, int64_t *ret)
{
    for (size_t i = 0; i < words->n; i++)
        if (!strcmp(words->words[i], text)) {
            *ret = (int64_t)i;
            return true;
        }
    return false;
}

static int take_value(const char *text, const struct sg_series_words *words, unsigned line,
                      struct sg_yaml_error *why, int64_t *ret)
{
    if (words)
        return take_word(text, words, ret) ? 0 : refuse(why, line, "no post of that name");
    if (sg_decimal_parse(text, SG_RATE_DIGITS, ret))
        return refuse(why, line, "not a decimal number with at most 9 decimals");
    return *ret >= -PRICE_MAX && *ret <= PRICE_MAX
               ? 0
               : refuse(why, line, "more than a million per kWh");
}

/* One line without its end. */
static int take_line(struct sg_bytes text, const struct sg_series_words *words, unsigned line,
                     struct sg_yaml_error *why, struct step *ret)
{
    char instant[INSTANT_LEN + 1], value[VALUE_MAX + 1];

    if (text.len < INSTANT_LEN + 2 || text.len > INSTANT_LEN + 1 + VALUE_MAX ||
        text.data[INSTANT_LEN] != ',' || text.data[INSTANT_LEN - 1] != 'Z' ||
        memchr(text.data, '\0', text.len))
        return refuse(why, line, "a line is 2026-01-31T23:30:00Z,VALUE");
    memcpy(instant, text.data, INSTANT_LEN);
    instant[INSTANT_LEN] = '\0';
    memcpy(value, text.data + INSTANT_LEN + 1, text.len - INSTANT_LEN - 1);
    value[text.len - INSTANT_LEN - 1] = '\0';
    if (sg_time_parse(instant, &ret->at_s))
        return refuse(why, line, "no such instant");
    return take_value(value, words, line, why, &ret->value);
}

/* Room for steps up to at; all that lie between have no value. */
static int reach(struct sg_series *s, size_t *room, size_t n)
{
    if (n > *room) {
        size_t more = n < 1024 ? 1024 : 2 * n;
        more = more < SG_SERIES_STEPS_MAX ? more : SG_SERIES_STEPS_MAX;
        int64_t *values = realloc(s->values, more * sizeof(*values));
        if (!values)
            return sg_raise(-ENOMEM);
        s->values = values;
        *room = more;
    }
    while (s->n < n)
        s->values[s->n++] = SG_SERIES_NONE;
    return 0;
}

static int add_step(struct sg_series *s, size_t *room, const struct step *step, unsigned line,
                    struct sg_yaml_error *why)
{
    int r;

    if (step->at_s % s->step_s)
        return refuse(why, line, "not a multiple of the step");
    if (s->n == 0)
        s->from_s = step->at_s;
    if (step->at_s < s->from_s + (int64_t)s->n * s->step_s)
        return refuse(why, line, "not later than the line before");
    uint64_t at = (uint64_t)(step->at_s - s->from_s) / s->step_s;
    if (at >= SG_SERIES_STEPS_MAX)
        return sg_yaml_refuse(why, line, "more than %u steps after the first", SG_SERIES_STEPS_MAX);
    r = reach(s, room, (size_t)at + 1);
    if (!r)
        s->values[at] = step->value;
    return r;
}

int sg_series_read(struct sg_series **ret, struct sg_bytes csv, uint32_t step_s,
                   const struct sg_series_words *words, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_series_freep) struct sg_series *s = calloc(1, sizeof(*s));
    size_t room = 0;
    unsigned line = 0;
    int r = 0;

    if (!s)
        return sg_raise(-ENOMEM);
    sg_assert(step_s > 0 && DAY_S % step_s == 0);
    s->step_s = step_s;
    sg_sha256(s->sha256, csv);
    for (size_t at = 0; at < csv.len && !r;) {
        const uint8_t *begin = csv.data + at, *end = memchr(begin, '\n', csv.len - at);
        size_t len = end ? (size_t)(end - begin) : csv.len - at;
        struct step step;
        r = take_line(SG_BYTES(begin, len), words, ++line, why, &step);
        if (!r)
            r = add_step(s, &room, &step, line, why);
        at += len + 1;
    }
    if (!r && s->n == 0)
        r = refuse(why, 0, "no line in it");
    if (r)
        return r > 0 ? SG_SERIES_BAD : r;
    *ret = TAKE_PTR(s);
    return 0;
}

void sg_series_free(struct sg_series *s)
{
    if (!s)
        return;
    free(s->values);
    free(s);
}
