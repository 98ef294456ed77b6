#pragma once
/*
 * json - a streaming writer (RFC 8259).  Commas and nesting are its business; requests are read
 * with jansson.  Borrows: the buffer.  Strings are escaped; invalid UTF-8 becomes U+FFFD.
 */
#include <sealgrid/base/buf.h>

#define SG_JSON_DEPTH 32

struct sg_json {
    struct sg_buf *out;
    unsigned depth;
    bool first[SG_JSON_DEPTH];
    bool after_key;
    int failure; /* first failure of the buffer; later calls do nothing */
};

void sg_json_init(struct sg_json *j, struct sg_buf *out);
void sg_json_object(struct sg_json *j);
void sg_json_end_object(struct sg_json *j);
void sg_json_array(struct sg_json *j);
void sg_json_end_array(struct sg_json *j);
void sg_json_key(struct sg_json *j, const char *key);
void sg_json_str(struct sg_json *j, const char *v);
void sg_json_strn(struct sg_json *j, struct sg_bytes v);
void sg_json_int(struct sg_json *j, int64_t v);
void sg_json_uint(struct sg_json *j, uint64_t v);
void sg_json_double(struct sg_json *j, double v); /* shortest form that reads back; NaN as null */
void sg_json_bool(struct sg_json *j, bool v);
void sg_json_null(struct sg_json *j);
void sg_json_hex(struct sg_json *j, struct sg_bytes v);
/* Text that is JSON already. */
void sg_json_raw(struct sg_json *j, struct sg_bytes v);
/* 0 if everything fitted and every nesting was closed. */
SG_MUST_USE int sg_json_done(struct sg_json *j);
