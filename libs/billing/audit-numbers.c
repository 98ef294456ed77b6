/*
 * audit-numbers - a meter numbers what it records, whatever its clock says: numbers tell what was
 * recorded and is not here.
 *
 * Without choices, time and numbers rise together.  A clock that was set back tells intervals
 * again under numbers that go on; then all tellings, those that count and those that were rejected,
 * are gone through by their numbers.  Where time steps back at an end of the period, the numbers
 * between belong to the neighbouring bill.
 */
#include "audit-int.h"

#include <sealgrid/base/cleanup.h>

static const char lacking[] = "recorded by the meter, but not in the file";

/* Whole intervals between two readings, without the later one's own. */
static uint64_t intervals_between(int64_t from_s, int64_t until_s, uint64_t step)
{
    uint64_t n = (uint64_t)(until_s - from_s) / step;
    return n ? n - 1 : 0; /* beside the grid: bill.arithmetic names those */
}

static void report_sequence(struct sg_audit *a, const struct sg_audit_item *y)
{
    sg_audit_report_item(a, SG_AUDIT_READING_SEQUENCE, y, "sequence number does not follow");
}

/* Between two neighbours in time and in number: what the meter recorded and is not here. */
static void check_step(struct sg_audit *a, const struct sg_audit_item *x,
                       const struct sg_audit_item *y)
{
    uint64_t step = a->in->bill->interval_s;
    uint64_t intervals = intervals_between(x->ts_s, y->ts_s, step);
    uint64_t numbers = y->seq - x->seq - 1;

    if (y->seq <= x->seq || numbers > intervals) {
        report_sequence(a, y);
        return;
    }
    sg_audit_report_missing(a, x->record->serial, x->seq + 1, x->ts_s + (int64_t)step, numbers,
                            lacking);
    a->result.gaps += intervals - numbers;
}

/* ---- tellings ------------------------------------------------------------------------------ */

/* One record's items by number: those that count, and those that were rejected. */
struct tellings {
    const struct sg_audit_item **list;
    size_t n;
};

static void clear_tellings(struct tellings *t)
{
    free(t->list);
}

static int by_number(const void *a, const void *b)
{
    const struct sg_audit_item *x = *(const struct sg_audit_item *const *)a;
    const struct sg_audit_item *y = *(const struct sg_audit_item *const *)b;

    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return (x->ts_s > y->ts_s) - (x->ts_s < y->ts_s);
}

/* Those of some lists of items that are of that record. */
static int list_tellings(const struct sg_installation *record,
                         const struct sg_audit_items *const *of, size_t n_of, struct tellings *ret)
{
    size_t most = 1;

    for (size_t k = 0; k < n_of; k++)
        most += of[k]->n;
    ret->list = calloc(most, sizeof(const struct sg_audit_item *));
    if (!ret->list)
        return sg_raise(-ENOMEM);
    for (size_t k = 0; k < n_of; k++)
        for (size_t i = 0; i < of[k]->n; i++)
            if (of[k]->list[i].record == record)
                ret->list[ret->n++] = &of[k]->list[i];
    if (ret->n)
        qsort(ret->list, ret->n, sizeof(ret->list[0]), by_number);
    return 0;
}

/* No interval of the bill is later, or earlier. */
static bool is_last(const struct sg_audit *a, const struct sg_audit_item *x)
{
    return x->ts_s + (int64_t)a->in->bill->interval_s > a->in->bill->until_s;
}

static bool is_first(const struct sg_audit *a, const struct sg_audit_item *y)
{
    return y->ts_s - (int64_t)a->in->bill->interval_s <= a->in->bill->from_s;
}

/* The clock was set back between two readings: what is told again must have been settled.  Of two
 * blocks over the same numbers a file has the chosen one alone. */
static void check_set_back(struct sg_audit *a, const struct sg_audit_item *x,
                           const struct sg_audit_item *y)
{
    if (y->seq == x->seq || !sg_audit_choice_at(a, y->ts_s))
        report_sequence(a, y);
    else if (!is_last(a, x) && !is_first(a, y))
        sg_audit_report_missing(a, x->record->serial, x->seq + 1, INT64_MIN, y->seq - x->seq - 1,
                                lacking);
}

/* Gaps are those between the readings that count. */
static uint64_t gaps_of(const struct sg_audit *a, const struct sg_installation *record)
{
    const struct sg_audit_item *before = NULL;
    uint64_t n = 0;

    for (size_t i = 0; i < a->items.n; i++) {
        if (a->items.list[i].record != record)
            continue;
        if (before)
            n += intervals_between(before->ts_s, a->items.list[i].ts_s, a->in->bill->interval_s);
        before = &a->items.list[i];
    }
    return n;
}

/* Before the reading with the lowest number there was none: an interval before it that somebody
 * chose of was told again, and its first telling is not here. */
