/* bill-json - the bill as a file: ADR 9 has every member in its order. */
#include "bill-json-int.h"
#include "bill-money-int.h"

#include <sealgrid/crypto/hash.h>

#define FORMAT 2

static void put_amount(struct sg_json *j, const struct sg_bill *b, const char *key, int64_t v)
{
    sg_put_decimal(j, key, v, b->decimals, b->decimals);
}

static void put_tariff(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "tariff");
    sg_json_object(j);
    sg_put_text(j, "id", b->tariff_id);
    sg_put_hash(j, "sha256", b->tariff_sha256);
    sg_put_text(j, "currency", b->currency);
    sg_put_int(j, "decimals", b->decimals);
    sg_put_text(j, "rounding", b->rounding == SG_ROUND_HALF_UP ? "half-up" : "half-even");
    sg_put_text(j, "zone", b->zone);
    sg_json_key(j, "posts");
    sg_json_array(j);
    for (size_t i = 0; i < b->n_posts; i++)
        sg_json_str(j, b->posts[i]);
    sg_json_end_array(j);
    sg_json_end_object(j);
}

static void put_meter(struct sg_json *j, const struct sg_bill_meter *m)
{
    sg_json_object(j);
    sg_put_text(j, "serial", m->serial);
    sg_put_time(j, "from", m->from_s);
    sg_put_time(j, "until", m->until_s);
    sg_put_int(j, "ratio_num", m->ratio_num);
    sg_put_int(j, "ratio_den", m->ratio_den);
    sg_put_int(j, "readings", (int64_t)m->readings);
    if (m->has_certificate)
        sg_put_hash(j, "certificate", m->certificate_sha256);
    else
        sg_put_null(j, "certificate");
    if (m->installed_s == INT64_MIN)
        sg_put_null(j, "installed");
    else
        sg_put_time(j, "installed", m->installed_s);
    if (m->removed_s == INT64_MAX)
        sg_put_null(j, "removed");
    else
        sg_put_time(j, "removed", m->removed_s);
    sg_json_end_object(j);
}

static void put_readings(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "readings");
    sg_json_object(j);
    sg_put_int(j, "interval_s", b->interval_s);
    sg_put_int(j, "expected", (int64_t)b->expected);
    sg_put_int(j, "billed", (int64_t)b->billed);
    sg_put_int(j, "estimated", (int64_t)b->estimated);
    sg_put_int(j, "missing", (int64_t)b->missing);
    sg_put_hash(j, "merkle_root", b->root);
    if (b->has_estimates_hash)
        sg_put_hash(j, "estimates_sha256", b->estimates_sha256);
    else
        sg_put_null(j, "estimates_sha256");
    sg_json_end_object(j);
}

static void put_bucket(struct sg_json *j, const struct sg_bill *b, const struct sg_bucket *k)
{
    sg_json_object(j);
    sg_put_int(j, "meter", (int64_t)k->meter);
    sg_put_text(j, "post", b->posts[k->post]);
    sg_put_date(j, "from", k->from_day);
    sg_put_date(j, "until", k->until_day);
    sg_put_int(j, "readings", (int64_t)k->readings);
    sg_put_int(j, "import_wh", k->import_wh);
    sg_put_int(j, "export_wh", k->export_wh);
    sg_put_hash(j, "root", k->root);
    sg_json_end_object(j);
}

static void put_estimate(struct sg_json *j, const struct sg_bill_estimate *e)
{
    sg_json_object(j);
    sg_put_int(j, "meter", e->meter);
    sg_put_time(j, "from", e->from_s);
    sg_put_time(j, "until", e->until_s);
    sg_put_text(j, "rule", e->rule);
    sg_put_int(j, "intervals", (int64_t)e->intervals);
    sg_put_int(j, "import_wh", e->import_wh);
    sg_put_int(j, "export_wh", e->export_wh);
    sg_json_end_object(j);
}

static void put_choice(struct sg_json *j, const struct sg_bill_choice *c)
{
    sg_json_object(j);
    sg_put_int(j, "meter", c->meter);
    sg_put_time(j, "until", c->ts_s);
    if (c->energy_wh == INT64_MIN)
        sg_put_null(j, "energy_wh");
    else
        sg_put_int(j, "energy_wh", c->energy_wh);
    sg_json_key(j, "chosen");
    sg_json_hex(j, SG_BYTES_ARRAY(c->chosen));
    sg_put_text(j, "by", c->who);
    sg_put_time(j, "resolved", c->resolved_s);
    sg_put_text(j, "why", c->why);
    sg_put_hash(j, "record", c->record_sha256);
    sg_json_end_object(j);
}

static void put_pieces_dates(struct sg_json *j, const struct sg_bill_line *line)
{
    if (line->from_day == SG_BILL_WHOLE) {
        sg_put_null(j, "from");
        sg_put_null(j, "until");
        return;
    }
    sg_put_date(j, "from", line->from_day);
    sg_put_date(j, "until", line->until_day);
}

