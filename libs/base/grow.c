#include <sealgrid/base/grow.h>

int sg_grow_at(void **list, size_t *room, size_t n, size_t size, size_t max)
{
    size_t next = *room ? *room * 2 : SG_GROW_FIRST;
    if (n < *room)
        return 0;
    if (n >= max)
        return sg_raisef(-E2BIG, "more than %zu", max);
    if (next > max)
        next = max;
    size_t bytes;
    void *more = __builtin_mul_overflow(next, size, &bytes) ? NULL : realloc(*list, bytes);
    if (!more)
        return sg_raise(-ENOMEM);
    *list = more;
    *room = next;
    return 0;
}
