#pragma once
/*
 * snp-derive - a sealing key that the processor derives for a SEV-SNP guest.
 * Source: AMD "SEV Secure Nested Paging Firmware ABI Specification", MSG_KEY_REQ and MSG_KEY_RSP;
 * Linux, Documentation/virt/coco/sev-guest.rst, SNP_GET_DERIVED_KEY.
 *
 * Rooted in the chip's own key, mixed with launch measurement, guest policy, family and image id:
 * another chip, another guest, or the same one with debugging allowed, has another key.  Family and
 * image id alone are anybody's to choose, so there is no key for "any build".
 */
#include <sealgrid/tee/provider.h>

#define SG_SNP_DEVICE "/dev/sev-guest"

enum sg_snp_key_field { /* bits of GUEST_FIELD_SELECT */
                        SG_SNP_KEY_POLICY = 1,
                        SG_SNP_KEY_IMAGE_ID = 2,
                        SG_SNP_KEY_FAMILY_ID = 4,
                        SG_SNP_KEY_MEASUREMENT = 8,
};

#define SG_SNP_KEY_REPLY 64 /* status (4), zeros (28), key (32) */

/* Fields to mix, and the VMPL that the key is for, which must not be above (below in number) the
 * asking one's; to the whole reply.  -errno. */
typedef int sg_snp_ask_key(uint64_t fields, uint32_t vmpl, uint8_t ret[SG_SNP_KEY_REPLY]);
/* The kernel's device. */
sg_snp_ask_key sg_snp_kernel_key;

/* -ENOTSUP: SG_TEE_SEAL_PLATFORM.  -EIO: the firmware's status is in the trace. */
SG_MUST_USE int sg_snp_derive(sg_snp_ask_key *ask, uint32_t vmpl, enum sg_tee_seal policy,
                              const char *label, struct sg_secret *ret);
