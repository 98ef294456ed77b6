#pragma once
/*
 * identity - what casd granted: certificate, EDHOC credentials, the authority's roots; renewed
 * before the certificate runs out.  Any thread.
 */
#include <sealgrid/cas/client.h>
#include <sealgrid/kv.h>
#include <sealgrid/meter/edhoc.h>

struct auth_identity;

/* Attests to casd; the strings in o are borrowed. */
SG_MUST_USE int auth_identity_new(struct auth_identity **ret, const struct sg_cas_bootstrap *o);
void auth_identity_free(struct auth_identity *i);
SG_DEFINE_FREEP(struct auth_identity, auth_identity_free)

/* A TLS context of the present certificate; the caller's. */
SG_MUST_USE int auth_identity_tls(struct auth_identity *i, bool server, struct sg_tls_ctx **ret);
/* Credential for a suite from secrets edhoc/suiteN/{key,cert}; the caller's.  -ENOKEY if absent. */
SG_MUST_USE int auth_identity_edhoc(struct auth_identity *i, int suite,
                                    struct sg_edhoc_identity **ret);
/* Every certificate of secret authority/root (PEM, one or more); the caller's.  -ENOKEY if absent.
 */
#define AUTH_ROOTS_MAX 16
SG_MUST_USE int auth_identity_roots(struct auth_identity *i, struct sg_cert **ret, size_t *ret_n);

/* Sessions of the store over mTLS, each with its own TLS context. */
struct auth_store {
    struct auth_identity *identity;
    const char *connect;
    int timeout_ms;
};
int auth_store_open(void *store, struct sg_kv **ret);
void auth_store_close(void *store, struct sg_kv *kv);
bool auth_store_is_old(void *store, const struct sg_kv *kv);
