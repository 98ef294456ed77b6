#pragma once
/*
 * identity - what authd takes from casd's grant: EDHOC credentials and the authority's roots; and
 * sessions of the store under its certificate.  Any thread.
 */
#include <sealgrid/cas/identity.h>
#include <sealgrid/kv.h>
#include <sealgrid/meter/edhoc.h>

/* Credential for a suite from secrets edhoc/suiteN/{key,cert}; the caller's.  -ENOKEY if absent. */
SG_MUST_USE int auth_grant_edhoc(const struct sg_cas_grant *g, int suite,
                                 struct sg_edhoc_identity **ret);
/* Every certificate of secret authority/root (PEM, one or more); the caller's.  -ENOKEY if absent.
 */
#define AUTH_ROOTS_MAX 16
SG_MUST_USE int auth_grant_roots(const struct sg_cas_grant *g, struct sg_cert **ret, size_t *ret_n);

/* Sessions of the store over mTLS.  Borrows identity and connect. */
struct auth_store;
SG_MUST_USE int auth_store_new(struct auth_store **ret, const struct sg_cas_identity *identity,
                               const char *connect, int timeout_ms);
/* After the last session was closed. */
void auth_store_free(struct auth_store *s);
/* For auth_lane_options; store is a struct auth_store. */
int auth_store_open(void *store, struct sg_kv **ret);
void auth_store_close(void *store, struct sg_kv *kv);
/* True: the certificate was renewed since it was opened. */
bool auth_store_is_old(void *store, const struct sg_kv *kv);
