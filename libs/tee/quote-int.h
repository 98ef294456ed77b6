#pragma once
/*
 * quote - the octets of an SGX or TDX quote (Intel DCAP quote formats 3, 4 and 5) taken apart.
 * Everything borrows the quote; lengths are checked here and nowhere else.
 */
#include "judge-int.h"

#define SG_QUOTE_HEADER_LEN 48
#define SG_SGX_REPORT_LEN   384
#define SG_TD10_REPORT_LEN  584
#define SG_TD15_REPORT_LEN  648

enum sg_quote_tee { SG_QUOTE_TEE_SGX = 0, SG_QUOTE_TEE_TDX = 0x81 };

/* Certification data types. */
enum { SG_QUOTE_CERT_LEAF = 4, SG_QUOTE_CERT_CHAIN = 5, SG_QUOTE_CERT_QE_REPORT = 6 };

struct sg_quote {
    unsigned version, key_type, qe_svn, pce_svn;
    uint32_t tee;
    struct sg_bytes vendor, user_data; /* 16, 20 */
    unsigned body_type;                /* version 5; else 0 */
    struct sg_bytes body;              /* enclave or TD report */
    struct sg_bytes signed_part;
    struct sg_bytes signature, key;                   /* 64, 64 */
    struct sg_bytes qe_report, qe_signature, qe_auth; /* 384, 64, any */
    unsigned cert_type;
    struct sg_bytes cert_data;
    size_t len, trailing; /* of the quote by its own account; octets behind it */
};

/*
 * SG_TEE_REASON_NONE, or the first reason why it cannot be taken apart: MALFORMED, VERSION,
 * QUOTE_KEY_TYPE, QUOTE_TEE_TYPE, QUOTE_BODY_TYPE, QUOTE_CERT_TYPE.  What was read until then is in
 * *ret, the rest zero.  Octets behind the quote that are not zero: TRAILING, with all of it read.
 */
enum sg_tee_reason sg_quote_read(struct sg_bytes octets, struct sg_quote *ret);

/* Offsets in the 384 octets of an enclave report (SDM vol. 3D, REPORT structure). */
#define SG_SGX_FIELDS(X)                                                                           \
    X(cpusvn, 0, 16, HEX)                                                                          \
    X(miscselect, 16, 4, UINT)                                                                     \
    X(isvextprodid, 32, 16, HEX)                                                                   \
    X(attributes, 48, 16, HEX)                                                                     \
    X(mrenclave, 64, 32, HEX)                                                                      \
    X(mrsigner, 128, 32, HEX)                                                                      \
    X(configid, 192, 64, HEX)                                                                      \
    X(isvprodid, 256, 2, UINT)                                                                     \
    X(isvsvn, 258, 2, UINT)                                                                        \
    X(configsvn, 260, 2, UINT)                                                                     \
    X(isvfamilyid, 304, 16, HEX)                                                                   \
    X(reportdata, 320, 64, HEX)

/* In a TD report (TDX module ABI, TDREPORT/TDQUOTE body 1.0); 1.5 adds the last two. */
#define SG_TD_FIELDS(X)                                                                            \
    X(tee_tcb_svn, 0, 16, HEX)                                                                     \
    X(mrseam, 16, 48, HEX)                                                                         \
    X(mrsignerseam, 64, 48, HEX)                                                                   \
    X(seamattributes, 112, 8, HEX)                                                                 \
    X(tdattributes, 120, 8, HEX)                                                                   \
    X(xfam, 128, 8, HEX)                                                                           \
    X(mrtd, 136, 48, HEX)                                                                          \
    X(mrconfigid, 184, 48, HEX)                                                                    \
    X(mrowner, 232, 48, HEX)                                                                       \
    X(mrownerconfig, 280, 48, HEX)                                                                 \
    X(rtmr0, 328, 48, HEX)                                                                         \
    X(rtmr1, 376, 48, HEX)                                                                         \
    X(rtmr2, 424, 48, HEX)                                                                         \
    X(rtmr3, 472, 48, HEX)                                                                         \
    X(reportdata, 520, 64, HEX)                                                                    \
    X(tee_tcb_svn2, 584, 16, HEX)                                                                  \
    X(mrservicetd, 600, 48, HEX)

enum {
#define X(name, offset, len, type) SG_SGX_AT_##name = offset,
    SG_SGX_FIELDS(X)
#undef X
#define X(name, offset, len, type) SG_TD_AT_##name = offset,
        SG_TD_FIELDS(X)
#undef X
};

#define SG_SGX_ATTRIBUTE_INIT  0x01
#define SG_SGX_ATTRIBUTE_DEBUG 0x02

/* Bits of TDATTRIBUTES; 0 is DEBUG, 1..7 of its octet must be zero. */
#define SG_TD_ATTRIBUTES(X)                                                                        \
    X(0, "DEBUG")                                                                                  \
    X(28, "SEPT_VE_DISABLE")                                                                       \
    X(29, "MIGRATABLE")                                                                            \
    X(30, "PKS")                                                                                   \
    X(31, "KL")                                                                                    \
    X(63, "PERFMON")
#define SG_TD_ATTRIBUTE_MIGRATABLE   (UINT64_C(1) << 29)
#define SG_TD_ATTRIBUTES_UNDER_DEBUG UINT64_C(0xff)

/* The table of the body's fields. */
const struct sg_tee_field *sg_quote_fields(const struct sg_quote *q, size_t *ret_n);
