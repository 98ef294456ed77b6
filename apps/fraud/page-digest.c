#include "page-digest.h"

#include <math.h>

struct digesting {
    struct page_digest *digest;
    size_t shown;
};

static bool has_excuse(const struct line *l)
{
    for (size_t i = 0; i < SG_FULL_REASONS; i++)
        if (l->reason[i].kind == SG_FULL_REASON_VACANT ||
            l->reason[i].kind == SG_FULL_REASON_SOLAR || l->reason[i].kind == SG_FULL_REASON_TARIFF)
            return true;
    return false;
}

/* A change large enough to be asked about: without the excuse an inspector would wonder. */
static bool is_excused(const struct line *l)
{
    return has_excuse(l) && !isnan(l->level) && fabsf(l->level - 1) > 0.2f;
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
    if (l->unjudged == JUDGED && rank > d->shown && is_excused(l)) {
        if (to->n_excused < DIGEST_EXCUSED_MAX)
            to->excused[to->n_excused] = (struct digest_line){*l, rank};
        to->n_excused++;
    }
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
