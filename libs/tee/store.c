#include "store-int.h"

#include "der-int.h"

#include <stdint.h>

int sg_tee_store_new(struct sg_tee_store **ret, bool builtin_roots)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    int r = builtin_roots ? sg_tee_store_pin_builtin(s) : 0;
    if (r == 0)
        *ret = TAKE_PTR(s);
    return r;
}

void sg_tee_store_free(struct sg_tee_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_anchors; i++)
        sg_tee_key_free(s->anchor[i].key);
    for (size_t i = 0; i < s->n_certs; i++)
        sg_tee_cert_free(s->cert[i]);
    for (size_t i = 0; i < s->n_crls; i++)
        sg_tee_crl_free(s->crl[i]);
    for (size_t i = 0; i < s->n_docs; i++)
        sg_tee_intel_doc_free(s->doc[i].doc);
    for (size_t i = 0; i < s->n_keys; i++)
        sg_tee_key_free(s->key[i]);
    free(s->link);
    free(s->thing);
    free(s->signer);
    free(s);
}

int sg_tee_store_take_cert(struct sg_tee_store *s, struct sg_tee_cert *c)
{
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *own = c;
    for (size_t i = 0; i < s->n_certs; i++) {
        if (memcmp(s->cert[i]->id, c->id, sizeof c->id) == 0)
            return 0;
    }
    if (s->n_certs == SG_TEE_CERTS_MAX)
        return sg_raisef(-ENOBUFS, "more than %d certificates", SG_TEE_CERTS_MAX);
    s->cert[s->n_certs++] = TAKE_PTR(own);
    return 0;
}

int sg_tee_store_take_crl(struct sg_tee_store *s, struct sg_tee_crl *c)
{
    SG_CLEANUP(sg_tee_crl_freep) struct sg_tee_crl *own = c;
    for (size_t i = 0; i < s->n_crls; i++) {
        if (memcmp(s->crl[i]->id, c->id, sizeof c->id) == 0)
            return 0;
    }
    if (s->n_crls == SG_TEE_CRLS_MAX)
        return sg_raisef(-ENOBUFS, "more than %d revocation lists", SG_TEE_CRLS_MAX);
    s->crl[s->n_crls++] = TAKE_PTR(own);
    return 0;
}

int sg_tee_store_take_key(struct sg_tee_store *s, struct sg_tee_key *k)
{
    SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *own = k;
    for (size_t i = 0; i < s->n_keys; i++) {
        if (memcmp(sg_tee_key_id(s->key[i]), sg_tee_key_id(k), 32) == 0)
            return 0;
    }
    if (s->n_keys == SG_TEE_KEYS_MAX)
        return sg_raisef(-ENOBUFS, "more than %d public keys", SG_TEE_KEYS_MAX);
    s->key[s->n_keys++] = TAKE_PTR(own);
    return 0;
}

int sg_tee_store_take_doc(struct sg_tee_store *s, struct sg_tee_intel_doc *d)
{
    SG_CLEANUP(sg_tee_intel_doc_freep) struct sg_tee_intel_doc *own = d;
    for (size_t i = 0; i < s->n_docs; i++) {
        if (memcmp(s->doc[i].doc->id_hash, d->id_hash, sizeof d->id_hash) == 0)
            return 0;
    }
    if (s->n_docs == SG_TEE_DOCS_MAX)
        return sg_raisef(-ENOBUFS, "more than %d TCB infos and identities", SG_TEE_DOCS_MAX);
    s->doc[s->n_docs++] = (struct sg_tee_doc_entry){.doc = TAKE_PTR(own)};
    return 0;
}

const struct sg_tee_anchor *sg_tee_store_anchor(const struct sg_tee_store *s, unsigned vendor,
                                                const uint8_t key_id[32])
{
    for (size_t i = 0; i < s->n_anchors; i++) {
        const struct sg_tee_anchor *a = &s->anchor[i];
        if ((a->vendors & vendor) && memcmp(sg_tee_key_id(a->key), key_id, 32) == 0)
            return a;
    }
    return NULL;
}

static int by_link(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct sg_tee_link));
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static bool is_there(const uint8_t (*list)[32], size_t n, const uint8_t id[32])
{
    return n && bsearch(id, list, n, 32, by_id) != NULL;
}

enum sg_tee_known sg_tee_store_knows(const struct sg_tee_store *s, const uint8_t signed_id[32],
                                     const uint8_t key_id[32])
{
    struct sg_tee_link l;
    memcpy(l.signed_id, signed_id, 32);
    memcpy(l.key_id, key_id, 32);
    if (s->n_links && bsearch(&l, s->link, s->n_links, sizeof l, by_link))
        return SG_TEE_KNOWN_GOOD;
    return is_there(s->thing, s->n_things, signed_id) && is_there(s->signer, s->n_signers, key_id)
               ? SG_TEE_KNOWN_BAD
               : SG_TEE_UNKNOWN;
}

void sg_tee_store_count(const struct sg_tee_store *s, struct sg_tee_store_counts *ret)
{
    *ret = (struct sg_tee_store_counts){.roots = s->n_anchors,
                                        .certificates = s->n_certs,
                                        .crls = s->n_crls,
                                        .keys = s->n_keys,
                                        .broken = s->n_broken};
    for (size_t i = 0; i < s->n_docs; i++)
        ++*(s->doc[i].doc->identity ? &ret->identities : &ret->tcb_infos);
}

static void earliest(int64_t from_s, int64_t until_s, int64_t at_s, int64_t *ret)
{
    if (from_s <= at_s && at_s <= until_s && until_s < *ret)
        *ret = until_s;
}

int64_t sg_tee_store_next_expiry(const struct sg_tee_store *s, int64_t at_s)
{
    int64_t end = INT64_MAX;
    for (size_t i = 0; i < s->n_docs; i++)
        earliest(s->doc[i].doc->issue_s, s->doc[i].doc->next_s, at_s, &end);
    for (size_t i = 0; i < s->n_crls; i++) {
        if (s->crl[i]->has_next_update)
            earliest(s->crl[i]->this_update_s, s->crl[i]->next_update_s, at_s, &end);
    }
    return end;
}
