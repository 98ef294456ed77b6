#pragma once
/*
 * tz - local time of an IANA zone, from the system's compiled zone files (TZif, RFC 8536; versions
 * 2 and later) and their POSIX TZ footer for the years after the last entry.  Independent of the TZ
 * variable and of the C library's global state.  Immutable after loading: any thread.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

struct sg_tz;

enum sg_tz_outcome {
    SG_TZ_UNKNOWN = 1, /* no such zone on this machine */
    SG_TZ_MALFORMED,   /* not a zone file of version 2 or later */
};

/* "America/Sao_Paulo", below /usr/share/zoneinfo. */
SG_MUST_USE int sg_tz_load(struct sg_tz **ret, const char *name);
/* The contents of a zone file. */
SG_MUST_USE int sg_tz_parse(struct sg_tz **ret, struct sg_bytes tzif);
void sg_tz_free(struct sg_tz *tz);
SG_DEFINE_FREEP(struct sg_tz, sg_tz_free)

/* A stretch of time under one offset. */
struct sg_tz_span {
    int64_t from_s, until_s; /* [from, until); INT64_MIN and INT64_MAX when open */
    int32_t east_s;          /* local = UTC + east_s */
};
struct sg_tz_span sg_tz_at(const struct sg_tz *tz, int64_t unix_s);
/* The first instant whose local time is at or after that civil midnight. */
int64_t sg_tz_midnight(const struct sg_tz *tz, int year, unsigned month, unsigned day);
