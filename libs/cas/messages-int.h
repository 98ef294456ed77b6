#pragma once
/*
 * messages-int - what travels between a service and casd (docs/protocols/cas.md), the binding of
 * evidence to a connection, and the names of refusals.
 */
#include <sealgrid/base/message.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/cas/client.h>
#include <sealgrid/tee/provider.h>
#include <sealgrid/tee/evidence.h>

#define SG_CAS_NONCE_LEN      32
#define SG_CAS_LEASE_LEN      16
#define SG_CAS_EXPORTER_LEN   32
#define SG_CAS_EXPORTER_LABEL "EXPORTER-sealgrid-attest-v1"
#define SG_CAS_REPORT_LABEL   "sealgrid-attest-v1"
#define SG_CAS_CASD_LABEL     "sealgrid-casd-v1"
#define SG_CAS_QUESTION_MAX   64
#define SG_CAS_URI_PREFIX     "spiffe://sealgrid/"
#define SG_CAS_URI            "spiffe://sealgrid/casd"
#define SG_CAS_OPERATOR_URI   "spiffe://sealgrid/operator"
#define SG_CAS_REQUEST_MAX    65536
#define SG_CAS_GRANT_MAX      (2u << 20)
#define SG_CAS_LIST_MAX       (1u << 20) /* encoded list of secrets */

#define SG_CAS_CHALLENGE_FIELDS(X, T)                                                              \
    X(T, OCTETS, nonce, SG_CAS_NONCE_LEN, SG_CAS_NONCE_LEN)                                        \
    X(T, UINT, lifetime_ms, 1, 600000)
SG_MESSAGE_STRUCT(sg_cas_challenge, SG_CAS_CHALLENGE_FIELDS)

#define SG_CAS_REQUEST_FIELDS(X, T)                                                                \
    X(T, TEXT, service, 1, 31)                                                                     \
    X(T, TEXT, kind, 1, 31)                                                                        \
    X(T, OCTETS, nonce, SG_CAS_NONCE_LEN, SG_CAS_NONCE_LEN)                                        \
    X(T, BYTES, evidence, 1, SG_TEE_EVIDENCE_MAX)                                                  \
    X(T, BYTES, spki, 1, 1024)
SG_MESSAGE_STRUCT(sg_cas_request, SG_CAS_REQUEST_FIELDS)

#define SG_CAS_REPLY_FIELDS(X, T)                                                                  \
    X(T, BYTES, cert, 1, 8192)                                                                     \
    X(T, BYTES, root, 1, 8192)                                                                     \
    X(T, INT, expires_s, 0, INT64_MAX)                                                             \
    X(T, OCTETS, lease, SG_CAS_LEASE_LEN, SG_CAS_LEASE_LEN)                                        \
    X(T, ITEM, secrets, 1, SG_CAS_LIST_MAX)
SG_MESSAGE_STRUCT(sg_cas_reply, SG_CAS_REPLY_FIELDS)

/* The other way: casd proves itself. */
#define SG_CAS_QUESTION_FIELDS(X, T) X(T, OCTETS, nonce, SG_CAS_NONCE_LEN, SG_CAS_NONCE_LEN)
SG_MESSAGE_STRUCT(sg_cas_question, SG_CAS_QUESTION_FIELDS)

#define SG_CAS_PROOF_FIELDS(X, T)                                                                  \
    X(T, TEXT, kind, 1, 31)                                                                        \
    X(T, BYTES, evidence, 1, SG_TEE_EVIDENCE_MAX)
SG_MESSAGE_STRUCT(sg_cas_proof, SG_CAS_PROOF_FIELDS)

extern const struct sg_message_type sg_cas_challenge_type;
extern const struct sg_message_type sg_cas_question_type;
extern const struct sg_message_type sg_cas_proof_type;
extern const struct sg_message_type sg_cas_request_type;
extern const struct sg_message_type sg_cas_reply_type;

/* A growable list of named secrets: casd's own and a grant's. */
struct sg_cas_secrets {
    struct sg_cas_secret *items;
    size_t n;
};

void sg_cas_secrets_clear(struct sg_cas_secrets *l);
/* Takes the value (empties *value) on success. */
SG_MUST_USE int sg_cas_secrets_add(struct sg_cas_secrets *l, struct sg_bytes name,
                                   struct sg_secret *value);
