#pragma once
/*
 * request - how a needed document is asked for: service, path, header of its issuers, and the name
 * of its file.  Pure.
 *
 * Sources: Intel, "Provisioning Certification Service for ECDSA Attestation", API v4 (tcb,
 * qe/identity, pckcrl; issuers in response headers, percent-encoded PEM); Intel, PCCS design guide
 * (the same paths, and rootcacrl: the root's list in hexadecimal); the root's list at Intel itself
 * is the distribution point that its certificates name.  AMD 57230, "VCEK certificate and KDS
 * interface specification", chapter 4 (vcek, vlek: cert_chain, crl; security patch levels in
 * decimal, Turin: fmcSPL and 8 octets of hardware id).
 */
#include <sealgrid/tee/needs.h>

enum sg_collateral_service {
    SG_SERVICE_INTEL,
    SG_SERVICE_INTEL_ROOT, /* Intel has its root's list elsewhere; a PCCS has not */
    SG_SERVICE_AMD,
    SG_N_SERVICES,
};

#define SG_REQUEST_PATH_MAX 384
#define SG_REQUEST_FILE_MAX 224
#define SG_REQUEST_HEADERS  2

struct sg_collateral_request {
    enum sg_collateral_service service;
    char path[SG_REQUEST_PATH_MAX]; /* "/sgx/certification/v4/tcb?fmspc=00906ed50000" */
    const char *chain_header[SG_REQUEST_HEADERS]; /* any of them; NULL: none */
    char file[SG_REQUEST_FILE_MAX];
};

/* pccs: the Intel service is not Intel's own. */
void sg_collateral_request_of(const struct sg_tee_need *n, bool pccs,
                              struct sg_collateral_request *ret);
