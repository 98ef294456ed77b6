#pragma once
/*
 * identity without a thread, a casd and a clock: for its test.
 */
#include <sealgrid/cas/identity.h>

/* How long after a renewal that failed the next is tried. */
#define SG_CAS_RENEW_AGAIN_S 30

/* fetch: one attempt at a fresh grant; 0, an outcome of sg_cas_bootstrap, or -errno. */
SG_MUST_USE int sg_cas_identity_make(struct sg_cas_identity **ret,
                                     int (*fetch)(void *user, struct sg_cas_grant *ret), void *user,
                                     const struct sg_cas_grant *g, enum sg_tls_peer peer);
/* Renews if it is time to. */
void sg_cas_identity_tick(struct sg_cas_identity *i, int64_t now_s);
