#pragma once
/*
 * bill-json-int - small members of the bill's JSON, written (bill-put.c) in one form.
 */
#include <sealgrid/base/json.h>
#include <sealgrid/billing/bill.h>

/* "2026-09-01" and "2026-09". */
#define SG_BILL_DATE_MAX 32
void sg_bill_date(char ret[SG_BILL_DATE_MAX], int64_t day);
void sg_bill_month(char ret[SG_BILL_DATE_MAX], int month);

void sg_put_text(struct sg_json *j, const char *key, const char *text);
void sg_put_int(struct sg_json *j, const char *key, int64_t v);
void sg_put_null(struct sg_json *j, const char *key);
void sg_put_time(struct sg_json *j, const char *key, int64_t unix_s);
void sg_put_date(struct sg_json *j, const char *key, int64_t day);
void sg_put_month(struct sg_json *j, const char *key, int month);
void sg_put_hash(struct sg_json *j, const char *key, const uint8_t hash[32]);
void sg_put_decimal(struct sg_json *j, const char *key, int64_t v, unsigned digits,
                    unsigned min_decimals);
/* The contract's object. */
void sg_put_contract(struct sg_json *j, const struct sg_contract *c);
