#pragma once
/*
 * snp - the attestation report of an AMD SEV-SNP guest, and what AMD's certificates say of its key.
 * Source: AMD 56860 (SEV-SNP firmware ABI), table "ATTESTATION_REPORT", versions 2, 3 and 5;
 * AMD 57230 (VCEK certificate and KDS interface).  Little-endian throughout.
 */
#include "chain-int.h"

#include <sealgrid/tee/verdict.h>

enum {
    SG_SNP_REPORT_LEN = 1184,
    SG_SNP_SIGNED_LEN = 0x2A0, /* what the signature covers */
    SG_SNP_POLICY = 0x08,
    SG_SNP_VMPL = 0x30,
    SG_SNP_ALGORITHM = 0x34,
    SG_SNP_KEY_FLAGS = 0x48,
    SG_SNP_REPORT_DATA = 0x50,
    SG_SNP_MEASUREMENT = 0x90,
    SG_SNP_ID_KEY_DIGEST = 0xE0,
    SG_SNP_REPORTED_TCB = 0x180,
    SG_SNP_FAMILY = 0x188, /* version 3 and later; model and stepping follow */
    SG_SNP_MODEL = 0x189,
    SG_SNP_CHIP_ID = 0x1A0,
    SG_SNP_CHIP_ID_LEN = 64,
    SG_SNP_SIGNATURE = 0x2A0, /* r, s: 72 octets each, little-endian, 48 used */
    SG_SNP_SCALAR_ROOM = 72,
    SG_SNP_SCALAR_LEN = 48,
    SG_SNP_SIGNATURE_END = SG_SNP_SIGNATURE + 2 * SG_SNP_SCALAR_ROOM,
};

/* X(bit of POLICY, name); bits 0..15 are the least firmware ABI, minor then major. */
#define SG_SNP_POLICY_BITS(X)                                                                      \
    X(16, smt)                                                                                     \
    X(17, rsvd1) /* must be set */                                                                 \
    X(18, migrate_ma)                                                                              \
    X(19, debug)                                                                                   \
    X(20, single_socket)                                                                           \
    X(21, cxl_allow)                                                                               \
    X(22, mem_aes_256_xts)                                                                         \
    X(23, rapl_dis)                                                                                \
    X(24, ciphertext_hiding)                                                                       \
    X(25, page_swap_disable)

enum sg_snp_policy_bit {
#define X(bit, name) SG_SNP_POLICY_##name = bit,
    SG_SNP_POLICY_BITS(X)
#undef X
};

enum sg_snp_product { SG_SNP_UNKNOWN, SG_SNP_MILAN, SG_SNP_GENOA, SG_SNP_TURIN };

/* Component versions of a TCB_VERSION; a component that the product lacks is -1. */
struct sg_snp_tcb {
    int fmc, bl, tee, snp, ucode;
};
struct sg_snp_tcb sg_snp_tcb_decode(enum sg_snp_product product, const uint8_t tcb[8]);
bool sg_snp_tcb_equal(const struct sg_snp_tcb *a, const struct sg_snp_tcb *b);

/* From CPUID family and model; Bergamo and Siena count as Genoa. */
enum sg_snp_product sg_snp_product_of_cpu(unsigned family, unsigned model);
/* "Milan", "Milan-B0" (a stepping behind the dash); nothing else of a longer name. */
enum sg_snp_product sg_snp_product_of_name(struct sg_bytes name);

/* AMD's extensions, 1.3.6.1.4.1.3704.1. */
struct sg_snp_key_info {
    bool vlek;                   /* the cloud provider's key, not the chip's */
    unsigned struct_version;     /* .1 */
    enum sg_snp_product product; /* .2 */
    char product_name[16];
    struct sg_snp_tcb tcb;   /* .3.x */
    struct sg_bytes hwid;    /* .4 as it stands in the certificate */
    struct sg_bytes chip_id; /* inside it: 64 octets, 8 (Turin), 0 (VLEK) */
    struct sg_bytes csp_id;  /* .5, VLEK only */
};

enum sg_snp_cert_outcome { SG_SNP_CERT_FOREIGN = 1, SG_SNP_CERT_EXTENSION };
/* SG_SNP_CERT_FOREIGN: neither VCEK nor VLEK by its name; SG_SNP_CERT_EXTENSION: an extension is
 * absent or malformed (ret has what could be read). */
SG_MUST_USE int sg_snp_key_info(const struct sg_tee_cert *c, struct sg_snp_key_info *ret);
/* Whether the certificate speaks of this chip: the certificate's octets, then zeros. */
bool sg_snp_chip_matches(const struct sg_snp_key_info *k,
                         const uint8_t chip_id[SG_SNP_CHIP_ID_LEN]);
/* Writes the members "struct_version" .. "csp_id" into the open object. */
void sg_snp_key_info_json(const struct sg_snp_key_info *k, struct sg_json *j);
/* The member "cert": these, validity and hash. */
void sg_snp_cert_json(const struct sg_tee_cert *c, const struct sg_snp_key_info *k,
                      struct sg_json *j);

/* VCEK under ASK, or VLEK under ASVK. */
struct sg_tee_chain_request sg_snp_chain_request(const struct sg_tee_case *c,
                                                 const struct sg_tee_own_certs *own, bool vlek);
/* The product that the leaf's CA speaks for, by its name. */
enum sg_snp_product sg_snp_product_of_ca(const struct sg_tee_chain *chain, bool vlek);
