#pragma once
/*
 * chain-faults - what is wrong with one certificate in its place of a chain, revocation apart.
 * Sets of bits 1 << enum sg_tee_cert_fault; 0: nothing.  Pure.
 */
#include "chain-int.h"
#include "store-int.h"

#define BIT(fault) (1u << SG_TEE_FAULT_##fault)

uint32_t sg_tee_leaf_faults(const struct sg_tee_chain_request *q, const struct sg_tee_cert *c);
/* below: CAs between this one and the leaf. */
uint32_t sg_tee_ca_faults(const struct sg_tee_chain_request *q, const struct sg_tee_cert *c,
                          size_t below);
/* A root given as a certificate has dates and a path length; its faults are the CAs'. */
uint32_t sg_tee_anchor_faults(const struct sg_tee_chain_request *q, const struct sg_tee_anchor *a,
                              size_t below);
