#pragma once
/*
 * store, inside - see store.h.  After sealing everything here is read only.
 */
#include "cert-int.h"
#include "intel-docs-int.h"

#include <sealgrid/tee/store.h>

#define SG_TEE_ROOTS_MAX   32
#define SG_TEE_KEYS_MAX    64
#define SG_TEE_SIGNERS_MAX 4 /* certificates that are found to have signed one document */

/* Signature checks of one sealing (store-seal.c), for each certificate, list or document. */
#define SG_TEE_VOUCHED_TRIES  32 /* with CAs under a root that have its issuer's name */
#define SG_TEE_STRANGER_TRIES 4  /* with other certificates of that name */
#define SG_TEE_SIGNER_TRIES   16 /* a document with certificates */

#define SG_TEE_TCB_SIGNER_NAME "Intel SGX TCB Signing"

/* A root: a key, and what is known of its certificate. */
struct sg_tee_anchor {
    unsigned vendors;
    struct sg_tee_key *key;
    char common_name[SG_TEE_CN_MAX]; /* of its certificate; "": not known */
    bool dated;
    int64_t not_before_s, not_after_s;
    int path_length; /* -1: none */
};

struct sg_tee_doc_entry {
    struct sg_tee_intel_doc *doc;
    const struct sg_tee_cert *signer[SG_TEE_SIGNERS_MAX];
    size_t n_signers;
    bool superseded;
};

enum sg_tee_known { SG_TEE_UNKNOWN, SG_TEE_KNOWN_GOOD, SG_TEE_KNOWN_BAD };

/* "This octet string (by hash) carries a signature by this key." */
struct sg_tee_link {
    uint8_t signed_id[32], key_id[32];
};

struct sg_tee_store {
    bool sealed;
    struct sg_tee_anchor anchor[SG_TEE_ROOTS_MAX];
    size_t n_anchors;
    /* Sealed: those that a root vouches for come first, the nearer to it the earlier. */
    struct sg_tee_cert *cert[SG_TEE_CERTS_MAX];
    size_t n_certs;
    struct sg_tee_crl *crl[SG_TEE_CRLS_MAX];
    size_t n_crls;
    bool crl_superseded[SG_TEE_CRLS_MAX];
    struct sg_tee_doc_entry doc[SG_TEE_DOCS_MAX];
    size_t n_docs;
    struct sg_tee_key *key[SG_TEE_KEYS_MAX];
    size_t n_keys;
    size_t n_broken;
    unsigned broken_items; /* what the broken ones looked like, bits of enum sg_tee_item */
    /* Made by sealing, sorted: signatures found right, and who was tried with whom. */
    struct sg_tee_link *link;
    size_t n_links, max_links;
    uint8_t (*thing)[32],
        (*signer)[32]; /* certificates and lists; keys that were tried with all of them */
    size_t n_things, n_signers;
    size_t n_checks; /* of signatures */
};

/* One recognised thing each; they take ownership in any case.  -ENOBUFS. */
SG_MUST_USE int sg_tee_store_take_cert(struct sg_tee_store *s, struct sg_tee_cert *c);
SG_MUST_USE int sg_tee_store_take_crl(struct sg_tee_store *s, struct sg_tee_crl *c);
SG_MUST_USE int sg_tee_store_take_key(struct sg_tee_store *s, struct sg_tee_key *k);
SG_MUST_USE int sg_tee_store_take_doc(struct sg_tee_store *s, struct sg_tee_intel_doc *d);

/* What sealing found about a signature of a certificate or list, by a key whose owner has the
 * issuer's name. */
enum sg_tee_known sg_tee_store_knows(const struct sg_tee_store *s, const uint8_t signed_id[32],
                                     const uint8_t key_id[32]);
/* The anchor that pins this key for the vendor, or NULL. */
const struct sg_tee_anchor *sg_tee_store_anchor(const struct sg_tee_store *s, unsigned vendor,
                                                const uint8_t key_id[32]);
/* builtin-roots.c */
SG_MUST_USE int sg_tee_store_pin_builtin(struct sg_tee_store *s);
/* store-collateral.c: what is in one object of collateral; nothing if it is none. */
SG_MUST_USE int sg_tee_store_add_collateral(struct sg_tee_store *s, struct sg_bytes text,
                                            unsigned *items);
