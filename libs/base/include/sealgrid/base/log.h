#pragma once
/*
 * log - events with typed fields, one line each on standard error:
 *   2026-09-01T03:00:00.123Z info  authd  block.accepted readings=96 volume=3
 * No format strings.  No meter identity, no reading, no key goes into a field; sg_log_who() gives
 * an opaque tag for one (first 8 octets of BLAKE2b keyed by a per-process random key), so that
 * lines about the same meter can be matched within one run and nowhere else.
 * Any thread.
 */
#include <sealgrid/base/bytes.h>

enum sg_log_level { SG_LOG_DEBUG, SG_LOG_INFO, SG_LOG_WARN, SG_LOG_ERROR };

enum sg_log_kind { SG_LOG_END, SG_LOG_STR, SG_LOG_INT, SG_LOG_UINT, SG_LOG_HEX };

struct sg_log_field {
    enum sg_log_kind kind;
    const char *name;
    const char *str;
    int64_t num;
    struct sg_bytes bytes;
};

#define SG_STR(name_, v) ((struct sg_log_field){.kind = SG_LOG_STR, .name = (name_), .str = (v)})
#define SG_INT(name_, v) ((struct sg_log_field){.kind = SG_LOG_INT, .name = (name_), .num = (int64_t)(v)})
#define SG_UINT(name_, v) ((struct sg_log_field){.kind = SG_LOG_UINT, .name = (name_), .num = (int64_t)(v)})
#define SG_HEX(name_, b) ((struct sg_log_field){.kind = SG_LOG_HEX, .name = (name_), .bytes = (b)})

void sg_log_init(const char *program, enum sg_log_level lowest);
/* event: lower-case words and dots, "volume.damaged". */
void sg_log_fields(enum sg_log_level level, const char *event, const struct sg_log_field *fields);
#define sg_log(level, event, ...)                                                                  \
    sg_log_fields((level), (event),                                                                \
                  (const struct sg_log_field[]){__VA_ARGS__ __VA_OPT__(, ) {.kind = SG_LOG_END}})
/* Logs sg_error_trace() with the event. */
void sg_log_failure(const char *event, int r);
/* A 16-digit tag for an identity. */
void sg_log_who(char ret[17], struct sg_bytes identity);
