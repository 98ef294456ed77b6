#pragma once
/*
 * options - of sealgrid-fraud; see --help.
 */
#include <sealgrid/base/conf.h>

/* O(kind, member, name, default, min, max, required, help) */
#define FRAUD_OPTIONS(O)                                                                           \
    O(STRING, input, "input", NULL, 0, 0, false,                                                   \
      "daily rows, CSV or CSV.gz: customer,day,weekday,h00.. or building,date,h00..")              \
    O(BOOL, store, "store", "false", 0, 0, false, "read the readings of the store instead")        \
    O(STRING, out, "out", NULL, 0, 0, false, "ranking: customer,score,rank,reasons; - is stdout")  \
    O(STRING, drop_out, "drop-out", NULL, 0, 0, false,                                             \
      "the same ranked by fall of consumption alone, to compare with")                             \
    O(STRING, order, "order", "chance", 0, 0, false,                                               \
      "mode full: rank by chance of theft, or energy: by kWh a day that visits would recover")     \
    O(STRING, energy_out, "energy-out", NULL, 0, 0, false,                                         \
      "mode full: the same ranked by energy, beside a ranking by chance")                          \
    O(STRING, mode, "mode", "full", 0, 0, false, "correlation, paper or full")                     \
    O(INT, threads, "threads", "0", 0, 256, false, "customers worked on at a time; 0: one a CPU")  \
    O(INT, seed, "seed", "1", 0, INT64_MAX, false, "of the map's sample and the intervals")        \
    O(STRING, labels, "labels", NULL, 0, 0, false, "known thieves, CSV: customer,label,...")       \
    O(STRING, learn, "learn", NULL, 0, 0, false,                                                   \
      "learn a ranking from inspections; file for it, if it is better")                            \
    O(STRING, outcomes, "outcomes", NULL, 0, 0, false,                                             \
      "inspections, CSV: customer,inspected_day,outcome[,kwh][,group]; of the store without")      \
    O(INT, learn_step, "learn-step", "14", 1, 366, false,                                          \
      "days from one look at the fleet of then to the next")                                       \
    O(STRING, learned, "learned", NULL, 0, 0, false,                                               \
      "rank by what was learnt; with --learn: see whether it still holds")                         \
    O(BOOL, json, "json", "false", 0, 0, false, "summary as JSON on standard output")              \
    O(STRING, phasors, "phasors", NULL, 0, 0, false,                                               \
      "mode full: phasors, CSV or CSV.gz: customer,time,v1,...; none: not those of the store")     \
    O(STRING, topology, "topology", NULL, 0, 0, false,                                             \
      "who hangs on which transformer's meter, CSV: customer,transformer; or store: its table")    \
    O(STRING, balance, "balance", NULL, 0, 0, false,                                               \
      "with --topology: whose load goes with a transformer's loss, CSV; - is stdout")              \
    O(STRING, client, "client", NULL, 0, 0, false, "judge this one customer alone")                \
    O(STRING, map, "map", NULL, 0, 0, false, "trained map or model to judge by")                   \
    O(STRING, save_map, "save-map", NULL, 0, 0, false,                                             \
      "file for the map or model that was trained")                                                \
    O(STRING, reference_days, "reference-days", NULL, 0, 0, false,                                 \
      "regular days, first..last: numbers of the file's days, or dates")                           \
    O(STRING, test_days, "test-days", NULL, 0, 0, false, "days judged, first..last")               \
    O(INT, reference, "reference", "90", 1, 1900, false,                                           \
      "without the two above: days before the recent ones that are regular")                       \
    O(INT, recent, "recent", "30", 1, 100, false, "and latest days, which are judged")             \
    O(BOOL, sliding, "sliding", "false", 0, 0, false,                                              \
      "correlation: each recent day against earlier days of its kind")                             \
    O(INT, sliding_days, "sliding-days", "60", 1, 400, false, "how many days of its kind")         \
    O(INT, sliding_lag, "sliding-lag", "30", 0, 400, false, "calendar days between")               \
    O(INT, least_reference, "least-reference", "7", 1, 1900, false,                                \
      "complete regular days without which nobody is judged")                                      \
    O(INT, least_recent, "least-recent", "3", 1, 100, false, "complete recent days likewise")      \
    O(INT, profiles, "profiles", "0", 0, 1000, false,                                              \
      "JSON: regular and recent day of so many first in rank")                                     \
    O(STRING, context, "context", NULL, 0, 0, false,                                               \
      "facts about customers, CSV: customer,class,activity,region,contracted_kw,...")              \
    O(STRING, holidays, "holidays", NULL, 0, 0, false, "public holidays, CSV: date[,region]")      \
    O(STRING, page, "page", NULL, 0, 0, false, "the ranking as a page for inspectors, HTML")       \
    O(INT, capacity, "capacity", "50", 1, 1000, false, "page: how many of the first in rank")      \
    O(STRING, lang, "lang", "en", 0, 0, false, "page: language shown first: en, pt")               \
    O(INT, rounds, "rounds", "1000", 0, 100000, false, "bootstrap rounds of the intervals")        \
    O(INT, sort_mib, "sort-mib", "2048", 1, 1048576, false,                                        \
      "memory for a file whose customers' rows lie apart")                                         \
    O(INT, keep_mib, "keep-mib", "1024", 0, 1048576, false,                                        \
      "store: memory for days that the second pass wants again")                                   \
    O(BOOL, progress, "progress", "false", 0, 0, false, "tell how far, even without a terminal")   \
    O(STRING, last_day, "last-day", NULL, 0, 0, false,                                             \
      "store: last day read, 2026-09-30; without it yesterday")                                    \
    O(STRING, zone, "zone", "America/Sao_Paulo", 0, 0, false,                                      \
      "store: whose days; an IANA zone or +hh:mm")                                                 \
    O(INT, points, "points", "96", 24, 96, false,                                                  \
      "store: intervals a day is cut into: 24, 48, 96")                                            \
    O(STRING, kvsd_connect, "kvsd.connect", "127.0.0.1:17410", 0, 0, false, "kvsd")                \
    O(STRING, cas_connect, "cas.connect", "127.0.0.1:17400", 0, 0, false, "casd")                  \
    O(STRING, cas_pin, "cas.pin", NULL, 0, 0, false, "SHA-256 of casd's CA certificate, hex")      \
    O(STRING, cas_provider, "cas.provider", "sim", 0, 0, false, "attestation provider")            \
    O(STRING, cas_platform, "cas.platform", NULL, 0, 0, false,                                     \
      "folder of the simulated platform's key")

struct fraud_options {
    FRAUD_OPTIONS(SG_CONF_MEMBER)
};

extern const struct sg_conf_table fraud_table;
