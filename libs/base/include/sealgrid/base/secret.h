#pragma once
/*
 * secret - key material.
 * The storage is locked in memory, left out of core dumps, guarded (libsodium's sodium_malloc for
 * heap secrets) and wiped on release.  There is no formatter on purpose.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

struct sg_secret {
    uint8_t *data;
    size_t len;
};

#define SG_SECRET_INIT {NULL, 0}

/* len 1..65536; contents zero.  *s must be empty. */
SG_MUST_USE int sg_secret_new(struct sg_secret *s, size_t len);
SG_MUST_USE int sg_secret_copy(struct sg_secret *s, struct sg_bytes from);
SG_MUST_USE int sg_secret_random(struct sg_secret *s, size_t len);
/* NULL or empty accepted. */
void sg_secret_clear(struct sg_secret *s);
/* Moves: *from becomes empty. */
struct sg_secret sg_secret_take(struct sg_secret *from);

static inline struct sg_bytes sg_secret_bytes(const struct sg_secret *s)
{
    return (struct sg_bytes){s->data, s->len};
}

/* Constant time in the contents; lengths are public. */
bool sg_secret_equal(struct sg_bytes a, struct sg_bytes b);
/* Wipes memory that is not a struct sg_secret (stack keys); never optimised away. */
void sg_wipe(void *p, size_t n);
/* First statement of every main: no core dumps (RLIMIT_CORE 0, PR_SET_DUMPABLE 0), libsodium
 * initialised, SIGPIPE ignored.  -errno. */
SG_MUST_USE int sg_process_harden(void);
