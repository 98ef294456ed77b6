/* attest-trust - roots, collateral, instant; and which of the documents end soon. */
#include "attest.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/tee/store-files.h>
#include <stdio.h>

#define DAY_S 86400

int sg_attest_unusable(const char *verb)
{
    fprintf(stderr, "sealgrid attest %s: %s\n", verb, sg_error_trace());
    return SG_ATTEST_UNUSABLE;
}

/* The forms of RFC 3339 that sg_time_parse does not take: lower case, a space for T, and a fraction
 * of a second, which dates of whole seconds can do without. */
static int parse_instant(const char *text, int64_t *ret_s)
{
    char plain[32];
    size_t n = strlen(text), seconds_end = sizeof("2026-09-01T03:00:00") - 1, zone = seconds_end;

    if (n > seconds_end && text[zone] == '.')
        zone += 1 + strspn(text + zone + 1, "0123456789");
    if (n <= seconds_end || zone == seconds_end + 1 || n - zone >= sizeof(plain) - seconds_end)
        return sg_raise(-EINVAL);
    memcpy(plain, text, seconds_end);
    memcpy(plain + seconds_end, text + zone, n - zone + 1);
    if (plain[10] == 't' || plain[10] == ' ')
        plain[10] = 'T';
    if (plain[seconds_end] == 'z')
        plain[seconds_end] = 'Z';
    return sg_time_parse(plain, ret_s);
}

int sg_attest_instant(const struct sg_attest_options *o, int64_t *ret_s)
{
    if (!o->at) {
        *ret_s = sg_clock_unix_s();
        return 0;
    }
    return parse_instant(o->at, ret_s) ? sg_raisef(-EINVAL, "--at %s: no RFC 3339 time", o->at) : 0;
}

static int add_root(struct sg_tee_store *s, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(65536);
    int r = sg_file_read(path, &file);

    if (!r)
        r = sg_tee_store_add_root(s, SG_TEE_VENDORS_ALL, sg_buf_bytes(&file));
    return r ? sg_raisef(r, "%s: no root", path) : 0;
}

static void tell_broken(void *user, const char *path)
{
    (void)user;
    fprintf(stderr, "sealgrid attest: %s: looks like collateral and is malformed\n", path);
}

int sg_attest_roots(const struct sg_attest_options *o, struct sg_tee_store **ret)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    int r = sg_tee_store_new(&s, true);

    for (size_t i = 0; i < o->root.n && !r; i++)
        r = add_root(s, o->root.items[i]);
    if (!r)
        *ret = TAKE_PTR(s);
    return r;
}

int sg_attest_store(const struct sg_attest_options *o, struct sg_tee_store **ret)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    int r = sg_attest_roots(o, &s);

    for (size_t i = 0; i < o->collateral.n && !r; i++)
        r = sg_tee_store_read(s, o->collateral.items[i], tell_broken, NULL);
    if (!r)
        *ret = TAKE_PTR(s);
    return r;
}

/* ---- ends ---- */

static void note_end(const char *document, int64_t until_s, int64_t at_s,
                     struct sg_attest_notes *ret)
{
    if (ret->n == SG_ATTEST_NOTES_MAX)
        return;
    struct sg_attest_note *n = &ret->at[ret->n++];
    *n = (struct sg_attest_note){.until_s = until_s, .days = (until_s - at_s) / DAY_S};
    snprintf(n->document, sizeof n->document, "%s", document);
}

/* The newest of those in force, as a verifier chooses. */
static bool chosen(const struct sg_tee_need *need, const struct sg_tee_case *c,
                   struct sg_tee_document *ret)
{
    bool found = false;

    for (size_t i = 0; i < sg_tee_store_n_documents(c->store); i++) {
        struct sg_tee_document d;
        if (!sg_tee_need_is(need, c->store, i))
            continue;
        sg_tee_store_document(c->store, i, c->at_s, &d);
        if (d.from_s > c->at_s || d.until_s < c->at_s || (found && sg_tee_document_older(&d, ret)))
            continue;
        *ret = d;
        found = true;
    }
    return found;
}

void sg_attest_note_ends(const struct sg_attest_options *o, const struct sg_tee_needs *needs,
                         const struct sg_tee_case *c, const struct sg_tee_verdict *v,
                         struct sg_attest_notes *ret)
{
    const int64_t last_s = c->at_s + o->warn_days * DAY_S;
    bool named = false;

    for (size_t i = 0; i < needs->n; i++) {
        struct sg_tee_document d;
        if (!chosen(&needs->at[i], c, &d) || d.until_s > last_s)
            continue;
        note_end(d.name, d.until_s, c->at_s, ret);
        named = true;
    }
    /* Of kinds whose documents nobody can list beforehand the verdict says the end alone. */
    if (!named && v->collateral_until_s >= c->at_s && v->collateral_until_s <= last_s)
        note_end("collateral", v->collateral_until_s, c->at_s, ret);
}

void sg_attest_notes_print(const char *verb, const struct sg_attest_notes *n)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct sg_attest_note *a = &n->at[i];
        char until[SG_RFC3339_MAX];
        if (!a->until_s) {
            fprintf(stderr, "sealgrid attest %s: warning: %s: %s\n", verb, a->document, a->text);
            continue;
        }
        sg_time_rfc3339(until, a->until_s);
        fprintf(stderr, "sealgrid attest %s: warning: %s ends in %lld days, at %s\n", verb,
                a->document, (long long)a->days, until);
    }
}
