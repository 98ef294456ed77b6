/*
 * Messages and plain texts of EDHOC as CBOR sequences: RFC 9528 section 5 and appendix C.
 * Deterministic encoding is required throughout (section 3.1), so one text has one encoding and a
 * decoded message encodes to the octets it came from.
 */
#include "edhoc-int.h"

#include <sealgrid/base/cbor.h>

/* Octets 00..17 and 20..37 are the one-octet integers 0..23 and -1..-24. */
static bool is_short_int(uint8_t octet)
{
    return octet <= 0x17 || (octet >= 0x20 && octet <= 0x37);
}

/* A decoder's refusal is the peer's doing, not ours. */
static int malformed(int r)
{
    return r < 0 ? SG_EDHOC_MALFORMED : r;
}

int sg_edhoc_put_short(struct sg_buf *b, struct sg_bytes id)
{
    if (id.len == 1 && is_short_int(id.data[0]))
        return sg_buf_append(b, id);
    return sg_cbor_put_bytes(b, id);
}

int sg_edhoc_take_short(struct sg_reader *r, size_t max, struct sg_bytes *ret)
{
    struct sg_bytes v;
    if (r->left > 0 && is_short_int(r->at[0])) {
        (void)sg_take(r, 1, ret);
        return 0;
    }
    if (sg_cbor_get_bytes(r, &v) || v.len > max)
        return SG_EDHOC_MALFORMED;
    if (v.len == 1 && is_short_int(v.data[0]))
        return SG_EDHOC_MALFORMED; /* has a shorter form, which is the only one allowed */
    *ret = v;
    return 0;
}

int sg_edhoc_ead_check(struct sg_bytes ead)
{
    struct sg_reader r = sg_reader_over(ead);
    bool critical = false;
    while (r.left > 0) {
        int64_t label;
        enum sg_cbor_type type;
        struct sg_bytes value;
        if (sg_cbor_get_int(&r, &label))
            return SG_EDHOC_MALFORMED;
        critical = critical || label < 0;
        if (r.left > 0 && sg_cbor_peek(&r, &type))
            return SG_EDHOC_MALFORMED;
        if (r.left > 0 && type == SG_CBOR_BYTES && sg_cbor_get_bytes(&r, &value))
            return SG_EDHOC_MALFORMED;
    }
    return critical ? SG_EDHOC_CRITICAL_EAD : 0;
}

static int take_rest_as_ead(struct sg_reader *r, struct sg_bytes *ret)
{
    (void)sg_take(r, r->left, ret);
    return sg_edhoc_ead_check(*ret);
}

/* suites = [2* suite] / suite, each an int that fits ours. */
static int take_suites(struct sg_reader *r, int *ret, size_t *ret_n)
{
    enum sg_cbor_type type;
    uint64_t n = 1;
    if (sg_cbor_peek(r, &type))
        return SG_EDHOC_MALFORMED;
    if (type == SG_CBOR_ARRAY && (sg_cbor_get_array(r, &n) || n < 2 || n > SG_EDHOC_SUITES_MAX))
        return SG_EDHOC_MALFORMED;
    for (uint64_t i = 0; i < n; i++) {
        int64_t v;
        if (sg_cbor_get_int(r, &v) || v < -65536 || v > 65535)
            return SG_EDHOC_MALFORMED;
        ret[i] = (int)v;
    }
    *ret_n = (size_t)n;
    return 0;
}

