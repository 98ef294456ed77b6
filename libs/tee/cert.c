#include "cert-int.h"

#include "der-int.h"

#include <sealgrid/crypto/hash.h>

void sg_tee_cert_free(struct sg_tee_cert *c)
{
    if (!c)
        return;
    sg_tee_key_free(c->key);
    free(c->room);
    free(c);
}

/* id-ce: 2.5.29.n */
static bool is_ce(struct sg_bytes oid, uint8_t n)
{
    return oid.len == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d && oid.data[2] == n;
}

enum { CE_KEY_USAGE = 15, CE_BASIC_CONSTRAINTS = 19 };

static bool read_constraints(struct sg_tee_cert *c, struct sg_bytes value)
{
    struct sg_reader r = sg_reader_over(value), seq;
    uint64_t length;
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &seq) || r.left)
        return false;
    c->has_constraints = true;
    if (seq.left && sg_der_next_is(&seq, SG_DER_BOOLEAN) && !sg_der_boolean(&seq, &c->ca))
        return false;
    if (!seq.left)
        return true;
    if (!sg_der_small(&seq, 100, &length))
        return false;
    c->path_length = (int)length;
    return !seq.left && c->ca;
}

static bool read_key_usage(struct sg_tee_cert *c, struct sg_bytes value)
{
    struct sg_reader r = sg_reader_over(value);
    unsigned bits;
    if (!sg_der_named_bits(&r, &bits) || r.left)
        return false;
    c->has_key_usage = true;
    c->may_sign = bits & 0x80;
    c->may_sign_certs = bits & 0x04;
    c->may_sign_crls = bits & 0x02;
    return true;
}

static bool read_extension(struct sg_tee_cert *c, const struct sg_tee_extension *e)
{
    if (is_ce(e->oid, CE_BASIC_CONSTRAINTS))
        return read_constraints(c, e->value);
    if (is_ce(e->oid, CE_KEY_USAGE))
        return read_key_usage(c, e->value);
    c->unknown_critical |= e->critical;
    return true;
}

static bool take_extension(struct sg_reader *list, struct sg_tee_extension *ret)
{
    struct sg_reader seq;
    ret->critical = false;
    if (!sg_der_enter(list, SG_DER_SEQUENCE, &seq) || !sg_der_take(&seq, SG_DER_OID, &ret->oid))
        return false;
    /* FALSE is the default and must not be written, but certificates that do are common. */
    if (sg_der_next_is(&seq, SG_DER_BOOLEAN) && !sg_der_boolean(&seq, &ret->critical))
        return false;
    return sg_der_take(&seq, SG_DER_OCTET_STRING, &ret->value) && !seq.left;
}

static bool read_extensions(struct sg_tee_cert *c, struct sg_reader *tbs)
{
    struct sg_reader outer, list;
    struct sg_bytes twice;
    if (!sg_der_enter(tbs, SG_DER_CONTEXT | 3, &outer) ||
        !sg_der_enter(&outer, SG_DER_SEQUENCE, &list) || outer.left || !list.left)
        return false;
    while (list.left) {
        struct sg_tee_extension e;
        if (c->n_extensions == SG_TEE_CERT_EXTS_MAX || !take_extension(&list, &e) ||
            sg_tee_cert_extension(c, e.oid, &twice) || !read_extension(c, &e))
            return false;
        c->extension[c->n_extensions++] = e;
    }
    return true;
}

static bool take_whole(struct sg_reader *r, unsigned tag, struct sg_bytes *ret_whole)
{
    struct sg_bytes content;
    unsigned found;
    return sg_der_any(r, &found, &content, ret_whole) && found == tag;
}

static bool read_validity(struct sg_tee_cert *c, struct sg_reader *tbs)
{
    struct sg_reader validity;
    return sg_der_enter(tbs, SG_DER_SEQUENCE, &validity) &&
           sg_der_time(&validity, &c->not_before_s) && sg_der_time(&validity, &c->not_after_s) &&
           !validity.left;
}

