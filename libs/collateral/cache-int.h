#pragma once
/*
 * cache - the folder of documents had before: one file each, by name, whole or not there.
 */
#include <sealgrid/base/buf.h>

enum sg_cache_outcome { SG_CACHE_NONE = 1 /* no such file */ };

/* Appends the file; *ret_asked_s: when it was last written or asked for.  A file past ret's maximum
 * is as good as none. */
SG_MUST_USE int sg_cache_read(const char *folder, const char *name, struct sg_buf *ret,
                              int64_t *ret_asked_s);
bool sg_cache_has(const char *folder, const char *name);
/* Whole, durable, 0644; the folder is made if need be. */
SG_MUST_USE int sg_cache_write(const char *folder, const char *name, struct sg_bytes contents);
/* Asked for again, and the same; no harm if it cannot be noted. */
void sg_cache_touch(const char *folder, const char *name);
