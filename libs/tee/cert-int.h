#pragma once
/*
 * cert - certificates and CRLs as verifiers need them: decoded once, then plain fields.  The one
 * place that lets OpenSSL parse them.
 * Owns: its DER and key.  Immutable, any thread.
 */
#include "key-int.h"

#define SG_TEE_CERT_MAX      16384      /* octets of one certificate */
#define SG_TEE_CRL_MAX       (4u << 20) /* octets of one CRL */
#define SG_TEE_CERT_EXTS_MAX 40
#define SG_TEE_SERIAL_MAX    32

struct sg_tee_cert {
    struct sg_bytes der;
    uint8_t id[32];                  /* SHA-256 of der */
    struct sg_bytes subject, issuer; /* Names, DER in the one form OpenSSL gives them */
    char common_name[64];            /* of the subject; "" if none, or if it holds a NUL */
    char issuer_common_name[64];
    uint8_t serial[SG_TEE_SERIAL_MAX]; /* magnitude, big-endian, no leading zeros */
    size_t serial_len;
    int64_t not_before_s, not_after_s;
    bool has_constraints, ca; /* basicConstraints */
    int path_length;          /* -1: none given */
    bool has_key_usage;
    bool may_sign, may_sign_certs, may_sign_crls; /* keyUsage; all false without one */
    bool unknown_critical;
    bool weak;              /* signed with, or holding, something we do not accept */
    struct sg_tee_key *key; /* never NULL */
    void *x509;             /* adaptor's own */
    void *name_room;
};

struct sg_tee_crl {
    struct sg_bytes der;
    uint8_t id[32];
    struct sg_bytes issuer;
    int64_t this_update_s, next_update_s; /* 0: no next update */
    bool unusable; /* delta, partial or indirect, unknown critical extension, weak signature */
    void *crl;
};

enum sg_tee_cert_outcome { SG_TEE_CERT_BROKEN = 1 };

/* One certificate to its last octet.  SG_TEE_CERT_BROKEN: not one, or a double or malformed
 * extension, or a key that does not decode. */
SG_MUST_USE int sg_tee_cert_new(struct sg_tee_cert **ret, struct sg_bytes der);
void sg_tee_cert_free(struct sg_tee_cert *c);
SG_DEFINE_FREEP(struct sg_tee_cert, sg_tee_cert_free)
/* Inner and outer algorithm agree, and the signature is by this key. */
bool sg_tee_cert_signed_by(const struct sg_tee_cert *c, const struct sg_tee_key *issuer);
/* The value (inside the OCTET STRING) of an extension, oid as "1.2.840.113741.1.13.1". */
bool sg_tee_cert_extension(const struct sg_tee_cert *c, const char *oid, struct sg_bytes *ret);

SG_MUST_USE int sg_tee_crl_new(struct sg_tee_crl **ret, struct sg_bytes der);
void sg_tee_crl_free(struct sg_tee_crl *c);
SG_DEFINE_FREEP(struct sg_tee_crl, sg_tee_crl_free)
bool sg_tee_crl_signed_by(const struct sg_tee_crl *c, const struct sg_tee_key *issuer);
bool sg_tee_crl_lists(const struct sg_tee_crl *c, const struct sg_tee_cert *cert);

/* PEM blocks one after another; text between them is skipped.  The first call has *at = 0.
 * 1: *ret_label ("CERTIFICATE") and the octets, appended to the empty ret_der; 0: no more;
 * SG_TEE_PEM_BROKEN: a block that does not decode (*at is behind it); -errno. */
enum sg_tee_pem_outcome { SG_TEE_PEM_BLOCK = 1, SG_TEE_PEM_BROKEN };
struct sg_buf;
SG_MUST_USE int sg_tee_pem_next(struct sg_bytes text, size_t *at, char ret_label[32],
                                struct sg_buf *ret_der);
