#pragma once
/*
 * vee-time-int - stamps of foreign files: text to civil time, civil time to instants of a zone.
 */
#include <sealgrid/billing/vee-import.h>

enum vee_stamp_kind { VEE_STAMP_LOCAL, VEE_STAMP_UNIX, VEE_STAMP_RFC3339 };

enum vee_stamp_kind vee_stamp_kind(const char *format);
/* Whether the format can be read at all: known letters, each once, at least %d %m %Y. */
bool vee_stamp_format_ok(const char *format);
/* Local time as seconds since 1970, as if it were UTC. */
bool vee_stamp_parse(const char *format, const char *text, int64_t *ret_local_s);
/* The instants that have this local time, ascending: none, one or two. */
size_t vee_local_instants(const struct sg_tz *tz, int64_t local_s, int64_t ret[2]);
