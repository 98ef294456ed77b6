#include "request-int.h"

#include <sealgrid/base/encode.h>
#include <sealgrid/base/error.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#define SGX_V4 "/sgx/certification/v4"

static void put(char *ret, size_t size, const char *text)
{
    sg_assert(strlen(text) < size);
    memcpy(ret, text, strlen(text) + 1);
}

static void ask_tcb_info(const struct sg_tee_need *n, struct sg_collateral_request *r)
{
    const char *tee = n->tdx ? "tdx" : "sgx";
    char fmspc[13];
    sg_hex(fmspc, n->fmspc, sizeof n->fmspc);
    snprintf(r->path, sizeof r->path, "/%s/certification/v4/tcb?fmspc=%s", tee, fmspc);
    snprintf(r->file, sizeof r->file, "intel-tcb-%s-%s.json", tee, fmspc);
    r->chain_header[0] = "TCB-Info-Issuer-Chain";
    r->chain_header[1] = "SGX-TCB-Info-Issuer-Chain"; /* of older caches */
}

static void ask_identity(const struct sg_tee_need *n, struct sg_collateral_request *r)
{
    const char *tee = n->tdx ? "tdx" : "sgx";
    snprintf(r->path, sizeof r->path, "/%s/certification/v4/qe/identity", tee);
    snprintf(r->file, sizeof r->file, "intel-qe-%s.json", tee);
    r->chain_header[0] = "SGX-Enclave-Identity-Issuer-Chain";
}

static void ask_pck_crl(const struct sg_tee_need *n, struct sg_collateral_request *r)
{
    const char *ca = n->platform ? "platform" : "processor";
    snprintf(r->path, sizeof r->path, SGX_V4 "/pckcrl?ca=%s&encoding=der", ca);
    snprintf(r->file, sizeof r->file, "intel-pck-%s.crl", ca);
    r->chain_header[0] = "SGX-PCK-CRL-Issuer-Chain";
}

static void ask_root_crl(bool pccs, struct sg_collateral_request *r)
{
    r->service = pccs ? SG_SERVICE_INTEL : SG_SERVICE_INTEL_ROOT;
    put(r->path, sizeof r->path, pccs ? SGX_V4 "/rootcacrl" : "/IntelSGXRootCA.der");
    put(r->file, sizeof r->file, "intel-root.crl");
}

/* The chip's name in a file's would be long, and tell a reader of the folder's list which machines
 * are attested: its hash does not. */
static void ask_vcek(const struct sg_tee_need *n, struct sg_collateral_request *r)
{
    char chip[2 * sizeof n->chip_id + 1], fmc[24] = "";
    uint8_t id[32];
    sg_hex(chip, n->chip_id, n->chip_id_len);
    if (n->fmc >= 0)
        snprintf(fmc, sizeof fmc, "fmcSPL=%02d&", n->fmc);
    snprintf(r->path, sizeof r->path,
             "/vcek/v1/%s/%s?%sblSPL=%02d&teeSPL=%02d&snpSPL=%02d&ucodeSPL=%02d", n->product, chip,
             fmc, n->bl, n->tee, n->snp, n->ucode);
    sg_sha256(id, sg_bytes_str(r->path));
    sg_hex(chip, id, 16);
    snprintf(r->file, sizeof r->file, "amd-vcek-%s-%s.der", n->product, chip);
}

static void ask_amd(const struct sg_tee_need *n, struct sg_collateral_request *r)
{
    const bool chain = n->kind == SG_TEE_NEED_AMD_CHAIN;
    const char *key = n->vlek ? "vlek" : "vcek";
    snprintf(r->path, sizeof r->path, "/%s/v1/%s/%s", key, n->product,
             chain ? "cert_chain" : "crl");
    snprintf(r->file, sizeof r->file, "amd-%s-%s.%s", key, n->product, chain ? "pem" : "crl");
}

void sg_collateral_request_of(const struct sg_tee_need *n, bool pccs,
                              struct sg_collateral_request *ret)
{
    *ret = (struct sg_collateral_request){.service = SG_SERVICE_INTEL};
    switch (n->kind) {
    case SG_TEE_NEED_TCB_INFO:
        ask_tcb_info(n, ret);
        return;
    case SG_TEE_NEED_QE_IDENTITY:
        ask_identity(n, ret);
        return;
    case SG_TEE_NEED_PCK_CRL:
        ask_pck_crl(n, ret);
        return;
    case SG_TEE_NEED_INTEL_ROOT_CRL:
        ask_root_crl(pccs, ret);
        return;
    case SG_TEE_NEED_AMD_CHAIN:
    case SG_TEE_NEED_AMD_CRL:
        ret->service = SG_SERVICE_AMD;
        ask_amd(n, ret);
        return;
    case SG_TEE_NEED_VCEK:
        ret->service = SG_SERVICE_AMD;
        ask_vcek(n, ret);
        return;
    }
    sg_assert_failed("a need of no kind", __FILE__, __LINE__);
}
