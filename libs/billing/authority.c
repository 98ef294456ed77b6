/* authority - the authority's certificates and revocation lists. */
#include <sealgrid/billing/installation.h>

#define CHAIN_MAX 8

void sg_authority_clear(struct sg_authority *a)
{
    for (size_t i = 0; i < a->n_roots; i++)
        sg_cert_free(a->roots[i]);
    for (size_t i = 0; i < a->n_intermediates; i++)
        sg_cert_free(a->intermediates[i]);
    for (size_t i = 0; i < a->n_crls; i++)
        sg_crl_free(a->crls[i]);
    *a = (struct sg_authority){.n_roots = 0};
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_root(struct sg_cert *c)
{
    int64_t from, until;

    sg_cert_validity(c, &from, &until);
    return sg_cert_verify(c, NULL, 0, &c, 1, from) == 0;
}

static bool keep_cert(struct sg_authority *a, struct sg_cert *c)
{
    if (is_root(c)) {
        if (a->n_roots == sizeof(a->roots) / sizeof(a->roots[0]))
            return false;
        a->roots[a->n_roots++] = c;
        return true;
    }
    if (a->n_intermediates == sizeof(a->intermediates) / sizeof(a->intermediates[0]))
        return false;
    a->intermediates[a->n_intermediates++] = c;
    return true;
}

static const struct sg_cert *signer_of(const struct sg_authority *a, const struct sg_crl *l)
{
    for (size_t i = 0; i < a->n_roots; i++)
        if (sg_crl_is_of(l, a->roots[i]))
            return a->roots[i];
    for (size_t i = 0; i < a->n_intermediates; i++)
        if (sg_crl_is_of(l, a->intermediates[i]))
            return a->intermediates[i];
    return NULL;
}

static bool keep_crl(struct sg_authority *a, struct sg_crl *l)
{
    const struct sg_cert *issuer = signer_of(a, l);

    if (!issuer || a->n_crls == SG_AUTHORITY_CRLS_MAX)
        return false;
    a->crl_issuers[a->n_crls] = issuer;
    a->crls[a->n_crls++] = l;
    return true;
}

static bool take_cert(struct sg_authority *a, struct sg_bytes at)
{
    struct sg_cert *c = NULL;

    if (sg_cert_load(&c, at) != 0)
        return false;
    if (keep_cert(a, c))
        return true;
    sg_cert_free(c);
    return false;
}

static bool take_crl(struct sg_authority *a, struct sg_bytes at)
{
    struct sg_crl *l = NULL;

    if (sg_crl_load(&l, at) != 0)
        return false;
    if (keep_crl(a, l))
        return true;
    sg_crl_free(l);
    return false;
}

/* Calls take at every place where a block of that kind begins. */
static bool for_each(struct sg_authority *a, struct sg_bytes pem, const char *begin,
                     bool (*take)(struct sg_authority *a, struct sg_bytes at))
{
    size_t len = strlen(begin);

    while (pem.len) {
        const uint8_t *at = memmem(pem.data, pem.len, begin, len);
        if (!at)
            return true;
        pem.len -= (size_t)(at - pem.data);
        pem.data = at;
        if (!take(a, pem))
            return false;
        pem.data += len;
        pem.len -= len;
    }
    return true;
}

int sg_authority_read(struct sg_bytes pem, struct sg_authority *ret)
{
    struct sg_authority a = {.n_roots = 0};
    int r = 0;

    if (!for_each(&a, pem, "-----BEGIN CERTIFICATE-----", take_cert) || !a.n_roots)
        r = SG_AUTHORITY_MALFORMED;
    else if (!for_each(&a, pem, "-----BEGIN X509 CRL-----", take_crl))
        r = SG_AUTHORITY_CRL;
    if (r)
        sg_authority_clear(&a);
    else
        *ret = a;
    return r;
}

/* ---- revocation ---------------------------------------------------------------------------- */

/* Up to when one list can speak of a certificate. */
static int64_t known_until(const struct sg_crl *l, const struct sg_cert *c, int64_t judged_s)
{
    int64_t issued, next, begin, end;

    sg_crl_validity(l, &issued, &next);
    sg_cert_validity(c, &begin, &end);
    if (issued == INT64_MAX || issued > end)
        return INT64_MIN;
    return next != INT64_MAX && next >= judged_s && next > issued ? next : issued;
}

static struct sg_revocation listed(const struct sg_authority *a, const struct sg_cert *c,
                                   int64_t judged_s)
{
    struct sg_revocation r = {.since_s = INT64_MAX, .known_until_s = INT64_MIN};

    for (size_t i = 0; i < a->n_crls; i++) {
        if (!sg_cert_is_issuer(a->crl_issuers[i], c))
            continue;
        const int64_t since = sg_crl_revoked_since(a->crls[i], c);
        const int64_t until = known_until(a->crls[i], c, judged_s);
        r.since_s = since < r.since_s ? since : r.since_s;
        r.known_until_s = until > r.known_until_s ? until : r.known_until_s;
        r.covered = true;
    }
    return r;
}

/* NULL: a root has issued it. */
static const struct sg_cert *above(const struct sg_authority *a, const struct sg_cert *c)
{
    for (size_t i = 0; i < a->n_intermediates; i++)
        if (a->intermediates[i] != c && sg_cert_is_issuer(a->intermediates[i], c))
            return a->intermediates[i];
    return NULL;
}

struct sg_revocation sg_authority_revocation(const struct sg_authority *a, const struct sg_cert *c,
                                             int64_t judged_s)
{
    struct sg_revocation all = {.since_s = INT64_MAX, .covered = true, .known_until_s = INT64_MAX};

    for (int i = 0; c && i < CHAIN_MAX; i++) {
        const struct sg_revocation r = listed(a, c, judged_s);
        all.since_s = r.since_s < all.since_s ? r.since_s : all.since_s;
        all.known_until_s =
            r.known_until_s < all.known_until_s ? r.known_until_s : all.known_until_s;
        all.covered = all.covered && r.covered;
        c = above(a, c);
    }
    return all;
}
