/* bill-check - a bill against itself and against another. */
#include "bill-money-int.h"

#include <sealgrid/base/cleanup.h>

#include <string.h>

/* ---- against itself ------------------------------------------------------------------------ */

static const char *bad_line(const struct sg_bill *b)
{
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct sg_bill_line *line = &b->lines[i];
        int64_t amount;
        if (line->has_rate && (!sg_bill_amount(b, line, &amount) || amount != line->amount))
            return line->code;
    }
    return NULL;
}

static const char *bad_count(const struct sg_bill *b)
{
    uint64_t readings = 0, estimated = 0;

    for (size_t i = 0; i < b->n_meters; i++)
        readings += b->meters[i].readings;
    for (size_t i = 0; i < b->n_estimates; i++)
        estimated += b->estimates[i].intervals;
    if (readings != b->billed || b->billed + b->estimated + b->missing != b->expected)
        return "readings";
    return estimated == b->estimated ? NULL : "estimates";
}

/* A bill of unsigned readings has no buckets; else every reading is in one. */
static const char *bad_buckets(const struct sg_bill *b)
{
    uint64_t readings = 0;

    for (size_t i = 0; i < b->n_buckets; i++)
        readings += b->buckets[i].readings;
    return b->n_buckets == 0 || readings == b->billed ? NULL : "buckets";
}

/* Energy after ratios from buckets and estimates; a bill of unsigned readings has none. */
static const char *bad_energy(const struct sg_bill *b)
{
    int64_t import = 0, export = 0;

    if (b->n_buckets == 0)
        return NULL;
    for (size_t m = 0; m < b->n_meters; m++) {
        __int128 in = 0, out = 0;
        for (size_t i = 0; i < b->n_buckets; i++) {
            in += b->buckets[i].meter == m ? b->buckets[i].import_wh : 0;
            out += b->buckets[i].meter == m ? b->buckets[i].export_wh : 0;
        }
        for (size_t i = 0; i < b->n_estimates; i++) {
            in += b->estimates[i].meter == m ? b->estimates[i].import_wh : 0;
            out += b->estimates[i].meter == m ? b->estimates[i].export_wh : 0;
        }
        if (__builtin_add_overflow(import, sg_bill_times_ratio(b, &b->meters[m], in), &import) ||
            __builtin_add_overflow(export, sg_bill_times_ratio(b, &b->meters[m], out), &export))
            return "energy";
    }
    return import == b->import_wh && export == b->export_wh ? NULL : "energy";
}

/* Choices by time, in their meter's part of the period. */
static const char *bad_choices(const struct sg_bill *b)
{
    for (size_t i = 0; i < b->n_resolved; i++) {
        const struct sg_bill_choice *c = &b->resolved[i];
        const struct sg_bill_meter *m = &b->meters[c->meter];
        if (c->ts_s <= m->from_s || c->ts_s > m->until_s || (i && c->ts_s <= c[-1].ts_s))
            return "resolved";
    }
    return NULL;
}

static const char *bad_sum(const struct sg_bill *b)
{
    struct sg_bill_sums s;

    if (!sg_bill_sum_up(b, &s))
        return "net";
    if (s.net != b->net)
        return "net";
    if (s.gross != b->gross)
        return "gross";
    for (size_t i = 0; i < b->n_taxes; i++)
        if (s.base[i] != b->taxes[i].base || s.amount[i] != b->taxes[i].amount)
            return b->taxes[i].name;
    return s.total == b->total ? NULL : "total";
}

const char *sg_bill_inconsistency(const struct sg_bill *b)
{
    const char *bad = bad_line(b);

    if (!bad)
        bad = bad_count(b);
    if (!bad)
        bad = bad_buckets(b);
    if (!bad)
        bad = bad_energy(b);
    if (!bad)
        bad = bad_choices(b);
    return bad ? bad : bad_sum(b);
}

/* ---- against another ----------------------------------------------------------------------- */

static bool same_line(const struct sg_bill_line *a, const struct sg_bill_line *b)
{
    return !strcmp(a->code, b->code) && a->from_day == b->from_day &&
           a->until_day == b->until_day && a->quantity == b->quantity && a->unit == b->unit &&
           a->has_rate == b->has_rate && a->rate == b->rate && a->days == b->days &&
           a->of_days == b->of_days && a->amount == b->amount;
}

static bool same_tax(const struct sg_bill_tax *a, const struct sg_bill_tax *b)
{
    return !strcmp(a->name, b->name) && a->rate_ppm == b->rate_ppm && a->base == b->base &&
           a->excludes == b->excludes && a->on_top == b->on_top && a->amount == b->amount;
}

static bool same_meter(const struct sg_bill_meter *a, const struct sg_bill_meter *b)
{
    return !strcmp(a->serial, b->serial) && a->from_s == b->from_s && a->until_s == b->until_s &&
           a->ratio_num == b->ratio_num && a->ratio_den == b->ratio_den &&
           a->readings == b->readings && a->has_certificate == b->has_certificate &&
           (!a->has_certificate || !memcmp(a->certificate_sha256, b->certificate_sha256, 32)) &&
           a->installed_s == b->installed_s && a->removed_s == b->removed_s;
}

