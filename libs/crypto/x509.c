/* x509 - certificates are read and judged. */
#include "sign-int.h"
#include "x509-int.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/crypto/hash.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

SG_DEFINE_FREEP(BIO, BIO_free_all)
SG_DEFINE_FREEP(X509_STORE, X509_STORE_free)
SG_DEFINE_FREEP(X509_STORE_CTX, X509_STORE_CTX_free)

static int crypto_failure(int negative_errno, const char *what)
{
    ERR_clear_error();
    return sg_raisef(negative_errno, "%s", what);
}

int sg_cert_wrap(struct sg_cert **ret, X509 *x)
{
    struct sg_cert *c = calloc(1, sizeof(*c));

    if (!c) {
        X509_free(x);
        return sg_raise(-ENOMEM);
    }
    /* The extensions are parsed now, while only this thread has the certificate. */
    X509_check_purpose(x, -1, 0);
    ERR_clear_error();
    c->x = x;
    *ret = c;
    return 0;
}

static X509 *parse_pem(struct sg_bytes text)
{
    SG_CLEANUP(BIO_free_allp) BIO *in = BIO_new_mem_buf(text.data, (int)text.len);
    return in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
}

static X509 *parse_der(struct sg_bytes der)
{
    const unsigned char *at = der.data;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);

    if (x && at != der.data + der.len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

int sg_cert_load(struct sg_cert **ret, struct sg_bytes pem_or_der)
{
    X509 *x = NULL;

    if (pem_or_der.len && pem_or_der.len <= 1 << 20)
        x = pem_or_der.data[0] == 0x30 ? parse_der(pem_or_der) : parse_pem(pem_or_der);
    return x ? sg_cert_wrap(ret, x) : crypto_failure(-EBADMSG, "not a certificate");
}

void sg_cert_free(struct sg_cert *c)
{
    if (!c)
        return;
    X509_free(c->x);
    free(c);
}

int sg_cert_of_x509(struct sg_cert **ret, void *x)
{
    if (X509_up_ref(x) != 1)
        return sg_raise(-ENOMEM);
    return sg_cert_wrap(ret, x);
}

void *sg_cert_x509(const struct sg_cert *c)
{
    return c->x;
}

int sg_cert_der(const struct sg_cert *c, struct sg_buf *ret)
{
    unsigned char *der = NULL;
    int len = i2d_X509(c->x, &der);
    int r;

    if (len <= 0)
        return crypto_failure(-EIO, "certificate");
    r = sg_buf_append(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_free(der);
    return r;
}

int sg_cert_pem(const struct sg_cert *c, struct sg_buf *ret)
{
    SG_CLEANUP(BIO_free_allp) BIO *out = BIO_new(BIO_s_mem());
    char *text;

    if (!out || PEM_write_bio_X509(out, c->x) != 1)
        return crypto_failure(-ENOMEM, "certificate");
    long len = BIO_get_mem_data(out, &text);
    return sg_buf_append(ret, SG_BYTES(text, (size_t)len));
}

int sg_cert_public_key(const struct sg_cert *c, struct sg_key **ret)
{
    EVP_PKEY *pkey = X509_get_pubkey(c->x);
    return pkey ? sg_key_wrap(ret, pkey, false) : crypto_failure(-EBADMSG, "key of certificate");
}

void sg_cert_fingerprint(const struct sg_cert *c, uint8_t ret[32])
{
    unsigned char *der = NULL;
    int len = i2d_X509(c->x, &der);

    sg_assert(len > 0);
    sg_sha256(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_free(der);
}

/* A string with a NUL inside is treated as absent: two readers could see two names. */
static void copy_asn1(const ASN1_STRING *s, char *ret, size_t size)
{
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, s);

    if (len >= 0 && !memchr(text, 0, (size_t)len))
        snprintf(ret, size, "%.*s", len, (const char *)text);
    OPENSSL_free(text);
}

void sg_cert_common_name(const struct sg_cert *c, char *ret, size_t size)
{
    const X509_NAME *name = X509_get_subject_name(c->x);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

    *ret = '\0';
    if (at >= 0)
        copy_asn1(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), ret, size);
    ERR_clear_error();
}

void sg_cert_uri(const struct sg_cert *c, char *ret, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);

    *ret = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        copy_asn1(name->d.uniformResourceIdentifier, ret, size);
        break;
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return 0;
    return sg_days_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday) *
               86400 +
           tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
}

void sg_cert_validity(const struct sg_cert *c, int64_t *ret_not_before_s, int64_t *ret_not_after_s)
{
    *ret_not_before_s = seconds_of(X509_get0_notBefore(c->x));
    *ret_not_after_s = seconds_of(X509_get0_notAfter(c->x));
}

static int judge(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return SG_CHAIN_EXPIRED;
    case X509_V_ERR_OUT_OF_MEM:
        return sg_raise(-ENOMEM);
    default:
        return SG_CHAIN_UNTRUSTED;
    }
}

static int verify_with(X509_STORE *store, X509 *leaf, STACK_OF(X509) * untrusted, int64_t at_s)
{
    SG_CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *c = X509_STORE_CTX_new();

    if (!c || X509_STORE_CTX_init(c, store, leaf, untrusted) != 1)
        return crypto_failure(-ENOMEM, "chain");
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(c), (time_t)at_s);
    if (X509_verify_cert(c) == 1)
        return 0;
    ERR_clear_error();
    return judge(X509_STORE_CTX_get_error(c));
}

int sg_cert_verify(const struct sg_cert *leaf, struct sg_cert *const *intermediates,
                   size_t n_intermediates, struct sg_cert *const *roots, size_t n_roots,
                   int64_t at_s)
{
    SG_CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    bool ok = store && untrusted;
    int r;

    for (size_t i = 0; ok && i < n_roots; i++)
        ok = X509_STORE_add_cert(store, roots[i]->x) == 1;
    for (size_t i = 0; ok && i < n_intermediates; i++)
        ok = sk_X509_push(untrusted, intermediates[i]->x) > 0;
    r = ok ? verify_with(store, leaf->x, untrusted, at_s) : crypto_failure(-ENOMEM, "chain");
    sk_X509_free(untrusted);
    return r;
}
