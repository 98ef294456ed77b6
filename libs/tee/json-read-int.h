#pragma once
/*
 * json-read - members of signed collateral, read strictly: false for absent, of another type, out
 * of range or not in the one form.  Over jansson; borrows the object.
 */
#include <jansson.h>

#include <sealgrid/base/bytes.h>

bool sg_tee_json_uint(const json_t *object, const char *key, uint64_t max, uint64_t *ret);
/* Exactly len octets of hexadecimal digits, either case. */
bool sg_tee_json_hex(const json_t *object, const char *key, uint8_t *ret, size_t len);
/* "2025-06-19T10:16:03Z" */
bool sg_tee_json_time(const json_t *object, const char *key, int64_t *ret);
const char *sg_tee_json_text(const json_t *object, const char *key, size_t max);
/* An array of at most max elements, each an object or each a string as `type` says. */
bool sg_tee_json_list(const json_t *object, const char *key, json_type type, size_t max,
                      const json_t **ret);
