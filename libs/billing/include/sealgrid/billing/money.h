#pragma once
/*
 * money - exact decimals as scaled integers.  No floating point anywhere in billing.
 *
 * Scales: a rate is an integer of 1e-9 currency units per kWh, so that Wh x rate is an integer of
 * 1e-12 currency units; an amount on a bill is an integer of the currency's minor unit (1e-2 for
 * BRL).  Products are __int128: 1e16 Wh x 1e15 x 1e3 still fits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealgrid/base/error.h>

#define SG_RATE_DIGITS  9  /* decimals of a rate */
#define SG_EXACT_DIGITS 12 /* decimals of Wh x rate / 1000 */

enum sg_rounding {
    SG_ROUND_HALF_EVEN, /* ABNT NBR 5891 */
    SG_ROUND_HALF_UP,   /* half away from zero */
};

/* n / d rounded, d > 0.  The quotient must fit; it saturates at the ends of int64_t otherwise. */
int64_t sg_round_div(__int128 n, __int128 d, enum sg_rounding mode);

/* "-12.340" with at most digits decimals to 12340... scaled by 10^digits.  No exponent, no leading
 * plus, no bare point.  -EINVAL, -ERANGE past 10^18. */
SG_MUST_USE int sg_decimal_parse(const char *text, unsigned digits, int64_t *ret);
/* Trailing zeros beyond min_decimals are left out. */
#define SG_DECIMAL_MAX 32
void sg_decimal_format(char ret[SG_DECIMAL_MAX], int64_t v, unsigned digits, unsigned min_decimals);
/* 10^n, n 0..18. */
int64_t sg_pow10(unsigned n);
