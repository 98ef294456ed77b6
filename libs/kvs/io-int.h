#pragma once
/*
 * io - the writes, syncs and unlinks of the store's own files (journal, fragments, labels), through
 * one hook so that tests can fail the n-th of them or copy the volumes between two of them.
 * Any thread.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

#include "sync-int.h"

enum sg_io_op { SG_IO_CREATE, SG_IO_WRITE, SG_IO_SYNC, SG_IO_REPLACE, SG_IO_UNLINK };

/* Called before each operation; 0 lets it happen, a negated errno is returned in its place (for
 * SG_IO_WRITE half of the octets are written first, as a full disk would).  NULL: none. */
struct sg_io_hook {
    int (*before)(void *user, enum sg_io_op op, const char *path);
    void *user;
};
void sg_io_set_hook(const struct sg_io_hook *hook);

/* A file written by appending; path is kept for the hook and for messages. */
struct sg_io_file {
    int fd;
    uint64_t len;
    uint64_t reserved; /* up to here there is room on disk; 0: nobody asked */
    char path[320];
};

#define SG_IO_FILE_NONE                                                                            \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* New file, -EEXIST if there is one; the folder is synced, so the name is durable. */
SG_MUST_USE int sg_io_create(struct sg_io_file *ret, const char *folder, const char *name);
/* Existing file for appending at its end. */
SG_MUST_USE int sg_io_open_append(struct sg_io_file *ret, const char *path);
SG_MUST_USE int sg_io_append(struct sg_io_file *f, const struct sg_bytes *parts, size_t n);
SG_MUST_USE int sg_io_sync(struct sg_io_file *f);
/* All n of them (at most SG_SYNC_MAX) at the same time; ret[i] is 0 or -errno.  The hook is asked
 * for the last one first. */
void sg_io_sync_all(struct sg_io_file *files, size_t n, struct sg_syncer *s, int *ret);
/* Room for so many octets more, a good piece at a time, so that few syncs have blocks to allocate;
 * the file's length stays.  Only a hint: a file system that cannot, or is full, is none of the
 * caller's business until it appends. */
void sg_io_reserve(struct sg_io_file *f, uint64_t octets);
/* Gives back what was reserved and not used. */
void sg_io_close(struct sg_io_file *f);
/* Whole file, durably and atomically. */
SG_MUST_USE int sg_io_replace(const char *path, struct sg_bytes contents);
/* Absent is fine. */
SG_MUST_USE int sg_io_unlink(const char *path);

uint32_t sg_crc32c(uint32_t crc, struct sg_bytes bytes);
