/* contract - clients' own dated data: reading and searching. */
#include "fields-int.h"

#include <sealgrid/base/file.h>
#include <sealgrid/billing/contract.h>

#define KW_MAX INT64_C(1000000000) /* W: a million kW */

/* ---- one contract -------------------------------------------------------------------------- */

static int take_client(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;
    return sg_field_decimal(f, n, 0, 0, INT64_C(1000000000000000000), &c->client);
}

static int take_from(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;
    return sg_field_date(f, n, &c->from_day);
}

static int take_until(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;
    int r;

    c->until_day = SG_CONTRACT_NEVER;
    if (n->kind == SG_YAML_SCALAR && !strcmp(n->text, "null"))
        return 0;
    r = sg_field_date(f, n, &c->until_day);
    if (!r && c->until_day <= c->from_day)
        r = sg_fields_refuse(f, n, "must be later than from");
    return r;
}

static int take_tariff(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;

    if (n->kind == SG_YAML_SCALAR && !strcmp(n->text, "null"))
        return 0;
    return sg_field_name(f, n, c->tariff, SG_TARIFF_ID_MAX);
}

static int take_phases(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;
    int64_t phases;
    int r = sg_field_decimal(f, n, 0, 1, 3, &phases);

    if (!r)
        c->phases = (unsigned)phases;
    return r;
}

/* {post: kW, ...} */
static int take_demand(struct sg_fields *f, const struct sg_yaml_node *n,
                       struct sg_contract_demand *ret, size_t *ret_n)
{
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    if (n->n_children == 0 || n->n_children > SG_TARIFF_POSTS_MAX)
        return sg_fields_refuse(f, n, "1 to %d posts expected, or all", SG_TARIFF_POSTS_MAX);
    for (const struct sg_yaml_node *e = n->first; e && r >= 0; e = e->next) {
        struct sg_contract_demand *d = &ret[(*ret_n)++];
        size_t len = strlen(e->key);
        int taken = sg_field_decimal(f, e, 3, 0, KW_MAX, &d->w);
        if (len == 0 || len > SG_TARIFF_NAME_MAX)
            taken = sg_fields_refuse(f, e, "not a post's name");
        else
            memcpy(d->post, e->key, len + 1);
        r = sg_fields_worse(r, taken);
    }
    return r;
}

static int take_demand_kw(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;
    return take_demand(f, n, c->demand, &c->n_demand);
}

static int take_month(struct sg_fields *f, const struct sg_yaml_node *n, int *ret)
{
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    return sg_text_month(n->text, ret) ? 0 : sg_fields_refuse(f, n, "a month is 2026-09");
}

static int take_history_month(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract_history *h = into;
    return take_month(f, n, &h->month);
}

static int take_history_kw(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract_history *h = into;
    return take_demand(f, n, h->demand, &h->n_demand);
}

static int take_history_entry(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"month", true, take_history_month},
                                              {"kw", true, take_history_kw}};
    struct sg_contract *c = into;
    struct sg_contract_history *h = &c->history[c->n_history];
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), h);

    if (!r && c->n_history && h->month <= h[-1].month)
        r = sg_fields_refuse_at(f, n->line, "demand_history: months must rise");
    c->n_history++;
    return r;
}

static int take_history(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;

    if (n->kind == SG_YAML_SEQUENCE && n->n_children == 0)
        return 0;
    c->history = calloc(n->n_children + 1, sizeof(*c->history));
    if (!c->history)
        return sg_raise(-ENOMEM);
    return sg_fields_list(f, n, SG_CONTRACT_MONTHS_MAX, take_history_entry, into);
}

static int take_credit_month(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract_credit *credit = into;
    return take_month(f, n, &credit->month);
}

static int take_credit_post(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract_credit *credit = into;
    return sg_field_name(f, n, credit->post, SG_TARIFF_NAME_MAX);
}

static int take_credit_kwh(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract_credit *credit = into;
    return sg_field_decimal(f, n, 3, 1, SG_FIELD_WH_MAX, &credit->wh);
}

