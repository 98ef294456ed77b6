#pragma once
/*
 * gather, inside - the same over any transport.
 */
#include "request-int.h"
#include "transport-int.h"

#define SG_GATHER_RETRIES         2  /* of one request that was told to come later */
#define SG_GATHER_WAIT_MAX_S      20 /* a longer Retry-After is not waited for */
#define SG_GATHER_ASK_AGAIN_S     3600
#define SG_GATHER_CERT_RENEW_S    (30 * 86400)
#define SG_GATHER_BODY_MAX        SG_TEE_BLOB_MAX
#define SG_GATHER_DOCUMENTS_MAX   12 /* in one answer, with its issuers */
#define SG_GATHER_REQUEST_MS      20000
#define SG_GATHER_TOTAL_MS        90000
#define SG_GATHER_REFRESH_PERCENT 50

SG_MUST_USE int sg_collateral_gather_over(const struct sg_transport *t,
                                          const struct sg_collateral_options *o,
                                          const struct sg_tee_needs *needs,
                                          const struct sg_collateral_user *u,
                                          struct sg_collateral_report *ret);

/* A document and its issuers as they came, and what it turned out to be. */
struct sg_copy {
    bool good; /* the one that is needed, and vouched for */
    struct sg_tee_document document;
    int64_t asked_s;
    struct sg_buf body, chain;
};
void sg_copy_init(struct sg_copy *c);
void sg_copy_clear(struct sg_copy *c);
/* Looks at octets in a store of their own.  issuers: more certificates that may stand above. */
SG_MUST_USE int sg_copy_judge(struct sg_copy *c, const struct sg_tee_need *n,
                              const struct sg_collateral_user *u, struct sg_bytes issuers,
                              int64_t at_s);
/* Need not be asked for again. */
bool sg_copy_fresh(const struct sg_copy *c, unsigned refresh_percent, int64_t at_s, int64_t now_s);
