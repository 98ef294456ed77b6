#include "throttle-int.h"

#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#define MILLI 1000
/* Longer pauses fill any bucket; the bound keeps the product far from overflow. */
#define PAUSE_MAX_MS 3600000

/* ---- one bucket ---- */

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

/* What is saved up after a pause; a clock set back gives nothing. */
static int64_t refilled(int64_t milli, int64_t pause_ms, int64_t rate, int64_t burst_milli)
{
    if (pause_ms <= 0)
        return milli;
    milli += (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS) * rate;
    return milli < burst_milli ? milli : burst_milli;
}

static bool take(int64_t *milli)
{
    if (*milli < MILLI)
        return false;
    *milli -= MILLI;
    return true;
}

bool sg_cas_throttle_take(struct sg_cas_throttle *t, int64_t now_ms)
{
    pthread_mutex_lock(&t->mutex);
    t->milli = refilled(t->milli, now_ms - t->last_ms, t->rate, t->burst_milli);
    if (now_ms > t->last_ms)
        t->last_ms = now_ms;
    bool ok = take(&t->milli);
    pthread_mutex_unlock(&t->mutex);
    return ok;
}

/* ---- a bucket for each origin ---- */

enum { SETS = 1024, WAYS = 8 };

struct place {
    bool used;
    uint8_t origin[SG_CAS_ORIGIN_LEN];
    int64_t milli, last_ms;
};

struct sg_cas_origins {
    pthread_mutex_t mutex;
    int64_t rate, burst_milli;
    uint8_t key[32];
    struct place places[SETS][WAYS];
};

int sg_cas_origins_new(struct sg_cas_origins **ret, int64_t rate, int64_t burst)
{
    struct sg_cas_origins *o = calloc(1, sizeof *o);
    if (!o)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&o->mutex, NULL);
    o->rate = rate;
    o->burst_milli = burst * MILLI;
    sg_random_bytes(o->key, sizeof o->key);
    *ret = o;
    return 0;
}

void sg_cas_origins_free(struct sg_cas_origins *o)
{
    if (!o)
        return;
    pthread_mutex_destroy(&o->mutex);
    free(o);
}

static struct place *set_of(struct sg_cas_origins *o, const uint8_t origin[SG_CAS_ORIGIN_LEN])
{
    uint8_t hash[32];
    sg_sha256_parts(
        hash, (struct sg_bytes[]){SG_BYTES_ARRAY(o->key), SG_BYTES(origin, SG_CAS_ORIGIN_LEN)}, 2);
    return o->places[sg_load_be32(hash) % SETS];
}

static int64_t now_in(const struct sg_cas_origins *o, const struct place *p, int64_t now_ms)
{
    return p->used ? refilled(p->milli, now_ms - p->last_ms, o->rate, o->burst_milli) : INT64_MAX;
}

/* The origin's own place, or the fullest one, made its own with a full bucket. */
static struct place *find(struct sg_cas_origins *o, const uint8_t origin[SG_CAS_ORIGIN_LEN],
                          int64_t now_ms)
{
    struct place *set = set_of(o, origin), *fullest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].used && memcmp(set[i].origin, origin, sizeof set[i].origin) == 0)
            return &set[i];
        if (now_in(o, &set[i], now_ms) > now_in(o, fullest, now_ms))
            fullest = &set[i];
    }
    *fullest = (struct place){.used = true, .milli = o->burst_milli, .last_ms = now_ms};
    memcpy(fullest->origin, origin, sizeof fullest->origin);
    return fullest;
}

bool sg_cas_origins_take(struct sg_cas_origins *o, const uint8_t origin[SG_CAS_ORIGIN_LEN],
                         int64_t now_ms)
{
    pthread_mutex_lock(&o->mutex);
    struct place *p = find(o, origin, now_ms);
    p->milli = now_in(o, p, now_ms);
    if (now_ms > p->last_ms)
        p->last_ms = now_ms;
    bool ok = take(&p->milli);
    pthread_mutex_unlock(&o->mutex);
    return ok;
}
