#include "http-chars-int.h"
#include <sealgrid/net/http-parser.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *sg_http_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

static bool is_token(const char *text)
{
    const char *c = text;
    while (sg_http_is_token((uint8_t)*c))
        c++;
    return c > text && *c == '\0';
}

/* No control character, and no space at either end that the reader would drop. */
static bool is_field_value(const char *value)
{
    for (const char *c = value; *c; c++)
        if (!sg_http_is_text((uint8_t)*c))
            return false;
    size_t n = strlen(value);
    return n == 0 || (!strchr(" \t", value[0]) && !strchr(" \t", value[n - 1]));
}

int sg_http_put_request_line(struct sg_buf *out, const char *method, const char *target)
{
    if (!is_token(method) || strlen(method) > SG_HTTP_METHOD_MAX || *target == '\0')
        return sg_raisef(-EINVAL, "request method or target");
    for (const char *c = target; *c; c++)
        if ((uint8_t)*c <= ' ' || (uint8_t)*c >= 0x7f)
            return sg_raisef(-EINVAL, "request target");
    return sg_buf_printf(out, "%s %s HTTP/1.1\r\n", method, target);
}

int sg_http_put_status_line(struct sg_buf *out, int status)
{
    if (status < 100 || status > 599)
        return sg_raisef(-EINVAL, "status %d", status);
    return sg_buf_printf(out, "HTTP/1.1 %d %s\r\n", status, sg_http_reason(status));
}

int sg_http_put_field(struct sg_buf *out, const char *name, const char *value)
{
    if (!is_token(name) || !is_field_value(value))
        return sg_raisef(-EINVAL, "header field");
    return sg_buf_printf(out, "%s: %s\r\n", name, value);
}

void sg_http_chunk_head(uint8_t ret[SG_HTTP_CHUNK_HEAD], uint32_t len)
{
    for (unsigned i = 0; i < 8; i++)
        ret[i] = (uint8_t) "0123456789abcdef"[len >> (28 - 4 * i) & 15];
    ret[8] = '\r';
    ret[9] = '\n';
}
