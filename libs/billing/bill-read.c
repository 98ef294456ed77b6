/* bill-read - a bill from its file: the adaptor over jansson. */
#include "bill-money-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>

#include <jansson.h>

/* Sums of a few dozen of these stay far inside int64_t. */
#define NUMBER_MAX INT64_C(1000000000000000)

/* Every getter returns false for an absent member or one of another kind or range.  What is not
 * read is caught by writing the bill again and comparing. */
static bool get_text(const json_t *o, const char *key, char *ret, size_t size)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_string(v) || json_string_length(v) >= size ||
        strlen(json_string_value(v)) != json_string_length(v))
        return false;
    memcpy(ret, json_string_value(v), json_string_length(v) + 1);
    return true;
}

static bool get_int(const json_t *o, const char *key, int64_t *ret)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v))
        return false;
    *ret = json_integer_value(v);
    return *ret >= -NUMBER_MAX && *ret <= NUMBER_MAX;
}

static bool get_count(const json_t *o, const char *key, uint64_t *ret)
{
    int64_t v;

    if (!get_int(o, key, &v) || v < 0)
        return false;
    *ret = (uint64_t)v;
    return true;
}

static bool get_time(const json_t *o, const char *key, int64_t *ret)
{
    char text[SG_RFC3339_MAX];
    return get_text(o, key, text, sizeof(text)) && sg_time_parse(text, ret) == 0;
}

static bool get_decimal(const json_t *o, const char *key, unsigned digits, int64_t *ret)
{
    char text[SG_DECIMAL_MAX];
    return get_text(o, key, text, sizeof(text)) && sg_decimal_parse(text, digits, ret) == 0 &&
           *ret >= -NUMBER_MAX && *ret <= NUMBER_MAX;
}

static bool get_hash(const json_t *o, const char *key, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32);
    char text[65];

    if (!get_text(o, key, text, sizeof(text)) || sg_hex_decode(&b, sg_bytes_str(text)) != 0 ||
        b.len != 32)
        return false;
    memcpy(ret, b.data, 32);
    return true;
}

static bool read_tariff(const json_t *o, struct sg_bill *b)
{
    char rounding[16];
    int64_t decimals;

    if (!get_text(o, "id", b->tariff_id, sizeof(b->tariff_id)) ||
        !get_hash(o, "sha256", b->tariff_sha256) ||
        !get_text(o, "currency", b->currency, sizeof(b->currency)) ||
        !get_int(o, "decimals", &decimals) || decimals < 0 || decimals > 4 ||
        !get_text(o, "rounding", rounding, sizeof(rounding)))
        return false;
    b->decimals = (unsigned)decimals;
    b->rounding = strcmp(rounding, "half-up") ? SG_ROUND_HALF_EVEN : SG_ROUND_HALF_UP;
    return true;
}

static bool read_meters(const json_t *list, struct sg_bill *b)
{
    if (!json_is_array(list) || json_array_size(list) > SG_BILL_METERS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_bill_meter *m = &b->meters[b->n_meters++];
        if (!get_text(o, "serial", m->serial, sizeof(m->serial)) ||
            !get_time(o, "from", &m->from_s) || !get_time(o, "until", &m->until_s) ||
            !get_int(o, "ratio_num", &m->ratio_num) || !get_int(o, "ratio_den", &m->ratio_den) ||
            m->ratio_num < 1 || m->ratio_den < 1 || !get_count(o, "readings", &m->readings))
            return false;
    }
    return true;
}

static bool read_readings(const json_t *o, struct sg_bill *b)
{
    int64_t interval;

    if (!get_int(o, "interval_s", &interval) || interval < 60 || interval > 86400)
        return false;
    b->interval_s = (uint32_t)interval;
    return get_count(o, "expected", &b->expected) && get_count(o, "billed", &b->billed) &&
           get_count(o, "missing", &b->missing) && get_hash(o, "merkle_root", b->root);
}

