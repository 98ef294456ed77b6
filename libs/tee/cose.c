#include "cose-int.h"

#include <sealgrid/base/cbor.h>

enum { TAG_SIGN1 = 18, HEADER_ALGORITHM = 1, ES256 = -7, ES384 = -35 };

#define DOCUMENT_MAX (1u << 20)

/* {1: algorithm} and nothing else: another member could change what is signed. */
static bool read_algorithm(struct sg_bytes header, int64_t *ret)
{
    struct sg_reader r = sg_reader_over(header);
    uint64_t pairs, label;
    return sg_cbor_get_map(&r, &pairs) == 0 && pairs == 1 && sg_cbor_get_uint(&r, &label) == 0 &&
           label == HEADER_ALGORITHM && sg_cbor_get_int(&r, ret) == 0 && r.left == 0;
}

static bool enter(struct sg_reader *r)
{
    enum sg_cbor_type type;
    uint64_t v;
    if (sg_cbor_peek(r, &type))
        return false;
    if (type == SG_CBOR_TAG && (sg_cbor_get_tag(r, &v) || v != TAG_SIGN1))
        return false;
    return sg_cbor_get_array(r, &v) == 0 && v == 4;
}

bool sg_tee_cose_read(struct sg_bytes document, struct sg_tee_cose *ret)
{
    struct sg_reader r = sg_reader_over(document);
    uint64_t unprotected;
    if (document.len > DOCUMENT_MAX || !enter(&r) ||
        sg_cbor_get_bytes(&r, &ret->protected_header) || sg_cbor_get_map(&r, &unprotected) ||
        unprotected || sg_cbor_get_bytes(&r, &ret->payload) ||
        sg_cbor_get_bytes(&r, &ret->signature) || r.left)
        return false;
    return read_algorithm(ret->protected_header, &ret->algorithm);
}

static enum sg_tee_alg alg_of(const struct sg_tee_cose *c)
{
    return c->algorithm == ES256   ? SG_TEE_ES256
           : c->algorithm == ES384 ? SG_TEE_ES384
                                   : SG_TEE_ALG_NONE;
}

bool sg_tee_cose_supported(const struct sg_tee_cose *c)
{
    return alg_of(c) != SG_TEE_ALG_NONE;
}

/* Sig_structure, RFC 9052 section 4.4. */
static int to_be_signed(const struct sg_tee_cose *c, struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 4);
    if (!r)
        r = sg_cbor_put_text(ret, "Signature1");
    if (!r)
        r = sg_cbor_put_bytes(ret, c->protected_header);
    if (!r)
        r = sg_cbor_put_bytes(ret, SG_BYTES_NONE);
    return r ? r : sg_cbor_put_bytes(ret, c->payload);
}

int sg_tee_cose_verify(const struct sg_tee_cose *c, const struct sg_tee_key *key, bool *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(DOCUMENT_MAX + 256);
    int r = to_be_signed(c, &message);
    if (r)
        return r;
    *ret = sg_tee_key_verifies(key, alg_of(c), sg_buf_bytes(&message), c->signature);
    return 0;
}
