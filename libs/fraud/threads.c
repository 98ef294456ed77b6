#include "threads-int.h"

#include <sealgrid/fraud/som.h>

#include <pthread.h>
#include <stdatomic.h>

struct crew {
    size_t n;
    atomic_size_t next;
    void (*item)(void *ctx, size_t i);
    void *ctx;
};

static void *work(void *arg)
{
    struct crew *c = arg;
    size_t i;
    while ((i = atomic_fetch_add(&c->next, 1)) < c->n)
        c->item(c->ctx, i);
    return NULL;
}

void sg_fraud_each(uint32_t threads, size_t n, void (*item)(void *ctx, size_t i), void *ctx)
{
    struct crew c = {.n = n, .item = item, .ctx = ctx};
    pthread_t helper[SG_SOM_THREADS_MAX];
    uint32_t started = 0;
    while (started + 1 < threads && started + 1 < n &&
           pthread_create(&helper[started], NULL, work, &c) == 0)
        started++;
    work(&c);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(helper[i], NULL);
}
