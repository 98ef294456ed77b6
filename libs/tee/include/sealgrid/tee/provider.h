#pragma once
/*
 * tee provider - evidence about this very process, and keys that only it can derive.
 *
 * One provider a process, opened at start.  Making evidence may take seconds on real hardware
 * (TDX asks a quoting service): never on a loop thread.  Any thread.
 * Owns: its keys and descriptors.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/tee/kind.h>

struct sg_tee_provider;

#define SG_TEE_REPORT_DATA_LEN 64
#define SG_TEE_EVIDENCE_MAX    32768 /* DICE platforms pass 8 KiB */

/* What a sealing key hangs on. */
enum sg_tee_seal {
    SG_TEE_SEAL_MEASUREMENT = 1, /* this very build (MRENCLAVE); what was booted (tpm) */
    SG_TEE_SEAL_PLATFORM = 2,    /* any build on this platform (sim), by this signer (MRSIGNER), on
                                    this firmware (tpm) */
};

/* "sim": where = the platform's folder (sim.h).  "tsm": Linux configfs-tsm (SEV-SNP, TDX, CCA);
 * where = its folder of reports, NULL for the kernel's.  "gramine": SGX under Gramine; where = its
 * attestation files, NULL for /dev/attestation.  "tpm": quotes of a TPM 2.0; where = a TCTI of tss2
 * ("device:/dev/tpmrm0"; "pcrs=0-9,14;device:/dev/tpmrm0" for other PCRs than 0 to 15), NULL for
 * its own choice; only if built with tss2.  -ENOTSUP for any other.  sim logs nothing itself:
 * whoever opens it says attestation.simulated. */
SG_MUST_USE int sg_tee_provider_open(struct sg_tee_provider **ret, const char *kind,
                                     const char *where);
void sg_tee_provider_free(struct sg_tee_provider *p);
SG_DEFINE_FREEP(struct sg_tee_provider, sg_tee_provider_free)
enum sg_tee_kind sg_tee_provider_kind(const struct sg_tee_provider *p);

/* Appends evidence that holds report_data; fresh on every call. */
SG_MUST_USE int sg_tee_evidence(struct sg_tee_provider *p,
                                const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                                struct sg_buf *ret);
/* 32 octets, the same at every start under the same label; *ret must be empty.  tpm: as long as the
 * PCRs are the same.  -ENOTSUP: tsm on TDX and CCA, and on
 * SEV-SNP for SG_TEE_SEAL_PLATFORM. */
SG_MUST_USE int sg_tee_sealing_key(struct sg_tee_provider *p, enum sg_tee_seal policy,
                                   const char *label, struct sg_secret *ret);
