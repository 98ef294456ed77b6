#include "ints-int.h"

#include <endian.h>

#include "tuple-int.h"

/* Farthest column tried as OTHER or RISE, and the rows looked at before a full pass is worth it. */
enum { DISTANCE_MAX = 40, SAMPLES = 8, SAMPLED_FROM = 16 };

struct range {
    int64_t low, high;
};

struct choice {
    enum sg_ints_predictor predictor;
    size_t distance;
    int64_t low;
    unsigned width;
    size_t bits; /* whole cost */
};

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void widen(struct range *r, int64_t v)
{
    r->low = v < r->low ? v : r->low;
    r->high = v > r->high ? v : r->high;
}

static unsigned width_of(struct range r)
{
    uint64_t spread = (uint64_t)minus(r.high, r.low);
    return spread ? 64u - (unsigned)__builtin_clzll(spread) : 0;
}

static size_t leading_of(enum sg_ints_predictor p)
{
    return p == SG_INTS_DELTA2 ? 2 : p == SG_INTS_DELTA || p == SG_INTS_RISE;
}

static bool has_distance(enum sg_ints_predictor p)
{
    return p == SG_INTS_OTHER || p == SG_INTS_RISE;
}

static const int64_t *column_at(const struct sg_ints_before *b, size_t distance)
{
    return b->cell + (b->columns - distance) * b->stride;
}

static bool may_lean(const struct sg_ints_before *b, size_t distance)
{
    return distance >= 1 && distance <= b->columns && b->whole[b->columns - distance];
}

static bool may_sum3(const struct sg_ints_before *b)
{
    return may_lean(b, 1) && may_lean(b, 2) && may_lean(b, 3);
}

static int64_t sum3(const struct sg_ints_before *b, size_t i)
{
    return plus(plus(column_at(b, 1)[i], column_at(b, 2)[i]), column_at(b, 3)[i]);
}

/* ---- choosing ---- */

static void consider(struct choice *best, enum sg_ints_predictor p, size_t distance, struct range r,
                     size_t m)
{
    unsigned width = width_of(r);
    size_t leading = leading_of(p);
    size_t header = leading * 24 + has_distance(p) * 8 + 8 * sg_varint_len(sg_zigzag(r.low));
    struct choice c = {p, distance, r.low, width, (m - leading) * width + header};
    if (c.bits < best->bits)
        *best = c;
}

/* The three predictors that need no other column, in one pass. */
static struct choice choose_alone(const int64_t *v, size_t m)
{
    struct choice best = {.bits = SIZE_MAX};
    struct range value = {v[0], v[0]};
    if (m < 3) {
        for (size_t i = 1; i < m; i++)
            widen(&value, v[i]);
        consider(&best, SG_INTS_NONE, 0, value, m);
        return best;
    }
    int64_t rise = minus(v[1], v[0]), bend = minus(minus(v[2], v[1]), rise);
    struct range rises = {rise, rise}, bends = {bend, bend};
    widen(&value, v[1]);
    for (size_t i = 2; i < m; i++) {
        int64_t d = minus(v[i], v[i - 1]);
        widen(&value, v[i]);
        widen(&rises, d);
        widen(&bends, minus(d, rise));
        rise = d;
    }
    consider(&best, SG_INTS_NONE, 0, value, m);
    consider(&best, SG_INTS_DELTA, 0, rises, m);
    consider(&best, SG_INTS_DELTA2, 0, bends, m);
    return best;
}

static void try_sum3(struct choice *best, const int64_t *v, size_t m,
                     const struct sg_ints_before *b)
{
    int64_t first = minus(v[0], sum3(b, 0));
    struct range r = {first, first};
    for (size_t i = 1; i < m; i++)
        widen(&r, minus(v[i], sum3(b, i)));
    consider(best, SG_INTS_SUM3, 0, r, m);
}

static void try_column(struct choice *best, const int64_t *v, size_t m, const int64_t *o, size_t d,
                       bool rise)
{
    int64_t first = minus(rise ? minus(v[1], v[0]) : v[0], o[rise]);
    struct range r = {first, first};
    for (size_t i = 1u + rise; i < m; i++)
        widen(&r, minus(minus(v[i], rise ? v[i - 1] : 0), o[i]));
    consider(best, rise ? SG_INTS_RISE : SG_INTS_OTHER, d, r, m);
}

