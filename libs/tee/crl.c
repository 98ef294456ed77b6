/* crl - certificate revocation lists, RFC 5280 section 5. */
#include "cert-int.h"
#include "der-int.h"

#include <sealgrid/crypto/hash.h>

void sg_tee_crl_free(struct sg_tee_crl *c)
{
    if (!c)
        return;
    free(c->serials);
    free(c->room);
    free(c);
}

/* None of the critical extensions of a list or an entry is understood here: a delta list, a partial
 * or an indirect one does not say that a certificate is good. */
struct wanted_extensions {
    struct sg_bytes number, authority; /* values; empty: not there */
};

static bool read_extensions(struct sg_reader *list, bool *ret_critical,
                            struct wanted_extensions *ret)
{
    const struct sg_bytes crl_number = SG_BYTES_LIT("\x55\x1d\x14");    /* 2.5.29.20 */
    const struct sg_bytes authority_key = SG_BYTES_LIT("\x55\x1d\x23"); /* 2.5.29.35 */
    while (list->left) {
        struct sg_reader seq;
        struct sg_bytes oid, value;
        bool critical = false;
        if (!sg_der_enter(list, SG_DER_SEQUENCE, &seq) || !sg_der_take(&seq, SG_DER_OID, &oid) ||
            (sg_der_next_is(&seq, SG_DER_BOOLEAN) && !sg_der_boolean(&seq, &critical)) ||
            !sg_der_take(&seq, SG_DER_OCTET_STRING, &value) || seq.left)
            return false;
        *ret_critical |= critical;
        if (ret && sg_bytes_equal(oid, crl_number))
            ret->number = value;
        if (ret && sg_bytes_equal(oid, authority_key))
            ret->authority = value;
    }
    return true;
}

static bool read_entry(struct sg_reader *list, struct sg_bytes *ret_serial, bool *ret_critical)
{
    struct sg_reader entry, extensions;
    int64_t revoked_s;
    if (!sg_der_enter(list, SG_DER_SEQUENCE, &entry) || !sg_der_magnitude(&entry, ret_serial) ||
        !sg_der_time(&entry, &revoked_s))
        return false;
    if (!entry.left)
        return true;
    return sg_der_enter(&entry, SG_DER_SEQUENCE, &extensions) && !entry.left &&
           read_extensions(&extensions, ret_critical, NULL);
}

static int by_octets(const void *a, const void *b)
{
    return sg_bytes_cmp(*(const struct sg_bytes *)a, *(const struct sg_bytes *)b);
}

static int read_entries(struct sg_tee_crl *c, struct sg_reader *tbs)
{
    struct sg_reader list, counting;
    struct sg_bytes serial;
    bool ignored = false;
    size_t n = 0;
    if (!sg_der_enter(tbs, SG_DER_SEQUENCE, &list))
        return SG_TEE_CERT_BROKEN;
    for (counting = list; counting.left; n++) {
        if (n == SG_TEE_CRL_ENTRIES_MAX || !read_entry(&counting, &serial, &ignored))
            return SG_TEE_CERT_BROKEN;
    }
    c->serials = calloc(n ? n : 1, sizeof *c->serials);
    if (!c->serials)
        return sg_raise(-ENOMEM);
    while (c->n_serials < n && read_entry(&list, &c->serials[c->n_serials], &c->unusable))
        c->n_serials++;
    qsort(c->serials, n, sizeof *c->serials, by_octets);
    return 0;
}

static bool is_time(const struct sg_reader *r)
{
    return sg_der_next_is(r, SG_DER_UTC_TIME) || sg_der_next_is(r, SG_DER_GENERALIZED_TIME);
}

static bool read_dates(struct sg_tee_crl *c, struct sg_reader *tbs)
{
    if (!sg_der_time(tbs, &c->this_update_s))
        return false;
    c->has_next_update = is_time(tbs);
    return !c->has_next_update || sg_der_time(tbs, &c->next_update_s);
}

