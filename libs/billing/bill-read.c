/* bill-read - a bill from its file: the adaptor over jansson. */
#include "bill-get-int.h"
#include "bill-money-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

#define DAYS_MAX 100000

static bool read_posts(const json_t *list, struct sg_bill *b)
{
    if (!json_is_array(list) || json_array_size(list) > SG_TARIFF_POSTS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!sg_get_string(json_array_get(list, i), b->posts[b->n_posts++], sizeof(b->posts[0])))
            return false;
    return true;
}

static bool read_tariff(const json_t *o, struct sg_bill *b)
{
    char rounding[16];
    int64_t decimals;

    if (!sg_get_text(o, "id", b->tariff_id, sizeof(b->tariff_id)) ||
        !sg_get_hash(o, "sha256", b->tariff_sha256) ||
        !sg_get_text(o, "currency", b->currency, sizeof(b->currency)) ||
        !sg_get_int(o, "decimals", &decimals) || decimals < 0 || decimals > 4 ||
        !sg_get_text(o, "rounding", rounding, sizeof(rounding)) ||
        !sg_get_text(o, "zone", b->zone, sizeof(b->zone)))
        return false;
    b->decimals = (unsigned)decimals;
    b->rounding = strcmp(rounding, "half-up") ? SG_ROUND_HALF_EVEN : SG_ROUND_HALF_UP;
    return read_posts(json_object_get(o, "posts"), b);
}

static bool read_meter(const json_t *o, struct sg_bill_meter *m)
{
    if (!sg_get_text(o, "serial", m->serial, sizeof(m->serial)) ||
        !sg_get_time(o, "from", &m->from_s) || !sg_get_time(o, "until", &m->until_s) ||
        !sg_get_int(o, "ratio_num", &m->ratio_num) || !sg_get_int(o, "ratio_den", &m->ratio_den) ||
        m->ratio_num < 1 || m->ratio_num > 1000000 || m->ratio_den < 1 || m->ratio_den > 1000000 ||
        !sg_get_count(o, "readings", &m->readings))
        return false;
    m->has_certificate = !sg_is_null(o, "certificate");
    if (m->has_certificate && !sg_get_hash(o, "certificate", m->certificate_sha256))
        return false;
    m->installed_s = INT64_MIN;
    m->removed_s = INT64_MAX;
    return (sg_is_null(o, "installed") || sg_get_time(o, "installed", &m->installed_s)) &&
           (sg_is_null(o, "removed") || sg_get_time(o, "removed", &m->removed_s));
}

static bool read_meters(const json_t *list, struct sg_bill *b)
{
    if (!json_is_array(list) || json_array_size(list) > SG_BILL_METERS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_meter(json_array_get(list, i), &b->meters[b->n_meters++]))
            return false;
    return true;
}

static bool read_readings(const json_t *o, struct sg_bill *b)
{
    int64_t interval;

    if (!sg_get_int(o, "interval_s", &interval) || interval < 60 || interval > 86400)
        return false;
    b->interval_s = (uint32_t)interval;
    b->has_estimates_hash = !sg_is_null(o, "estimates_sha256");
    if (b->has_estimates_hash && !sg_get_hash(o, "estimates_sha256", b->estimates_sha256))
        return false;
    return sg_get_count(o, "expected", &b->expected) && sg_get_count(o, "billed", &b->billed) &&
           sg_get_count(o, "estimated", &b->estimated) && sg_get_count(o, "missing", &b->missing) &&
           sg_get_hash(o, "merkle_root", b->root);
}

