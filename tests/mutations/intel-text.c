/* intel-text - TCB info and QE identity as text: members gone, twice, of other types. */
#include "intel-set.h"

/* Every member that the schemas require, of the objects that count. */
static const char *const info_members[] = {"id",        "version",
                                           "issueDate", "nextUpdate",
                                           "fmspc",     "pceId",
                                           "tcbType",   "tcbEvaluationDataNumber",
                                           "tcbLevels", "tcb",
                                           "pcesvn",    "tcbDate",
                                           "tcbStatus", "sgxtcbcomponents"};
static const char *const td_members[] = {"tdxModule", "tdxModuleIdentities", "tdxtcbcomponents",
                                         "mrsigner",  "attributes",          "attributesMask"};
static const char *const id_members[] = {
    "id",         "version",        "issueDate",  "nextUpdate",
    "miscselect", "miscselectMask", "attributes", "attributesMask",
    "mrsigner",   "isvprodid",      "tcbLevels",  "tcb",
    "isvsvn",     "tcbDate",        "tcbStatus",  "tcbEvaluationDataNumber"};

static const char *pick_member(const struct set *s, bool identity)
{
    if (identity)
        return id_members[below(N(id_members))];
    if (s->td && one_in(3))
        return td_members[below(N(td_members))];
    return info_members[below(N(info_members))];
}

/* The first member of that name in the signed object: "name":value. */
struct member {
    size_t name, value, end; /* offsets; end: behind the value */
};

static size_t end_of_value(const struct sg_buf *b, size_t at)
{
    int depth = 0;
    bool string = false;
    for (; at < b->len; at++) {
        const char c = (char)b->data[at];
        string ^= c == '"';
        if (string)
            continue;
        if (!depth && (c == ',' || c == '}' || c == ']'))
            return at;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    return at;
}

static struct member find_member(const struct sg_buf *b, const char *name)
{
    char quoted[64];
    const int n = snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const uint8_t *found = memmem(b->data, b->len, quoted, (size_t)n);
    sg_assert(found);
    const size_t at = (size_t)(found - b->data);
    return (struct member){at, at + (size_t)n, end_of_value(b, at + (size_t)n)};
}

static void splice(struct sg_buf *b, size_t from, size_t until, const char *with)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf rest = SG_BUF_INIT(65536);
    MUST(sg_buf_append(&rest, SG_BYTES(b->data + until, b->len - until)));
    b->len = from;
    MUST(sg_buf_append(b, sg_bytes_str(with)));
    MUST(sg_buf_append(b, sg_buf_bytes(&rest)));
}

/* The object is what Intel signs; its members change and it is signed again. */
static bool change_text(struct sg_buf *object, const char *name)
{
    static const char *const others[] = {"null",
                                         "true",
                                         "-1",
                                         "1.5",
                                         "1e3",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         "99999999999",
                                         "\"x\"",
                                         "[{}]",
                                         "\"\\u0000\"",
                                         "18446744073709551616",
                                         "NaN"};
    const struct member m = find_member(object, name);
    char copy[256];
    switch (below(6)) {
    case 0: /* a member that is not known */
        note("unknown member before %s", name);
        splice(object, m.name, m.name, "\"newer\":{\"a\":[1]},");
        return true;
    case 1:
        note("space around %s", name);
        splice(object, m.value, m.value, " \n\t");
        return true;
    case 2:
        note("%s renamed", name);
        object->data[m.name + 1] ^= 0x20;
        return false;
    case 3: /* twice, whatever it says */
        note("%s twice", name);
        snprintf(copy, sizeof copy, "\"%s\":0,", name);
        splice(object, m.name, m.name, copy);
        return false;
    case 4:
        note("%s cut", name);
        object->len = m.value;
        return false;
    default: {
        const char *other = others[below(N(others))];
        note("%s is %s", name, other);
        splice(object, m.value, m.end, other);
        return false;
    }
    }
}

/* OBJECT of {"NAME":OBJECT,"signature":...}. */
static void object_of(const struct sg_buf *document, const char *name, struct sg_buf *ret)
{
    const struct member m = find_member(document, name);
    MUST(sg_buf_append(ret, SG_BYTES(document->data + m.value, m.end - m.value)));
}

bool change_document_text(struct set *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf object = SG_BUF_INIT(65536);
    const bool identity = one_in(2);
    const char *name = identity ? "enclaveIdentity" : "tcbInfo";
    if (identity)
        tk_identity_json(&s->t, &s->id, &document);
    else
        tk_tcb_info_json(&s->t, &s->info, &document);
    object_of(&document, name, &object);
    const bool right = change_text(&object, pick_member(s, identity));
    tk_intel_sign_document(&s->t, name, sg_buf_bytes(&object),
                           identity ? &s->id_text : &s->info_text);
    return right;
}
