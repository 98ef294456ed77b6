#pragma once
/*
 * threads-int - the same work on every item 0..n-1, by several threads.
 *
 * Items are taken in turn by whoever is free, the calling thread among them, so what an item
 * computes must not depend on who runs it or when.  A thread that cannot be started is only a
 * slower run.
 */
#include <stddef.h>
#include <stdint.h>

void sg_fraud_each(uint32_t threads, size_t n, void (*item)(void *ctx, size_t i), void *ctx);
