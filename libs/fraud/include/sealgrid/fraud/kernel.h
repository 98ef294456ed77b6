#pragma once
/*
 * fraud kernel - the inner loops of this library, built several times and chosen at run time.
 *
 * Every kernel gives the same bits.  All do the same IEEE 754 operations in the same order for
 * each sum: a best match has one map node a lane, and each lane adds its points from first to last;
 * a correlation has always eight partial sums of binary64, added in one fixed tree.  The width of
 * the machine's registers decides only how many lanes go at once.  No fused multiply-add, which
 * not every machine has, no reordering.
 */
#include <stddef.h>

struct sg_fraud_kernel;

/* The fastest that this machine can run. */
const struct sg_fraud_kernel *sg_fraud_kernel_best(void);
/* "portable", "avx2" or "avx512"; NULL if unknown or beyond this machine. */
const struct sg_fraud_kernel *sg_fraud_kernel_named(const char *name);
/* The i-th that this machine can run, slowest first; NULL past the last. */
const struct sg_fraud_kernel *sg_fraud_kernel_at(size_t i);
const char *sg_fraud_kernel_name(const struct sg_fraud_kernel *k);
