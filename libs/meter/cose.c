#include <sealgrid/base/cbor.h>
#include <sealgrid/meter/cose.h>

#define TAG_SIGN1     18
#define HEADER_ALG    1
#define PROTECTED_MAX 8 /* map head, label, algorithm of at most five octets */

bool sg_cose_alg_known(int64_t alg)
{
    return alg == SG_SIGN_ES256 || alg == SG_SIGN_EDDSA || alg == SG_SIGN_PS256 ||
           alg == SG_SIGN_RS256;
}

bool sg_cose_signature_len_ok(enum sg_sign_alg alg, size_t len)
{
    if (alg == SG_SIGN_ES256 || alg == SG_SIGN_EDDSA)
        return len == 64;
    return len >= 256 && len <= SG_COSE_SIGNATURE_MAX;
}

static int put_protected(enum sg_sign_alg alg, struct sg_buf *b)
{
    int r = sg_cbor_put_map(b, 1);
    if (r == 0)
        r = sg_cbor_put_uint(b, HEADER_ALG);
    return r ? r : sg_cbor_put_int(b, alg);
}

/* The protected header as the byte string that both the message and the Sig_structure carry. */
static int put_protected_bstr(struct sg_buf *b, enum sg_sign_alg alg)
{
    uint8_t room[PROTECTED_MAX];
    struct sg_buf map = {room, 0, sizeof(room), sizeof(room), false};
    int r = put_protected(alg, &map);
    return r ? r : sg_cbor_put_bytes(b, sg_buf_bytes(&map));
}

int sg_cose_sign1_to_be_signed(enum sg_sign_alg alg, struct sg_bytes external_aad,
                               struct sg_bytes payload, struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 4);
    if (r == 0)
        r = sg_cbor_put_text(ret, "Signature1");
    if (r == 0)
        r = put_protected_bstr(ret, alg);
    if (r == 0)
        r = sg_cbor_put_bytes(ret, external_aad);
    return r ? r : sg_cbor_put_bytes(ret, payload);
}

int sg_cose_sign1_put(struct sg_buf *b, const struct sg_cose_sign1 *m)
{
    if (!sg_cose_alg_known(m->alg) || !sg_cose_signature_len_ok(m->alg, m->signature.len))
        return sg_raise(-EINVAL);
    int r = sg_cbor_put_tag(b, TAG_SIGN1);
    if (r == 0)
        r = sg_cbor_put_array(b, 4);
    if (r == 0)
        r = put_protected_bstr(b, m->alg);
    if (r == 0)
        r = sg_cbor_put_map(b, 0);
    if (r == 0)
        r = sg_cbor_put_bytes(b, m->payload);
    return r ? r : sg_cbor_put_bytes(b, m->signature);
}

static int take_protected(struct sg_reader *in, enum sg_sign_alg *ret)
{
    struct sg_bytes bytes;
    uint64_t pairs, label;
    int64_t alg;
    int r = sg_cbor_get_bytes(in, &bytes);
    if (r)
        return r;
    struct sg_reader map = sg_reader_over(bytes);
    r = sg_cbor_get_map(&map, &pairs);
    if (r)
        return r;
    r = sg_cbor_get_uint(&map, &label);
    if (r)
        return r;
    r = sg_cbor_get_int(&map, &alg);
    if (r)
        return r;
    if (pairs != 1 || label != HEADER_ALG || map.left != 0 || !sg_cose_alg_known(alg))
        return sg_raise(-EBADMSG);
    *ret = (enum sg_sign_alg)alg;
    return 0;
}

static int take_envelope(struct sg_reader *in)
{
    uint64_t tag, items;
    int r = sg_cbor_get_tag(in, &tag);
    if (r)
        return r;
    r = sg_cbor_get_array(in, &items);
    if (r)
        return r;
    return tag == TAG_SIGN1 && items == 4 ? 0 : sg_raise(-EBADMSG);
}

int sg_cose_sign1_take(struct sg_reader *in, struct sg_cose_sign1 *ret)
{
    struct sg_reader rest = *in;
    struct sg_cose_sign1 m;
    uint64_t unprotected;
    int r = take_envelope(&rest);
    if (r)
        return r;
    r = take_protected(&rest, &m.alg);
    if (r)
        return r;
    r = sg_cbor_get_map(&rest, &unprotected);
    if (r)
        return r;
    r = sg_cbor_get_bytes(&rest, &m.payload);
    if (r)
        return r;
    r = sg_cbor_get_bytes(&rest, &m.signature);
    if (r)
        return r;
    if (unprotected != 0 || !sg_cose_signature_len_ok(m.alg, m.signature.len))
        return sg_raise(-EBADMSG);
    *ret = m;
    *in = rest;
    return 0;
}
