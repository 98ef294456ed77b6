#pragma once
/*
 * session - the two ends of a meter's sealed connection, sans-I/O: datagrams in, datagrams and
 * events out, time and randomness from the caller.  docs/adr/0001-sealed-frame.md has the argument,
 * docs/protocols/edhoc-profile.md the handshake.
 *
 * Meter end (struct sg_meter_session): connects with EDHOC, seals payloads, keeps each sealed frame
 * until it is acknowledged, sends the same octets again when its timer runs out, renews the session
 * when the authenticators no longer know it.  A payload is acknowledged once it is durable in the
 * store: until then it is the meter's.
 *
 * Authenticator end (struct sg_auth): session-auth.h.
 */
#include <sealgrid/meter/edhoc.h>
#include <sealgrid/meter/frame.h>

/* EDHOC_Exporter labels (private use, RFC 9528 section 10.1): 28 octets, key 16 then IV 12. */
#define SG_SESSION_LABEL_UPLINK   40961u /* context: empty */
#define SG_SESSION_LABEL_DOWNLINK 40962u /* context: sender id, 16 octets */

/* Calls back during receive, tick, connect and queue; none of them may call into the session. */
struct sg_meter_session_ops {
    /* A datagram for the network.  May be lost, as on any network. */
    void (*send)(void *user, struct sg_bytes datagram);
    /* The first time and after each renewal. */
    void (*connected)(void *user);
    /* The payload queued with this token reached its end: durable (stored, duplicate) or refused.
     */
    void (*settled)(void *user, uint64_t token, enum sg_ack_status status, enum sg_refusal reason);
    /* A payload from an authenticator that is no acknowledgement (NULL: dropped). */
    void (*command)(void *user, enum sg_payload_kind kind, struct sg_bytes payload);
    /* Handshake ids and jitter. */
    void (*random)(void *user, void *p, size_t n);
};

/* Shared by any number of meters; borrowed, outlives them. */
struct sg_meter_session_config {
    const struct sg_meter_session_ops *ops;
    int suites[2]; /* most preferred first: 2, 3 */
    size_t n_suites;
    /* Authenticators' certificates, the peer's view. */
    const struct sg_edhoc_identity *const *authenticators;
    size_t n_authenticators;
    int64_t retry_first_ms; /* 0: 2,000; doubled per attempt, plus up to a quarter of jitter */
    int64_t retry_max_ms;   /* 0: 60,000 */
    unsigned attempts_before_renewal; /* 0: 8 sends of one frame without an answer */
    /* Where keys live: few locked pages for all meters of a process; NULL: a locked page (with its
     * guards, four) for each session. */
    struct sg_keyslab *keys;
};

struct sg_keyslab; /* freed after the last session that uses it */
SG_MUST_USE int sg_meter_key_pool_new(struct sg_keyslab **ret);
void sg_meter_key_pool_free(struct sg_keyslab *p);

#define SG_METER_INFLIGHT_MAX 16 /* frames not yet acknowledged */
#define SG_METER_SENDERS_MAX  8  /* authenticator processes heard in one session; then renewed */

enum sg_meter_state {
    SG_METER_IDLE,
    SG_METER_WAIT_2, /* message_1 sent */
    SG_METER_WAIT_4, /* message_3 sent */
    SG_METER_OPEN,
};

struct sg_meter_counters {
    uint64_t handshakes;      /* completed */
    uint64_t frames;          /* distinct uplink frames sealed and sent */
    uint64_t retransmissions; /* the same octets again */
    uint64_t settled;
    uint64_t refused_downlinks; /* forged, replayed or malformed datagrams */
};

struct sg_meter_session; /* at most 2 KiB without the frames in flight */

SG_MUST_USE int sg_meter_session_new(struct sg_meter_session **ret,
                                     const struct sg_meter_session_config *c,
                                     const struct sg_edhoc_identity *own, void *user);
void sg_meter_session_free(
    struct sg_meter_session *s); /* wipes keys; frames in flight are dropped */
SG_DEFINE_FREEP(struct sg_meter_session, sg_meter_session_free)

/* Starts the handshake; may be called again at any time to renew the session. */
SG_MUST_USE int sg_meter_session_connect(struct sg_meter_session *s, int64_t now_ms);
enum sg_meter_state sg_meter_session_state(const struct sg_meter_session *s);

enum sg_meter_outcome {
    SG_METER_NOT_OPEN = 1, /* no session yet: wait for connected */
    SG_METER_FULL,         /* wait for a settled */
};
/* Seals and sends one payload (without its kind octet; copied).  token comes back in settled. */
SG_MUST_USE int sg_meter_session_queue(struct sg_meter_session *s, enum sg_payload_kind kind,
                                       struct sg_bytes payload, uint64_t token, int64_t now_ms);
/* How many payloads may be queued now: 0 when not open. */
unsigned sg_meter_session_room(const struct sg_meter_session *s);
unsigned sg_meter_session_inflight(const struct sg_meter_session *s);

/* Whatever arrives for this meter; a datagram that is not for it or not genuine is counted and has
 * no effect.  -errno: our own failure only. */
SG_MUST_USE int sg_meter_session_receive(struct sg_meter_session *s, struct sg_bytes datagram,
                                         int64_t now_ms);
/* When tick wants to be called next; INT64_MAX: never.  Calling earlier is harmless. */
int64_t sg_meter_session_next_ms(const struct sg_meter_session *s);
SG_MUST_USE int sg_meter_session_tick(struct sg_meter_session *s, int64_t now_ms);
const struct sg_meter_counters *sg_meter_session_counters(const struct sg_meter_session *s);
/* Octets of one session object, for memory budgets. */
size_t sg_meter_session_size(void);
