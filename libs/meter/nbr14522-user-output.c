#include <sealgrid/meter/nbr14522.h>

static uint8_t not_xor(const uint8_t *p)
{
    uint8_t x = 0;
    for (int i = 0; i < 7; i++)
        x ^= p[i];
    return (uint8_t)~x;
}

static bool check_ok(struct sg_bytes o)
{
    if (o.len == 8)
        return o.data[7] == not_xor(o.data);
    return sg_crc16_arc(SG_BYTES(o.data, 7)) == (uint16_t)(o.data[7] | (uint16_t)o.data[8] << 8);
}

static void decode_octet_3(uint8_t c, struct sg_nbr_user_output *u)
{
    u->reactive_tariff = c >> 7;
    if (u->extended) {
        u->post = c & 3u;
        u->quadrant = c >> 4 & 3u;
        u->spare = c & 0x4cu;
    } else {
        u->post = c & 15u;
        u->tariff = c >> 4 & 3u;
        u->spare = c & 0x40u;
    }
}

static uint8_t encode_octet_3(const struct sg_nbr_user_output *u)
{
    unsigned c = u->spare | (u->reactive_tariff ? 0x80u : 0u) | u->post |
                 (u->extended ? u->quadrant : u->tariff) << 4;
    return (uint8_t)c;
}

int sg_nbr_user_output_decode(struct sg_bytes o, struct sg_nbr_user_output *ret)
{
    if (o.len != 8 && o.len != 9)
        return SG_NBR_BAD_LENGTH;
    if (!check_ok(o))
        return SG_NBR_BAD_CRC;
    struct sg_nbr_user_output u = {.extended = o.len == 9};
    const unsigned mask = u.extended ? 0xffff : 0x7fff;
    const unsigned active = o.data[3] | (unsigned)o.data[4] << 8;
    const unsigned reactive = o.data[5] | (unsigned)o.data[6] << 8;
    u.seconds_left = o.data[0] | (o.data[1] & 15u) << 8;
    u.billing_toggle = o.data[1] >> 4 & 1;
    u.reactive_toggle = o.data[1] >> 5 & 1;
    u.capacitive_on = o.data[1] >> 6 & 1;
    u.inductive_on = o.data[1] >> 7 & 1;
    decode_octet_3(o.data[2], &u);
    u.active_pulses = active & mask;
    u.reactive_pulses = reactive & mask;
    u.active_spare = active != u.active_pulses;
    u.reactive_spare = reactive != u.reactive_pulses;
    *ret = u;
    return 0;
}

static bool encodable(const struct sg_nbr_user_output *u)
{
    const unsigned pulses = u->extended ? 0xffff : 0x7fff;
    return u->seconds_left <= 4095 && u->post <= (u->extended ? 3u : 15u) && u->tariff <= 3 &&
           u->quadrant <= 3 && (u->spare & ~(u->extended ? 0x4cu : 0x40u)) == 0 &&
           u->active_pulses <= pulses && u->reactive_pulses <= pulses;
}

static void put_counter(uint8_t *p, unsigned pulses, bool spare)
{
    p[0] = (uint8_t)pulses;
    p[1] = (uint8_t)(pulses >> 8 | (spare ? 0x80u : 0u));
}

int sg_nbr_user_output_encode(const struct sg_nbr_user_output *u, struct sg_buf *b)
{
    uint8_t *p;
    if (!encodable(u))
        return sg_raise(-EINVAL);
    int r = sg_buf_extend(b, u->extended ? 9 : 8, &p);
    if (r)
        return r;
    p[0] = (uint8_t)u->seconds_left;
    p[1] = (uint8_t)(u->seconds_left >> 8 | (unsigned)u->billing_toggle << 4 |
                     (unsigned)u->reactive_toggle << 5 | (unsigned)u->capacitive_on << 6 |
                     (unsigned)u->inductive_on << 7);
    p[2] = encode_octet_3(u);
    put_counter(p + 3, u->active_pulses, !u->extended && u->active_spare);
    put_counter(p + 5, u->reactive_pulses, !u->extended && u->reactive_spare);
    if (!u->extended) {
        p[7] = not_xor(p);
        return 0;
    }
    uint16_t crc = sg_crc16_arc(SG_BYTES(p, 7));
    p[7] = (uint8_t)crc;
    p[8] = (uint8_t)(crc >> 8);
    return 0;
}
