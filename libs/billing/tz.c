/* tz - zone files. */
#include "tz-rule-int.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

#include <stdio.h>

#define ZONE_ROOT       "/usr/share/zoneinfo"
#define ZONE_FILE_MAX   (256 * 1024)
#define HEADER_LEN      44
#define TRANSITIONS_MAX 4096
#define TYPES_MAX       256
#define TYPE_LEN        6
#define EAST_MAX_S      (26 * 3600) /* RFC 8536 section 3.2 bounds it at +-25 h and 26 h */

struct sg_tz {
    size_t n_transitions, n_types;
    int64_t *at;   /* n_transitions, ascending */
    uint8_t *type; /* of the time after each */
    int32_t east_s[TYPES_MAX];
    struct sg_tz_rule rule;
};

struct header {
    uint8_t version;
    uint32_t isut, isstd, leap, time, type, chars;
};

static bool take_header(struct sg_reader *r, struct header *h)
{
    struct sg_bytes b;

    if (!sg_take(r, HEADER_LEN, &b) || memcmp(b.data, "TZif", 4))
        return false;
    h->version = b.data[4];
    h->isut = sg_load_be32(b.data + 20);
    h->isstd = sg_load_be32(b.data + 24);
    h->leap = sg_load_be32(b.data + 28);
    h->time = sg_load_be32(b.data + 32);
    h->type = sg_load_be32(b.data + 36);
    h->chars = sg_load_be32(b.data + 40);
    return h->time <= TRANSITIONS_MAX && h->type >= 1 && h->type <= TYPES_MAX && h->chars <= 4096 &&
           h->leap <= 4096 && h->isut <= TYPES_MAX && h->isstd <= TYPES_MAX;
}

/* Version 1's data, which version 2 repeats with 64-bit times. */
static bool skip_block(struct sg_reader *r, const struct header *h, size_t time_len)
{
    struct sg_bytes skipped;
    size_t n = h->time * time_len + h->time + h->type * (size_t)TYPE_LEN + h->chars +
               h->leap * (time_len + 4) + h->isstd + h->isut;
    return sg_take(r, n, &skipped);
}

static bool take_transitions(struct sg_reader *r, const struct header *h, struct sg_tz *tz)
{
    struct sg_bytes times, types;

    if (!sg_take(r, (size_t)h->time * 8, &times) || !sg_take(r, h->time, &types))
        return false;
    tz->n_transitions = h->time;
    for (size_t i = 0; i < h->time; i++) {
        tz->at[i] = (int64_t)sg_load_be64(times.data + 8 * i);
        tz->type[i] = types.data[i];
        if (tz->type[i] >= h->type || (i && tz->at[i] <= tz->at[i - 1]))
            return false;
    }
    return true;
}

static bool take_types(struct sg_reader *r, const struct header *h, struct sg_tz *tz)
{
    struct sg_bytes types;

    if (!sg_take(r, (size_t)h->type * TYPE_LEN, &types))
        return false;
    tz->n_types = h->type;
    for (size_t i = 0; i < h->type; i++) {
        int32_t east = (int32_t)sg_load_be32(types.data + TYPE_LEN * i);
        if (east < -EAST_MAX_S || east > EAST_MAX_S)
            return false;
        tz->east_s[i] = east;
    }
    return true;
}

static bool take_footer(struct sg_reader *r, struct sg_tz *tz)
{
    const uint8_t *end;
    uint8_t newline;

    if (!sg_take_u8(r, &newline) || newline != '\n' || !r->left)
        return false;
    end = memchr(r->at, '\n', r->left);
    return end && sg_tz_rule_parse(SG_BYTES(r->at, (size_t)(end - r->at)), &tz->rule);
}

static bool parse(struct sg_bytes tzif, struct sg_tz *tz)
{
    struct sg_reader r = sg_reader_over(tzif);
    struct header h;
    struct sg_bytes rest;

    if (!take_header(&r, &h) || h.version < '2' || !skip_block(&r, &h, 4) || !take_header(&r, &h))
        return false;
    tz->at = calloc(h.time + 1, sizeof(*tz->at));
    tz->type = calloc(h.time + 1, sizeof(*tz->type));
    return tz->at && tz->type && take_transitions(&r, &h, tz) && take_types(&r, &h, tz) &&
           sg_take(&r, h.chars + h.leap * (size_t)12 + h.isstd + h.isut, &rest) &&
           take_footer(&r, tz);
}

int sg_tz_parse(struct sg_tz **ret, struct sg_bytes tzif)
{
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = calloc(1, sizeof(*tz));

    if (!tz)
        return sg_raise(-ENOMEM);
    if (!parse(tzif, tz))
        return SG_TZ_MALFORMED;
    *ret = TAKE_PTR(tz);
    return 0;
}

/* No way out of the zone folder: letters, digits, "_+-", single slashes between words. */
static bool name_ok(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 64 || name[0] == '/' || name[n - 1] == '/' || strstr(name, "//"))
        return false;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
              (*name >= '0' && *name <= '9') || strchr("_+-/", *name)))
            return false;
    return true;
}

int sg_tz_load(struct sg_tz **ret, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(ZONE_FILE_MAX);
    char path[128];
    int r;

    if (!name_ok(name))
        return SG_TZ_UNKNOWN;
    snprintf(path, sizeof(path), "%s/%s", ZONE_ROOT, name);
    if (access(path, R_OK) != 0)
        return SG_TZ_UNKNOWN;
    r = sg_file_read(path, &b);
    if (r)
        return SG_TZ_UNKNOWN; /* a folder, or larger than any zone file */
    return sg_tz_parse(ret, sg_buf_bytes(&b));
}

void sg_tz_free(struct sg_tz *tz)
{
    if (!tz)
        return;
    free(tz->at);
    free(tz->type);
    free(tz);
}

/* Number of transitions at or before unix_s. */
static size_t transitions_until(const struct sg_tz *tz, int64_t unix_s)
{
    size_t lo = 0, hi = tz->n_transitions;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (tz->at[mid] <= unix_s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct sg_tz_span sg_tz_at(const struct sg_tz *tz, int64_t unix_s)
{
    size_t n = transitions_until(tz, unix_s);
    struct sg_tz_span span = {.from_s = n ? tz->at[n - 1] : INT64_MIN};

    if (n == tz->n_transitions && tz->rule.present) {
        int64_t last = span.from_s;
        span = sg_tz_rule_at(&tz->rule, unix_s);
        if (span.from_s < last)
            span.from_s = last;
        return span;
    }
    span.until_s = n < tz->n_transitions ? tz->at[n] : INT64_MAX;
    span.east_s = tz->east_s[n ? tz->type[n - 1] : 0];
    return span;
}

int64_t sg_tz_midnight(const struct sg_tz *tz, int year, unsigned month, unsigned day)
{
    int64_t local = sg_days_from_civil(year, month, day) * 86400;
    /* The offset a day earlier is in force before any change around this midnight. */
    struct sg_tz_span span = sg_tz_at(tz, local - 2 * 86400);

    while (local - span.east_s >= span.until_s) {
        int64_t change = span.until_s;
        span = sg_tz_at(tz, change);
        /* Clocks jumped over midnight: the day begins with the change. */
        if (local - span.east_s < change)
            return change;
    }
    return local - span.east_s;
}
