#pragma once
/*
 * modes - what the program can be told to do, and the report each mode ends with.
 */
#include "fleet.h"

#include <sealgrid/base/conf.h>
#include <sealgrid/base/json.h>
#include <sealgrid/meter/frame.h>

struct sim_options {
    struct sim_params params; /* --provision only: later runs read fleet.yaml */
    char *provision, *fleet, *json;
    struct sg_conf_list aggregator, authenticators;
    int64_t window, timeout_s, only_meters;
    char *record, *replay;
    int64_t record_max, replay_window;
    bool conflict, move, hold;
    int64_t conflict_meter, conflict_reading;
    char *verify_sql, *ca, *api_key_file, *table;
    int64_t connections;
};

#define SIM_MODE_OPTIONS(O)                                                                        \
    O("provision", SG_CONF_STRING, provision, NULL, 0, 0, "make a fleet in this folder")           \
    , O("fleet", SG_CONF_STRING, fleet, NULL, 0, 0, "folder of a provisioned fleet"),              \
        O("json", SG_CONF_STRING, json, NULL, 0, 0, "file for the report; - standard output"),     \
        O("aggregator", SG_CONF_LIST, aggregator, NULL, 0, 0, "host:port, meters take turns"),     \
        O("authenticators", SG_CONF_LIST, authenticators, NULL, 0, 0,                              \
          "certificates that meters trust, PEM files"),                                            \
        O("window", SG_CONF_INT, window, "4096", 64, 1048576, "KiB in flight an aggregator"),      \
        O("timeout", SG_CONF_INT, timeout_s, "120", 1, 86400,                                      \
          "give up after so long without an "                                                      \
          "acknowledgement, seconds"),                                                             \
        O("only-meters", SG_CONF_INT, only_meters, "0", 0, 1000000, "the first N meters; 0: all"), \
        O("move", SG_CONF_BOOL, move, "false", 0, 1,                                               \
          "halfway, meters go over to the next aggregator"),                                       \
        O("record", SG_CONF_STRING, record, NULL, 0, 0, "write uplink frames to this file"),       \
        O("record-max", SG_CONF_INT, record_max, "16", 1, 1000000000, "frames to record"),         \
        O("hold", SG_CONF_BOOL, hold, "false", 0, 1,                                               \
          "with --record: do not send them, up to 16 of each meter"),                              \
        O("replay", SG_CONF_STRING, replay, NULL, 0, 0, "send recorded frames as they are"),       \
        O("replay-window", SG_CONF_INT, replay_window, "0", 0, 65536,                              \
          "frames without an answer at once; 0: one every 2 ms, answered or not"),                 \
        O("conflict", SG_CONF_BOOL, conflict, "false", 0, 1, "send a second, differing reading"),  \
        O("conflict-meter", SG_CONF_INT, conflict_meter, "1", 0, 1000000, "meter number, from 0"), \
        O("conflict-reading", SG_CONF_INT, conflict_reading, "10", 0, INT64_MAX,                   \
          "reading number, from 0"),                                                               \
        O("verify-sql", SG_CONF_STRING, verify_sql, NULL, 0, 0, "host:port of the SQL service"),   \
        O("ca", SG_CONF_STRING, ca, NULL, 0, 0, "its certificate authority, PEM file"),            \
        O("api-key-file", SG_CONF_STRING, api_key_file, NULL, 0, 0, "file with the API key"),      \
        O("table", SG_CONF_STRING, table, "reading", 0, 0, "table to read back"),                  \
        O("connections", SG_CONF_INT, connections, "2", 1, 16, "to the SQL service")

/* C(member): counters of the report. */
#define SIM_COUNTERS(C)                                                                            \
    C(meters)                                                                                      \
    C(handshakes)                                                                                  \
    C(blocks)                                                                                      \
    C(frames_sent)                                                                                 \
    C(retransmitted)                                                                               \
    C(readings_sent)                                                                               \
    C(readings_acked)                                                                              \
    C(stored)                                                                                      \
    C(duplicates)                                                                                  \
    C(refused)                                                                                     \
    C(refused_downlinks)                                                                           \
    C(moved)                                                                                       \
    C(replayed)                                                                                    \
    C(answers)                                                                                     \
    C(clients)                                                                                     \
    C(rows)                                                                                        \
    C(mismatches)

struct sim_report {
    const char *mode;
    bool ok;
#define SIM_C(name) uint64_t name;
    SIM_COUNTERS(SIM_C)
#undef SIM_C
    uint64_t refused_by[SG_REFUSED_COUNT];
    int64_t client_id, ts_s; /* --conflict: whose reading of when */
    double seconds;
};

/* One JSON object to path ("-": standard output; NULL: nowhere). */
SG_MUST_USE int sim_report_write(const struct sim_report *r, const char *path);

/* *ret_ok: everything went as it should. */
SG_MUST_USE int sim_send(const struct sim_options *o, bool *ret_ok);
SG_MUST_USE int sim_replay(const struct sim_options *o, bool *ret_ok);
/* Ok when the platform refused it as a conflict. */
SG_MUST_USE int sim_conflict(const struct sim_options *o, bool *ret_ok);
SG_MUST_USE int sim_verify(const struct sim_options *o, bool *ret_ok);
