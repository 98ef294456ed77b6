#pragma once
/*
 * vault-int - casd's state: keys, policy and secrets, sealed in one file (docs/adr/0007).
 *
 * In memory everything secret is a struct sg_secret or a private key; on the disk only the sealed
 * form exists, replaced whole and durably.  Owns: everything in it.  Not locked: the service
 * (service.c) orders its users.
 */
#include <sealgrid/tee/provider.h>

#include "audit-int.h"
#include "marks-int.h"
#include "policy-int.h"

/* What both versions of the state hold behind their version. */
#define SG_CAS_STATE_BODY(X, T)                                                                    \
    X(T, UINT, sequence, 1, -1)                                                                    \
    X(T, BOOL, production, 0, 0)                                                                   \
    X(T, BYTES, ca_key, 1, 4096)                                                                   \
    X(T, BYTES, ca_cert, 1, 8192)                                                                  \
    X(T, BYTES, audit_key, 1, 4096)                                                                \
    X(T, BYTES, sim_platform, 0, 1024)                                                             \
    X(T, BYTES, policy, 1, SG_CAS_POLICY_TEXT_MAX)                                                 \
    X(T, UINT, leases_reserved, 0, -1)                                                             \
    X(T, UINT, audit_size, 0, -1)                                                                  \
    X(T, OCTETS, audit_root, 32, 32)                                                               \
    X(T, ITEM, secrets, 1, SG_CAS_LIST_MAX)
#define SG_CAS_STATE_FIELDS(X, T)                                                                  \
    X(T, UINT, version, 1, 1)                                                                      \
    SG_CAS_STATE_BODY(X, T)
#define SG_CAS_STATE2_FIELDS(X, T)                                                                 \
    X(T, UINT, version, 2, 2)                                                                      \
    SG_CAS_STATE_BODY(X, T)                                                                        \
    X(T, BYTES, marks, 0, SG_CAS_MARKS_OCTETS) /* docs/adr/0011 */
SG_MESSAGE_STRUCT(sg_cas_state, SG_CAS_STATE2_FIELDS)

/* Version 1, which is read for ever and leaves marks alone, and version 2, which is written. */
extern const struct sg_message_type sg_cas_state_type, sg_cas_state2_type;
/* Of either version.  -EBADMSG. */
SG_MUST_USE int sg_cas_state_decode(struct sg_bytes plain, struct sg_cas_state *ret);

#define SG_CAS_STATE_MAX  (2u << 20)
#define SG_CAS_SEAL_LABEL "casd-state" /* of the sealing key */

struct sg_cas_vault {
    char *dir;
    struct sg_secret sealing;
    uint64_t sequence;  /* of the file on the disk; 0: none yet */
    uint8_t digest[32]; /* SHA-256 of that file */
    bool production;
    struct sg_key *ca_key;
    struct sg_cert *ca_cert;
    struct sg_key *audit_key;
    struct sg_key *sim_platform; /* NULL: no simulated platform accepted */
    struct sg_buf policy_text;
    uint64_t leases_reserved;
    struct sg_cas_anchor anchor;
    struct sg_cas_secrets secrets;
    struct sg_cas_marks marks; /* of collateral */
};

enum sg_cas_vault_outcome { SG_CAS_VAULT_FORGED = 1 /* other sealing key, or changed */ };

/* Takes the sealing key; nothing is read or written. */
SG_MUST_USE int sg_cas_vault_new(struct sg_cas_vault **ret, const char *dir,
                                 struct sg_secret *sealing);
void sg_cas_vault_free(struct sg_cas_vault *v);
SG_DEFINE_FREEP(struct sg_cas_vault, sg_cas_vault_free)
/* Fills a new vault from its file. */
SG_MUST_USE int sg_cas_vault_load(struct sg_cas_vault *v);
/* Durable when it returns 0, as sequence + 1. */
SG_MUST_USE int sg_cas_vault_save(struct sg_cas_vault *v);
/* Writes public/: ca.pem, pin, audit.pub, EDHOC certificates. */
SG_MUST_USE int sg_cas_vault_publish(const struct sg_cas_vault *v);

/* Makes every secret that the policy wants and the list lacks.  import_dir: where relative paths of
 * kind "file" start; NULL: importing is refused (SG_CAS_FULFIL_IMPORT). */
enum sg_cas_fulfil_outcome { SG_CAS_FULFIL_IMPORT = 1 };
SG_MUST_USE int sg_cas_secrets_fulfil(struct sg_cas_secrets *l, const struct sg_cas_policy *p,
                                      const char *import_dir, int64_t now_s);

/* The pure part: "SGCASST1" || salt || AES-256-GCM. */
SG_MUST_USE int sg_cas_seal(struct sg_bytes sealing_key, struct sg_bytes plain, struct sg_buf *ret);
SG_MUST_USE int sg_cas_unseal(struct sg_bytes sealing_key, struct sg_bytes sealed,
                              struct sg_buf *ret);
