#pragma once
/*
 * session-auth - the authenticator's end of sealed sessions, sans-I/O: any number of meters, a
 * bounded table of handshakes, a bounded cache of sessions.  The store behind it is the caller's:
 * sessions and windows come in through load_session, and go out in the caller's own atomic batch.
 *
 * The life of a frame: sg_auth_receive says SG_AUTH_PAYLOAD and claims its sequence number; the
 * caller judges the payload, takes the window's next state with sg_auth_plan into one batch with
 * the rows (compare-and-set from the state before), and when that is durable calls
 * sg_auth_settled, then sends an acknowledgement.  So a set bit in the stored window means that the
 * payload's rows are stored: a frame that comes again is acknowledged as a duplicate and has no
 * further effect, at whichever authenticator it comes again.
 *
 * Owns: handshakes, sessions, their keys (locked, wiped).  Borrows: options, ops, identities.
 * One thread at a time.
 */
#include <sealgrid/meter/block.h>
#include <sealgrid/meter/session.h>

struct sg_auth;
struct sg_auth_session;

/* What the store keeps of a session: table SESSION, partition (cid), sort (0). */
struct sg_session_record {
    uint8_t cid[SG_FRAME_ID_LEN];
    int suite;
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t client_id;
    uint8_t prk_exporter[SG_EDHOC_PRK_LEN];
    uint8_t x5t[32];
    int64_t created_s;
};
#define SG_SESSION_ROW_MAX 256
SG_MUST_USE int sg_session_partition(struct sg_buf *b, const uint8_t cid[SG_FRAME_ID_LEN]);
SG_MUST_USE int sg_session_sort(struct sg_buf *b);
/* b must be secret: the value holds PRK_exporter. */
SG_MUST_USE int sg_session_row_encode(struct sg_buf *b, const struct sg_session_record *s);
/* -EBADMSG */
SG_MUST_USE int sg_session_row_decode(const uint8_t cid[SG_FRAME_ID_LEN], struct sg_bytes value,
                                      struct sg_session_record *ret);
/* Table WINDOW, same key. */
SG_MUST_USE int sg_window_row_encode(struct sg_buf *b, const struct sg_window *w);
SG_MUST_USE int sg_window_row_decode(struct sg_bytes value, struct sg_window *ret);

/* A meter as its credential names it. */
struct sg_auth_meter {
    struct sg_edhoc_credential credential; /* borrowed until the receive that asked returns */
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t client_id;
    uint8_t x5t[32];
};

enum sg_auth_load_outcome { SG_AUTH_NO_SESSION = 1 };

struct sg_auth_ops {
    /* 0, SG_EDHOC_NOBODY, -errno */
    int (*find_meter)(void *user, const struct sg_edhoc_id *id, struct sg_auth_meter *ret);
    /* 0, SG_AUTH_NO_SESSION, -errno.  *ret_window all zero if there is none yet. */
    int (*load_session)(void *user, const uint8_t cid[SG_FRAME_ID_LEN],
                        struct sg_session_record *ret, struct sg_window *ret_window);
    void (*random)(void *user, void *p, size_t n);
};

struct sg_auth_options {
    const struct sg_auth_ops *ops;
    void *user;
    int suites[2]; /* served */
    size_t n_suites;
    const struct sg_edhoc_identity *own[2]; /* credential of each suite */
    size_t handshakes_max;                  /* 0: 1,024 */
    size_t sessions_max;                    /* 0: 65,536 in memory; more live in the store */
    unsigned loads_per_s; /* 0: 2,000 unknown connection ids looked up a second; of those that an
                           * authenticator made, ten times as many */
    /* 32 octets by which authenticators of one store know connection ids that they made (copied);
     * NULL: not at all. */
    const uint8_t *cid_key;
    /* Connection ids made here have lane in their first octet modulo lanes, so that a process
     * with several engines can route frames by it.  lanes 0: any. */
    unsigned lane, lanes;
};

SG_MUST_USE int sg_auth_new(struct sg_auth **ret, const struct sg_auth_options *o);
void sg_auth_free(struct sg_auth *a);
SG_DEFINE_FREEP(struct sg_auth, sg_auth_free)

/* Which lane a datagram belongs to: by connection id or handshake id. */
unsigned sg_auth_lane(const struct sg_frame *f, unsigned lanes);

