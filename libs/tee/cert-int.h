#pragma once
/*
 * cert - certificates, CRLs (RFC 5280) and PEM, decoded once into plain fields.
 * Owns: its DER and key; every sg_bytes inside points into the DER.  Immutable, any thread.
 */
#include "key-int.h"

#include <sealgrid/base/json.h>

#define SG_TEE_CERT_MAX        16384 /* octets of one certificate */
#define SG_TEE_CERT_EXTS_MAX   40
#define SG_TEE_CRL_ENTRIES_MAX 100000
#define SG_TEE_CN_MAX          64

struct sg_tee_extension {
    struct sg_bytes oid, value; /* content of the OID; what the OCTET STRING holds */
    bool critical;
};

struct sg_tee_cert {
    uint8_t *room;
    struct sg_bytes der;
    uint8_t id[32];                  /* SHA-256 of der */
    struct sg_bytes subject, issuer; /* Names; compare by sg_der_names_equal */
    char common_name[SG_TEE_CN_MAX], issuer_common_name[SG_TEE_CN_MAX];
    struct sg_bytes serial; /* magnitude, big-endian, no leading zeros */
    int64_t not_before_s, not_after_s;
    bool has_constraints, ca; /* basicConstraints */
    int path_length;          /* -1: none given */
    bool has_key_usage;
    bool may_sign, may_sign_certs, may_sign_crls; /* keyUsage; all false without one */
    bool unknown_critical;
    struct sg_tee_key *key; /* never NULL */
    enum sg_tee_alg alg;    /* that it is signed with; NONE: not one of ours, or two that differ */
    struct sg_bytes tbs, signature;
    struct sg_tee_extension extension[SG_TEE_CERT_EXTS_MAX];
    size_t n_extensions;
};

enum sg_tee_cert_outcome { SG_TEE_CERT_BROKEN = 1 };

/* One certificate to its last octet.  SG_TEE_CERT_BROKEN: not one, or with a double or malformed
 * extension, or a key that does not decode. */
SG_MUST_USE int sg_tee_cert_new(struct sg_tee_cert **ret, struct sg_bytes der);
void sg_tee_cert_free(struct sg_tee_cert *c);
SG_DEFINE_FREEP(struct sg_tee_cert, sg_tee_cert_free)
bool sg_tee_cert_signed_by(const struct sg_tee_cert *c, const struct sg_tee_key *issuer);
/* The value of an extension; oid: content octets of the OID.  A certificate has none twice. */
bool sg_tee_cert_extension(const struct sg_tee_cert *c, struct sg_bytes oid, struct sg_bytes *ret);

/* "valid": [first day, last day], into the object that is open. */
void sg_tee_cert_validity_json(const struct sg_tee_cert *c, struct sg_json *j);

struct sg_tee_crl {
    uint8_t *room;
    struct sg_bytes der;
    uint8_t id[32];
    struct sg_bytes issuer;
    int64_t this_update_s, next_update_s;
    bool has_next_update;
    bool has_number;
    struct sg_bytes number;    /* magnitude, big-endian */
    struct sg_bytes authority; /* authorityKeyIdentifier as it stands; empty: none */
    bool unusable; /* delta, partial or indirect: an unknown critical extension, of list or entry */
    enum sg_tee_alg alg;
    struct sg_bytes tbs, signature;
    struct sg_bytes *serials; /* sorted by sg_bytes_cmp */
    size_t n_serials;
};

SG_MUST_USE int sg_tee_crl_new(struct sg_tee_crl **ret, struct sg_bytes der);
void sg_tee_crl_free(struct sg_tee_crl *c);
SG_DEFINE_FREEP(struct sg_tee_crl, sg_tee_crl_free)
bool sg_tee_crl_signed_by(const struct sg_tee_crl *c, const struct sg_tee_key *issuer);
bool sg_tee_crl_lists(const struct sg_tee_crl *c, struct sg_bytes serial);

/* AlgorithmIdentifier, whole, to the algorithm; NONE for what we do not take. */
enum sg_tee_alg sg_tee_alg_of(struct sg_bytes algorithm_identifier);

/*
 * PEM blocks one after another (RFC 7468); text between them is skipped.  *at: 0 at first.
 * SG_TEE_PEM_BLOCK: the label ("CERTIFICATE") and the octets, appended to *ret_der, which is reset
 * first; SG_TEE_PEM_BROKEN: a block that does not decode, *at is behind its first line; 0: no more.
 */
enum sg_tee_pem_outcome { SG_TEE_PEM_BLOCK = 1, SG_TEE_PEM_BROKEN };
struct sg_buf;
SG_MUST_USE int sg_tee_pem_next(struct sg_bytes text, size_t *at, char ret_label[32],
                                struct sg_buf *ret_der);
