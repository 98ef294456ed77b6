#pragma once
/*
 * rfc6979 - deterministic ECDSA on P-256 with SHA-256, for known answers whose signatures were made
 * that way (OpenSSL 3.0 cannot).  Not constant time: for published test keys only.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

SG_MUST_USE int rfc6979_sign(const uint8_t scalar[32], struct sg_bytes message, uint8_t ret[64]);
