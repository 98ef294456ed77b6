/* credits - see credits.h. */
#include "credits.h"

void credits_clear(struct credits *c)
{
    free(c->list);
    *c = (struct credits){NULL, 0};
}

static const struct sg_contract_credit *find(const struct credits *c, int month, const char *post)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->list[i].month == month && !strcmp(c->list[i].post, post))
            return &c->list[i];
    return NULL;
}

/* What is left of an old credit and what was sent out anew may be of one month. */
static int add(struct credits *c, int month, const char *post, int64_t wh)
{
    const struct sg_contract_credit *there = find(c, month, post);
    struct sg_contract_credit *list;

    if (there) {
        c->list[there - c->list].wh += wh; /* of a bill that was read: far from any limit */
        return 0;
    }
    list = reallocarray(c->list, c->n + 1, sizeof(*list));
    if (!list)
        return sg_raise(-ENOMEM);
    c->list = list;
    list[c->n] = (struct sg_contract_credit){.month = month, .wh = wh};
    memcpy(list[c->n++].post, post, strlen(post) + 1);
    return 0;
}

int credits_in(const struct sg_bill *bill, struct credits *ret)
{
    const struct sg_contract *c = &bill->contract;
    int r = 0;

    for (size_t i = 0; bill->has_contract && i < c->n_credits && !r; i++)
        r = add(ret, c->credits[i].month, c->credits[i].post, c->credits[i].wh);
    return r;
}

int credits_out(const struct sg_bill *bill, struct credits *ret)
{
    int r = 0;

    for (size_t i = 0; i < bill->n_credits && !r; i++)
        r = add(ret, bill->credits[i].month, bill->posts[bill->credits[i].post],
                bill->credits[i].wh);
    return r;
}

bool credits_same(const struct credits *a, const struct credits *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++) {
        const struct sg_contract_credit *other = find(b, a->list[i].month, a->list[i].post);
        if (!other || other->wh != a->list[i].wh)
            return false;
    }
    return a->n == b->n;
}
