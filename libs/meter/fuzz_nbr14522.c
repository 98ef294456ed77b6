/*
 * Frames: decode -> every field get -> set into an empty block -> get again equal; whole frame
 * encodes back to the same octets.  User output likewise.
 */
#include <sealgrid/meter/nbr14522-fields.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void element(const struct sg_nbr_field *f, struct sg_bytes block, uint8_t *made, size_t i)
{
    struct sg_nbr_value v, again;
    memset(&v, 0, sizeof(v));
    memset(&again, 0, sizeof(again));
    sg_nbr_get(f, block, i, &v);
    sg_assert(sg_nbr_set(f, made, block.len, i, &v) == 0);
    sg_nbr_get(f, SG_BYTES(made, block.len), i, &again);
    sg_assert(v.kind == again.kind && v.number == again.number);
    sg_assert(memcmp(&v.real, &again.real, sizeof(v.real)) == 0);
    sg_assert(strcmp(v.text, again.text) == 0);
}

static void fields(struct sg_bytes block, bool answer)
{
    const struct sg_nbr_layout *l = sg_nbr_layout_of(block, answer);
    uint8_t made[SG_NBR_ANSWER_LEN] = {0};
    for (size_t k = 0; k < l->n; k++) {
        const struct sg_nbr_field *f = &l->fields[k];
        for (size_t i = 0; i < f->count; i++)
            element(f, block, made, i);
        size_t len = f->type == SG_NBR_W12 ? f->len : (size_t)f->len * f->count;
        if (f->type != SG_NBR_HIGH) /* shares its octet with the block number */
            sg_assert(memcmp(made + f->octet - 1, block.data + f->octet - 1, len) == 0);
    }
}

static void frame(struct sg_bytes in)
{
    struct sg_nbr_frame f;
    if (sg_nbr_frame_decode(in, &f) != 0)
        return;
    struct sg_buf again = SG_BUF_INIT(SG_NBR_FRAME_MAX);
    sg_assert(sg_nbr_frame_encode(&f, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), in));
    sg_buf_clear(&again);
}

static void user_output(struct sg_bytes in)
{
    struct sg_nbr_user_output u;
    if (sg_nbr_user_output_decode(in, &u) != 0)
        return;
    struct sg_buf again = SG_BUF_INIT(16);
    sg_assert(sg_nbr_user_output_encode(&u, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), in));
    sg_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sg_bytes in = SG_BYTES(data, size);
    frame(in);
    user_output(in);
    /* Blocks of any contents, so that the fuzzer need not find checksums. */
    if (size == SG_NBR_COMMAND_LEN)
        fields(in, false);
    if (size == SG_NBR_ANSWER_LEN)
        fields(in, true);
    return 0;
}
