#include <sealgrid/tee/documents.h>

#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#include "der-int.h"
#include "store-int.h"
#include "tcb-int.h"

#define LINKS_MAX 4 /* certificates between a document and its root */

/* ---- who vouches ---- */

static bool in_force(const struct sg_tee_cert *c, int64_t at_s)
{
    return c->not_before_s <= at_s && at_s <= c->not_after_s && !c->unknown_critical;
}

static const struct sg_tee_anchor *any_anchor(const struct sg_tee_store *s,
                                              const struct sg_tee_key *key)
{
    return sg_tee_store_anchor(s, SG_TEE_VENDORS_ALL, sg_tee_key_id(key));
}

static bool signed_by_anchor(const struct sg_tee_store *s, const uint8_t id[32],
                             const struct sg_tee_key **ret)
{
    for (size_t i = 0; i < s->n_anchors; i++) {
        *ret = s->anchor[i].key;
        if (sg_tee_store_knows(s, id, sg_tee_key_id(*ret)) == SG_TEE_KNOWN_GOOD)
            return true;
    }
    return false;
}

static bool cert_vouched(const struct sg_tee_store *s, const struct sg_tee_cert *c, int64_t at_s,
                         unsigned links)
{
    const struct sg_tee_key *key;
    if (!in_force(c, at_s))
        return false;
    if (any_anchor(s, c->key) || signed_by_anchor(s, c->id, &key))
        return true;
    for (size_t i = 0; i < s->n_certs && links; i++) {
        const struct sg_tee_cert *issuer = s->cert[i];
        if (issuer != c && issuer->ca && issuer->may_sign_certs &&
            sg_tee_store_knows(s, c->id, sg_tee_key_id(issuer->key)) == SG_TEE_KNOWN_GOOD &&
            cert_vouched(s, issuer, at_s, links - 1))
            return true;
    }
    return false;
}

/* The key that signed the list, if anybody may believe it. */
static const struct sg_tee_key *crl_issuer(const struct sg_tee_store *s, const struct sg_tee_crl *l,
                                           int64_t at_s)
{
    const struct sg_tee_key *key;
    if (signed_by_anchor(s, l->id, &key))
        return key;
    for (size_t i = 0; i < s->n_certs; i++) {
        const struct sg_tee_cert *c = s->cert[i];
        if (c->ca && c->may_sign_crls &&
            sg_tee_store_knows(s, l->id, sg_tee_key_id(c->key)) == SG_TEE_KNOWN_GOOD &&
            cert_vouched(s, c, at_s, LINKS_MAX))
            return c->key;
    }
    return NULL;
}

/* ---- what it is ---- */

static void subject_of(struct sg_tee_document *d, const char *what, struct sg_bytes whose)
{
    sg_sha256_parts(d->subject, (struct sg_bytes[]){SG_BYTES(what, strlen(what) + 1), whose}, 2);
}

static void put_number(struct sg_tee_document *d, struct sg_bytes magnitude)
{
    d->numbered = magnitude.len <= sizeof d->number;
    if (d->numbered && magnitude.len)
        memcpy(d->number + sizeof d->number - magnitude.len, magnitude.data, magnitude.len);
}

static void describe_tcb_info(const struct sg_tee_intel_doc *t, struct sg_tee_document *d)
{
    const bool tdx = t->id == SG_TEE_INTEL_ID_TDX;
    uint8_t whose[sizeof t->fmspc + sizeof t->pceid];
    memcpy(whose, t->fmspc, sizeof t->fmspc);
    memcpy(whose + sizeof t->fmspc, t->pceid, sizeof t->pceid);
    subject_of(d, tdx ? "tdx-tcb-info" : "sgx-tcb-info", SG_BYTES_ARRAY(whose));
    snprintf(d->name, sizeof d->name, "%s-tcb-info %02x%02x%02x%02x%02x%02x", tdx ? "tdx" : "sgx",
             t->fmspc[0], t->fmspc[1], t->fmspc[2], t->fmspc[3], t->fmspc[4], t->fmspc[5]);
}

static void describe_identity(const struct sg_tee_intel_doc *t, struct sg_tee_document *d)
{
    const char *name = t->id == SG_TEE_INTEL_ID_QE      ? "QE"
                       : t->id == SG_TEE_INTEL_ID_TD_QE ? "TD_QE"
                       : t->id == SG_TEE_INTEL_ID_QVE   ? "QVE"
                                                        : "?";
    subject_of(d, "qe-identity", sg_bytes_str(name));
    snprintf(d->name, sizeof d->name, "qe-identity %s", name);
}

