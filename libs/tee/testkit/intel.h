#pragma once
/*
 * testkit intel - a make-believe Intel: root, processor CA, platform key, TCB signer; quotes of SGX
 * (v3) and TDX (v4, v5) and the documents they are judged by.  Everything is good until a test
 * changes a field, and is signed again afterwards.
 */
#include "pki.h"

enum { TK_SVNS = 16, TK_LEVELS_MAX = 4, TK_SGX_BODY = 384, TK_TD10_BODY = 584, TK_TD15_BODY = 648 };

struct tk_intel {
    int64_t at_s; /* everything is valid from a day before until thirty days after */
    EVP_PKEY *root_key, *ca_key, *pck_key, *signer_key, *attestation_key;
    X509 *root, *ca, *pck, *signer;
    struct tk_cert_spec root_spec, ca_spec, pck_spec, signer_spec;
    /* What the platform's certificate says; tk_intel_issue after a change. */
    uint8_t fmspc[6], pceid[2], components[TK_SVNS], cpusvn[16];
    unsigned pcesvn;
    uint8_t tdx_components[TK_SVNS]; /* TEE_TCB_SVN of TDX quotes */
};
/* With new keys; at_s is the instant at which tests judge. */
void tk_intel_init(struct tk_intel *t, int64_t at_s);
/* The certificates again, from specs and fields as they are now. */
void tk_intel_issue(struct tk_intel *t);
void tk_intel_clear(struct tk_intel *t);
/* What the platform's certificate says of it (1.2.840.113741.1.13.1), from the fields. */
void tk_intel_platform_extension(const struct tk_intel *t, struct tk_cert_spec *spec);

/* ---- documents ---- */

struct tk_level {
    uint8_t sgx[TK_SVNS], tdx[TK_SVNS];
    unsigned pcesvn;
    const char *status, *advisories; /* "[\"INTEL-SA-00001\"]"; NULL: none */
};

struct tk_tcb_info {
    bool tdx;
    unsigned version; /* 2 (SGX only) or 3 */
    const char *id;   /* NULL: by kind */
    int64_t issued_s, next_s;
    uint8_t fmspc[6], pceid[2];
    unsigned evaluation;
    size_t n_levels;
    struct tk_level level[TK_LEVELS_MAX];
    unsigned module_svn;       /* of TDX_01's UpToDate level; below it OutOfDate */
    const char *module_status; /* NULL: UpToDate */
};
/* One level, UpToDate, that the platform just reaches. */
struct tk_tcb_info tk_tcb_info_good(const struct tk_intel *t, bool tdx);
void tk_tcb_info_json(const struct tk_intel *t, const struct tk_tcb_info *info, struct sg_buf *ret);

struct tk_identity {
    const char *id; /* "QE", "TD_QE" */
    int64_t issued_s, next_s;
    unsigned evaluation, isvprodid, isvsvn;
    const char *status;
    uint8_t mrsigner[32], attributes[16], attributes_mask[16], miscselect[4], miscselect_mask[4];
};
struct tk_identity tk_identity_good(const struct tk_intel *t, bool tdx);
void tk_identity_json(const struct tk_intel *t, const struct tk_identity *id, struct sg_buf *ret);

/* {"NAME":OBJECT,"signature":"..."}: the TCB signer's, over the octets of OBJECT. */
void tk_intel_sign_document(const struct tk_intel *t, const char *name, struct sg_bytes object,
                            struct sg_buf *ret);

/* Revocation lists of the root and of the processor CA. */
void tk_intel_root_crl(const struct tk_intel *t, const uint64_t *serials, size_t n,
                       struct sg_buf *ret);
void tk_intel_pck_crl(const struct tk_intel *t, const uint64_t *serials, size_t n,
                      struct sg_buf *ret);
/* PEM: signer and root; PCK, CA and root. */
void tk_intel_signer_chain(const struct tk_intel *t, struct sg_buf *ret);
void tk_intel_pck_chain(const struct tk_intel *t, struct sg_buf *ret);

/* ---- quotes ---- */

struct tk_quote {
    unsigned version; /* 3, 4, 5: how it is laid out; header[0..1] is what it says */
    uint8_t header[48];
    uint16_t body_type; /* v5 */
    size_t body_len;
    uint8_t body[TK_TD15_BODY];
    uint8_t qe[TK_SGX_BODY];
    size_t auth_len;
    uint8_t auth[64];
    bool keep_binding;         /* leave the QE's REPORTDATA as it stands */
    EVP_PKEY *other_pck;       /* signs the QE report in the PCK's place */
    EVP_PKEY *other_key;       /* signs the quote in the attestation key's place */
    const struct sg_buf *cert; /* PEM in place of the platform's chain */
};
/* A production enclave, a TD of module 1.0 or 1.5, that nothing speaks against. */
struct tk_quote tk_quote_sgx(const struct tk_intel *t);
struct tk_quote tk_quote_td(const struct tk_intel *t, unsigned version, size_t body_len);
/* Binds, signs and lays out; appended to ret. */
void tk_quote_make(const struct tk_intel *t, const struct tk_quote *q, struct sg_buf *ret);
