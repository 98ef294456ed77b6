#pragma once
/*
 * snp-table - the certificates that a host gives a SEV-SNP guest beside its report.
 * Source: AMD "SEV-ES Guest-Hypervisor Communication Block Standardization", SNP Extended Guest
 * Request: entries of GUID (16), offset (4), length (4), little-endian; the last is zeros; then
 * the octets.
 *
 * Nothing here is trusted: the host may give what it likes, and a verifier judges every
 * certificate.
 */
#include <sealgrid/base/buf.h>

#define SG_SNP_TABLE_MAX 32768

/* Certificates of VCEK or VLEK and of their CA appended as PEM, in the order of the table; an empty
 * table has none.  -EBADMSG: entry and place in the trace; nothing is appended. */
SG_MUST_USE int sg_snp_table_read(struct sg_bytes table, struct sg_buf *ret);
