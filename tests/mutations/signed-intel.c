/*
 * signed-intel - what a quote is judged by, changed and signed again: TCB info and QE identity by
 * fields and as text, certificates, revocation lists.  Each change says what it must lead to.
 * Sources: Intel, "PCS API" (schemas of TCB info and QE identity), "SGX PCK Certificate and CRL
 * Profile"; RFC 5280.
 */
#include "mutate.h"

/* One set of documents, whole and good until it is changed. */
struct set {
    struct tk_intel t; /* keys and certificates are the world's until issued anew */
    struct tk_tcb_info info;
    struct tk_identity id;
    struct sg_buf info_text, id_text; /* signed */
    struct sg_buf root_crl, pck_crl;
    bool td, issued;
    bool without_root_crl, without_pck_crl, without_info, without_id, without_signer;
};

static void set_init(struct set *s, bool td)
{
    *s = (struct set){.t = world.intel,
                      .td = td,
                      .info = tk_tcb_info_good(&world.intel, td),
                      .id = tk_identity_good(&world.intel, td),
                      .info_text = SG_BUF_INIT(65536),
                      .id_text = SG_BUF_INIT(65536),
                      .root_crl = SG_BUF_INIT(8192),
                      .pck_crl = SG_BUF_INIT(8192)};
}

/* The certificates, from the specs as they are now; keys are borrowed. */
static void set_issue(struct set *s)
{
    s->t.root = s->t.ca = s->t.pck = s->t.signer = NULL;
    tk_intel_issue(&s->t);
    s->issued = true;
}

static void set_clear(struct set *s)
{
    struct sg_buf *const all[] = {&s->info_text, &s->id_text, &s->root_crl, &s->pck_crl};
    for (size_t i = 0; i < N(all); i++)
        sg_buf_clear(all[i]);
    if (!s->issued)
        return;
    X509_free(s->t.root);
    X509_free(s->t.ca);
    X509_free(s->t.pck);
    X509_free(s->t.signer);
}

/* ---- fields of TCB info and QE identity ---- */

static bool known_status(const char *s)
{
    return !strcmp(s, "UpToDate");
}

static const char *odd_status(void)
{
    static const char *const words[] = {"UpToDate",
                                        "SWHardeningNeeded",
                                        "ConfigurationNeeded",
                                        "ConfigurationAndSWHardeningNeeded",
                                        "OutOfDate",
                                        "OutOfDateConfigurationNeeded",
                                        "Revoked",
                                        "uptodate",
                                        "UpToDate ",
                                        "NOT_SUPPORTED",
                                        "not_applicable",
                                        ""};
    return words[below(N(words))];
}

static bool change_dates(int64_t *issued, int64_t *next)
{
    *(one_in(2) ? issued : next) = odd_time();
    note("issued %+lld, next %+lld", (long long)(*issued - TK_AT), (long long)(*next - TK_AT));
    return *issued <= TK_AT && *next >= TK_AT;
}

/* The platform has at least what the level asks for: all components, and the PCE. */
static bool reaches(const struct set *s, const struct tk_level *l)
{
    bool all = s->t.pcesvn >= l->pcesvn;
    for (int i = 0; i < TK_SVNS; i++) {
        all &= s->t.components[i] >= l->sgx[i];
        all &= !s->td || i < 2 || s->t.tdx_components[i] >= l->tdx[i];
    }
    return all;
}

static void change_level(struct tk_level *l, bool td)
{
    const size_t i = below(TK_SVNS);
    switch (below(td ? 4 : 3)) {
    case 0:
        l->sgx[i] = (uint8_t)odd_number(l->sgx[i], 8);
        break;
    case 1:
        l->pcesvn = (unsigned)odd_number(l->pcesvn, 16);
        break;
    case 2:
        l->status = odd_status();
        break;
    default:
        l->tdx[i] = (uint8_t)odd_number(l->tdx[i], 8);
    }
    note("component %zu: %u, %u; PCE %u; %s", i, l->sgx[i], l->tdx[i], l->pcesvn, l->status);
}

