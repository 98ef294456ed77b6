/* crl - revocation lists. */
#include "sign-int.h"
#include "x509-int.h"

#include <sealgrid/crypto/crl.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define LIST_MAX (64u << 20)

SG_DEFINE_FREEP(BIO, BIO_free_all)

struct sg_crl {
    X509_CRL *x;
};

static int crypto_failure(int negative_errno, const char *what)
{
    ERR_clear_error();
    return sg_raisef(negative_errno, "%s", what);
}

static X509_CRL *parse_pem(struct sg_bytes text)
{
    SG_CLEANUP(BIO_free_allp) BIO *in = BIO_new_mem_buf(text.data, (int)text.len);
    return in ? PEM_read_bio_X509_CRL(in, NULL, NULL, NULL) : NULL;
}

static X509_CRL *parse_der(struct sg_bytes der)
{
    const unsigned char *at = der.data;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)der.len);

    if (x && at != der.data + der.len) {
        X509_CRL_free(x);
        return NULL;
    }
    return x;
}

/* Any critical extension narrows or changes what the list says. */
static bool is_whole(const X509_CRL *x)
{
    if (X509_CRL_get_ext_by_NID(x, NID_delta_crl, -1) >= 0)
        return false;
    return X509_CRL_get_ext_by_critical(x, 1, -1) < 0;
}

static int wrap(struct sg_crl **ret, X509_CRL *x)
{
    struct sg_crl *l = calloc(1, sizeof(*l));

    if (!l) {
        X509_CRL_free(x);
        return sg_raise(-ENOMEM);
    }
    l->x = x;
    *ret = l;
    return 0;
}

int sg_crl_load(struct sg_crl **ret, struct sg_bytes pem_or_der)
{
    X509_CRL *x = NULL;

    if (pem_or_der.len && pem_or_der.len <= LIST_MAX)
        x = pem_or_der.data[0] == 0x30 ? parse_der(pem_or_der) : parse_pem(pem_or_der);
    if (!x || !is_whole(x)) {
        X509_CRL_free(x);
        return crypto_failure(-EBADMSG, "not a whole revocation list");
    }
    return wrap(ret, x);
}

void sg_crl_free(struct sg_crl *l)
{
    if (!l)
        return;
    X509_CRL_free(l->x);
    free(l);
}

bool sg_crl_is_of(const struct sg_crl *l, const struct sg_cert *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer->x);
    bool ok = key &&
              X509_NAME_cmp(X509_CRL_get_issuer(l->x), X509_get_subject_name(issuer->x)) == 0 &&
              (X509_get_key_usage(issuer->x) & KU_CRL_SIGN) && X509_CRL_verify(l->x, key) == 1;

    ERR_clear_error();
    return ok;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MAX;
}

void sg_crl_validity(const struct sg_crl *l, int64_t *ret_this_update_s, int64_t *ret_next_update_s)
{
    *ret_this_update_s = seconds_of(X509_CRL_get0_lastUpdate(l->x));
    *ret_next_update_s = seconds_of(X509_CRL_get0_nextUpdate(l->x));
}

int64_t sg_crl_revoked_since(const struct sg_crl *l, const struct sg_cert *c)
{
    X509_REVOKED *entry = NULL;
    ASN1_GENERALIZEDTIME *invalid;
    int64_t since, earlier;

    if (X509_CRL_get0_by_cert(l->x, &entry, c->x) == 0)
        return INT64_MAX;
    since = seconds_of(X509_REVOKED_get0_revocationDate(entry));
    invalid = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
    earlier = seconds_of(invalid);
    ASN1_GENERALIZEDTIME_free(invalid);
    ERR_clear_error();
    since = earlier < since ? earlier : since;
    return since == INT64_MAX ? INT64_MIN : since; /* listed, but nobody can say since when */
}

bool sg_cert_is_issuer(const struct sg_cert *issuer, const struct sg_cert *c)
{
    bool ok = X509_check_issued(issuer->x, c->x) == X509_V_OK;

    ERR_clear_error();
    return ok;
}

/* ---- issuing ------------------------------------------------------------------------------- */

static bool add_entry(X509_CRL *x, const struct sg_crl_entry *e)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_dup(X509_get0_serialNumber(e->cert->x));
    ASN1_TIME *since = ASN1_TIME_set(NULL, (time_t)e->since_s);
    bool ok = entry && serial && since && X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
              X509_REVOKED_set_revocationDate(entry, since) == 1;

    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(since);
    if (ok && X509_CRL_add0_revoked(x, entry) == 1)
        return true;
    X509_REVOKED_free(entry);
    return false;
}

static bool fill(X509_CRL *x, const struct sg_cert *issuer, int64_t from_s, int64_t until_s)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)from_s);
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)until_s);
    bool ok = from && until && X509_CRL_set_version(x, 1) == 1 &&
              X509_CRL_set_issuer_name(x, X509_get_subject_name(issuer->x)) == 1 &&
              X509_CRL_set1_lastUpdate(x, from) == 1 && X509_CRL_set1_nextUpdate(x, until) == 1;

    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return ok;
}

int sg_crl_issue(struct sg_crl **ret, const struct sg_cert *issuer, const struct sg_key *issuer_key,
                 int64_t this_update_s, int64_t next_update_s, const struct sg_crl_entry *entries,
                 size_t n)
{
    X509_CRL *x = X509_CRL_new();
    const EVP_MD *md = sg_key_type(issuer_key) == SG_KEY_ED25519 ? NULL : EVP_sha256();
    bool ok = x && fill(x, issuer, this_update_s, next_update_s);

    for (size_t i = 0; i < n && ok; i++)
        ok = add_entry(x, &entries[i]);
    ok = ok && X509_CRL_sort(x) == 1 && X509_CRL_sign(x, sg_key_evp(issuer_key), md) > 0;
    if (!ok) {
        X509_CRL_free(x);
        return crypto_failure(-EIO, "revocation list not made");
    }
    return wrap(ret, x);
}

int sg_crl_pem(const struct sg_crl *l, struct sg_buf *ret)
{
    SG_CLEANUP(BIO_free_allp) BIO *out = BIO_new(BIO_s_mem());
    char *data;

    if (!out || PEM_write_bio_X509_CRL(out, l->x) != 1)
        return crypto_failure(-ENOMEM, "PEM");
    long n = BIO_get_mem_data(out, &data);
    return sg_buf_append(ret, SG_BYTES(data, (size_t)n));
}
