/* attest-collateral - the verb `attest collateral`: what documents there are, and how long they
 * last. */
#include "attest.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/tee/store-files.h>
#include <stdio.h>

#define DAY_S    86400
#define LIST_MAX (8u << 20)

/* What is to be said of a document; the first that holds. */
static const char *const words[] = {"ok",       "ends soon",     "expired",
                                    "replaced", "not yet valid", "unsigned"};
enum state { OK, SOON, EXPIRED, REPLACED, NOT_YET, UNSIGNED };

struct list {
    const struct sg_attest_options *o;
    int64_t at_s;
    struct sg_tee_document *at;
    size_t n;
    bool expired;
};

/* There is a newer one of the same subject that somebody vouches for. */
static bool is_replaced(const struct list *l, const struct sg_tee_document *d)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct sg_tee_document *other = &l->at[i];
        if (other->kind == d->kind && other->vouched && other->from_s <= l->at_s &&
            !memcmp(other->subject, d->subject, sizeof d->subject) &&
            (sg_tee_document_older(d, other) || d->until_s < other->until_s))
            return true;
    }
    return false;
}

static enum state state_of(const struct list *l, const struct sg_tee_document *d)
{
    if (!d->vouched && l->at_s <= d->until_s)
        return UNSIGNED;
    if (is_replaced(l, d))
        return REPLACED;
    if (l->at_s > d->until_s)
        return EXPIRED;
    if (l->at_s < d->from_s)
        return NOT_YET;
    return d->until_s - l->at_s <= l->o->warn_days * DAY_S ? SOON : OK;
}

static int64_t days_left(const struct list *l, const struct sg_tee_document *d)
{
    const int64_t left = d->until_s - l->at_s;
    return left >= 0 ? left / DAY_S : -((DAY_S - 1 - left) / DAY_S);
}

/* ---- for people ---- */

static void print_line(const struct list *l, const struct sg_tee_document *d, enum state s)
{
    char from[SG_RFC3339_MAX], until[SG_RFC3339_MAX] = "-", number[24] = "-", days[24] = "-";

    sg_time_rfc3339(from, d->from_s);
    if (d->numbered)
        snprintf(number, sizeof number, "%llu", (unsigned long long)sg_tee_document_number(d));
    if (d->until_s != INT64_MAX) {
        sg_time_rfc3339(until, d->until_s);
        snprintf(days, sizeof days, "%lld", (long long)days_left(l, d));
    }
    printf("%-40s %-10.10s %-20s %8s %6s  %s\n", d->name, from, until, number, days, words[s]);
}

/* ---- for machines ---- */

static void put_str(struct sg_json *j, const char *key, const char *text)
{
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_time(struct sg_json *j, const char *key, int64_t at_s)
{
    char text[SG_RFC3339_MAX];

    if (at_s == INT64_MAX) {
        sg_json_key(j, key);
        sg_json_null(j);
        return;
    }
    sg_time_rfc3339(text, at_s);
    put_str(j, key, text);
}

static void put_document(const struct list *l, const struct sg_tee_document *d, enum state s,
                         struct sg_json *j)
{
    sg_json_object(j);
    put_str(j, "document", d->name);
    put_time(j, "issued", d->from_s);
    put_time(j, "until", d->until_s);
    sg_json_key(j, "number");
    if (d->numbered)
        sg_json_uint(j, sg_tee_document_number(d));
    else
        sg_json_null(j);
    sg_json_key(j, "days");
    if (d->until_s == INT64_MAX)
        sg_json_null(j);
    else
        sg_json_int(j, days_left(l, d));
    put_str(j, "state", words[s]);
    sg_json_end_object(j);
}

/* ---- the list ---- */

static void list_all(struct list *l, struct sg_json *j)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct sg_tee_document *d = &l->at[i];
        const enum state s = state_of(l, d);
        l->expired |= s == EXPIRED;
        if (j)
            put_document(l, d, s, j);
        else
            print_line(l, d, s);
    }
}

static int take_documents(struct list *l, const struct sg_tee_store *s)
{
    l->n = sg_tee_store_n_documents(s);
    l->at = calloc(l->n + 1, sizeof *l->at);
    if (!l->at)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < l->n; i++)
        sg_tee_store_document(s, i, l->at_s, &l->at[i]);
    return 0;
}

static int answer(struct list *l)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(LIST_MAX);
    struct sg_json j;

    if (!l->o->json) {
        printf("%-40s %-10s %-20s %8s %6s  %s\n", "document", "issued", "until", "number", "days",
               "state");
        list_all(l, NULL);
        return fflush(stdout) ? sg_raise_errno() : 0;
    }
    sg_json_init(&j, &b);
    sg_json_object(&j);
    sg_json_key(&j, "documents");
    sg_json_array(&j);
    list_all(l, &j);
    sg_json_end_array(&j);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&b));
}

int sg_attest_collateral(const struct sg_attest_options *o, char *const *paths, int n_paths)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    struct list l = {.o = o};
    int r = n_paths ? sg_attest_instant(o, &l.at_s)
                    : sg_raisef(-EINVAL, "name folders or files of collateral");

    if (!r)
        r = sg_attest_roots(o, &store);
    for (int i = 0; i < n_paths && !r; i++)
        r = sg_tee_store_read(store, paths[i], NULL, NULL);
    if (!r)
        r = sg_tee_store_seal(store);
    if (!r)
        r = take_documents(&l, store);
    if (!r)
        r = answer(&l);
    free(l.at);
    return r ? sg_attest_unusable("collateral") : l.expired ? SG_ATTEST_REFUSED : 0;
}
