#include "throttle-int.h"

#define MILLI 1000
/* Longer pauses fill any bucket; the bound keeps the product far from overflow. */
#define PAUSE_MAX_MS 3600000

void sg_cas_throttle_init(struct sg_cas_throttle *t, int64_t rate, int64_t burst, int64_t now_ms)
{
    pthread_mutex_init(&t->mutex, NULL);
    t->rate = rate;
    t->burst_milli = t->milli = burst * MILLI;
    t->last_ms = now_ms;
}

void sg_cas_throttle_clear(struct sg_cas_throttle *t)
{
    pthread_mutex_destroy(&t->mutex);
}

static void refill(struct sg_cas_throttle *t, int64_t now_ms)
{
    int64_t pause = now_ms - t->last_ms;
    if (pause <= 0)
        return;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    t->milli += pause * t->rate;
    if (t->milli > t->burst_milli)
        t->milli = t->burst_milli;
    t->last_ms = now_ms;
}

bool sg_cas_throttle_take(struct sg_cas_throttle *t, int64_t now_ms)
{
    pthread_mutex_lock(&t->mutex);
    refill(t, now_ms);
    bool ok = t->milli >= MILLI;
    if (ok)
        t->milli -= MILLI;
    pthread_mutex_unlock(&t->mutex);
    return ok;
}
