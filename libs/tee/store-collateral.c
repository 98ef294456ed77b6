/*
 * store-collateral - all collateral of one quote in one JSON object, as verifiers of Intel quotes
 * hand it to each other: members named after Intel's sgx_ql_qve_collateral_t, documents as the text
 * that Intel signed, their signatures and CRLs in hexadecimal (or PEM).
 */
#include "store-int.h"

#include <jansson.h>
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

static struct sg_bytes text_of(const json_t *all, const char *member)
{
    const json_t *v = json_object_get(all, member);
    return json_is_string(v) ? SG_BYTES(json_string_value(v), json_string_length(v))
                             : SG_BYTES_NONE;
}

static int add(struct sg_tee_store *s, struct sg_bytes text, unsigned *items)
{
    unsigned more = 0;
    int r = sg_tee_store_add(s, text, &more);
    if (r == 0)
        *items |= more;
    return r;
}

/* Chains and lists; another object in a string is none of these. */
static int add_others(struct sg_tee_store *s, const json_t *all, unsigned *items)
{
    static const char *const members[] = {"pck_certificate_chain", "pck_crl_issuer_chain",
                                          "tcb_info_issuer_chain", "qe_identity_issuer_chain",
                                          "root_ca_crl",           "pck_crl"};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof members / sizeof members[0]; i++) {
        const struct sg_bytes text = text_of(all, members[i]);
        if (text.len && !memchr(text.data, '{', text.len))
            r = add(s, text, items);
    }
    return r;
}

/* {"tcbInfo":text,"signature":"..."}: as Intel answers. */
static int add_document(struct sg_tee_store *s, const char *name, struct sg_bytes text,
                        struct sg_bytes signature, unsigned *items)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    int r = sg_buf_printf(&b, "{\"%s\":", name);
    if (r == 0)
        r = sg_buf_append(&b, text);
    if (r == 0)
        r = sg_buf_append(&b, SG_BYTES_LIT(",\"signature\":\""));
    if (r == 0)
        r = sg_buf_append(&b, signature);
    if (r == 0)
        r = sg_buf_append(&b, SG_BYTES_LIT("\"}"));
    return r ? r : add(s, sg_buf_bytes(&b), items);
}

static int add_documents(struct sg_tee_store *s, const json_t *all, unsigned *items)
{
    const struct sg_bytes info = text_of(all, "tcb_info"), id = text_of(all, "qe_identity");
    int r = 0;
    if (info.len)
        r = add_document(s, "tcbInfo", info, text_of(all, "tcb_info_signature"), items);
    if (r == 0 && id.len)
        r = add_document(s, "enclaveIdentity", id, text_of(all, "qe_identity_signature"), items);
    return r;
}

static void free_json(json_t **j)
{
    json_decref(*j);
}

int sg_tee_store_add_collateral(struct sg_tee_store *s, struct sg_bytes text, unsigned *items)
{
    SG_CLEANUP(free_json)
    json_t *all = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!text_of(all, "tcb_info").len && !text_of(all, "qe_identity").len)
        return 0;
    int r = add_others(s, all, items);
    return r ? r : add_documents(s, all, items);
}
