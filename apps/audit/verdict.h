#pragma once
/*
 * verdict - the report of one audit, signed by the auditor: COSE_Sign1 over deterministic CBOR.
 * docs/adr/0010 has the octets.
 */
#include <sealgrid/billing/audit.h>
#include <sealgrid/crypto/sign.h>

#define VERDICT_FINDINGS_MAX 1000 /* more are counted */
#define VERDICT_MAX          (1u << 20)
#define VERDICT_TOOL_MAX     63

struct verdict {
    int64_t made_s;
    char tool[VERDICT_TOOL_MAX + 1];
    int64_t client, from_s, until_s;
    uint8_t bill_sha256[32]; /* of the bill object, as on the bill */
    uint8_t bill_file[32], evidence[32], installations[32], certificates[32]; /* SHA-256 of files */
    bool has_tariff;
    uint8_t tariff_sha256[32];
    bool ok;
    uint64_t blocks, readings, gaps, clock, estimated, resolved, without_crl, found;
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

enum verdict_outcome { VERDICT_MALFORMED = 1, VERDICT_BAD_SIGNATURE };
SG_MUST_USE int verdict_encode(const struct verdict *v, struct sg_buf *ret);
SG_MUST_USE int verdict_decode(struct sg_bytes payload, struct verdict *ret);
/* The algorithm follows from the key: ES256, EdDSA or PS256. */
SG_MUST_USE int verdict_sign(const struct verdict *v, const struct sg_key *key, struct sg_buf *ret);
/* Borrows. */
SG_MUST_USE int verdict_verify(struct sg_bytes message, const struct sg_key *key,
                               struct verdict *ret);
