/* First octet chooses the form; decode -> encode -> equal. */
#include <sealgrid/meter/block.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wire(struct sg_bytes in)
{
    static struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e;
    if (sg_block_decode(in, &e, readings) != 0)
        return;
    struct sg_buf again = SG_BUF_INIT(SG_BLOCK_MAX);
    sg_assert(sg_block_encode(&e, readings, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), in));
    sg_buf_clear(&again);
}

static void evidence(struct sg_bytes in)
{
    struct sg_block_evidence e;
    if (sg_block_evidence_decode(in, &e) != 0)
        return;
    struct sg_buf again = SG_BUF_INIT(SG_BLOCK_EVIDENCE_MAX);
    sg_assert(sg_block_evidence_encode(&e, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), in));
    sg_buf_clear(&again);
}

/* Nobody signed the fuzzer's proofs. */
static void proof(struct sg_bytes in)
{
    static struct sg_key *key;
    struct sg_block_header header;
    struct sg_reading reading;
    if (!key)
        sg_assert(sg_key_generate(&key, SG_KEY_P256) == 0);
    sg_assert(sg_block_check_proof(in, key, &header, &reading) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct sg_bytes in = SG_BYTES(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        wire(in);
        break;
    case 1:
        evidence(in);
        break;
    default:
        proof(in);
    }
    return 0;
}