static void put_line(struct sg_json *j, const struct sg_bill *b, const struct sg_bill_line *line)
{
    unsigned digits = sg_bill_unit_digits[line->unit];

    sg_json_object(j);
    sg_put_text(j, "code", line->code);
    put_pieces_dates(j, line);
    sg_put_decimal(j, "quantity", line->quantity, digits, digits);
    sg_put_text(j, "unit", sg_bill_unit_words[line->unit]);
    if (line->has_rate)
        sg_put_decimal(j, "rate", line->rate, SG_RATE_DIGITS, 2);
    else
        sg_put_null(j, "rate");
    sg_json_key(j, "weight");
    if (line->of_days) {
        sg_json_array(j);
        sg_json_int(j, line->days);
        sg_json_int(j, line->of_days);
        sg_json_end_array(j);
    } else {
        sg_json_null(j);
    }
    put_amount(j, b, "amount", line->amount);
    sg_json_end_object(j);
}

static void put_tax(struct sg_json *j, const struct sg_bill *b, size_t i)
{
    const struct sg_bill_tax *tax = &b->taxes[i];

    sg_json_object(j);
    sg_put_text(j, "name", tax->name);
    sg_put_decimal(j, "percent", tax->rate_ppm, 4, 2);
    sg_json_key(j, "excludes");
    sg_json_array(j);
    for (size_t k = 0; k < i; k++)
        if (tax->excludes & UINT32_C(1) << k)
            sg_json_str(j, b->taxes[k].name);
    sg_json_end_array(j);
    sg_json_key(j, "on_top");
    sg_json_bool(j, tax->on_top);
    put_amount(j, b, "base", tax->base);
    put_amount(j, b, "amount", tax->amount);
    sg_json_end_object(j);
}

static void put_credit(struct sg_json *j, const struct sg_bill *b, const struct sg_bill_credit *c)
{
    sg_json_object(j);
    sg_put_month(j, "month", c->month);
    sg_put_text(j, "post", b->posts[c->post]);
    sg_put_decimal(j, "kwh", c->wh, 3, 3);
    sg_json_end_object(j);
}

#define PUT_LIST(key, n, put)                                                                      \
    do {                                                                                           \
        sg_json_key(j, key);                                                                       \
        sg_json_array(j);                                                                          \
        for (size_t i = 0; i < (n); i++)                                                           \
            put;                                                                                   \
        sg_json_end_array(j);                                                                      \
    } while (0)

static void put_energy(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_key(j, "energy");
    sg_json_object(j);
    sg_put_int(j, "import_wh", b->import_wh);
    sg_put_int(j, "export_wh", b->export_wh);
    sg_json_end_object(j);
}

static void put_bill(struct sg_json *j, const struct sg_bill *b)
{
    sg_json_object(j);
    sg_put_int(j, "format", FORMAT);
    sg_put_int(j, "client", b->client);
    sg_put_time(j, "from", b->from_s);
    sg_put_time(j, "until", b->until_s);
    sg_put_int(j, "days", b->days);
    put_tariff(j, b);
    sg_json_key(j, "contract");
    if (b->has_contract)
        sg_put_contract(j, &b->contract);
    else
        sg_json_null(j);
    PUT_LIST("meters", b->n_meters, put_meter(j, &b->meters[i]));
    put_readings(j, b);
    PUT_LIST("buckets", b->n_buckets, put_bucket(j, b, &b->buckets[i]));
    PUT_LIST("estimates", b->n_estimates, put_estimate(j, &b->estimates[i]));
    PUT_LIST("resolved", b->n_resolved, put_choice(j, &b->resolved[i]));
    put_energy(j, b);
    PUT_LIST("lines", b->n_lines, put_line(j, b, &b->lines[i]));
    put_amount(j, b, "net", b->net);
    PUT_LIST("taxes", b->n_taxes, put_tax(j, b, i));
    put_amount(j, b, "gross", b->gross);
    put_amount(j, b, "lighting", b->lighting);
    put_amount(j, b, "total", b->total);
    PUT_LIST("credits", b->n_credits, put_credit(j, b, &b->credits[i]));
    sg_put_hash(j, "trace_sha256", b->trace_sha256);
    sg_json_end_object(j);
}

int sg_bill_canonical(const struct sg_bill *b, struct sg_buf *ret)
{
    struct sg_json j;

    sg_json_init(&j, ret);
    put_bill(&j, b);
    return sg_json_done(&j);
}

/* What stands beside the object. */
static int put_rest(const struct sg_bill *b, const uint8_t hash[32], struct sg_buf *ret)
{
    struct sg_json j;
    int r = sg_buf_append(ret, SG_BYTES_LIT(",\"sha256\":"));

    if (r)
        return r;
    sg_json_init(&j, ret);
    sg_json_hex(&j, SG_BYTES(hash, 32));
    r = sg_json_done(&j);
    if (!r)
        r = sg_buf_append(ret, SG_BYTES_LIT(",\"trace\":"));
    if (!r)
        r = sg_buf_append(ret, sg_buf_bytes(&b->trace));
    return r ? r : sg_buf_append(ret, SG_BYTES_LIT("}\n"));
}

int sg_bill_write(const struct sg_bill *b, struct sg_buf *ret)
{
    uint8_t hash[32];
    int r = sg_buf_append(ret, SG_BYTES_LIT("{\"bill\":"));
    size_t start = ret->len;

    if (!r)
        r = sg_bill_canonical(b, ret);
    if (r)
        return r;
    sg_sha256(hash, SG_BYTES(ret->data + start, ret->len - start));
    return put_rest(b, hash, ret);
}
