#pragma once
/*
 * collateral - gathers the documents that evidence needs (tee/needs.h) from the vendors' services,
 * through a folder that keeps what was had before.
 *
 * Nothing that comes from a service or lies in the folder is believed: a document is taken, and
 * kept, only if its signature leads to one of the caller's roots, it is the one asked for, and it
 * is not older than the one at hand (by tcbEvaluationDataNumber; lists by issue).
 * Judging it is the verifier's business all the same.
 *
 * A document at hand is asked for again once refresh_percent of its life have passed (certificates:
 * in their last 30 days), at most once an hour.  If the service fails, what is at hand serves, and
 * the caller is warned.  Blocking; one call of one thread.
 *
 * The folder: one file a document, named for what was asked ("intel-tcb-sgx-00906ed50000.json"),
 * and its issuers beside it ("....chain.pem"); whole files by rename, so any number of processes
 * may share it, and it can be given to a verifier as it is.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/tee/needs.h>

#define SG_COLLATERAL_INTEL      "https://api.trustedservices.intel.com"
#define SG_COLLATERAL_INTEL_ROOT "https://certificates.trustedservices.intel.com"
#define SG_COLLATERAL_AMD        "https://kdsintf.amd.com"

struct sg_collateral_options {
    /* Base URLs; NULL: the vendor's.  Another Intel service is taken for a PCCS, which has the
     * root's list too; "/sgx/certification/v4" at its end is allowed.  https; http to this machine
     * alone unless allow_http. */
    const char *intel, *amd;
    const char *cache;   /* folder, made if need be; NULL: none */
    bool connect;        /* else the folder alone: nothing is ever sent */
    bool allow_http;     /* unencrypted to anywhere: who listens learns what is asked */
    bool proxy;          /* as the environment says (https_proxy...); else directly */
    const char *ca_file; /* PEM, for https, in place of the system's; NULL */
    int connect_ms, request_ms, total_ms; /* 0: 5,000, 20,000, 90,000 */
    unsigned refresh_percent;             /* 1..100; 0: 50 */
    int64_t at_s;                         /* the instant that evidence will be judged at */
};

struct sg_collateral_user {
    void *user;
    /* An unsealed store with the caller's roots and nothing else. */
    int (*new_store)(void *user, struct sg_tee_store **ret);
    /* A document, or the certificates above it: to be added to the store that evidence will be
     * judged by. */
    int (*take)(void *user, struct sg_bytes blob);
    /* Something that its operator should know: document (as in documents.h) and a line. */
    void (*warn)(void *user, const char *document, const char *text);
};

struct sg_collateral_report {
    unsigned fetched; /* taken from a service */
    unsigned kept;    /* taken from the folder */
    unsigned missing; /* not had at all */
    unsigned refused; /* answers that were no use: unsigned, older, another's */
};

/* 0 also if documents are missing: what that means is for the verifier to say.  -EINVAL: a URL that
 * is not allowed; -errno of the folder or of a callback. */
SG_MUST_USE int sg_collateral_gather(const struct sg_collateral_options *o,
                                     const struct sg_tee_needs *needs,
                                     const struct sg_collateral_user *u,
                                     struct sg_collateral_report *ret);
