/* copy - one document at hand: judged by signatures before it is taken or kept. */
#include "gather-int.h"

#include "issuer-chain-int.h"

void sg_copy_init(struct sg_copy *c)
{
    *c = (struct sg_copy){.body = SG_BUF_INIT(SG_GATHER_BODY_MAX),
                          .chain = SG_BUF_INIT(SG_ISSUER_CHAIN_MAX)};
}

void sg_copy_clear(struct sg_copy *c)
{
    sg_buf_clear(&c->body);
    sg_buf_clear(&c->chain);
}

static int fill(struct sg_tee_store *s, const struct sg_copy *c, struct sg_bytes issuers)
{
    const struct sg_bytes parts[] = {sg_buf_bytes(&c->body), sg_buf_bytes(&c->chain), issuers};
    unsigned items;
    int r = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && r == 0; i++)
        r = parts[i].len ? sg_tee_store_add(s, parts[i], &items) : 0;
    return r ? r : sg_tee_store_seal(s);
}

/* The newest that is needed and that somebody vouches for. */
static void choose(struct sg_copy *c, const struct sg_tee_need *n, const struct sg_tee_store *s,
                   int64_t at_s)
{
    const size_t all = sg_tee_store_n_documents(s);
    for (size_t i = 0; all <= SG_GATHER_DOCUMENTS_MAX && i < all; i++) {
        struct sg_tee_document d;
        if (!sg_tee_need_is(n, s, i))
            continue;
        sg_tee_store_document(s, i, at_s, &d);
        if (d.vouched && (!c->good || sg_tee_document_older(&c->document, &d))) {
            c->document = d;
            c->good = true;
        }
    }
}

int sg_copy_judge(struct sg_copy *c, const struct sg_tee_need *n,
                  const struct sg_collateral_user *u, struct sg_bytes issuers, int64_t at_s)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    int r = u->new_store(u->user, &s);
    c->good = false;
    if (r == 0)
        r = fill(s, c, issuers);
    if (r == 0)
        choose(c, n, s, at_s);
    return r;
}

bool sg_copy_fresh(const struct sg_copy *c, unsigned refresh_percent, int64_t at_s, int64_t now_s)
{
    const struct sg_tee_document *d = &c->document;
    if (!c->good || at_s < d->from_s || at_s > d->until_s)
        return false;
    /* A time of asking that is still to come says nothing. */
    if (c->asked_s <= now_s && now_s - c->asked_s < SG_GATHER_ASK_AGAIN_S)
        return true;
    if (d->until_s == INT64_MAX)
        return false;
    if (d->kind == SG_TEE_DOCUMENT_CERTIFICATE)
        return d->until_s - at_s > SG_GATHER_CERT_RENEW_S;
    return at_s - d->from_s < (d->until_s - d->from_s) / 100 * refresh_percent;
}
