#pragma once
/*
 * ec - systematic Reed-Solomon code over GF(2^8) with a Cauchy matrix (ISA-L): K data shards, M
 * parity shards, any K of them give all.  The Vandermonde matrix of ISA-L is not used: it is not
 * invertible for some erasures from 5 parities on.  Multiplication tables depend on the processor
 * and are made in each process, never stored.
 * Pure functions but for the tables that a thread keeps.
 */
#include <sealgrid/kvs/policy.h>

#define SG_EC_SHARDS_MAX (SG_POLICY_EC_DATA_MAX + SG_POLICY_EC_PARITY_MAX)

/* shards[0..k) are data, shards[k..k+m) receive parity; each len octets, 1..INT_MAX. */
void sg_ec_encode(unsigned k, unsigned m, size_t len, uint8_t *const *shards);

enum sg_ec_outcome { SG_EC_TOO_FEW = 1 };
/* Fills every shard that is not present (bit i of present).  0, SG_EC_TOO_FEW, -EIO if the matrix
 * does not invert, which it always does. */
SG_MUST_USE int sg_ec_rebuild(unsigned k, unsigned m, size_t len, uint8_t *const *shards,
                              uint32_t present);
