/*
 * attest-make FOLDER [SECONDS] - attestation evidence under roots of our own, for attest.sh and
 * attest-fetch.sh: good files, bad ones, collateral, roots, and a folder of what the vendors'
 * services would answer (attest-serve).  Everything is to be judged at that instant, or at
 * 2026-07-01T00:00:00Z.
 */
#include "testkit/amd.h"
#include "testkit/intel.h"
#include "testkit/tpm.h"
#include "tpm-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/evidence.h>
#include <stdio.h>
#include <sys/stat.h>

#define DAY INT64_C(86400)

static int64_t at_s = INT64_C(1782864000);
static const char *folder;
static struct tk_intel intel;
static struct tk_amd amd;
static struct tk_tpm ak;

static void path_of(char ret[4096], const char *name)
{
    sg_assert(snprintf(ret, 4096, "%s/%s", folder, name) < 4096);
}

static void make_folder(const char *name)
{
    char path[4096];
    path_of(path, name);
    sg_assert(mkdir(path, 0700) == 0);
}

static void put(const char *name, struct sg_bytes b)
{
    char path[4096];
    path_of(path, name);
    FILE *f = fopen(path, "wbx");
    sg_assert(f && fwrite(b.data, 1, b.len, f) == b.len && fclose(f) == 0);
}

/* The octets, which are gone then. */
static void put_buf(const char *name, struct sg_buf *b)
{
    put(name, sg_buf_bytes(b));
    sg_buf_reset(b);
}

/* ---- Intel ---- */

static void put_intel_collateral(struct sg_buf *b)
{
    for (int tdx = 0; tdx < 2; tdx++) {
        struct tk_tcb_info info = tk_tcb_info_good(&intel, tdx);
        const struct tk_identity id = tk_identity_good(&intel, tdx);
        tk_tcb_info_json(&intel, &info, b);
        put_buf(tdx ? "collateral/tdx-tcb.json" : "collateral/sgx-tcb.json", b);
        tk_identity_json(&intel, &id, b);
        put_buf(tdx ? "collateral/td-qe.json" : "collateral/qe.json", b);
    }
    tk_intel_signer_chain(&intel, b);
    put_buf("collateral/signer.pem", b);
    tk_intel_root_crl(&intel, NULL, 0, b);
    put_buf("collateral/deep/root.crl", b);
    tk_intel_pck_crl(&intel, NULL, 0, b);
    put_buf("collateral/deep/pck.crl", b);
    tk_cert_pem(intel.root, b);
    put_buf("intel-root.pem", b);
}

static void put_outdated(struct sg_buf *b)
{
    struct tk_tcb_info info = tk_tcb_info_good(&intel, false);
    info.level[0].status = "OutOfDate";
    info.level[0].advisories = "[\"INTEL-SA-00001\"]";
    tk_tcb_info_json(&intel, &info, b);
    put_buf("outdated/sgx-tcb.json", b);
}

static void put_quotes(struct sg_buf *b)
{
    struct tk_quote q = tk_quote_sgx(&intel);
    char measurement[65];
    tk_quote_make(&intel, &q, b);
    put_buf("sgx.quote", b);
    sg_hex(measurement, q.body + 64, 32);
    put("sgx.measurement", sg_bytes_str(measurement));
    q.body[48] |= 2; /* DEBUG */
    tk_quote_make(&intel, &q, b);
    put_buf("sgx-debug.quote", b);
    q = tk_quote_td(&intel, 4, TK_TD10_BODY);
    tk_quote_make(&intel, &q, b);
    put_buf("td.quote", b);
    tk_quote_make(&intel, &q, b);
    b->data[200] ^= 1;
    put_buf("td-flipped.quote", b);
}

/* ---- services ---- */

/* A header line with the chain, percent-encoded. */
static void put_chain(const char *name, const char *header, const struct sg_buf *pem)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 16);
    char file[256];
    sg_assert(sg_buf_printf(&b, "%s: ", header) == 0);
    for (size_t i = 0; i < pem->len; i++)
        sg_assert(sg_buf_printf(&b, pem->data[i] > ' ' && pem->data[i] != '%' ? "%c" : "%%%02X",
                                pem->data[i]) == 0);
    snprintf(file, sizeof file, "%s.header", name);
    put_buf(file, &b);
}