static bool readable(const char *status)
{
    static const char *const words[] = {"UpToDate",
                                        "SWHardeningNeeded",
                                        "ConfigurationNeeded",
                                        "ConfigurationAndSWHardeningNeeded",
                                        "OutOfDate",
                                        "OutOfDateConfigurationNeeded",
                                        "Revoked"};
    for (size_t i = 0; i < N(words); i++)
        if (!strcmp(words[i], status))
            return true;
    return false;
}

/* The first level that the platform reaches counts; all of them must be well-formed. */
static bool levels_are_right(const struct set *s)
{
    const struct tk_level *first = NULL;
    for (size_t i = 0; i < s->info.n_levels; i++) {
        const struct tk_level *l = &s->info.level[i];
        if (!readable(l->status))
            return false;
        if (!first && reaches(s, l))
            first = l;
    }
    return first && known_status(first->status);
}

static bool change_levels(struct set *s)
{
    struct tk_tcb_info *i = &s->info;
    i->n_levels = 1 + below(TK_LEVELS_MAX);
    for (size_t k = 1; k < i->n_levels; k++) {
        i->level[k] = i->level[0];
        if (one_in(2))
            i->level[k].status = odd_status();
    }
    for (size_t n = 1 + below(3); n; n--)
        change_level(&i->level[below(i->n_levels)], s->td);
    return levels_are_right(s);
}

static bool change_module(struct set *s)
{
    const unsigned svn = s->t.tdx_components[0];
    s->info.module_svn = (unsigned)odd_number(s->info.module_svn, 16);
    s->info.module_status = one_in(2) ? odd_status() : NULL;
    note("module SVN %u, %s", s->info.module_svn,
         s->info.module_status ? s->info.module_status : "UpToDate");
    if (s->info.module_status && !readable(s->info.module_status))
        return false;
    return svn >= s->info.module_svn &&
           (!s->info.module_status || known_status(s->info.module_status));
}

/* Version 2 is of SGX alone, and has no id. */
static bool change_version(struct set *s)
{
    s->info.version = (unsigned)odd_number(3, 4);
    note("version %u", s->info.version);
    return s->info.version == 3 || (s->info.version == 2 && !s->td);
}

static bool change_info_id(struct set *s)
{
    static const char *const ids[] = {"SGX", "TDX", "QE", "sgx", "", "SGX TDX"};
    s->info.id = ids[below(N(ids))];
    note("id %s", s->info.id);
    return !strcmp(s->info.id, s->td ? "TDX" : "SGX");
}

static bool change_platform_id(struct set *s)
{
    if (one_in(2))
        change(s->info.fmspc, sizeof s->info.fmspc);
    else
        change(s->info.pceid, sizeof s->info.pceid);
    return false;
}

static bool change_info(struct set *s)
{
    switch (below(s->td ? 7 : 6)) {
    case 0:
        return change_dates(&s->info.issued_s, &s->info.next_s);
    case 1:
        return change_version(s);
    case 2:
        return change_info_id(s);
    case 3:
        return change_platform_id(s);
    case 4:
        s->info.evaluation = (unsigned)odd_number(17, 32);
        note("evaluation %u", s->info.evaluation);
        return true;
    case 5:
        return change_levels(s);
    default:
        return change_module(s);
    }
}

/* (report & mask) == value; the QE's report is the testkit's. */
static bool masked(const uint8_t *report, const uint8_t *mask, const uint8_t *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((report[i] & mask[i]) != value[i])
            return false;
    return true;
}

static bool identity_is_right(const struct set *s)
{
    const struct tk_quote q =
        s->td ? tk_quote_td(&world.intel, 4, TK_TD10_BODY) : tk_quote_sgx(&world.intel);
    const struct tk_identity good = tk_identity_good(&world.intel, s->td), *id = &s->id;
    return masked(q.qe + 16, id->miscselect_mask, id->miscselect, 4) &&
           masked(q.qe + 48, id->attributes_mask, id->attributes, 16) &&
           !memcmp(id->mrsigner, good.mrsigner, 32) && id->isvprodid == good.isvprodid &&
           good.isvsvn >= id->isvsvn && known_status(id->status) && !strcmp(id->id, good.id) &&
           id->issued_s <= TK_AT && id->next_s >= TK_AT;
}

