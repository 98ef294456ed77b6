#pragma once
/*
 * tee store - what verifiers trust and consult: pinned root keys, certificates, CRLs, signed TCB
 * infos and identities.  Documents come as octets and are recognised by content; nothing is
 * trusted because it lies here: only root keys are, everything else must chain to one.
 *
 * Fill, then seal: sealing checks every signature among the documents once (dates are judged for
 * each case).  Sealed, it never changes: any thread.  Before: one thread.
 * Owns: copies of all it was given.  Limits: below; past them -ENOBUFS and nothing is taken.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#define SG_TEE_BLOB_MAX  (4u << 20)
#define SG_TEE_CERTS_MAX 1024 /* in the store */
#define SG_TEE_CRLS_MAX  256
#define SG_TEE_DOCS_MAX  256 /* TCB infos and identities */

struct sg_tee_store;

/* Whose root signs what: a root speaks for its vendor only. */
enum sg_tee_vendor {
    SG_TEE_VENDOR_INTEL = 1,
    SG_TEE_VENDOR_AMD = 2,
    SG_TEE_VENDOR_AWS = 4,
    SG_TEE_VENDOR_TPM = 8,
    SG_TEE_VENDOR_ARM = 16,
    SG_TEE_VENDORS_ALL = 31,
};

/* What a blob was found to be, a bit each; 0: nothing known here. */
enum sg_tee_item {
    SG_TEE_ITEM_CERTIFICATE = 1,
    SG_TEE_ITEM_CRL = 2,
    SG_TEE_ITEM_TCB_INFO = 4,
    SG_TEE_ITEM_IDENTITY = 8,
    SG_TEE_ITEM_KEY = 16,     /* a bare public key (SubjectPublicKeyInfo) */
    SG_TEE_ITEM_BROKEN = 128, /* looked like one of the above, but is malformed */
};

/* builtin_roots: Intel SGX Root CA, AMD ARK Milan/Genoa/Turin, AWS Nitro root G1, by key. */
SG_MUST_USE int sg_tee_store_new(struct sg_tee_store **ret, bool builtin_roots);
void sg_tee_store_free(struct sg_tee_store *s);
SG_DEFINE_FREEP(struct sg_tee_store, sg_tee_store_free)

/* PEM (any number of blocks), DER, JSON, or hexadecimal text of DER.  *ret_items: what was found.
 */
SG_MUST_USE int sg_tee_store_add(struct sg_tee_store *s, struct sg_bytes blob, unsigned *ret_items);
/* A certificate or public key, PEM or DER, that from now on is a root for these vendors.  Only an
 * operator's own words may lead here.  The dates of a root given as a certificate are judged; a
 * bare key has none.  -EBADMSG. */
SG_MUST_USE int sg_tee_store_add_root(struct sg_tee_store *s, unsigned vendors,
                                      struct sg_bytes pem_or_der);
/* Once, before the first case. */
SG_MUST_USE int sg_tee_store_seal(struct sg_tee_store *s);

struct sg_tee_store_counts {
    size_t roots, certificates, crls, tcb_infos, identities, keys, broken;
};
void sg_tee_store_count(const struct sg_tee_store *s, struct sg_tee_store_counts *ret);
/* The earliest end of validity after at_s among CRLs, TCB infos and identities valid at at_s (for a
 * warning ahead); INT64_MAX if there is none. */
int64_t sg_tee_store_next_expiry(const struct sg_tee_store *s, int64_t at_s);
