/*
 * TCB infos and QE identities that reach the later checks.  The first octet says which of the four
 * documents, the rest is the signed object; it is signed, stands among good documents, and a good
 * quote is judged.  Whatever is trusted must be in force, of this platform and up to date.
 */
#define FUZZ_VENDORS SG_TEE_VENDOR_INTEL
#include "fuzz-world-int.h"

#include <jansson.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TDX = 1, IDENTITY = 2 }; /* first octet */

#define NOW "2026-07-01T00:00:00Z" /* TK_AT */

static struct sg_bytes quote(bool td)
{
    static struct sg_buf b[2] = {SG_BUF_INIT(65536), SG_BUF_INIT(65536)};
    const struct tk_intel *t = &fuzz_world()->intel;
    if (!b[td].len) {
        const struct tk_quote q = td ? tk_quote_td(t, 4, TK_TD10_BODY) : tk_quote_sgx(t);
        tk_quote_make(t, &q, &b[td]);
    }
    return sg_buf_bytes(&b[td]);
}

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items;
    sg_assert(sg_tee_store_add(s, sg_buf_bytes(b), &items) == 0);
    sg_buf_reset(b);
}

/* Everything but the one document, made once. */
static void fill(struct sg_tee_store *s, unsigned how)
{
    static struct sg_buf part[6];
    const struct tk_intel *t = &fuzz_world()->intel;
    unsigned items;
    for (size_t i = 0; !part[5].len && i < sizeof part / sizeof part[0]; i++)
        part[i] = (struct sg_buf)SG_BUF_INIT(65536);
    if (!part[5].len) {
        for (size_t td = 0; td < 2; td++) {
            const struct tk_tcb_info info = tk_tcb_info_good(t, td);
            const struct tk_identity id = tk_identity_good(t, td);
            tk_tcb_info_json(t, &info, &part[td]);
            tk_identity_json(t, &id, &part[IDENTITY + td]);
        }
        tk_intel_signer_chain(t, &part[4]);
        tk_intel_root_crl(t, NULL, 0, &part[5]);
    }
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (i != how)
            sg_assert(sg_tee_store_add(s, sg_buf_bytes(&part[i]), &items) == 0);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    tk_intel_pck_crl(t, NULL, 0, &b);
    add(s, &b);
}

static const char *text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "";
}

static bool any_up_to_date(const json_t *levels)
{
    for (size_t i = 0; i < json_array_size(levels); i++)
        if (!strcmp(text(json_array_get(levels, i), "tcbStatus"), "UpToDate"))
            return true;
    return false;
}

static bool may_be_right(unsigned how, const json_t *o)
{
    const bool td = how & TDX;
    const char *id = text(o, "id");
    /* RFC 3339 in one form: order of text is order of time. */
    if (strcmp(text(o, "issueDate"), NOW) > 0 || strcmp(text(o, "nextUpdate"), NOW) < 0 ||
        !any_up_to_date(json_object_get(o, "tcbLevels")))
        return false;
    if (how & IDENTITY)
        return !strcmp(id, td ? "TD_QE" : "QE") &&
               json_integer_value(json_object_get(o, "isvprodid")) == (td ? 2 : 1);
    return (!strcmp(id, td ? "TDX" : "SGX") || (!td && !*id)) &&
           !strcasecmp(text(o, "fmspc"), "00606a000000") && !strcmp(text(o, "pceId"), "0000");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(1u << 20);
    struct tk_world other = {0};
    if (!size)
        return 0;
    const unsigned how = data[0] & (TDX | IDENTITY);
    const struct sg_bytes object = SG_BYTES(data + 1, size - 1);
    tk_intel_sign_document(&fuzz_world()->intel, how & IDENTITY ? "enclaveIdentity" : "tcbInfo",
                           object, &document);
    tk_world_new_store(fuzz_world(), &s);
    fill(s, how);
    add(s, &document);
    sg_assert(sg_tee_store_seal(s) == 0);
    other.store = s;
    const struct sg_tee_evidence e = {.part = {[SG_TEE_PART_REPORT] = quote(how & TDX)}};
    const struct sg_tee_verdict v = tk_world_judge(&other, &e);
    json_t *o = json_loadb((const char *)object.data, object.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_count.judged++;
    fuzz_count.trusted += sg_tee_trusted(&v);
    sg_assert(!sg_tee_trusted(&v) || may_be_right(how, o));
    json_decref(o);
    return 0;
}
