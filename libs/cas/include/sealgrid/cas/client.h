#pragma once
/*
 * cas client - how every service gets its identity and its secrets, and no other way.
 *
 * Bootstrap (ARCHITECTURE, section 6): TLS 1.3 with a fresh key pair, a single-use nonce from casd,
 * evidence whose report data is SHA-512(label || nonce || SPKI || TLS exporter || service), then a
 * grant: an mTLS certificate for that key, the service CA, and the secrets and settings that the
 * policy names for this service.  casd itself is pinned by its CA certificate's fingerprint.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/x509.h>
#include <sealgrid/net/caller.h>

struct sg_cas_secret {
    char *name;
    struct sg_secret value;
};

struct sg_cas_grant {
    struct sg_cert *cert;       /* SPIFFE-style URI spiffe://sealgrid/<service> */
    struct sg_key *key;
    struct sg_cert *root;       /* CA of all services */
    int64_t expires_s;
    uint8_t lease[16];          /* writer lease: issued once, never again to anybody */
    struct sg_cas_secret *secrets;
    size_t n_secrets;
};

struct sg_cas_bootstrap {
    const char *connect;        /* casd's "127.0.0.1:7000" */
    const char *pin_hex;        /* SHA-256 of casd's CA certificate, 64 hex digits */
    const char *service;        /* "kvsd" */
    const char *provider;       /* "sim" */
    const char *sim_platform;   /* folder of the simulated platform key (provider sim) */
    int retry_ms;               /* keep trying to connect for this long; 0: once */
};

enum sg_cas_outcome {
    SG_CAS_REFUSED = 1, /* policy said no; the reason is in sg_error_trace() and casd's log */
    SG_CAS_UNTRUSTED,   /* casd is not the pinned one */
};

/* Also logs attestation.simulated as a warning when the provider is sim. */
SG_MUST_USE int sg_cas_bootstrap(const struct sg_cas_bootstrap *o, struct sg_cas_grant *ret);
void sg_cas_grant_clear(struct sg_cas_grant *g);
/* NULL if absent; borrowed. */
const struct sg_secret *sg_cas_secret(const struct sg_cas_grant *g, const char *name);
/* The API keys among the secrets, at most g->n_secrets; borrowed. */
size_t sg_cas_api_keys(const struct sg_cas_grant *g, struct sg_api_key *ret);
/* mTLS contexts from a grant. */
SG_MUST_USE int sg_cas_tls(const struct sg_cas_grant *g, bool server, enum sg_tls_peer peer,
                           struct sg_tls_ctx **ret);
/* The same of a later grant for a context in use: handshakes from now on (sg_tls_ctx_renew). */
SG_MUST_USE int sg_cas_tls_renew(const struct sg_cas_grant *g, struct sg_tls_ctx *c);
/* Wipes the secrets once their users have copies of their own; names, certificate and key stay. */
void sg_cas_forget_secrets(struct sg_cas_grant *g);

/* When to bootstrap again (a new key, certificate and lease): after two thirds of the
 * certificate's life, unix seconds. */
int64_t sg_cas_renew_at(const struct sg_cas_grant *g);

/* Names of secrets in a grant. */
#define SG_SECRET_KEK "kek/%s/%u"             /* bucket, epoch: 32 octets; kvsd only */
#define SG_SECRET_NAME_KEY "name-key/%s"      /* bucket: 32 octets; kvsd only */
#define SG_SECRET_EDHOC_KEY "edhoc/suite%d/key"   /* PKCS#8 DER of the authenticators */
#define SG_SECRET_EDHOC_CERT "edhoc/suite%d/cert" /* DER */
#define SG_SECRET_API_KEY "api-key/%s"        /* one per foreign client name: base64url text of 43
                                                 octets, no NUL, as sent after "Bearer " */
#define SG_SECRET_AUTHORITY_ROOT "authority/root" /* metrology authority's root, PEM, public */
