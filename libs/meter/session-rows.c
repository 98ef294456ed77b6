/* Rows of the tables SESSION and WINDOW: the plan of both stands in session-auth.h. */
#include <sealgrid/kvs/tuple.h>
#include <sealgrid/meter/session-auth.h>

int sg_session_partition(struct sg_buf *b, const uint8_t cid[SG_FRAME_ID_LEN])
{
    struct sg_value v = SG_VAL_BLOB(SG_BYTES(cid, SG_FRAME_ID_LEN));
    return sg_tuple_key_append(b, &v, 1);
}

int sg_session_sort(struct sg_buf *b)
{
    struct sg_value v = SG_VAL_INT(0);
    return sg_tuple_key_append(b, &v, 1);
}

int sg_session_row_encode(struct sg_buf *b, const struct sg_session_record *s)
{
    const struct sg_value v[] = {
        SG_VAL_INT(s->suite),
        SG_VAL_TEXT(s->serial),
        SG_VAL_INT(s->client_id),
        SG_VAL_BLOB(SG_BYTES_ARRAY(s->prk_exporter)),
        SG_VAL_BLOB(SG_BYTES_ARRAY(s->x5t)),
        SG_VAL_INT(s->created_s),
    };
    sg_assert(b->secret);
    return sg_tuple_value_append(b, v, sizeof v / sizeof *v);
}

static bool take_blob(const struct sg_value *v, uint8_t *ret, size_t len)
{
    if (v->type != SG_BLOB || v->bytes.len != len)
        return false;
    memcpy(ret, v->bytes.data, len);
    return true;
}

static bool take_session(const struct sg_value *v, struct sg_session_record *s)
{
    if (v[0].type != SG_INTEGER || v[1].type != SG_TEXT || v[2].type != SG_INTEGER ||
        v[5].type != SG_INTEGER || v[1].bytes.len > SG_BLOCK_SERIAL_MAX || v[0].i < 0 ||
        v[0].i > 255)
        return false;
    s->suite = (int)v[0].i;
    memcpy(s->serial, v[1].bytes.data, v[1].bytes.len);
    s->serial[v[1].bytes.len] = '\0';
    s->client_id = v[2].i;
    s->created_s = v[5].i;
    return take_blob(&v[3], s->prk_exporter, sizeof s->prk_exporter) &&
           take_blob(&v[4], s->x5t, sizeof s->x5t);
}

int sg_session_row_decode(const uint8_t cid[SG_FRAME_ID_LEN], struct sg_bytes value,
                          struct sg_session_record *ret)
{
    struct sg_value v[6];
    struct sg_session_record s = {0};
    size_t n;
    int r = sg_tuple_value_decode(value, v, 6, &n);
    if (r)
        return r;
    if (n != 6 || !take_session(v, &s))
        return sg_raise(-EBADMSG);
    memcpy(s.cid, cid, sizeof s.cid);
    *ret = s;
    sg_wipe(&s, sizeof s);
    return 0;
}

int sg_window_row_encode(struct sg_buf *b, const struct sg_window *w)
{
    const struct sg_value v[] = {
        SG_VAL_INT((int64_t)w->highest),
        SG_VAL_BLOB(SG_BYTES_ARRAY(w->bits)),
    };
    return sg_tuple_value_append(b, v, 2);
}

int sg_window_row_decode(struct sg_bytes value, struct sg_window *ret)
{
    struct sg_value v[2];
    struct sg_window w;
    size_t n;
    int r = sg_tuple_value_decode(value, v, 2, &n);
    if (r)
        return r;
    if (n != 2 || v[0].type != SG_INTEGER || v[0].i < 0 || !take_blob(&v[1], w.bits, sizeof w.bits))
        return sg_raise(-EBADMSG);
    w.highest = (uint64_t)v[0].i;
    *ret = w;
    return 0;
}
