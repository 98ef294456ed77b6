/*
 * kernel-body-int - the one source of all kernels, included once by each of kernel-*.c with
 * KERNEL, KERNEL_NAME and KERNEL_BYTES, the width of a register.
 *
 * Written with the compilers' vector types (GCC and clang alike), whose operators are element by
 * element IEEE 754 operations: the width changes nothing of the result.  The build forbids
 * contraction to fused multiply-adds in these files (-ffp-contract=off).
 */
#include "kernel-int.h"

#include <math.h>
#include <string.h>

typedef float vec __attribute__((vector_size(KERNEL_BYTES)));
typedef int32_t ivec __attribute__((vector_size(KERNEL_BYTES)));
typedef double dvec __attribute__((vector_size(KERNEL_BYTES)));
typedef float hvec __attribute__((vector_size(KERNEL_BYTES / 2))); /* converts to one dvec */

#define LANES  (KERNEL_BYTES / 4)
#define DLANES (KERNEL_BYTES / 8)
/* Registers that hold the SG_KERNEL_SUM_LANES partial sums. */
#define SUMS (SG_KERNEL_SUM_LANES / DLANES)

/* Vectors and registers of nodes that a block of best_match holds in accumulators.  32 registers
 * (AVX-512): 4 x 4 accumulators; 16 registers: 4 x 2. */
#define BLOCK_X 4
#if KERNEL_BYTES == 64
#define BLOCK_N 4
#else
#define BLOCK_N 2
#endif

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

INLINE vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof(v));
    return v;
}

INLINE ivec load_i(const int32_t *p)
{
    ivec v;
    memcpy(&v, p, sizeof(v));
    return v;
}

INLINE dvec load_d(const double *p)
{
    dvec v;
    memcpy(&v, p, sizeof(v));
    return v;
}

INLINE void store_d(double *p, dvec v)
{
    memcpy(p, &v, sizeof(v));
}

INLINE dvec load_wide(const float *p)
{
    hvec v;
    memcpy(&v, p, sizeof(v));
    return __builtin_convertvector(v, dvec);
}

/* --- best match --------------------------------------------------------------------------- */

static const int32_t lane_number[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* The least distance so far and its node, lane by lane. */
struct best {
    vec distance2;
    ivec node;
};

/* Nodes at .. at + n_reg * LANES - 1 against n_x vectors. */
INLINE void match_block(const float *x, uint32_t points, const float *codes, uint32_t lanes,
                        uint32_t at, uint32_t n_x, uint32_t n_reg, struct best *best)
{
    vec sum[BLOCK_X][BLOCK_N];
    UNROLL for (uint32_t i = 0; i < n_x; i++) UNROLL for (uint32_t j = 0; j < n_reg; j++)
        sum[i][j] = (vec){0};
    for (uint32_t p = 0; p < points; p++) {
        vec code[BLOCK_N];
        UNROLL for (uint32_t j = 0; j < n_reg; j++) code[j] =
            load(codes + (size_t)p * lanes + at + j * LANES);
        UNROLL for (uint32_t i = 0; i < n_x; i++) UNROLL for (uint32_t j = 0; j < n_reg; j++)
        {
            vec d = code[j] - x[(size_t)i * points + p];
            sum[i][j] += d * d;
        }
    }
    UNROLL for (uint32_t i = 0; i < n_x; i++) UNROLL for (uint32_t j = 0; j < n_reg; j++)
    {
        /* Nodes come in ascending order, so an equal distance does not displace. */
        ivec less = sum[i][j] < best[i].distance2;
        ivec node = load_i(lane_number) + (int32_t)(at + j * LANES);
        best[i].node = (node & less) | (best[i].node & ~less);
        best[i].distance2 = (vec)(((ivec)sum[i][j] & less) | ((ivec)best[i].distance2 & ~less));
    }
}

INLINE void best_lane(const struct best *best, uint32_t *ret_node, float *ret_distance2)
{
    float distance2[LANES];
    uint32_t node[LANES];
    memcpy(distance2, &best->distance2, sizeof(distance2));
    memcpy(node, &best->node, sizeof(node));
    float d = distance2[0];
    uint32_t at = node[0];
    for (uint32_t l = 1; l < LANES; l++) {
        bool better = distance2[l] < d || (distance2[l] == d && node[l] < at);
        d = better ? distance2[l] : d;
        at = better ? node[l] : at;
    }
    *ret_node = at;
    *ret_distance2 = d;
}

INLINE void match_vectors(const float *x, uint32_t n_x, uint32_t points, const float *codes,
                          uint32_t lanes, uint32_t *ret_node, float *ret_distance2)
{
    struct best best[BLOCK_X];
    UNROLL for (uint32_t i = 0; i < n_x; i++)
    {
        best[i].distance2 = (vec){0} + INFINITY;
        best[i].node = (ivec){0} - 1;
    }
    uint32_t at = 0;
    for (; at + BLOCK_N * LANES <= lanes; at += BLOCK_N * LANES)
        match_block(x, points, codes, lanes, at, n_x, BLOCK_N, best);
    switch ((lanes - at) / LANES) { /* each width a block of its own, fully unrolled */
#if BLOCK_N > 2
    case 3:
        match_block(x, points, codes, lanes, at, n_x, 3, best);
        break;
    case 2:
        match_block(x, points, codes, lanes, at, n_x, 2, best);
        break;
#endif
    case 1:
        match_block(x, points, codes, lanes, at, n_x, 1, best);
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < n_x; i++)
        best_lane(&best[i], ret_node + i, ret_distance2 + i);
}

static void best_match(const float *x, size_t n, uint32_t points, const float *codes,
                       uint32_t lanes, uint32_t *ret_node, float *ret_distance2)
{
    size_t i = 0;
    for (; i + BLOCK_X <= n; i += BLOCK_X)
        match_vectors(x + i * points, BLOCK_X, points, codes, lanes, ret_node + i,
                      ret_distance2 + i);
    for (; i < n; i++)
        match_vectors(x + i * points, 1, points, codes, lanes, ret_node + i, ret_distance2 + i);
}

/* --- sums --------------------------------------------------------------------------------- */

static void add_row(double *sum, const float *row, uint32_t points)
{
    uint32_t i = 0;
    for (; i + DLANES <= points; i += DLANES)
        store_d(sum + i, load_d(sum + i) + load_wide(row + i));
    for (; i < points; i++)
        sum[i] += (double)row[i];
}

INLINE vec larger(vec a, vec b)
{
    ivec more = a > b;
    return (vec)(((ivec)a & more) | ((ivec)b & ~more));
}

static float largest(const float *v, size_t n)
{
    vec max[2] = {0};
    float lane[LANES], ret = 0;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        max[0] = larger(load(v + i), max[0]);
        max[1] = larger(load(v + i + LANES), max[1]);
    }
    for (; i < n; i++)
        ret = v[i] > ret ? v[i] : ret;
    max[0] = larger(max[0], max[1]);
    memcpy(lane, &max[0], sizeof(lane));
    for (i = 0; i < LANES; i++)
        ret = lane[i] > ret ? lane[i] : ret;
    return ret;
}

