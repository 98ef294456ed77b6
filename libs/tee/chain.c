#include "chain-int.h"

#include "cache-int.h"
#include "chain-faults-int.h"
#include "der-int.h"
#include "store-int.h"

/* What says nothing about signatures, bindings, chains and dates of certificates. */
#define REVOCATION_FAULTS                                                                          \
    (BIT(CRL_MISSING) | BIT(CRL_EXPIRED) | BIT(CRL_NOT_YET_VALID) | BIT(CRL_SIGNATURE) |           \
     BIT(CRL_UNUSABLE) | BIT(CRL_SUPERSEDED))

#define NO_CHAIN                                                                                   \
    {                                                                                              \
        .oldest_s = INT64_MAX, .from_s = INT64_MIN, .until_s = INT64_MAX                           \
    }

void sg_tee_own_certs_clear(struct sg_tee_own_certs *c)
{
    for (size_t i = 0; i < c->n; i++)
        sg_tee_cert_free(c->at[i]);
    c->n = 0;
}

#define WALK_LINKS 16

/* Both ids live in certificates, lists and keys that outlive the walk. */
struct walk_link {
    const uint8_t *signed_id, *key_id;
    bool good;
};

struct walk {
    const struct sg_tee_chain_request *q;
    unsigned tries, list_tries;
    size_t n_links;
    struct walk_link link[WALK_LINKS];
    size_t n;
    const struct sg_tee_cert *at[SG_TEE_CHAIN_MAX];
    /* The furthest place where an issuer's name was there and no signature fitted; SIZE_MAX: none.
     */
    size_t broken_at;
    bool found;
    unsigned least;
    struct sg_tee_chain best;
};

/* Who checked it before: the store when it was sealed, the cache, this walk. */
static enum sg_tee_known known(const struct walk *w, const uint8_t signed_id[32],
                               const uint8_t key_id[32])
{
    for (size_t i = 0; i < w->n_links; i++) {
        if (w->link[i].signed_id == signed_id && memcmp(w->link[i].key_id, key_id, 32) == 0)
            return w->link[i].good ? SG_TEE_KNOWN_GOOD : SG_TEE_KNOWN_BAD;
    }
    const enum sg_tee_known k = sg_tee_store_knows(w->q->of->store, signed_id, key_id);
    return k != SG_TEE_UNKNOWN ? k : sg_tee_cache_knows(w->q->of->cache, signed_id, key_id);
}

static bool learn(struct walk *w, const uint8_t signed_id[32], const uint8_t key_id[32], bool good)
{
    if (w->n_links < WALK_LINKS)
        w->link[w->n_links++] = (struct walk_link){signed_id, key_id, good};
    sg_tee_cache_learn(w->q->of->cache, signed_id, key_id, good);
    return good;
}

static bool may_try(unsigned *tries)
{
    return *tries && (*tries)--;
}

static bool signed_by(struct walk *w, const struct sg_tee_cert *c, const struct sg_tee_key *key)
{
    const uint8_t *id = sg_tee_key_id(key);
    const enum sg_tee_known k = known(w, c->id, id);
    if (k != SG_TEE_UNKNOWN || !may_try(&w->tries))
        return k == SG_TEE_KNOWN_GOOD;
    return learn(w, c->id, id, sg_tee_cert_signed_by(c, key));
}

static bool crl_signed_by(struct walk *w, const struct sg_tee_crl *c, const struct sg_tee_key *key)
{
    const uint8_t *id = sg_tee_key_id(key);
    const enum sg_tee_known k = known(w, c->id, id);
    if (k != SG_TEE_UNKNOWN || !may_try(&w->list_tries))
        return k == SG_TEE_KNOWN_GOOD;
    return learn(w, c->id, id, sg_tee_crl_signed_by(c, key));
}

/* The newest list in force at the instant or before it; an old list that is still the newest is
 * judged (it revokes) and found expired. */
static const struct sg_tee_crl *newest_crl(struct walk *w, const struct sg_tee_cert *c,
                                           const struct sg_tee_key *issuer, uint32_t *ret_faults)
{
    const struct sg_tee_store *s = w->q->of->store;
    const struct sg_tee_crl *best = NULL;
    uint32_t faults = BIT(CRL_MISSING);
    for (size_t i = 0; i < s->n_crls; i++) {
        const struct sg_tee_crl *l = s->crl[i];
        if (!sg_der_names_equal(l->issuer, c->issuer))
            continue;
        if (!crl_signed_by(w, l, issuer))
            faults |= BIT(CRL_SIGNATURE);
        else if (l->unusable || !l->has_next_update)
            faults |= BIT(CRL_UNUSABLE);
        else if (l->this_update_s > w->q->of->at_s)
            faults |= BIT(CRL_NOT_YET_VALID);
        else if (s->crl_superseded[i])
            faults |= BIT(CRL_SUPERSEDED);
        else if (!best || l->this_update_s > best->this_update_s)
            best = l;
    }
    if (best)
        faults = best->next_update_s < w->q->of->at_s ? BIT(CRL_EXPIRED) : 0;
    else if (faults != BIT(CRL_MISSING))
        faults &= ~BIT(CRL_MISSING);
    *ret_faults = faults;
    return best;
}