/* Columns that follow another are rare and show in a few rows already. */
static void try_columns(struct choice *best, const int64_t *v, size_t m,
                        const struct sg_ints_before *b)
{
    size_t at[SAMPLES], farthest = b->columns < DISTANCE_MAX ? b->columns : DISTANCE_MAX;
    int64_t value[SAMPLES], rise[SAMPLES];
    for (size_t k = 0; k < SAMPLES; k++) {
        at[k] = 1 + k * (m - 2) / (SAMPLES - 1);
        value[k] = v[at[k]];
        rise[k] = minus(v[at[k]], v[at[k] - 1]);
    }
    for (size_t d = 1; d <= farthest; d++) {
        if (!may_lean(b, d))
            continue;
        const int64_t *o = column_at(b, d);
        struct range values = {INT64_MAX, INT64_MIN}, rises = values;
        for (size_t k = 0; k < SAMPLES; k++) {
            widen(&values, minus(value[k], o[at[k]]));
            widen(&rises, minus(rise[k], o[at[k]]));
        }
        if (width_of(values) + 1 < best->width)
            try_column(best, v, m, o, d, false);
        if (width_of(rises) + 1 < best->width)
            try_column(best, v, m, o, d, true);
    }
}

static struct choice choose(const int64_t *v, size_t m, const struct sg_ints_before *b)
{
    struct choice best = choose_alone(v, m);
    if (best.width > 1 && may_sum3(b))
        try_sum3(&best, v, m, b);
    if (best.width > 2 && m >= SAMPLED_FROM)
        try_columns(&best, v, m, b);
    return best;
}

/* ---- residuals ---- */

/* What predictor p expects at row i >= leading_of(p), given the rows before it. */
static inline int64_t expected(enum sg_ints_predictor p, const int64_t *v, size_t i,
                               const int64_t *other, const struct sg_ints_before *b)
{
    switch (p) {
    case SG_INTS_NONE:
        return 0;
    case SG_INTS_DELTA:
        return v[i - 1];
    case SG_INTS_DELTA2:
        return plus(v[i - 1], minus(v[i - 1], v[i - 2]));
    case SG_INTS_SUM3:
        return sum3(b, i);
    case SG_INTS_OTHER:
        return other[i];
    case SG_INTS_RISE:
        break;
    }
    return plus(v[i - 1], other[i]);
}

/* Constant p in each call lets the compiler make one tight loop a predictor. */
static inline void residuals(enum sg_ints_predictor p, uint64_t *ret, const int64_t *v, size_t m,
                             int64_t low, const int64_t *other, const struct sg_ints_before *b)
{
    size_t leading = leading_of(p);
    for (size_t i = leading; i < m; i++)
        ret[i - leading] = (uint64_t)minus(minus(v[i], expected(p, v, i, other, b)), low);
}

static inline void restore(enum sg_ints_predictor p, int64_t *v, const uint64_t *residual, size_t m,
                           int64_t low, const int64_t *other, const struct sg_ints_before *b)
{
    size_t leading = leading_of(p);
    for (size_t i = leading; i < m; i++)
        v[i] = plus(plus((int64_t)residual[i - leading], low), expected(p, v, i, other, b));
}

#define FOR_PREDICTOR(p, call)                                                                     \
    switch (p) {                                                                                   \
        SG_INTS_PREDICTORS(call)                                                                   \
    }

/* ---- bit packing: first value in the low bits, octets little-endian ---- */

static uint8_t *pack(uint8_t *p, const uint64_t *u, size_t n, unsigned width)
{
    uint64_t word = 0;
    unsigned filled = 0;
    if (width == 0)
        return p;
    for (size_t i = 0; i < n; i++) {
        word |= u[i] << filled;
        filled += width;
        if (filled < 64)
            continue;
        uint64_t le = htole64(word);
        memcpy(p, &le, 8);
        p += 8;
        filled -= 64;
        word = filled ? u[i] >> (width - filled) : 0;
    }
    uint64_t le = htole64(word);
    memcpy(p, &le, 8);
    return p + (filled + 7) / 8;
}

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t le;
    memcpy(&le, p, 8);
    return le64toh(le);
}

/* Reads up to SG_INTS_SLACK octets past the packed ones. */
static void unpack(uint64_t *ret, const uint8_t *p, size_t n, unsigned width)
{
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    if (width <= 56) {
        for (size_t i = 0, bit = 0; i < n; i++, bit += width)
            ret[i] = load_le64(p + bit / 8) >> (bit % 8) & mask;
        return;
    }
    for (size_t i = 0, bit = 0; i < n; i++, bit += width) {
        const uint8_t *at = p + bit / 8;
        unsigned shift = bit % 8;
        uint64_t high = shift ? (uint64_t)at[8] << (64 - shift) : 0;
        ret[i] = (load_le64(at) >> shift | high) & mask;
    }
}

