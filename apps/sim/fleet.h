#pragma once
/*
 * fleet - the folder of a provisioned fleet: parameters, keys, and the files for the platform.
 * DESIGN.md lists the files.  Owns: keys, model, load data.
 */
#include <sealgrid/crypto/x509.h>
#include <sealgrid/meter/edhoc.h>
#include <sealgrid/meter/model.h>
#include <sealgrid/meter/rows.h>

#define SIM_PATH_MAX 512

/* What fleet.yaml holds; also options of --provision. */
struct sim_params {
    int64_t meters, days, interval, seed;
    char *start; /* RFC 3339 */
    char *data;  /* load file; "" built in */
    int64_t fraud_permille, fraud_phasor_permille, rsa_percent, single_percent, single_days;
};

struct sim_keys {
    struct sg_edhoc_identity *edhoc; /* own: certificate and key */
    struct sg_key *metrology;
    uint8_t block_secret[32]; /* the seeds of the meter's blocks come from it */
};

struct sim_fleet {
    struct sim_params params;
    int64_t start_s;
    struct sg_load_data *data;
    struct sg_model *model;
    struct sim_keys *keys; /* NULL until loaded */
};

struct sg_conf_option;
/* Rows of an option table for struct sim_params at an offset. */
#define SIM_PARAM_OPTIONS(O, base)                                                                 \
    O("meters", SG_CONF_INT, base.meters, "1000", 1, 1000000, "meters")                            \
    , O("days", SG_CONF_INT, base.days, "30", 1, 3660, "days"),                                    \
        O("interval", SG_CONF_INT, base.interval, "900", 900, 86400, "seconds an interval"),       \
        O("seed", SG_CONF_INT, base.seed, "1", 0, INT64_MAX, "same seed, same readings"),          \
        O("start", SG_CONF_STRING, base.start, "2026-09-01T03:00:00Z", 0, 0, "first instant"),     \
        O("data", SG_CONF_STRING, base.data, "", 0, 0, "daily load rows (csv, csv.gz)"),           \
        O("fraud-permille", SG_CONF_INT, base.fraud_permille, "85", 0, 1000,                       \
          "meters that report less"),                                                              \
        O("fraud-phasor-permille", SG_CONF_INT, base.fraud_phasor_permille, "15", 0, 1000,         \
          "of the other meters: elements tampered with"),                                          \
        O("rsa-percent", SG_CONF_INT, base.rsa_percent, "20", 0, 100,                              \
          "meters that sign with PS256"),                                                          \
        O("single-percent", SG_CONF_INT, base.single_percent, "10", 0, 100,                        \
          "meters that send single readings at the end"),                                          \
        O("single-days", SG_CONF_INT, base.single_days, "2", 0, 3660, "days they do")

/* Identity of meter i, from the seed: 10 digits from 3,000,000,000, and 8 digits. */
int64_t sim_client_id(const struct sim_params *p, uint32_t i);
void sim_serial(const struct sim_params *p, uint32_t i, char ret[SG_BLOCK_SERIAL_MAX + 1]);
/* Share of the fleet by meter number: spread evenly, so that any prefix of it has the mix. */
bool sim_signs_rsa(const struct sim_params *p, uint32_t i);
bool sim_sends_single(const struct sim_params *p, uint32_t i);
enum sg_sign_alg sim_alg(const struct sim_params *p, uint32_t i);

/* Blocks of meter i in order: number b covers readings [*first, *first + *count). */
uint32_t sim_block_count(const struct sim_fleet *f, uint32_t i);
void sim_block_range(const struct sim_fleet *f, uint32_t i, uint32_t b, uint64_t *ret_first,
                     uint32_t *ret_count);

/* Parameters from a parsed table into a fleet with its model.  -EINVAL. */
SG_MUST_USE int sim_fleet_init(struct sim_fleet *f, const struct sim_params *p);
/* Reads DIR/fleet.yaml.  sim_fleet_clear releases everything. */
SG_MUST_USE int sim_fleet_open(struct sim_fleet *f, const char *dir);
SG_MUST_USE int sim_fleet_load_keys(struct sim_fleet *f, const char *dir);
void sim_fleet_clear(struct sim_fleet *f);

/* Makes DIR; *ret_made false: it was there with the same parameters. */
SG_MUST_USE int sim_provision(const struct sim_params *p, const char *dir, bool *ret_made);

/* The signed block b of meter i, wire form appended.  Same seed and root whenever it is made
 * again (the signature may differ). */
SG_MUST_USE int sim_make_block(const struct sim_fleet *f, uint32_t i, uint32_t b,
                               struct sg_buf *ret);
/* Signs n readings of meter i as one block. */
SG_MUST_USE int sim_sign_readings(const struct sim_fleet *f, uint32_t i,
                                  const struct sg_reading *readings, size_t n, struct sg_buf *ret);