static void change_identity(struct set *s)
{
    static const char *const ids[] = {"QE", "TD_QE", "QVE", "qe", ""};
    struct tk_identity *id = &s->id;
    uint8_t *const octets[] = {id->miscselect, id->miscselect_mask, id->attributes,
                               id->attributes_mask, id->mrsigner};
    static const size_t lens[] = {4, 4, 16, 16, 32};
    const size_t which = below(N(octets));
    switch (below(6)) {
    case 0:
        id->id = ids[below(N(ids))];
        break;
    case 1:
        change_dates(&id->issued_s, &id->next_s);
        break;
    case 2:
        id->isvprodid = (unsigned)odd_number(id->isvprodid, 16);
        break;
    case 3:
        id->isvsvn = (unsigned)odd_number(id->isvsvn, 16);
        break;
    case 4:
        id->status = odd_status();
        break;
    default:
        change(octets[which], lens[which]);
        note("field %zu", which);
    }
    note("identity %s, product %u, SVN %u, %s", id->id, id->isvprodid, id->isvsvn, id->status);
}

/* ---- the same as text ---- */

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

static bool change_document_text(struct set *s)
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

/* ---- certificates and lists ---- */

static bool has_word(const char *usage, const char *word)
{
    return usage && strstr(usage, word);
}

static const char *odd_usage(void)
{
    static const char *const usages[] = {NULL,
                                         "digitalSignature",
                                         "digitalSignature,nonRepudiation",
                                         "nonRepudiation",
                                         "keyCertSign",
                                         "cRLSign",
                                         "keyCertSign,cRLSign",
                                         "digitalSignature,keyCertSign,cRLSign",
                                         "keyEncipherment",
                                         "encipherOnly"};
    return usages[below(N(usages))];
}

enum role { PCK, PCK_CA, SIGNER };

static bool name_is_right(enum role role, const char *name)
{
    switch (role) {
    case PCK:
        return !strcmp(name, "Intel SGX PCK Certificate");
    case PCK_CA:
        return !strcmp(name, "Intel SGX PCK Processor CA") ||
               !strcmp(name, "Intel SGX PCK Platform CA");
    default:
        return !strcmp(name, "Intel SGX TCB Signing");
    }
}

static const char *odd_name(void)
{
    static const char *const names[] = {"Intel SGX PCK Certificate", "Intel SGX PCK Processor CA",
                                        "Intel SGX PCK Platform CA", "Intel SGX TCB Signing",
                                        "Intel SGX Root CA",         "Intel SGX TCB Signing ",
                                        "intel sgx pck certificate", "x"};
    return names[below(N(names))];
}

static bool spec_is_right(enum role role, const struct tk_cert_spec *c)
{
    const bool dates = c->from_s <= TK_AT && c->until_s >= TK_AT;
    if (!dates || !name_is_right(role, c->common_name) ||
        (c->digest && strcmp(c->digest, "SHA256")))
        return false;
    for (size_t i = 0; i < c->n_extensions; i++) {
        if (c->extension[i].critical)
            return false;
        for (size_t k = 0; k < i; k++) /* RFC 5280, 4.2: each once */
            if (!strcmp(c->extension[i].oid, c->extension[k].oid))
                return false;
    }
    if (role == PCK_CA)
        return c->constraints == TK_CA && has_word(c->key_usage, "keyCertSign") &&
               has_word(c->key_usage, "cRLSign");
    return c->constraints == TK_END_ENTITY && has_word(c->key_usage, "digitalSignature");
}

static void change_spec(struct tk_cert_spec *c)
{
    static const char *const digests[] = {"SHA256", "SHA1", "SHA224"};
    switch (below(7)) {
    case 0:
        c->from_s = odd_time();
        break;
    case 1:
        c->until_s = odd_time();
        break;
    case 2:
        c->common_name = odd_name();
        break;
    case 3:
        c->constraints = (__typeof__(c->constraints))below(3);
        c->path_length = (int)below(3) - 1;
        break;
    case 4:
        c->key_usage = odd_usage();
        break;
    case 5:
        c->digest = digests[below(N(digests))];
        break;
    default:
        tk_add_extension(c, "1.2.3.4.5", one_in(2), SG_BYTES_LIT("\x05\x00"));
    }
    note("%s, from %+lld, until %+lld, constraints %d, path %d, usage %s, %s", c->common_name,
         (long long)(c->from_s - TK_AT), (long long)(c->until_s - TK_AT), (int)c->constraints,
         c->path_length, c->key_usage ? c->key_usage : "none", c->digest ? c->digest : "SHA256");
}

