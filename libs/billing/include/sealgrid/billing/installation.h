#pragma once
/*
 * installation - the authority's records: which meter stood at which client, from when until when,
 * with which ratio and which metrology certificate.  docs/evidence.md has the JSON form.
 *
 * The authority holds this file and its keys; neither comes from the utility.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/crypto/crl.h>

#define SG_INSTALLATIONS_MAX       1000000
#define SG_INSTALLATION_FILE_MAX   (1u << 30)
#define SG_INSTALLATION_SERIAL_MAX 20

struct sg_installation {
    int64_t client;
    char serial[SG_INSTALLATION_SERIAL_MAX + 1];
    int64_t from_s, until_s; /* [from, until); INT64_MAX: still there */
    int64_t ratio_num, ratio_den;
    /* Metrology certificate, owned, in one of two forms.  Files are kept as DER and parsed when
     * asked for: parsed ones take 5 KB each, which is too much for a city's. */
    struct sg_cert *cert; /* NULL: der */
    struct sg_bytes der;
};

struct sg_installations {
    struct sg_installation *records; /* by client, then time */
    size_t n;
    size_t *by_serial; /* indices, by serial, then time */
};

enum sg_installations_outcome { SG_INSTALLATIONS_MALFORMED = 1 };
/* One record at a time: needs the records' own octets and no more.  SG_INSTALLATIONS_MALFORMED
 * fills why with the record's number and the reason. */
SG_MUST_USE int sg_installations_read(struct sg_bytes json, struct sg_installations *ret,
                                      char why[160]);
SG_MUST_USE int sg_installations_write(const struct sg_installation *records, size_t n,
                                       struct sg_buf *ret);
/* Takes the records (and their certificates) and makes the indices. */
SG_MUST_USE int sg_installations_index(struct sg_installations *ret,
                                       struct sg_installation *records, size_t n);
void sg_installations_clear(struct sg_installations *i);
/* The caller's.  SG_INSTALLATIONS_MALFORMED: the DER of the record is no certificate. */
SG_MUST_USE int sg_installation_cert(const struct sg_installation *i, struct sg_cert **ret);
/* SHA-256 of its DER. */
void sg_installation_fingerprint(const struct sg_installation *i, uint8_t ret[32]);
/* The run of one client's records. */
const struct sg_installation *sg_installations_of_client(const struct sg_installations *i,
                                                         int64_t client, size_t *ret_n);
/* The record of that serial whose time holds ts_s (from < ts <= until); NULL if none.  *ret_known
 * says whether the serial occurs at all. */
const struct sg_installation *sg_installations_of_serial(const struct sg_installations *i,
                                                         const char *serial, int64_t ts_s,
                                                         bool *ret_known);

/* The authority's certificates (self-signed ones are roots, others are intermediates) and the
 * revocation lists that they signed. */
#define SG_AUTHORITY_CRLS_MAX 64
struct sg_authority {
    struct sg_cert *roots[8], *intermediates[32];
    size_t n_roots, n_intermediates;
    struct sg_crl *crls[SG_AUTHORITY_CRLS_MAX];
    const struct sg_cert *crl_issuers[SG_AUTHORITY_CRLS_MAX]; /* of these certificates */
    size_t n_crls;
};
enum sg_authority_outcome {
    SG_AUTHORITY_MALFORMED = 1,
    SG_AUTHORITY_CRL, /* a revocation list that is none, or that no certificate here has signed */
};
/* Concatenated PEM certificates and revocation lists; at least one root. */
SG_MUST_USE int sg_authority_read(struct sg_bytes pem, struct sg_authority *ret);
void sg_authority_clear(struct sg_authority *a);
/* What the lists that are here say of a certificate and of those above it. */
struct sg_revocation {
    int64_t since_s; /* of the earliest; INT64_MAX: never */
    bool covered;    /* every certificate of its chain below a root had a list of its issuer */
    /*
     * Up to this instant the lists can speak (INT64_MIN: not at all).  A list says everything up to
     * its thisUpdate, for ever; up to its nextUpdate only while that has not passed, since then a
     * newer one exists that may say more.  One issued after a certificate's end may have forgotten
     * it (RFC 5280 section 5) and says nothing more.
     */
    int64_t known_until_s;
};
/* judged_s: the time at which somebody asks. */
struct sg_revocation sg_authority_revocation(const struct sg_authority *a, const struct sg_cert *c,
                                             int64_t judged_s);
