#pragma once
/*
 * tee store-files - collateral from files and folders; the only part of verification that touches
 * the disk.
 *
 * Below a folder, hidden files, files named ".tmp" at their end (whole files are renamed from such
 * a name) and files too large for collateral are passed over; links are followed.  At most 10,000 files.
 */
#include <sealgrid/tee/store.h>

/* Told of files that look like collateral and are malformed; NULL: nobody is. */
typedef void (*sg_tee_broken_fn)(void *user, const char *path);

/* A file, or every file below a folder, into an unsealed store; what is none of its documents is
 * passed over.  -errno. */
SG_MUST_USE int sg_tee_store_read(struct sg_tee_store *s, const char *path, sg_tee_broken_fn broken,
                                  void *user);
/* SHA-256 over names, sizes, inodes and times of all these files: another one after any change, as
 * far as a file system tells.  Documents are not read. */
SG_MUST_USE int sg_tee_files_stamp(const char *const *paths, size_t n, uint8_t ret[32]);
