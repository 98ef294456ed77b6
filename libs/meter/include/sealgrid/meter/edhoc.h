#pragma once
/*
 * edhoc - Ephemeral Diffie-Hellman over COSE (RFC 9528): mutual authentication, forward secrecy and
 * identity protection in three messages, plus message_4 as key confirmation.
 *
 * Sans-I/O: message in, message out.  Initiator and Responder; methods 0..3 (signature or static
 * Diffie-Hellman on either side); cipher suites 2 and 3 (P-256, SHA-256, AES-CCM with tags of 8 and
 * 16); credentials are X.509 certificates or CCS, named by x5t, x5chain, x5bag, kid or kccs.
 * Owns: its ephemeral key and every secret, in locked and wiped memory.  Borrows: its
 * configuration, which outlives it.  One thread at a time.
 *
 * A message that is not what the state expects or does not verify ends the handshake: the outcome
 * is positive, sg_edhoc_error() gives the error message to send, and the handshake is dead.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/sign.h>
#include <sealgrid/crypto/x509.h>

struct sg_edhoc;

#define SG_EDHOC_MESSAGE_MAX 8192
#define SG_EDHOC_CONN_ID_MAX 16
#define SG_EDHOC_SUITES_MAX  8
#define SG_EDHOC_PRK_LEN     32

/* COSE header parameters that name a credential. */
enum sg_edhoc_id_label {
    SG_EDHOC_KID = 4,
    SG_EDHOC_KCCS = 14,
    SG_EDHOC_X5BAG = 32,
    SG_EDHOC_X5CHAIN = 33,
    SG_EDHOC_X5T = 34,
};

/*
 * Own (private key) or peer's (public key) credential.  id_cred is the whole CBOR map, such as
 * {34: [-16, h'...']}; cred is one CBOR item, a byte string with a DER certificate or a CCS.
 * sign: instead of key, for a key that lives elsewhere; COSE form (r || s).  Everything borrowed.
 */
struct sg_edhoc_credential {
    struct sg_bytes id_cred;
    struct sg_bytes cred;
    const struct sg_key *key;
    int (*sign)(void *user, struct sg_bytes message, uint8_t ret[64]);
    void *sign_user;
};

/* A credential that owns its parts: an X.509 certificate named by x5t with full SHA-256 (-16). */
struct sg_edhoc_identity {
    struct sg_buf id_cred;
    struct sg_buf cred;
    struct sg_key *key;
    uint8_t x5t[32]; /* SHA-256 of the certificate's DER */
};
/* key: private half of the certificate's key, takes it over on success; NULL: the peer's view, with
 * the public key from the certificate. */
SG_MUST_USE int sg_edhoc_identity_x509(struct sg_edhoc_identity **ret, const struct sg_cert *cert,
                                       struct sg_key *key);
void sg_edhoc_identity_free(struct sg_edhoc_identity *i);
SG_DEFINE_FREEP(struct sg_edhoc_identity, sg_edhoc_identity_free)
struct sg_edhoc_credential sg_edhoc_identity_credential(const struct sg_edhoc_identity *i);

/* Decoded ID_CRED_x; borrowed. */
struct sg_edhoc_id {
    enum sg_edhoc_id_label label;
    int64_t hash_alg;        /* X5T: -16 SHA-256, -15 SHA-256/64 */
    struct sg_bytes value;   /* hash, kid as byte string, certificate DER, or CCS map */
    struct sg_bytes id_cred; /* the map as it stands in transcripts */
};

enum sg_edhoc_lookup_outcome { SG_EDHOC_NOBODY = 1 };
/* The peer named by id: 0 and *ret (borrowed until the handshake is freed), SG_EDHOC_NOBODY,
 * -errno. */
typedef int (*sg_edhoc_lookup_fn)(void *user, const struct sg_edhoc_id *id,
                                  struct sg_edhoc_credential *ret);

/* Draft 15 orders some fields differently; its published transcripts are the ones at hand.  Never
 * for real sessions. */
enum sg_edhoc_edition { SG_EDHOC_RFC9528 = 0, SG_EDHOC_DRAFT15 };

struct sg_edhoc_config {
    enum sg_edhoc_edition edition;
    int method;        /* Initiator: used; Responder: the only one accepted */
    const int *suites; /* supported, most preferred first */
    size_t n_suites;
    /* Own credential for a suite; NULL: none for that one. */
    const struct sg_edhoc_credential *(*own)(void *user, int suite);
    void *own_user;
    sg_edhoc_lookup_fn lookup;
    void *lookup_user;
    /* For datagrams, which anybody may send: a message or error that fails is taken for a
     * stranger's, and leaves the handshake waiting as it was.  The caller ends it in time.  (RFC
     * 9528 discontinues a session at any failure; it leaves open whose messages are the session's.)
     */
    bool patient;
    /* Private scalar of the ephemeral key (32 octets); NULL: freshly generated.  Known-answer
     * tests only. */
    const uint8_t *ephemeral;
};

