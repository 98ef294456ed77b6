#pragma once
/*
 * throttle-int - token buckets: rate tokens a second, at most burst saved up; one for all, and one
 * for each origin of connections.  Any thread.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

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

/*
 * A bucket for every origin, in a table of fixed size: the fullest of a few places makes room for
 * who comes new, so that whoever has least left is forgotten last.  Which origins share places is
 * secret.  Who has many addresses has as many buckets: that is what the one for all is for.
 */
#define SG_CAS_ORIGIN_LEN 16
struct sg_cas_origins;
SG_MUST_USE int sg_cas_origins_new(struct sg_cas_origins **ret, int64_t rate, int64_t burst);
void sg_cas_origins_free(struct sg_cas_origins *o);
bool sg_cas_origins_take(struct sg_cas_origins *o, const uint8_t origin[SG_CAS_ORIGIN_LEN],
                         int64_t now_ms);
