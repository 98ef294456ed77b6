#pragma once
/*
 * sim-int - simulated evidence (docs/adr/0007): codec, signature, and the platform folder's files.
 */
#include <sealgrid/base/message.h>
#include <sealgrid/tee/provider.h>
#include <sealgrid/tee/sim.h>
#include <sealgrid/tee/verifier.h>

#define SG_SIM_EVIDENCE_VERSION 1
#define SG_SIM_SIGNATURE_LABEL  "sealgrid-sim-evidence-v1"

#define SG_SIM_BODY_FIELDS(X, T)                                                                   \
    X(T, UINT, version, 0, -1)                                                                     \
    X(T, OCTETS, platform, SG_SIM_PLATFORM_ID_LEN, SG_SIM_PLATFORM_ID_LEN)                         \
    X(T, OCTETS, measurement, 32, 32)                                                              \
    X(T, OCTETS, report_data, 64, 64)                                                              \
    X(T, BOOL, debug, 0, 0)                                                                        \
    X(T, UINT, svn, 0, -1)                                                                         \
    X(T, OCTETS, random, 16, 16)
SG_MESSAGE_STRUCT(sg_sim_body, SG_SIM_BODY_FIELDS)

#define SG_SIM_EVIDENCE_FIELDS(X, T)                                                               \
    X(T, BYTES, body, 1, 1024)                                                                     \
    X(T, OCTETS, signature, 64, 64)
SG_MESSAGE_STRUCT(sg_sim_evidence, SG_SIM_EVIDENCE_FIELDS)

extern const struct sg_message_type sg_sim_body_type;
extern const struct sg_message_type sg_sim_evidence_type;

SG_MUST_USE int sg_sim_sign(const struct sg_key *platform, const struct sg_sim_body *body,
                            struct sg_buf *ret);
SG_MUST_USE int sg_sim_verify(struct sg_bytes evidence, const struct sg_tee_collateral *collateral,
                              struct sg_tee_claims *ret);
SG_MUST_USE int sg_sim_platform_id(const struct sg_key *platform,
                                   uint8_t ret[SG_SIM_PLATFORM_ID_LEN]);
SG_MUST_USE int sg_sim_platform_private(const char *dir, struct sg_key **ret);
SG_MUST_USE int sg_sim_platform_sealing(const char *dir, struct sg_secret *ret);
/* The pure part of simulated sealing. */
SG_MUST_USE int sg_sim_derive_sealing(struct sg_bytes platform_secret, enum sg_tee_seal policy,
                                      const uint8_t measurement[32], const char *label,
                                      struct sg_secret *ret);
