#pragma once
/*
 * session-auth-int - the authenticator's session objects and the table that caches them: hashed by
 * connection id, least recently used first to go, never one with a claim on it.
 */
#include "keyslab.h"

#include <sealgrid/meter/session-auth.h>

#define SG_CLAIMS_MAX 64 /* frames of one session in work at once; a meter has 16 in flight */

struct sg_session_keys {
    uint8_t prk_exporter[SG_EDHOC_PRK_LEN];
    struct sg_frame_key uplink;
    struct sg_frame_key downlink; /* for the sender id below */
};

struct sg_auth_session {
    struct sg_session_record record; /* prk_exporter is zero here and stands in keys */
    struct sg_window stored;
    struct sg_session_keys *keys;
    uint8_t sender[SG_FRAME_SENDER_LEN];
    bool has_downlink;
    uint64_t claims[SG_CLAIMS_MAX];
    unsigned n_claims;
    struct sg_auth_session *chain;         /* same bucket */
    struct sg_auth_session *newer, *older; /* by use */
};

struct sg_session_table {
    struct sg_auth_session **buckets;
    size_t n_buckets; /* power of two */
    size_t n, max;
    struct sg_auth_session *newest, *oldest;
    struct sg_keyslab *slab;
};

SG_MUST_USE int sg_session_table_init(struct sg_session_table *t, size_t max);
void sg_session_table_clear(struct sg_session_table *t);
/* Becomes the newest; NULL: not here. */
struct sg_auth_session *sg_session_table_find(struct sg_session_table *t,
                                              const uint8_t cid[SG_FRAME_ID_LEN]);
/* Replaces one of the same cid that has no claims.  -ENOSPC if every session has claims. */
SG_MUST_USE int sg_session_table_add(struct sg_session_table *t,
                                     const struct sg_session_record *record,
                                     const struct sg_window *stored, struct sg_auth_session **ret);

enum sg_claim { SG_CLAIM_OURS, SG_CLAIM_TAKEN, SG_CLAIM_FULL };
enum sg_claim sg_session_claim(struct sg_auth_session *s, uint64_t seq);
void sg_session_unclaim(struct sg_auth_session *s, uint64_t seq);
/* Makes keys->downlink the one of this sender id. */
void sg_session_downlink_key(struct sg_auth_session *s, const uint8_t sender[SG_FRAME_SENDER_LEN]);
