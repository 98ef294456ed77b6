#include "object-int.h"

int sg_object_put(struct sg_store *s, struct sg_bucket *b, const char *name,
                  struct sg_bytes contents)
{
    (void)s, (void)b, (void)name, (void)contents;
    return sg_raise(-ENOSYS);
}

int sg_object_get(struct sg_store *s, struct sg_bucket *b, const char *name, struct sg_buf *ret)
{
    (void)s, (void)b, (void)name, (void)ret;
    return sg_raise(-ENOSYS);
}

int sg_object_delete(struct sg_store *s, struct sg_bucket *b, const char *name)
{
    (void)s, (void)b, (void)name;
    return sg_raise(-ENOSYS);
}

int sg_object_list(struct sg_store *s, struct sg_bucket *b, const char *prefix,
                   int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    (void)s, (void)b, (void)prefix, (void)fn, (void)user;
    return sg_raise(-ENOSYS);
}
