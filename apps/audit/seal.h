#pragma once
/*
 * seal - the auditor's signature under a report: COSE_Sign1 (RFC 9052) with external_aad
 * "sealgrid-audit-v1".  What the payload is, it says itself in its first item.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/crypto/sign.h>

#define SEAL_PAYLOAD_MAX (512u << 20)
#define SEAL_MESSAGE_MAX (SEAL_PAYLOAD_MAX + 1024)

/* The algorithm follows from the key: ES256, EdDSA or PS256.  Appended. */
SG_MUST_USE int seal_put(struct sg_buf *ret, const struct sg_key *key, struct sg_bytes payload);
enum seal_outcome { SEAL_MALFORMED = 1, SEAL_BAD_SIGNATURE };
/* Borrows. */
SG_MUST_USE int seal_open(struct sg_bytes message, const struct sg_key *key,
                          struct sg_bytes *ret_payload);
