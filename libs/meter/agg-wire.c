/* agg-wire - messages between aggregator and authenticator. */
#include <sealgrid/meter/agg-wire.h>

static bool has_handle(enum sg_agg_type t)
{
    return t == SG_AGG_UP || t == SG_AGG_DOWN;
}

static bool has_number(enum sg_agg_type t)
{
    return t == SG_AGG_UP || t == SG_AGG_DONE;
}

/* Octets before the frame, after the type. */
static size_t fixed_len(enum sg_agg_type t)
{
    return (has_handle(t) ? 8u : 0u) + (has_number(t) ? 8u : 0u);
}

static bool is_sound(const struct sg_agg_message *m)
{
    switch (m->type) {
    case SG_AGG_UP:
    case SG_AGG_DOWN:
        return m->frame.len > 0 && m->frame.len <= SG_FRAME_MAX;
    case SG_AGG_DONE:
        return m->frame.len == 0 && m->number != 0;
    default:
        return false;
    }
}

int sg_agg_encode(const struct sg_agg_message *m, struct sg_buf *ret)
{
    uint8_t head[SG_AGG_HEAD + 16];
    size_t n = SG_AGG_HEAD;
    if (!is_sound(m))
        return sg_raise(-EINVAL);
    sg_store_be32(head, (uint32_t)(1 + fixed_len(m->type) + m->frame.len));
    head[4] = (uint8_t)m->type;
    if (has_handle(m->type)) {
        sg_store_be64(head + n, m->handle);
        n += 8;
    }
    if (has_number(m->type)) {
        sg_store_be64(head + n, m->number);
        n += 8;
    }
    int r = sg_buf_reserve(ret, n + m->frame.len);
    r = r ? r : sg_buf_append(ret, SG_BYTES(head, n));
    return r ? r : sg_buf_append(ret, m->frame);
}

static bool take_body(struct sg_reader *r, struct sg_agg_message *m)
{
    uint8_t type;
    if (!sg_take_u8(r, &type) || type < SG_AGG_UP || type > SG_AGG_DOWN)
        return false;
    m->type = (enum sg_agg_type)type;
    if (has_handle(m->type) && !sg_take_be64(r, &m->handle))
        return false;
    if (has_number(m->type) && !sg_take_be64(r, &m->number))
        return false;
    (void)sg_take(r, r->left, &m->frame);
    return is_sound(m);
}

int sg_agg_take(struct sg_reader *r, struct sg_agg_message *ret)
{
    struct sg_reader at = *r;
    struct sg_agg_message m = {0};
    struct sg_bytes body;
    uint32_t len;
    if (!sg_take_be32(&at, &len))
        return SG_AGG_PARTIAL;
    if (len == 0 || len > SG_AGG_MESSAGE_MAX - 4)
        return SG_AGG_MALFORMED;
    if (!sg_take(&at, len, &body))
        return SG_AGG_PARTIAL;
    struct sg_reader in = sg_reader_over(body);
    if (!take_body(&in, &m))
        return SG_AGG_MALFORMED;
    *r = at;
    *ret = m;
    return 0;
}
