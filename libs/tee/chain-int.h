#pragma once
/*
 * chain - from a leaf to a pinned root key, built by issuer and never by position.
 *
 * Candidates are the evidence's own certificates and the store's.  A path ends at a certificate
 * whose key is pinned for the vendor, or under a pinned key itself.  If several paths exist
 * (certificates reissued), the one with the fewest faults counts.  Work is bounded, a chain: at
 * most SG_TEE_CHAIN_TRIES signature checks of certificates to find it, as many for what the
 * evidence brings besides, and SG_TEE_LIST_TRIES of lists; what the store has under its roots comes
 * first.
 */
#include "cert-int.h"
#include "judge-int.h"

#include <sealgrid/tee/store.h>
#include <sealgrid/tee/verdict.h>

#define SG_TEE_CHAIN_MAX     5 /* certificates, leaf and root included */
#define SG_TEE_CHAIN_TRIES   64
#define SG_TEE_LIST_TRIES    SG_TEE_CRLS_MAX
#define SG_TEE_OWN_CERTS_MAX 8 /* that travel with one piece of evidence */

/* Certificates of the evidence; unused places NULL. */
struct sg_tee_own_certs {
    size_t n;
    struct sg_tee_cert *at[SG_TEE_OWN_CERTS_MAX];
};
void sg_tee_own_certs_clear(struct sg_tee_own_certs *c);

struct sg_tee_chain_request {
    const struct sg_tee_case *of;
    const struct sg_tee_own_certs *own; /* or NULL */
    enum sg_tee_vendor vendor;
    enum sg_tee_cert_role role; /* of the leaf; the CAs' is the next */
    /* Common names that may stand there, NULL-terminated; NULL: any. */
    const char *const *leaf_names, *const *ca_names;
    size_t min_cas, max_cas; /* between leaf and root */
    bool leaf_may_be_bare;   /* leaf without basicConstraints and keyUsage (AMD) */
    bool no_leaf_crl;        /* the vendor publishes none for the leaf */
};

struct sg_tee_chain {
    size_t n; /* 0: no path; else leaf first */
    const struct sg_tee_cert *at[SG_TEE_CHAIN_MAX];
    uint32_t leaf_faults, ca_faults;   /* bits 1 << enum sg_tee_cert_fault */
    int64_t oldest_s, from_s, until_s; /* of the CRLs used, as in a verdict */
};

/* Never fails: what is wrong is a fault. */
void sg_tee_chain_judge(const struct sg_tee_chain_request *q, const struct sg_tee_cert *leaf,
                        struct sg_tee_chain *ret);
/* Faults to reasons, missing CRLs to absences, dates of CRLs to the collateral's. */
void sg_tee_chain_report(const struct sg_tee_chain_request *q, const struct sg_tee_chain *chain,
                         struct sg_tee_verdict *v);
