#pragma once
/*
 * testkit pki - certificates and CRLs of our own making, good and bad, for tests only: every check
 * of a verifier can be reached on a machine that has no evidence made by others.
 *
 * Nothing here is a product's code: it aborts where it fails.  Any thread, no globals.
 */
#include <openssl/x509.h>
#include <sealgrid/base/buf.h>

#define TK_EXTENSIONS_MAX 24
#define TK_DER_MAX        1024

enum tk_key_type { TK_P256, TK_P384, TK_RSA2048 };

EVP_PKEY *tk_key_new(enum tk_key_type type);
/* SubjectPublicKeyInfo, and the bare point x || y of an elliptic curve key. */
void tk_key_spki(EVP_PKEY *key, struct sg_buf *ret);
size_t tk_key_point(EVP_PKEY *key, uint8_t ret[96]);

enum tk_scheme {
    TK_PKCS1, /* RSASSA-PKCS1-v1_5 */
    TK_PSS,   /* salt of the digest's length */
    TK_ECDSA, /* DER */
    TK_RAW,   /* ECDSA, r || s big-endian */
};
/* Digest by name.  Returns the signature's length. */
size_t tk_sign(EVP_PKEY *key, enum tk_scheme scheme, const char *digest, struct sg_bytes message,
               uint8_t ret[512]);

struct tk_extension {
    const char *oid; /* dotted */
    bool critical;
    size_t len;
    uint8_t der[TK_DER_MAX];
};

/* Zero means: no such extension, or a sensible default. */
struct tk_cert_spec {
    const char *common_name;
    int64_t from_s, until_s;
    uint64_t serial;
    enum { TK_NO_CONSTRAINTS, TK_CA, TK_END_ENTITY } constraints;
    int path_length;       /* of a TK_CA; -1: none */
    const char *key_usage; /* "keyCertSign,cRLSign"; NULL: none */
    const char *digest;    /* "SHA256" */
    bool pss;              /* an RSA issuer signs by RSASSA-PSS */
    size_t n_extensions;
    struct tk_extension extension[TK_EXTENSIONS_MAX];
};

/* issuer NULL: self-signed by issuer_key. */
X509 *tk_cert_new(const struct tk_cert_spec *spec, EVP_PKEY *subject, const X509 *issuer,
                  EVP_PKEY *issuer_key);
void tk_cert_der(const X509 *c, struct sg_buf *ret); /* appends */
void tk_cert_pem(const X509 *c, struct sg_buf *ret);

struct tk_crl_spec {
    int64_t from_s, until_s; /* until 0: no next update */
    const uint64_t *serials; /* revoked */
    size_t n_serials;
    const char *digest;
    bool pss;
    uint64_t number; /* of the list; 0: none */
};
void tk_crl_der(const struct tk_crl_spec *spec, const X509 *issuer, EVP_PKEY *issuer_key,
                struct sg_buf *ret);

/* Extensions by value. */
void tk_add_extension(struct tk_cert_spec *spec, const char *oid, bool critical,
                      struct sg_bytes der);
void tk_add_integer(struct tk_cert_spec *spec, const char *oid, unsigned value); /* 0..65535 */
void tk_add_text(struct tk_cert_spec *spec, const char *oid, const char *ia5);

/* A little DER: one element around content, appended. */
void tk_der(struct sg_buf *ret, uint8_t tag, struct sg_bytes content);
void tk_der_oid(struct sg_buf *ret, const char *dotted);
void tk_der_integer(struct sg_buf *ret, unsigned value);
