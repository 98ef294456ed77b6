#pragma once
/*
 * kernel-int - what every kernel provides; see sealgrid/fraud/kernel.h for why all agree.
 */
#include <sealgrid/fraud/kernel.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Nodes are padded to a multiple of this: the lanes of the widest register. */
    SG_KERNEL_NODE_LANES = 16,
    /* Partial sums of every binary64 sum; points of a day are a multiple of it. */
    SG_KERNEL_SUM_LANES = 8,
};

struct sg_fraud_kernel {
    const char *name;

    /* For each of n vectors of x: the node of the least squared distance, the lowest among equals,
     * or UINT32_MAX if no distance is finite.  codes: for each point, `lanes` values, one a node,
     * aligned to 64 octets; lanes a multiple of SG_KERNEL_NODE_LANES, those past the last node
     * filled with infinity. */
    void (*best_match)(const float *x, size_t n, uint32_t points, const float *codes,
                       uint32_t lanes, uint32_t *ret_node, float *ret_distance2);

    /* sum[i] += row[i], any number of points. */
    void (*add_row)(double *sum, const float *row, uint32_t points);
    /* The largest of n values, at least 0; no NaN. */
    float (*largest)(const float *v, size_t n);
    /* y[i] += a * x[i], any number of points. */
    void (*add_scaled)(double *y, const double *x, double a, uint32_t points);

    /* The rest: points a multiple of SG_KERNEL_SUM_LANES. */

    /* sum[i] += (in[i] + magic) - magic - ((out[i] + magic) - magic); in or out may be NULL.  With
     * magic = 1.5 * 2^52 * g the inner form rounds to a multiple of g. */
    void (*slide)(double *sum, const float *in, const float *out, double magic, uint32_t points);
    /* unit = sum moved to mean 0 and scaled to norm 1; false, and unit all 0, if it is constant. */
    bool (*unit)(const double *sum, double *unit, uint32_t points);
    /* Pearson's r of a row and a profile given as unit; 0 if the row is constant. */
    double (*correlate)(const float *row, const double *unit, uint32_t points);
};

extern const struct sg_fraud_kernel sg_fraud_kernel_portable;
#if defined(__x86_64__)
extern const struct sg_fraud_kernel sg_fraud_kernel_avx2;
extern const struct sg_fraud_kernel sg_fraud_kernel_avx512;
#endif

static inline const struct sg_fraud_kernel *sg_fraud_kernel_or_best(const struct sg_fraud_kernel *k)
{
    return k ? k : sg_fraud_kernel_best();
}
