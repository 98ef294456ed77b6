/* intel-extension - what a platform's certificate says of it, member by member. */
#include "intel-set.h"

/* An element of DER: all of it, and its content. */
struct element {
    struct sg_bytes whole, content;
};

static bool take_element(struct sg_reader *r, struct element *ret)
{
    const uint8_t *start = r->at;
    uint8_t tag, first;
    size_t len = 0;
    if (!sg_take_u8(r, &tag) || !sg_take_u8(r, &first))
        return false;
    len = first;
    for (unsigned n = first > 0x80 ? first & 0x7f : 0; n; n--) {
        uint8_t octet;
        len = n == (first & 0x7fu) ? 0 : len;
        if (!sg_take_u8(r, &octet))
            return false;
        len = len << 8 | octet;
    }
    if (!sg_take(r, len, &ret->content))
        return false;
    ret->whole = SG_BYTES(start, (size_t)(r->at - start));
    return true;
}

enum { MEMBERS_MAX = 32 };

static size_t take_members(struct sg_bytes list, struct element ret[MEMBERS_MAX])
{
    struct sg_reader r = sg_reader_over(list);
    size_t n = 0;
    while (n < MEMBERS_MAX && take_element(&r, &ret[n]))
        n++;
    return n;
}

/* {OID, value} with a value that is not of the member's type, size or range. */
static void put_wrong_value(const struct element *member, struct sg_buf *ret)
{
    static const struct sg_bytes values[] = {
        SG_BYTES_LIT("\x05\x00"),     SG_BYTES_LIT("\x02\x03\x01\x00\x00"),
        SG_BYTES_LIT("\x02\x01\xff"), SG_BYTES_LIT("\x02\x02\x00\x01"),
        SG_BYTES_LIT("\x04\x01\x00"), SG_BYTES_LIT("\x04\x00"),
        SG_BYTES_LIT("\x30\x00"),     SG_BYTES_LIT("\x02\x00")};
    SG_CLEANUP(sg_buf_clear) struct sg_buf pair = SG_BUF_INIT(4096);
    struct sg_reader r = sg_reader_over(member->content);
    struct element oid;
    sg_assert(take_element(&r, &oid));
    MUST(sg_buf_append(&pair, oid.whole));
    MUST(sg_buf_append(&pair, values[below(N(values))]));
    tk_der(ret, 0x30, sg_buf_bytes(&pair));
}

/* A SEQUENCE of {OID, value}, of which one is gone, there twice, or of a wrong value; in the member
 * of .2, which is such a list, one of its own may be. */
static bool put_broken_list(struct sg_bytes list, bool inner, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf all = SG_BUF_INIT(4096);
    struct element member[MEMBERS_MAX], part[MEMBERS_MAX];
    const size_t n = take_members(list, member), which = inner ? 1 : below(n);
    const size_t way = below(3);
    for (size_t i = 0; i < n; i++) {
        if (i != which) {
            MUST(sg_buf_append(&all, member[i].whole));
        } else if (inner) {
            SG_CLEANUP(sg_buf_clear) struct sg_buf pair = SG_BUF_INIT(4096);
            sg_assert(take_members(member[i].content, part) == 2);
            MUST(sg_buf_append(&pair, part[0].whole));
            (void)put_broken_list(part[1].content, false, &pair);
            tk_der(&all, 0x30, sg_buf_bytes(&pair));
        } else if (way == 1) {
            put_wrong_value(&member[i], &all);
        } else if (way == 2) {
            MUST(sg_buf_append(&all, member[i].whole));
            MUST(sg_buf_append(&all, member[i].whole));
        }
    }
    note("%s list: member %zu, way %zu", inner ? "TCB in the" : "the", which, way);
    tk_der(ret, 0x30, sg_buf_bytes(&all));
    return n == 5 && !inner && which == 4 && way == 1; /* the type: nothing is decided by it */
}

bool break_extension(struct set *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(4096);
    struct tk_cert_spec *c = &s->t.pck_spec;
    tk_intel_platform_extension(&s->t, c);
    struct tk_extension *e = &c->extension[0];
    struct sg_reader r = sg_reader_over(SG_BYTES(e->der, e->len));
    struct element list;
    bool right = false;
    sg_assert(take_element(&r, &list));
    switch (below(6)) {
    case 0:
        e->oid = "1.2.840.113741.1.13.2";
        note("another extension");
        break;
    case 1:
        e->len -= 1 + below(e->len - 1);
        note("extension cut");
        break;
    default:
        right = put_broken_list(list.content, one_in(2), &der);
        sg_assert(der.len <= sizeof e->der);
        memcpy(e->der, der.data, der.len);
        e->len = der.len;
    }
    set_issue(s);
    return right;
}
