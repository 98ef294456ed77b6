#pragma once
/*
 * cas identity - a service's TLS contexts, which follow its certificate.  A thread bootstraps again
 * after two thirds of the certificate's life and swaps the new one in: nothing is closed, streams
 * end under the certificate they began with, every later handshake has the new one.  While casd is
 * away the present one serves on, and casd is asked again every 30 s.
 *
 * Owns: both contexts and the thread.  Borrows: the strings of the bootstrap, until free.
 * Secrets of later grants are wiped unread: what a policy changes reaches a service at its start.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/cas/client.h>

struct sg_cas_identity;

/* g: what o gave at the start; only read.  peer: whom the server context lets in. */
SG_MUST_USE int sg_cas_identity_new(struct sg_cas_identity **ret, const struct sg_cas_bootstrap *o,
                                    const struct sg_cas_grant *g, enum sg_tls_peer peer);
/* After whoever uses the contexts; waits for a bootstrap under way. */
void sg_cas_identity_free(struct sg_cas_identity *i);
SG_DEFINE_FREEP(struct sg_cas_identity, sg_cas_identity_free)

/* Borrowed, the same ones for as long as i lives; any thread. */
struct sg_tls_ctx *sg_cas_identity_server(const struct sg_cas_identity *i);
struct sg_tls_ctx *sg_cas_identity_client(const struct sg_cas_identity *i);
/* Goes up with every renewal, for who wants to move long streams to the new certificate. */
unsigned sg_cas_identity_generation(const struct sg_cas_identity *i);
