/*
 * Sealed frames: what decodes encodes to the same octets (handshake types), opens only if it was
 * sealed, and acknowledgements likewise.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/frame.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sg_frame_key key = {{7}, {9}};

static void check_handshake(const struct sg_frame *f, struct sg_bytes in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FRAME_MAX);
    int r = sg_frame_encode_handshake(f->type, f->id, f->body, &b);
    sg_assert(r == 0 && sg_bytes_equal(sg_buf_bytes(&b), in));
}

/* If it opens, sealing the plain text again gives the frame: seal and open are inverse. */
static void check_sealed(const struct sg_frame *f, struct sg_bytes in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(SG_FRAME_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FRAME_MAX + 64);
    int r = sg_frame_open(&key, f, &plain);
    sg_assert(r >= 0);
    if (r)
        return;
    r = f->type == SG_FRAME_UPLINK
            ? sg_frame_seal_uplink(&key, f->id, f->seq, sg_buf_bytes(&plain), &b)
            : sg_frame_seal_downlink(&key, f->id, f->sender, f->seq, sg_buf_bytes(&plain), &b);
    sg_assert(r == 0 && sg_bytes_equal(sg_buf_bytes(&b), in));
}

static void check_acks(struct sg_bytes in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FRAME_MAX);
    struct sg_ack acks[SG_ACKS_MAX];
    size_t n;
    if (sg_ack_decode(in, acks, &n))
        return;
    int r = sg_ack_encode(acks, n, &b);
    sg_assert(r == 0 && sg_bytes_equal(sg_buf_bytes(&b), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_bytes in = SG_BYTES(data, size);
    struct sg_frame f;
    check_acks(in);
    if (sg_frame_decode(in, &f))
        return 0;
    sg_assert(f.header.len + f.body.len == size);
    if (f.type == SG_FRAME_UPLINK || f.type == SG_FRAME_DOWNLINK)
        check_sealed(&f, in);
    else
        check_handshake(&f, in);
    return 0;
}
