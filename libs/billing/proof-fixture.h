#pragma once
/*
 * proof-fixture - a client whose meter was exchanged, over the days around the end of summer time,
 * under a tariff with three posts that changed on one of them; buckets, evidence and records.
 */
#include <sealgrid/billing/sample.h>

#define PF_FROM   INT64_C(1792796400) /* 2026-10-24T00:00 in Lisbon; the 25th has 25 hours */
#define PF_UNTIL  (PF_FROM + 73 * INT64_C(3600))
#define PF_SWAP   (PF_FROM + 30 * INT64_C(3600)) /* the meter's exchange */
#define PF_CLIENT INT64_C(5000000001)
#define PF_STEP   900
#define PF_N      292 /* intervals */
#define PF_GAP    100 /* the interval that no meter recorded */

struct pf {
    struct sg_key *root_key, *ca_key, *key[2];
    struct sg_authority authority;
    struct sg_installations records;
    struct sg_tariff *tariff;
    struct sg_buf evidence;
    struct sg_buckets *buckets; /* those of the bill */
    struct sg_proof_bill bill;
    int64_t energy[PF_N]; /* by interval */
    uint8_t leaf[PF_N][32];
};
int pf_make(struct pf *f);
void pf_clear(struct pf *f);
struct sg_proof_authority pf_authority(const struct pf *f);
/* Buckets over what is charged (energies and leaves by interval; a leaf of zeros: nothing). */
int pf_buckets(const struct pf *f, const int64_t *energy, const uint8_t (*leaf)[32],
               struct sg_buckets **ret, const struct sg_bucket **ret_list, size_t *ret_n);