static void describe_doc(const struct sg_tee_store *s, const struct sg_tee_doc_entry *e,
                         int64_t at_s, struct sg_tee_document *d)
{
    const struct sg_tee_intel_doc *t = e->doc;
    uint8_t number[4];
    d->kind = t->identity ? SG_TEE_DOCUMENT_IDENTITY : SG_TEE_DOCUMENT_TCB_INFO;
    d->from_s = t->issue_s;
    d->until_s = t->next_s;
    sg_store_be32(number, t->evaluation);
    put_number(d, SG_BYTES_ARRAY(number));
    /* Of a version that is not known here nothing but its dates was read. */
    d->vouched = t->fault == SG_TEE_N_DOC_FAULTS && sg_tcb_signer_vouched(s, e, at_s);
    d->superseded = e->superseded;
    if (t->identity)
        describe_identity(t, d);
    else
        describe_tcb_info(t, d);
}

static void describe_crl(const struct sg_tee_store *s, const struct sg_tee_crl *l, int64_t at_s,
                         bool superseded, struct sg_tee_document *d)
{
    const struct sg_tee_key *issuer = crl_issuer(s, l, at_s);
    char name[SG_TEE_CN_MAX] = "";
    d->kind = SG_TEE_DOCUMENT_CRL;
    d->from_s = l->this_update_s;
    d->until_s = l->has_next_update ? l->next_update_s : INT64_MAX;
    if (l->has_number)
        put_number(d, l->number);
    d->vouched = issuer != NULL;
    d->superseded = superseded;
    /* By what the list says of its issuer under its signature: whether that issuer is at hand must
     * make no difference. */
    sg_sha256_parts(d->subject, (struct sg_bytes[]){SG_BYTES_LIT("crl\0"), l->issuer, l->authority},
                    3);
    if (!sg_der_common_name(l->issuer, name, sizeof name) || !name[0])
        snprintf(name, sizeof name, "?");
    snprintf(d->name, sizeof d->name, "crl %s", name);
}

static void describe_cert(const struct sg_tee_store *s, const struct sg_tee_cert *c, int64_t at_s,
                          struct sg_tee_document *d)
{
    d->kind = SG_TEE_DOCUMENT_CERTIFICATE;
    d->from_s = c->not_before_s;
    d->until_s = c->not_after_s;
    d->vouched = cert_vouched(s, c, at_s, LINKS_MAX);
    subject_of(d, "certificate", SG_BYTES_ARRAY(c->id));
    snprintf(d->name, sizeof d->name, "certificate %s", c->common_name[0] ? c->common_name : "?");
}

/* Names come from documents that anybody may have written, and go to terminals and logs. */
static void keep_printable(char *name)
{
    for (; *name; name++)
        if (*name < ' ' || *name > '~')
            *name = '?';
}

/* ---- the list ---- */

size_t sg_tee_store_n_documents(const struct sg_tee_store *s)
{
    return s->n_docs + s->n_crls + s->n_certs;
}

void sg_tee_store_document(const struct sg_tee_store *s, size_t i, int64_t at_s,
                           struct sg_tee_document *ret)
{
    sg_assert(s->sealed && i < sg_tee_store_n_documents(s));
    *ret = (struct sg_tee_document){0};
    if (i < s->n_docs)
        describe_doc(s, &s->doc[i], at_s, ret);
    else if (i - s->n_docs < s->n_crls)
        describe_crl(s, s->crl[i - s->n_docs], at_s, s->crl_superseded[i - s->n_docs], ret);
    else
        describe_cert(s, s->cert[i - s->n_docs - s->n_crls], at_s, ret);
    keep_printable(ret->name);
}

void sg_tee_store_supersede(struct sg_tee_store *s, size_t i)
{
    sg_assert(s->sealed && i < s->n_docs + s->n_crls);
    if (i < s->n_docs)
        s->doc[i].superseded = true;
    else
        s->crl_superseded[i - s->n_docs] = true;
}

bool sg_tee_document_older(const struct sg_tee_document *a, const struct sg_tee_document *b)
{
    const bool evaluated =
        a->kind == SG_TEE_DOCUMENT_TCB_INFO || a->kind == SG_TEE_DOCUMENT_IDENTITY;
    return evaluated ? memcmp(a->number, b->number, sizeof a->number) < 0 : a->from_s < b->from_s;
}

uint64_t sg_tee_document_number(const struct sg_tee_document *d)
{
    return sg_load_be64(d->number + sizeof d->number - 8);
}