/* One that does not decode is as good as none. */
static void read_number(struct sg_tee_crl *c, struct sg_bytes value)
{
    struct sg_reader r = sg_reader_over(value);
    c->has_number = value.len && sg_der_magnitude(&r, &c->number) && !r.left;
}

static int read_tbs(struct sg_tee_crl *c, struct sg_reader *tbs, struct sg_bytes *ret_algorithm)
{
    struct sg_reader outer, extensions;
    struct wanted_extensions wanted = {0};
    struct sg_bytes ignored;
    uint64_t version = 0;
    unsigned tag;
    if (sg_der_next_is(tbs, SG_DER_INTEGER) && (!sg_der_small(tbs, 1, &version) || version != 1))
        return SG_TEE_CERT_BROKEN;
    if (!sg_der_any(tbs, &tag, &ignored, ret_algorithm) || tag != SG_DER_SEQUENCE ||
        !sg_der_any(tbs, &tag, &ignored, &c->issuer) || tag != SG_DER_SEQUENCE ||
        !read_dates(c, tbs))
        return SG_TEE_CERT_BROKEN;
    if (sg_der_next_is(tbs, SG_DER_SEQUENCE)) {
        int r = read_entries(c, tbs);
        if (r != 0)
            return r;
    }
    if (!tbs->left)
        return 0;
    if (version != 1 || !sg_der_enter(tbs, SG_DER_CONTEXT | 0, &outer) || tbs->left ||
        !sg_der_enter(&outer, SG_DER_SEQUENCE, &extensions) || outer.left ||
        !read_extensions(&extensions, &c->unusable, &wanted))
        return SG_TEE_CERT_BROKEN;
    read_number(c, wanted.number);
    c->authority = wanted.authority;
    return 0;
}

static int read_list(struct sg_tee_crl *c)
{
    struct sg_reader r = sg_reader_over(c->der), seq, tbs;
    struct sg_bytes inner, outer, ignored;
    unsigned tag;
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &seq) || r.left ||
        !sg_der_any(&seq, &tag, &ignored, &c->tbs) || tag != SG_DER_SEQUENCE ||
        !sg_der_any(&seq, &tag, &ignored, &outer) || tag != SG_DER_SEQUENCE ||
        !sg_der_bits(&seq, &c->signature) || seq.left)
        return SG_TEE_CERT_BROKEN;
    r = sg_reader_over(c->tbs);
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &tbs))
        return SG_TEE_CERT_BROKEN;
    const int outcome = read_tbs(c, &tbs, &inner);
    if (outcome == 0)
        c->alg = sg_bytes_equal(inner, outer) ? sg_tee_alg_of(outer) : SG_TEE_ALG_NONE;
    return outcome;
}

int sg_tee_crl_new(struct sg_tee_crl **ret, struct sg_bytes der)
{
    if (!der.len || der.data[0] != SG_DER_SEQUENCE)
        return SG_TEE_CERT_BROKEN;
    SG_CLEANUP(sg_tee_crl_freep) struct sg_tee_crl *c = calloc(1, sizeof *c);
    if (!c || !(c->room = malloc(der.len)))
        return sg_raise(-ENOMEM);
    memcpy(c->room, der.data, der.len);
    c->der = SG_BYTES(c->room, der.len);
    int r = read_list(c);
    if (r != 0)
        return r;
    sg_sha256(c->id, c->der);
    *ret = TAKE_PTR(c);
    return 0;
}

bool sg_tee_crl_signed_by(const struct sg_tee_crl *c, const struct sg_tee_key *issuer)
{
    return sg_tee_key_verifies(issuer, c->alg, c->tbs, c->signature);
}

bool sg_tee_crl_lists(const struct sg_tee_crl *c, struct sg_bytes serial)
{
    return c->n_serials &&
           bsearch(&serial, c->serials, c->n_serials, sizeof serial, by_octets) != NULL;
}
