#pragma once
/*
 * lane - one pipeline from frame to durable row: a worker thread that opens, verifies and encodes,
 * and a committer thread that makes many blocks durable at once and acknowledges them.  A session
 * belongs to one lane of a process (by its connection id), so windows need one lock per lane only.
 *
 *   conn threads -> inbox (bounded) -> worker -> jobs (bounded) -> committer -> kv batch
 *         ^                              |                               |
 *         +------- refusals -------------+------- acks, DONE ------------+
 *
 * Each lane has its own engine of sessions, registry of meters and two kv sessions.
 */
#include "conn.h"
#include "judge.h"

struct auth_lanes;

struct auth_lane_options {
    unsigned lanes; /* pipelines, at least 1 */
    int suites[2];
    size_t n_suites;
    const struct sg_edhoc_identity *own[2];
    struct sg_cert *const *roots; /* the metrology authority's; borrowed */
    size_t n_roots;
    struct auth_rules rules;
    size_t sessions_max;
    /* A new kv session for one thread, and its end. */
    int (*open_kv)(void *user, struct sg_kv **ret);
    void (*close_kv)(void *user, struct sg_kv *kv);
    /* True: the session should be closed and opened again when it suits (identity renewed). */
    bool (*kv_is_old)(void *user, const struct sg_kv *kv);
    void *kv_user;
    int64_t (*unix_s)(void);              /* NULL: the world's clock */
    int64_t retry_first_ms, retry_max_ms; /* store failures; 0: 100, 5,000 */
};

SG_MUST_USE int auth_lanes_start(struct auth_lanes **ret, const struct auth_lane_options *o);
/* Finishes nothing: frames in work end unacknowledged.  Joins; NULL accepted. */
void auth_lanes_stop(struct auth_lanes *l);
/* True while no inbox is full. */
bool auth_lanes_have_room(const struct auth_lanes *l);
/* False while a lane waits for the store. */
bool auth_lanes_ready(const struct auth_lanes *l);
/* Copies the frame; takes a reference on c. */
SG_MUST_USE int auth_lanes_put(struct auth_lanes *l, struct auth_conn *c, uint64_t handle,
                               uint64_t number, struct sg_bytes frame);
