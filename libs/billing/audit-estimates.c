/* audit-estimates - what no meter signed: made again by its named rule from what meters did sign.
 */
#include "audit-int.h"

#include <sealgrid/base/cleanup.h>

#include <stdio.h>

static enum sg_audit_code code_of(enum sg_vee_judgement j)
{
    switch (j) {
    case SG_VEE_ESTIMATE_UNNEEDED:
        return SG_AUDIT_ESTIMATE_UNNEEDED;
    case SG_VEE_ESTIMATE_RULE:
        return SG_AUDIT_ESTIMATE_RULE;
    case SG_VEE_ESTIMATE_SECTION:
        return SG_AUDIT_ESTIMATE_SECTION;
    default:
        return SG_AUDIT_ESTIMATE_ALTERED;
    }
}

static void report_judgement(void *user, enum sg_vee_judgement j, int64_t from_s, int64_t until_s,
                             uint64_t count, const char *text)
{
    struct sg_audit *a = user;
    const struct sg_audit_finding f = {.code = code_of(j),
                                       .ts_s = count ? from_s + a->in->bill->interval_s : INT64_MIN,
                                       .count = count,
                                       .text = text};

    (void)until_s;
    sg_audit_report(a, &f);
}

/* The sound readings as validation takes them. */
static int list_rows(const struct sg_audit *a, struct sg_vee_row **ret, size_t *ret_n)
{
    struct sg_vee_row *rows = calloc(a->items.n + 1, sizeof(*rows));
    size_t n = 0;

    if (!rows)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < a->items.n; i++) {
        const struct sg_audit_item *item = &a->items.list[i];
        if (item->state != SG_ITEM_OK)
            continue;
        rows[n] = (struct sg_vee_row){.seq = item->seq,
                                      .ts_s = item->ts_s,
                                      .energy_wh = item->energy_wh,
                                      .reactive_varh = item->reactive_varh,
                                      .register_wh = item->register_wh,
                                      .reactive_register_varh = item->reactive_register_varh,
                                      .interval_s = a->in->bill->interval_s};
        snprintf(rows[n].serial, sizeof(rows[n].serial), "%s", item->record->serial);
        n++;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}

static int list_meters(const struct sg_audit *a, struct sg_vee_meter **ret, size_t *ret_n)
{
    size_t n;
    const struct sg_installation *records =
        sg_installations_of_client(a->in->installations, a->in->bill->client, &n);
    struct sg_vee_meter *meters = calloc(n + 1, sizeof(*meters));

    if (!meters)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        meters[i] = (struct sg_vee_meter){.from_s = records[i].from_s,
                                          .until_s = records[i].until_s,
                                          .ratio_num = records[i].ratio_num,
                                          .ratio_den = records[i].ratio_den};
        snprintf(meters[i].serial, sizeof(meters[i].serial), "%s", records[i].serial);
    }
    *ret = meters;
    *ret_n = n;
    return 0;
}

static int judge(struct sg_audit *a, const struct sg_vee_series *s)
{
    const struct sg_bill *bill = a->in->bill;
    int r = sg_vee_audit(a->in->rules, s, a->estimates,
                         bill->has_estimates_hash ? bill->estimates_sha256 : NULL, report_judgement,
                         a, &a->told);

    if (r <= 0)
        return r;
    const struct sg_audit_finding f = {.code = SG_AUDIT_ESTIMATE_SECTION,
                                       .ts_s = INT64_MIN,
                                       .text = "the period is no whole number of intervals"};
    sg_audit_report(a, &f);
    return 0;
}

int sg_audit_estimates(struct sg_audit *a)
{
    const struct sg_bill *bill = a->in->bill;
    SG_FREE struct sg_vee_row *rows = NULL;
    SG_FREE struct sg_vee_meter *meters = NULL;
    size_t n_rows, n_meters;
    int r;

    if (!a->estimates.len && !bill->has_estimates_hash)
        return 0;
    r = list_rows(a, &rows, &n_rows);
    if (!r)
        r = list_meters(a, &meters, &n_meters);
    if (r)
        return r;
    const struct sg_vee_series s = {.client = bill->client,
                                    .from_s = sg_vee_grid_end(bill->from_s, bill->interval_s),
                                    .until_s = sg_vee_grid_end(bill->until_s, bill->interval_s),
                                    .interval_s = bill->interval_s,
                                    .rows = rows,
                                    .n_rows = n_rows,
                                    .meters = meters,
                                    .n_meters = n_meters};
    r = judge(a, &s);
    a->result.estimated = a->told.n;
    return r;
}
