#pragma once
/*
 * verdict - the report of one audit, as deterministic CBOR; seal.h puts the auditor's signature
 * under it.  docs/adr/0010 has the octets.
 */
#include "basis.h"

#define VERDICT_FINDINGS_MAX 1000 /* more are counted */
#define VERDICT_MAX          (1u << 20)

struct verdict {
    struct basis basis;
    int64_t client, from_s, until_s;
    uint8_t bill_sha256[32];             /* of the bill object, as on the bill */
    uint8_t bill_file[32], evidence[32]; /* SHA-256 of files, the evidence unpacked */
    bool ok;
    uint64_t blocks, readings, gaps, clock, estimated, resolved, without_crl, stale_crl, found;
    uint64_t n_findings;      /* in findings */
    struct sg_bytes findings; /* the items, one after the other; borrowed */
};

struct verdict_finding {
    struct sg_bytes code, text; /* borrowed */
    struct sg_bytes serial;     /* data NULL: none */
    uint64_t seq, count;
    int64_t ts_s; /* INT64_MIN: none */
};

/* One item appended to what becomes verdict.findings. */
SG_MUST_USE int verdict_put_finding(struct sg_buf *findings, const struct sg_audit_finding *f);
SG_MUST_USE int verdict_next(struct sg_reader *findings, struct verdict_finding *ret);

enum verdict_outcome { VERDICT_MALFORMED = 1 };
SG_MUST_USE int verdict_encode(const struct verdict *v, struct sg_buf *ret);
/* Borrows. */
SG_MUST_USE int verdict_decode(struct sg_bytes payload, struct verdict *ret);
