#include "quote-int.h"

#include <string.h>

static bool take_le16(struct sg_reader *r, unsigned *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 2, &b))
        return false;
    *ret = sg_load_le16(b.data);
    return true;
}

static bool take_le32(struct sg_reader *r, uint32_t *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 4, &b))
        return false;
    *ret = sg_load_le32(b.data);
    return true;
}

static enum sg_tee_reason read_header(struct sg_reader *r, struct sg_quote *q)
{
    if (!take_le16(r, &q->version))
        return SG_TEE_REASON_MALFORMED;
    if (q->version < 3 || q->version > 5)
        return SG_TEE_REASON_VERSION;
    if (!take_le16(r, &q->key_type) || !take_le32(r, &q->tee) || !take_le16(r, &q->qe_svn) ||
        !take_le16(r, &q->pce_svn) || !sg_take(r, 16, &q->vendor) || !sg_take(r, 20, &q->user_data))
        return SG_TEE_REASON_MALFORMED;
    if (q->key_type != 2) /* ECDSA over P-256; 3 (P-384) was never shipped */
        return SG_TEE_REASON_QUOTE_KEY_TYPE;
    const bool tdx = q->tee == SG_QUOTE_TEE_TDX && q->version > 3;
    return q->tee == SG_QUOTE_TEE_SGX || tdx ? SG_TEE_REASON_NONE : SG_TEE_REASON_QUOTE_TEE_TYPE;
}

static const struct {
    unsigned type;
    enum sg_quote_tee tee;
    size_t len;
} bodies[] = {
    {1, SG_QUOTE_TEE_SGX, SG_SGX_REPORT_LEN},
    {2, SG_QUOTE_TEE_TDX, SG_TD10_REPORT_LEN},
    {3, SG_QUOTE_TEE_TDX, SG_TD15_REPORT_LEN},
};

/* Version 5 says type and size of its body; both must be those of the TEE. */
static enum sg_tee_reason read_described_body(struct sg_reader *r, struct sg_quote *q)
{
    uint32_t size;
    if (!take_le16(r, &q->body_type) || !take_le32(r, &size))
        return SG_TEE_REASON_MALFORMED;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (bodies[i].type != q->body_type || bodies[i].tee != q->tee)
            continue;
        if (size != bodies[i].len || !sg_take(r, size, &q->body))
            return SG_TEE_REASON_MALFORMED;
        return SG_TEE_REASON_NONE;
    }
    return SG_TEE_REASON_QUOTE_BODY_TYPE;
}

static enum sg_tee_reason read_body(struct sg_reader *r, struct sg_quote *q)
{
    const size_t len = q->tee == SG_QUOTE_TEE_SGX ? SG_SGX_REPORT_LEN : SG_TD10_REPORT_LEN;
    if (q->version == 5)
        return read_described_body(r, q);
    return sg_take(r, len, &q->body) ? SG_TEE_REASON_NONE : SG_TEE_REASON_MALFORMED;
}

static bool take_certification(struct sg_reader *r, unsigned *ret_type, struct sg_bytes *ret)
{
    uint32_t size;
    return take_le16(r, ret_type) && take_le32(r, &size) && sg_take(r, size, ret);
}

/* QE report, its signature, authentication data, and the certification data of the platform. */
static enum sg_tee_reason read_qe(struct sg_reader *r, struct sg_quote *q)
{
    unsigned auth_len;
    if (!sg_take(r, SG_SGX_REPORT_LEN, &q->qe_report) || !sg_take(r, 64, &q->qe_signature) ||
        !take_le16(r, &auth_len) || !sg_take(r, auth_len, &q->qe_auth) ||
        !take_certification(r, &q->cert_type, &q->cert_data) || r->left)
        return SG_TEE_REASON_MALFORMED;
    return q->cert_type >= 1 && q->cert_type <= SG_QUOTE_CERT_CHAIN ? SG_TEE_REASON_NONE
                                                                    : SG_TEE_REASON_QUOTE_CERT_TYPE;
}

static enum sg_tee_reason read_signature(struct sg_reader *r, struct sg_quote *q)
{
    struct sg_bytes inner;
    if (!sg_take(r, 64, &q->signature) || !sg_take(r, 64, &q->key))
        return SG_TEE_REASON_MALFORMED;
    if (q->version == 3)
        return read_qe(r, q);
    if (!take_certification(r, &q->cert_type, &inner) || r->left)
        return SG_TEE_REASON_MALFORMED;
    if (q->cert_type != SG_QUOTE_CERT_QE_REPORT)
        return SG_TEE_REASON_QUOTE_CERT_TYPE;
    struct sg_reader qe = sg_reader_over(inner);
    return read_qe(&qe, q);
}

static bool all_zero(struct sg_reader r)
{
    for (size_t i = 0; i < r.left; i++) {
        if (r.at[i])
            return false;
    }
    return true;
}

enum sg_tee_reason sg_quote_read(struct sg_bytes octets, struct sg_quote *ret)
{
    struct sg_reader r = sg_reader_over(octets);
    uint32_t size;
    struct sg_bytes data;
    *ret = (struct sg_quote){0};
    enum sg_tee_reason why = read_header(&r, ret);
    if (why == SG_TEE_REASON_NONE)
        why = read_body(&r, ret);
    if (why != SG_TEE_REASON_NONE)
        return why;
    ret->signed_part = SG_BYTES(octets.data, octets.len - r.left);
    if (!take_le32(&r, &size) || !sg_take(&r, size, &data))
        return SG_TEE_REASON_MALFORMED;
    ret->len = octets.len - r.left;
    ret->trailing = r.left;
    struct sg_reader signature = sg_reader_over(data);
    why = read_signature(&signature, ret);
    if (why == SG_TEE_REASON_NONE && !all_zero(r))
        why = SG_TEE_REASON_TRAILING;
    return why;
}

#define X(name, offset, len, type) {#name, offset, len, SG_TEE_FIELD_##type},
static const struct sg_tee_field sgx_fields[] = {SG_SGX_FIELDS(X)};
static const struct sg_tee_field td_fields[] = {SG_TD_FIELDS(X)};
#undef X

#define N(a)      (sizeof(a) / sizeof((a)[0]))
#define N_OF_TD15 2

const struct sg_tee_field *sg_quote_fields(const struct sg_quote *q, size_t *ret_n)
{
    if (q->tee == SG_QUOTE_TEE_SGX) {
        *ret_n = N(sgx_fields);
        return sgx_fields;
    }
    *ret_n = N(td_fields) - (q->body.len == SG_TD15_REPORT_LEN ? 0 : N_OF_TD15);
    return td_fields;
}
