#include "kv-status-int.h"

static const struct sg_kv_status failure = {-EIO, 500, "failure", "the store failed"};

static const struct sg_kv_status table[] = {
    {SG_KV_NOT_FOUND, 404, "not_found", "no such record, object or bucket"},
    {SG_KV_CONFLICT, 409, "conflict", "a precondition failed; nothing was written"},
    {SG_KV_DENIED, 403, "denied", "this identity may not do that to this bucket"},
    {SG_KV_TOO_LARGE, 413, "too_large", "past a limit of the interface"},
    {SG_KV_DAMAGED, 500, "damaged", "every copy is lost or fails its check"},
    {-EINVAL, 400, "bad_request", "not a valid request"},
    {-EBADMSG, 400, "bad_stream", "not a valid record stream"},
    {-ENOSPC, 507, "full", "no room left"},
    {-EAGAIN, 503, "unavailable", "too few volumes for certainty"},
    {-EBUSY, 503, "busy", "too much at once"},
    {-EACCES, 401, "unauthenticated", "neither a service certificate nor a known API key"},
};

#define N (sizeof(table) / sizeof(table[0]))

const struct sg_kv_status *sg_kv_status_of(int result)
{
    for (size_t i = 0; i < N; i++)
        if (table[i].result == result)
            return &table[i];
    return &failure;
}

const struct sg_kv_status *sg_kv_status_named(struct sg_bytes code)
{
    for (size_t i = 0; i < N; i++)
        if (sg_bytes_equal(sg_bytes_str(table[i].code), code))
            return &table[i];
    return sg_bytes_equal(sg_bytes_str(failure.code), code) ? &failure : NULL;
}