/* issuer_may: the issuer's key usage lets it sign lists. */
static uint32_t judge_revocation(struct walk *w, const struct sg_tee_cert *c,
                                 const struct sg_tee_key *issuer, bool issuer_may,
                                 struct sg_tee_chain *chain)
{
    uint32_t faults = 0;
    const struct sg_tee_crl *l = newest_crl(w, c, issuer, &faults);
    if (l) {
        faults |= sg_tee_crl_lists(l, c->serial) ? BIT(REVOKED) : 0u;
        faults |= issuer_may ? 0u : BIT(CRL_UNUSABLE);
        if (l->this_update_s < chain->oldest_s)
            chain->oldest_s = l->this_update_s;
        if (l->this_update_s > chain->from_s)
            chain->from_s = l->this_update_s;
        if (l->next_update_s < chain->until_s)
            chain->until_s = l->next_update_s;
    }
    return w->q->of->crypto_only ? faults & ~REVOCATION_FAULTS : faults;
}

static unsigned count_bits(uint32_t v)
{
    return (unsigned)__builtin_popcount(v);
}

/* The path is complete: at[n - 1] is under the anchor, or (top_is_root) is the anchor's own. */
static void judge_path(struct walk *w, const struct sg_tee_anchor *a, bool top_is_root)
{
    const size_t judged = top_is_root ? w->n - 1 : w->n;
    struct sg_tee_chain c = NO_CHAIN;
    c.n = w->n;
    memcpy(c.at, w->at, sizeof c.at);
    for (size_t i = 0; i < judged; i++) {
        const struct sg_tee_key *issuer = i + 1 < w->n ? w->at[i + 1]->key : a->key;
        const bool issuer_may = i + 1 < w->n ? w->at[i + 1]->may_sign_crls : true;
        uint32_t *faults = i ? &c.ca_faults : &c.leaf_faults;
        *faults |= i ? sg_tee_ca_faults(w->q, w->at[i], i - 1) : sg_tee_leaf_faults(w->q, w->at[i]);
        if (i || !w->q->no_leaf_crl)
            *faults |= judge_revocation(w, w->at[i], issuer, issuer_may, &c);
    }
    c.ca_faults |= sg_tee_anchor_faults(w->q, a, judged - 1);
    if (judged - 1 > w->q->max_cas || judged - 1 < w->q->min_cas)
        c.ca_faults |= BIT(PATH_LENGTH);
    const unsigned faults = count_bits(c.leaf_faults) + count_bits(c.ca_faults);
    if (!w->found || faults < w->least) {
        w->found = true;
        w->least = faults;
        w->best = c;
    }
}

static bool in_path(const struct walk *w, const struct sg_tee_cert *c)
{
    for (size_t i = 0; i < w->n; i++) {
        if (memcmp(w->at[i]->id, c->id, sizeof c->id) == 0)
            return true;
    }
    return false;
}

static void extend(struct walk *w);

/* No other path can be better. */
static bool is_settled(const struct walk *w)
{
    return w->found && w->least == 0;
}

/* true: c issued the path's top. */
static bool try_issuer(struct walk *w, const struct sg_tee_cert *c, bool *ret_named)
{
    const struct sg_tee_cert *top = w->at[w->n - 1];
    if (in_path(w, c) || !sg_der_names_equal(c->subject, top->issuer))
        return false;
    *ret_named = true;
    if (!signed_by(w, top, c->key))
        return false;
    if (w->n < SG_TEE_CHAIN_MAX) {
        w->at[w->n++] = c;
        extend(w);
        w->n--;
    }
    return true;
}

static bool anchors_sign(struct walk *w)
{
    const struct sg_tee_store *s = w->q->of->store;
    const struct sg_tee_cert *top = w->at[w->n - 1];
    bool any = false;
    for (size_t i = 0; i < s->n_anchors; i++) {
        const struct sg_tee_anchor *a = &s->anchor[i];
        if (!(a->vendors & w->q->vendor) ||
            (a->common_name[0] && strcmp(a->common_name, top->issuer_common_name) != 0))
            continue;
        if (signed_by(w, top, a->key)) {
            judge_path(w, a, false);
            any = true;
        }
    }
    return any;
}

/* A root of its own, pinned by nobody: there its chain ends, whoever else has its name. */
static bool signed_itself(struct walk *w, const struct sg_tee_cert *c)
{
    return sg_der_names_equal(c->subject, c->issuer) && signed_by(w, c, c->key);
}

