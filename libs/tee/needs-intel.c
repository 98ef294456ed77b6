/* needs of SGX and TDX quotes: by the FMSPC and the issuer of the platform's certificate. */
#include "dcap-int.h"
#include "needs-int.h"

static void add_documents(const struct sg_quote *q, const struct sg_tee_cert *leaf,
                          const struct sg_pck *pck, struct sg_tee_needs *ret)
{
    struct sg_tee_need n = {.tdx = q->tee == SG_QUOTE_TEE_TDX,
                            .platform =
                                !strcmp(leaf->issuer_common_name, "Intel SGX PCK Platform CA")};
    static const enum sg_tee_need_kind kinds[] = {SG_TEE_NEED_INTEL_ROOT_CRL, SG_TEE_NEED_PCK_CRL,
                                                  SG_TEE_NEED_TCB_INFO, SG_TEE_NEED_QE_IDENTITY};
    memcpy(n.fmspc, pck->fmspc, sizeof n.fmspc);
    memcpy(n.pceid, pck->pceid, sizeof n.pceid);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        n.kind = kinds[i];
        sg_tee_needs_add(ret, &n);
    }
}

int sg_dcap_needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    const struct sg_tee_case c = {.evidence = e};
    struct sg_quote q;
    struct sg_pck pck;
    const enum sg_tee_reason why = sg_quote_read(e->part[SG_TEE_PART_REPORT], &q);
    if (why != SG_TEE_REASON_NONE && why != SG_TEE_REASON_TRAILING)
        return 0;
    int r = sg_dcap_certs(&c, &q, &bundle);
    const struct sg_tee_cert *leaf = r < 0 ? NULL : sg_dcap_leaf(bundle.certs);
    if (leaf && sg_pck_read(leaf, &pck))
        add_documents(&q, leaf, &pck, ret);
    return r < 0 ? r : 0;
}
