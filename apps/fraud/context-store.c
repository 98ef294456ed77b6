#include "context-store.h"

#include <sealgrid/billing/contract.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

struct reading {
    struct sg_fraud_context context;
    struct context_meter meter;
    int32_t day;
    float contract_kw; /* 0: no contract tells a demand */
    uint32_t bad;
};

static void copy_text(char *to, struct sg_bytes text)
{
    if (text.len) /* NULL has no octets to point to */
        memcpy(to, text.data, text.len);
    to[text.len] = 0;
}

static int32_t day_or_none(int64_t day)
{
    return day == SG_READING_NA ? SG_FRAUD_NO_DAY : (int32_t)day;
}

static float kw_or_none(int64_t w)
{
    return w == SG_READING_NA ? 0 : (float)((double)w / 1000);
}

/* In order of days: the last that holds stays. */
static int take_consumer(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                         struct sg_bytes value)
{
    struct reading *m = ctx;
    struct sg_row_consumer row;
    (void)partition;
    if (sg_row_consumer_decode(sort, value, &row)) {
        m->bad++;
        return 0;
    }
    if (row.from_day > m->day)
        return 0;
    struct sg_fraud_context c = SG_FRAUD_CONTEXT_NONE;
    char word[SG_ROW_CONSUMER_TEXT_MAX + 1];
    copy_text(word, row.cls);
    c.cls = sg_fraud_class_named(word);
    copy_text(c.activity, row.activity);
    copy_text(c.region, row.region);
    c.contracted_kw = kw_or_none(row.contracted_w);
    c.vacant_since = day_or_none(row.vacant_since);
    c.vacant_until = day_or_none(row.vacant_until);
    c.solar_since = day_or_none(row.solar_since);
    c.solar_kw = kw_or_none(row.solar_w);
    c.tariff_since = day_or_none(row.tariff_since);
    m->context = c;
    m->meter = (struct context_meter){.aron = sg_bytes_equal(row.wiring, SG_BYTES_LIT("aron"))};
    return 0;
}

/* The highest demand of any post. */
static float demand_of(const struct sg_contract *c)
{
    int64_t most = 0;
    for (size_t i = 0; i < c->n_demand; i++)
        most = c->demand[i].w > most ? c->demand[i].w : most;
    return (float)((double)most / 1000);
}

static int take_contract(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                         struct sg_bytes value)
{
    struct reading *m = ctx;
    SG_CLEANUP(sg_contract_clear) struct sg_contract contract = {.client = 0};
    struct sg_row_contract row;
    struct sg_yaml_error why;
    (void)partition;
    if (sg_row_contract_decode(sort, value, &row)) {
        m->bad++;
        return 0;
    }
    int r = sg_contract_read(&contract, row.terms, &why);
    if (r < 0)
        return r;
    m->bad += r > 0;
    if (r == 0 && contract.from_day <= m->day && contract.until_day > m->day)
        m->contract_kw = demand_of(&contract);
    return 0;
}

_Static_assert((int)SG_ROW_CONSUMER_TEXT_MAX <= (int)SG_FRAUD_ACTIVITY_MAX &&
                   (int)SG_ROW_CONSUMER_TEXT_MAX <= (int)SG_FRAUD_REGION_MAX,
               "a text of the table fits");

int context_from_store(struct sg_fraud_context *ret, struct sg_kv *kv, int64_t client, int32_t day,
                       struct context_meter *ret_meter, uint32_t *bad)
{
    struct reading m = {.context = SG_FRAUD_CONTEXT_NONE, .day = day};
    int r =
        sg_table_each(kv, client, SG_TABLE_CONSUMER, NULL, NULL, SG_BYTES_NONE, take_consumer, &m);
    if (r == 0)
        r = sg_table_each(kv, client, SG_TABLE_CONTRACT, NULL, NULL, SG_BYTES_NONE, take_contract,
                          &m);
    if (r)
        return r;
    if (m.context.contracted_kw <= 0)
        m.context.contracted_kw = m.contract_kw;
    *ret = m.context;
    *ret_meter = m.meter;
    *bad += m.bad;
    return 0;
}
