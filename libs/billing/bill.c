/* bill - one run: who, when, by which meters, tariff and contract. */
#include "bill-int.h"

#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define RATIO_MAX INT64_C(1000000)

const char *sg_bill_outcome_word(int outcome)
{
    static const char *const words[] = {[SG_BILL_MADE] = "made",
#define SG_O(id, word) [SG_BILL_##id] = word,
                                        SG_BILL_OUTCOMES(SG_O)
#undef SG_O
    };
    return outcome >= 0 && (size_t)outcome < sizeof(words) / sizeof(words[0]) ? words[outcome]
                                                                              : "unknown";
}

void sg_bill_clear(struct sg_bill *b)
{
    if (b->has_contract)
        sg_contract_clear(&b->contract);
    free(b->buckets);
    free(b->estimates);
    free(b->resolved);
    free(b->lines);
    free(b->credits);
    sg_buf_clear(&b->trace);
    *b = (struct sg_bill){.client = 0};
}

/* ---- copies -------------------------------------------------------------------------------- */

static void *copy_list(const void *items, size_t n, size_t size)
{
    void *copy = n ? malloc(n * size) : NULL;

    if (copy)
        memcpy(copy, items, n * size);
    return copy;
}

static int copy_contract(struct sg_bill *bill, const struct sg_contract *c)
{
    bill->contract = *c;
    bill->contract.history = copy_list(c->history, c->n_history, sizeof(*c->history));
    bill->contract.credits = copy_list(c->credits, c->n_credits, sizeof(*c->credits));
    bill->has_contract = true;
    if ((c->n_history && !bill->contract.history) || (c->n_credits && !bill->contract.credits))
        return sg_raise(-ENOMEM);
    return 0;
}

int sg_bill_copy(struct sg_bill *ret, const struct sg_bill *from)
{
    struct sg_bill b = *from;
    int r = 0;

    b.trace = (struct sg_buf)SG_BUF_INIT(SG_BILL_JSON_MAX);
    b.buckets = copy_list(from->buckets, from->n_buckets, sizeof(*b.buckets));
    b.estimates = copy_list(from->estimates, from->n_estimates, sizeof(*b.estimates));
    b.resolved = copy_list(from->resolved, from->n_resolved, sizeof(*b.resolved));
    b.lines = copy_list(from->lines, from->n_lines, sizeof(*b.lines));
    b.credits = copy_list(from->credits, from->n_credits, sizeof(*b.credits));
    if (from->has_contract)
        r = copy_contract(&b, &from->contract);
    if (!r && ((b.n_buckets && !b.buckets) || (b.n_estimates && !b.estimates) ||
               (b.n_resolved && !b.resolved) || (b.n_lines && !b.lines) || (b.n_credits && !b.credits)))
        r = sg_raise(-ENOMEM);
    if (!r)
        r = sg_buf_append(&b.trace, sg_buf_bytes(&from->trace));
    if (r)
        sg_bill_clear(&b);
    else
        *ret = b;
    return r;
}

/* ---- meters -------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Interval ends in (from, until]. */
static int64_t intervals_in(int64_t from_s, int64_t until_s, uint32_t interval_s)
{
    return until_s > from_s ? floor_div(until_s, interval_s) - floor_div(from_s, interval_s) : 0;
}

static bool record_ok(const struct sg_bill_install *i)
{
    return i->from_s < i->until_s && i->ratio_num >= 1 && i->ratio_num <= RATIO_MAX &&
           i->ratio_den >= 1 && i->ratio_den <= RATIO_MAX &&
           strlen(i->serial) <= SG_BILL_SERIAL_MAX;
}

static bool overlaps(const struct sg_bill *bill, const struct sg_bill_meter *m)
{
    for (size_t i = 0; i < bill->n_meters; i++)
        if (m->from_s < bill->meters[i].until_s && bill->meters[i].from_s < m->until_s)
            return true;
    return false;
}

/* Meters stand in the order of their coming, whatever the order of the records. */
static void insert_meter(struct sg_bill *bill, const struct sg_bill_meter *m)
{
    size_t at = bill->n_meters++;

    for (; at > 0 && bill->meters[at - 1].from_s > m->from_s; at--)
        bill->meters[at] = bill->meters[at - 1];
    bill->meters[at] = *m;
}

