#include "kv-json-int.h"

#include <jansson.h>

#include "kv-int.h"

static void json_freep(json_t **j)
{
    json_decref(*j);
}

static json_t *load(struct sg_bytes text)
{
    return json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
}

static bool copy_text(const json_t *j, char *ret, size_t size)
{
    const char *text = json_string_value(j);
    size_t len = json_string_length(j);
    if (!text || len >= size || strlen(text) != len)
        return false;
    memcpy(ret, text, len + 1);
    return true;
}

bool sg_kv_policy_of(struct sg_bytes text, char *ret, size_t size)
{
    SG_CLEANUP(json_freep) json_t *j = load(text);
    return json_object_size(j) == 1 && copy_text(json_object_get(j, "policy"), ret, size);
}

void sg_kv_error_code_of(struct sg_bytes text, char *ret, size_t size)
{
    SG_CLEANUP(json_freep) json_t *j = load(text);
    if (!copy_text(json_object_get(json_object_get(j, "error"), "code"), ret, size))
        ret[0] = 0;
}

int sg_kv_listing_of(struct sg_bytes text, int (*fn)(void *user, const char *name, uint64_t size),
                     void *user)
{
    SG_CLEANUP(json_freep) json_t *j = load(text);
    const json_t *list = json_object_get(j, "objects");
    if (!json_is_array(list) || !json_is_true(json_object_get(j, "complete")))
        return sg_raisef(-EBADMSG, "listing is not complete");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const json_t *size = json_object_get(one, "size");
        char name[SG_KV_OBJECT_NAME_MAX + 1];
        if (!copy_text(json_object_get(one, "name"), name, sizeof(name)) ||
            !json_is_integer(size) || json_integer_value(size) < 0)
            return sg_raisef(-EBADMSG, "bad entry in a listing");
        if (fn(user, name, (uint64_t)json_integer_value(size)))
            break;
    }
    return 0;
}
