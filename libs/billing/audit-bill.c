/* audit-bill - the bill made again from what is vouched for. */
#include "audit-int.h"

#include <sealgrid/base/cleanup.h>

#include <ctype.h>
#include <stdio.h>

static void report_bill(struct sg_audit *a, enum sg_audit_code code, const char *text)
{
    const struct sg_audit_finding f = {.code = code, .ts_s = INT64_MIN, .text = text};
    sg_audit_report(a, &f);
}

static void report_number(struct sg_audit *a, const char *member)
{
    char text[SG_BILL_CODE_MAX + 64];

    snprintf(text, sizeof(text), "%s does not follow", member);
    report_bill(a, SG_AUDIT_BILL_ARITHMETIC, text);
}

/* As a name of a zone can be: it goes into a text that is parsed. */
static bool is_zone(const char *zone)
{
    for (; *zone; zone++)
        if (!isalnum((unsigned char)*zone) && !strchr("_+-/", *zone))
            return false;
    return true;
}

enum neutral_outcome { NEUTRAL_ZONE = 1 };

/* A tariff that sees energy and nothing else, for when the real one is not given; it has the real
 * one's id, which a contract may ask for. */
static int make_neutral(const struct sg_bill *bill, struct sg_tariff **ret)
{
    char yaml[512];
    struct sg_yaml_error why;

    if (!is_zone(bill->zone))
        return NEUTRAL_ZONE;
    snprintf(yaml, sizeof(yaml),
             "format: 2\nid: neutral\ncurrency: XXX\ndecimals: 2\nzone: %s\n"
             "interval_minutes: %u\nrounding: %s\nposts: [{name: all}]\n"
             "charges: [{name: none, kind: energy, rates: [{rate: 0}]}]\n",
             bill->zone, bill->interval_s / 60,
             bill->rounding == SG_ROUND_HALF_UP ? "half-up" : "half-even");
    int r = sg_tariff_parse(ret, sg_bytes_str(yaml), &why);
    if (!r)
        memcpy((*ret)->id, bill->tariff_id, sizeof(bill->tariff_id));
    return r;
}

static int add_item(struct sg_audit *a, struct sg_billing *b, const struct sg_audit_item *item)
{
    if (item->state != SG_ITEM_OK || item->energy_wh == SG_READING_NA)
        return 0;
    const struct sg_bill_reading reading = {
        .serial = item->record->serial,
        .ts_s = item->ts_s,
        .energy_wh = item->energy_wh,
        .reactive_varh = item->reactive_varh == SG_READING_NA ? INT64_MIN : item->reactive_varh,
        .leaf = item->leaf};
    int r = sg_billing_add(b, &reading);
    if (r > 0)
        sg_audit_report_item(a, SG_AUDIT_BILL_ARITHMETIC, item, sg_bill_outcome_word(r));
    return r < 0 ? r : 0;
}

/* The meter that stood there then; "": none did. */
static const char *meter_at(const struct sg_audit *a, int64_t ts_s)
{
    size_t n;
    const struct sg_installation *records =
        sg_installations_of_client(a->in->installations, a->in->bill->client, &n);

    for (size_t i = 0; i < n; i++)
        if (ts_s > records[i].from_s && ts_s <= records[i].until_s)
            return records[i].serial;
    return "";
}

static int add_estimate(struct sg_audit *a, struct sg_billing *b, const struct sg_vee_estimate *e)
{
    const struct sg_bill_reading reading = {
        .serial = meter_at(a, e->ts_s),
        .ts_s = e->ts_s,
        .energy_wh = e->energy_wh,
        .reactive_varh = e->reactive_varh == SG_READING_NA ? INT64_MIN : e->reactive_varh,
        .estimated = e->rule};
    int r = sg_billing_add(b, &reading);
    const struct sg_audit_finding f = {.code = SG_AUDIT_BILL_ARITHMETIC,
                                       .ts_s = e->ts_s,
                                       .count = 1,
                                       .text = sg_bill_outcome_word(r)};

    if (r > 0)
        sg_audit_report(a, &f);
    return r < 0 ? r : 0;
}

/* Readings and estimates in the order of their time. */
static int add_items(struct sg_audit *a, struct sg_billing *b)
{
    size_t e = 0;
    int r = 0;

    for (size_t i = 0; i < a->items.n && !r; i++) {
        for (; e < a->told.n && a->told.items[e].ts_s <= a->items.list[i].ts_s && !r; e++)
            r = add_estimate(a, b, &a->told.items[e]);
        if (!r)
            r = add_item(a, b, &a->items.list[i]);
    }
    for (; e < a->told.n && !r; e++)
        r = add_estimate(a, b, &a->told.items[e]);
    return r;
}

