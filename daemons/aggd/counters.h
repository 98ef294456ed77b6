#pragma once
/*
 * counters - what an aggregator counts, in /metrics.  Any thread.
 */
#include <sealgrid/base/metrics.h>

/* C(name, metric, labels, gauge, help) */
#define AGG_COUNTERS(C)                                                                            \
    C(frames, "sealgrid_aggd_frames_total", NULL, false,                                           \
      "Distinct sealed frames from meters, by connection id and sequence number.")                 \
    C(retransmissions, "sealgrid_aggd_retransmissions_total", NULL, false,                         \
      "Sealed frames that came again.")                                                            \
    C(handshakes, "sealgrid_aggd_handshake_messages_total", NULL, false,                           \
      "EDHOC messages from meters.")                                                               \
    C(forwarded, "sealgrid_aggd_forwarded_total", NULL, false,                                     \
      "Frames handed to an authenticator, repeats after a lost connection included.")              \
    C(done, "sealgrid_aggd_done_total", NULL, false, "Frames an authenticator has finished with.") \
    C(downlinks, "sealgrid_aggd_downlinks_total", NULL, false, "Datagrams sent to meters.")        \
    C(connects, "sealgrid_aggd_uplink_connects_total", NULL, false,                                \
      "Uplink connections made to an authenticator.")                                              \
    C(dropped_malformed, "sealgrid_aggd_dropped_total", "reason=\"malformed\"", false,             \
      "Datagrams dropped, by reason.")                                                             \
    C(dropped_backlog_full, "sealgrid_aggd_dropped_total", "reason=\"backlog_full\"", false,       \
      "Datagrams dropped, by reason.")                                                             \
    C(dropped_no_uplink, "sealgrid_aggd_dropped_total", "reason=\"no_uplink\"", false,             \
      "Datagrams dropped, by reason.")                                                             \
    C(dropped_meters_full, "sealgrid_aggd_dropped_total", "reason=\"meters_full\"", false,         \
      "Datagrams dropped, by reason.")                                                             \
    C(dropped_unknown_handle, "sealgrid_aggd_dropped_total", "reason=\"unknown_handle\"", false,   \
      "Datagrams dropped, by reason.")                                                             \
    C(dropped_socket, "sealgrid_aggd_dropped_total", "reason=\"socket\"", false,                   \
      "Datagrams dropped, by reason.")                                                             \
    C(backlog_damaged, "sealgrid_aggd_backlog_damaged_total", NULL, false,                         \
      "Backlog records that failed their check and were left out.")                                \
    C(backlog_frames, "sealgrid_aggd_backlog_frames", NULL, true,                                  \
      "Frames taken from meters that no authenticator has finished with.")                         \
    C(backlog_octets, "sealgrid_aggd_backlog_disk_octets", NULL, true,                             \
      "Octets of backlog segments on disk.")                                                       \
    C(meters, "sealgrid_aggd_meters", NULL, true, "Meters heard within the idle limit.")           \
    C(uplink_up, "sealgrid_aggd_uplink_up", NULL, true, "1 while connected to an authenticator.")

struct agg_counters {
#define C(name, metric, labels, gauge, help) struct sg_metric name;
    AGG_COUNTERS(C)
#undef C
};
extern struct agg_counters agg_counters;
void agg_counters_register(void);
#define agg_count(name) sg_metric_add(&agg_counters.name, 1)
