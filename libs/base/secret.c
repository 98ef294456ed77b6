/* secret - key material over libsodium's guarded, locked allocations. */
#include <sealgrid/base/random.h>
#include <sealgrid/base/secret.h>

#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int sg_secret_new(struct sg_secret *s, size_t len)
{
    uint8_t *data;

    sg_assert(!s->data && len >= 1 && len <= 65536);
    if (sodium_init() < 0)
        return sg_raise(-ENOSYS);
    data = sodium_malloc(len);
    if (!data)
        return sg_raise(-ENOMEM);
    memset(data, 0, len);
    s->data = data;
    s->len = len;
    return 0;
}

int sg_secret_copy(struct sg_secret *s, struct sg_bytes from)
{
    int r = sg_secret_new(s, from.len);
    if (r)
        return r;
    memcpy(s->data, from.data, from.len);
    return 0;
}

int sg_secret_random(struct sg_secret *s, size_t len)
{
    int r = sg_secret_new(s, len);
    if (r)
        return r;
    sg_random_bytes(s->data, len);
    return 0;
}

void sg_secret_clear(struct sg_secret *s)
{
    if (!s)
        return;
    sodium_free(s->data); /* wipes; NULL accepted */
    *s = (struct sg_secret)SG_SECRET_INIT;
}

struct sg_secret sg_secret_take(struct sg_secret *from)
{
    struct sg_secret taken = *from;
    *from = (struct sg_secret)SG_SECRET_INIT;
    return taken;
}

bool sg_secret_equal(struct sg_bytes a, struct sg_bytes b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.data, b.data, a.len) == 0);
}

void sg_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

int sg_process_harden(void)
{
    const struct rlimit no_core = {0, 0};

    if (setrlimit(RLIMIT_CORE, &no_core) < 0)
        return sg_raise_errno();
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return sg_raise_errno();
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return sg_raise_errno();
    if (sodium_init() < 0)
        return sg_raise(-ENOSYS);
    return 0;
}
