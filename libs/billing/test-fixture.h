#pragma once
/*
 * test-fixture - a metrology authority with two levels, two clients with a meter each, signed day
 * blocks of two days, and the honest bill and evidence of the first client.
 */
#include <sealgrid/billing/audit.h>

#define FX_DAYS   2
#define FX_FROM   1788231600 /* 2026-09-01T00:00 in Sao Paulo */
#define FX_UNTIL  (FX_FROM + FX_DAYS * 86400)
#define FX_CLIENT INT64_C(3000000001)
#define FX_OTHER  INT64_C(3000000002)

struct fixture {
    struct sg_key *root_key, *ca_key, *meter_key[2];
    struct sg_cert *root, *ca;
    struct sg_installations installations;
    struct sg_authority authority;
    struct sg_tariff *tariff;
    struct sg_buf wire[2][FX_DAYS]; /* owns what the blocks borrow */
    struct sg_evidence_block *blocks[2][FX_DAYS];
    struct sg_bill bill;
    struct sg_buf evidence; /* honest, of FX_CLIENT */
};

int fx_make(struct fixture *f);
void fx_clear(struct fixture *f);
/* An evidence file of FX_CLIENT from these blocks. */
int fx_evidence(const struct sg_evidence_block *const *blocks, size_t n, struct sg_buf *ret);
