/* bill-put - members of the bill's JSON, each in its one form, and the contract's object. */
#include "bill-json-int.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

void sg_bill_date(char ret[SG_BILL_DATE_MAX], int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    snprintf(ret, SG_BILL_DATE_MAX, "%04d-%02u-%02u", year, month, mday);
}

void sg_bill_month(char ret[SG_BILL_DATE_MAX], int month)
{
    snprintf(ret, SG_BILL_DATE_MAX, "%04d-%02d", month / 12, month % 12 + 1);
}

void sg_put_text(struct sg_json *j, const char *key, const char *text)
{
    sg_json_key(j, key);
    sg_json_str(j, text);
}

void sg_put_int(struct sg_json *j, const char *key, int64_t v)
{
    sg_json_key(j, key);
    sg_json_int(j, v);
}

void sg_put_null(struct sg_json *j, const char *key)
{
    sg_json_key(j, key);
    sg_json_null(j);
}

void sg_put_time(struct sg_json *j, const char *key, int64_t unix_s)
{
    char text[SG_RFC3339_MAX];

    sg_time_rfc3339(text, unix_s);
    sg_put_text(j, key, text);
}

void sg_put_date(struct sg_json *j, const char *key, int64_t day)
{
    char text[SG_BILL_DATE_MAX];

    sg_bill_date(text, day);
    sg_put_text(j, key, text);
}

void sg_put_month(struct sg_json *j, const char *key, int month)
{
    char text[SG_BILL_DATE_MAX];

    sg_bill_month(text, month);
    sg_put_text(j, key, text);
}

void sg_put_hash(struct sg_json *j, const char *key, const uint8_t hash[32])
{
    sg_json_key(j, key);
    sg_json_hex(j, SG_BYTES(hash, 32));
}

void sg_put_decimal(struct sg_json *j, const char *key, int64_t v, unsigned digits,
                    unsigned min_decimals)
{
    char text[SG_DECIMAL_MAX];

    sg_decimal_format(text, v, digits, min_decimals);
    sg_put_text(j, key, text);
}

/* ---- the contract -------------------------------------------------------------------------- */

static void put_demands(struct sg_json *j, const char *key, const struct sg_contract_demand *list,
                        size_t n)
{
    sg_json_key(j, key);
    sg_json_object(j);
    for (size_t i = 0; i < n; i++)
        sg_put_decimal(j, list[i].post, list[i].w, 3, 3);
    sg_json_end_object(j);
}

static void put_history(struct sg_json *j, const struct sg_contract *c)
{
    sg_json_key(j, "demand_history");
    sg_json_array(j);
    for (size_t i = 0; i < c->n_history; i++) {
        sg_json_object(j);
        sg_put_month(j, "month", c->history[i].month);
        put_demands(j, "kw", c->history[i].demand, c->history[i].n_demand);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void put_credits(struct sg_json *j, const struct sg_contract *c)
{
    sg_json_key(j, "credits");
    sg_json_array(j);
    for (size_t i = 0; i < c->n_credits; i++) {
        sg_json_object(j);
        sg_put_month(j, "month", c->credits[i].month);
        sg_put_text(j, "post", c->credits[i].post);
        sg_put_decimal(j, "kwh", c->credits[i].wh, 3, 3);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

void sg_put_contract(struct sg_json *j, const struct sg_contract *c)
{
    sg_json_object(j);
    sg_put_date(j, "from", c->from_day);
    if (c->until_day == SG_CONTRACT_NEVER)
        sg_put_null(j, "until");
    else
        sg_put_date(j, "until", c->until_day);
    if (*c->tariff)
        sg_put_text(j, "tariff", c->tariff);
    else
        sg_put_null(j, "tariff");
    sg_put_int(j, "phases", c->phases);
    put_demands(j, "demand_kw", c->demand, c->n_demand);
    put_history(j, c);
    put_credits(j, c);
    sg_json_key(j, "exempt");
    sg_json_array(j);
    for (size_t i = 0; i < c->n_exempt; i++)
        sg_json_str(j, c->exempt[i]);
    sg_json_end_array(j);
    sg_json_end_object(j);
}
