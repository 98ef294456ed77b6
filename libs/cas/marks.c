#include "marks-int.h"

#include <stdio.h>

void sg_cas_marks_clear(struct sg_cas_marks *m)
{
    free(m->at);
    *m = (struct sg_cas_marks){0};
}

static int by_subject(const void *a, const void *b)
{
    return memcmp(((const struct sg_cas_mark *)a)->subject,
                  ((const struct sg_cas_mark *)b)->subject, 32);
}

/* ---- octets ---- */

static bool decode_one(struct sg_reader *r, struct sg_cas_mark *ret)
{
    struct sg_bytes subject, number, issued;
    if (!sg_take(r, sizeof ret->subject, &subject) || !sg_take(r, sizeof ret->number, &number) ||
        !sg_take(r, 8, &issued))
        return false;
    memcpy(ret->subject, subject.data, subject.len);
    memcpy(ret->number, number.data, number.len);
    ret->issued_s = (int64_t)sg_load_be64(issued.data);
    return true;
}

int sg_cas_marks_decode(struct sg_bytes octets, struct sg_cas_marks *ret)
{
    struct sg_reader r = sg_reader_over(octets);
    struct sg_cas_marks m = {0};
    struct sg_bytes epoch;
    if (!octets.len)
        return 0; /* nothing was ever loaded */
    if (!sg_take(&r, 8, &epoch) || r.left % SG_CAS_MARK_LEN ||
        r.left / SG_CAS_MARK_LEN > SG_CAS_MARKS_MAX)
        return sg_raisef(-EBADMSG, "marks");
    m.epoch = sg_load_be64(epoch.data);
    m.at = calloc(r.left / SG_CAS_MARK_LEN + 1, sizeof *m.at);
    if (!m.at)
        return sg_raise(-ENOMEM);
    while (decode_one(&r, &m.at[m.n])) {
        if (m.n++ && by_subject(&m.at[m.n - 2], &m.at[m.n - 1]) >= 0) {
            sg_cas_marks_clear(&m);
            return sg_raisef(-EBADMSG, "marks are not in order");
        }
    }
    *ret = m;
    return 0;
}

int sg_cas_marks_encode(const struct sg_cas_marks *m, struct sg_buf *ret)
{
    int r = sg_buf_append_be64(ret, m->epoch);
    for (size_t i = 0; i < m->n && r == 0; i++) {
        r = sg_buf_append(ret, SG_BYTES_ARRAY(m->at[i].subject));
        if (r == 0)
            r = sg_buf_append(ret, SG_BYTES_ARRAY(m->at[i].number));
        if (r == 0)
            r = sg_buf_append_be64(ret, (uint64_t)m->at[i].issued_s);
    }
    return r;
}

int sg_cas_marks_copy(const struct sg_cas_marks *m, struct sg_cas_marks *ret)
{
    struct sg_cas_mark *at = calloc(m->n + 1, sizeof *at);
    if (!at)
        return sg_raise(-ENOMEM);
    if (m->n)
        memcpy(at, m->at, m->n * sizeof *at);
    *ret = (struct sg_cas_marks){m->epoch, m->n, at};
    return 0;
}

/* ---- documents ---- */

static struct sg_cas_mark mark_of(const struct sg_tee_document *d)
{
    struct sg_cas_mark mark = {.issued_s = d->from_s};
    memcpy(mark.subject, d->subject, sizeof mark.subject);
    if (d->kind != SG_TEE_DOCUMENT_CRL)
        memcpy(mark.number, d->number, sizeof mark.number);
    return mark;
}

static struct sg_cas_mark *find(const struct sg_cas_marks *m, const struct sg_cas_mark *mark)
{
    return m->n ? bsearch(mark, m->at, m->n, sizeof *m->at, by_subject) : NULL;
}

/* As sg_tee_document_older: by number; lists, which have none here, by issue. */
static bool below(const struct sg_cas_mark *a, const struct sg_cas_mark *b)
{
    static const uint8_t none[SG_TEE_DOCUMENT_NUMBER_LEN];
    const bool numbered =
        memcmp(a->number, none, sizeof none) != 0 && memcmp(b->number, none, sizeof none) != 0;
    return numbered ? memcmp(a->number, b->number, sizeof a->number) < 0
                    : a->issued_s < b->issued_s;
}

/* A certificate is not replaced by a newer one of its subject.  Issuers are looked at as they were
 * when it was issued, so that no clock has a say. */
static bool describe(const struct sg_tee_store *s, size_t i, struct sg_tee_document *ret)
{
    sg_tee_store_document(s, i, 0, ret);
    if (ret->kind == SG_TEE_DOCUMENT_CERTIFICATE)
        return false;
    sg_tee_store_document(s, i, ret->from_s, ret);
    return true;
}

static int add(struct sg_cas_marks *m, const struct sg_cas_mark *mark)
{
    if (m->n == SG_CAS_MARKS_MAX)
        return sg_raisef(-ENOBUFS, "more than %d subjects of collateral", SG_CAS_MARKS_MAX);
    struct sg_cas_mark *more = reallocarray(m->at, m->n + 1, sizeof *more);
    if (!more)
        return sg_raise(-ENOMEM);
    m->at = more;
    size_t i = m->n++;
    for (; i && by_subject(&more[i - 1], mark) > 0; i--)
        more[i] = more[i - 1];
    more[i] = *mark;
    return 0;
}

static int raise_one(struct sg_cas_marks *m, const struct sg_tee_document *d, bool *ret_raised)
{
    const struct sg_cas_mark mark = mark_of(d);
    struct sg_cas_mark *known = find(m, &mark);
    if (known && !below(known, &mark))
        return 0;
    *ret_raised = true;
    if (!known)
        return add(m, &mark);
    *known = mark;
    return 0;
}

int sg_cas_marks_raise(struct sg_cas_marks *m, const struct sg_tee_store *s, bool *ret_raised,
                       size_t *ret_unmarked)
{
    int r = 0;
    *ret_unmarked = 0;
    for (size_t i = 0; i < sg_tee_store_n_documents(s) && r == 0; i++) {
        struct sg_tee_document d;
        if (!describe(s, i, &d))
            continue;
        if (d.vouched)
            r = raise_one(m, &d, ret_raised);
        else
            ++*ret_unmarked;
    }
    return r;
}

size_t sg_cas_marks_apply(const struct sg_cas_marks *m, struct sg_tee_store *s,
                          char ret_first[SG_TEE_DOCUMENT_NAME_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++) {
        struct sg_tee_document d;
        if (!describe(s, i, &d))
            continue;
        const struct sg_cas_mark mark = mark_of(&d), *known = find(m, &mark);
        if (!known || !below(&mark, known))
            continue;
        if (!n++)
            snprintf(ret_first, SG_TEE_DOCUMENT_NAME_MAX, "%s", d.name);
        sg_tee_store_supersede(s, i);
    }
    return n;
}
