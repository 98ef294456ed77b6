/* bill-get - members of a parsed bill, and the contract's object. */
#include "bill-get-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>

#include <stdio.h>

/* Sums of a few thousand of these stay inside int64_t. */
#define NUMBER_MAX INT64_C(1000000000000000)

bool sg_get_string(const json_t *v, char *ret, size_t size)
{
    if (!json_is_string(v) || json_string_length(v) >= size ||
        strlen(json_string_value(v)) != json_string_length(v))
        return false;
    memcpy(ret, json_string_value(v), json_string_length(v) + 1);
    return true;
}

bool sg_get_text(const json_t *o, const char *key, char *ret, size_t size)
{
    return sg_get_string(json_object_get(o, key), ret, size);
}

bool sg_get_int(const json_t *o, const char *key, int64_t *ret)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v))
        return false;
    *ret = json_integer_value(v);
    return *ret >= -NUMBER_MAX && *ret <= NUMBER_MAX;
}

bool sg_get_count(const json_t *o, const char *key, uint64_t *ret)
{
    int64_t v;

    if (!sg_get_int(o, key, &v) || v < 0)
        return false;
    *ret = (uint64_t)v;
    return true;
}

bool sg_get_time(const json_t *o, const char *key, int64_t *ret)
{
    char text[SG_RFC3339_MAX];
    return sg_get_text(o, key, text, sizeof(text)) && sg_time_parse(text, ret) == 0;
}

bool sg_get_date(const json_t *o, const char *key, int64_t *ret_day)
{
    char date[11], text[SG_RFC3339_MAX];
    int64_t s;

    if (!sg_get_text(o, key, date, sizeof(date)))
        return false;
    snprintf(text, sizeof(text), "%sT00:00:00Z", date);
    if (sg_time_parse(text, &s) != 0)
        return false;
    *ret_day = s / 86400;
    return true;
}

bool sg_get_month(const json_t *o, const char *key, int *ret)
{
    char month[8], text[SG_RFC3339_MAX];
    int64_t s;

    if (!sg_get_text(o, key, month, sizeof(month)))
        return false;
    snprintf(text, sizeof(text), "%s-01T00:00:00Z", month);
    if (sg_time_parse(text, &s) != 0)
        return false;
    *ret = sg_month_of_day(s / 86400);
    return true;
}

bool sg_get_decimal(const json_t *o, const char *key, unsigned digits, int64_t *ret)
{
    char text[SG_DECIMAL_MAX];
    return sg_get_text(o, key, text, sizeof(text)) && sg_decimal_parse(text, digits, ret) == 0 &&
           *ret >= -NUMBER_MAX && *ret <= NUMBER_MAX;
}

bool sg_get_octets(const json_t *o, const char *key, uint8_t *ret, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32);
    char text[65];

    if (!sg_get_text(o, key, text, sizeof(text)) || sg_hex_decode(&b, sg_bytes_str(text)) != 0 ||
        b.len != n)
        return false;
    memcpy(ret, b.data, n);
    return true;
}

bool sg_get_hash(const json_t *o, const char *key, uint8_t ret[32])
{
    return sg_get_octets(o, key, ret, 32);
}

bool sg_is_null(const json_t *o, const char *key)
{
    return json_is_null(json_object_get(o, key));
}

bool sg_get_list(const json_t *list, size_t max, size_t size, void **ret)
{
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n > max)
        return false;
    *ret = n ? calloc(n, size) : NULL;
    return n == 0 || *ret;
}

/* ---- the contract -------------------------------------------------------------------------- */

static bool get_demands(json_t *o, struct sg_contract_demand *list, size_t *ret_n)
{
    const char *post;
    json_t *value;

    if (!json_is_object(o) || json_object_size(o) > SG_TARIFF_POSTS_MAX)
        return false;
    json_object_foreach(o, post, value)
    {
        struct sg_contract_demand *d = &list[(*ret_n)++];
        char text[SG_DECIMAL_MAX];
        if (strlen(post) >= sizeof(d->post) || !sg_get_string(value, text, sizeof(text)) ||
            sg_decimal_parse(text, 3, &d->w) != 0 || d->w < 0 || d->w > NUMBER_MAX)
            return false;
        snprintf(d->post, sizeof(d->post), "%s", post);
    }
    return true;
}

static bool get_history(const json_t *list, struct sg_contract *c)
{
    if (!sg_get_list(list, SG_CONTRACT_MONTHS_MAX, sizeof(*c->history), (void **)&c->history))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_contract_history *h = &c->history[c->n_history++];
        if (!sg_get_month(o, "month", &h->month) ||
            !get_demands(json_object_get(o, "kw"), h->demand, &h->n_demand))
            return false;
    }
    return true;
}

static bool get_credits(const json_t *list, struct sg_contract *c)
{
    if (!sg_get_list(list, SG_CONTRACT_CREDITS_MAX, sizeof(*c->credits), (void **)&c->credits))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct sg_contract_credit *k = &c->credits[c->n_credits++];
        if (!sg_get_month(o, "month", &k->month) ||
            !sg_get_text(o, "post", k->post, sizeof(k->post)) ||
            !sg_get_decimal(o, "kwh", 3, &k->wh) || k->wh < 0)
            return false;
    }
    return true;
}

static bool get_exempt(const json_t *list, struct sg_contract *c)
{
    if (!json_is_array(list) || json_array_size(list) > SG_TARIFF_TAXES_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!sg_get_string(json_array_get(list, i), c->exempt[c->n_exempt++], sizeof(c->exempt[0])))
            return false;
    return true;
}

bool sg_get_contract(const json_t *o, struct sg_contract *ret)
{
    int64_t phases;

    ret->until_day = SG_CONTRACT_NEVER;
    if (!sg_get_date(o, "from", &ret->from_day) ||
        (!sg_is_null(o, "until") && !sg_get_date(o, "until", &ret->until_day)) ||
        (!sg_is_null(o, "tariff") && !sg_get_text(o, "tariff", ret->tariff, sizeof(ret->tariff))) ||
        !sg_get_int(o, "phases", &phases) || phases < 0 || phases > 3)
        return false;
    ret->phases = (unsigned)phases;
    return get_demands(json_object_get(o, "demand_kw"), ret->demand, &ret->n_demand) &&
           get_history(json_object_get(o, "demand_history"), ret) &&
           get_credits(json_object_get(o, "credits"), ret) &&
           get_exempt(json_object_get(o, "exempt"), ret);
}
