#pragma once
/*
 * provider-attr - files of a kernel or library OS that make what is read from them (configfs,
 * /dev/attestation): no size to be had beforehand, one write is one request, and errors may come at
 * close.  A read may take seconds.
 */
#include <sealgrid/base/buf.h>

/* folder/name in ret; -ENAMETOOLONG. */
#define SG_ATTR_PATH_MAX 4096
SG_MUST_USE int sg_attr_path(char ret[SG_ATTR_PATH_MAX], const char *folder, const char *name);
/* Appends all there is; -EFBIG past the buffer's maximum; else -errno of the first call that
 * fails. */
SG_MUST_USE int sg_attr_read(const char *folder, const char *name, struct sg_buf *ret);
/* In one write, which must take all of it, and one close. */
SG_MUST_USE int sg_attr_write(const char *folder, const char *name, struct sg_bytes value);
