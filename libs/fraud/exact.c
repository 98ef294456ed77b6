#include "exact-int.h"

#include <math.h>
#include <stddef.h>

#define LN2      0x1.62e42fefa39efp-1
#define LN2_HIGH 0x1.62e42fee00000p-1 /* times any exponent: exact */
#define LN2_LOW  0x1.a39ef35793c76p-33

/* x = k ln 2 + t, |t| <= ln(2)/2; exp(t) by its series to t^13 (rest below 2^-54), times 2^k. */
double sg_fraud_exp(double x)
{
    static const double coefficient[] = {1.0 / 6227020800,
                                         1.0 / 479001600,
                                         1.0 / 39916800,
                                         1.0 / 3628800,
                                         1.0 / 362880,
                                         1.0 / 40320,
                                         1.0 / 5040,
                                         1.0 / 720,
                                         1.0 / 120,
                                         1.0 / 24,
                                         1.0 / 6,
                                         1.0 / 2,
                                         1.0,
                                         1.0};
    if (x < -700) /* below 1e-304 */
        return 0;
    x = x > 700 ? 700 : x;
    double k = floor(x / LN2 + 0.5);
    double t = (x - k * LN2_HIGH) - k * LN2_LOW;
    double sum = coefficient[0];
    for (size_t i = 1; i < sizeof(coefficient) / sizeof(coefficient[0]); i++)
        sum = sum * t + coefficient[i];
    return ldexp(sum, (int)k);
}

/* x = 2^k m, m within sqrt(1/2)..sqrt(2); log m = 2 artanh s, s = (m - 1) / (m + 1), |s| < 0.172,
 * by its series to s^21 (rest below 2^-60). */
double sg_fraud_log(double x)
{
    int k;
    double m = frexp(x, &k);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        k--;
    }
    const double s = (m - 1) / (m + 1), s2 = s * s;
    double sum = 0;
    for (int odd = 21; odd >= 1; odd -= 2)
        sum = sum * s2 + 1.0 / odd;
    return k * LN2_HIGH + (k * LN2_LOW + 2 * s * sum);
}

double sg_fraud_sigmoid(double x)
{
    return 1 / (1 + sg_fraud_exp(-x));
}