static bool change_certificate(struct set *s)
{
    const enum role role = (enum role)below(3);
    struct tk_cert_spec *const specs[] = {&s->t.pck_spec, &s->t.ca_spec, &s->t.signer_spec};
    if (role == PCK) /* issued only if there is no other */
        tk_intel_platform_extension(&s->t, &s->t.pck_spec);
    for (size_t n = one_in(3) ? 2 : 1; n; n--)
        change_spec(specs[role]);
    set_issue(s);
    return spec_is_right(role, specs[role]);
}

/* What the platform's certificate says of it, against levels that stay. */
static bool change_platform(struct set *s)
{
    struct tk_intel *t = &s->t;
    const size_t i = below(TK_SVNS);
    bool same = true;
    switch (below(5)) {
    case 0:
        change(t->fmspc, sizeof t->fmspc);
        same = false;
        break;
    case 1:
        change(t->pceid, sizeof t->pceid);
        same = false;
        break;
    case 2:
        t->pcesvn = (unsigned)odd_number(t->pcesvn, 16);
        break;
    case 3:
        t->components[i] = (uint8_t)odd_number(t->components[i], 8);
        break;
    default:
        change(t->cpusvn, sizeof t->cpusvn); /* opaque */
    }
    note("platform: component %zu %u, PCE %u", i, t->components[i], t->pcesvn);
    set_issue(s);
    return same && reaches(s, &s->info.level[0]);
}

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

static bool break_extension(struct set *s)
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

static bool wrong_issuer(struct set *s)
{
    X509 **const certs[] = {&s->t.pck, &s->t.ca, &s->t.signer};
    const struct tk_cert_spec *const specs[] = {&s->t.pck_spec, &s->t.ca_spec, &s->t.signer_spec};
    EVP_PKEY *const keys[] = {s->t.pck_key, s->t.ca_key, s->t.signer_key};
    const size_t which = below(3);
    if (which == PCK)
        tk_intel_platform_extension(&s->t, &s->t.pck_spec);
    set_issue(s);
    X509_free(*certs[which]);
    *certs[which] = tk_cert_new(specs[which], keys[which], which == PCK ? s->t.ca : s->t.root,
                                s->t.attestation_key);
    note("certificate %zu signed by a stranger", which);
    return false;
}

static bool change_list(struct set *s)
{
    const bool root = one_in(2);
    const uint64_t serials[] = {odd_number(3, 4), odd_number(0x1234567890, 64), 1 + below(6)};
    struct tk_crl_spec c = {.from_s = TK_AT - DAY, .until_s = TK_AT + DAY};
    bool right = true;
    if (one_in(2)) {
        c.serials = serials;
        c.n_serials = below(N(serials) + 1);
    }
    if (one_in(3))
        c.from_s = odd_time();
    if (one_in(3))
        c.until_s = one_in(4) ? 0 : odd_time();
    const bool stranger = one_in(10);
    note("%s list: from %+lld, until %+lld, %zu serials (%llu %llu %llu)%s", root ? "root" : "PCK",
         (long long)(c.from_s - TK_AT), (long long)(c.until_s - TK_AT), c.n_serials,
         (unsigned long long)serials[0], (unsigned long long)serials[1],
         (unsigned long long)serials[2], stranger ? ", by a stranger" : "");
    for (size_t i = 0; i < c.n_serials; i++) /* of the CA and the signer; of the platform */
        right &= root ? serials[i] != 2 && serials[i] != 4 : serials[i] != 3;
    if (root)
        tk_crl_der(&c, s->t.root, stranger ? s->t.ca_key : s->t.root_key, &s->root_crl);
    else
        tk_crl_der(&c, s->t.ca, stranger ? s->t.root_key : s->t.ca_key, &s->pck_crl);
    return right && !stranger && c.from_s <= TK_AT && c.until_s >= TK_AT;
}

