/* x509-issue - our CAs: services, meters, metrology. */
#include "x509-int.h"

#include <sealgrid/base/random.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

SG_DEFINE_FREEP(X509, X509_free)

static int crypto_failure(const char *what)
{
    ERR_clear_error();
    return sg_raisef(-EIO, "%s", what);
}

static bool set_serial(X509 *x)
{
    uint8_t octets[16];
    sg_random_bytes(octets, sizeof(octets));
    /* Positive, and always 16 octets long. */
    octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40);
    BIGNUM *n = BN_bin2bn(octets, sizeof(octets), NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
    return ok;
}

static bool set_names(X509 *x, const struct sg_cert_request *req, const struct sg_cert *issuer)
{
    X509_NAME *subject = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)req->common_name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer->x) : subject) == 1;
}

static bool set_validity(X509 *x, const struct sg_cert_request *req)
{
    return ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)req->not_before_s, 0, 0) &&
           ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)req->not_after_s, 0, 0);
}

/* value is a text of ours, never a caller's: it is OpenSSL's configuration syntax. */
static bool add_ext(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, ctx, nid, value);
    bool ok = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool add_constraints(X509 *x, X509V3_CTX *ctx, const struct sg_cert_request *req)
{
    char text[64] = "critical,CA:FALSE";

    if (req->ca && req->path_len >= 0)
        snprintf(text, sizeof(text), "critical,CA:TRUE,pathlen:%d", req->path_len);
    else if (req->ca)
        snprintf(text, sizeof(text), "critical,CA:TRUE");
    return add_ext(x, ctx, NID_basic_constraints, text) &&
           add_ext(x, ctx, NID_key_usage,
                   req->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
}

static bool add_usage(X509 *x, X509V3_CTX *ctx, const struct sg_cert_request *req)
{
    if (!req->server && !req->client)
        return true;
    return add_ext(x, ctx, NID_ext_key_usage,
                   req->server && req->client ? "serverAuth,clientAuth"
                   : req->server              ? "serverAuth"
                                              : "clientAuth");
}

static bool push_ia5(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();

    if (!name || !s || ASN1_STRING_set(s, text, -1) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(s);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, s);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool push_ip(GENERAL_NAMES *names, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);

    if (!name || !ip) {
        GENERAL_NAME_free(name);
        ASN1_OCTET_STRING_free(ip);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool add_alt_names(X509 *x, const struct sg_cert_request *req)
{
    GENERAL_NAMES *names;
    bool ok;

    if (!req->uri && !req->dns && !req->ip)
        return true;
    names = GENERAL_NAMES_new();
    ok = names && (!req->uri || push_ia5(names, GEN_URI, req->uri)) &&
         (!req->dns || push_ia5(names, GEN_DNS, req->dns)) &&
         (!req->ip || push_ip(names, req->ip)) &&
         X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

static bool add_extensions(X509 *x, const struct sg_cert_request *req, const struct sg_cert *issuer)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer ? issuer->x : x, x, NULL, NULL, 0);
    return add_constraints(x, &ctx, req) && add_usage(x, &ctx, req) && add_alt_names(x, req) &&
           add_ext(x, &ctx, NID_subject_key_identifier, "hash") &&
           add_ext(x, &ctx, NID_authority_key_identifier, "keyid");
}

/*
 * A certificate that nobody will use as an object needs its key as octets alone: X509_set_pubkey
 * encodes a key and decodes it again, which costs as much as three signatures.
 */
static bool set_p256_octets(X509 *x, const struct sg_key *key)
{
    enum { POINT_LEN = 65 };
    uint8_t xy[64];
    unsigned char *point = OPENSSL_malloc(POINT_LEN);

    if (!point || sg_key_p256_xy(key, xy) < 0) {
        OPENSSL_free(point);
        return false;
    }
    point[0] = 4; /* uncompressed */
    memcpy(point + 1, xy, sizeof(xy));
    if (X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                               V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1), point,
                               POINT_LEN) == 1)
        return true;
    OPENSSL_free(point);
    return false;
}

static bool set_key(X509 *x, const struct sg_key *key, bool octets_do)
{
    return octets_do && sg_key_type(key) == SG_KEY_P256 ? set_p256_octets(x, key)
                                                        : X509_set_pubkey(x, sg_key_evp(key)) == 1;
}

static int make(X509 **ret, const struct sg_cert_request *req, const struct sg_key *subject_key,
                bool octets_do, const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    SG_CLEANUP(X509_freep) X509 *x = X509_new();
    const EVP_MD *md = sg_key_type(issuer_key) == SG_KEY_ED25519 ? NULL : EVP_sha256();

    if (!sg_key_is_private(issuer_key) || req->not_after_s < req->not_before_s)
        return sg_raise(-EINVAL);
    if (!x || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
        !set_names(x, req, issuer) || !set_validity(x, req) ||
        !set_key(x, subject_key, octets_do) || !add_extensions(x, req, issuer) ||
        X509_sign(x, sg_key_evp(issuer_key), md) <= 0)
        return crypto_failure("issue certificate");
    *ret = TAKE_PTR(x);
    return 0;
}

int sg_cert_issue(struct sg_cert **ret, const struct sg_cert_request *req,
                  const struct sg_key *subject_key, const struct sg_cert *issuer,
                  const struct sg_key *issuer_key)
{
    X509 *x = NULL;
    int r = make(&x, req, subject_key, false, issuer, issuer_key);
    return r ? r : sg_cert_wrap(ret, x);
}

int sg_cert_issue_der(struct sg_buf *ret, const struct sg_cert_request *req,
                      const struct sg_key *subject_key, const struct sg_cert *issuer,
                      const struct sg_key *issuer_key)
{
    SG_CLEANUP(X509_freep) X509 *x = NULL;
    unsigned char *der = NULL;
    int r = make(&x, req, subject_key, true, issuer, issuer_key);
    if (r < 0)
        return r;
    int len = i2d_X509(x, &der);
    if (len <= 0)
        return crypto_failure("certificate");
    r = sg_buf_append(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_free(der);
    return r;
}
