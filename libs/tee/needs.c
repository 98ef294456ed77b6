/* needs - what documents are needed, and whether one is it; per kind in needs-intel.c, needs-amd.c
 * and the judges' table. */
#include "needs-int.h"

#include <stdio.h>

#include "der-int.h"
#include "snp-int.h"
#include "store-int.h"

int sg_tee_needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret)
{
    const struct sg_tee_judge *j = sg_tee_judge_of(e);
    struct sg_tee_needs needs = {0};
    int r = j && j->needs ? j->needs(e, &needs) : 0;
    if (r == 0)
        *ret = needs;
    return r;
}

void sg_tee_needs_add(struct sg_tee_needs *list, const struct sg_tee_need *n)
{
    sg_assert(list->n < SG_TEE_NEEDS_MAX);
    list->at[list->n++] = *n;
}

static const char *common_name(const struct sg_tee_need *n, char room[SG_TEE_CN_MAX])
{
    switch (n->kind) {
    case SG_TEE_NEED_PCK_CRL:
        return n->platform ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA";
    case SG_TEE_NEED_INTEL_ROOT_CRL:
        return "Intel SGX Root CA";
    case SG_TEE_NEED_AMD_CHAIN:
        snprintf(room, SG_TEE_CN_MAX, "%s%s", n->vlek ? "SEV-VLEK-" : "SEV-", n->product);
        return room;
    case SG_TEE_NEED_AMD_CRL:
        snprintf(room, SG_TEE_CN_MAX, "ARK-%s", n->product);
        return room;
    default:
        return "";
    }
}

static bool is_intel_doc(const struct sg_tee_need *n, const struct sg_tee_intel_doc *d)
{
    if (d->fault != SG_TEE_N_DOC_FAULTS)
        return false;
    if (n->kind == SG_TEE_NEED_QE_IDENTITY)
        return d->identity && d->id == (n->tdx ? SG_TEE_INTEL_ID_TD_QE : SG_TEE_INTEL_ID_QE);
    return n->kind == SG_TEE_NEED_TCB_INFO && !d->identity &&
           d->id == (n->tdx ? SG_TEE_INTEL_ID_TDX : SG_TEE_INTEL_ID_SGX) &&
           !memcmp(d->fmspc, n->fmspc, sizeof d->fmspc) &&
           !memcmp(d->pceid, n->pceid, sizeof d->pceid);
}

static bool is_list(const struct sg_tee_need *n, const struct sg_tee_crl *l)
{
    char room[SG_TEE_CN_MAX], issuer[SG_TEE_CN_MAX];
    return (n->kind == SG_TEE_NEED_PCK_CRL || n->kind == SG_TEE_NEED_INTEL_ROOT_CRL ||
            n->kind == SG_TEE_NEED_AMD_CRL) &&
           sg_der_common_name(l->issuer, issuer, sizeof issuer) &&
           !strcmp(issuer, common_name(n, room));
}

static bool is_vcek(const struct sg_tee_need *n, const struct sg_tee_cert *c)
{
    const struct sg_snp_tcb tcb = {
        .fmc = n->fmc, .bl = n->bl, .tee = n->tee, .snp = n->snp, .ucode = n->ucode};
    struct sg_snp_key_info k;
    return sg_snp_key_info(c, &k) == 0 && !k.vlek &&
           k.product == sg_snp_product_of_name(sg_bytes_str(n->product)) &&
           sg_bytes_equal(k.chip_id, SG_BYTES(n->chip_id, n->chip_id_len)) &&
           sg_snp_tcb_equal(&k.tcb, &tcb);
}

static bool is_cert(const struct sg_tee_need *n, const struct sg_tee_cert *c)
{
    char room[SG_TEE_CN_MAX];
    if (n->kind == SG_TEE_NEED_VCEK)
        return is_vcek(n, c);
    return n->kind == SG_TEE_NEED_AMD_CHAIN && c->ca &&
           !strcmp(c->common_name, common_name(n, room));
}

bool sg_tee_need_is(const struct sg_tee_need *n, const struct sg_tee_store *s, size_t i)
{
    sg_assert(i < sg_tee_store_n_documents(s));
    if (i < s->n_docs)
        return is_intel_doc(n, s->doc[i].doc);
    if (i - s->n_docs < s->n_crls)
        return is_list(n, s->crl[i - s->n_docs]);
    return is_cert(n, s->cert[i - s->n_docs - s->n_crls]);
}

void sg_tee_need_name(const struct sg_tee_need *n, char ret[SG_TEE_DOCUMENT_NAME_MAX])
{
    char room[SG_TEE_CN_MAX];
    const size_t size = SG_TEE_DOCUMENT_NAME_MAX;
    switch (n->kind) {
    case SG_TEE_NEED_TCB_INFO:
        snprintf(ret, size, "%s-tcb-info %02x%02x%02x%02x%02x%02x", n->tdx ? "tdx" : "sgx",
                 n->fmspc[0], n->fmspc[1], n->fmspc[2], n->fmspc[3], n->fmspc[4], n->fmspc[5]);
        return;
    case SG_TEE_NEED_QE_IDENTITY:
        snprintf(ret, size, "qe-identity %s", n->tdx ? "TD_QE" : "QE");
        return;
    case SG_TEE_NEED_PCK_CRL:
    case SG_TEE_NEED_INTEL_ROOT_CRL:
    case SG_TEE_NEED_AMD_CRL:
        snprintf(ret, size, "crl %s", common_name(n, room));
        return;
    case SG_TEE_NEED_AMD_CHAIN:
        snprintf(ret, size, "certificate %s", common_name(n, room));
        return;
    case SG_TEE_NEED_VCEK:
        snprintf(ret, size, "certificate SEV-VCEK (%s)", n->product);
        return;
    }
    sg_assert_failed("a need of no kind", __FILE__, __LINE__);
}
