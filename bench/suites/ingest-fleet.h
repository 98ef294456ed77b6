#pragma once
/*
 * ingest-fleet - meters for the ingest lines: keys and certificates under an authority of their
 * own, sessions as if their handshakes had been, and sealed frames made ahead, so that nothing of
 * the meter's side is in what is measured.
 * Owns: everything it made.  One thread.
 */
#include <sealgrid/meter/model.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/session-auth.h>

#define FLEET_START_S                                                                              \
    INT64_C(1788231600) /* 2026-09-01T03:00:00Z, midnight where the model lives                    \
                         */

struct fleet_options {
    uint32_t meters;
    enum sg_sign_alg alg; /* ES256 or PS256 */
    uint32_t readings;    /* a block: 1 or 96 */
};

struct fleet_meter {
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t client_id;
    struct sg_key *metrology;
    struct sg_buf metrology_der, edhoc_der;
    struct sg_session_record session;
    struct sg_frame_key uplink;
    uint64_t next_frame;
    struct sg_model_day day;
    uint32_t next_in_day;
};

struct fleet {
    struct fleet_options o;
    struct sg_key *root_key, *ca_key, *edhoc_key;
    struct sg_cert *root, *ca;
    struct sg_cert *roots[2];
    struct sg_edhoc_identity *authenticator;
    struct sg_model *model;
    struct fleet_meter *meters;
    uint32_t turn; /* whose block is made next */
};

SG_MUST_USE int fleet_new(struct fleet **ret, const struct fleet_options *o);
void fleet_free(struct fleet *f);
SG_DEFINE_FREEP(struct fleet, fleet_free)

/* CREDENTIAL, INSTALLATION and SESSION of every meter. */
struct sg_kv;
SG_MUST_USE int fleet_register(const struct fleet *f, struct sg_kv *kv, const char *bucket);

/* Frames end to end, and where each ends. */
struct fleet_frames {
    struct sg_buf octets;
    size_t *ends;
    size_t n, max;
};
#define FLEET_FRAMES_INIT                                                                          \
    {                                                                                              \
        SG_BUF_INIT((size_t)1 << 30), NULL, 0, 0                                                   \
    }
void fleet_frames_clear(struct fleet_frames *f);
struct sg_bytes fleet_frame(const struct fleet_frames *f, size_t i);
/* n blocks, the meters taking turns, in place of what was there. */
SG_MUST_USE int fleet_make_frames(struct fleet *f, size_t n, struct fleet_frames *ret);
