#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#include "sim-int.h"

const struct sg_message_type sg_sim_body_type = SG_MESSAGE_TYPE(sg_sim_body, SG_SIM_BODY_FIELDS);
const struct sg_message_type sg_sim_evidence_type =
    SG_MESSAGE_TYPE(sg_sim_evidence, SG_SIM_EVIDENCE_FIELDS);

#define SIGNED_MAX 1200 /* label and body */

static int signed_octets(struct sg_bytes body, struct sg_buf *ret)
{
    int r = sg_buf_append(ret, SG_BYTES_LIT(SG_SIM_SIGNATURE_LABEL));
    return r < 0 ? r : sg_buf_append(ret, body);
}

int sg_sim_sign(const struct sg_key *platform, const struct sg_sim_body *body, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf encoded = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(SIGNED_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(64);
    struct sg_sim_evidence evidence;
    int r = sg_message_encode(&sg_sim_body_type, body, &encoded);
    if (r == 0)
        r = signed_octets(sg_buf_bytes(&encoded), &message);
    if (r == 0)
        r = sg_sign(platform, SG_SIGN_ES256, sg_buf_bytes(&message), &signature);
    if (r < 0)
        return r;
    sg_assert(signature.len == sizeof evidence.signature);
    evidence.body = sg_buf_bytes(&encoded);
    memcpy(evidence.signature, signature.data, sizeof evidence.signature);
    return sg_message_encode(&sg_sim_evidence_type, &evidence, ret);
}

int sg_sim_platform_id(const struct sg_key *platform, uint8_t ret[SG_SIM_PLATFORM_ID_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1024);
    int r = sg_key_public_der(platform, &der);
    if (r == 0)
        sg_sha256(ret, sg_buf_bytes(&der));
    return r;
}

/* *ret is NULL when no platform has this id. */
static int find_platform(const struct sg_tee_collateral *c,
                         const uint8_t id[SG_SIM_PLATFORM_ID_LEN], const struct sg_key **ret)
{
    uint8_t candidate[SG_SIM_PLATFORM_ID_LEN];
    *ret = NULL;
    for (size_t i = 0; i < c->n_sim_platforms; i++) {
        int r = sg_sim_platform_id(c->sim_platforms[i], candidate);
        if (r < 0)
            return r;
        if (memcmp(candidate, id, sizeof candidate) == 0) {
            *ret = c->sim_platforms[i];
            return 0;
        }
    }
    return 0;
}

static int check_signature(const struct sg_key *platform, const struct sg_sim_evidence *evidence)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(SIGNED_MAX);
    int r = signed_octets(evidence->body, &message);
    if (r < 0)
        return r;
    r = sg_verify(platform, SG_SIGN_ES256, sg_buf_bytes(&message),
                  SG_BYTES_ARRAY(evidence->signature));
    return r > 0 ? SG_TEE_REFUSED_SIGNATURE : r;
}

static void claims_of(const struct sg_sim_body *body, struct sg_tee_claims *ret)
{
    *ret = (struct sg_tee_claims){
        .kind = SG_TEE_SIM,
        .measurement_len = sizeof body->measurement,
        .platform_len = sizeof body->platform,
        .svn = body->svn,
        .debug = body->debug,
    };
    memcpy(ret->measurement, body->measurement, sizeof body->measurement);
    memcpy(ret->platform, body->platform, sizeof body->platform);
    memcpy(ret->report_data, body->report_data, sizeof body->report_data);
}

int sg_sim_verify(struct sg_bytes encoded, const struct sg_tee_collateral *collateral,
                  struct sg_tee_claims *ret)
{
    struct sg_sim_evidence evidence;
    struct sg_sim_body body;
    const struct sg_key *platform = NULL;
    if (sg_message_decode(&sg_sim_evidence_type, encoded, &evidence) < 0 ||
        sg_message_decode(&sg_sim_body_type, evidence.body, &body) < 0)
        return SG_TEE_REFUSED_MALFORMED;
    if (body.version != SG_SIM_EVIDENCE_VERSION)
        return SG_TEE_REFUSED_VERSION;
    int r = find_platform(collateral, body.platform, &platform);
    if (r < 0)
        return r;
    if (!platform)
        return SG_TEE_REFUSED_PLATFORM;
    r = check_signature(platform, &evidence);
    if (r == 0)
        claims_of(&body, ret);
    return r;
}

int sg_sim_forge(const char *dir, const struct sg_tee_claims *claims, struct sg_buf *ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *platform = NULL;
    struct sg_sim_body body = {
        .version = SG_SIM_EVIDENCE_VERSION, .debug = claims->debug, .svn = claims->svn};
    int r = sg_sim_platform_private(dir, &platform);
    if (r == 0)
        r = sg_sim_platform_id(platform, body.platform);
    if (r < 0)
        return r;
    memcpy(body.measurement, claims->measurement, sizeof body.measurement);
    memcpy(body.report_data, claims->report_data, sizeof body.report_data);
    sg_random_bytes(body.random, sizeof body.random);
    return sg_sim_sign(platform, &body, ret);
}
