#include "page-digest.h"

#include <math.h>

struct digesting {
    struct page_digest *digest;
    size_t shown;
};

static const struct sg_full_reason *excuse_of(const struct line *l)
{
    for (size_t i = 0; i < SG_FULL_REASONS; i++)
        if (l->reason[i].kind == SG_FULL_REASON_VACANT ||
            l->reason[i].kind == SG_FULL_REASON_SOLAR || l->reason[i].kind == SG_FULL_REASON_TARIFF)
            return &l->reason[i];
    return NULL;
}

static void note_known(struct page_digest *to, const struct line *l, size_t rank)
{
    size_t at = to->n_known < DIGEST_KNOWN_MAX ? to->n_known : DIGEST_KNOWN_MAX;
    to->n_known++;
    while (at > 0 && to->known[at - 1].line.missing_day < l->missing_day) {
        if (at < DIGEST_KNOWN_MAX)
            to->known[at] = to->known[at - 1];
        at--;
    }
    if (at < DIGEST_KNOWN_MAX)
        to->known[at] = (struct digest_line){*l, rank};
}

/* A change large enough to be asked about: without the excuse an inspector would wonder. */
static void note_excuse(struct page_digest *to, const struct line *l, size_t rank)
{
    const struct sg_full_reason *excuse = excuse_of(l);
    if (!excuse)
        return;
    const float change = isnan(l->level) ? 0 : fabsf(l->level - 1);
    if (excuse->b > 0.5f && (change > 0.1f || excuse->kind == SG_FULL_REASON_TARIFF))
        note_known(to, l, rank);
    if (excuse->b > 0.5f || change <= 0.2f)
        return;
    if (to->n_excused < DIGEST_EXCUSED_MAX)
        to->excused[to->n_excused] = (struct digest_line){*l, rank};
    to->n_excused++;
}

static void note_name(struct digest_names *names, const struct line *l)
{
    if (names->n < DIGEST_NAMES_MAX) {
        struct digest_name *to = &names->first[names->n];
        memcpy(to->id, l->id, sizeof(to->id));
        to->conflicts = l->conflicts;
    }
    names->n++;
}

static int note(void *ctx, const struct line *l, size_t rank)
{
    const struct digesting *d = ctx;
    struct page_digest *to = d->digest;
    if (l->unjudged == JUDGED)
        to->rarer += l->per_1000 <= 1;
    else
        note_name(&to->unjudged[l->unjudged], l);
    if (l->unjudged == JUDGED && rank > d->shown)
        note_excuse(to, l, rank);
    if (l->conflicts)
        note_name(&to->in_conflict, l);
    return 0;
}

int page_digest_make(struct page_digest *ret, const struct ranking *r, size_t shown)
{
    struct digesting d = {.digest = ret, .shown = shown};
    *ret = (struct page_digest){.rarer = 0};
    return ranking_each(r, note, &d);
}