static void check_first(struct sg_audit *a, const struct tellings *t)
{
    const struct sg_audit_item *lowest = t->list[0], *first = NULL;
    uint64_t n = 0;

    for (size_t i = 0; i < a->items.n && a->items.list[i].ts_s < lowest->ts_s; i++) {
        const struct sg_audit_item *item = &a->items.list[i];
        if (item->record != lowest->record || !sg_audit_choice_at(a, item->ts_s))
            continue;
        first = first ? first : item;
        n++;
    }
    if (first)
        sg_audit_report_missing(a, first->record->serial, 0, first->ts_s, n,
                                "told again and chosen of, but not told at first in the file");
}

/* A number of the period that a reading outside of it has as well. */
static int check_outside(struct sg_audit *a, const struct sg_installation *record,
                         const struct tellings *t)
{
    SG_CLEANUP(clear_tellings) struct tellings outside = {NULL, 0};
    const struct sg_audit_items *const of[] = {&a->outside};
    int r = list_tellings(record, of, 1, &outside);

    for (size_t i = 0, k = 0; i < t->n && !r; i++) {
        while (k < outside.n && outside.list[k]->seq < t->list[i]->seq)
            k++;
        if (k < outside.n && outside.list[k]->seq == t->list[i]->seq)
            report_sequence(a, t->list[i]);
    }
    return r;
}

static int check_tellings(struct sg_audit *a, const struct sg_installation *record)
{
    SG_CLEANUP(clear_tellings) struct tellings t = {NULL, 0};
    const struct sg_audit_items *const of[] = {&a->items, &a->rejected};
    const uint64_t gaps = a->result.gaps;
    int r = list_tellings(record, of, 2, &t);

    if (r)
        return r;
    for (size_t i = 1; i < t.n; i++)
        if (t.list[i]->ts_s > t.list[i - 1]->ts_s)
            check_step(a, t.list[i - 1], t.list[i]);
        else
            check_set_back(a, t.list[i - 1], t.list[i]);
    a->result.gaps = gaps + gaps_of(a, record);
    check_first(a, &t);
    return check_outside(a, record, &t);
}

/* ---- all ----------------------------------------------------------------------------------- */

static bool any_rejected(const struct sg_audit *a, const struct sg_installation *record)
{
    for (size_t i = 0; i < a->rejected.n; i++)
        if (a->rejected.list[i].record == record)
            return true;
    return false;
}

/* The reading's place, with the lowest or highest number that its meter told in the period. */
static struct sg_audit_edge edge_of(const struct sg_audit *a, const struct sg_audit_item *item,
                                    bool highest)
{
    struct sg_audit_edge e = {.seq = item->seq,
                              .ts_s = item->ts_s,
                              .end_s = highest ? a->in->bill->until_s : a->in->bill->from_s};

    memcpy(e.serial, item->record->serial, sizeof(e.serial));
    e.told_again = any_rejected(a, item->record);
    if (!e.told_again)
        return e;
    for (size_t i = 0; i < a->items.n + a->rejected.n; i++) {
        const struct sg_audit_item *other =
            i < a->items.n ? &a->items.list[i] : &a->rejected.list[i - a->items.n];
        if (other->record == item->record && (highest ? other->seq > e.seq : other->seq < e.seq))
            e.seq = other->seq;
    }
    return e;
}

uint64_t sg_audit_lost_between(const struct sg_audit_edge *last, const struct sg_audit_edge *first,
                               uint32_t interval_s)
{
    if (!last->seq || !first->seq || strcmp(last->serial, first->serial) != 0)
        return 0;
    if (first->seq <= last->seq && last->told_again && first->told_again)
        return 0; /* a clock set back over the end of the period: numbers lie on either side */
    if (first->seq <= last->seq || first->ts_s <= last->ts_s)
        return 1; /* a number told twice */
    uint64_t numbers = first->seq - last->seq - 1;
    uint64_t intervals = intervals_between(last->ts_s, first->ts_s, interval_s);
    if (last->end_s == first->end_s)
        return numbers; /* nothing lies between: each is an interval of one of the two */
    return numbers > intervals ? numbers - intervals : 0;
}

int sg_audit_numbers(struct sg_audit *a)
{
    const struct sg_installation *record = NULL; /* at hand */
    bool by_number = false;                      /* it was gone through by its numbers */
    int r = 0;

    for (size_t i = 1; i < a->items.n && !r; i++) {
        const struct sg_audit_item *x = &a->items.list[i - 1], *y = &a->items.list[i];
        if (y->record != x->record)
            continue;
        if (y->record != record) {
            record = y->record;
            by_number = any_rejected(a, record);
            r = by_number ? check_tellings(a, record) : 0;
        }
        if (!by_number)
            check_step(a, x, y);
    }
    if (a->items.n) {
        a->result.first = edge_of(a, &a->items.list[0], false);
        a->result.last = edge_of(a, &a->items.list[a->items.n - 1], true);
    }
    return r;
}