static bool same_bucket(const struct sg_bucket *a, const struct sg_bucket *b)
{
    return a->meter == b->meter && a->post == b->post && a->from_day == b->from_day &&
           a->until_day == b->until_day && a->readings == b->readings &&
           a->import_wh == b->import_wh && a->export_wh == b->export_wh &&
           !memcmp(a->root, b->root, 32);
}

static bool same_estimate(const struct sg_bill_estimate *a, const struct sg_bill_estimate *b)
{
    return a->meter == b->meter && a->from_s == b->from_s && a->until_s == b->until_s &&
           !strcmp(a->rule, b->rule) && a->intervals == b->intervals &&
           a->import_wh == b->import_wh && a->export_wh == b->export_wh;
}

bool sg_bill_same_choice(const struct sg_bill_choice *a, const struct sg_bill_choice *b)
{
    return a->meter == b->meter && a->ts_s == b->ts_s && a->energy_wh == b->energy_wh &&
           !memcmp(a->chosen, b->chosen, sizeof(a->chosen)) && !strcmp(a->who, b->who) &&
           !strcmp(a->why, b->why) && a->resolved_s == b->resolved_s &&
           !memcmp(a->record_sha256, b->record_sha256, 32);
}

static bool same_credit(const struct sg_bill_credit *a, const struct sg_bill_credit *b)
{
    return a->month == b->month && a->post == b->post && a->wh == b->wh;
}

static const char *identity_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    if (a->client != b->client)
        return "client";
    if (a->from_s != b->from_s || a->until_s != b->until_s || a->days != b->days)
        return "period";
    if (strcmp(a->tariff_id, b->tariff_id) || memcmp(a->tariff_sha256, b->tariff_sha256, 32) ||
        strcmp(a->currency, b->currency) || a->decimals != b->decimals ||
        a->rounding != b->rounding || strcmp(a->zone, b->zone) || a->n_posts != b->n_posts ||
        a->interval_s != b->interval_s)
        return "tariff";
    for (size_t i = 0; i < a->n_posts; i++)
        if (strcmp(a->posts[i], b->posts[i]))
            return "tariff";
    return NULL;
}

/* One name for the first member that differs in two lists. */
#define LIST_DIFFERS(list, n, same, name)                                                          \
    do {                                                                                           \
        if (a->n != b->n)                                                                          \
            return name;                                                                           \
        for (size_t i = 0; i < a->n; i++)                                                          \
            if (!same(&a->list[i], &b->list[i]))                                                   \
                return name;                                                                       \
    } while (0)

static const char *source_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    LIST_DIFFERS(meters, n_meters, same_meter, "meters");
    if (a->expected != b->expected || a->billed != b->billed || a->estimated != b->estimated ||
        a->missing != b->missing)
        return "readings";
    if (a->has_estimates_hash != b->has_estimates_hash ||
        (a->has_estimates_hash && memcmp(a->estimates_sha256, b->estimates_sha256, 32)))
        return "estimates_sha256";
    LIST_DIFFERS(estimates, n_estimates, same_estimate, "estimates");
    LIST_DIFFERS(buckets, n_buckets, same_bucket, "buckets");
    LIST_DIFFERS(resolved, n_resolved, sg_bill_same_choice, "resolved");
    return a->import_wh == b->import_wh && a->export_wh == b->export_wh ? NULL : "energy";
}

static const char *charge_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    size_t n = a->n_lines < b->n_lines ? a->n_lines : b->n_lines;

    for (size_t i = 0; i < n; i++)
        if (!same_line(&a->lines[i], &b->lines[i]))
            return a->lines[i].code;
    if (a->n_lines != b->n_lines)
        return "lines";
    if (a->net != b->net)
        return "net";
    if (a->gross != b->gross)
        return "gross";
    if (a->n_taxes != b->n_taxes)
        return "taxes";
    for (size_t i = 0; i < a->n_taxes; i++)
        if (!same_tax(&a->taxes[i], &b->taxes[i]))
            return a->taxes[i].name;
    if (a->lighting != b->lighting)
        return "lighting";
    if (a->total != b->total)
        return "total";
    LIST_DIFFERS(credits, n_credits, same_credit, "credits");
    return NULL;
}

static const char *contract_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    if (a->has_contract != b->has_contract)
        return "contract";
    return a->has_contract && sg_contract_difference(&a->contract, &b->contract) ? "contract"
                                                                                 : NULL;
}

const char *sg_bill_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    const char *name = identity_difference(a, b);

    if (!name)
        name = contract_difference(a, b);
    if (!name)
        name = source_difference(a, b);
    if (!name)
        name = charge_difference(a, b);
    if (!name && memcmp(a->root, b->root, 32))
        name = "merkle_root";
    return name || !memcmp(a->trace_sha256, b->trace_sha256, 32) ? name : "trace_sha256";
}
