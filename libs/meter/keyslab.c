/* keyslab - slabs of 64 KiB, a free list threaded through the wiped slots. */
#include "keyslab.h"

#include <pthread.h>
#include <sealgrid/base/secret.h>

#define SLAB_BYTES 65536

struct slab {
    struct slab *next;
    struct sg_secret memory;
};

struct free_slot {
    struct free_slot *next;
};

struct sg_keyslab {
    pthread_mutex_t lock;
    size_t slot_bytes;
    struct slab *slabs;
    struct free_slot *free_slots;
    size_t taken;
};

int sg_keyslab_new(struct sg_keyslab **ret, size_t slot_bytes)
{
    if (slot_bytes == 0 || slot_bytes > 4096)
        return sg_raise(-EINVAL);
    struct sg_keyslab *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    s->slot_bytes = (slot_bytes + 15) / 16 * 16;
    pthread_mutex_init(&s->lock, NULL);
    *ret = s;
    return 0;
}

void sg_keyslab_free(struct sg_keyslab *s)
{
    if (!s)
        return;
    sg_assert(s->taken == 0);
    for (struct slab *slab = s->slabs, *next; slab; slab = next) {
        next = slab->next;
        sg_secret_clear(&slab->memory);
        free(slab);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static int grow(struct sg_keyslab *s)
{
    struct slab *slab = calloc(1, sizeof *slab);
    if (!slab)
        return sg_raise(-ENOMEM);
    int r = sg_secret_new(&slab->memory, SLAB_BYTES);
    if (r) {
        free(slab);
        return r;
    }
    for (size_t at = 0; at + s->slot_bytes <= SLAB_BYTES; at += s->slot_bytes) {
        struct free_slot *slot = (struct free_slot *)(void *)(slab->memory.data + at);
        slot->next = s->free_slots;
        s->free_slots = slot;
    }
    slab->next = s->slabs;
    s->slabs = slab;
    return 0;
}

int sg_keyslab_take(struct sg_keyslab *s, void **ret)
{
    pthread_mutex_lock(&s->lock);
    int r = s->free_slots ? 0 : grow(s);
    if (r == 0) {
        struct free_slot *slot = s->free_slots;
        s->free_slots = slot->next;
        s->taken++;
        slot->next = NULL;
        *ret = slot;
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

void sg_keyslab_give(struct sg_keyslab *s, void *p)
{
    struct free_slot *slot = p;
    if (!slot)
        return;
    sg_wipe(slot, s->slot_bytes);
    pthread_mutex_lock(&s->lock);
    sg_assert(s->taken > 0);
    s->taken--;
    slot->next = s->free_slots;
    s->free_slots = slot;
    pthread_mutex_unlock(&s->lock);
}