/* ---- the column ---- */

uint8_t *sg_ints_put(uint8_t *p, const int64_t *v, size_t m, const struct sg_ints_before *before)
{
    uint64_t residual[SG_INTS_COUNT_MAX];
    struct choice c = choose(v, m, before);
    size_t leading = leading_of(c.predictor);
    const int64_t *other = has_distance(c.predictor) ? column_at(before, c.distance) : NULL;
    *p++ = (uint8_t)c.predictor;
    if (other)
        p = sg_varint_put(p, c.distance);
    for (size_t i = 0; i < leading; i++)
        p = sg_varint_put(p, sg_zigzag(v[i]));
    p = sg_varint_put(p, sg_zigzag(c.low));
    *p++ = (uint8_t)c.width;
#define SG_P(name, octet)                                                                          \
    case SG_INTS_##name:                                                                           \
        residuals(SG_INTS_##name, residual, v, m, c.low, other, before);                           \
        break;
    FOR_PREDICTOR(c.predictor, SG_P)
#undef SG_P
    return pack(p, residual, m - leading, c.width);
}

static bool take_zigzag(struct sg_reader *r, int64_t *ret)
{
    uint64_t u;
    if (!sg_varint_get(r, &u))
        return false;
    *ret = sg_unzigzag(u);
    return true;
}

/* What stands before the residuals, and they. */
struct head {
    enum sg_ints_predictor predictor;
    size_t distance;
    const int64_t *other; /* column at that distance, or NULL */
    size_t leading;
    int64_t first[2];
    int64_t low;
    unsigned width;
    struct sg_bytes packed;
};

static bool take_distance(struct sg_reader *r, const struct sg_ints_before *before,
                          struct head *ret)
{
    uint64_t distance;
    if (!sg_varint_get(r, &distance) || distance > before->columns || !may_lean(before, distance))
        return false;
    ret->distance = (size_t)distance;
    ret->other = column_at(before, ret->distance);
    return true;
}

static bool take_predictor(struct sg_reader *r, size_t m, const struct sg_ints_before *before,
                           struct head *ret)
{
    uint8_t predictor;
    if (m > SG_INTS_COUNT_MAX || !sg_take_u8(r, &predictor) || predictor > SG_INTS_RISE)
        return false;
    ret->predictor = (enum sg_ints_predictor)predictor;
    ret->leading = leading_of(ret->predictor);
    if (m < ret->leading || (predictor == SG_INTS_SUM3 && !may_sum3(before)))
        return false;
    return !has_distance(ret->predictor) || take_distance(r, before, ret);
}

static bool take_head(struct sg_reader *r, size_t m, const struct sg_ints_before *before,
                      struct head *ret)
{
    uint8_t width;
    *ret = (struct head){.other = NULL};
    if (!take_predictor(r, m, before, ret))
        return false;
    for (size_t i = 0; i < ret->leading; i++)
        if (!take_zigzag(r, &ret->first[i]))
            return false;
    if (!take_zigzag(r, &ret->low) || !sg_take_u8(r, &width) || width > 64)
        return false;
    ret->width = width;
    return sg_take(r, ((m - ret->leading) * width + 7) / 8, &ret->packed);
}

bool sg_ints_take(struct sg_reader *r, int64_t *ret, size_t m, const struct sg_ints_before *before)
{
    uint64_t residual[SG_INTS_COUNT_MAX];
    struct head h;
    if (!take_head(r, m, before, &h))
        return false;
    memcpy(ret, h.first, h.leading * sizeof(*ret));
    unpack(residual, h.packed.data, m - h.leading, h.width);
#define SG_P(name, octet)                                                                          \
    case SG_INTS_##name:                                                                           \
        restore(SG_INTS_##name, ret, residual, m, h.low, h.other, before);                         \
        break;
    FOR_PREDICTOR(h.predictor, SG_P)
#undef SG_P
    return true;
}

bool sg_ints_skip(struct sg_reader *r, size_t m, const struct sg_ints_before *before,
                  size_t *ret_from, size_t *ret_until)
{
    struct head h;
    if (!take_head(r, m, before, &h))
        return false;
    *ret_from = h.other ? h.distance : 1;
    *ret_until = h.predictor == SG_INTS_SUM3 ? 3 : h.distance;
    return true;
}