static int put_suites(struct sg_buf *b, const int *suites, size_t n)
{
    int r = n == 1 ? 0 : sg_cbor_put_array(b, n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = sg_cbor_put_int(b, suites[i]);
    return r;
}

/* ---- message_1 = (METHOD, SUITES_I, G_X, C_I, ? EAD_1) ---- */

int sg_edhoc_m1_decode(struct sg_bytes m, struct sg_edhoc_m1 *ret)
{
    struct sg_reader r = sg_reader_over(m);
    struct sg_edhoc_m1 v = {0};
    int64_t method;
    if (m.len > SG_EDHOC_MESSAGE_MAX || sg_cbor_get_int(&r, &method))
        return SG_EDHOC_MALFORMED;
    if (method < -65536 || method > 65535 || take_suites(&r, v.suites, &v.n_suites))
        return SG_EDHOC_MALFORMED;
    v.method = (int)method;
    /* A key of another length belongs to a curve we do not have: then the suite is refused, if this
     * one is ours the key is. */
    if (sg_cbor_get_bytes(&r, &v.g_x) || v.g_x.len == 0)
        return SG_EDHOC_MALFORMED;
    if (sg_edhoc_take_short(&r, SG_EDHOC_CONN_ID_MAX, &v.c_i))
        return SG_EDHOC_MALFORMED;
    int e = take_rest_as_ead(&r, &v.ead);
    if (e)
        return e;
    *ret = v;
    return 0;
}

int sg_edhoc_m1_encode(const struct sg_edhoc_m1 *m, struct sg_buf *ret)
{
    int r = sg_cbor_put_int(ret, m->method);
    r = r ? r : put_suites(ret, m->suites, m->n_suites);
    r = r ? r : sg_cbor_put_bytes(ret, m->g_x);
    r = r ? r : sg_edhoc_put_short(ret, m->c_i);
    return r ? r : sg_buf_append(ret, m->ead);
}

/* ---- message_2 = (G_Y || CIPHERTEXT_2) ---- */

int sg_edhoc_m2_decode(enum sg_edhoc_edition ed, struct sg_bytes m, struct sg_edhoc_m2 *ret)
{
    struct sg_reader r = sg_reader_over(m);
    struct sg_edhoc_m2 v = {0};
    struct sg_bytes both;
    if (m.len > SG_EDHOC_MESSAGE_MAX || sg_cbor_get_bytes(&r, &both))
        return SG_EDHOC_MALFORMED;
    struct sg_reader inner = sg_reader_over(both);
    if (!sg_take(&inner, SG_EDHOC_ECDH_LEN, &v.g_y) || inner.left == 0)
        return SG_EDHOC_MALFORMED;
    (void)sg_take(&inner, inner.left, &v.ciphertext);
    if (ed == SG_EDHOC_DRAFT15 && sg_edhoc_take_short(&r, SG_EDHOC_CONN_ID_MAX, &v.c_r))
        return SG_EDHOC_MALFORMED;
    if (r.left > 0)
        return SG_EDHOC_MALFORMED;
    *ret = v;
    return 0;
}

/* Head of a byte string whose contents follow in pieces. */
static int put_bytes_head(struct sg_buf *b, size_t len)
{
    if (len < 24)
        return sg_buf_append_u8(b, (uint8_t)(0x40 + len));
    if (len < 256) {
        int r = sg_buf_append_u8(b, 0x58);
        return r ? r : sg_buf_append_u8(b, (uint8_t)len);
    }
    int r = sg_buf_append_u8(b, 0x59);
    return r ? r : sg_buf_append_be16(b, (uint16_t)len);
}

int sg_edhoc_m2_encode(enum sg_edhoc_edition ed, const struct sg_edhoc_m2 *m, struct sg_buf *ret)
{
    int r = put_bytes_head(ret, m->g_y.len + m->ciphertext.len);
    r = r ? r : sg_buf_append(ret, m->g_y);
    r = r ? r : sg_buf_append(ret, m->ciphertext);
    return r || ed != SG_EDHOC_DRAFT15 ? r : sg_edhoc_put_short(ret, m->c_r);
}

/* ---- ID_CRED_x ---- */

static int take_x5t(struct sg_reader *r, struct sg_edhoc_id *ret)
{
    uint64_t n;
    if (sg_cbor_get_array(r, &n) || n != 2 || sg_cbor_get_int(r, &ret->hash_alg) ||
        sg_cbor_get_bytes(r, &ret->value))
        return SG_EDHOC_MALFORMED;
    return 0;
}

/* COSE_X509 = bstr / [2*certs: bstr]; the end-entity certificate is the first. */
static int take_x5chain(struct sg_reader *r, struct sg_edhoc_id *ret)
{
    enum sg_cbor_type type;
    uint64_t n = 1;
    if (sg_cbor_peek(r, &type))
        return SG_EDHOC_MALFORMED;
    if (type == SG_CBOR_ARRAY && (sg_cbor_get_array(r, &n) || n < 2))
        return SG_EDHOC_MALFORMED;
    for (uint64_t i = 0; i < n; i++) {
        struct sg_bytes cert;
        if (sg_cbor_get_bytes(r, &cert))
            return SG_EDHOC_MALFORMED;
        if (i == 0)
            ret->value = cert;
    }
    return 0;
}

static int take_id_value(struct sg_reader *r, struct sg_edhoc_id *ret)
{
    switch (ret->label) {
    case SG_EDHOC_X5T:
        return take_x5t(r, ret);
    case SG_EDHOC_X5CHAIN:
    case SG_EDHOC_X5BAG:
        return take_x5chain(r, ret);
    case SG_EDHOC_KCCS:
        return malformed(sg_cbor_skip(r, &ret->value));
    case SG_EDHOC_KID: /* alone it must be compact, and more than one parameter we do not take */
    default:
        return SG_EDHOC_MALFORMED;
    }
}

static int take_id_map(struct sg_reader *r, struct sg_edhoc_id *ret)
{
    uint64_t pairs, label;
    if (sg_cbor_skip(r, &ret->id_cred))
        return SG_EDHOC_MALFORMED;
    struct sg_reader in = sg_reader_over(ret->id_cred);
    if (sg_cbor_get_map(&in, &pairs) || pairs != 1 || sg_cbor_get_uint(&in, &label) || label > 255)
        return SG_EDHOC_MALFORMED;
    ret->label = (enum sg_edhoc_id_label)label;
    int e = take_id_value(&in, ret);
    return e ? e : in.left > 0 ? SG_EDHOC_MALFORMED : 0;
}

/* { 4 : kid }; draft 15 keeps an integer kid an integer in the map too. */
static int put_kid_map(enum sg_edhoc_edition ed, struct sg_buf *b, struct sg_bytes kid)
{
    int r = sg_cbor_put_map(b, 1);
    r = r ? r : sg_cbor_put_uint(b, SG_EDHOC_KID);
    if (r)
        return r;
    return ed == SG_EDHOC_DRAFT15 ? sg_edhoc_put_short(b, kid) : sg_cbor_put_bytes(b, kid);
}

static int take_kid(enum sg_edhoc_edition ed, struct sg_reader *r, struct sg_edhoc_id *ret,
                    uint8_t *kid_map, size_t kid_map_size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf map = SG_BUF_INIT(kid_map_size);
    ret->label = SG_EDHOC_KID;
    int e = sg_edhoc_take_short(r, kid_map_size - 4, &ret->value);
    e = e ? e : put_kid_map(ed, &map, ret->value);
    if (e)
        return e;
    memcpy(kid_map, map.data, map.len);
    ret->id_cred = SG_BYTES(kid_map, map.len);
    return 0;
}

int sg_edhoc_id_decode(enum sg_edhoc_edition ed, struct sg_reader *r, struct sg_edhoc_id *ret,
                       struct sg_bytes *ret_wire, uint8_t *kid_map, size_t kid_map_size)
{
    enum sg_cbor_type type;
    struct sg_edhoc_id v = {0};
    const uint8_t *start = r->at;
    if (sg_cbor_peek(r, &type))
        return SG_EDHOC_MALFORMED;
    int e = type == SG_CBOR_MAP ? take_id_map(r, &v) : take_kid(ed, r, &v, kid_map, kid_map_size);
    if (e)
        return e;
    *ret_wire = SG_BYTES(start, (size_t)(r->at - start));
    *ret = v;
    return 0;
}

int sg_edhoc_id_wire(enum sg_edhoc_edition ed, struct sg_bytes id_cred, struct sg_buf *ret)
{
    struct sg_reader r = sg_reader_over(id_cred);
    uint64_t pairs, label;
    struct sg_bytes kid;
    int e = sg_cbor_get_map(&r, &pairs);
    e = e ? e : sg_cbor_get_uint(&r, &label);
    if (e)
        return e;
    if (pairs != 1 || label != SG_EDHOC_KID)
        return sg_buf_append(ret, id_cred);
    if (ed == SG_EDHOC_DRAFT15)
        return sg_buf_append(ret, SG_BYTES(r.at, r.left));
    e = sg_cbor_get_bytes(&r, &kid);
    return e ? e : sg_edhoc_put_short(ret, kid);
}

/* ---- PLAINTEXT_2 and PLAINTEXT_3 ---- */

int sg_edhoc_plain_decode(enum sg_edhoc_edition ed, bool with_c_r, struct sg_bytes p,
                          struct sg_edhoc_plain *ret)
{
    struct sg_reader r = sg_reader_over(p);
    ret->with_c_r = with_c_r;
    ret->c_r = SG_BYTES_NONE;
    if (with_c_r && sg_edhoc_take_short(&r, SG_EDHOC_CONN_ID_MAX, &ret->c_r))
        return SG_EDHOC_MALFORMED;
    int e = sg_edhoc_id_decode(ed, &r, &ret->id, &ret->id_wire, ret->kid_map, sizeof ret->kid_map);
    if (e)
        return e;
    if (sg_cbor_get_bytes(&r, &ret->sig_or_mac))
        return SG_EDHOC_MALFORMED;
    return take_rest_as_ead(&r, &ret->ead);
}

int sg_edhoc_plain_encode(const struct sg_edhoc_plain *p, struct sg_buf *ret)
{
    int r = p->with_c_r ? sg_edhoc_put_short(ret, p->c_r) : 0;
    r = r ? r : sg_buf_append(ret, p->id_wire);
    r = r ? r : sg_cbor_put_bytes(ret, p->sig_or_mac);
    return r ? r : sg_buf_append(ret, p->ead);
}

/* ---- error = (ERR_CODE, ERR_INFO), section 6 ---- */

static int take_error_info(struct sg_reader *r, struct sg_edhoc_error_message *v)
{
    switch (v->code) {
    case 1:
        return malformed(sg_cbor_get_text(r, &v->text));
    case 2:
        return take_suites(r, v->suites, &v->n_suites);
    default:
        return malformed(sg_cbor_skip(r, &v->info));
    }
}

int sg_edhoc_error_decode(struct sg_bytes m, struct sg_edhoc_error_message *ret)
{
    struct sg_reader r = sg_reader_over(m);
    struct sg_edhoc_error_message v = {0};
    if (m.len > SG_EDHOC_MESSAGE_MAX || sg_cbor_get_int(&r, &v.code) || v.code == 0)
        return SG_EDHOC_MALFORMED;
    int e = take_error_info(&r, &v);
    if (e || r.left > 0)
        return SG_EDHOC_MALFORMED;
    *ret = v;
    return 0;
}

static int put_text(struct sg_buf *b, struct sg_bytes text)
{
    /* Head of a text string: that of a byte string plus 0x20. */
    size_t at = b->len;
    int r = put_bytes_head(b, text.len);
    if (r)
        return r;
    b->data[at] = (uint8_t)(b->data[at] + 0x20);
    return sg_buf_append(b, text);
}

int sg_edhoc_error_encode(const struct sg_edhoc_error_message *m, struct sg_buf *ret)
{
    int r = sg_cbor_put_int(ret, m->code);
    if (r)
        return r;
    switch (m->code) {
    case 1:
        return put_text(ret, m->text);
    case 2:
        return put_suites(ret, m->suites, m->n_suites);
    default:
        return sg_buf_append(ret, m->info);
    }
}

int sg_edhoc_bstr_decode(struct sg_bytes m, struct sg_bytes *ret)
{
    struct sg_reader r = sg_reader_over(m);
    struct sg_bytes v;
    if (m.len > SG_EDHOC_MESSAGE_MAX || sg_cbor_get_bytes(&r, &v) || r.left > 0)
        return SG_EDHOC_MALFORMED;
    *ret = v;
    return 0;
}
