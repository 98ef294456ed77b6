/* bill-json - the bill as a file; docs/billing.md shows one. */
#include "bill-money-int.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define FORMAT 1

static void put_time(struct sg_json *j, const char *key, int64_t unix_s)
{
    char text[SG_RFC3339_MAX];

    sg_time_rfc3339(text, unix_s);
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_text(struct sg_json *j, const char *key, const char *text)
{
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_int(struct sg_json *j, const char *key, int64_t v)
{
    sg_json_key(j, key);
    sg_json_int(j, v);
}

static void put_hash(struct sg_json *j, const char *key, const uint8_t hash[32])
{
    sg_json_key(j, key);
    sg_json_hex(j, SG_BYTES(hash, 32));
}

static void put_decimal(struct sg_json *j, const char *key, int64_t v, unsigned digits,
                        unsigned min_decimals)
{
    char text[SG_DECIMAL_MAX];

    sg_decimal_format(text, v, digits, min_decimals);
    put_text(j, key, text);
}

static void put_amount(struct sg_json *j, const struct sg_bill *b, const char *key, int64_t v)
{
    put_decimal(j, key, v, b->decimals, b->decimals);
}

static void put_tariff(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "tariff");
    sg_json_object(j);
    put_text(j, "id", b->tariff_id);
    put_hash(j, "sha256", b->tariff_sha256);
    put_text(j, "currency", b->currency);
    put_int(j, "decimals", b->decimals);
    put_text(j, "rounding", b->rounding == SG_ROUND_HALF_UP ? "half-up" : "half-even");
    sg_json_end_object(j);
}

static void put_meters(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "meters");
    sg_json_array(j);
    for (size_t i = 0; i < b->n_meters; i++) {
        const struct sg_bill_meter *m = &b->meters[i];
        sg_json_object(j);
        put_text(j, "serial", m->serial);
        put_time(j, "from", m->from_s);
        put_time(j, "until", m->until_s);
        put_int(j, "ratio_num", m->ratio_num);
        put_int(j, "ratio_den", m->ratio_den);
        put_int(j, "readings", (int64_t)m->readings);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void put_readings(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "readings");
    sg_json_object(j);
    put_int(j, "interval_s", b->interval_s);
    put_int(j, "expected", (int64_t)b->expected);
    put_int(j, "billed", (int64_t)b->billed);
    put_int(j, "missing", (int64_t)b->missing);
    put_hash(j, "merkle_root", b->root);
    sg_json_end_object(j);
}

static void put_lines(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "lines");
    sg_json_array(j);
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct sg_bill_line *line = &b->lines[i];
        sg_json_object(j);
        put_text(j, "code", line->code);
        put_int(j, "energy_wh", line->energy_wh);
        put_decimal(j, "rate_per_kwh", line->rate, SG_RATE_DIGITS, 2);
        put_amount(j, b, "amount", line->amount);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void put_taxes(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "taxes");
    sg_json_array(j);
    for (size_t i = 0; i < b->n_taxes; i++) {
        const struct sg_bill_tax *tax = &b->taxes[i];
        sg_json_object(j);
        put_text(j, "name", tax->name);
        put_decimal(j, "percent", tax->rate_ppm, 4, 2);
        sg_json_key(j, "excludes");
        sg_json_array(j);
        for (size_t k = 0; k < i; k++)
            if (tax->excludes & UINT32_C(1) << k)
                sg_json_str(j, b->taxes[k].name);
        sg_json_end_array(j);
        put_amount(j, b, "base", tax->base);
        put_amount(j, b, "amount", tax->amount);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void put_bill(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_object(j);
    put_int(j, "format", FORMAT);
    put_int(j, "client", b->client);
    put_time(j, "from", b->from_s);
    put_time(j, "until", b->until_s);
    put_tariff(j, b);
    put_meters(j, b);
    put_readings(j, b);
    put_int(j, "energy_wh", b->energy_wh);
    put_lines(j, b);
    put_amount(j, b, "net", b->net);
    put_taxes(j, b);
    put_amount(j, b, "gross", b->gross);
    put_amount(j, b, "lighting", b->lighting);
    put_amount(j, b, "total", b->total);
    sg_json_end_object(j);
}

int sg_bill_canonical(const struct sg_bill *b, struct sg_buf *ret)
{
    struct sg_json j;

    sg_json_init(&j, ret);
    put_bill(&j, b);
    return sg_json_done(&j);
}

/* One step of the calculation a line, for people: the numbers are those of the bill. */
static void trace_line(struct sg_json *j, const struct sg_bill *b, const struct sg_bill_line *line)
{
    char rate[SG_DECIMAL_MAX], amount[SG_DECIMAL_MAX], text[256];

    sg_decimal_format(rate, line->rate, SG_RATE_DIGITS, 2);
    sg_decimal_format(amount, line->amount, b->decimals, b->decimals);
    if (line->rate || line->energy_wh)
        snprintf(text, sizeof(text), "%s: %lld Wh / 1000 x %s = %s", line->code,
                 (long long)line->energy_wh, rate, amount);
    else
        snprintf(text, sizeof(text), "%s: %s", line->code, amount);
    sg_json_str(j, text);
}

static void trace_tax(struct sg_json *j, const struct sg_bill *b, const struct sg_bill_tax *tax)
{
    char base[SG_DECIMAL_MAX], rate[SG_DECIMAL_MAX], amount[SG_DECIMAL_MAX], text[256];

    sg_decimal_format(base, tax->base, b->decimals, b->decimals);
    sg_decimal_format(rate, tax->rate_ppm, 4, 2);
    sg_decimal_format(amount, tax->amount, b->decimals, b->decimals);
    snprintf(text, sizeof(text), "%s: %s %% of %s = %s, inside the gross", tax->name, rate, base,
             amount);
    sg_json_str(j, text);
}

static void put_trace(struct sg_json *j, const struct sg_bill *b)
{
    char net[SG_DECIMAL_MAX], gross[SG_DECIMAL_MAX], light[SG_DECIMAL_MAX], total[SG_DECIMAL_MAX];
    char text[256];

    sg_decimal_format(net, b->net, b->decimals, b->decimals);
    sg_decimal_format(gross, b->gross, b->decimals, b->decimals);
    sg_decimal_format(light, b->lighting, b->decimals, b->decimals);
    sg_decimal_format(total, b->total, b->decimals, b->decimals);
    sg_json_array(j);
    for (size_t i = 0; i < b->n_lines; i++)
        trace_line(j, b, &b->lines[i]);
    snprintf(text, sizeof(text), "net %s, divided by one less the taxes' shares: gross %s", net,
             gross);
    sg_json_str(j, text);
    for (size_t i = 0; i < b->n_taxes; i++)
        trace_tax(j, b, &b->taxes[i]);
    snprintf(text, sizeof(text), "total: %s + lighting %s = %s", gross, light, total);
    sg_json_str(j, text);
    sg_json_end_array(j);
}

int sg_bill_write(const struct sg_bill *b, struct sg_buf *ret)
{
    static const char head[] = "{\"bill\":";
    uint8_t hash[32];
    struct sg_json j;
    int r = sg_buf_append(ret, sg_bytes_str(head));
    size_t start = ret->len;

    if (!r)
        r = sg_bill_canonical(b, ret);
    if (r)
        return r;
    sg_sha256(hash, SG_BYTES(ret->data + start, ret->len - start));
    r = sg_buf_append(ret, SG_BYTES_LIT(",\"sha256\":"));
    if (r)
        return r;
    sg_json_init(&j, ret);
    sg_json_hex(&j, SG_BYTES_ARRAY(hash));
    r = sg_json_done(&j);
    if (!r)
        r = sg_buf_append(ret, SG_BYTES_LIT(",\"trace\":"));
    if (r)
        return r;
    sg_json_init(&j, ret);
    put_trace(&j, b);
    r = sg_json_done(&j);
    return r ? r : sg_buf_append(ret, SG_BYTES_LIT("}\n"));
}
