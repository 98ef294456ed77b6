#pragma once
/*
 * file - whole files, durably.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/secret.h>

/* Whole file into b (bounded by b->max: -EFBIG).  -errno. */
SG_MUST_USE int sg_file_read(const char *path, struct sg_buf *b);
/* Temporary file beside path, write, fsync, rename, fsync of the folder: after a crash path holds
 * the old or the new contents, never a mixture. */
SG_MUST_USE int sg_file_write_atomic(const char *path, struct sg_bytes bytes, unsigned mode);
/* What a program reports, and a line end: on standard output if path is "-", else as a whole file of
 * mode 0644.  Octets that did not get out are a failure, on standard output too. */
SG_MUST_USE int sg_file_write_report(const char *path, struct sg_bytes text);
SG_MUST_USE int sg_mkdir_p(const char *path, unsigned mode);
SG_MUST_USE int sg_fsync_dir(const char *path);
/* Loops over short writes and EINTR. */
SG_MUST_USE int sg_write_all(int fd, struct sg_bytes bytes);
SG_MUST_USE int sg_pwrite_all(int fd, struct sg_bytes bytes, uint64_t offset);
/* Exactly n octets, else -EIO (short file) or -errno. */
SG_MUST_USE int sg_pread_all(int fd, void *p, size_t n, uint64_t offset);
/* Removes a tree; symbolic links are not followed. */
SG_MUST_USE int sg_remove_tree(const char *path);