static void extend(struct walk *w)
{
    const struct sg_tee_store *s = w->q->of->store;
    const struct sg_tee_own_certs *own = w->q->own;
    const struct sg_tee_cert *top = w->at[w->n - 1];
    bool named = false, signed_ = false;
    const struct sg_tee_anchor *a = sg_tee_store_anchor(s, w->q->vendor, sg_tee_key_id(top->key));
    if (a) {
        if (w->n > 1) /* a root itself vouches for no device */
            judge_path(w, a, true);
        return;
    }
    if (anchors_sign(w))
        return;
    for (size_t i = 0; own && i < own->n && !is_settled(w); i++)
        signed_ |= try_issuer(w, own->at[i], &named);
    for (size_t i = 0; i < s->n_certs && !is_settled(w); i++)
        signed_ |= try_issuer(w, s->cert[i], &named);
    if (named && !signed_ && !signed_itself(w, top))
        w->broken_at = w->n - 1;
}

/* Somebody who has this name signed c; a root may have signed itself. */
static bool is_vouched_for(struct walk *w, const struct sg_tee_cert *c, bool *ret_named)
{
    const struct sg_tee_store *s = w->q->of->store;
    const struct sg_tee_own_certs *own = w->q->own;
    for (size_t i = 0; i < s->n_anchors; i++) {
        if (strcmp(s->anchor[i].common_name, c->issuer_common_name) == 0) {
            *ret_named = true;
            if ((s->anchor[i].vendors & w->q->vendor) && signed_by(w, c, s->anchor[i].key))
                return true;
        }
    }
    for (size_t i = 0; i < own->n + s->n_certs; i++) {
        const struct sg_tee_cert *issuer = i < own->n ? own->at[i] : s->cert[i - own->n];
        if (sg_der_names_equal(issuer->subject, c->issuer)) {
            *ret_named = true;
            if (signed_by(w, c, issuer->key))
                return true;
        }
    }
    return false;
}

/* Certificates that the evidence brings and its path does not need must be genuine all the same:
 * one that was tampered with is a reason, even where the store has its original. */
static uint32_t judge_spare_certs(struct walk *w, const struct sg_tee_cert *leaf)
{
    const struct sg_tee_own_certs *own = w->q->own;
    uint32_t faults = 0;
    for (size_t i = 0; own && i < own->n; i++) {
        const struct sg_tee_cert *c = own->at[i];
        bool used = c == leaf, named = false;
        for (size_t k = 0; k < w->best.n; k++)
            used |= c == w->best.at[k];
        if (used || sg_tee_store_anchor(w->q->of->store, w->q->vendor, sg_tee_key_id(c->key)))
            continue;
        if (!is_vouched_for(w, c, &named))
            faults |= named ? BIT(SIGNATURE) : BIT(UNTRUSTED);
    }
    return faults;
}

static void explain_no_path(const struct walk *w, const struct sg_tee_cert *leaf,
                            struct sg_tee_chain *ret)
{
    *ret = (struct sg_tee_chain)NO_CHAIN;
    ret->leaf_faults = sg_tee_leaf_faults(w->q, leaf);
    if (w->broken_at == SIZE_MAX)
        ret->leaf_faults |= BIT(UNTRUSTED);
    else if (w->broken_at == 0)
        ret->leaf_faults |= BIT(SIGNATURE);
    else
        ret->ca_faults |= BIT(SIGNATURE);
}

void sg_tee_chain_judge(const struct sg_tee_chain_request *q, const struct sg_tee_cert *leaf,
                        struct sg_tee_chain *ret)
{
    struct walk w = {.q = q,
                     .tries = SG_TEE_CHAIN_TRIES,
                     .list_tries = SG_TEE_LIST_TRIES,
                     .n = 1,
                     .at = {leaf},
                     .broken_at = SIZE_MAX};
    extend(&w);
    if (w.found)
        *ret = w.best;
    else
        explain_no_path(&w, leaf, ret);
    w.tries = SG_TEE_CHAIN_TRIES; /* others of the issuers' names may have used them up */
    ret->ca_faults |= judge_spare_certs(&w, leaf);
}

static void report(enum sg_tee_cert_role role, uint32_t faults, struct sg_tee_verdict *v)
{
    for (unsigned f = 0; f < SG_TEE_N_CERT_FAULTS; f++) {
        if (!(faults & 1u << f))
            continue;
        const enum sg_tee_reason r = sg_tee_cert_reason(role, (enum sg_tee_cert_fault)f);
        if (f == SG_TEE_FAULT_CRL_MISSING)
            sg_tee_absent(v, r);
        else
            sg_tee_refuse(v, r);
    }
}

void sg_tee_chain_report(const struct sg_tee_chain_request *q, const struct sg_tee_chain *chain,
                         struct sg_tee_verdict *v)
{
    report(q->role, chain->leaf_faults, v);
    report((enum sg_tee_cert_role)(q->role + 1), chain->ca_faults, v);
    if (q->of->crypto_only || chain->from_s == INT64_MIN)
        return;
    sg_tee_used(v, chain->oldest_s, chain->until_s);
    sg_tee_used(v, chain->from_s, chain->until_s);
}
