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
#include <sealgrid/tee/verifier.h>

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

/* What casd's own evidence must be, asked for on the same connection before anything is sent. */
struct sg_cas_expect {
    const char *policy; /* file, in the words of `sealgrid attest verify --policy` */
    const char *const *collateral; /* files and folders */
    size_t n_collateral;
    const char *const *roots; /* beside the pinned ones: "intel:FILE" */
    size_t n_roots;
    const char *sim_platform; /* folder of the platform whose simulated evidence counts, if the
                                 policy says "simulated: true"; NULL: no such evidence */
};

struct sg_cas_bootstrap {
    const char *connect;        /* casd's "127.0.0.1:7000" */
    const char *pin_hex;        /* SHA-256 of casd's CA certificate, 64 hex digits */
    const char *service;        /* "kvsd" */
    const char *provider;       /* "sim" */
    const char *sim_platform;   /* folder of the simulated platform key (provider sim) */
    struct sg_cas_expect expect; /* without a policy: the pin alone */
    int retry_ms;               /* keep trying to connect for this long; 0: once */
};

enum sg_cas_outcome {
    SG_CAS_REFUSED = 1, /* policy said no; the reason is in sg_error_trace() and casd's log */
    SG_CAS_UNTRUSTED,   /* casd is not the pinned one */
};

/* casd as its evidence shows it. */
struct sg_cas_attested {
    char pin[65]; /* SHA-256 of its CA certificate, which the evidence names too */
    struct sg_tee_claims claims;
};

/* `sealgrid cas attest`: connects, asks for evidence, judges it by o->expect.  Of o only connect,
 * expect (with a policy) and pin_hex (NULL: any CA that the evidence names) count.  SG_CAS_UNTRUSTED: the
 * trace has every reason. */
SG_MUST_USE int sg_cas_attest(const struct sg_cas_bootstrap *o, struct sg_cas_attested *ret);

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