static int take_credit(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"month", true, take_credit_month},
                                              {"post", true, take_credit_post},
                                              {"kwh", true, take_credit_kwh}};
    struct sg_contract *c = into;
    struct sg_contract_credit *credit = &c->credits[c->n_credits];
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), credit);

    for (size_t i = c->n_credits; i > 0 && !r; i--) {
        if (c->credits[i - 1].month > credit->month)
            r = sg_fields_refuse_at(f, n->line, "credits: months must not fall");
        else if (c->credits[i - 1].month == credit->month &&
                 !strcmp(c->credits[i - 1].post, credit->post))
            r = sg_fields_refuse_at(f, n->line, "credits: this month and post stand above");
    }
    c->n_credits++;
    return r;
}

static int take_credits(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;

    if (n->kind == SG_YAML_SEQUENCE && n->n_children == 0)
        return 0;
    c->credits = calloc(n->n_children + 1, sizeof(*c->credits));
    if (!c->credits)
        return sg_raise(-ENOMEM);
    return sg_fields_list(f, n, SG_CONTRACT_CREDITS_MAX, take_credit, into);
}

static int take_exemption(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_contract *c = into;
    return sg_field_name(f, n, c->exempt[c->n_exempt++], SG_TARIFF_NAME_MAX);
}

static int take_exempt(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    if (n->kind == SG_YAML_SEQUENCE && n->n_children == 0)
        return 0;
    return sg_fields_list(f, n, SG_TARIFF_TAXES_MAX, take_exemption, into);
}

static int take_contract(struct sg_fields *f, const struct sg_yaml_node *n, struct sg_contract *ret)
{
    static const struct sg_field members[] = {{"client", true, take_client},
                                              {"from", true, take_from},
                                              {"until", true, take_until},
                                              {"tariff", false, take_tariff},
                                              {"phases", false, take_phases},
                                              {"demand_kw", false, take_demand_kw},
                                              {"demand_history", false, take_history},
                                              {"credits", false, take_credits},
                                              {"exempt", false, take_exempt}};
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), ret);
}

void sg_contract_clear(struct sg_contract *c)
{
    free(c->history);
    free(c->credits);
    *c = (struct sg_contract){.client = 0};
}

int sg_contract_read(struct sg_contract *ret, struct sg_bytes text, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_contract_clear) struct sg_contract c = {.client = 0};
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml doc = {NULL, 0};
    struct sg_fields f = {.why = why};
    int r = sg_yaml_parse(&doc, text, why);

    if (!r)
        r = take_contract(&f, doc.nodes, &c);
    if (r)
        return r > 0 ? SG_CONTRACT_BAD : r;
    *ret = c;
    c = (struct sg_contract){.client = 0};
    return 0;
}

/* ---- many ---------------------------------------------------------------------------------- */

static int by_client_and_day(const void *a, const void *b)
{
    const struct sg_contract *x = a, *y = b;

    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return x->from_day < y->from_day ? -1 : x->from_day > y->from_day;
}

static int index_them(struct sg_contracts *all, struct sg_yaml_error *why)
{
    if (all->n)
        qsort(all->list, all->n, sizeof(*all->list), by_client_and_day);
    for (size_t i = 1; i < all->n; i++)
        if (all->list[i].client == all->list[i - 1].client &&
            all->list[i].from_day < all->list[i - 1].until_day)
            return sg_yaml_refuse(why, 0, "client %lld: two contracts hold at the same time",
                                  (long long)all->list[i].client);
    return 0;
}

static int add(struct sg_contracts *all, size_t *room, struct sg_contract *c, unsigned line,
               struct sg_yaml_error *why)
{
    if (all->n == SG_CONTRACTS_MAX)
        return sg_yaml_refuse(why, line, "more than %d contracts", SG_CONTRACTS_MAX);
    if (all->n == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct sg_contract *list = realloc(all->list, more * sizeof(*list));
        if (!list)
            return sg_raise(-ENOMEM);
        all->list = list;
        *room = more;
    }
    all->list[all->n++] = *c;
    *c = (struct sg_contract){.client = 0};
    return 0;
}

