#pragma once
/*
 * testkit cose - COSE_Sign1 documents of our own making, as AWS Nitro and Arm CCA use them.
 */
#include "fast-sign.h"

/* 18([<<{1: algorithm}>>, {}, payload, signature]), signed for that algorithm (-7, -35) by the key;
 * tagged or not.  Appends. */
void tk_cose_sign1(EVP_PKEY *key, int algorithm, bool tagged, struct sg_bytes payload,
                   struct sg_buf *ret);
/* ES384 */
void tk_cose_sign1_fast(const struct tk_fast_signer *s, bool tagged, struct sg_bytes payload,
                        struct sg_buf *ret);

/* A good document of an enclave that runs under `leaf`, made at at_s; 16 PCRs. */
void tk_nitro_document(EVP_PKEY *leaf_key, const X509 *leaf, const X509 *ca, const X509 *root,
                       int64_t at_s, struct sg_buf *ret);
/* A good token of a realm on a secured platform; keys of P-384, as Arm has them, or of P-256. */
void tk_cca_token(EVP_PKEY *platform_key, EVP_PKEY *realm_key, struct sg_buf *ret);
