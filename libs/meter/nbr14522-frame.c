#include <sealgrid/meter/nbr14522.h>

/* One row a variant: what stands before the block, and which CRC covers what. */
static const struct variant {
    const char *text;
    size_t len, block_at, block_len;
    uint8_t prefix[2];
    size_t prefix_len;
    size_t crc_from; /* the CRC covers [crc_from, len - 2) */
    uint16_t crc_init;
} variants[] = {
    [SG_NBR_COMMAND_66] = {"66", 66, 0, 64, {0}, 0, 0, 0x0000},
    [SG_NBR_MULTIPOINT_71] = {"71", 71, 5, 64, {0x99}, 1, 5, 0x0000},
    [SG_NBR_BUS_COMMAND_68] = {"68", 68, 2, 64, {0x01, 0x99}, 2, 0, 0xffff},
    [SG_NBR_ANSWER_258] = {"258", 258, 0, 256, {0}, 0, 0, 0x0000},
    [SG_NBR_BUS_ANSWER_260] = {"260", 260, 2, 256, {0x01, 0x99}, 2, 0, 0xffff},
};
#define N_VARIANTS (sizeof(variants) / sizeof(variants[0]))

static uint16_t crc16(uint16_t crc, struct sg_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        crc ^= b.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

uint16_t sg_crc16_arc(struct sg_bytes b)
{
    return crc16(0x0000, b);
}

uint16_t sg_crc16_modbus(struct sg_bytes b)
{
    return crc16(0xffff, b);
}

const char *sg_nbr_variant_text(enum sg_nbr_variant v)
{
    return variants[v].text;
}

const char *sg_nbr_refusal_text(enum sg_nbr_refusal r)
{
    switch (r) {
    case SG_NBR_BAD_LENGTH:
        return "wrong length or prefix";
    case SG_NBR_BAD_CRC:
        return "wrong checksum";
    case SG_NBR_PADDED:
        return "short frame padded with zeros";
    case SG_NBR_BAD_CODE:
        return "no command code";
    }
    return "?";
}

static bool code_allowed(uint8_t code)
{
    return code != 0x00 && code != 0x05 && code != 0x06 && code != 0x10 && code != 0x15;
}

static bool matches(const struct variant *v, struct sg_bytes octets)
{
    return octets.len == v->len &&
           (v->prefix_len == 0 || memcmp(octets.data, v->prefix, v->prefix_len) == 0);
}

static int judge(const struct variant *v, struct sg_bytes octets)
{
    const uint8_t *tail = octets.data + v->len - 2;
    const struct sg_bytes covered = {octets.data + v->crc_from, v->len - 2 - v->crc_from};
    uint16_t want = (uint16_t)(tail[0] | (uint16_t)tail[1] << 8);
    if (crc16(v->crc_init, covered) != want)
        return SG_NBR_BAD_CRC;
    if (want == 0 && tail[-1] == 0)
        return SG_NBR_PADDED;
    return code_allowed(octets.data[v->block_at]) ? 0 : SG_NBR_BAD_CODE;
}

int sg_nbr_frame_decode(struct sg_bytes octets, struct sg_nbr_frame *ret)
{
    for (size_t i = 0; i < N_VARIANTS; i++) {
        const struct variant *v = &variants[i];
        if (!matches(v, octets))
            continue;
        int r = judge(v, octets);
        if (r)
            return r;
        ret->variant = (enum sg_nbr_variant)i;
        ret->block = (struct sg_bytes){octets.data + v->block_at, v->block_len};
        memset(ret->meter, 0, 4);
        if (sg_nbr_is_answer(ret->variant) || ret->variant == SG_NBR_MULTIPOINT_71)
            memcpy(ret->meter, octets.data + v->prefix_len + (v->prefix_len == 1 ? 0 : 1), 4);
        return 0;
    }
    return SG_NBR_BAD_LENGTH;
}

int sg_nbr_frame_encode(const struct sg_nbr_frame *f, struct sg_buf *b)
{
    const struct variant *v = &variants[f->variant];
    uint8_t *p;
    if (f->block.len != v->block_len)
        return sg_raise(-EINVAL);
    int r = sg_buf_extend(b, v->len, &p);
    if (r)
        return r;
    memcpy(p, v->prefix, v->prefix_len);
    if (f->variant == SG_NBR_MULTIPOINT_71)
        memcpy(p + 1, f->meter, 4);
    memcpy(p + v->block_at, f->block.data, v->block_len);
    uint16_t crc = crc16(v->crc_init, SG_BYTES(p + v->crc_from, v->len - 2 - v->crc_from));
    p[v->len - 2] = (uint8_t)crc;
    p[v->len - 1] = (uint8_t)(crc >> 8);
    return 0;
}
