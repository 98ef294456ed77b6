#include "provider.h"

#include <stdlib.h>

#include "provider-int.h"

enum { SGX_REPORT_DATA = 320, TD_REPORT_DATA = 520 };

struct tk_provider {
    struct sg_tee_provider base;
    const struct tk_intel *intel;
};

static int evidence_with(struct sg_tee_provider *p, struct tk_quote q, size_t at,
                         const uint8_t report_data[SG_TEE_REPORT_DATA_LEN], struct sg_buf *ret)
{
    const struct tk_provider *tk = (const struct tk_provider *)p;
    memcpy(q.body + at, report_data, SG_TEE_REPORT_DATA_LEN);
    tk_quote_make(tk->intel, &q, ret);
    return 0;
}

static int sgx_evidence(struct sg_tee_provider *p,
                        const uint8_t report_data[SG_TEE_REPORT_DATA_LEN], struct sg_buf *ret)
{
    const struct tk_provider *tk = (const struct tk_provider *)p;
    return evidence_with(p, tk_quote_sgx(tk->intel), SGX_REPORT_DATA, report_data, ret);
}

static int tdx_evidence(struct sg_tee_provider *p,
                        const uint8_t report_data[SG_TEE_REPORT_DATA_LEN], struct sg_buf *ret)
{
    const struct tk_provider *tk = (const struct tk_provider *)p;
    return evidence_with(p, tk_quote_td(tk->intel, 4, TK_TD10_BODY), TD_REPORT_DATA, report_data,
                         ret);
}

static int no_sealing_key(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                          struct sg_secret *ret)
{
    (void)p;
    (void)policy;
    (void)label;
    (void)ret;
    return sg_raise(-ENOTSUP);
}

static void provider_free(struct sg_tee_provider *p)
{
    free(p);
}

int tk_provider_new(struct sg_tee_provider **ret, const struct tk_intel *t, enum sg_tee_kind kind)
{
    static const struct sg_tee_provider_ops sgx = {.kind = SG_TEE_SGX,
                                                   .evidence = sgx_evidence,
                                                   .sealing_key = no_sealing_key,
                                                   .free = provider_free};
    static const struct sg_tee_provider_ops tdx = {.kind = SG_TEE_TDX,
                                                   .evidence = tdx_evidence,
                                                   .sealing_key = no_sealing_key,
                                                   .free = provider_free};
    struct tk_provider *p = malloc(sizeof *p);
    if (!p)
        return sg_raise(-ENOMEM);
    *p = (struct tk_provider){{kind == SG_TEE_TDX ? &tdx : &sgx}, t};
    *ret = &p->base;
    return 0;
}
