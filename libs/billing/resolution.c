/* resolution - signed choices between differing readings. */
#include <sealgrid/billing/resolution.h>

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define SIGNED  "sealgrid-resolution-v1"
#define SECTION "sealgrid-resolutions-v1"

#define RECORD_MAX (1u << 20) /* of one, with its certificate */

static int put_text(struct sg_buf *b, struct sg_bytes text)
{
    char room[SG_ROW_WHY_MAX + 1];

    if (text.len > SG_ROW_WHY_MAX)
        return sg_raise(-EINVAL);
    memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    return sg_cbor_put_text(b, room);
}

static int message(const struct sg_resolution *r, struct sg_buf *ret)
{
    const struct sg_row_resolution *row = &r->row;
    int e = sg_cbor_put_array(ret, 7);

    if (!e)
        e = sg_cbor_put_text(ret, SIGNED);
    if (!e)
        e = sg_cbor_put_int(ret, r->client);
    if (!e)
        e = sg_cbor_put_int(ret, row->ts_s);
    if (!e)
        e = sg_cbor_put_bytes(ret, SG_BYTES(row->chosen, SG_ROW_DIGEST_LEN));
    if (!e)
        e = sg_cbor_put_int(ret, row->resolved_ts_s);
    if (!e)
        e = put_text(ret, row->who);
    return e ? e : put_text(ret, row->why);
}

int sg_resolution_sign(struct sg_resolution *r, const struct sg_key *key,
                       const struct sg_cert *cert, char name[SG_ROW_WHO_MAX + 1],
                       struct sg_buf *ret_certificate, struct sg_buf *ret_signature)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(2048);
    int e;

    sg_cert_common_name(cert, name, SG_ROW_WHO_MAX + 1);
    r->row.who = sg_bytes_str(name);
    if (!r->row.who.len || !r->row.why.len)
        return sg_raisef(-EINVAL, "a resolution has a name and a reason");
    e = message(r, &text);
    if (!e)
        e = sg_cert_der(cert, ret_certificate);
    if (!e)
        e = sg_sign(key, sg_sign_alg_of(key), sg_buf_bytes(&text), ret_signature);
    if (e)
        return e;
    r->row.certificate = sg_buf_bytes(ret_certificate);
    r->row.signature = sg_buf_bytes(ret_signature);
    return 0;
}

int sg_resolution_verify(const struct sg_resolution *r, const struct sg_authority *operators)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(2048);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    char name[SG_ROW_WHO_MAX + 1];

    if (sg_cert_load(&cert, r->row.certificate) != 0 || sg_cert_public_key(cert, &key) != 0 ||
        message(r, &text) != 0)
        return SG_RESOLUTION_BAD_SIGNATURE;
    sg_cert_common_name(cert, name, sizeof(name));
    if (!sg_bytes_equal(r->row.who, sg_bytes_str(name)) ||
        sg_verify(key, sg_sign_alg_of(key), sg_buf_bytes(&text), r->row.signature) != 0)
        return SG_RESOLUTION_BAD_SIGNATURE;
    if (!operators)
        return 0;
    int e = sg_cert_verify(cert, operators->intermediates, operators->n_intermediates,
                           operators->roots, operators->n_roots, r->row.resolved_ts_s);
    return e < 0 ? e : e ? SG_RESOLUTION_UNTRUSTED : 0;
}

/* ---- section ------------------------------------------------------------------------------------
 */

static int put_row(struct sg_buf *b, const struct sg_row_resolution *row)
{
    int r = sg_cbor_put_array(b, 7);

    if (!r)
        r = sg_cbor_put_int(b, row->ts_s);
    if (!r)
        r = sg_cbor_put_bytes(b, SG_BYTES(row->chosen, SG_ROW_DIGEST_LEN));
    if (!r)
        r = sg_cbor_put_int(b, row->resolved_ts_s);
    if (!r)
        r = put_text(b, row->who);
    if (!r)
        r = put_text(b, row->why);
    if (!r)
        r = sg_cbor_put_bytes(b, row->certificate);
    return r ? r : sg_cbor_put_bytes(b, row->signature);
}

static void copy_text(char *ret, struct sg_bytes text)
{
    memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
}

int sg_resolution_choice(const struct sg_row_resolution *row, struct sg_bill_choice *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf record = SG_BUF_INIT(RECORD_MAX);
    struct sg_bill_choice c = {
        .ts_s = row->ts_s, .energy_wh = INT64_MIN, .resolved_s = row->resolved_ts_s};

    if (row->who.len > SG_ROW_WHO_MAX || row->why.len > SG_ROW_WHY_MAX)
        return sg_raise(-EINVAL);
    int r = put_row(&record, row);
    if (r)
        return r;
    memcpy(c.chosen, row->chosen, sizeof(c.chosen));
    copy_text(c.who, row->who);
    copy_text(c.why, row->why);
    sg_sha256(c.record_sha256, sg_buf_bytes(&record));
    *ret = c;
    return 0;
}

int sg_resolutions_encode(const struct sg_row_resolution *rows, size_t n, struct sg_buf *ret)
{
    const size_t start = ret->len;
    int r = sg_cbor_put_array(ret, 2);

    if (!r)
        r = sg_cbor_put_text(ret, SECTION);
    if (!r)
        r = sg_cbor_put_array(ret, n);
    for (size_t i = 0; i < n && !r; i++)
        r = put_row(ret, &rows[i]);
    if (r)
        ret->len = start;
    return r;
}

static bool take_row(struct sg_reader *in, struct sg_row_resolution *ret)
{
    uint64_t n;

    if (sg_cbor_get_array(in, &n) != 0 || n != 7 || sg_cbor_get_int(in, &ret->ts_s) != 0 ||
        sg_cbor_get_octets(in, ret->chosen, SG_ROW_DIGEST_LEN) != 0 ||
        sg_cbor_get_int(in, &ret->resolved_ts_s) != 0 || sg_cbor_get_text(in, &ret->who) != 0 ||
        sg_cbor_get_text(in, &ret->why) != 0 || sg_cbor_get_bytes(in, &ret->certificate) != 0 ||
        sg_cbor_get_bytes(in, &ret->signature) != 0)
        return false;
    return ret->who.len && ret->who.len <= SG_ROW_WHO_MAX && ret->why.len &&
           ret->why.len <= SG_ROW_WHY_MAX && !memchr(ret->who.data, 0, ret->who.len) &&
           !memchr(ret->why.data, 0, ret->why.len);
}

int sg_resolutions_decode(struct sg_bytes section, struct sg_row_resolution **ret, size_t *ret_n)
{
    struct sg_reader in = sg_reader_over(section);
    SG_FREE struct sg_row_resolution *rows = NULL;
    struct sg_bytes name;
    uint64_t n;

    if (sg_cbor_get_array(&in, &n) != 0 || n != 2 || sg_cbor_get_text(&in, &name) != 0 ||
        !sg_bytes_equal(name, SG_BYTES_LIT(SECTION)) || sg_cbor_get_array(&in, &n) != 0 ||
        n > SG_RESOLUTIONS_MAX)
        return SG_RESOLUTIONS_MALFORMED;
    rows = calloc(n + 1, sizeof(*rows));
    if (!rows)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        if (!take_row(&in, &rows[i]) || (i && rows[i].ts_s <= rows[i - 1].ts_s))
            return SG_RESOLUTIONS_MALFORMED;
    if (in.left)
        return SG_RESOLUTIONS_MALFORMED;
    *ret = TAKE_PTR(rows);
    *ret_n = (size_t)n;
    return 0;
}