static bool read_meter_index(const json_t *o, const struct sg_bill *b, uint32_t *ret)
{
    uint64_t v;

    if (!sg_get_count(o, "meter", &v) || v >= b->n_meters)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static bool read_post(const json_t *o, const struct sg_bill *b, uint32_t *ret)
{
    char post[SG_TARIFF_NAME_MAX + 1];

    if (!sg_get_text(o, "post", post, sizeof(post)))
        return false;
    for (*ret = 0; *ret < b->n_posts; (*ret)++)
        if (!strcmp(b->posts[*ret], post))
            return true;
    return false;
}

static bool read_bucket(const json_t *o, const struct sg_bill *b, struct sg_bucket *k)
{
    return read_meter_index(o, b, &k->meter) && read_post(o, b, &k->post) &&
           sg_get_date(o, "from", &k->from_day) && sg_get_date(o, "until", &k->until_day) &&
           sg_get_count(o, "readings", &k->readings) && sg_get_int(o, "import_wh", &k->import_wh) &&
           k->import_wh >= 0 && sg_get_int(o, "export_wh", &k->export_wh) && k->export_wh >= 0 &&
           sg_get_hash(o, "root", k->root);
}

static bool read_buckets(const json_t *list, struct sg_bill *b)
{
    if (!sg_get_list(list, SG_BUCKETS_MAX, sizeof(*b->buckets), (void **)&b->buckets))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_bucket(json_array_get(list, i), b, &b->buckets[b->n_buckets++]))
            return false;
    return true;
}

static bool read_estimates(const json_t *list, struct sg_bill *b)
{
    if (!sg_get_list(list, SG_BILL_ESTIMATES_MAX, sizeof(*b->estimates), (void **)&b->estimates))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_bill_estimate *e = &b->estimates[b->n_estimates++];
        if (!read_meter_index(o, b, &e->meter) || !sg_get_time(o, "from", &e->from_s) ||
            !sg_get_time(o, "until", &e->until_s) ||
            !sg_get_text(o, "rule", e->rule, sizeof(e->rule)) ||
            !sg_get_count(o, "intervals", &e->intervals) ||
            !sg_get_int(o, "import_wh", &e->import_wh) || e->import_wh < 0 ||
            !sg_get_int(o, "export_wh", &e->export_wh) || e->export_wh < 0)
            return false;
    }
    return true;
}

static bool read_choice(const json_t *o, const struct sg_bill *b, struct sg_bill_choice *c)
{
    c->energy_wh = INT64_MIN;
    return read_meter_index(o, b, &c->meter) && sg_get_time(o, "until", &c->ts_s) &&
           (sg_is_null(o, "energy_wh") || sg_get_int(o, "energy_wh", &c->energy_wh)) &&
           sg_get_octets(o, "chosen", c->chosen, sizeof(c->chosen)) &&
           sg_get_text(o, "by", c->who, sizeof(c->who)) &&
           sg_get_time(o, "resolved", &c->resolved_s) &&
           sg_get_text(o, "why", c->why, sizeof(c->why)) &&
           sg_get_hash(o, "record", c->record_sha256);
}

static bool read_resolved(const json_t *list, struct sg_bill *b)
{
    if (!sg_get_list(list, SG_BILL_CHOICES_MAX, sizeof(*b->resolved), (void **)&b->resolved))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_choice(json_array_get(list, i), b, &b->resolved[b->n_resolved++]))
            return false;
    return true;
}

static bool read_unit(const json_t *o, enum sg_bill_unit *ret)
{
    char word[8];

    if (!sg_get_text(o, "unit", word, sizeof(word)))
        return false;
    for (size_t i = 0; i < SG_BILL_N_UNITS; i++) {
        if (strcmp(word, sg_bill_unit_words[i]))
            continue;
        *ret = (enum sg_bill_unit)i;
        return true;
    }
    return false;
}

static bool read_weight(const json_t *o, struct sg_bill_line *line)
{
    const json_t *list = json_object_get(o, "weight");

    if (json_is_null(list))
        return true;
    if (!json_is_array(list) || json_array_size(list) != 2)
        return false;
    line->days = json_integer_value(json_array_get(list, 0));
    line->of_days = json_integer_value(json_array_get(list, 1));
    return line->days >= 0 && line->days <= DAYS_MAX && line->of_days >= 1 &&
           line->of_days <= DAYS_MAX;
}