static void put_intel_service(const char *where, unsigned evaluation, struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1u << 16);
    char name[256], fmspc[13];
    sg_hex(fmspc, intel.fmspc, sizeof intel.fmspc);
    tk_intel_signer_chain(&intel, &pem);
    for (int tdx = 0; tdx < 2; tdx++) {
        struct tk_tcb_info info = tk_tcb_info_good(&intel, tdx);
        struct tk_identity id = tk_identity_good(&intel, tdx);
        info.evaluation = id.evaluation = evaluation;
        snprintf(name, sizeof name, "%s/_%s_certification_v4_tcb_fmspc_%s", where,
                 tdx ? "tdx" : "sgx", fmspc);
        tk_tcb_info_json(&intel, &info, b);
        put_buf(name, b);
        put_chain(name, "TCB-Info-Issuer-Chain", &pem);
        snprintf(name, sizeof name, "%s/_%s_certification_v4_qe_identity", where,
                 tdx ? "tdx" : "sgx");
        tk_identity_json(&intel, &id, b);
        put_buf(name, b);
        put_chain(name, "SGX-Enclave-Identity-Issuer-Chain", &pem);
    }
    snprintf(name, sizeof name, "%s/_sgx_certification_v4_rootcacrl", where);
    tk_intel_root_crl(&intel, NULL, 0, b);
    put_buf(name, b);
    snprintf(name, sizeof name, "%s/_sgx_certification_v4_pckcrl_ca_processor_encoding_der", where);
    tk_intel_pck_crl(&intel, NULL, 0, b);
    put_buf(name, b);
    sg_buf_reset(&pem);
    tk_cert_pem(intel.ca, &pem);
    tk_cert_pem(intel.root, &pem);
    put_chain(name, "SGX-PCK-CRL-Issuer-Chain", &pem);
}

static void put_amd_service(struct sg_buf *b)
{
    const struct tk_crl_spec crl = {.from_s = at_s - DAY,
                                    .until_s = at_s + 5 * DAY,
                                    .digest = "SHA384",
                                    .pss = true,
                                    .number = 3};
    char name[512], chip[2 * sizeof amd.chip_id + 1];
    tk_cert_pem(amd.ask, b);
    tk_cert_pem(amd.ark, b);
    put_buf("service/_vcek_v1_Milan_cert_chain", b);
    tk_crl_der(&crl, amd.ark, amd.ark_key, b);
    put_buf("service/_vcek_v1_Milan_crl", b);
    sg_hex(chip, amd.chip_id, sizeof amd.chip_id);
    snprintf(name, sizeof name,
             "service/_vcek_v1_Milan_%s_blSPL_%02u_teeSPL_%02u_snpSPL_%02u_ucodeSPL_%02u", chip,
             amd.bl, amd.tee, amd.snp, amd.ucode);
    tk_cert_der(amd.vcek, b);
    put_buf(name, b);
}

/* ---- AMD, Azure ---- */

static void put_amd_collateral(struct sg_buf *b)
{
    const struct tk_crl_spec crl = {
        .from_s = at_s - DAY, .until_s = at_s + DAY, .digest = "SHA384", .pss = true};
    tk_cert_pem(amd.ark, b);
    put_buf("amd-root.pem", b);
    tk_cert_pem(amd.ask, b);
    put_buf("collateral/ask.pem", b);
    tk_crl_der(&crl, amd.ark, amd.ark_key, b);
    put_buf("collateral/amd.crl", b);
    tk_cert_der(amd.vcek, b);
    put_buf("vcek.der", b);
}

static void put_tpm_parts(const char *where, struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(4096);
    char name[256];
    tk_tpm_quote(&ak, &quote);
    tk_tpm_sign(&ak, sg_buf_bytes(&quote), b);
    snprintf(name, sizeof name, "%s/quote.sig", where);
    put_buf(name, b);
    snprintf(name, sizeof name, "%s/quote.msg", where);
    put_buf(name, &quote);
    tk_tpm_values(&ak, b);
    snprintf(name, sizeof name, "%s/pcrs.bin", where);
    put_buf(name, b);
    tk_tpm_public(&ak, b);
    snprintf(name, sizeof name, "%s/ak.pub", where);
    put_buf(name, b);
}

