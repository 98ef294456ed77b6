/*
 * The messages of casd's protocol: decode -> encode -> the same octets.  The first octet of the
 * input chooses the message.
 */
#include "audit-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
    struct sg_cas_challenge challenge;
    struct sg_cas_request request;
    struct sg_cas_reply reply;
    struct sg_cas_record record;
    struct sg_cas_head head;
    struct sg_cas_question question;
    struct sg_cas_proof proof;
};

static bool round_trip(const struct sg_message_type *type, struct sg_bytes encoded, union any *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_CAS_GRANT_MAX);
    if (sg_message_decode(type, encoded, ret) < 0)
        return false;
    sg_assert(sg_message_encode(type, ret, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), encoded));
    return true;
}

static void round_trip_secrets(struct sg_bytes encoded)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_CAS_GRANT_MAX);
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    if (sg_cas_secrets_decode(&l, encoded) < 0)
        return;
    sg_assert(sg_cas_secrets_encode(&l, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), encoded));
}

static void round_trip_frames(struct sg_bytes frames)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1 << 20);
    struct sg_cas_replay reading, writing;
    struct sg_reader in = sg_reader_over(frames);
    struct sg_cas_record record;
    uint8_t leaf[32], same[32];
    size_t len;
    sg_merkle_init(&reading.tree);
    sg_merkle_init(&writing.tree);
    while (in.left && sg_cas_frame_take(&reading, &in, &record, leaf, &len) == 0) {
        sg_assert(sg_cas_frame_put(&writing, &record, &again, same) == 0);
        sg_assert(memcmp(leaf, same, sizeof leaf) == 0);
    }
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(frames.data, again.len)));
}

/* A report alone is every other text. */
static void round_trip_evidence(struct sg_bytes encoded)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1 << 20);
    struct sg_tee_evidence e;
    if (sg_tee_evidence_decode(encoded, &e) < 0 || e.part[0].data == encoded.data)
        return;
    sg_assert(sg_tee_evidence_encode(&e, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), encoded));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    union any message;
    if (size == 0)
        return 0;
    struct sg_bytes rest = SG_BYTES(data + 1, size - 1);
    switch (data[0]) {
    case 0:
        round_trip(&sg_cas_challenge_type, rest, &message);
        break;
    case 1:
        round_trip(&sg_cas_request_type, rest, &message);
        break;
    case 2:
        if (round_trip(&sg_cas_reply_type, rest, &message))
            round_trip_secrets(message.reply.secrets);
        break;
    case 3:
        round_trip(&sg_cas_record_type, rest, &message);
        break;
    case 4:
        round_trip(&sg_cas_head_type, rest, &message);
        break;
    case 5:
        round_trip_secrets(rest);
        break;
    case 7:
        round_trip_evidence(rest);
        break;
    case 8:
        round_trip(&sg_cas_question_type, rest, &message);
        break;
    case 9:
        round_trip(&sg_cas_proof_type, rest, &message);
        break;
    default:
        round_trip_frames(rest);
    }
    return 0;
}
