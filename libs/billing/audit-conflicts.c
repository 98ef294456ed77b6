/* audit-conflicts - intervals that were told more than once. */
#include "audit-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/resolution.h>

struct choices {
    struct sg_row_resolution *rows; /* by time */
    size_t n;
};

static void clear_choices(struct choices *c)
{
    free(c->rows);
}

static int read_choices(struct sg_audit *a, struct choices *ret)
{
    int r = a->resolutions.len ? sg_resolutions_decode(a->resolutions, &ret->rows, &ret->n) : 0;

    if (r <= 0)
        return r;
    const struct sg_audit_finding f = {
        .code = SG_AUDIT_RESOLUTION, .ts_s = INT64_MIN, .text = "choices cannot be read"};
    sg_audit_report(a, &f);
    return 0;
}

static const struct sg_row_resolution *choice_at(const struct choices *c, int64_t ts_s)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].ts_s == ts_s)
            return &c->rows[i];
    return NULL;
}

static bool same_reading(const struct sg_audit_item *x, const struct sg_audit_item *y)
{
    return x->seq == y->seq && !memcmp(x->leaf, y->leaf, 32);
}

/* n: there is no choice that holds; a choice that does not was reported. */
static int choose(struct sg_audit *a, const struct choices *c, const struct sg_audit_item *items,
                  size_t n, size_t *ret)
{
    const struct sg_row_resolution *row = choice_at(c, items[0].ts_s);

    *ret = n;
    if (!row || !a->in->operators)
        return 0;
    const struct sg_resolution resolution = {.client = a->in->bill->client, .row = *row};
    int r = sg_resolution_verify(&resolution, a->in->operators);
    if (r > 0)
        sg_audit_report_item(a, SG_AUDIT_RESOLUTION, &items[0],
                             r == SG_RESOLUTION_UNTRUSTED
                                 ? "a choice by nobody whom the operators' authority knows"
                                 : "a choice that is not signed");
    if (r)
        return r < 0 ? r : 0;
    for (size_t i = 0; i < n && *ret == n; i++)
        if (items[i].state == SG_ITEM_OK &&
            !memcmp(items[i].digest, row->chosen, SG_ROW_DIGEST_LEN))
            *ret = i;
    return 0;
}

static int reject(struct sg_audit *a, const struct sg_audit_item *item)
{
    struct sg_audit_item *list = reallocarray(a->rejected, a->n_rejected + 1, sizeof(*a->rejected));

    if (!list)
        return sg_raise(-ENOMEM);
    a->rejected = list;
    a->rejected[a->n_rejected++] = *item;
    return 0;
}

/* All of one interval: the first counts, unless another was chosen. */
static int settle(struct sg_audit *a, const struct choices *c, struct sg_audit_item *items,
                  size_t n, struct sg_audit_item *ret_kept)
{
    size_t chosen;
    int r = choose(a, c, items, n, &chosen);
    const struct sg_audit_item *kept = &items[chosen < n ? chosen : 0];

    for (size_t i = 0; i < n && !r; i++) {
        if (&items[i] == kept)
            continue;
        if (same_reading(&items[i], kept))
            sg_audit_report_item(a, SG_AUDIT_READING_DUPLICATED, &items[i], "in two blocks");
        else if (chosen < n)
            r = reject(a, &items[i]);
        else
            sg_audit_report_item(a, SG_AUDIT_READING_CONFLICT, &items[i],
                                 "two signed readings of one interval");
    }
    *ret_kept = *kept;
    a->result.resolved += chosen < n;
    return r;
}

int sg_audit_settle(struct sg_audit *a)
{
    SG_CLEANUP(clear_choices) struct choices c = {NULL, 0};
    size_t kept = 0, n;
    int r = read_choices(a, &c);

    for (size_t i = 0; i < a->n_items && !r; i += n) {
        struct sg_audit_item *items = &a->items[i], item = *items;
        for (n = 1; i + n < a->n_items && items[n].ts_s == items[0].ts_s;)
            n++;
        if (n > 1)
            r = settle(a, &c, items, n, &item);
        a->items[kept++] = item;
    }
    a->n_items = kept;
    return r;
}

uint64_t sg_audit_rejected(const struct sg_audit *a, const struct sg_installation *record,
                           uint64_t seq, uint64_t until)
{
    uint64_t n = 0;

    for (size_t i = 0; i < a->n_rejected; i++)
        n += a->rejected[i].record == record && a->rejected[i].seq > seq &&
             a->rejected[i].seq < until;
    return n;
}