/* Records as the engine takes them; the hashes are the certificates'. */
struct records {
    struct sg_bill_install *list;
    uint8_t (*sha256)[32];
    size_t n;
};

static void clear_records(struct records *r)
{
    free(r->list);
    free(r->sha256);
}

static int list_installs(const struct sg_audit *a, struct records *ret)
{
    const struct sg_installation *records =
        sg_installations_of_client(a->in->installations, a->in->bill->client, &ret->n);

    ret->list = calloc(ret->n + 1, sizeof(*ret->list));
    ret->sha256 = calloc(ret->n + 1, sizeof(*ret->sha256));
    if (!ret->list || !ret->sha256)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < ret->n; i++) {
        sg_installation_fingerprint(&records[i], ret->sha256[i]);
        ret->list[i] =
            (struct sg_bill_install){records[i].serial,    records[i].from_s,    records[i].until_s,
                                     records[i].ratio_num, records[i].ratio_den, ret->sha256[i]};
    }
    return 0;
}

/* Of an outcome of sg_billing_new. */
static enum sg_audit_code code_of(const struct sg_audit *a, int outcome)
{
    switch (outcome) {
    case SG_BILL_BAD_RECORD:
        return SG_AUDIT_INSTALLATION_BAD;
    case SG_BILL_NO_CONTRACT:
    case SG_BILL_OTHER_TARIFF:
    case SG_BILL_CONTRACT_CHANGED:
        return a->in->contracts ? SG_AUDIT_CONTRACT : SG_AUDIT_BILL_TARIFF;
    default:
        return SG_AUDIT_BILL_TARIFF;
    }
}

/* The contracts to work out the bill by: the authority's, one that says the same as the bill's in
 * the bill's order; or the bill's own, as a claim on its face.  The caller frees the list, which
 * owns nothing. */
static int list_contracts(const struct sg_audit *a, struct sg_contracts *ret)
{
    const struct sg_bill *bill = a->in->bill;
    const struct sg_contract *of_client = &bill->contract;
    size_t n = bill->has_contract;

    if (a->in->contracts)
        of_client = sg_contracts_of_client(a->in->contracts, bill->client, &n);
    ret->list = calloc(n + 1, sizeof(*ret->list));
    if (!ret->list)
        return sg_raise(-ENOMEM);
    for (; ret->n < n; ret->n++) {
        struct sg_contract *c = &ret->list[ret->n];
        *c = of_client[ret->n];
        if (bill->has_contract && !sg_contract_difference(c, &bill->contract))
            *c = bill->contract;
        c->client = bill->client;
    }
    return 0;
}

static void free_contract_list(struct sg_contracts *c)
{
    free(c->list);
}

/* 0 and *ret, or 0 and *ret_done false: reported why there is no bill to compare with. */
static int recompute(struct sg_audit *a, const struct sg_tariff *t, struct sg_bill *ret,
                     bool *ret_done)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(clear_records) struct records records = {NULL, NULL, 0};
    const struct sg_bill *bill = a->in->bill;
    SG_CLEANUP(free_contract_list) struct sg_contracts contracts = {NULL, 0};
    struct sg_bill_input in = {.tariff = t,
                               .client = bill->client,
                               .from_s = bill->from_s,
                               .until_s = bill->until_s,
                               .contracts = &contracts};
    int r = list_installs(a, &records);

    *ret_done = false;
    if (!r)
        r = list_contracts(a, &contracts);
    if (r)
        return r;
    in.installs = records.list;
    in.n_installs = records.n;
    r = sg_billing_new(&b, &in);
    if (r > 0)
        report_bill(a, code_of(a, r), sg_bill_outcome_word(r));
    if (!r)
        r = add_items(a, b);
    if (r)
        return r < 0 ? r : 0;
    if (bill->has_estimates_hash)
        sg_billing_set_estimates(b, bill->estimates_sha256);
    r = sg_billing_finish(b, ret);
    if (r > 0)
        report_bill(a, code_of(a, r), sg_bill_outcome_word(r));
    *ret_done = r == 0;
    return r < 0 ? r : 0;
}

/* What a bill does not claim of its meters (it was made without records) cannot be wrong. */
static void leave_out(const struct sg_bill *bill, struct sg_bill *again)
{
    for (size_t i = 0; i < bill->n_meters && i < again->n_meters; i++) {
        if (!bill->meters[i].has_certificate)
            again->meters[i].has_certificate = false;
        if (bill->meters[i].installed_s == INT64_MIN) {
            again->meters[i].installed_s = INT64_MIN;
            again->meters[i].removed_s = bill->meters[i].removed_s;
        }
    }
}