struct sg_secret *sg_cas_secrets_find(const struct sg_cas_secrets *l, const char *name);
/* [[name, value], ...] */
SG_MUST_USE int sg_cas_secrets_encode(const struct sg_cas_secrets *l, struct sg_buf *ret);
/* One [name, value] of such a list. */
SG_MUST_USE int sg_cas_secret_put(struct sg_buf *ret, const char *name, struct sg_bytes value);
/* -EBADMSG; names 1..127 octets without NUL and unique, values 1..65536 octets. */
SG_MUST_USE int sg_cas_secrets_decode(struct sg_cas_secrets *ret, struct sg_bytes encoded);

/* What one end of a TLS connection knows about it. */
struct sg_cas_connection {
    uint8_t exporter[SG_CAS_EXPORTER_LEN];
    const struct sg_key *key; /* the client's; borrowed */
    struct sg_bytes spki;     /* the same as DER; borrowed */
};

void sg_cas_report_data(uint8_t ret[SG_TEE_REPORT_DATA_LEN], const uint8_t nonce[SG_CAS_NONCE_LEN],
                        const struct sg_cas_connection *c, struct sg_bytes service);

/* Of casd's own evidence: c has casd's key, ca is the SHA-256 of its CA certificate. */
void sg_cas_casd_report_data(uint8_t ret[SG_TEE_REPORT_DATA_LEN],
                             const uint8_t nonce[SG_CAS_NONCE_LEN],
                             const struct sg_cas_connection *c, const uint8_t ca[32]);

/* An outcome whose reason sg_raisef has just put into the trace. */
static inline int sg_cas_traced(int raised, int outcome)
{
    (void)raised;
    return outcome;
}

/* id, name on the wire and in logs, HTTP status */
#define SG_CAS_REFUSALS(X)                                                                         \
    X(REQUEST_MALFORMED, "request-malformed", 400)                                                 \
    X(NO_KEY, "client-key-missing", 403)                                                           \
    X(THROTTLED, "throttled", 429)                                                                 \
    X(NONCES_EXHAUSTED, "nonces-exhausted", 503)                                                   \
    X(NONCE_UNKNOWN, "nonce-unknown", 403)                                                         \
    X(NONCE_EXPIRED, "nonce-expired", 403)                                                         \
    X(NONCE_REPLAYED, "nonce-replayed", 403)                                                       \
    X(NONCE_FOREIGN, "nonce-foreign-connection", 403)                                              \
    X(KEY_SPLICED, "key-spliced", 403)                                                             \
    X(SERVICE_SPLICED, "service-spliced", 403)                                                     \
    X(RELAYED, "evidence-relayed", 403)                                                            \
    X(SIMULATED, "simulated-in-production", 403)                                                   \
    X(SERVICE_UNKNOWN, "service-unknown", 403)                                                     \
    X(MEASUREMENT, "measurement-unknown", 403)                                                     \
    X(DEBUG, "evidence-debug", 403)                                                                \
    X(UNTRUSTED, "evidence-refused", 403) /* the verifier's reasons stand in casd's log */         \
    X(KIND, "kind-not-accepted", 403)                                                              \
    X(NOT_ACCEPTED, "evidence-not-accepted", 403) /* genuine, but policy wants more */             \
    X(NOT_OPERATOR, "not-operator", 403)                                                           \
    X(POLICY_BAD, "policy-malformed", 400)                                                         \
    X(POLICY_VERSION, "policy-version", 409)                                                       \
    X(POLICY_PREDECESSOR, "policy-predecessor", 409)                                               \
    X(POLICY_IMPORT, "policy-import", 400)

enum sg_cas_refusal {
    SG_CAS_REFUSAL_NONE,
#define X(id, name, status) SG_CAS_REFUSAL_##id,
    SG_CAS_REFUSALS(X)
#undef X
        SG_CAS_REFUSAL_EVIDENCE = 100, /* + enum sg_tee_refusal */
};

const char *sg_cas_refusal_name(enum sg_cas_refusal r);
int sg_cas_refusal_status(enum sg_cas_refusal r);
