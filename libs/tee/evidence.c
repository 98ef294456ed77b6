#include <sealgrid/tee/evidence.h>

#include <sealgrid/base/cbor.h>

/* Reports of no kind begin like a small map. */
static bool is_map(struct sg_bytes b)
{
    return b.len && b.data[0] > 0xa0 && b.data[0] <= 0xa0 + SG_TEE_N_PARTS;
}

static int take_part(struct sg_reader *r, uint64_t least, struct sg_tee_evidence *ret,
                     uint64_t *ret_part)
{
    uint64_t part = 0;
    struct sg_bytes octets = SG_BYTES_NONE;
    int o = sg_cbor_get_uint(r, &part);
    if (o == 0)
        o = sg_cbor_get_bytes(r, &octets);
    if (o < 0)
        return o;
    if (part < least || part >= SG_TEE_N_PARTS || !octets.len)
        return sg_raise(-EBADMSG);
    ret->part[part] = octets;
    *ret_part = part;
    return 0;
}

int sg_tee_evidence_decode(struct sg_bytes encoded, struct sg_tee_evidence *ret)
{
    struct sg_tee_evidence e = {.part = {[SG_TEE_PART_REPORT] = encoded}};
    struct sg_reader reader = sg_reader_over(encoded);
    uint64_t pairs = 0, part = 0;
    int r = 0;
    if (is_map(encoded)) {
        e = (struct sg_tee_evidence){0};
        r = sg_cbor_get_map(&reader, &pairs);
        for (uint64_t i = 0; i < pairs && r == 0; i++)
            r = take_part(&reader, i ? part + 1 : 0, &e, &part);
        if (r == 0 && reader.left)
            r = sg_raise(-EBADMSG);
    }
    if (r == 0)
        *ret = e;
    return r;
}

int sg_tee_evidence_encode(const struct sg_tee_evidence *e, struct sg_buf *ret)
{
    uint64_t pairs = 0;
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        pairs += e->part[i].len != 0;
    int r = sg_cbor_put_map(ret, pairs);
    for (size_t i = 0; i < SG_TEE_N_PARTS && r == 0; i++) {
        if (!e->part[i].len)
            continue;
        r = sg_cbor_put_uint(ret, i);
        if (r == 0)
            r = sg_cbor_put_bytes(ret, e->part[i]);
    }
    return r;
}
