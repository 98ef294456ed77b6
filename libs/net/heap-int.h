#pragma once
/*
 * heap - what is to happen, by time; equal times in the order they were set.
 * Nodes are embedded in their owners.  Room is reserved when a node is made, so that setting one
 * later cannot fail.
 */
#include <sealgrid/base/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sg_heap_node {
    int64_t at_ms;
    uint64_t order;
    size_t index; /* 0: not in the heap; else its place, from 1 */
};

struct sg_heap {
    struct sg_heap_node **nodes; /* nodes[0] unused */
    size_t n, reserved, capacity;
    uint64_t next_order;
};

SG_MUST_USE int sg_heap_reserve(struct sg_heap *h);
void sg_heap_unreserve(struct sg_heap *h);
/* Moves the node if it is in the heap already. */
void sg_heap_set(struct sg_heap *h, struct sg_heap_node *node, int64_t at_ms);
void sg_heap_remove(struct sg_heap *h, struct sg_heap_node *node);
/* Earliest, or NULL. */
struct sg_heap_node *sg_heap_first(const struct sg_heap *h);
void sg_heap_clear(struct sg_heap *h);
