#pragma once
/*
 * counters - what an authenticator counts, in /metrics.  Any thread.
 */
#include <sealgrid/base/metrics.h>
#include <sealgrid/meter/session-auth.h>

/* C(name, metric, help) */
#define AUTH_COUNTERS(C)                                                                           \
    C(frames, "sealgrid_authd_frames_total", "Datagrams taken from aggregators.")                  \
    C(handshakes, "sealgrid_authd_handshakes_total", "EDHOC sessions established and stored.")     \
    C(handshakes_refused, "sealgrid_authd_handshakes_refused_total",                               \
      "EDHOC runs ended with an error message.")                                                   \
    C(sessions_too_many, "sealgrid_authd_sessions_too_many_total",                                 \
      "Sessions not stored because their meter makes them too fast.")                              \
    C(replays, "sealgrid_authd_replayed_frames_total",                                             \
      "Genuine frames that came again, after their rows were stored or behind the window.")        \
    C(pending, "sealgrid_authd_pending_frames_total",                                              \
      "Genuine frames that came again while the first copy was being worked on.")                  \
    C(blocks, "sealgrid_authd_blocks_stored_total", "Signed blocks stored.")                       \
    C(accepted, "sealgrid_authd_readings_accepted_total",                                          \
      "Readings that passed every check and were not stored before.")                              \
    C(stored, "sealgrid_authd_readings_stored_total", "Rows written to table reading.")            \
    C(duplicate, "sealgrid_authd_readings_duplicate_total",                                        \
      "Readings that were stored before with the same contents.")                                  \
    C(conflict, "sealgrid_authd_readings_conflict_total",                                          \
      "Differing second readings, kept in table reading_conflict.")                                \
    C(evidence_conflict, "sealgrid_authd_block_evidence_conflict_total",                           \
      "Blocks whose evidence differs from stored evidence of the same readings.")                  \
    C(acks, "sealgrid_authd_acknowledgements_total", "Acknowledgements sealed.")                   \
    C(batches, "sealgrid_authd_batches_total", "Batches made durable.")                            \
    C(batch_conflicts, "sealgrid_authd_batch_conflicts_total",                                     \
      "Batches refused for a precondition and made anew.")                                         \
    C(store_failures, "sealgrid_authd_store_failures_total", "Store calls that failed.")           \
    C(abandoned, "sealgrid_authd_abandoned_total",                                                 \
      "Payloads given up without acknowledgement: the meter sends them again.")

struct auth_counters {
#define C(name, metric, help) struct sg_metric name;
    AUTH_COUNTERS(C)
#undef C
    struct sg_metric refused[SG_REFUSED_COUNT];   /* readings, by reason */
    struct sg_metric dropped[SG_AUTH_DROP_COUNT]; /* frames, by reason */
    struct sg_metric aggregators;
};
extern struct auth_counters auth_counters;
void auth_counters_register(void);
#define auth_count(name, n) sg_metric_add(&auth_counters.name, (int64_t)(n))