static void put_azure(struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(4096);
    uint8_t report[TK_SNP_REPORT];
    tk_hcl_runtime(&ak, &runtime);
    tk_snp_report(&amd, 3, report);
    put("snp-unsigned.report", SG_BYTES_ARRAY(report));
    tk_snp_sign(amd.vcek_key, report);
    put("snp.report", SG_BYTES_ARRAY(report));
    memset(report + 0x50, 0, 64);
    sg_sha256(report + 0x50, sg_buf_bytes(&runtime));
    tk_snp_sign(amd.vcek_key, report);
    tk_hcl_report(2, SG_BYTES_ARRAY(report), sg_buf_bytes(&runtime), b);
    put_buf("azure/hcl_report.bin", b);
    put("azure/snp_report.bin", SG_BYTES_ARRAY(report));
    put_buf("azure/runtime_data.json", &runtime);
    put("azure/notes.json", SG_BYTES_LIT("{\"of\":\"no interest\"}"));
    put_tpm_parts("azure", b);
    tk_cert_der(amd.vcek, b);
    put_buf("azure/vcek.der", b);
}

static void put_tpm(struct sg_buf *b)
{
    put_tpm_parts("tpm", b);
    tk_key_spki(ak.key, b);
    put_buf("ak-root.der", b);
}

/* ---- what providers hand out ---- */

/* Provider tsm: an SNP report with the certificates of the host's table. */
static void put_of_tsm(struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1u << 16);
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&amd, 3, report);
    tk_snp_sign(amd.vcek_key, report);
    tk_cert_pem(amd.vcek, &pem);
    tk_cert_pem(amd.ask, &pem);
    struct sg_tee_evidence e = {.part = {[SG_TEE_PART_REPORT] = SG_BYTES_ARRAY(report),
                                         [SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&pem)}};
    sg_assert(sg_tee_evidence_encode(&e, b) == 0);
    put("provided/tsm", sg_buf_bytes(b));
    b->data[b->len / 2] ^= 1; /* among the certificates */
    put_buf("provided/tsm-flipped", b);
    e.part[SG_TEE_PART_REPORT] = SG_BYTES_NONE;
    sg_assert(sg_tee_evidence_encode(&e, b) == 0);
    put_buf("provided/no-report", b);
}

static void put_of_tpm(struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf quote = SG_BUF_INIT(4096),
                  sig = SG_BUF_INIT(4096), pcrs = SG_BUF_INIT(4096), key = SG_BUF_INIT(4096);
    tk_tpm_quote(&ak, &quote);
    tk_tpm_sign(&ak, sg_buf_bytes(&quote), &sig);
    tk_tpm_values(&ak, &pcrs);
    tk_tpm_public(&ak, &key);
    const struct sg_tee_evidence e = {.part = {[SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&quote),
                                               [SG_TEE_PART_TPM_SIGNATURE] = sg_buf_bytes(&sig),
                                               [SG_TEE_PART_TPM_PCRS] = sg_buf_bytes(&pcrs),
                                               [SG_TEE_PART_TPM_KEY] = sg_buf_bytes(&key)}};
    sg_assert(sg_tpm_pack(&e, b) == 0);
    put_buf("provided/tpm", b);
    sg_assert(sg_tee_evidence_encode(&e, b) == 0);
    put_buf("provided/tpm-map", b);
}

int main(int argc, char **argv)
{
    static const char *const folders[] = {"collateral", "collateral/deep", "outdated", "azure",
                                          "tpm",        "empty",           "service",  "older",
                                          "provided"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: attest-make FOLDER [SECONDS]\n");
        return 2;
    }
    folder = argv[1];
    if (argc == 3)
        at_s = strtoll(argv[2], NULL, 10);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        make_folder(folders[i]);
    tk_intel_init(&intel, at_s);
    tk_amd_init(&amd, TK_MILAN, at_s);
    tk_tpm_init(&ak, TK_RSA2048);
    put_intel_collateral(&b);
    put_outdated(&b);
    put_quotes(&b);
    put_amd_collateral(&b);
    put_azure(&b);
    put_tpm(&b);
    put_of_tsm(&b);
    put_of_tpm(&b);
    put_intel_service("service", 18, &b);
    put_intel_service("older", 17, &b);
    put_amd_service(&b);
    tk_intel_clear(&intel);
    tk_amd_clear(&amd);
    tk_tpm_clear(&ak);
    return 0;
}
