/* audit-conflicts - intervals that were told more than once. */
#include "audit-int.h"

static bool same_reading(const struct sg_audit_item *x, const struct sg_audit_item *y)
{
    return x->seq == y->seq && !memcmp(x->leaf, y->leaf, 32);
}

/* n: there is no choice that holds. */
static size_t choose(const struct sg_audit *a, const struct sg_audit_item *items, size_t n)
{
    const struct sg_audit_choice *c = sg_audit_choice_at(a, items[0].ts_s);

    for (size_t i = 0; i < n && c && c->holds; i++)
        if (items[i].state == SG_ITEM_OK &&
            !memcmp(items[i].digest, c->row.chosen, SG_ROW_DIGEST_LEN))
            return i;
    return n;
}

/* The same reading stands before it (they are in order), or is the one that counts. */
static bool is_repeated(const struct sg_audit_item *items, size_t i,
                        const struct sg_audit_item *kept)
{
    return (i && same_reading(&items[i - 1], &items[i])) || same_reading(&items[i], kept);
}

/* All of one interval: the first counts, unless another was chosen. */
static int settle(struct sg_audit *a, struct sg_audit_item *items, size_t n,
                  struct sg_audit_item *ret_kept)
{
    const size_t chosen = choose(a, items, n);
    const struct sg_audit_item *kept = &items[chosen < n ? chosen : 0];
    int r = 0;

    for (size_t i = 0; i < n && !r; i++) {
        if (&items[i] == kept)
            continue;
        if (is_repeated(items, i, kept))
            sg_audit_report_item(a, SG_AUDIT_READING_DUPLICATED, &items[i], "in two blocks");
        else if (chosen < n)
            r = sg_audit_append(&a->rejected, &items[i]);
        else
            sg_audit_report_item(a, SG_AUDIT_READING_CONFLICT, &items[i],
                                 "two signed readings of one interval");
    }
    *ret_kept = *kept;
    return r;
}

int sg_audit_settle(struct sg_audit *a)
{
    size_t kept = 0, n;
    int r = sg_audit_read_choices(a);

    for (size_t i = 0; i < a->items.n && !r; i += n) {
        struct sg_audit_item *items = &a->items.list[i], item = *items;
        for (n = 1; i + n < a->items.n && items[n].ts_s == items[0].ts_s;)
            n++;
        if (n > 1)
            r = settle(a, items, n, &item);
        a->items.list[kept++] = item;
    }
    a->items.n = kept;
    return r;
}
