#include "json-read-int.h"

#include <sealgrid/base/clock.h>

bool sg_tee_json_uint(const json_t *object, const char *key, uint64_t max, uint64_t *ret)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *ret = (uint64_t)json_integer_value(v);
    return *ret <= max;
}

const char *sg_tee_json_text(const json_t *object, const char *key, size_t max)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) && json_string_length(v) <= max ? json_string_value(v) : NULL;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool sg_tee_json_hex(const json_t *object, const char *key, uint8_t *ret, size_t len)
{
    const char *s = sg_tee_json_text(object, key, 2 * len);
    if (!s || strlen(s) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        const int high = digit(s[2 * i]), low = digit(s[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool sg_tee_json_time(const json_t *object, const char *key, int64_t *ret)
{
    const char *s = sg_tee_json_text(object, key, 20);
    char again[SG_RFC3339_MAX];
    if (!s || strlen(s) != 20 || sg_time_parse(s, ret) < 0)
        return false;
    sg_time_rfc3339(again, *ret);
    return strcmp(again, s) == 0;
}

bool sg_tee_json_list(const json_t *object, const char *key, json_type type, size_t max,
                      const json_t **ret)
{
    const json_t *list = json_object_get(object, key);
    if (!json_is_array(list) || json_array_size(list) > max)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_typeof(json_array_get(list, i)) != type)
            return false;
    }
    *ret = list;
    return true;
}
