#pragma once
/*
 * demo - the main job on one machine: a fleet is provisioned, sends, is stored, read back, billed,
 * audited; then the stored octets and the evidence are tampered with.  Stages run in order; each
 * leaves its figures in struct sg_demo, which becomes the JSON of ARCHITECTURE section 9.
 */
#include "deployment.h"
#include "operator.h"

#include <sealgrid/base/json.h>

#define SG_DEMO_ZONE_S (-3 * 3600) /* of the simulator's days, east of Greenwich */

struct sg_demo_args {
    char *dir, *json, *data, *start;
    int64_t meters, days, seed, flips;
    bool keep; /* leave the platform running */
};

#define SG_DEMO_COUNTS(F)                                                                          \
    F(frames_sent)                                                                                 \
    F(aggregated)                                                                                  \
    F(sent)                                                                                        \
    F(accepted)                                                                                    \
    F(stored)                                                                                      \
    F(read_back)                                                                                   \
    F(billed)

#define SG_DEMO_TAMPERS_MAX 32

struct sg_demo {
    struct sg_demo_args args;
    struct sg_deployment d;
    struct sg_operator op;
    char fleet[SG_PATH_MAX], out[SG_PATH_MAX], page[SG_PATH_MAX];
#define SG_F(name) int64_t name;
    SG_DEMO_COUNTS(SG_F)
#undef SG_F
    int64_t bills_ok, bills_bad;
    int64_t suspected; /* customers that could be ranked */
    char *fraud;       /* the JSON block; NULL: that stage did not run */
    struct {
        const char *name;
        bool detected;
    } tamper[SG_DEMO_TAMPERS_MAX];
    size_t n_tamper;
    struct {
        const char *name;
        double seconds;
    } stage[16];
    size_t n_stage;
};

/* Each 0 or negative (said why in the trace). */
SG_MUST_USE int sg_demo_provision(struct sg_demo *m);
SG_MUST_USE int sg_demo_start(struct sg_demo *m);
SG_MUST_USE int sg_demo_register(struct sg_demo *m);
SG_MUST_USE int sg_demo_meters(struct sg_demo *m);
SG_MUST_USE int sg_demo_read_back(struct sg_demo *m);
SG_MUST_USE int sg_demo_bill(struct sg_demo *m);
SG_MUST_USE int sg_demo_audit(struct sg_demo *m);
SG_MUST_USE int sg_demo_fraud(struct sg_demo *m);
/* demo-frames.c, demo-evidence.c, demo-octets.c, demo-volumes.c */
SG_MUST_USE int sg_demo_tamper_frames(struct sg_demo *m);
SG_MUST_USE int sg_demo_tamper_evidence(struct sg_demo *m);
SG_MUST_USE int sg_demo_tamper_octets(struct sg_demo *m);
SG_MUST_USE int sg_demo_tamper_volumes(struct sg_demo *m);

/* demo-report.c: what the page needs from the services. */
SG_MUST_USE int sg_demo_report(struct sg_demo *m);

/* "3 of 8 volumes", rewritten in place on a terminal, at the end elsewhere. */
void sg_demo_progress(uint64_t done, uint64_t of, const char *unit);
void sg_demo_tampered(struct sg_demo *m, const char *name, bool detected);
