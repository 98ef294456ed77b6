#pragma once
/*
 * grow - room in an array that doubles; and a hash of octets for tables that nobody attacks.
 */
#include <stdlib.h>

#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

#define SG_GROW_FIRST 256

/* Room for one more of n elements of `size` octets in *list, an array from malloc or NULL.  At most
 * max: -E2BIG; -ENOMEM.  *list and *room stay on failure. */
SG_MUST_USE int sg_grow_at(void **list, size_t *room, size_t n, size_t size, size_t max);
/* The list is an lvalue: sg_grow(&l->list, &l->room, l->n, LIST_MAX). */
#define sg_grow(list, room, n, max)                                                                \
    ({                                                                                             \
        void *grown_ = *(list);                                                                    \
        const int grew_ = sg_grow_at(&grown_, (room), (n), sizeof(**(list)), (max));               \
        *(list) = grown_;                                                                          \
        grew_;                                                                                     \
    })

/* FNV-1a, 64 bits.  Not against whoever chooses the octets. */
static inline uint64_t sg_fnv1a(struct sg_bytes text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ text.data[i]) * UINT64_C(0x100000001b3);
    return h;
}
