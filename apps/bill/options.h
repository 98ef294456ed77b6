#pragma once
/*
 * options - of sealgrid-bill; see --help.
 */
#include <sealgrid/base/conf.h>

/* O(name, type, field, default, min, max, help) */
#define BILL_OPTIONS(O)                                                                            \
    O("tariff", STRING, tariff, NULL, 0, 0, "tariff, YAML file (required)")                        \
    O("input", STRING, input, NULL, 0, 0, "evidence file, or CSV (docs/billing.md)")               \
    O("contracts", STRING, contracts, NULL, 0, 0, "clients' contracts, YAML or JSON")              \
    O("vee", STRING, vee, NULL, 0, 0, "rule file: what lacks is estimated (docs/vee.md)")          \
    O("installations", STRING, installations, NULL, 0, 0,                                          \
      "authority's records, JSON (for --input)")                                                   \
    O("store", BOOL, store, "false", 0, 0, "read from the store instead of --input")               \
    O("client", STRING, client, NULL, 0, 0, "one client's number (with --store)")                  \
    O("all", BOOL, all, "false", 0, 0, "every client that has an installation (with --store)")     \
    O("period", STRING, period, NULL, 0, 0, "month of the tariff's zone, 2026-09")                 \
    O("from", STRING, from, NULL, 0, 0, "begin, RFC 3339, instead of --period")                    \
    O("until", STRING, until, NULL, 0, 0, "end, RFC 3339")                                         \
    O("out", STRING, out, NULL, 0, 0, "folder for bill/CLIENT/PERIOD.json and evidence/...")       \
    O("upload", BOOL, upload, "false", 0, 0, "write both into the bucket \"evidence\" too")        \
    O("page", STRING, page, NULL, 0, 0, "file for the bill as a page for people (one client)")     \
    O("pdf", STRING, pdf, NULL, 0, 0, "the same page as PDF, by headless Chromium (one client)")   \
    O("green-button", STRING, green_button, NULL, 0, 0,                                            \
      "file for the bill as Green Button, ESPI 3.3 (one client)")                                  \
    O("csv", STRING, csv, NULL, 0, 0, "file for its intervals as a table (one client)")            \
    O("resume", BOOL, resume, "false", 0, 0, "go on with a stopped --all --out run")               \
    O("progress", BOOL, progress, "false", 0, 0, "with --all: JSON lines on standard error")       \
    O("json", BOOL, json, "false", 0, 0, "the bill, or with --all a summary, as JSON")             \
    O("threads", INT, threads, "8", 1, 64, "clients worked on at a time; most of it is waiting")   \
    O("kvsd.connect", STRING, kvsd_connect, "127.0.0.1:17410", 0, 0, "kvsd")                       \
    O("cas.connect", STRING, cas_connect, "127.0.0.1:17400", 0, 0, "casd")                         \
    O("cas.pin", STRING, cas_pin, NULL, 0, 0, "SHA-256 of casd's CA certificate, hex")             \
    O("cas.provider", STRING, cas_provider, "sim", 0, 0, "attestation provider")                   \
    O("cas.platform", STRING, cas_platform, NULL, 0, 0, "folder of the simulated platform's key")

struct bill_options {
    char *tariff, *input, *contracts, *vee, *installations, *client, *period, *from, *until, *out,
        *page, *pdf, *green_button, *csv;
    char *kvsd_connect, *cas_connect, *cas_pin, *cas_provider, *cas_platform;
    bool store, all, upload, resume, progress, json;
    int64_t threads;
};

extern const struct sg_conf_table bill_table;