static void add_scaled(double *y, const double *x, double a, uint32_t points)
{
    uint32_t i = 0;
    for (; i + DLANES <= points; i += DLANES)
        store_d(y + i, load_d(y + i) + load_d(x + i) * a);
    for (; i < points; i++)
        y[i] += x[i] * a;
}

static void slide(double *sum, const float *in, const float *out, double magic, uint32_t points)
{
    for (uint32_t i = 0; i < points; i += DLANES) {
        dvec s = load_d(sum + i);
        if (in)
            s += (load_wide(in + i) + magic) - magic;
        if (out)
            s -= (load_wide(out + i) + magic) - magic;
        store_d(sum + i, s);
    }
}

/* --- correlation -------------------------------------------------------------------------- */

/* The one tree in which eight partial sums are added. */
INLINE double fold(const dvec *sums)
{
    double s[SG_KERNEL_SUM_LANES];
    UNROLL for (uint32_t k = 0; k < SUMS; k++) store_d(s + k * DLANES, sums[k]);
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* Whether what a sum of squares about the mean leaves is more than rounding (correlation.h). */
INLINE bool varies(double about_mean, double mean, uint32_t points)
{
    const double tiny = 0x1p-44; /* (2^-22)^2 */
    return about_mean > tiny * (about_mean + mean * mean * points);
}

static bool unit(const double *sum, double *ret_unit, uint32_t points)
{
    dvec total[SUMS] = {0}, square[SUMS] = {0};
    for (uint32_t i = 0; i < points; i += SG_KERNEL_SUM_LANES)
        UNROLL for (uint32_t k = 0; k < SUMS; k++) total[k] += load_d(sum + i + k * DLANES);
    double mean = fold(total) / points;
    for (uint32_t i = 0; i < points; i += SG_KERNEL_SUM_LANES)
        UNROLL for (uint32_t k = 0; k < SUMS; k++)
        {
            dvec d = load_d(sum + i + k * DLANES) - mean;
            store_d(ret_unit + i + k * DLANES, d);
            square[k] += d * d;
        }
    double about_mean = fold(square);
    bool ok = varies(about_mean, mean, points);
    double scale = ok ? 1 / sqrt(about_mean) : 0;
    for (uint32_t i = 0; i < points; i++)
        ret_unit[i] = ok ? ret_unit[i] * scale : 0;
    return ok;
}

INLINE double correlate_n(const float *row, const double *profile, uint32_t points)
{
    dvec total[SUMS] = {0}, square[SUMS] = {0}, dot[SUMS] = {0};
    for (uint32_t i = 0; i < points; i += SG_KERNEL_SUM_LANES)
        UNROLL for (uint32_t k = 0; k < SUMS; k++) total[k] += load_wide(row + i + k * DLANES);
    double mean = fold(total) / points;
    for (uint32_t i = 0; i < points; i += SG_KERNEL_SUM_LANES)
        UNROLL for (uint32_t k = 0; k < SUMS; k++)
        {
            dvec d = load_wide(row + i + k * DLANES) - mean;
            square[k] += d * d;
            dot[k] += d * load_d(profile + i + k * DLANES);
        }
    double about_mean = fold(square);
    if (!varies(about_mean, mean, points))
        return 0;
    double r = fold(dot) / sqrt(about_mean);
    return r > 1 ? 1 : r < -1 ? -1 : r; /* by rounding only */
}

/* Widths known to the compiler are unrolled. */
static double correlate(const float *row, const double *profile, uint32_t points)
{
    switch (points) {
    case 24:
        return correlate_n(row, profile, 24);
    case 96:
        return correlate_n(row, profile, 96);
    default:
        return correlate_n(row, profile, points);
    }
}

const struct sg_fraud_kernel KERNEL = {
    .name = KERNEL_NAME,
    .best_match = best_match,
    .add_row = add_row,
    .largest = largest,
    .add_scaled = add_scaled,
    .slide = slide,
    .unit = unit,
    .correlate = correlate,
};