struct reading {
    struct sg_contracts all;
    size_t room;
    struct sg_fields fields;
};

static int take_one(void *user, const struct sg_yaml_node *n)
{
    struct reading *reading = user;
    SG_CLEANUP(sg_contract_clear) struct sg_contract c = {.client = 0};
    int r = take_contract(&reading->fields, n, &c);

    return r ? r : add(&reading->all, &reading->room, &c, n->line, reading->fields.why);
}

int sg_contracts_read(struct sg_contracts *ret, struct sg_bytes text, struct sg_yaml_error *why)
{
    struct reading reading = {.fields = {.why = why}};
    int r = sg_yaml_each(text, take_one, &reading, why);

    if (!r)
        r = index_them(&reading.all, why);
    if (r) {
        sg_contracts_clear(&reading.all);
        return r > 0 ? SG_CONTRACT_BAD : r;
    }
    *ret = reading.all;
    return 0;
}

int sg_contracts_load(struct sg_contracts *ret, const char *path, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_CONTRACT_FILE_MAX);
    int r = sg_file_read(path, &text);

    if (r == -EFBIG)
        return sg_yaml_refuse(why, 0, "larger than %u MiB", SG_CONTRACT_FILE_MAX >> 20);
    if (r)
        return sg_yaml_refuse(why, 0, "cannot read: %s", strerror(-r));
    return sg_contracts_read(ret, sg_buf_bytes(&text), why);
}

void sg_contracts_clear(struct sg_contracts *c)
{
    for (size_t i = 0; i < c->n; i++)
        sg_contract_clear(&c->list[i]);
    free(c->list);
    *c = (struct sg_contracts){NULL, 0};
}

/* ---- asking -------------------------------------------------------------------------------- */

/* The first contract of a client or of one after him. */
static size_t lower_bound(const struct sg_contracts *c, int64_t client)
{
    size_t lo = 0, hi = c->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->list[mid].client < client)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct sg_contract *sg_contracts_of_client(const struct sg_contracts *c, int64_t client,
                                                 size_t *ret_n)
{
    const size_t first = lower_bound(c, client);

    *ret_n = 0;
    while (first + *ret_n < c->n && c->list[first + *ret_n].client == client)
        (*ret_n)++;
    return c->list ? &c->list[first] : NULL;
}

int sg_contracts_over(const struct sg_contracts *c, int64_t client, int64_t first_day,
                      int64_t last_day, const struct sg_contract **ret)
{
    bool some = false;

    for (size_t i = lower_bound(c, client); i < c->n && c->list[i].client == client; i++) {
        const struct sg_contract *one = &c->list[i];
        if (one->until_day <= first_day || one->from_day > last_day)
            continue;
        some = true;
        if (one->from_day <= first_day && one->until_day > last_day) {
            *ret = one;
            return 0;
        }
    }
    return some ? SG_CONTRACT_CHANGED : SG_CONTRACT_NONE;
}

static int64_t demand_of(const struct sg_contract_demand *list, size_t n, const char *post)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].post, post))
            return list[i].w;
    return -1;
}

int64_t sg_contract_demand_w(const struct sg_contract *c, const char *post)
{
    return demand_of(c->demand, c->n_demand, post);
}

int64_t sg_contract_highest_w(const struct sg_contract *c, const char *post, int month,
                              uint32_t n_months)
{
    int64_t highest = 0;

    for (size_t i = 0; i < c->n_history; i++) {
        const struct sg_contract_history *h = &c->history[i];
        int64_t w = demand_of(h->demand, h->n_demand, post);
        if (h->month < month && h->month >= month - (int)n_months && w > highest)
            highest = w;
    }
    return highest;
}

bool sg_contract_is_exempt(const struct sg_contract *c, const char *tax)
{
    for (size_t i = 0; i < c->n_exempt; i++)
        if (!strcmp(c->exempt[i], tax))
            return true;
    return false;
}