static bool read_line(const json_t *o, const struct sg_bill *b, struct sg_bill_line *line)
{
    line->has_rate = !sg_is_null(o, "rate");
    line->from_day = line->until_day = SG_BILL_WHOLE;
    return sg_get_text(o, "code", line->code, sizeof(line->code)) && read_unit(o, &line->unit) &&
           (sg_is_null(o, "from") || (sg_get_date(o, "from", &line->from_day) &&
                                      sg_get_date(o, "until", &line->until_day))) &&
           sg_get_decimal(o, "quantity", sg_bill_unit_digits[line->unit], &line->quantity) &&
           (!line->has_rate || sg_get_decimal(o, "rate", SG_RATE_DIGITS, &line->rate)) &&
           read_weight(o, line) && sg_get_decimal(o, "amount", b->decimals, &line->amount);
}

static bool read_lines(const json_t *list, struct sg_bill *b)
{
    if (!sg_get_list(list, SG_BILL_LINES_MAX, sizeof(*b->lines), (void **)&b->lines))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_line(json_array_get(list, i), b, &b->lines[b->n_lines++]))
            return false;
    return true;
}

static bool read_excludes(const json_t *list, const struct sg_bill *b, size_t tax, uint32_t *ret)
{
    if (!json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        for (size_t k = 0; name && k < tax; k++)
            if (!strcmp(b->taxes[k].name, name))
                *ret |= UINT32_C(1) << k;
    }
    return true;
}

static bool read_taxes(const json_t *list, struct sg_bill *b)
{
    if (!json_is_array(list) || json_array_size(list) > SG_TARIFF_TAXES_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_bill_tax *tax = &b->taxes[b->n_taxes++];
        tax->on_top = json_is_true(json_object_get(o, "on_top"));
        if (!sg_get_text(o, "name", tax->name, sizeof(tax->name)) ||
            !sg_get_decimal(o, "percent", 4, &tax->rate_ppm) || tax->rate_ppm < 0 ||
            tax->rate_ppm > 1000000 ||
            !read_excludes(json_object_get(o, "excludes"), b, i, &tax->excludes) ||
            !sg_get_decimal(o, "base", b->decimals, &tax->base) ||
            !sg_get_decimal(o, "amount", b->decimals, &tax->amount))
            return false;
    }
    return true;
}

static bool read_credits(const json_t *list, struct sg_bill *b)
{
    if (!sg_get_list(list, SG_BILL_CREDITS_MAX, sizeof(*b->credits), (void **)&b->credits))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_bill_credit *c = &b->credits[b->n_credits++];
        if (!sg_get_month(o, "month", &c->month) || !read_post(o, b, &c->post) ||
            !sg_get_decimal(o, "kwh", 3, &c->wh))
            return false;
    }
    return true;
}

static bool read_contract(const json_t *o, struct sg_bill *b)
{
    if (json_is_null(o))
        return true;
    b->has_contract = true;
    b->contract.client = b->client;
    return sg_get_contract(o, &b->contract);
}

static bool read_energy(const json_t *o, struct sg_bill *b)
{
    return sg_get_int(o, "import_wh", &b->import_wh) && sg_get_int(o, "export_wh", &b->export_wh);
}

