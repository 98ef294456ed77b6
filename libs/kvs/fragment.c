#include "fragment-int.h"

int sg_fragments_new(struct sg_fragments **ret, struct sg_store *s)
{
    (void)s;
    *ret = NULL;
    return 0;
}

void sg_fragments_free(struct sg_fragments *f)
{
    (void)f;
}

uint64_t sg_fragments_bytes(struct sg_fragments *f, unsigned slot)
{
    (void)f;
    (void)slot;
    return 0;
}

int sg_fragments_files(struct sg_fragments *f,
                       int (*fn)(void *user, enum sg_store_file_class class, const char *path,
                                 uint64_t live_bytes),
                       void *user)
{
    (void)f;
    (void)fn;
    (void)user;
    return 0;
}
