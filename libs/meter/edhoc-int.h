#pragma once
/*
 * edhoc-int - the parts of EDHOC: message codec, key schedule, engine state.  Shared by edhoc*.c,
 * its tests and the vector program, which compares every intermediate value through these
 * functions.
 */
#include <sealgrid/crypto/aead.h>
#include <sealgrid/meter/edhoc.h>

#define SG_EDHOC_HASH_LEN  32
#define SG_EDHOC_ECDH_LEN  32
#define SG_EDHOC_PLAIN_MAX (SG_EDHOC_MESSAGE_MAX - SG_EDHOC_ECDH_LEN)
/* ID_CRED, TH, CRED, EAD and their heads. */
#define SG_EDHOC_CONTEXT_MAX 20000

/* ---- cipher suites ---- */
struct sg_edhoc_suite_info {
    int number;
    enum sg_aead_alg aead;
    size_t mac_len; /* static DH */
};
const struct sg_edhoc_suite_info *sg_edhoc_suite_info(int number); /* NULL: not ours */

/* RFC 9528 section 3.2: who signs, who uses static Diffie-Hellman. */
static inline bool sg_edhoc_initiator_signs(int method)
{
    return method == 0 || method == 1;
}

static inline bool sg_edhoc_responder_signs(int method)
{
    return method == 0 || method == 2;
}

/* ---- messages (edhoc-message.c): decode borrows, encode appends; decode then encode is equal ----
 */

/* Byte string identifiers, section 3.3.2: one octet that is the encoding of -24..23 stands for
 * itself. */
SG_MUST_USE int sg_edhoc_put_short(struct sg_buf *b, struct sg_bytes id);
SG_MUST_USE int sg_edhoc_take_short(struct sg_reader *r, size_t max, struct sg_bytes *ret);

struct sg_edhoc_m1 {
    int method;
    int suites[SG_EDHOC_SUITES_MAX]; /* preference; the last is the selected one */
    size_t n_suites;
    struct sg_bytes g_x;
    struct sg_bytes c_i;
    struct sg_bytes ead;
};
/* 0, SG_EDHOC_MALFORMED, SG_EDHOC_CRITICAL_EAD; g_x only if it has the length of a P-256 x. */
SG_MUST_USE int sg_edhoc_m1_decode(struct sg_bytes m, struct sg_edhoc_m1 *ret);
SG_MUST_USE int sg_edhoc_m1_encode(const struct sg_edhoc_m1 *m, struct sg_buf *ret);

struct sg_edhoc_m2 {
    struct sg_bytes g_y;
    struct sg_bytes ciphertext;
    struct sg_bytes c_r; /* draft 15 only */
};
SG_MUST_USE int sg_edhoc_m2_decode(enum sg_edhoc_edition ed, struct sg_bytes m,
                                   struct sg_edhoc_m2 *ret);
SG_MUST_USE int sg_edhoc_m2_encode(enum sg_edhoc_edition ed, const struct sg_edhoc_m2 *m,
                                   struct sg_buf *ret);

/* PLAINTEXT_2 (with C_R, section 5.3.2) and PLAINTEXT_3 (without). */
struct sg_edhoc_plain {
    bool with_c_r;
    struct sg_bytes c_r;
    struct sg_edhoc_id id;
    struct sg_bytes id_wire; /* the id as it stands here */
    struct sg_bytes sig_or_mac;
    struct sg_bytes ead;
    uint8_t kid_map[72]; /* ID_CRED rebuilt for a compact kid */
};
/* id.id_cred may point into ret itself: do not copy the struct. */
SG_MUST_USE int sg_edhoc_plain_decode(enum sg_edhoc_edition ed, bool with_c_r, struct sg_bytes p,
                                      struct sg_edhoc_plain *ret);
SG_MUST_USE int sg_edhoc_plain_encode(const struct sg_edhoc_plain *p, struct sg_buf *ret);
/* The form of ID_CRED in a plain text: a lone kid in its compact form, else the map. */
SG_MUST_USE int sg_edhoc_id_wire(enum sg_edhoc_edition ed, struct sg_bytes id_cred,
                                 struct sg_buf *ret);
/* Decodes a whole ID_CRED map or compact kid. */
SG_MUST_USE int sg_edhoc_id_decode(enum sg_edhoc_edition ed, struct sg_reader *r,
                                   struct sg_edhoc_id *ret, struct sg_bytes *ret_wire,
                                   uint8_t *kid_map, size_t kid_map_size);
/* A sequence of EAD items to the end: 0, SG_EDHOC_MALFORMED, SG_EDHOC_CRITICAL_EAD (none is ours).
 */
SG_MUST_USE int sg_edhoc_ead_check(struct sg_bytes ead);

struct sg_edhoc_error_message {
    int64_t code;
    int suites[SG_EDHOC_SUITES_MAX]; /* code 2 */
    size_t n_suites;
    struct sg_bytes text; /* code 1 */
    struct sg_bytes info; /* other codes: one item */
};
SG_MUST_USE int sg_edhoc_error_decode(struct sg_bytes m, struct sg_edhoc_error_message *ret);
SG_MUST_USE int sg_edhoc_error_encode(const struct sg_edhoc_error_message *m, struct sg_buf *ret);

/* message_3 and message_4: one byte string. */
SG_MUST_USE int sg_edhoc_bstr_decode(struct sg_bytes m, struct sg_bytes *ret);

