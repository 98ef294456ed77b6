#include "heap-int.h"
#include <stdlib.h>

int sg_heap_reserve(struct sg_heap *h)
{
    if (h->reserved + 1 >= h->capacity) {
        size_t capacity = h->capacity ? 2 * h->capacity : 64;
        struct sg_heap_node **nodes = reallocarray(h->nodes, capacity, sizeof(*nodes));
        if (!nodes)
            return sg_raise(-ENOMEM);
        h->nodes = nodes;
        h->capacity = capacity;
    }
    h->reserved++;
    return 0;
}

void sg_heap_unreserve(struct sg_heap *h)
{
    sg_assert(h->reserved > h->n);
    h->reserved--;
}

static bool before(const struct sg_heap_node *a, const struct sg_heap_node *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(struct sg_heap *h, size_t i, struct sg_heap_node *node)
{
    h->nodes[i] = node;
    node->index = i;
}

static void rise(struct sg_heap *h, size_t i, struct sg_heap_node *node)
{
    for (; i > 1 && before(node, h->nodes[i / 2]); i /= 2)
        put(h, i, h->nodes[i / 2]);
    put(h, i, node);
}

static void sink(struct sg_heap *h, size_t i, struct sg_heap_node *node)
{
    for (;;) {
        size_t child = 2 * i;
        if (child > h->n)
            break;
        if (child < h->n && before(h->nodes[child + 1], h->nodes[child]))
            child++;
        if (!before(h->nodes[child], node))
            break;
        put(h, i, h->nodes[child]);
        i = child;
    }
    put(h, i, node);
}

void sg_heap_remove(struct sg_heap *h, struct sg_heap_node *node)
{
    size_t i = node->index;
    if (i == 0)
        return;
    node->index = 0;
    struct sg_heap_node *last = h->nodes[h->n--];
    if (last == node)
        return;
    if (i > 1 && before(last, h->nodes[i / 2]))
        rise(h, i, last);
    else
        sink(h, i, last);
}

void sg_heap_set(struct sg_heap *h, struct sg_heap_node *node, int64_t at_ms)
{
    sg_heap_remove(h, node);
    sg_assert(h->n < h->reserved);
    node->at_ms = at_ms;
    node->order = h->next_order++;
    rise(h, ++h->n, node);
}

struct sg_heap_node *sg_heap_first(const struct sg_heap *h)
{
    return h->n ? h->nodes[1] : NULL;
}

void sg_heap_clear(struct sg_heap *h)
{
    free(h->nodes);
    *h = (struct sg_heap){0};
}
