#pragma once
/*
 * exact-int - functions that give the same bits everywhere: of additions, multiplications and
 * divisions alone, because the C library's differ in the last bit between versions and processors.
 */
#include <stdint.h>

/* Relative error below 2^-51.  0 below -700, exp(700) above 700; x is no NaN. */
double sg_fraud_exp(double x);
/* x above 0, finite and normal; absolute error below 2^-52 of the larger of 1 and |log x|. */
double sg_fraud_log(double x);
/* 1 / (1 + exp(-x)) */
double sg_fraud_sigmoid(double x);

/* SplitMix64's finalizer: every bit of z reaches every bit of the result. */
static inline uint64_t sg_fraud_mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