static int add_install(struct sg_billing *b, const struct sg_bill_install *i)
{
    struct sg_bill *bill = &b->bill;
    struct sg_bill_meter m = {.ratio_num = i->ratio_num,
                              .ratio_den = i->ratio_den,
                              .installed_s = i->from_s,
                              .removed_s = i->until_s,
                              .has_certificate = i->certificate_sha256 != NULL};

    if (!record_ok(i))
        return SG_BILL_BAD_RECORD;
    m.from_s = i->from_s > bill->from_s ? i->from_s : bill->from_s;
    m.until_s = i->until_s < bill->until_s ? i->until_s : bill->until_s;
    if (m.from_s >= m.until_s)
        return 0; /* not in this period */
    if (overlaps(bill, &m))
        return SG_BILL_BAD_RECORD;
    if (bill->n_meters == SG_BILL_METERS_MAX)
        return SG_BILL_TOO_LONG;
    snprintf(m.serial, sizeof(m.serial), "%s", i->serial);
    if (i->certificate_sha256)
        memcpy(m.certificate_sha256, i->certificate_sha256, 32);
    insert_meter(bill, &m);
    bill->expected += (uint64_t)intervals_in(m.from_s, m.until_s, bill->interval_s);
    return 0;
}

static int make_buckets(struct sg_billing *b)
{
    struct sg_bucket_meter meters[SG_BILL_METERS_MAX];
    const struct sg_bill *bill = &b->bill;
    int r;

    for (size_t i = 0; i < bill->n_meters; i++)
        meters[i] = (struct sg_bucket_meter){bill->meters[i].from_s, bill->meters[i].until_s};
    r = sg_buckets_new(&b->buckets, b->t, bill->from_s, bill->until_s, meters, bill->n_meters,
                       false);
    return r > 0 ? SG_BILL_TOO_LONG : r;
}

/* ---- identity ------------------------------------------------------------------------------ */

static void copy_tariff(struct sg_bill *bill, const struct sg_tariff *t)
{
    memcpy(bill->tariff_id, t->id, sizeof(bill->tariff_id));
    memcpy(bill->tariff_sha256, t->sha256, 32);
    memcpy(bill->currency, t->currency, sizeof(bill->currency));
    memcpy(bill->zone, t->zone, sizeof(bill->zone));
    bill->decimals = t->decimals;
    bill->rounding = t->rounding;
    bill->interval_s = t->interval_s;
    for (size_t i = 0; i < t->n_posts; i++)
        memcpy(bill->posts[i], t->posts[i].name, sizeof(bill->posts[i]));
    bill->n_posts = t->n_posts;
}

static int find_contract(struct sg_billing *b, const struct sg_contracts *contracts)
{
    const struct sg_contract *c = NULL;
    int r = SG_CONTRACT_NONE;

    if (contracts)
        r = sg_contracts_over(contracts, b->bill.client, b->days[0], b->days[b->n_days - 1], &c);
    switch (r) {
    case 0:
        return *c->tariff && strcmp(c->tariff, b->t->id) ? SG_BILL_OTHER_TARIFF
                                                         : copy_contract(&b->bill, c);
    case SG_CONTRACT_NONE:
        return sg_tariff_needs_contract(b->t) ? SG_BILL_NO_CONTRACT : 0;
    case SG_CONTRACT_CHANGED:
        return SG_BILL_CONTRACT_CHANGED;
    default:
        return r;
    }
}

/* ---- a run --------------------------------------------------------------------------------- */

int sg_billing_new(struct sg_billing **ret, const struct sg_bill_input *in)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    b->t = in->tariff;
    b->bill = (struct sg_bill){.client = in->client,
                               .from_s = in->from_s,
                               .until_s = in->until_s,
                               .trace = SG_BUF_INIT(SG_BILL_JSON_MAX)};
    b->last_ts_s = INT64_MIN;
    copy_tariff(&b->bill, in->tariff);
    sg_merkle_init(&b->tree);
    r = sg_bill_calendar(b);
    for (size_t i = 0; i < in->n_installs && !r; i++)
        r = add_install(b, &in->installs[i]);
    if (!r)
        r = find_contract(b, in->contracts);
    if (!r)
        r = sg_bill_windows_new(b);
    if (!r)
        r = make_buckets(b);
    if (r)
        return r;
    *ret = TAKE_PTR(b);
    return 0;
}

