#pragma once
/*
 * session-fixture - what the tests of sessions share: identities, a store in memory that keeps the
 * atomic rules of the real one (windows by compare-and-set, payloads once), and one authenticator
 * on top of it that judges nothing but that.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/meter/session-auth.h>

#define FX_SESSIONS 512
#define FX_PAYLOADS 8192
#define FX_T0       INT64_C(1788231600) /* 2026-09-01T03:00:00Z */

struct fx_identity {
    struct sg_edhoc_identity *own;  /* with private key */
    struct sg_edhoc_identity *peer; /* as the other side sees it */
};
void fx_identity(struct fx_identity *ret, const char *name);
void fx_identity_clear(struct fx_identity *i);

struct fx_store {
    struct fx_stored_session {
        struct sg_session_record record;
        struct sg_window window;
        bool has_window;
    } sessions[FX_SESSIONS];
    size_t n_sessions;
    struct fx_payload {
        int64_t client_id;
        uint64_t number; /* first 8 octets of the payload */
        unsigned times;
    } payloads[FX_PAYLOADS];
    size_t n_payloads;
    bool down; /* every call fails */
};
struct fx_stored_session *fx_find(struct fx_store *s, const uint8_t *cid);
/* All or nothing, as the real batch: 1 on a window conflict. */
int fx_commit(struct fx_store *s, const uint8_t *cid, const struct sg_window *expect,
              bool expect_absent, const struct sg_window *next, int64_t client_id, uint64_t number,
              bool *ret_same);
unsigned fx_times(const struct fx_store *s, int64_t client_id, uint64_t number);

/* Meters known to an authenticator: client id = 1000 + index. */
struct fx_auth {
    struct sg_auth *engine;
    struct fx_store *store;
    const struct fx_identity *meters;
    size_t n_meters;
    struct sg_prng prng;
    struct sg_auth_ops ops;
    unsigned events[SG_AUTH_DROPPED + 1];
    unsigned drops[SG_AUTH_DROP_COUNT];
    unsigned conflicts;
};
void fx_auth_new(struct fx_auth *a, struct fx_store *store, const struct fx_identity *own,
                 const struct fx_identity *meters, size_t n_meters, uint64_t seed);
void fx_auth_free(struct fx_auth *a);
/* Datagram in; the answer, if any, in *reply (reset first). */
void fx_auth_receive(struct fx_auth *a, struct sg_bytes datagram, int64_t now_ms,
                     struct sg_buf *reply);
