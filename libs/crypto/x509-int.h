#pragma once
/*
 * x509, inside - a certificate is an X509 that is never changed after it was made.
 */
#include <sealgrid/crypto/x509.h>

#include <openssl/x509.h>

struct sg_cert {
    X509 *x;
};

/* Takes x, also on failure. */
SG_MUST_USE int sg_cert_wrap(struct sg_cert **ret, X509 *x);
