#pragma once
/*
 * batch-int - one atomic batch in the making: the jobs' rows, and the next state of each session's
 * replay window by compare-and-set from the state they were judged by.  Committer thread.
 */
#include "lane-int.h"

enum op_of { OF_WINDOW, OF_READING, OF_BLOCK, OF_SESSION };

struct owner {
    uint16_t of;  /* enum op_of */
    uint16_t job; /* or session, for OF_WINDOW */
    uint16_t row;
};

struct planned {
    struct sg_auth_session *session;
    struct sg_window before, next;
    bool absent;
};

/* One try. */
struct auth_batch {
    struct auth_lane *lane;
    struct auth_job **jobs;
    size_t n_jobs;
    struct sg_kv_op *ops;
    enum sg_kv_op_result *results;
    struct owner *owners;
    size_t n_ops, max_ops;
    struct planned sessions[AUTH_BATCH_JOBS];
    size_t n_sessions;
    struct sg_buf scratch; /* reserved whole: never moves while ops point into it */
};

SG_MUST_USE int auth_batch_init(struct auth_batch *b, struct auth_lane *l);
void auth_batch_clear(struct auth_batch *b);
/* Windows for the jobs still open; jobs whose numbers are not fresh any more get their verdict. */
void auth_batch_plan(struct auth_batch *b);
SG_MUST_USE int auth_batch_build(struct auth_batch *b);
/* The store said 0: windows, verdicts and counts of rows. */
void auth_batch_durable(struct auth_batch *b);
/* The store said SG_KV_CONFLICT: windows are read again, jobs sent elsewhere.  alone[i]: job i
 * changed, so that it may need more rows than were reckoned with. */
SG_MUST_USE int auth_batch_conflicts(struct auth_batch *b, bool *alone);
