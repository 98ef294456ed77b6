/*
 * store-seal - who signed what among certificates, lists and documents, found once.
 *
 * Anybody may have put anything into a folder of collateral, under any name, with any key
 * identifier and anybody's public key.  So what roots vouch for is found first, from the roots
 * down: a certificate is tried with roots and with CAs under roots, and strangers can make neither.
 * It then stands first in the store.  What strangers issued to each other is looked for as well,
 * within bounds: it only says more exactly why something is refused.
 */
#include "store-int.h"

#include "der-int.h"

#include <stdlib.h>
#include <string.h>

/* One thing that somebody signed: a certificate or a CRL. */
struct signed_thing {
    struct sg_bytes issuer;
    const uint8_t *id;
    enum sg_tee_alg alg;
    struct sg_bytes tbs, signature;
};

static struct signed_thing thing_of_cert(const struct sg_tee_cert *c)
{
    return (struct signed_thing){c->issuer, c->id, c->alg, c->tbs, c->signature};
}

static struct signed_thing thing_of_crl(const struct sg_tee_crl *c)
{
    return (struct signed_thing){c->issuer, c->id, c->alg, c->tbs, c->signature};
}

struct sealing {
    struct sg_tee_store *s;
    uint8_t tried[SG_TEE_CERTS_MAX]; /* CAs under a root that the certificate was tried with */
    bool vouched[SG_TEE_CERTS_MAX];
    struct sg_tee_cert *order[SG_TEE_CERTS_MAX];
    size_t n_vouched;               /* they stand first */
    bool vouched_cut, stranger_cut; /* not all were tried */
};

static int add_link(struct sg_tee_store *s, const uint8_t signed_id[32], const uint8_t key_id[32])
{
    if (s->n_links == s->max_links) {
        const size_t max = s->max_links ? 2 * s->max_links : 64;
        struct sg_tee_link *more = reallocarray(s->link, max, sizeof *more);
        if (!more)
            return sg_raise(-ENOMEM);
        s->link = more;
        s->max_links = max;
    }
    struct sg_tee_link *l = &s->link[s->n_links++];
    memcpy(l->signed_id, signed_id, 32);
    memcpy(l->key_id, key_id, 32);
    return 0;
}

static int try_key(struct sg_tee_store *s, const struct signed_thing *t,
                   const struct sg_tee_key *key, bool *good)
{
    s->n_checks++;
    if (!sg_tee_key_verifies(key, t->alg, t->tbs, t->signature))
        return 0;
    *good = true;
    return add_link(s, t->id, sg_tee_key_id(key));
}

/* ---- from the roots down ---- */

static int try_anchors(struct sg_tee_store *s, const struct signed_thing *t, bool *good)
{
    char name[SG_TEE_CN_MAX] = "";
    int r = 0;
    if (!sg_der_common_name(t->issuer, name, sizeof name))
        return 0;
    for (size_t i = 0; r == 0 && i < s->n_anchors; i++) {
        const struct sg_tee_anchor *a = &s->anchor[i];
        if (!a->common_name[0] || strcmp(a->common_name, name) == 0)
            r = try_key(s, t, a->key, good);
    }
    return r;
}

static void vouch(struct sealing *g, size_t i)
{
    if (!g->vouched[i])
        g->order[g->n_vouched++] = g->s->cert[i];
    g->vouched[i] = true;
}

static int vouch_by(struct sealing *g, const struct sg_tee_cert *issuer)
{
    struct sg_tee_store *s = g->s;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_certs; i++) {
        const struct signed_thing t = thing_of_cert(s->cert[i]);
        bool good = false;
        if (!sg_der_names_equal(issuer->subject, t.issuer))
            continue;
        if (g->tried[i] == SG_TEE_VOUCHED_TRIES) {
            g->vouched_cut = true;
            continue;
        }
        g->tried[i]++;
        r = try_key(s, &t, issuer->key, &good);
        if (good)
            vouch(g, i);
    }
    return r;
}

/* Every certificate under a root, the nearer to it the earlier. */
static int find_vouched(struct sealing *g)
{
    struct sg_tee_store *s = g->s;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_certs; i++) {
        const struct signed_thing t = thing_of_cert(s->cert[i]);
        bool good = false;
        r = try_anchors(s, &t, &good);
        if (good)
            vouch(g, i);
    }
    for (size_t k = 0; r == 0 && k < g->n_vouched; k++)
        r = g->order[k]->ca ? vouch_by(g, g->order[k]) : 0;
    return r;
}

static void put_in_order(struct sealing *g)
{
    struct sg_tee_store *s = g->s;
    size_t n = g->n_vouched;
    for (size_t i = 0; i < s->n_certs; i++)
        if (!g->vouched[i])
            g->order[n++] = s->cert[i];
    memcpy(s->cert, g->order, n * sizeof *s->cert);
}