enum sg_auth_event {
    SG_AUTH_REPLY,       /* out is a datagram for the sender; nothing else to do */
    SG_AUTH_ESTABLISHED, /* make record durable, then sg_auth_stored or sg_auth_store_failed */
    SG_AUTH_PAYLOAD,     /* kind and payload (in out) of session, claimed as seq */
    SG_AUTH_DUPLICATE,   /* as SG_AUTH_REPLY: the acknowledgement of a frame that came again */
    SG_AUTH_PENDING,     /* came again while the first copy is still being worked on */
    SG_AUTH_DROPPED,     /* no effect; drop says why */
};

/* D(NAME, word) */
#define SG_AUTH_DROPS(D)                                                                           \
    D(MALFORMED, "malformed")                                                                      \
    D(DIRECTION, "direction") /* a type that meters do not send */                                 \
    D(FORGED, "forged")       /* does not open */                                                  \
    D(STALE, "stale")         /* behind the replay window */                                       \
    D(HANDSHAKES_FULL, "handshakes_full")                                                          \
    D(HANDSHAKE_ENDED, "handshake_ended") /* error message, or a step out of place */              \
    D(LOAD_RATE, "load_rate")             /* too many unknown connection ids */                    \
    D(BUSY, "busy")                       /* too many frames of this session at once */
enum sg_auth_drop {
#define SG_D(name, word) SG_AUTH_DROP_##name,
    SG_AUTH_DROPS(SG_D)
#undef SG_D
        SG_AUTH_DROP_COUNT
};
extern const char *const sg_auth_drop_words[SG_AUTH_DROP_COUNT];

struct sg_auth_result {
    enum sg_auth_event event;
    enum sg_auth_drop drop;
    int handshake_outcome; /* REPLY with an EDHOC error: why (enum sg_edhoc_outcome) */
    struct sg_buf out;     /* caller's: SG_BUF_INIT_SECRET(SG_FRAME_MAX); reset at entry */
    struct sg_auth_session *session; /* PAYLOAD: valid until sg_auth_settled */
    uint64_t seq;
    enum sg_payload_kind kind;
    struct sg_bytes payload; /* PAYLOAD: within out */
    uint8_t handshake[SG_FRAME_ID_LEN];
    struct sg_session_record record; /* ESTABLISHED; the caller wipes it */
};

/* One datagram.  -errno: our own failure (the store's); the datagram may be given again. */
SG_MUST_USE int sg_auth_receive(struct sg_auth *a, struct sg_bytes datagram, int64_t now_ms,
                                int64_t unix_s, struct sg_auth_result *ret);

/* The record is durable: message_4 appended to *ret. */
SG_MUST_USE int sg_auth_stored(struct sg_auth *a, const uint8_t handshake[SG_FRAME_ID_LEN],
                               struct sg_buf *ret);
void sg_auth_store_failed(struct sg_auth *a, const uint8_t handshake[SG_FRAME_ID_LEN]);

/* With prk_exporter zero. */
const struct sg_session_record *sg_auth_session_record(const struct sg_auth_session *s);
/* The window as the store has it; *ret_absent: there is none there yet. */
const struct sg_window *sg_auth_session_window(const struct sg_auth_session *s, bool *ret_absent);

/* The stored window with these claimed numbers marked.  ret_ok[i] false: number i was seen or has
 * become stale meanwhile (another authenticator); it is not in *ret. */
void sg_auth_plan(const struct sg_auth_session *s, const uint64_t *seqs, size_t n,
                  struct sg_window *ret, bool *ret_ok);
/* What sg_auth_plan gave is durable. */
void sg_auth_planned_durable(struct sg_auth_session *s, const struct sg_window *w);
/* Another authenticator wrote: the window that is there now. */
void sg_auth_session_reload(struct sg_auth_session *s, const struct sg_window *stored);
/* One claim ends: the number is in the stored window now, or may come again. */
void sg_auth_settled(struct sg_auth_session *s, uint64_t seq);

/* Seals acknowledgements for a session into one datagram appended to *ret. */
SG_MUST_USE int sg_auth_ack(struct sg_auth *a, struct sg_auth_session *s, const struct sg_ack *acks,
                            size_t n, struct sg_buf *ret);
/* Seals any downlink payload (NBR 14522 request). */
SG_MUST_USE int sg_auth_command(struct sg_auth *a, struct sg_auth_session *s,
                                enum sg_payload_kind kind, struct sg_bytes payload,
                                struct sg_buf *ret);

size_t sg_auth_sessions(const struct sg_auth *a);
size_t sg_auth_handshakes(const struct sg_auth *a);
