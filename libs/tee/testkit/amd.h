#pragma once
/*
 * testkit amd - a make-believe AMD: ARK, ASK, ASVK and a chip's or provider's key; SEV-SNP reports.
 */
#include "fast-sign.h"

enum tk_product { TK_MILAN, TK_GENOA, TK_TURIN };
enum { TK_SNP_REPORT = 1184 };

struct tk_amd {
    enum tk_product product;
    int64_t at_s;
    EVP_PKEY *ark_key, *ask_key, *asvk_key, *vcek_key, *vlek_key;
    X509 *ark, *ask, *asvk, *vcek, *vlek;
    struct tk_cert_spec ark_spec, ask_spec, asvk_spec, vcek_spec, vlek_spec;
    const char *product_name; /* in the leaf; "Milan-B0" */
    uint8_t fmc, bl, tee, snp, ucode;
    uint8_t chip_id[64];
    bool chip_id_in_der; /* AMD's text, not what is seen */
};
void tk_amd_init(struct tk_amd *t, enum tk_product product, int64_t at_s);
/* The certificates again, from specs and fields as they are now. */
void tk_amd_issue(struct tk_amd *t);
void tk_amd_clear(struct tk_amd *t);
/* VCEK or VLEK with all that AMD has it say, from specs and fields as they are now. */
struct tk_cert_spec tk_amd_leaf_spec(const struct tk_amd *t, bool vlek);

/* A good report of that version (2, 3, 5), unsigned. */
void tk_snp_report(const struct tk_amd *t, unsigned version, uint8_t ret[TK_SNP_REPORT]);
/* Signs octets 0..0x29F; everything behind the signature is left as it is. */
void tk_snp_sign(EVP_PKEY *key, uint8_t report[TK_SNP_REPORT]);
void tk_snp_sign_fast(const struct tk_fast_signer *s, uint8_t report[TK_SNP_REPORT]);
