#pragma once
/*
 * random - the kernel's generator for keys and nonces; a seeded one for simulations and tests.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

/* As getrandom(2) gives them; aborts if the kernel cannot, so never short. */
void sg_random_bytes(void *p, size_t n);
uint64_t sg_random_u64(void);

/* xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64.  Never for keys. */
struct sg_prng {
    uint64_t s[4];
};

void sg_prng_seed(struct sg_prng *p, uint64_t seed);
/* An independent stream for (seed, stream): same pair, same numbers, on every machine. */
void sg_prng_seed2(struct sg_prng *p, uint64_t seed, uint64_t stream);
uint64_t sg_prng_u64(struct sg_prng *p);
/* Uniform in 0..n-1, n >= 1, without bias. */
uint64_t sg_prng_below(struct sg_prng *p, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double sg_prng_unit(struct sg_prng *p);
/* Standard normal. */
double sg_prng_normal(struct sg_prng *p);
