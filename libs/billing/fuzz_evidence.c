/* fuzz - an evidence file that is read to its end is written again octet for octet. */
#include <sealgrid/billing/evidence.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sg_evidence_block block;

static int copy(struct sg_bytes file, struct sg_buf *out)
{
    struct sg_evidence_reader reader;
    struct sg_evidence_head head;
    int r = sg_evidence_open(&reader, file, &head);

    const bool sections = !r && reader.sections;
    if (!r)
        r = sections ? sg_evidence_put_head_sections(out, &head) : sg_evidence_put_head(out, &head);
    while (!r) {
        r = sg_evidence_next(&reader, &block);
        if (!r)
            r = sg_evidence_put_block(out, &block);
    }
    if (r == SG_EVIDENCE_END && sections)
        sg_assert(!sg_evidence_put_sections(out, reader.estimates, reader.resolutions));
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 22);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1 << 23);

    if (sg_evidence_unpack(SG_BYTES(data, size), &file) != 0)
        return 0;
    if (copy(sg_buf_bytes(&file), &again) == SG_EVIDENCE_END)
        sg_assert(sg_bytes_equal(sg_buf_bytes(&file), sg_buf_bytes(&again)));
    return 0;
}
