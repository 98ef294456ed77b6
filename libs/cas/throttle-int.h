#pragma once
/*
 * throttle-int - a token bucket: rate tokens a second, at most burst saved up.  Any thread.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct sg_cas_throttle {
    pthread_mutex_t mutex;
    int64_t rate; /* tokens per second = millitokens per millisecond */
    int64_t burst_milli;
    int64_t milli; /* saved up, thousandths of a token */
    int64_t last_ms;
};

/* Starts full. */
void sg_cas_throttle_init(struct sg_cas_throttle *t, int64_t rate, int64_t burst, int64_t now_ms);
void sg_cas_throttle_clear(struct sg_cas_throttle *t);
/* False: none left. */
bool sg_cas_throttle_take(struct sg_cas_throttle *t, int64_t now_ms);
