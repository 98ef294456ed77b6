#include "index-hot-int.h"

#include <stdlib.h>

#define SLOTS_MIN 256

/* The end of a partition's name: octets of a pseudorandom function under a key of ours. */
static size_t hash(const uint8_t key[SG_HEAD_KEY_LEN])
{
    return (size_t)sg_load_be64(key + SG_HEAD_KEY_LEN - 8);
}

/* The key's slot or the free one where it would go; there always is one. */
static struct sg_hot_entry *slot_of(const struct sg_hot *h, const uint8_t *key)
{
    size_t mask = h->n_slots - 1, i = hash(key) & mask;
    while (h->slots[i].used && memcmp(h->slots[i].key, key, SG_HEAD_KEY_LEN) != 0)
        i = (i + 1) & mask;
    return &h->slots[i];
}

/* At most half full. */
static int grow(struct sg_hot *h)
{
    struct sg_hot bigger = *h;
    if (h->n_used * 2 < h->n_slots)
        return 0;
    bigger.n_slots = h->n_slots ? h->n_slots * 2 : SLOTS_MIN;
    bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
    if (!bigger.slots)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < h->n_slots; i++)
        if (h->slots[i].used)
            *slot_of(&bigger, h->slots[i].key) = h->slots[i];
    free(h->slots);
    *h = bigger;
    return 0;
}

/* Room for a value that grows: rewriting a head mostly adds a row. */
static int make_room(struct sg_hot_entry *e, size_t len)
{
    if (e->value && len <= e->room)
        return 0;
    uint32_t room = (uint32_t)(len + len / 2 + 64);
    uint8_t *value = realloc(e->value, room);
    if (!value)
        return sg_raise(-ENOMEM);
    e->value = value;
    e->room = room;
    return 0;
}

int sg_hot_put(struct sg_hot *h, const uint8_t key[SG_HEAD_KEY_LEN], struct sg_bytes value)
{
    int r = value.len > SG_ENTRY_BYTES_MAX ? sg_raise(-E2BIG) : grow(h);
    if (r)
        return r;
    struct sg_hot_entry *e = slot_of(h, key);
    h->bytes -= e->value ? e->room : 0;
    r = make_room(e, value.len);
    h->bytes += e->value ? e->room : 0;
    if (r)
        return r;
    memcpy(e->key, key, SG_HEAD_KEY_LEN);
    h->n_used += !e->used;
    e->used = true;
    e->len = (uint32_t)value.len;
    if (value.len)
        memcpy(e->value, value.data, value.len);
    return 0;
}

void sg_hot_drop(struct sg_hot *h, const uint8_t key[SG_HEAD_KEY_LEN])
{
    struct sg_hot_entry *e = h->n_slots ? slot_of(h, key) : NULL;
    if (!e || !e->value)
        return;
    h->bytes -= e->room;
    free(TAKE_PTR(e->value));
}

const struct sg_hot_entry *sg_hot_find(const struct sg_hot *h, const uint8_t key[SG_HEAD_KEY_LEN])
{
    const struct sg_hot_entry *e = h->n_slots ? slot_of(h, key) : NULL;
    return e && e->value ? e : NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct sg_hot_entry *const *x = a, *const *y = b;
    return memcmp((*x)->key, (*y)->key, SG_HEAD_KEY_LEN);
}

int sg_hot_sorted(const struct sg_hot *h, const struct sg_hot_entry ***ret, size_t *ret_n)
{
    const struct sg_hot_entry **all = calloc(h->n_used + 1, sizeof(const struct sg_hot_entry *));
    size_t n = 0;
    if (!all)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < h->n_slots; i++)
        if (h->slots[i].value)
            all[n++] = &h->slots[i];
    qsort(all, n, sizeof(const struct sg_hot_entry *), by_key);
    *ret = all;
    *ret_n = n;
    return 0;
}

void sg_hot_empty(struct sg_hot *h)
{
    for (size_t i = 0; i < h->n_slots; i++) {
        free(h->slots[i].value);
        h->slots[i] = (struct sg_hot_entry){.used = false};
    }
    h->n_used = 0;
    h->bytes = 0;
}

void sg_hot_clear(struct sg_hot *h)
{
    sg_hot_empty(h);
    free(h->slots);
    *h = (struct sg_hot){.slots = NULL};
}
