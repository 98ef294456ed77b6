/* estimates - rows and records in the form of the checks. */
#include "estimates.h"

#include "estimate-table.h"

#include <stdio.h>

static size_t take_rows(const struct client *c, const struct terms *terms, struct sg_vee_row *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_rows; i++) {
        const struct sg_reading *r = &c->rows[i].reading;
        if (r->ts_s <= terms->from_s || r->ts_s > terms->until_s || client_is_rejected(c, i))
            continue;
        ret[n++] = sg_vee_row_of(r, c->rows[i].serial);
    }
    return n;
}

int estimates_make(struct client *c, const struct terms *terms)
{
    SG_FREE struct sg_vee_row *rows = NULL;
    struct sg_vee_meter meters[CLIENT_INSTALLS_MAX];
    const uint32_t interval_s = terms->tariff->interval_s;

    sg_vee_estimates_clear(&c->estimates);
    if (!terms->rules)
        return 0;
    rows = calloc(c->n_rows + 1, sizeof(*rows));
    if (!rows)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < c->n_installs; i++) {
        const struct client_install *in = &c->installs[i];
        meters[i] = (struct sg_vee_meter){.from_s = in->from_s,
                                          .until_s = in->until_s,
                                          .ratio_num = in->ratio_num,
                                          .ratio_den = in->ratio_den};
        snprintf(meters[i].serial, sizeof(meters[i].serial), "%s", in->serial);
    }
    const struct sg_vee_series s = {.client = c->id,
                                    .from_s = sg_vee_grid_end(terms->from_s, interval_s),
                                    .until_s = sg_vee_grid_end(terms->until_s, interval_s),
                                    .interval_s = interval_s,
                                    .rows = rows,
                                    .n_rows = take_rows(c, terms, rows),
                                    .meters = meters,
                                    .n_meters = c->n_installs};
    const int r = sg_vee_estimate(terms->rules, &s, &c->estimates);
    return r > 0 ? 0
                 : r; /* a period without an interval, or too long: the bill is refused anyway */
}

int estimates_keep(const struct client *c, const struct terms *terms, struct sg_kv *kv,
                   int64_t made_ts_s, struct refusal *why)
{
    if (c->estimates.n == 0)
        return 0;
    int r = estimate_table_keep(kv, c->id, terms->rules, &c->estimates, made_ts_s, &why->ts_s);
    if (r <= 0)
        return r;
    snprintf(why->word, sizeof(why->word), "estimate.conflict");
    return ISSUE_REFUSED;
}
