#pragma once
/*
 * tee documents - what lies in a sealed store, one entry a document: for lists of collateral,
 * warnings ahead of an end, caches that must not go back, and the memory of the newest seen.
 *
 * Pure.  Places are stable until the store is freed: TCB infos and identities, then CRLs, then
 * certificates.
 */
#include <sealgrid/tee/store.h>

enum sg_tee_document_kind {
    SG_TEE_DOCUMENT_TCB_INFO = 1,
    SG_TEE_DOCUMENT_IDENTITY,
    SG_TEE_DOCUMENT_CRL,
    SG_TEE_DOCUMENT_CERTIFICATE,
};

#define SG_TEE_DOCUMENT_NAME_MAX   128
#define SG_TEE_DOCUMENT_NUMBER_LEN 20 /* a CRL's number has no more (RFC 5280 section 5.2.3) */

struct sg_tee_document {
    enum sg_tee_document_kind kind;
    char name[SG_TEE_DOCUMENT_NAME_MAX]; /* "sgx-tcb-info 00906ed50000", "crl Intel SGX Root CA" */
    /* What it speaks of: documents of one subject replace each other.  A list's is its issuer's
     * name and key identifier, a TCB info's TEE and platform, an identity's its name, a certificate's itself. */
    uint8_t subject[32];
    int64_t from_s, until_s; /* until INT64_MAX: no end given */
    /* tcbEvaluationDataNumber or CRL number, big-endian; lists need not have one. */
    bool numbered;
    uint8_t number[SG_TEE_DOCUMENT_NUMBER_LEN];
    /* Its signature leads to a root of the store, and every certificate on the way is valid at the
     * instant and may sign such a thing.  Its own dates and revocation are not looked at. */
    bool vouched;
    bool superseded;
};

size_t sg_tee_store_n_documents(const struct sg_tee_store *s);
/* i < sg_tee_store_n_documents(s) */
void sg_tee_store_document(const struct sg_tee_store *s, size_t i, int64_t at_s,
                           struct sg_tee_document *ret);
/* A newer one of its subject is known to exist: judged as "-superseded".  Certificates cannot be.
 * Before the first case. */
void sg_tee_store_supersede(struct sg_tee_store *s, size_t i);
/* Of two documents of one subject: whether a is older.  TCB infos and identities by number: those of
 * one number say the same.  Lists by issue: every list of Intel's has the CRL number 1. */
bool sg_tee_document_older(const struct sg_tee_document *a, const struct sg_tee_document *b);
uint64_t sg_tee_document_number(const struct sg_tee_document *d); /* its last 64 bits */
