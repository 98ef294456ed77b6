#pragma once
/*
 * ints - one integer column of a page body: predictor, reference, bit-packed residuals.
 *
 *   predictor octet | [distance varint] | leading values, zigzag varints | lowest residual, zigzag
 *   varint | width octet 0..64 | residuals minus the lowest, width bits each, first in the low bits
 *
 * A predictor may lean on earlier columns of the same page: phase sums (SUM3), equal or nearly
 * equal quantities (OTHER), and registers that advance by another column (RISE).  All arithmetic is
 * modulo 2^64, so every int64_t comes back.
 */
#include <sealgrid/base/bytes.h>

#define SG_INTS_PREDICTORS(P)                                                                      \
    P(NONE, 0)   /* v */                                                                           \
    P(DELTA, 1)  /* v - previous; 1 leading value */                                               \
    P(DELTA2, 2) /* change of that; 2 leading values */                                            \
    P(SUM3, 3)   /* v - the three columns before */                                                \
    P(OTHER, 4)  /* v - the column at a distance */                                                \
    P(RISE, 5)   /* v - previous - the column at a distance; 1 leading value */

enum sg_ints_predictor {
#define SG_P(name, octet) SG_INTS_##name = octet,
    SG_INTS_PREDICTORS(SG_P)
#undef SG_P
};

/* The columns before this one: column c's values are at cell + c * stride. */
struct sg_ints_before {
    const int64_t *cell;
    const bool *whole; /* [c]: all its rows are integers, so it may be leant on */
    size_t stride, columns;
};

#define SG_INTS_COUNT_MAX 256
/* Octets that sg_ints_put may write for m values. */
#define SG_INTS_BYTES_MAX(m) (8 * (m) + 64)
/* Octets past its input that sg_ints_take may read (and ignore). */
#define SG_INTS_SLACK 16

/* m 1..256; before->columns is 0 when rows are missing from this column.  Returns the end. */
uint8_t *sg_ints_put(uint8_t *p, const int64_t *v, size_t m, const struct sg_ints_before *before);
/* False on anything malformed. */
bool sg_ints_take(struct sg_reader *r, int64_t *ret, size_t m, const struct sg_ints_before *before);
/* The same without the values: of the columns before this one, those at the distances
 * *ret_from..*ret_until are what it leans on; from 1 until 0: none. */
bool sg_ints_skip(struct sg_reader *r, size_t m, const struct sg_ints_before *before,
                  size_t *ret_from, size_t *ret_until);
