#pragma once
/*
 * spill - blocks of one size that do not fit in memory, sealed in a temporary file without a name.
 *
 * What is spilled accuses customers, and the program may run in an enclave whose disk is somebody
 * else's.  So block k is sealed by AES-256-GCM under a random key that never leaves memory, with
 * nonce and associated data made of k: each block is written once, so no nonce comes twice, and a
 * block that was changed, or put in another's place, does not open.  A block of an earlier spill
 * does not either: every spill has a key of its own.  The file tells how many blocks there are, and
 * who watches the disk sees in what order they are read.  It has no name (O_TMPFILE, or removed
 * before anything is in it), is of mode 0600 and is gone with the process.
 *
 * Owns: file and key.  One thread at a time.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#define SPILL_BLOCK_MAX ((size_t)1 << 20)

struct spill;
/* In $TMPDIR, else in `folder`, else (NULL) in /var/tmp. */
SG_MUST_USE int spill_new(struct spill **ret, const char *folder, size_t block_bytes);
void spill_free(struct spill *s);
SG_DEFINE_FREEP(struct spill, spill_free)
/* A block of block_bytes; its number is that of those before it. */
SG_MUST_USE int spill_put(struct spill *s, const void *block);
/* -EBADMSG: not as it was put there. */
SG_MUST_USE int spill_get(struct spill *s, uint64_t number, void *ret);
uint64_t spill_blocks(const struct spill *s);
/* For tests that do what the owner of the disk may do. */
int spill_file(const struct spill *s);
