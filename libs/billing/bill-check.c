/* bill-check - a bill against itself and against another. */
#include "bill-money-int.h"

#include <string.h>

static bool line_ok(const struct sg_bill *b, const struct sg_bill_line *line)
{
    /* The minimum's amount follows from the tariff, not from the bill. */
    return !strcmp(line->code, "minimum") ||
           line->amount == sg_bill_amount(b, line->energy_wh, line->rate);
}

static bool is_energy(const struct sg_bill_line *line)
{
    return !strncmp(line->code, "energy.", 7);
}

const char *sg_bill_inconsistency(const struct sg_bill *b)
{
    struct sg_bill again = *b;
    uint64_t readings = 0;
    int64_t energy = 0;

    for (size_t i = 0; i < b->n_lines; i++) {
        if (!line_ok(b, &b->lines[i]))
            return b->lines[i].code;
        if (is_energy(&b->lines[i]))
            energy += b->lines[i].energy_wh;
    }
    for (size_t i = 0; i < b->n_meters; i++)
        readings += b->meters[i].readings;
    if (energy != b->energy_wh)
        return "energy_wh";
    if (readings != b->billed || b->billed + b->missing != b->expected)
        return "readings";
    sg_bill_sum_up(&again);
    return sg_bill_difference(b, &again);
}

static bool same_line(const struct sg_bill_line *a, const struct sg_bill_line *b)
{
    return !strcmp(a->code, b->code) && a->energy_wh == b->energy_wh && a->rate == b->rate &&
           a->amount == b->amount;
}

static bool same_tax(const struct sg_bill_tax *a, const struct sg_bill_tax *b)
{
    return !strcmp(a->name, b->name) && a->rate_ppm == b->rate_ppm && a->base == b->base &&
           a->excludes == b->excludes && a->amount == b->amount;
}

static bool same_meter(const struct sg_bill_meter *a, const struct sg_bill_meter *b)
{
    return !strcmp(a->serial, b->serial) && a->from_s == b->from_s && a->until_s == b->until_s &&
           a->ratio_num == b->ratio_num && a->ratio_den == b->ratio_den &&
           a->readings == b->readings;
}

static const char *identity_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    if (a->client != b->client)
        return "client";
    if (a->from_s != b->from_s || a->until_s != b->until_s)
        return "period";
    if (strcmp(a->tariff_id, b->tariff_id) || memcmp(a->tariff_sha256, b->tariff_sha256, 32) ||
        strcmp(a->currency, b->currency) || a->decimals != b->decimals ||
        a->rounding != b->rounding || a->interval_s != b->interval_s)
        return "tariff";
    return NULL;
}

static const char *content_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    if (a->n_meters != b->n_meters)
        return "meters";
    for (size_t i = 0; i < a->n_meters; i++)
        if (!same_meter(&a->meters[i], &b->meters[i]))
            return "meters";
    if (a->expected != b->expected || a->billed != b->billed || a->missing != b->missing)
        return "readings";
    if (a->n_lines != b->n_lines)
        return "lines";
    for (size_t i = 0; i < a->n_lines; i++)
        if (!same_line(&a->lines[i], &b->lines[i]))
            return a->lines[i].code;
    return NULL;
}

static const char *total_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    if (a->energy_wh != b->energy_wh)
        return "energy_wh";
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
    return memcmp(a->root, b->root, 32) ? "merkle_root" : NULL;
}

const char *sg_bill_difference(const struct sg_bill *a, const struct sg_bill *b)
{
    const char *name = identity_difference(a, b);

    if (!name)
        name = content_difference(a, b);
    return name ? name : total_difference(a, b);
}
