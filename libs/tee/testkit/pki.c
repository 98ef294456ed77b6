#include "pki.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sealgrid/base/cleanup.h>
#include <stdio.h>

#define MUST(expr) sg_assert((expr) > 0)

/* Of three primes, which are found sooner: tests make many. */
static EVP_PKEY *rsa_new(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;

    sg_assert(ctx);
    MUST(EVP_PKEY_keygen_init(ctx));
    MUST(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048));
    MUST(EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, 3));
    MUST(EVP_PKEY_generate(ctx, &key));
    EVP_PKEY_CTX_free(ctx);
    return key;
}

EVP_PKEY *tk_key_new(enum tk_key_type type)
{
    EVP_PKEY *key =
        type == TK_RSA2048 ? rsa_new() : EVP_EC_gen(type == TK_P256 ? "P-256" : "P-384");
    sg_assert(key);
    return key;
}

void tk_key_spki(EVP_PKEY *key, struct sg_buf *ret)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    MUST(len);
    sg_assert(sg_buf_append(ret, SG_BYTES(der, (size_t)len)) == 0);
    OPENSSL_free(der);
}

size_t tk_key_point(EVP_PKEY *key, uint8_t ret[96])
{
    uint8_t point[133];
    size_t len;

    MUST(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len));
    sg_assert(point[0] == 4 && len - 1 <= 96);
    memcpy(ret, point + 1, len - 1);
    return len - 1;
}

static size_t raw_of_der(EVP_PKEY *key, const uint8_t *der, size_t len, uint8_t *ret)
{
    int half = (EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

    sg_assert(sig);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, half));
    MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, half));
    ECDSA_SIG_free(sig);
    return 2 * (size_t)half;
}

static void start(EVP_MD_CTX *ctx, EVP_PKEY *key, const char *digest, bool pss)
{
    EVP_PKEY_CTX *how = NULL;

    MUST(EVP_DigestSignInit_ex(ctx, &how, digest, NULL, NULL, key, NULL));
    if (pss) {
        MUST(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING));
        MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST));
    }
}

size_t tk_sign(EVP_PKEY *key, enum tk_scheme scheme, const char *digest, struct sg_bytes message,
               uint8_t ret[512])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t sig[512];
    size_t len = sizeof(sig);

    sg_assert(ctx);
    start(ctx, key, digest, scheme == TK_PSS);
    MUST(EVP_DigestSign(ctx, sig, &len, message.data, message.len));
    EVP_MD_CTX_free(ctx);
    if (scheme == TK_RAW)
        return raw_of_der(key, sig, len, ret);
    memcpy(ret, sig, len);
    return len;
}

/* ---- certificates ---- */

static void set_name(X509_NAME *name, const char *common_name)
{
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common_name, -1, -1,
                                    0));
    MUST(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Sealgrid test", -1,
                                    -1, 0));
}

static void add_standard(X509 *c, const char *name, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf(NULL, NULL, name, value);

    sg_assert(e);
    MUST(X509_add_ext(c, e, -1));
    X509_EXTENSION_free(e);
}

static void add_constraints(X509 *c, const struct tk_cert_spec *spec)
{
    char value[64];

    if (spec->constraints == TK_END_ENTITY)
        add_standard(c, "basicConstraints", "critical,CA:FALSE");
    if (spec->constraints != TK_CA)
        return;
    if (spec->path_length < 0)
        snprintf(value, sizeof(value), "critical,CA:TRUE");
    else
        snprintf(value, sizeof(value), "critical,CA:TRUE,pathlen:%d", spec->path_length);
    add_standard(c, "basicConstraints", value);
}

static void add_usage(X509 *c, const char *usage)
{
    char value[128];

    snprintf(value, sizeof(value), "critical,%s", usage);
    add_standard(c, "keyUsage", value);
}

static void add_own(X509 *c, const struct tk_extension *own)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(own->oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e;

    sg_assert(oid && value);
    MUST(ASN1_OCTET_STRING_set(value, own->der, (int)own->len));
    e = X509_EXTENSION_create_by_OBJ(NULL, oid, own->critical, value);
    sg_assert(e);
    MUST(X509_add_ext(c, e, -1));
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

static void set_dates(X509 *c, int64_t from_s, int64_t until_s)
{
    sg_assert(ASN1_TIME_set(X509_getm_notBefore(c), (time_t)from_s));
    sg_assert(ASN1_TIME_set(X509_getm_notAfter(c), (time_t)until_s));
}

X509 *tk_cert_new(const struct tk_cert_spec *spec, EVP_PKEY *subject, const X509 *issuer,
                  EVP_PKEY *issuer_key)
{
    X509 *c = X509_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    sg_assert(c && ctx);
    MUST(X509_set_version(c, X509_VERSION_3));
    MUST(ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), spec->serial ? spec->serial : 1));
    set_dates(c, spec->from_s, spec->until_s);
    set_name(X509_get_subject_name(c), spec->common_name);
    MUST(X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c)));
    MUST(X509_set_pubkey(c, subject));
    add_constraints(c, spec);
    if (spec->key_usage)
        add_usage(c, spec->key_usage);
    for (size_t i = 0; i < spec->n_extensions; i++)
        add_own(c, &spec->extension[i]);
    start(ctx, issuer_key, spec->digest ? spec->digest : "SHA256", spec->pss);
    MUST(X509_sign_ctx(c, ctx));
    EVP_MD_CTX_free(ctx);
    return c;
}

