/*
 * Evidence and its body: decode -> encode -> the same octets; the verifier, which has no platform
 * to trust here, never accepts.
 */
#include "sim-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct sg_message_type *type, struct sg_bytes encoded, void *message)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(65536);
    if (sg_message_decode(type, encoded, message) < 0)
        return;
    sg_assert(sg_message_encode(type, message, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), encoded));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_bytes input = SG_BYTES(data, size);
    struct sg_sim_evidence evidence = {0};
    struct sg_sim_body body;
    struct sg_tee_claims claims;
    struct sg_tee_collateral nobody = {NULL, 0};
    round_trip(&sg_sim_body_type, input, &body);
    round_trip(&sg_sim_evidence_type, input, &evidence);
    if (evidence.body.len)
        round_trip(&sg_sim_body_type, evidence.body, &body);
    sg_assert(sg_tee_verify(SG_TEE_SIM, input, &nobody, 0, &claims) > 0);
    return 0;
}
