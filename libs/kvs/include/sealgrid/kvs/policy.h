#pragma once
/*
 * policy - how redundantly a bucket or an object is kept: "replicas=R", "ec=K+M", or both joined
 * by a comma.  Pure functions.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

#define SG_POLICY_REPLICAS_MAX  8
#define SG_POLICY_EC_DATA_MAX   16
#define SG_POLICY_EC_PARITY_MAX 8
#define SG_POLICY_TEXT_MAX      32

struct sg_policy {
    unsigned replicas;  /* whole copies; 0 if the bucket is only erasure-coded */
    unsigned ec_data;   /* K; 0 if there is no erasure code */
    unsigned ec_parity; /* M */
};

/* -EINVAL: unknown word, word given twice, number outside 1..the maxima above, nothing at all. */
SG_MUST_USE int sg_policy_parse(const char *text, struct sg_policy *ret);
/* The canonical text, replicas first. */
void sg_policy_print(const struct sg_policy *p, char ret[SG_POLICY_TEXT_MAX]);
bool sg_policy_equal(const struct sg_policy *a, const struct sg_policy *b);
/* Octets on disk per octet stored, times 1000: replicas=3 is 3000, ec=6+2 is 1333. */
unsigned sg_policy_cost_permille(const struct sg_policy *p);
/* Whole volumes that may be lost at once without losing an object, with n_volumes volumes. */
unsigned sg_policy_losses(const struct sg_policy *p, unsigned n_volumes);
/* Copies of an index entry under this policy: as many as survive what the objects survive, at
 * least `replicas`, at most n_volumes. */
unsigned sg_policy_index_replicas(const struct sg_policy *p, unsigned n_volumes);
