#pragma once
/*
 * frame - the sealed frame: one datagram between a meter and an authenticator.  The layout, the key
 * derivation and the nonce argument stand in docs/adr/0001-sealed-frame.md; this is the codec, the
 * seal and the replay window.  No allocation but in the caller's buffer, no clock, no network.
 *
 *   octet 0  version, 1
 *   octet 1  type
 *   1 uplink            cid 8 | seq 8             | ciphertext | tag 16
 *   2 downlink          cid 8 | sender 16 | seq 8 | ciphertext | tag 16
 *   3..6 EDHOC 1..4     handshake id 8            | message
 *   7 EDHOC error       handshake id 8 (or cid)   | error message
 * All integers big-endian.  The whole header is authenticated.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/bytes.h>

#define SG_FRAME_VERSION          1
#define SG_FRAME_MAX              60000 /* one UDP datagram with room for any lower layer */
#define SG_FRAME_ID_LEN           8
#define SG_FRAME_SENDER_LEN       16
#define SG_FRAME_TAG_LEN          16
#define SG_FRAME_UPLINK_HEADER    18
#define SG_FRAME_DOWNLINK_HEADER  34
#define SG_FRAME_HANDSHAKE_HEADER 10
#define SG_FRAME_PLAIN_MAX        (SG_FRAME_MAX - SG_FRAME_DOWNLINK_HEADER - SG_FRAME_TAG_LEN)
/* Sequence numbers are 1..SG_FRAME_SEQ_MAX; a key that reached the last one seals no more. */
#define SG_FRAME_SEQ_MAX UINT64_C(0xffffffff)

enum sg_frame_type {
    SG_FRAME_UPLINK = 1,
    SG_FRAME_DOWNLINK = 2,
    SG_FRAME_EDHOC_1 = 3,
    SG_FRAME_EDHOC_2 = 4,
    SG_FRAME_EDHOC_3 = 5,
    SG_FRAME_EDHOC_4 = 6,
    SG_FRAME_EDHOC_ERROR = 7,
};

/* First octet of the plain text. */
enum sg_payload_kind {
    SG_PAYLOAD_NBR_REQUEST = 1,  /* downlink: NBR 14522 command block */
    SG_PAYLOAD_NBR_RESPONSE = 2, /* uplink: NBR 14522 answer block */
    SG_PAYLOAD_BLOCK = 3,        /* uplink: signed block (block.h), wire form */
    SG_PAYLOAD_ACK = 4,          /* downlink: n x (seq 8 | status 1 | reason 1) */
};

struct sg_frame {
    enum sg_frame_type type;
    uint8_t id[SG_FRAME_ID_LEN];         /* cid, or handshake id */
    uint8_t sender[SG_FRAME_SENDER_LEN]; /* downlink only, else zero */
    uint64_t seq;                        /* uplink and downlink, else 0 */
    struct sg_bytes header;              /* borrowed */
    struct sg_bytes body; /* borrowed: sealed octets with tag, or the EDHOC message */
};

enum sg_frame_outcome {
    SG_FRAME_MALFORMED = 1, /* version, type, length or sequence number out of range */
    SG_FRAME_FORGED,        /* header, ciphertext or tag are not what was sealed */
};

/* Borrows from datagram. */
SG_MUST_USE int sg_frame_decode(struct sg_bytes datagram, struct sg_frame *ret);
/* Types 3..7: header and message appended to ret. */
SG_MUST_USE int sg_frame_encode_handshake(enum sg_frame_type type,
                                          const uint8_t id[SG_FRAME_ID_LEN],
                                          struct sg_bytes message, struct sg_buf *ret);

/* AES-128-GCM key and IV of one direction and sender.  Lives in wiped memory. */
struct sg_frame_key {
    uint8_t key[16];
    uint8_t iv[12];
};

/* nonce = IV xor (0^32 || seq): unique as long as seq is, under one key. */
SG_MUST_USE int sg_frame_seal_uplink(const struct sg_frame_key *k,
                                     const uint8_t cid[SG_FRAME_ID_LEN], uint64_t seq,
                                     struct sg_bytes plain, struct sg_buf *ret);
SG_MUST_USE int sg_frame_seal_downlink(const struct sg_frame_key *k,
                                       const uint8_t cid[SG_FRAME_ID_LEN],
                                       const uint8_t sender[SG_FRAME_SENDER_LEN], uint64_t seq,
                                       struct sg_bytes plain, struct sg_buf *ret);
/* Types 1 and 2.  Plain text appended to ret (nothing on SG_FRAME_FORGED). */
SG_MUST_USE int sg_frame_open(const struct sg_frame_key *k, const struct sg_frame *f,
                              struct sg_buf *ret);

/*
 * Replay window of 256 sequence numbers (after RFC 4303 section 3.4.3).  Bit i of bits (bit 7-i%8
 * of octet i/8) stands for highest - i.  All zero: nothing seen.
 */
#define SG_WINDOW_SIZE 256
struct sg_window {
    uint64_t highest;
    uint8_t bits[SG_WINDOW_SIZE / 8];
};
enum sg_window_verdict { SG_WINDOW_FRESH, SG_WINDOW_SEEN, SG_WINDOW_STALE };
enum sg_window_verdict sg_window_judge(const struct sg_window *w, uint64_t seq);
/* Marks a fresh sequence number as seen. */
void sg_window_mark(struct sg_window *w, uint64_t seq);

/* One entry of an acknowledgement. */
enum sg_ack_status {
    SG_ACK_STORED = 0,    /* durable now */
    SG_ACK_DUPLICATE = 1, /* was durable already */
    SG_ACK_REFUSED = 2,   /* will never be taken; reason says why */
};
/* R(NAME, number, word): word is the metric label and log word. */
#define SG_REFUSALS(R)                                                                             \
    R(NONE, 0, "none")                                                                             \
    R(MALFORMED, 1, "malformed")         /* payload does not decode */                             \
    R(SIGNATURE, 2, "signature")         /* signature or root wrong */                             \
    R(FOREIGN, 3, "foreign_serial")      /* block of another meter than the session's */           \
    R(NOT_INSTALLED, 4, "not_installed") /* no installation record at that time */                 \
    R(FUTURE, 5, "future")               /* reading more than five minutes ahead */                \
    R(SEQUENCE, 6, "sequence")           /* sequence and time contradict each other */             \
    R(CONFLICT, 7, "conflict")           /* differing second reading: kept as conflict */          \
    R(KIND, 8, "kind")                   /* payload kind not served here */                        \
    R(CREDENTIAL, 9, "credential")       /* metrology certificate missing or not trusted */
enum sg_refusal {
#define SG_R(name, number, word) SG_REFUSED_##name = number,
    SG_REFUSALS(SG_R)
#undef SG_R
        SG_REFUSED_COUNT
};
extern const char *const sg_refusal_words[SG_REFUSED_COUNT];

struct sg_ack {
    uint64_t seq;
    enum sg_ack_status status;
    enum sg_refusal reason;
};
#define SG_ACK_LEN  10
#define SG_ACKS_MAX 256
/* Kind octet and entries. */
SG_MUST_USE int sg_ack_encode(const struct sg_ack *acks, size_t n, struct sg_buf *ret);
/* plain with its kind octet; ret has room for SG_ACKS_MAX.  SG_FRAME_MALFORMED. */
SG_MUST_USE int sg_ack_decode(struct sg_bytes plain, struct sg_ack *ret, size_t *ret_n);
