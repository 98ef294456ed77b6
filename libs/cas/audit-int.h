#pragma once
/*
 * audit-int - the append-only log of grants, refusals and changes (docs/adr/0007).
 *
 * A frame = length of the record (4, big-endian) || record || Merkle tree head after it (32).  Leaf
 * = RFC 6962 hash of the record's octets.  Append puts a record in order; commit returns when it is
 * on the disk, many waiters sharing one sync; only then may its effect leave the process.
 * The signed head lies in audit.head, two slots written in turn after every sync, before anybody
 * waiting is told: what was acknowledged is under a signature.
 *
 * Owns: its descriptors, the leaf hashes (32 octets a record).  Borrows: the key.  Any thread.
 * A failed write or sync is final: every later commit fails until restart.
 */
#include <sealgrid/crypto/merkle.h>
#include <sealgrid/crypto/sign.h>

#include "messages-int.h"

#define SG_CAS_RECORD_MAX 1024
#define SG_CAS_HEAD_LABEL "sealgrid-audit-head-v1"

#define SG_CAS_RECORD_FIELDS(X, T)                                                                 \
    X(T, UINT, index, 0, -1)                                                                       \
    X(T, INT, time_s, INT64_MIN, INT64_MAX)                                                        \
    X(T, TEXT, event, 1, 31) /* start, state, policy, grant, refusal */                            \
    X(T, TEXT, service, 0, 63)                                                                     \
    X(T, TEXT, reason, 0, 63) /* of a refusal */                                                   \
    X(T, BYTES, measurement, 0, SG_TEE_MEASUREMENT_MAX)                                            \
    X(T, BYTES, key, 0, 32) /* SHA-256 of the peer's SPKI */                                       \
    X(T, BYTES, lease, 0, SG_CAS_LEASE_LEN)                                                        \
    X(T, UINT, number, 0, -1)  /* state: sequence; policy: version; refusal: unlogged before it */ \
    X(T, BYTES, digest, 0, 32) /* grant: certificate; state: sealed file; policy: text */
SG_MESSAGE_STRUCT(sg_cas_record, SG_CAS_RECORD_FIELDS)

#define SG_CAS_HEAD_FIELDS(X, T)                                                                   \
    X(T, UINT, size, 0, -1)                                                                        \
    X(T, OCTETS, root, 32, 32)                                                                     \
    X(T, INT, time_s, INT64_MIN, INT64_MAX)                                                        \
    X(T, OCTETS, signature, 64, 64)
SG_MESSAGE_STRUCT(sg_cas_head, SG_CAS_HEAD_FIELDS)

extern const struct sg_message_type sg_cas_record_type;
extern const struct sg_message_type sg_cas_head_type;

struct sg_cas_audit;

/* A point that the log must contain. */
struct sg_cas_anchor {
    uint64_t size;
    uint8_t root[32];
};

/* Called for every record found at opening, in order. */
typedef void (*sg_cas_record_fn)(void *user, const struct sg_cas_record *r);

enum sg_cas_audit_outcome {
    SG_CAS_AUDIT_DAMAGED = 1, /* a record in the middle does not verify */
    SG_CAS_AUDIT_CUT,         /* shorter than the signed head or the anchor, or another history */
};

/*
 * Makes the log if there is none (and anchor is empty).  A torn last frame that nobody was told
 * about is cut off.  The trace says what is wrong with a damaged one.
 */
SG_MUST_USE int sg_cas_audit_open(struct sg_cas_audit **ret, const char *dir,
                                  const struct sg_key *key, const struct sg_cas_anchor *anchor,
                                  sg_cas_record_fn fn, void *user);
void sg_cas_audit_free(struct sg_cas_audit *a);
SG_DEFINE_FREEP(struct sg_cas_audit, sg_cas_audit_free)
/* Sets r->index. */
SG_MUST_USE int sg_cas_audit_append(struct sg_cas_audit *a, struct sg_cas_record *r);
/* All records appended so far by this thread are durable. */
SG_MUST_USE int sg_cas_audit_commit(struct sg_cas_audit *a, int64_t now_s);
/* Of what is durable. */
void sg_cas_audit_anchor(struct sg_cas_audit *a, struct sg_cas_anchor *ret);
/* Signed now, over what is durable; appended, encoded. */
SG_MUST_USE int sg_cas_audit_head(struct sg_cas_audit *a, int64_t now_s, struct sg_buf *ret);
/* Inclusion proof of record index in the tree of the first size records: *ret_n path nodes.
 * -ERANGE unless index < size <= durable. */
SG_MUST_USE int sg_cas_audit_path(struct sg_cas_audit *a, uint64_t index, uint64_t size,
                                  uint8_t (*ret)[32], size_t *ret_n);
/* 0 or SG_VERIFY_BAD: for whoever received an encoded head. */
SG_MUST_USE int sg_cas_head_verify(const struct sg_cas_head *h, const struct sg_key *key);

/* Fills h->signature. */
SG_MUST_USE int sg_cas_head_sign(struct sg_cas_head *h, const struct sg_key *key);

/* ---- the pure part ---- */

struct sg_cas_replay {
    struct sg_merkle tree;
};
enum sg_cas_frame_outcome {
    SG_CAS_FRAME_SHORT = 1, /* the input ends within the frame */
    SG_CAS_FRAME_BAD,
};
/* Takes one frame off the front.  On an outcome the reader is where it was; *ret_len is then the
 * length the frame claims, 0 if even that is missing. */
SG_MUST_USE int sg_cas_frame_take(struct sg_cas_replay *p, struct sg_reader *in,
                                  struct sg_cas_record *ret, uint8_t ret_leaf[32], size_t *ret_len);
/* Appends the frame of r as the next of p. */
SG_MUST_USE int sg_cas_frame_put(struct sg_cas_replay *p, const struct sg_cas_record *r,
                                 struct sg_buf *ret, uint8_t ret_leaf[32]);