static bool read_lines(const json_t *list, struct sg_bill *b)
{
    if (!json_is_array(list) || json_array_size(list) > SG_BILL_LINES_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_bill_line *line = &b->lines[b->n_lines++];
        if (!get_text(o, "code", line->code, sizeof(line->code)) ||
            !get_int(o, "energy_wh", &line->energy_wh) ||
            !get_decimal(o, "rate_per_kwh", SG_RATE_DIGITS, &line->rate) ||
            !get_decimal(o, "amount", b->decimals, &line->amount))
            return false;
    }
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
        if (!get_text(o, "name", tax->name, sizeof(tax->name)) ||
            !get_decimal(o, "percent", 4, &tax->rate_ppm) || tax->rate_ppm < 0 ||
            tax->rate_ppm >= 1000000 ||
            !read_excludes(json_object_get(o, "excludes"), b, i, &tax->excludes) ||
            !get_decimal(o, "base", b->decimals, &tax->base) ||
            !get_decimal(o, "amount", b->decimals, &tax->amount))
            return false;
    }
    return true;
}

static bool read_bill(const json_t *o, struct sg_bill *b)
{
    /* The tariff's decimals come first: amounts are read by them. */
    return get_int(o, "client", &b->client) && get_time(o, "from", &b->from_s) &&
           get_time(o, "until", &b->until_s) && read_tariff(json_object_get(o, "tariff"), b) &&
           read_meters(json_object_get(o, "meters"), b) &&
           read_readings(json_object_get(o, "readings"), b) &&
           get_int(o, "energy_wh", &b->energy_wh) && read_lines(json_object_get(o, "lines"), b) &&
           get_decimal(o, "net", b->decimals, &b->net) &&
           read_taxes(json_object_get(o, "taxes"), b) &&
           get_decimal(o, "gross", b->decimals, &b->gross) &&
           get_decimal(o, "lighting", b->decimals, &b->lighting) &&
           get_decimal(o, "total", b->decimals, &b->total);
}

/* The file must begin with exactly what this bill is written as. */
static bool is_its_form(struct sg_bytes json, struct sg_bytes canonical)
{
    static const char head[] = "{\"bill\":";
    size_t n = sizeof(head) - 1;

    return json.len >= n + canonical.len && memcmp(json.data, head, n) == 0 &&
           memcmp(json.data + n, canonical.data, canonical.len) == 0;
}

static int check_hash(const json_t *root, struct sg_bytes canonical)
{
    uint8_t said[32], hash[32];

    if (!get_hash(root, "sha256", said))
        return SG_BILL_MALFORMED;
    sg_sha256(hash, canonical);
    return memcmp(said, hash, 32) == 0 ? 0 : SG_BILL_BAD_HASH;
}

/* The trace is what people read, and no hash covers it: it must be the one that follows. */
static int check_trace(const struct sg_bill *b, struct sg_bytes json)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf whole = SG_BUF_INIT(2 * SG_BILL_JSON_MAX);
    int r = sg_bill_write(b, &whole);

    if (r)
        return r;
    return sg_bytes_equal(sg_buf_bytes(&whole), json) ? 0 : SG_BILL_BAD_TRACE;
}

int sg_bill_read(struct sg_bytes json, struct sg_bill *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf canonical = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(json_decrefp)
    json_t *root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    struct sg_bill b = {0};
    int r;

    if (!root || !read_bill(json_object_get(root, "bill"), &b))
        return SG_BILL_MALFORMED;
    r = sg_bill_canonical(&b, &canonical);
    if (r)
        return SG_BILL_MALFORMED;
    if (!is_its_form(json, sg_buf_bytes(&canonical)))
        return SG_BILL_MALFORMED;
    r = check_hash(root, sg_buf_bytes(&canonical));
    if (r == 0)
        r = check_trace(&b, json);
    if (r >= 0 && r != SG_BILL_MALFORMED)
        *ret = b;
    return r;
}