/* ---- key schedule (edhoc-keys.c), section 4; labels of figure 6 ---- */
enum sg_edhoc_kdf_label {
    SG_EDHOC_KEYSTREAM_2 = 0,
    SG_EDHOC_SALT_3E2M = 1,
    SG_EDHOC_MAC_2 = 2,
    SG_EDHOC_K_3 = 3,
    SG_EDHOC_IV_3 = 4,
    SG_EDHOC_SALT_4E3M = 5,
    SG_EDHOC_MAC_3 = 6,
    SG_EDHOC_PRK_OUT = 7,
    SG_EDHOC_K_4 = 8,
    SG_EDHOC_IV_4 = 9,
    SG_EDHOC_PRK_EXPORTER = 10,
    SG_EDHOC_NEW_PRK_OUT = 11,
};
/* info = (label, context, length) */
SG_MUST_USE int sg_edhoc_info(struct sg_buf *b, uint32_t label, struct sg_bytes context,
                              size_t len);
SG_MUST_USE int sg_edhoc_kdf(const uint8_t prk[32], uint32_t label, struct sg_bytes context,
                             uint8_t *ret, size_t len);

/* What both sides know of one side's authentication. */
struct sg_edhoc_auth {
    enum sg_edhoc_edition edition;
    bool responder;          /* MAC_2 with C_R, or MAC_3 */
    struct sg_bytes c_r;     /* responder only */
    struct sg_bytes id_cred; /* map */
    struct sg_bytes cred;
    struct sg_bytes ead;
    const uint8_t *th; /* TH_2 or TH_3 */
};
/* context_2 or context_3 */
SG_MUST_USE int sg_edhoc_mac_context(const struct sg_edhoc_auth *a, struct sg_buf *ret);
SG_MUST_USE int sg_edhoc_mac(const struct sg_edhoc_auth *a, const uint8_t prk[32], uint8_t *ret,
                             size_t len);
/* Sig_structure of COSE_Sign1 with protected << ID_CRED >>, external_aad << TH, CRED, ? EAD >>. */
SG_MUST_USE int sg_edhoc_to_be_signed(const struct sg_edhoc_auth *a, struct sg_bytes mac,
                                      struct sg_buf *ret);
/* Enc_structure of COSE_Encrypt0 with external_aad TH. */
SG_MUST_USE int sg_edhoc_enc_structure(const uint8_t th[32], struct sg_buf *ret);
SG_MUST_USE int sg_edhoc_th_2(enum sg_edhoc_edition ed, struct sg_bytes g_y, struct sg_bytes c_r,
                              const uint8_t h_message_1[32], uint8_t ret[32]);
/* TH_3 and TH_4: H(previous, plain text, ? CRED) */
SG_MUST_USE int sg_edhoc_th_next(enum sg_edhoc_edition ed, const uint8_t th[32],
                                 struct sg_bytes plain, struct sg_bytes cred, uint8_t ret[32]);
/* message_3 (K_3, IV_3) and message_4 (K_4, IV_4). */
SG_MUST_USE int sg_edhoc_seal(const struct sg_edhoc_suite_info *s, const uint8_t prk[32],
                              uint32_t k_label, const uint8_t th[32], struct sg_bytes plain,
                              struct sg_buf *ret);
/* SG_EDHOC_MALFORMED, SG_EDHOC_UNVERIFIED. */
SG_MUST_USE int sg_edhoc_open(const struct sg_edhoc_suite_info *s, const uint8_t prk[32],
                              uint32_t k_label, const uint8_t th[32], struct sg_bytes sealed,
                              struct sg_buf *ret);
SG_MUST_USE int sg_edhoc_xor_keystream_2(const uint8_t prk_2e[32], const uint8_t th_2[32],
                                         uint8_t *text, size_t len);

/* ---- engine ---- */
enum sg_edhoc_state {
    SG_EDHOC_START,
    SG_EDHOC_WAIT_2,
    SG_EDHOC_WAIT_3,
    SG_EDHOC_WAIT_4, /* Initiator: keys are there, message_4 may come */
    SG_EDHOC_SEND_4, /* Responder: keys are there, message_4 may be sent */
    SG_EDHOC_DONE,
    SG_EDHOC_DEAD,
};

struct sg_edhoc_secrets {
    uint8_t prk_2e[32], prk_3e2m[32], prk_4e3m[32], prk_out[32], prk_exporter[32];
};

struct sg_edhoc_conn_id {
    uint8_t data[SG_EDHOC_CONN_ID_MAX];
    size_t len;
};

struct sg_edhoc {
    const struct sg_edhoc_config *c;
    bool initiator;
    enum sg_edhoc_state state;
    int method;
    const struct sg_edhoc_suite_info *suite; /* NULL until selected */
    struct sg_key *ephemeral;
    uint8_t g_own[32], g_peer[32];
    struct sg_edhoc_conn_id c_i, c_r;
    uint8_t h_message_1[32], th_2[32], th_3[32], th_4[32];
    struct sg_secret secret_memory;
    struct sg_edhoc_secrets *s; /* in secret_memory */
    int64_t peer_error;
    int peer_suites[SG_EDHOC_SUITES_MAX];
    size_t n_peer_suites;
};

static inline struct sg_bytes sg_edhoc_conn_bytes(const struct sg_edhoc_conn_id *c)
{
    return (struct sg_bytes){c->data, c->len};
}