void sg_billing_free(struct sg_billing *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < SG_TARIFF_CHARGES_MAX; i++) {
        free(b->spans[i].list);
        free(b->reactive[i].spans);
        free(b->priced[i]);
    }
    free(b->days);
    free(b->months);
    free(b->rows);
    sg_buckets_free(b->buckets);
    sg_bill_clear(&b->bill);
    free(b);
}

void sg_billing_set_estimates(struct sg_billing *b, const uint8_t sha256[32])
{
    b->bill.has_estimates_hash = true;
    memcpy(b->bill.estimates_sha256, sha256, 32);
}

uint32_t sg_bill_meter_at(const struct sg_bill *b, const char *serial, int64_t ts_s)
{
    uint32_t i = 0;

    while (i < b->n_meters && (strcmp(b->meters[i].serial, serial) != 0 ||
                               ts_s <= b->meters[i].from_s || ts_s > b->meters[i].until_s))
        i++;
    return i;
}

int sg_billing_add_choice(struct sg_billing *b, const char *serial,
                          const struct sg_bill_choice *choice)
{
    struct sg_bill *bill = &b->bill;
    const uint32_t meter = sg_bill_meter_at(bill, serial, choice->ts_s);
    const size_t n = bill->n_resolved;
    struct sg_bill_choice *list;

    if (meter == bill->n_meters)
        return SG_BILL_FOREIGN;
    if (n && bill->resolved[n - 1].ts_s >= choice->ts_s)
        return SG_BILL_REPEATED;
    if (n == SG_BILL_CHOICES_MAX)
        return SG_BILL_TOO_LONG;
    list = reallocarray(bill->resolved, n + 1, sizeof(*list));
    if (!list)
        return sg_raise(-ENOMEM);
    list[n] = *choice;
    list[n].meter = meter;
    bill->resolved = list;
    bill->n_resolved++;
    return 0;
}

static int take_buckets(struct sg_billing *b)
{
    const struct sg_bucket *list = NULL;
    struct sg_bill *bill = &b->bill;
    size_t n = 0;
    int r;

    if (b->tree.n == 0)
        return 0; /* nothing that a root could be over */
    r = sg_buckets_finish(b->buckets, &list, &n);
    if (r)
        return r < 0 ? r : SG_BILL_TOO_LONG;
    if (n == 0)
        return 0;
    bill->buckets = copy_list(list, n, sizeof(*list));
    bill->n_buckets = n;
    return bill->buckets ? 0 : sg_raise(-ENOMEM);
}

static int work_out(struct sg_billing *b)
{
    struct sg_bill *bill = &b->bill;
    struct sg_bill_sums sums;
    int r;

    bill->import_wh = sg_bill_energy(b, INT64_MIN, INT64_MAX, SG_BILL_ALL_POSTS, SG_OF_IMPORT);
    bill->export_wh = sg_bill_energy(b, INT64_MIN, INT64_MAX, SG_BILL_ALL_POSTS, SG_OF_EXPORT);
    r = sg_bill_lines(b);
    if (!r)
        r = sg_bill_taxes(b);
    if (r)
        return r;
    if (b->too_large || !sg_bill_sum_up(bill, &sums))
        return SG_BILL_TOO_LARGE;
    bill->net = sums.net;
    bill->gross = sums.gross;
    bill->total = sums.total;
    for (size_t i = 0; i < bill->n_taxes; i++) {
        bill->taxes[i].base = sums.base[i];
        bill->taxes[i].amount = sums.amount[i];
    }
    return 0;
}

int sg_billing_finish(struct sg_billing *b, struct sg_bill *ret)
{
    int r;

    if (b->too_long)
        return SG_BILL_TOO_LONG;
    r = take_buckets(b);
    if (!r)
        r = work_out(b);
    if (r)
        return r;
    b->bill.missing = b->bill.expected - b->bill.billed - b->bill.estimated;
    sg_merkle_finish(&b->tree, b->bill.root);
    sg_sha256(b->bill.trace_sha256, sg_buf_bytes(&b->bill.trace));
    *ret = b->bill;
    b->bill = (struct sg_bill){.client = 0}; /* the lists are the caller's now */
    return 0;
}
