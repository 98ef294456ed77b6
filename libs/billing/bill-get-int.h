#pragma once
/*
 * bill-get-int - members of a parsed bill.  Every getter returns false for an absent member or one
 * of another kind or range; what is not read is caught by writing the bill again and comparing.
 */
#include <sealgrid/billing/bill.h>

#include <jansson.h>

bool sg_get_string(const json_t *v, char *ret, size_t size);
bool sg_get_text(const json_t *o, const char *key, char *ret, size_t size);
bool sg_get_int(const json_t *o, const char *key, int64_t *ret);
bool sg_get_count(const json_t *o, const char *key, uint64_t *ret);
bool sg_get_time(const json_t *o, const char *key, int64_t *ret);
bool sg_get_date(const json_t *o, const char *key, int64_t *ret_day);
bool sg_get_month(const json_t *o, const char *key, int *ret);
bool sg_get_decimal(const json_t *o, const char *key, unsigned digits, int64_t *ret);
/* n octets as hex; at most 32. */
bool sg_get_octets(const json_t *o, const char *key, uint8_t *ret, size_t n);
bool sg_get_hash(const json_t *o, const char *key, uint8_t ret[32]);
bool sg_is_null(const json_t *o, const char *key);
/* Room for a list of at most max items of a size; NULL for an empty one. */
bool sg_get_list(const json_t *list, size_t max, size_t size, void **ret);
/* The contract's object; what is read so far is the caller's to clear. */
bool sg_get_contract(const json_t *o, struct sg_contract *ret);
