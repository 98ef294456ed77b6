#pragma once
/*
 * issuer-chain - the certificates that Intel's service sends in a response header: PEM,
 * percent-encoded (RFC 3986 section 2.1).  Pure.
 */
#include <sealgrid/base/buf.h>

#define SG_ISSUER_CHAIN_MAX 32768

enum sg_issuer_chain_outcome { SG_ISSUER_CHAIN_BAD = 1 };

/*
 * Appends the text.  A raw '+' is a space where the header was written as a form (spaces in
 * "BEGIN+CERTIFICATE"), else itself, as in base64.  SG_ISSUER_CHAIN_BAD: empty, too long, a '%'
 * without two digits, anything but printable ASCII and line ends in the result, or no certificate.
 */
SG_MUST_USE int sg_issuer_chain_decode(struct sg_bytes header, struct sg_buf *ret);