/* version [0] EXPLICIT, absent for v1. */
static bool read_version(struct sg_reader *tbs, uint64_t *ret)
{
    struct sg_reader outer;
    *ret = 0;
    if (!sg_der_next_is(tbs, SG_DER_CONTEXT | 0))
        return true;
    return sg_der_enter(tbs, SG_DER_CONTEXT | 0, &outer) && sg_der_small(&outer, 2, ret) &&
           !outer.left;
}

/* issuerUniqueID and subjectUniqueID: nobody uses them, nothing hangs on them. */
static bool skip_unique_ids(struct sg_reader *tbs)
{
    struct sg_bytes ignored;
    for (unsigned n = 1; n <= 2; n++) {
        if (sg_der_next_is(tbs, SG_DER_CONTEXT_PLAIN | n) &&
            !sg_der_take(tbs, SG_DER_CONTEXT_PLAIN | n, &ignored))
            return false;
    }
    return true;
}

static bool read_tbs(struct sg_tee_cert *c, struct sg_reader *tbs, struct sg_bytes *ret_algorithm,
                     struct sg_bytes *ret_spki)
{
    uint64_t version;
    if (!read_version(tbs, &version) || !sg_der_magnitude(tbs, &c->serial) ||
        !take_whole(tbs, SG_DER_SEQUENCE, ret_algorithm) ||
        !take_whole(tbs, SG_DER_SEQUENCE, &c->issuer) || !read_validity(c, tbs) ||
        !take_whole(tbs, SG_DER_SEQUENCE, &c->subject) ||
        !take_whole(tbs, SG_DER_SEQUENCE, ret_spki) || !skip_unique_ids(tbs))
        return false;
    if (!sg_der_common_name(c->subject, c->common_name, sizeof c->common_name) ||
        !sg_der_common_name(c->issuer, c->issuer_common_name, sizeof c->issuer_common_name))
        return false;
    if (tbs->left && (version != 2 || !read_extensions(c, tbs)))
        return false;
    return !tbs->left;
}

static bool read_certificate(struct sg_tee_cert *c, struct sg_bytes *ret_spki)
{
    struct sg_reader r = sg_reader_over(c->der), seq, tbs;
    struct sg_bytes inner, outer;
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &seq) || r.left ||
        !take_whole(&seq, SG_DER_SEQUENCE, &c->tbs) || !take_whole(&seq, SG_DER_SEQUENCE, &outer) ||
        !sg_der_bits(&seq, &c->signature) || seq.left)
        return false;
    r = sg_reader_over(c->tbs);
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &tbs) || !read_tbs(c, &tbs, &inner, ret_spki))
        return false;
    c->alg = sg_bytes_equal(inner, outer) ? sg_tee_alg_of(outer) : SG_TEE_ALG_NONE;
    return true;
}

int sg_tee_cert_new(struct sg_tee_cert **ret, struct sg_bytes der)
{
    struct sg_bytes spki;
    if (der.len > SG_TEE_CERT_MAX)
        return SG_TEE_CERT_BROKEN;
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = calloc(1, sizeof *c);
    if (!c || !(c->room = malloc(der.len ? der.len : 1)))
        return sg_raise(-ENOMEM);
    if (der.len)
        memcpy(c->room, der.data, der.len);
    c->der = SG_BYTES(c->room, der.len);
    c->path_length = -1;
    if (!read_certificate(c, &spki))
        return SG_TEE_CERT_BROKEN;
    int r = sg_tee_key_spki(&c->key, spki);
    if (r != 0)
        return r < 0 ? r : SG_TEE_CERT_BROKEN;
    sg_sha256(c->id, c->der);
    *ret = TAKE_PTR(c);
    return 0;
}

bool sg_tee_cert_signed_by(const struct sg_tee_cert *c, const struct sg_tee_key *issuer)
{
    return sg_tee_key_verifies(issuer, c->alg, c->tbs, c->signature);
}

bool sg_tee_cert_extension(const struct sg_tee_cert *c, struct sg_bytes oid, struct sg_bytes *ret)
{
    for (size_t i = 0; i < c->n_extensions; i++) {
        if (sg_bytes_equal(c->extension[i].oid, oid)) {
            *ret = c->extension[i].value;
            return true;
        }
    }
    return false;
}
