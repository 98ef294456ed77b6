/* audit-choices - what operators chose between differing readings, against record and bill. */
#include "audit-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/resolution.h>

static void report_choice(struct sg_audit *a, enum sg_audit_code code, int64_t ts_s,
                          const char *text)
{
    const struct sg_audit_finding f = {
        .code = code, .ts_s = ts_s, .count = ts_s != INT64_MIN, .text = text};
    sg_audit_report(a, &f);
}

/* ---- the record ---------------------------------------------------------------------------- */

/* NULL: nothing is wrong. */
static int judge_record(const struct sg_audit *a, const struct sg_row_resolution *row,
                        const char **ret)
{
    const struct sg_resolution resolution = {.client = a->in->bill->client, .row = *row};
    int r = a->in->operators ? sg_resolution_verify(&resolution, a->in->operators) : 0;

    *ret = NULL;
    if (r < 0)
        return r;
    if (!a->in->operators)
        *ret = "a choice, and no operators' authority was given";
    else if (r)
        *ret = r == SG_RESOLUTION_UNTRUSTED
                   ? "a choice by nobody whom the operators' authority knows"
                   : "a choice that is not signed";
    else if (row->resolved_ts_s < row->ts_s)
        *ret = "chosen before there was a reading";
    return 0;
}

static int add_choice(struct sg_audit *a, const struct sg_row_resolution *row)
{
    struct sg_audit_choice *c = &a->choices[a->n_choices];
    const char *wrong;
    int r = judge_record(a, row, &wrong);

    if (r)
        return r;
    if (wrong)
        report_choice(a, SG_AUDIT_RESOLUTION, row->ts_s, wrong);
    *c = (struct sg_audit_choice){*row, !wrong};
    a->n_choices++;
    return 0;
}

int sg_audit_read_choices(struct sg_audit *a)
{
    SG_FREE struct sg_row_resolution *rows = NULL;
    size_t n = 0;
    int r = a->resolutions.len ? sg_resolutions_decode(a->resolutions, &rows, &n) : 0;

    if (r > 0)
        report_choice(a, SG_AUDIT_RESOLUTION, INT64_MIN, "choices cannot be read");
    if (r)
        return r < 0 ? r : 0;
    a->choices = calloc(n + 1, sizeof(*a->choices));
    if (!a->choices)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n && !r; i++) /* blocks reach over the period's ends, choices too */
        if (rows[i].ts_s > a->in->bill->from_s && rows[i].ts_s <= a->in->bill->until_s)
            r = add_choice(a, &rows[i]);
    return r;
}

static int compare_choices(const void *ts_s, const void *choice)
{
    const int64_t at = *(const int64_t *)ts_s,
                  of = ((const struct sg_audit_choice *)choice)->row.ts_s;
    return (at > of) - (at < of);
}

const struct sg_audit_choice *sg_audit_choice_at(const struct sg_audit *a, int64_t ts_s)
{
    return a->n_choices
               ? bsearch(&ts_s, a->choices, a->n_choices, sizeof(*a->choices), compare_choices)
               : NULL;
}

/* ---- the bill ------------------------------------------------------------------------------ */

static int compare_item(const void *ts_s, const void *item)
{
    const int64_t at = *(const int64_t *)ts_s, of = ((const struct sg_audit_item *)item)->ts_s;
    return (at > of) - (at < of);
}

/* The reading that counts, if it is the chosen one. */
static const struct sg_audit_item *chosen_item(const struct sg_audit *a,
                                               const struct sg_row_resolution *row)
{
    const struct sg_audit_item *item = a->items.n ? bsearch(&row->ts_s, a->items.list, a->items.n,
                                                            sizeof(*a->items.list), compare_item)
                                                  : NULL;

    return item && item->state == SG_ITEM_OK &&
                   !memcmp(item->digest, row->chosen, sizeof(row->chosen))
               ? item
               : NULL;
}

static const struct sg_bill_choice *shown_at(const struct sg_bill *bill, int64_t ts_s)
{
    for (size_t i = 0; i < bill->n_resolved; i++)
        if (bill->resolved[i].ts_s == ts_s)
            return &bill->resolved[i];
    return NULL;
}

static int judge_shown(struct sg_audit *a, const struct sg_audit_choice *c,
                       const struct sg_audit_item *item)
{
    const struct sg_bill_choice *shown = shown_at(a->in->bill, c->row.ts_s);
    struct sg_bill_choice due;
    int r = sg_resolution_choice(&c->row, &due);

    if (r)
        return r;
    due.meter = sg_bill_meter_at(a->in->bill, item->record->serial, item->ts_s);
    if (item->energy_wh != SG_READING_NA)
        due.energy_wh = item->energy_wh;
    if (!shown)
        report_choice(a, SG_AUDIT_RESOLUTION_HIDDEN, due.ts_s,
                      "an operator chose this reading, and the bill does not say so");
    else if (!sg_bill_same_choice(shown, &due))
        report_choice(a, SG_AUDIT_RESOLUTION_ALTERED, due.ts_s,
                      "the bill tells the choice otherwise than it was recorded");
    return 0;
}

int sg_audit_choices(struct sg_audit *a)
{
    const struct sg_bill *bill = a->in->bill;
    int r = 0;

    for (size_t i = 0; i < a->n_choices && !r; i++) {
        const struct sg_audit_choice *c = &a->choices[i];
        const struct sg_audit_item *item = chosen_item(a, &c->row);
        a->result.resolved += item && c->holds;
        if (item)
            r = judge_shown(a, c, item);
        else
            report_choice(a, SG_AUDIT_RESOLUTION_OTHER, c->row.ts_s,
                          "the reading that was chosen is not the one that counts");
    }
    for (size_t i = 0; i < bill->n_resolved && !r; i++)
        if (!sg_audit_choice_at(a, bill->resolved[i].ts_s))
            report_choice(a, SG_AUDIT_RESOLUTION_UNRECORDED, bill->resolved[i].ts_s,
                          "the bill shows a choice that is not on record");
    return r;
}
