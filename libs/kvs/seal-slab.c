/*
 * Slots of locked memory for partitions' keys.  One guarded allocation per partition would cost
 * four pages and several system calls each; a slab holds 256.  Slabs stay until the process ends.
 */
#include <pthread.h>

#include "seal-int.h"

#define SLOT_BYTES 256
#define SLAB_SLOTS 256

_Static_assert(sizeof(struct sg_part_keys) <= SLOT_BYTES, "a slot holds a partition's keys");

struct slab {
    struct slab *next;
    struct sg_secret memory;
};

union slot {
    struct sg_part_keys keys;
    union slot *next_free;
    uint8_t octets[SLOT_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slab *slabs;
static union slot *free_slots;

static int grow(void)
{
    struct slab *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    int r = sg_secret_new(&s->memory, SLAB_SLOTS * SLOT_BYTES);
    if (r < 0) {
        free(s);
        return r;
    }
    s->next = slabs;
    slabs = s;
    /* sodium_malloc aligns the end of the block, and its size is a multiple of 16 */
    union slot *all = (union slot *)(void *)s->memory.data;
    for (size_t i = 0; i < SLAB_SLOTS; i++) {
        all[i].next_free = free_slots;
        free_slots = &all[i];
    }
    return 0;
}

int sg_part_keys_new(struct sg_part_keys **ret)
{
    int r = 0;
    pthread_mutex_lock(&lock);
    if (!free_slots)
        r = grow();
    if (r == 0) {
        union slot *s = free_slots;
        free_slots = s->next_free;
        sg_wipe(s, sizeof(*s));
        *ret = &s->keys;
    }
    pthread_mutex_unlock(&lock);
    return r;
}

void sg_part_keys_free(struct sg_part_keys *k)
{
    if (!k)
        return;
    union slot *s = (union slot *)(void *)k;
    sg_wipe(s, sizeof(*s));
    pthread_mutex_lock(&lock);
    s->next_free = free_slots;
    free_slots = s;
    pthread_mutex_unlock(&lock);
}
