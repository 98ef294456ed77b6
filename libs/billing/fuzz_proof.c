/* fuzz_proof - proof of one reading: what decodes encodes to the same octets; judging never
 * crashes. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/reading-proof.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_READING_PROOF_MAX);
    struct sg_reading_proof p;
    uint8_t leaf[32];

    if (sg_reading_proof_take(SG_BYTES(data, size), &p) != 0)
        return 0;
    sg_assert(sg_reading_proof_put(&again, &p) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(data, size)));

    struct sg_bucket bucket = {
        .intervals = p.count, .import_wh = p.before.import_wh, .export_wh = p.before.export_wh};
    struct sg_leaf at = {.index = p.index, .before = p.before};
    if (sg_block_proof_leaf(p.block, leaf) == 0)
        memcpy(at.content, leaf, 32);
    int r = sg_bucket_check(&bucket, &at, (const uint8_t(*)[32])p.path, p.path_len);
    sg_assert(r == SG_PROOF_MISMATCH);
    return 0;
}
