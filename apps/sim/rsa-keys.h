#pragma once
/*
 * rsa-keys - RSA-2048 keys for simulated meters, two and a half times faster than the library's own
 * generator: plain random primes of 1,024 bits instead of FIPS 186-4 ones made from auxiliary
 * primes.  Fine for a simulation's meters (e = 65,537, |p - q| random); not for anything that
 * lasts.
 */
#include <sealgrid/crypto/sign.h>

SG_MUST_USE int sim_rsa_generate(struct sg_key **ret);