static bool leave_out(struct set *s)
{
    bool *const all[] = {&s->without_root_crl, &s->without_pck_crl, &s->without_info,
                         &s->without_id, &s->without_signer};
    const size_t which = below(N(all));
    note("without document %zu", which);
    *all[which] = true;
    return false;
}

/* ---- judged ---- */

/* What no change touched is made once: signing takes most of the time.  Keys and the root's name
 * stay, whatever certificates are issued anew. */
static const struct set *untouched(bool td)
{
    static struct set good[2];
    struct set *s = &good[td];
    if (s->info_text.len)
        return s;
    set_init(s, td);
    tk_tcb_info_json(&s->t, &s->info, &s->info_text);
    tk_identity_json(&s->t, &s->id, &s->id_text);
    tk_intel_root_crl(&s->t, NULL, 0, &s->root_crl);
    tk_intel_pck_crl(&s->t, NULL, 0, &s->pck_crl);
    return s;
}

static bool same_info(const struct set *a, const struct set *b)
{
    return !memcmp(&a->info, &b->info, sizeof a->info) && !memcmp(&a->id, &b->id, sizeof a->id);
}

static void add(struct sg_tee_store *store, const struct sg_buf *changed, const struct sg_buf *good,
                bool without)
{
    unsigned items;
    if (!without)
        MUST(sg_tee_store_add(store, sg_buf_bytes(changed->len ? changed : good), &items));
}

static void fill(struct set *s, struct sg_tee_store *store)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf signer = SG_BUF_INIT(8192);
    const struct set *good = untouched(s->td);
    if (!same_info(s, good) && !s->info_text.len)
        tk_tcb_info_json(&s->t, &s->info, &s->info_text);
    if (!same_info(s, good) && !s->id_text.len)
        tk_identity_json(&s->t, &s->id, &s->id_text);
    if (s->issued && !s->pck_crl.len) /* its issuer may have another name */
        tk_intel_pck_crl(&s->t, NULL, 0, &s->pck_crl);
    tk_cert_der(s->t.signer, &signer);
    add(store, &s->info_text, &good->info_text, s->without_info);
    add(store, &s->id_text, &good->id_text, s->without_id);
    add(store, &s->root_crl, &good->root_crl, s->without_root_crl);
    add(store, &s->pck_crl, &good->pck_crl, s->without_pck_crl);
    add(store, &signer, &signer, s->without_signer);
}

/* The quote with the set's own chain: signatures of a quote do not cover it. */
static void put_chain(const struct set *s, struct sg_buf *b)
{
    struct tk_quote_layout l;
    sg_assert(tk_quote_find(sg_buf_bytes(b), &l));
    b->len = l.cert + 6;
    tk_intel_pck_chain(&s->t, b);
    tk_quote_reseal(&world.intel, 0, &l, b);
}

static bool change_set(struct set *s)
{
    static bool (*const ways[])(struct set *) = {
        change_info,          change_info,     change_certificate, change_certificate,
        change_document_text, change_platform, break_extension,    wrong_issuer,
        change_list,          change_list,     leave_out};
    const size_t way = below(N(ways) + 3);
    if (way < N(ways))
        return ways[way](s);
    for (size_t n = one_in(3) ? 2 : 1; n; n--)
        change_identity(s);
    return identity_is_right(s);
}

bool resigned_intel_document(const struct specimen *good, bool td)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536);
    SG_CLEANUP(set_clear) struct set s;
    struct sg_tee_evidence e = {0};
    set_init(&s, td);
    const bool wanted = change_set(&s);
    MUST(sg_buf_append(&quote, sg_buf_bytes(&good->part[SG_TEE_PART_REPORT])));
    if (s.issued)
        put_chain(&s, &quote);
    tk_world_new_store(&world, &store);
    fill(&s, store);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&quote);
    return judged_in(store, &e, wanted);
}
