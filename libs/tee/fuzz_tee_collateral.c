/*
 * Any octets as collateral: taken or passed over, sealed, counted.  A certificate that is taken
 * reads as OpenSSL reads it; a list that is taken lists the same serials.
 */
#include <openssl/x509v3.h>
#include <stdint.h>

#include "store-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_serials(const ASN1_INTEGER *theirs, struct sg_bytes ours)
{
    BIGNUM *bn = ASN1_INTEGER_to_BN(theirs, NULL);
    uint8_t *raw = malloc(ours.len + 1);
    sg_assert(bn && raw && (size_t)BN_num_bytes(bn) == ours.len);
    BN_bn2bin(bn, raw);
    sg_assert(ours.len == 0 || memcmp(raw, ours.data, ours.len) == 0);
    free(raw);
    BN_free(bn);
}

static void compare_cert(const struct sg_tee_cert *c)
{
    const unsigned char *at = c->der.data;
    X509 *x = d2i_X509(NULL, &at, (long)c->der.len);
    if (!x)
        return; /* OpenSSL minds contents of strings and extensions that nothing hangs on */
    compare_serials(X509_get0_serialNumber(x), c->serial);
    if (!(X509_get_extension_flags(x) & EXFLAG_INVALID)) {
        const bool theirs = X509_check_ca(x) == 1;
        sg_assert(theirs == (c->ca && (!c->has_key_usage || c->may_sign_certs)));
    }
    X509_free(x);
}

static void compare_crl(const struct sg_tee_crl *c)
{
    const unsigned char *at = c->der.data;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)c->der.len);
    if (!x)
        return;
    const STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(x);
    const int n = sk_X509_REVOKED_num(list);
    sg_assert((n < 0 ? 0 : (size_t)n) == c->n_serials);
    for (int i = 0; i < n; i++) {
        BIGNUM *bn = ASN1_INTEGER_to_BN(
            X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, i)), NULL);
        uint8_t raw[4096];
        if (bn && BN_num_bytes(bn) <= (int)sizeof raw)
            sg_assert(sg_tee_crl_lists(c, SG_BYTES(raw, (size_t)BN_bn2bin(bn, raw))));
        BN_free(bn);
    }
    X509_CRL_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    unsigned items = 0;
    struct sg_tee_store_counts n;
    sg_assert(sg_tee_store_new(&s, false) == 0);
    if (size > SG_TEE_BLOB_MAX || sg_tee_store_add(s, SG_BYTES(data, size), &items) < 0)
        return 0;
    sg_assert(sg_tee_store_seal(s) == 0);
    sg_tee_store_count(s, &n);
    sg_assert((n.certificates + n.crls + n.keys + n.tcb_infos + n.identities + n.broken > 0) ==
              (items != 0));
    for (size_t i = 0; i < s->n_certs; i++)
        compare_cert(s->cert[i]);
    for (size_t i = 0; i < s->n_crls; i++)
        compare_crl(s->crl[i]);
    return 0;
}
