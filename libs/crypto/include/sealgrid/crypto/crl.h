#pragma once
/*
 * crl - certificate revocation lists (RFC 5280 section 5) over OpenSSL 3: whole lists of the CA
 * that issued the certificates; delta and indirect lists are refused.
 */
#include <sealgrid/crypto/x509.h>

struct sg_crl; /* immutable, any thread */

/* -EBADMSG: not a list, or one with critical extensions other than those of a whole direct one. */
SG_MUST_USE int sg_crl_load(struct sg_crl **ret, struct sg_bytes pem_or_der);
void sg_crl_free(struct sg_crl *l);
SG_DEFINE_FREEP(struct sg_crl, sg_crl_free)
/* Named after and signed by that certificate's key. */
bool sg_crl_is_of(const struct sg_crl *l, const struct sg_cert *issuer);
void sg_crl_validity(const struct sg_crl *l, int64_t *ret_this_update_s,
                     int64_t *ret_next_update_s); /* INT64_MAX: none said */
/* Since when that certificate of the same issuer is not to be trusted: the earlier one of
 * revocation date and invalidity date.  INT64_MAX: it is not on the list. */
int64_t sg_crl_revoked_since(const struct sg_crl *l, const struct sg_cert *c);
/* Does that certificate's name stand as issuer on the other?  Says nothing of a signature. */
bool sg_cert_is_issuer(const struct sg_cert *issuer, const struct sg_cert *c);

struct sg_crl_entry {
    const struct sg_cert *cert;
    int64_t since_s;
};
/* A list of that CA: for tests and for our own authorities. */
SG_MUST_USE int sg_crl_issue(struct sg_crl **ret, const struct sg_cert *issuer,
                             const struct sg_key *issuer_key, int64_t this_update_s,
                             int64_t next_update_s, const struct sg_crl_entry *entries, size_t n);
SG_MUST_USE int sg_crl_pem(const struct sg_crl *l, struct sg_buf *ret);
