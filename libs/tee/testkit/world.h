#pragma once
/*
 * testkit world - every make-believe vendor at once, and a sealed store that trusts their roots and
 * holds what their evidence is judged by.  One thread.
 */
#include <sealgrid/tee/policy.h>

#include "amd.h"
#include "intel.h"
#include "tpm.h"

#define TK_AT INT64_C(1782864000) /* everything is judged at this instant */

enum { TK_PRODUCTS = 3 };

struct tk_world {
    unsigned vendors;
    struct tk_intel intel;
    struct tk_amd amd[TK_PRODUCTS]; /* by enum tk_product; each has a chip id of its own */
    struct tk_tpm ak, azure_ak;     /* P-256, pinned; RSA, in no store */
    EVP_PKEY *aws_key, *zone_key, *enclave_key; /* P-384 */
    X509 *aws, *zone, *enclave;
    EVP_PKEY *platform_key, *realm_key; /* of CCA, P-256; the platform's is pinned */
    struct sg_tee_store *store;
    struct sg_tee_cache *cache;
};

/* `vendors`: bits of enum sg_tee_vendor; the others stay empty. */
void tk_world_init(struct tk_world *w, unsigned vendors);
void tk_world_clear(struct tk_world *w);

/* A store with the roots of all of them, not sealed; and what the world's own store holds besides:
 * documents and lists of Intel, AMD and AWS.  No VCEK or VLEK: they travel with the evidence. */
void tk_world_new_store(const struct tk_world *w, struct sg_tee_store **ret);
void tk_world_add_intel(const struct tk_world *w, struct sg_tee_store *s);
void tk_world_add_amd(const struct tk_world *w, struct sg_tee_store *s);
void tk_world_add_aws(const struct tk_world *w, struct sg_tee_store *s);

/* Judged at TK_AT, by the default policy. */
struct sg_tee_verdict tk_world_judge(const struct tk_world *w, const struct sg_tee_evidence *e);
