#pragma once
/*
 * http parser - heads and bodies of HTTP/1.1 messages (RFC 9112), without I/O.
 *
 * Octets are fed in pieces of any size; the same octets give the same result however they are cut.
 * Whatever could be read two ways is refused, because a second reader in front of or behind us
 * might choose the other way (request smuggling): bare CR or LF, obs-fold, white space before a
 * colon, control characters, a repeated Content-Length, Content-Length beside Transfer-Encoding,
 * any transfer coding but one "chunked", chunked in HTTP/1.0, an absent or second Host.
 * A failed parser stays failed.
 *
 * Owns: a copy of the head (at most SG_HTTP_HEAD_MAX octets), wiped when it is reset or cleared,
 * for fields carry API keys.  One thread at a time.
 */
#include <sealgrid/base/buf.h>

#define SG_HTTP_LINE_MAX       8192  /* start line, or one field line, without its CRLF */
#define SG_HTTP_HEADERS_MAX    64    /* fields; also trailer fields, also query parameters */
#define SG_HTTP_HEAD_MAX       32768 /* whole head, also the whole trailer section */
#define SG_HTTP_METHOD_MAX     16
#define SG_HTTP_CHUNK_LINE_MAX 256 /* chunk size with its extensions, which are ignored */

enum sg_http_parse_outcome {
    SG_HTTP_PARSE_MORE = 1,  /* everything was taken; more is needed */
    SG_HTTP_PARSE_BAD,       /* 400 */
    SG_HTTP_PARSE_LONG_LINE, /* 414: start line over SG_HTTP_LINE_MAX */
    SG_HTTP_PARSE_LARGE,     /* 431: a field, their number or the whole head is too large */
    SG_HTTP_PARSE_VERSION,   /* 505: HTTP, but neither 1.0 nor 1.1 */
    SG_HTTP_PARSE_EXPECT,    /* 417: an expectation other than 100-continue */
};
/* The status that answers an outcome above (not MORE). */
int sg_http_parse_status(int outcome);

enum sg_http_framing {
    SG_HTTP_NO_BODY,
    SG_HTTP_LENGTH,
    SG_HTTP_CHUNKED,
    SG_HTTP_UNTIL_CLOSE, /* answers only */
};

enum sg_http_kind { SG_HTTP_REQUEST, SG_HTTP_RESPONSE };

struct sg_http_head {
    enum sg_http_kind kind;
    bool answers_head; /* set by the caller before feeding an answer to HEAD */

    /* Results, valid once sg_http_head_feed has returned 0. */
    unsigned minor; /* HTTP/1.minor, 0 or 1 */
    int status;     /* answers: 100..599 */
    enum sg_http_framing framing;
    uint64_t content_length; /* SG_HTTP_LENGTH */
    bool keep_alive;
    bool expect_continue;
    unsigned n_fields;

    /* The parser's own.  Offsets into raw, whose octets are NUL-terminated in place. */
    struct sg_buf raw;
    size_t line_at;
    unsigned n_lines;
    int verdict;
    bool skipped_blank, chunked, has_length, says_close, says_keep;
    uint16_t method_at, target_at, host_at;
    struct {
        uint16_t name_at, value_at;
    } fields[SG_HTTP_HEADERS_MAX];
};

void sg_http_head_init(struct sg_http_head *h, enum sg_http_kind kind);
/* Ready for the next message; keeps the storage. */
void sg_http_head_reset(struct sg_http_head *h);
void sg_http_head_clear(struct sg_http_head *h);
/* 0: the head is whole and *ret_used octets of in belong to it; an outcome above; -ENOMEM.
 * One empty line before a request is skipped (RFC 9112, section 2.2). */
SG_MUST_USE int sg_http_head_feed(struct sg_http_head *h, struct sg_bytes in, size_t *ret_used);
/* False until the first octet of a message has been fed. */
bool sg_http_head_begun(const struct sg_http_head *h);
const char *sg_http_head_method(const struct sg_http_head *h);
const char *sg_http_head_target(const struct sg_http_head *h);
/* First field of that name (any case), NULL if absent. */
const char *sg_http_head_field(const struct sg_http_head *h, const char *name);
const char *sg_http_head_field_name(const struct sg_http_head *h, unsigned i);
const char *sg_http_head_field_value(const struct sg_http_head *h, unsigned i);

/* ---- body ---- */

struct sg_http_body {
    enum sg_http_framing framing;
    bool done;
    uint64_t left; /* of the length, or of the present chunk */
    unsigned state, digits, line_len, trailers, trailer_len;
};

void sg_http_body_init(struct sg_http_body *b, enum sg_http_framing framing, uint64_t length);
/*
 * Takes *ret_used octets of in; *ret_piece is body data within in, or empty.  Call again with the
 * rest until in is used up or b->done.  0, SG_HTTP_PARSE_BAD or SG_HTTP_PARSE_LARGE.
 */
SG_MUST_USE int sg_http_body_feed(struct sg_http_body *b, struct sg_bytes in, size_t *ret_used,
                                  struct sg_bytes *ret_piece);
/* How many of the next octets are data whatever they hold, so that they may be read straight to
 * where they belong; then tell with sg_http_body_took (n at most that many). */
uint64_t sg_http_body_plain(const struct sg_http_body *b);
void sg_http_body_took(struct sg_http_body *b, uint64_t n);

/* ---- request target ---- */

/* Decoded path and query.  Percent-coding must be right and give no control character; a path
 * with a segment "." or ".." in any spelling is refused.  '+' in a query is a space. */
struct sg_http_target {
    struct sg_buf text;
    size_t path_at;
    unsigned n_params;
    struct {
        size_t name_at, value_at;
    } params[SG_HTTP_HEADERS_MAX];
};

void sg_http_target_init(struct sg_http_target *t);
void sg_http_target_clear(struct sg_http_target *t);
/* origin-form; absolute-form whose authority is host; "*" for OPTIONS.  host may be NULL
 * (HTTP/1.0).  0, SG_HTTP_PARSE_BAD, -ENOMEM. */
SG_MUST_USE int sg_http_target_parse(struct sg_http_target *t, const char *method,
                                     const char *target, const char *host);
const char *sg_http_target_path(const struct sg_http_target *t);
/* First parameter of that name, NULL if absent. */
const char *sg_http_target_param(const struct sg_http_target *t, const char *name);

/* ---- writing ---- */

const char *sg_http_reason(int status);
/* -EINVAL where the text would not be read back as what it is. */
SG_MUST_USE int sg_http_put_request_line(struct sg_buf *out, const char *method,
                                         const char *target);
SG_MUST_USE int sg_http_put_status_line(struct sg_buf *out, int status);
SG_MUST_USE int sg_http_put_field(struct sg_buf *out, const char *name, const char *value);
/* Chunk header of constant width, so that room for it can be kept before its size is known. */
#define SG_HTTP_CHUNK_HEAD 10
void sg_http_chunk_head(uint8_t ret[SG_HTTP_CHUNK_HEAD], uint32_t len);
bool sg_http_name_equal(const char *a, const char *b);