static int find_vouched_lists(struct sealing *g)
{
    struct sg_tee_store *s = g->s;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_crls; i++) {
        const struct signed_thing t = thing_of_crl(s->crl[i]);
        unsigned tries = SG_TEE_VOUCHED_TRIES;
        bool good = false;
        r = try_anchors(s, &t, &good);
        for (size_t k = 0; r == 0 && k < g->n_vouched; k++) {
            const struct sg_tee_cert *c = s->cert[k];
            if (!c->ca || !sg_der_names_equal(c->subject, t.issuer))
                continue;
            if (!tries--) {
                g->vouched_cut = true;
                break;
            }
            r = try_key(s, &t, c->key, &good);
        }
    }
    return r;
}

/* ---- strangers ---- */

static int try_strangers(struct sealing *g, const struct signed_thing *t)
{
    struct sg_tee_store *s = g->s;
    unsigned tries = SG_TEE_STRANGER_TRIES;
    bool good = false;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_certs; i++) {
        const struct sg_tee_cert *c = s->cert[i];
        if ((i < g->n_vouched && c->ca) || !sg_der_names_equal(c->subject, t->issuer))
            continue;
        if (!tries--) {
            g->stranger_cut = true;
            break;
        }
        r = try_key(s, t, c->key, &good);
    }
    return r;
}

static int find_strangers(struct sealing *g)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->s->n_certs; i++) {
        const struct signed_thing t = thing_of_cert(g->s->cert[i]);
        r = try_strangers(g, &t);
    }
    for (size_t i = 0; r == 0 && i < g->s->n_crls; i++) {
        const struct signed_thing t = thing_of_crl(g->s->crl[i]);
        r = try_strangers(g, &t);
    }
    return r;
}

/* ---- documents ---- */

static void find_signers_named(struct sg_tee_store *s, struct sg_tee_doc_entry *e, bool named,
                               unsigned *tries)
{
    for (size_t i = 0; i < s->n_certs && e->n_signers < SG_TEE_SIGNERS_MAX && *tries; i++) {
        const struct sg_tee_cert *c = s->cert[i];
        if (c->ca || sg_tee_key_type(c->key) != SG_TEE_KEY_P256 ||
            (strcmp(c->common_name, SG_TEE_TCB_SIGNER_NAME) == 0) != named)
            continue;
        --*tries;
        s->n_checks++;
        if (sg_tee_key_verifies(c->key, SG_TEE_ES256, e->doc->body,
                                SG_BYTES_ARRAY(e->doc->signature)))
            e->signer[e->n_signers++] = c;
    }
}

/* Any certificate that is no CA may have signed a document; whether it was the vendor's to do so,
 * its chain will say. */
static void find_signers(struct sg_tee_store *s, struct sg_tee_doc_entry *e)
{
    unsigned tries = SG_TEE_SIGNER_TRIES;
    find_signers_named(s, e, true, &tries);
    find_signers_named(s, e, false, &tries);
}

/* ---- what is remembered ---- */

static int by_link(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct sg_tee_link));
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Whether all that names this certificate as its issuer was tried with its key. */
static bool tried_with_all(const struct sealing *g, size_t i)
{
    return i < g->n_vouched && g->s->cert[i]->ca ? !g->vouched_cut : !g->stranger_cut;
}

static int list_ids(struct sealing *g)
{
    struct sg_tee_store *s = g->s;
    s->thing = calloc(s->n_certs + s->n_crls + 1, 32);
    s->signer = calloc(s->n_certs + s->n_anchors + 1, 32);
    if (!s->thing || !s->signer)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < s->n_certs; i++) {
        memcpy(s->thing[s->n_things++], s->cert[i]->id, 32);
        if (tried_with_all(g, i))
            memcpy(s->signer[s->n_signers++], sg_tee_key_id(s->cert[i]->key), 32);
    }
    for (size_t i = 0; i < s->n_crls; i++)
        memcpy(s->thing[s->n_things++], s->crl[i]->id, 32);
    for (size_t i = 0; i < s->n_anchors; i++)
        memcpy(s->signer[s->n_signers++], sg_tee_key_id(s->anchor[i].key), 32);
    qsort(s->thing, s->n_things, 32, by_id);
    qsort(s->signer, s->n_signers, 32, by_id);
    if (s->n_links)
        qsort(s->link, s->n_links, sizeof *s->link, by_link);
    return 0;
}

int sg_tee_store_seal(struct sg_tee_store *s)
{
    SG_FREE struct sealing *g = calloc(1, sizeof *g);
    sg_assert(!s->sealed);
    if (!g)
        return sg_raise(-ENOMEM);
    g->s = s;
    int r = find_vouched(g);
    if (r == 0) {
        put_in_order(g);
        r = find_vouched_lists(g);
    }
    if (r == 0)
        r = find_strangers(g);
    if (r == 0)
        r = list_ids(g);
    if (r < 0)
        return r;
    for (size_t i = 0; i < s->n_docs; i++)
        find_signers(s, &s->doc[i]);
    s->sealed = true;
    return 0;
}
