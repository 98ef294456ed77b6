#pragma once
/*
 * gz - a file, plain or gzip (RFC 1952), as one run of octets.
 *
 * zlib's own gzread ends silently where something else than gzip follows a gzip member, so rows
 * that somebody appended to a compressed file would be lost.  Here the whole file is members, one
 * behind the other, and zeros of a padding between or behind them; anything else is damage.
 *
 * Owns: the open file.  One thread at a time.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <stddef.h>

struct sg_gz;

/* 0, -errno. */
SG_MUST_USE int sg_gz_open(struct sg_gz **ret, const char *path);
/* At least one octet and at most room, or 0 octets at the end.  0, -EBADMSG, -errno. */
SG_MUST_USE int sg_gz_read(struct sg_gz *g, char *to, size_t room, size_t *ret);
void sg_gz_close(struct sg_gz *g);
SG_DEFINE_FREEP(struct sg_gz, sg_gz_close)