/* What can be said of the bill without its tariff: meters, counts, energy, readings. */
static const char *neutral_difference(const struct sg_bill *bill, const struct sg_bill *again)
{
    struct sg_bill same = *bill; /* borrows its lists */

    same.n_meters = again->n_meters;
    memcpy(same.meters, again->meters, sizeof(same.meters));
    same.days = again->days;
    same.expected = again->expected;
    same.billed = again->billed;
    same.estimated = again->estimated;
    same.missing = again->missing;
    same.import_wh = again->import_wh;
    same.export_wh = again->export_wh;
    return sg_bill_difference(bill, &same);
}

/* Every meter on the bill against the record that placed it there. */
static void check_ratios(struct sg_audit *a)
{
    const struct sg_bill *bill = a->in->bill;

    for (size_t i = 0; i < bill->n_meters; i++) {
        const struct sg_bill_meter *m = &bill->meters[i];
        bool known;
        const struct sg_installation *record =
            sg_installations_of_serial(a->in->installations, m->serial, m->until_s, &known);
        if (!record || (record->ratio_num == m->ratio_num && record->ratio_den == m->ratio_den))
            continue;
        const struct sg_audit_finding f = {.code = SG_AUDIT_INSTALLATION_RATIO,
                                           .serial = m->serial,
                                           .ts_s = INT64_MIN,
                                           .text = "the bill has another ratio than the record"};
        sg_audit_report(a, &f);
    }
}

/* The bill's contract against the authority's, by which it was worked out again. */
static void check_contract(struct sg_audit *a, const struct sg_bill *again)
{
    const struct sg_bill *bill = a->in->bill;
    char text[64];

    if (!bill->has_contract && !again->has_contract)
        return;
    if (bill->has_contract != again->has_contract) {
        report_bill(a, SG_AUDIT_CONTRACT,
                    bill->has_contract ? "the authority has no such contract"
                                       : "the contract is not on the bill");
        return;
    }
    const char *differs = sg_contract_difference(&bill->contract, &again->contract);
    if (!differs)
        return;
    snprintf(text, sizeof(text), "%s is not the authority's", differs);
    report_bill(a, SG_AUDIT_CONTRACT, text);
}

static void compare(struct sg_audit *a, const char *wrong, struct sg_bill *again)
{
    struct sg_bill told = *a->in->bill; /* borrows its lists */

    if (memcmp(again->root, told.root, 32))
        report_bill(a, SG_AUDIT_BILL_ROOT, "the Merkle root is not over the readings in evidence");
    if (a->in->contracts)
        check_contract(a, again);
    /* Judged by now: these, and the choices by their records. */
    memcpy(told.root, again->root, 32);
    told.has_contract = again->has_contract;
    told.contract = again->contract;
    told.resolved = again->resolved;
    told.n_resolved = again->n_resolved;
    leave_out(&told, again);
    const char *differs =
        a->in->tariff ? sg_bill_difference(&told, again) : neutral_difference(&told, again);
    if (differs && (!wrong || strcmp(differs, wrong)))
        report_number(a, differs);
}

int sg_audit_bill(struct sg_audit *a)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *neutral = NULL;
    SG_CLEANUP(sg_bill_clear) struct sg_bill again = {.client = 0};
    const struct sg_bill *bill = a->in->bill;
    const struct sg_tariff *t = a->in->tariff;
    const char *wrong = sg_bill_inconsistency(bill);
    bool done = false;
    int r;

    if (!a->in->bill_hash_ok)
        report_bill(a, SG_AUDIT_BILL_HASH, "the bill's hash is not that of its contents");
    if (a->in->bill_trace_bad)
        report_bill(a, SG_AUDIT_BILL_TRACE, "what explains the bill does not follow from it");
    if (wrong)
        report_number(a, wrong);
    check_ratios(a);
    if (t && memcmp(t->sha256, bill->tariff_sha256, 32))
        report_bill(a, SG_AUDIT_BILL_TARIFF, "the bill was made by another tariff");
    r = t ? 0 : make_neutral(bill, &neutral);
    if (r > 0) {
        report_number(a, "tariff");
        return 0;
    }
    if (!r)
        r = recompute(a, t ? t : neutral, &again, &done);
    if (!r && done)
        compare(a, wrong, &again);
    return r;
}