void tk_cert_der(const X509 *c, struct sg_buf *ret)
{
    uint8_t *der = NULL;
    int len = i2d_X509(c, &der);

    MUST(len);
    sg_assert(sg_buf_append(ret, SG_BYTES(der, (size_t)len)) == 0);
    OPENSSL_free(der);
}

void tk_cert_pem(const X509 *c, struct sg_buf *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    sg_assert(bio);
    MUST(PEM_write_bio_X509(bio, c));
    len = BIO_get_mem_data(bio, &text);
    sg_assert(len > 0 && sg_buf_append(ret, SG_BYTES(text, (size_t)len)) == 0);
    BIO_free(bio);
}

/* ---- CRLs ---- */

static ASN1_TIME *time_of(int64_t s)
{
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)s);

    sg_assert(t);
    return t;
}

static void add_revoked(X509_CRL *crl, uint64_t serial, int64_t when_s)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *when = time_of(when_s);

    sg_assert(entry && number);
    MUST(ASN1_INTEGER_set_uint64(number, serial));
    MUST(X509_REVOKED_set_serialNumber(entry, number));
    MUST(X509_REVOKED_set_revocationDate(entry, when));
    MUST(X509_CRL_add0_revoked(crl, entry));
    ASN1_TIME_free(when);
    ASN1_INTEGER_free(number);
}

static void add_crl_number(X509_CRL *crl, uint64_t number)
{
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    sg_assert(n);
    MUST(ASN1_INTEGER_set_uint64(n, number));
    MUST(X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0));
    ASN1_INTEGER_free(n);
}

void tk_crl_der(const struct tk_crl_spec *spec, const X509 *issuer, EVP_PKEY *issuer_key,
                struct sg_buf *ret)
{
    X509_CRL *crl = X509_CRL_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ASN1_TIME *from = time_of(spec->from_s), *until = time_of(spec->until_s);
    uint8_t *der = NULL;
    int len;

    sg_assert(crl && ctx);
    MUST(X509_CRL_set_version(crl, X509_CRL_VERSION_2));
    MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)));
    MUST(X509_CRL_set1_lastUpdate(crl, from));
    if (spec->until_s)
        MUST(X509_CRL_set1_nextUpdate(crl, until));
    for (size_t i = 0; i < spec->n_serials; i++)
        add_revoked(crl, spec->serials[i], spec->from_s);
    if (spec->number)
        add_crl_number(crl, spec->number);
    start(ctx, issuer_key, spec->digest ? spec->digest : "SHA256", spec->pss);
    MUST(X509_CRL_sign_ctx(crl, ctx));
    len = i2d_X509_CRL(crl, &der);
    MUST(len);
    sg_assert(sg_buf_append(ret, SG_BYTES(der, (size_t)len)) == 0);
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    EVP_MD_CTX_free(ctx);
    X509_CRL_free(crl);
}

/* ---- extensions and DER ---- */

void tk_add_extension(struct tk_cert_spec *spec, const char *oid, bool critical,
                      struct sg_bytes der)
{
    sg_assert(spec->n_extensions < TK_EXTENSIONS_MAX && der.len <= TK_DER_MAX);
    struct tk_extension *e = &spec->extension[spec->n_extensions++];

    *e = (struct tk_extension){.oid = oid, .critical = critical, .len = der.len};
    memcpy(e->der, der.data, der.len);
}

void tk_add_integer(struct tk_cert_spec *spec, const char *oid, unsigned value)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(16);

    tk_der_integer(&der, value);
    tk_add_extension(spec, oid, false, sg_buf_bytes(&der));
}

void tk_add_text(struct tk_cert_spec *spec, const char *oid, const char *ia5)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(TK_DER_MAX);

    tk_der(&der, V_ASN1_IA5STRING, sg_bytes_str(ia5));
    tk_add_extension(spec, oid, false, sg_buf_bytes(&der));
}

void tk_der(struct sg_buf *ret, uint8_t tag, struct sg_bytes content)
{
    uint8_t head[4] = {tag};
    size_t n = 1;

    sg_assert(content.len < 65536);
    if (content.len >= 256)
        head[n++] = 0x82;
    else if (content.len >= 128)
        head[n++] = 0x81;
    if (content.len >= 256)
        head[n++] = (uint8_t)(content.len >> 8);
    head[n++] = (uint8_t)content.len;
    sg_assert(sg_buf_append(ret, SG_BYTES(head, n)) == 0);
    sg_assert(sg_buf_append(ret, content) == 0);
}

void tk_der_oid(struct sg_buf *ret, const char *dotted)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(dotted, 1);
    uint8_t *der = NULL;
    int len = i2d_ASN1_OBJECT(oid, &der);

    MUST(len);
    sg_assert(sg_buf_append(ret, SG_BYTES(der, (size_t)len)) == 0);
    OPENSSL_free(der);
    ASN1_OBJECT_free(oid);
}

void tk_der_integer(struct sg_buf *ret, unsigned value)
{
    uint8_t octets[3] = {0, (uint8_t)(value >> 8), (uint8_t)value};
    size_t skip = value < 128 ? 2 : value < 32768 ? 1 : 0;

    sg_assert(value < 65536);
    tk_der(ret, V_ASN1_INTEGER, SG_BYTES(octets + skip, sizeof(octets) - skip));
}
