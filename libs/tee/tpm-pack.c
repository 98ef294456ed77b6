#include "tpm-int.h"

#include <sealgrid/base/cbor.h>

#define MARK "sealgrid-tpm-quote-v1"

static const enum sg_tee_part order[] = {SG_TEE_PART_TPM_QUOTE, SG_TEE_PART_TPM_SIGNATURE,
                                         SG_TEE_PART_TPM_PCRS,  SG_TEE_PART_TPM_KEY,
                                         SG_TEE_PART_EVENT_LOG, SG_TEE_PART_CERTIFICATES};
enum { N_PARTS = sizeof order / sizeof order[0] };

int sg_tpm_pack(const struct sg_tee_evidence *parts, struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 1 + N_PARTS);
    if (r == 0)
        r = sg_cbor_put_text(ret, MARK);
    for (size_t i = 0; i < N_PARTS && r == 0; i++)
        r = sg_cbor_put_bytes(ret, parts->part[order[i]]);
    return r;
}

static bool open_array(const struct sg_tee_evidence *e, struct sg_reader *r)
{
    struct sg_bytes mark;
    uint64_t n;
    *r = sg_reader_over(e->part[SG_TEE_PART_REPORT]);
    return r->left && sg_cbor_get_array(r, &n) == 0 && n == 1 + N_PARTS &&
           sg_cbor_get_text(r, &mark) == 0 && sg_bytes_equal(mark, SG_BYTES_LIT(MARK));
}

bool sg_tpm_is_packed(const struct sg_tee_evidence *e)
{
    struct sg_reader r;
    return open_array(e, &r);
}

bool sg_tpm_unpack(const struct sg_tee_evidence *e, struct sg_tee_evidence *ret)
{
    struct sg_reader r;
    *ret = *e;
    if (!e->part[SG_TEE_PART_REPORT].len)
        return true;
    *ret = (struct sg_tee_evidence){0};
    if (!open_array(e, &r))
        return false;
    for (size_t i = 0; i < N_PARTS; i++)
        if (sg_cbor_get_bytes(&r, &ret->part[order[i]]))
            return false;
    /* What came with the array from outside stands in for what it has not. */
    if (!ret->part[SG_TEE_PART_CERTIFICATES].len)
        ret->part[SG_TEE_PART_CERTIFICATES] = e->part[SG_TEE_PART_CERTIFICATES];
    return r.left == 0;
}
