/* audit - completeness and the bill. */
#include "audit-int.h"

#include <sealgrid/base/cleanup.h>

#include <stdio.h>

const char *sg_audit_word(enum sg_audit_code code)
{
    static const char *const words[] = {
#define SG_C(id, word) [SG_AUDIT_##id] = word,
        SG_AUDIT_CODES(SG_C)
#undef SG_C
    };
    return words[code];
}

const char *sg_audit_clock_word(enum sg_audit_clock clock)
{
    static const char *const words[] = {
#define SG_P(id, word) word,
        SG_AUDIT_CLOCKS(SG_P)
#undef SG_P
    };
    return words[clock];
}

enum sg_audit_clock sg_audit_clock_of(const char *word)
{
    int i = 0;

    while (i < SG_AUDIT_N_CLOCKS && strcmp(word, sg_audit_clock_word((enum sg_audit_clock)i)) != 0)
        i++;
    return (enum sg_audit_clock)i;
}

void sg_audit_report(struct sg_audit *a, const struct sg_audit_finding *f)
{
    a->result.findings++;
    a->fn(a->user, f);
}

/* ---- completeness -------------------------------------------------------------------------- */

static int compare_items(const void *a, const void *b)
{
    const struct sg_audit_item *x = a, *y = b;

    if (x->ts_s != y->ts_s)
        return x->ts_s < y->ts_s ? -1 : 1;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    const int leaf = memcmp(x->leaf, y->leaf, sizeof(x->leaf)); /* what is the same lies together */
    if (leaf)
        return leaf;
    return (int)x->state - (int)y->state; /* the sound one first */
}

void sg_audit_report_item(struct sg_audit *a, enum sg_audit_code code,
                          const struct sg_audit_item *item, const char *text)
{
    const struct sg_audit_finding f = {.code = code,
                                       .serial = item->record->serial,
                                       .seq = item->seq,
                                       .ts_s = item->ts_s,
                                       .count = 1,
                                       .text = text};
    sg_audit_report(a, &f);
}

void sg_audit_report_missing(struct sg_audit *a, const char *serial, uint64_t seq, int64_t ts_s,
                             uint64_t count, const char *text)
{
    const struct sg_audit_finding f = {.code = SG_AUDIT_READING_MISSING,
                                       .serial = serial,
                                       .seq = seq,
                                       .ts_s = ts_s,
                                       .count = count,
                                       .text = text};
    if (count)
        sg_audit_report(a, &f);
}

static int64_t grid_floor(int64_t ts_s, int64_t step)
{
    return ts_s - ((ts_s % step) + step) % step;
}

/* Estimates that the evidence tells of intervals that end in [from, until]. */
static uint64_t estimated_in(const struct sg_audit *a, int64_t from_s, int64_t until_s)
{
    uint64_t n = 0;

    for (size_t i = 0; i < a->told.n; i++)
        n += a->told.items[i].ts_s >= from_s && a->told.items[i].ts_s <= until_s;
    return n;
}

/*
 * Intervals at an end of the period, from the one that ends at from_s on.  Numbers show only in the
 * bill before or after whether the meter recorded them (sg_audit_lost_between); until then those
 * stand as gaps that the bill estimates, and the others are missing.
 */
static void check_end(struct sg_audit *a, const char *serial, uint64_t seq, int64_t from_s,
                      uint64_t count, const char *text)
{
    const int64_t step = a->in->bill->interval_s;
    const uint64_t estimated =
        count ? estimated_in(a, from_s, from_s + (int64_t)(count - 1) * step) : 0;

    a->result.gaps += estimated < count ? estimated : count;
    if (estimated < count)
        sg_audit_report_missing(a, serial, seq, from_s, count - estimated, text);
}

/* Ends of one installation's part of the period. */
static void check_ends(struct sg_audit *a, const struct sg_installation *record, int64_t from_s,
                       int64_t until_s)
{
    const struct sg_audit_item *first = NULL, *last = NULL;
    int64_t step = a->in->bill->interval_s;
    int64_t due_first = grid_floor(from_s, step) + step, due_last = grid_floor(until_s, step);

    for (size_t i = 0; i < a->items.n; i++) {
        if (a->items.list[i].record != record)
            continue;
        first = first ? first : &a->items.list[i];
        last = &a->items.list[i];
    }
    if (due_last < due_first)
        return;
    if (!first) {
        check_end(a, record->serial, 0, due_first, (uint64_t)((due_last - due_first) / step) + 1,
                  "nothing of this meter is in the file");
        return;
    }
    /* A meter that begins with number 1 had recorded nothing before. */
    uint64_t before = (uint64_t)((first->ts_s - due_first) / step);
    uint64_t recorded = before < first->seq - 1 ? before : first->seq - 1;
    check_end(a, record->serial, first->seq - recorded, first->ts_s - (int64_t)recorded * step,
              recorded, "recorded by the meter, but not in the file");
    a->result.gaps += before - recorded;
    check_end(a, record->serial, last->seq + 1, last->ts_s + step,
              (uint64_t)((due_last - last->ts_s) / step),
              "due until the period's end, and nothing shows why they are not here");
}

void sg_audit_ends(struct sg_audit *a)
{
    const struct sg_bill *bill = a->in->bill;
    size_t n;
    const struct sg_installation *records =
        sg_installations_of_client(a->in->installations, bill->client, &n);

    bool any = false;
    for (size_t i = 0; i < n; i++) {
        int64_t from = records[i].from_s > bill->from_s ? records[i].from_s : bill->from_s;
        int64_t until = records[i].until_s < bill->until_s ? records[i].until_s : bill->until_s;
        if (from >= until)
            continue;
        any = true;
        check_ends(a, &records[i], from, until);
    }
    if (any)
        return;
    const struct sg_audit_finding f = {.code = SG_AUDIT_INSTALLATION_NONE,
                                       .ts_s = INT64_MIN,
                                       .text = "no meter was at this client in this period"};
    sg_audit_report(a, &f);
}

int sg_audit_completeness(struct sg_audit *a)
{
    if (a->items.n)
        qsort(a->items.list, a->items.n, sizeof(*a->items.list), compare_items);
    int r = sg_audit_settle(a);
    if (r)
        return r;
    return sg_audit_numbers(a);
}

/* ---- a run --------------------------------------------------------------------------------- */

int sg_audit_run(const struct sg_audit_input *in, sg_audit_fn fn, void *user,
                 struct sg_audit_result *ret)
{
    struct sg_audit *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return sg_raise(-ENOMEM);
    *a = (struct sg_audit){.in = in, .fn = fn, .user = user};
    r = sg_audit_blocks(a);
    if (!r)
        r = sg_audit_completeness(a);
    if (!r)
        r = sg_audit_choices(a);
    if (!r)
        r = sg_audit_estimates(a);
    if (!r)
        sg_audit_ends(a);
    if (!r)
        r = sg_audit_bill(a);
    if (!r)
        *ret = a->result;
    for (size_t i = 0; i < SG_AUDIT_KEYS; i++)
        sg_key_free(a->meters[i].key);
    free(a->items.list);
    free(a->rejected.list);
    free(a->outside.list);
    free(a->choices);
    sg_vee_estimates_clear(&a->told);
    free(a);
    return r;
}