/*
 * Positive outcomes: the handshake is over.  E(NAME, text of an error message with code 1; NULL if
 * the code is another one).
 */
#define SG_EDHOC_OUTCOMES(E)                                                                       \
    E(MALFORMED, "malformed message")                                                              \
    E(UNEXPECTED, "message out of place")                                                          \
    E(METHOD, "method not supported")                                                              \
    E(SUITE, NULL) /* code 2: SUITES_R, see sg_edhoc_peer_suites */                                \
    E(CRITICAL_EAD, "critical EAD item not recognised")                                            \
    E(BAD_KEY, "ephemeral key not on the curve")                                                   \
    E(UNKNOWN_CREDENTIAL, NULL)            /* code 3 */                                            \
    E(UNVERIFIED, "authentication failed") /* decryption, MAC or signature */                      \
    E(PEER_ERROR, NULL)                    /* the peer sent an error message: none is sent back */
enum sg_edhoc_outcome {
    SG_EDHOC_OK = 0,
#define SG_E(name, text) SG_EDHOC_##name,
    SG_EDHOC_OUTCOMES(SG_E)
#undef SG_E
};
const char *sg_edhoc_outcome_word(int outcome);

/* Connection identifier: own one, 1..16 octets. */
SG_MUST_USE int sg_edhoc_initiator(struct sg_edhoc **ret, const struct sg_edhoc_config *c,
                                   struct sg_bytes c_i);
SG_MUST_USE int sg_edhoc_responder(struct sg_edhoc **ret, const struct sg_edhoc_config *c,
                                   struct sg_bytes c_r);
void sg_edhoc_free(struct sg_edhoc *e);
SG_DEFINE_FREEP(struct sg_edhoc, sg_edhoc_free)

/* Initiator.  suite: which of its suites to select; the ones it prefers are listed before it.
 * Outputs are appended to *ret and nothing is on failure. */
SG_MUST_USE int sg_edhoc_message_1(struct sg_edhoc *e, int suite, struct sg_buf *ret);
SG_MUST_USE int sg_edhoc_on_message_2(struct sg_edhoc *e, struct sg_bytes m, struct sg_buf *ret_m3);
SG_MUST_USE int sg_edhoc_on_message_4(struct sg_edhoc *e, struct sg_bytes m);
/* Responder. */
SG_MUST_USE int sg_edhoc_on_message_1(struct sg_edhoc *e, struct sg_bytes m, struct sg_buf *ret_m2);
SG_MUST_USE int sg_edhoc_on_message_3(struct sg_edhoc *e, struct sg_bytes m);
SG_MUST_USE int sg_edhoc_message_4(struct sg_edhoc *e, struct sg_buf *ret);
/* Either: SG_EDHOC_PEER_ERROR or SG_EDHOC_MALFORMED; code and suites are then known. */
SG_MUST_USE int sg_edhoc_on_error(struct sg_edhoc *e, struct sg_bytes m);
/* The error message for a positive outcome of this handshake. */
SG_MUST_USE int sg_edhoc_error(const struct sg_edhoc *e, int outcome, struct sg_buf *ret);
/* Error code received with SG_EDHOC_PEER_ERROR and the peer's SUITES_R. */
int64_t sg_edhoc_peer_error_code(const struct sg_edhoc *e);
const int *sg_edhoc_peer_suites(const struct sg_edhoc *e, size_t *ret_n);

/* After message_3 was made (Initiator) or verified (Responder). */
bool sg_edhoc_complete(const struct sg_edhoc *e);
int sg_edhoc_suite(const struct sg_edhoc *e);
struct sg_bytes sg_edhoc_peer_conn_id(const struct sg_edhoc *e);
struct sg_bytes sg_edhoc_own_conn_id(const struct sg_edhoc *e);
/* Whole keying material for the application; context "" allowed. */
SG_MUST_USE int sg_edhoc_export(const struct sg_edhoc *e, uint32_t label, struct sg_bytes context,
                                uint8_t *ret, size_t len);
/* The same from a PRK_exporter that was stored. */
void sg_edhoc_export_from(const uint8_t prk_exporter[SG_EDHOC_PRK_LEN], uint32_t label,
                          struct sg_bytes context, uint8_t *ret, size_t len);
/* PRK_exporter itself, to be stored sealed. */
SG_MUST_USE int sg_edhoc_prk_exporter(const struct sg_edhoc *e, uint8_t ret[SG_EDHOC_PRK_LEN]);
/* Appendix H: new PRK_out and PRK_exporter. */
SG_MUST_USE int sg_edhoc_key_update(struct sg_edhoc *e, struct sg_bytes context);
