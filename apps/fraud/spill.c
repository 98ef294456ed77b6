#include "spill.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/aead.h>

#define ALG     SG_AEAD_AES_256_GCM
#define KEY_LEN 32
#define TAG_LEN 16
#define LABEL   "sealgrid spill 1"

struct spill {
    int fd;
    struct sg_secret key;
    size_t block_bytes;
    uint64_t n;
    uint8_t *sealed; /* one block */
};

/* ---- file ---------------------------------------------------------------------------------- */

/* Where a file cannot be born without a name (some network file systems) it loses it at once. */
static int open_named(const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/.sealgrid-spill-XXXXXX", folder) >= (int)sizeof(path))
        return sg_raise(-ENAMETOOLONG);
    int fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return sg_raisef(-errno, "no temporary file in %s", folder);
    unlink(path);
    return fd;
}

static int open_nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return open_named(folder);
    return sg_raisef(-errno, "no temporary file in %s", folder);
}

int spill_new(struct spill **ret, const char *folder, size_t block_bytes)
{
    const char *told = getenv("TMPDIR");
    SG_CLEANUP(spill_freep) struct spill *s = calloc(1, sizeof(*s));
    sg_assert(block_bytes >= 1 && block_bytes <= SPILL_BLOCK_MAX);
    if (!s)
        return sg_raise(-ENOMEM);
    s->fd = -1;
    s->block_bytes = block_bytes;
    s->sealed = malloc(block_bytes + TAG_LEN);
    if (!s->sealed)
        return sg_raise(-ENOMEM);
    int r = sg_secret_random(&s->key, KEY_LEN);
    if (r)
        return r;
    s->fd = open_nameless(told && *told ? told : folder ? folder : "/var/tmp");
    if (s->fd < 0)
        return s->fd;
    *ret = TAKE_PTR(s);
    return 0;
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    sg_secret_clear(&s->key);
    free(s->sealed);
    free(s);
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* Octets of the associated data, and the nonce, which is their end. */
#define NONCE_LEN 12
#define BOUND_LEN (sizeof(LABEL) - 1 + NONCE_LEN)

static const uint8_t *bind(uint64_t number, uint8_t ret[BOUND_LEN])
{
    uint8_t *nonce = ret + sizeof(LABEL) - 1;
    memcpy(ret, LABEL, sizeof(LABEL) - 1);
    memset(nonce, 0, NONCE_LEN - 8);
    sg_store_be64(nonce + NONCE_LEN - 8, number);
    return nonce;
}

static uint64_t place(const struct spill *s, uint64_t number)
{
    return number * (s->block_bytes + TAG_LEN);
}

int spill_put(struct spill *s, const void *block)
{
    uint8_t bound[BOUND_LEN];
    const uint64_t number = s->n++; /* used up even if it does not get out: half of it may have */
    const uint8_t *nonce = bind(number, bound);
    int r = sg_aead_seal(ALG, s->key.data, nonce, SG_BYTES(bound, BOUND_LEN),
                         SG_BYTES(block, s->block_bytes), s->sealed);
    if (r)
        return r;
    r = sg_pwrite_all(s->fd, SG_BYTES(s->sealed, s->block_bytes + TAG_LEN), place(s, number));
    return r ? sg_raisef(r, "the temporary file of %llu MiB cannot grow",
                         (unsigned long long)(place(s, number) >> 20))
             : 0;
}

int spill_get(struct spill *s, uint64_t number, void *ret)
{
    uint8_t bound[BOUND_LEN];
    const uint8_t *nonce = bind(number, bound);
    const size_t len = s->block_bytes + TAG_LEN;
    sg_assert(number < s->n);
    int r = sg_pread_all(s->fd, s->sealed, len, place(s, number));
    if (r)
        return r;
    r = sg_aead_open(ALG, s->key.data, nonce, SG_BYTES(bound, BOUND_LEN), SG_BYTES(s->sealed, len),
                     ret);
    return r == SG_AEAD_FORGED ? sg_raisef(-EBADMSG, "the temporary file was changed") : r;
}

uint64_t spill_blocks(const struct spill *s)
{
    return s->n;
}

int spill_file(const struct spill *s)
{
    return s->fd;
}
