#pragma once
/*
 * x509 - certificates over OpenSSL 3: issue (our CAs: services, meters, metrology) and verify.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/crypto/sign.h>

struct sg_cert; /* immutable, any thread */

SG_MUST_USE int sg_cert_load(struct sg_cert **ret, struct sg_bytes pem_or_der);
void sg_cert_free(struct sg_cert *c);
SG_DEFINE_FREEP(struct sg_cert, sg_cert_free)
SG_MUST_USE int sg_cert_der(const struct sg_cert *c, struct sg_buf *ret);
SG_MUST_USE int sg_cert_pem(const struct sg_cert *c, struct sg_buf *ret);
/* Owned by the caller. */
SG_MUST_USE int sg_cert_public_key(const struct sg_cert *c, struct sg_key **ret);
/* SHA-256 of the DER, whole. */
void sg_cert_fingerprint(const struct sg_cert *c, uint8_t ret[32]);
/* Subject common name into ret (NUL-terminated, cut at size); "" if none. */
void sg_cert_common_name(const struct sg_cert *c, char *ret, size_t size);
/* First URI in subjectAltName, "" if none. */
void sg_cert_uri(const struct sg_cert *c, char *ret, size_t size);
void sg_cert_validity(const struct sg_cert *c, int64_t *ret_not_before_s, int64_t *ret_not_after_s);

struct sg_cert_request {
    const char *common_name;
    const char *uri;         /* spiffe://sealgrid/authd, or NULL */
    const char *dns;         /* or NULL */
    const char *ip;          /* or NULL */
    int64_t not_before_s, not_after_s;
    bool ca;
    int path_len;            /* CA only; -1 unlimited */
    bool server, client;     /* extended key usage */
};

/* issuer NULL: self-signed by issuer_key, whose public half must then be subject_key.  The serial
 * is 16 random octets. */
SG_MUST_USE int sg_cert_issue(struct sg_cert **ret, const struct sg_cert_request *req,
                              const struct sg_key *subject_key, const struct sg_cert *issuer,
                              const struct sg_key *issuer_key);
/* The same as DER, appended: for who only hands the certificate on. */
SG_MUST_USE int sg_cert_issue_der(struct sg_buf *ret, const struct sg_cert_request *req,
                                  const struct sg_key *subject_key, const struct sg_cert *issuer,
                                  const struct sg_key *issuer_key);

enum sg_chain_outcome { SG_CHAIN_UNTRUSTED = 1, SG_CHAIN_EXPIRED };
/* leaf under one of roots through intermediates at time at_s; CA bits and path lengths checked. */
SG_MUST_USE int sg_cert_verify(const struct sg_cert *leaf, struct sg_cert *const *intermediates,
                               size_t n_intermediates, struct sg_cert *const *roots,
                               size_t n_roots, int64_t at_s);
void *sg_cert_x509(const struct sg_cert *c); /* borrowed X509 *, adaptors only */
/* The other way: shares x, an X509 that is complete (OpenSSL counts its users). */
SG_MUST_USE int sg_cert_of_x509(struct sg_cert **ret, void *x);
