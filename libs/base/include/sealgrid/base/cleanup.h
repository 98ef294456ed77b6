#pragma once
/*
 * cleanup - owning locals carry their destructor.
 *
 *   SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);      value types: T *
 *   SG_CLEANUP(sg_thing_freep) struct sg_thing *t = NULL;               pointers:  T **
 *   SG_CLOSE int fd = -1;
 *   SG_FREE char *name = NULL;
 * SG_DEFINE_FREEP(struct sg_thing, sg_thing_free) makes sg_thing_freep beside the declaration.
 * TAKE_PTR and TAKE_FD move ownership out: the local becomes NULL or -1.
 */
#include <stdlib.h>
#include <unistd.h>

#define SG_CLEANUP(fn) __attribute__((cleanup(fn)))

#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) *taken_ = &(p);                                                              \
        __typeof__(p) value_ = *taken_;                                                            \
        *taken_ = NULL;                                                                            \
        value_;                                                                                    \
    })
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *taken_ = &(fd);                                                                       \
        int value_ = *taken_;                                                                      \
        *taken_ = -1;                                                                              \
        value_;                                                                                    \
    })

#define SG_DEFINE_FREEP(type, fn)                                                                  \
    static inline void fn##p(type **p)                                                             \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }

static inline void sg_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void sg_free_ptr(void *p)
{
    free(*(void **)p);
}

#define SG_CLOSE SG_CLEANUP(sg_close_fd)
#define SG_FREE SG_CLEANUP(sg_free_ptr)
