/* attest-gather - documents that evidence needs, from the cache and the services; and the verb
 * `attest fetch`. */
#include "attest.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <stdio.h>
#include <time.h>

struct gathering {
    const struct sg_attest_options *o;
    struct sg_tee_store *into; /* or NULL */
    struct sg_attest_notes *notes;
};

static int new_store(void *user, struct sg_tee_store **ret)
{
    const struct gathering *g = user;
    return sg_attest_roots(g->o, ret);
}

static int take(void *user, struct sg_bytes blob)
{
    const struct gathering *g = user;
    unsigned items;
    return g->into ? sg_tee_store_add(g->into, blob, &items) : 0;
}

static void warn(void *user, const char *document, const char *text)
{
    const struct gathering *g = user;
    if (g->notes->n == SG_ATTEST_NOTES_MAX)
        return;
    struct sg_attest_note *n = &g->notes->at[g->notes->n++];
    *n = (struct sg_attest_note){0};
    snprintf(n->document, sizeof n->document, "%s", document);
    snprintf(n->text, sizeof n->text, "%s", text);
}

/* "intel=URL" */
int sg_attest_services(const struct sg_attest_options *o, struct sg_collateral_options *ret)
{
    for (size_t i = 0; i < o->service.n; i++) {
        const char *text = o->service.items[i];
        if (!strncmp(text, "intel=", 6) && text[6])
            ret->intel = text + 6;
        else if (!strncmp(text, "amd=", 4) && text[4])
            ret->amd = text + 4;
        else
            return sg_raisef(-EINVAL, "--service %s: intel=URL or amd=URL", text);
    }
    return 0;
}

/* ---- what is there already ---- */

static bool is_there(const struct sg_tee_need *n, const struct sg_tee_store *s, int64_t at_s)
{
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++) {
        struct sg_tee_document d;
        if (!sg_tee_need_is(n, s, i))
            continue;
        sg_tee_store_document(s, i, at_s, &d);
        if (d.vouched && d.from_s <= at_s && at_s <= d.until_s)
            return true;
    }
    return false;
}

/* The key of one product settles which it is. */
static const char *settled_product(const struct sg_tee_needs *all, const struct sg_tee_store *s,
                                   int64_t at_s)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].guess && all->at[i].kind == SG_TEE_NEED_VCEK &&
            is_there(&all->at[i], s, at_s))
            return all->at[i].product;
    return NULL;
}

/* Issuers of what is there may travel with the evidence; they are found in it as in any file. */
static int at_hand(const struct sg_attest_options *o, const struct sg_tee_evidence *e,
                   struct sg_tee_store **ret)
{
    static const enum sg_tee_part parts[] = {SG_TEE_PART_REPORT, SG_TEE_PART_TD_QUOTE,
                                             SG_TEE_PART_CERTIFICATES};
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    unsigned items;
    int r = sg_attest_store(o, &s);

    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !r; i++)
        r = e->part[parts[i]].len ? sg_tee_store_add(s, e->part[parts[i]], &items) : 0;
    if (!r)
        r = sg_tee_store_seal(s);
    if (!r)
        *ret = TAKE_PTR(s);
    return r;
}

static int unmet(const struct sg_attest_options *o, const struct sg_tee_evidence *e, int64_t at_s,
                 struct sg_tee_needs *ret)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    struct sg_tee_needs all;
    int r = sg_tee_needs(e, &all);

    if (!r)
        r = at_hand(o, e, &s);
    if (r)
        return r;
    const char *product = settled_product(&all, s, at_s);
    *ret = (struct sg_tee_needs){0};
    for (size_t i = 0; i < all.n; i++) {
        const struct sg_tee_need *n = &all.at[i];
        if (is_there(n, s, at_s) || (n->guess && product && strcmp(n->product, product) != 0))
            continue;
        ret->at[ret->n] = *n;
        ret->at[ret->n++].guess &= !product;
    }
    return 0;
}

int sg_attest_gather(const struct sg_attest_options *o, const char *cache, bool connect,
                     const struct sg_tee_evidence *e, int64_t at_s, struct sg_tee_store *into,
                     struct sg_attest_notes *ret)
{
    struct gathering g = {o, into, ret};
    const struct sg_collateral_user u = {
        .user = &g, .new_store = new_store, .take = take, .warn = warn};
    struct sg_collateral_options co = {.cache = cache,
                                       .connect = connect,
                                       .allow_http = o->service_http,
                                       .proxy = o->service_proxy,
                                       .ca_file = o->service_ca,
                                       .total_ms = (int)o->fetch_timeout * 1000,
                                       .refresh_percent = (unsigned)o->refresh_percent,
                                       .at_s = at_s};
    struct sg_tee_needs left;
    int r = sg_attest_services(o, &co);

    if (!r)
        r = unmet(o, e, at_s, &left);
    if (!r)
        r = sg_collateral_gather(&co, &left, &u, &ret->report);
    ret->gathered = true;
    return r;
}

/* ---- attest fetch ---- */

static int fetch_for(const struct sg_attest_options *o, const char *path,
                     struct sg_attest_notes *notes)
{
    SG_CLEANUP(sg_attest_evidence_clear) struct sg_attest_evidence evidence = {0};
    int r = sg_attest_evidence_read(path, &evidence);

    if (!r && sg_tee_recognise(&evidence.parts) == SG_TEE_KIND_NONE)
        r = sg_raisef(-EINVAL, "%s: no evidence of any kind known here", path);
    return r ? r
             : sg_attest_gather(o, o->out, true, &evidence.parts, sg_clock_unix_s(), NULL, notes);
}

/* Once for every piece of evidence, whatever became of the others: an exit status. */
static int fetch_all(const struct sg_attest_options *o)
{
    static struct sg_attest_notes notes;
    struct sg_collateral_report sum = {0};
    int status = 0;

    for (size_t i = 0; i < o->evidence.n; i++) {
        notes = (struct sg_attest_notes){0};
        int r = fetch_for(o, o->evidence.items[i], &notes);
        sg_attest_notes_print("fetch", &notes);
        if (r)
            status = sg_attest_unusable("fetch");
        sum.fetched += notes.report.fetched;
        sum.kept += notes.report.kept;
        sum.missing += notes.report.missing;
    }
    printf("fetched %u, at hand %u, missing %u\n", sum.fetched, sum.kept, sum.missing);
    if (fflush(stdout))
        status = SG_ATTEST_UNUSABLE;
    return status ? status : sum.missing ? SG_ATTEST_REFUSED : 0;
}

int sg_attest_fetch(const struct sg_attest_options *o)
{
    for (;;) {
        const struct timespec pause = {.tv_sec = (time_t)o->every};
        int status = fetch_all(o);
        if (!o->watch)
            return status;
        nanosleep(&pause, NULL);
    }
}