static bool read_bill(const json_t *o, struct sg_bill *b)
{
    /* The tariff's decimals and posts and the meters come before what is read by them. */
    return sg_get_int(o, "client", &b->client) && sg_get_time(o, "from", &b->from_s) &&
           sg_get_time(o, "until", &b->until_s) && sg_get_int(o, "days", &b->days) &&
           read_tariff(json_object_get(o, "tariff"), b) &&
           read_contract(json_object_get(o, "contract"), b) &&
           read_meters(json_object_get(o, "meters"), b) &&
           read_readings(json_object_get(o, "readings"), b) &&
           read_buckets(json_object_get(o, "buckets"), b) &&
           read_estimates(json_object_get(o, "estimates"), b) &&
           read_resolved(json_object_get(o, "resolved"), b) &&
           read_energy(json_object_get(o, "energy"), b) &&
           read_lines(json_object_get(o, "lines"), b) &&
           sg_get_decimal(o, "net", b->decimals, &b->net) &&
           read_taxes(json_object_get(o, "taxes"), b) &&
           sg_get_decimal(o, "gross", b->decimals, &b->gross) &&
           sg_get_decimal(o, "lighting", b->decimals, &b->lighting) &&
           sg_get_decimal(o, "total", b->decimals, &b->total) &&
           read_credits(json_object_get(o, "credits"), b);
}

/* ---- the file ------------------------------------------------------------------------------ */

/* {"bill":B,"sha256":"H","trace":T}\n, cut where this bill's own octets say it must be. */
struct parts {
    uint8_t hash[32];
    struct sg_bytes trace;
};

static bool take(struct sg_bytes *rest, struct sg_bytes expected)
{
    if (rest->len < expected.len || memcmp(rest->data, expected.data, expected.len))
        return false;
    rest->data += expected.len;
    rest->len -= expected.len;
    return true;
}

static bool cut(struct sg_bytes file, struct sg_bytes canonical, const json_t *root,
                struct parts *ret)
{
    const char *hex = json_string_value(json_object_get(root, "sha256"));

    if (!sg_get_hash(root, "sha256", ret->hash) || !json_is_array(json_object_get(root, "trace")))
        return false;
    if (!take(&file, SG_BYTES_LIT("{\"bill\":")) || !take(&file, canonical) ||
        !take(&file, SG_BYTES_LIT(",\"sha256\":\"")) || !take(&file, sg_bytes_str(hex)) ||
        !take(&file, SG_BYTES_LIT("\",\"trace\":")))
        return false;
    if (file.len < 4 || memcmp(file.data + file.len - 2, "}\n", 2))
        return false;
    ret->trace = SG_BYTES(file.data, file.len - 2);
    return true;
}

static int judge(const json_t *root, struct sg_bytes file, struct sg_bill *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf canonical = SG_BUF_INIT(SG_BILL_JSON_MAX);
    const json_t *bill = json_object_get(root, "bill");
    struct parts parts;
    uint8_t hash[32];
    int r;

    if (!sg_get_hash(bill, "trace_sha256", b->trace_sha256))
        return SG_BILL_MALFORMED;
    r = sg_bill_canonical(b, &canonical);
    if (r)
        return SG_BILL_MALFORMED;
    if (!cut(file, sg_buf_bytes(&canonical), root, &parts))
        return SG_BILL_MALFORMED;
    r = sg_buf_append(&b->trace, parts.trace);
    if (r)
        return r;
    sg_sha256(hash, sg_buf_bytes(&canonical));
    if (memcmp(hash, parts.hash, 32))
        return SG_BILL_BAD_HASH;
    sg_sha256(hash, parts.trace);
    return memcmp(hash, b->trace_sha256, 32) ? SG_BILL_BAD_TRACE : 0;
}

int sg_bill_read(struct sg_bytes json, struct sg_bill *ret)
{
    SG_CLEANUP(json_decrefp)
    json_t *root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    struct sg_bill b = {.trace = SG_BUF_INIT(SG_BILL_JSON_MAX)};
    int r = SG_BILL_MALFORMED;

    if (json.len > SG_BILL_JSON_MAX)
        return r;
    if (root && read_bill(json_object_get(root, "bill"), &b))
        r = judge(root, json, &b);
    if (r < 0 || r == SG_BILL_MALFORMED)
        sg_bill_clear(&b);
    else
        *ret = b;
    return r;
}
