#include "store-int.h"

#include <stdlib.h>
#include <time.h>

#include "fragment-int.h"

#define CACHE_BYTES_DEFAULT   (64u << 20)
#define PAGES_BYTES_DEFAULT   (64u << 20)
#define INDEX_BYTES_DEFAULT   (192u << 20)
#define JOURNAL_BYTES_DEFAULT (128u << 20)
#define BACKGROUND_PERIOD_S   1

/* Small queries. */

int sg_store_usable(struct sg_store *s)
{
    return s->pid == getpid() ? 0 : sg_raise(-EOWNERDEAD);
}

struct sg_bucket *sg_store_bucket(struct sg_store *s, const char *name)
{
    for (size_t i = 0; i < s->n_buckets; i++)
        if (strcmp(s->buckets[i].keys.name, name) == 0)
            return &s->buckets[i];
    return NULL;
}

/* Settings decide how the rest is found, so their own redundancy depends on nothing. */
unsigned sg_store_replicas(struct sg_store *s, struct sg_bucket *b, uint32_t table)
{
    if (table == SG_TABLE_SETTINGS)
        return s->n_volumes < 4 ? s->n_volumes : 4;
    pthread_mutex_lock(&b->lock);
    unsigned n = sg_policy_index_replicas(&b->policy, s->n_volumes);
    pthread_mutex_unlock(&b->lock);
    return n;
}

void sg_store_damage(struct sg_store *s, unsigned slot, uint64_t n)
{
    s->volumes[slot].damage += n;
}

void sg_store_repaired(struct sg_store *s, unsigned slot, uint64_t n)
{
    s->volumes[slot].repaired += n;
}

void sg_store_set_aside(struct sg_store *s, unsigned slot, enum sg_volume_state why)
{
    struct sg_volume *v = &s->volumes[slot];
    if (atomic_exchange(&v->state, (int)why) != (int)why)
        v->damage++;
}

const char *sg_volume_state_name(enum sg_volume_state state)
{
    static const char *const names[] = {"online", "missing", "stale", "damaged", "rebuilding"};
    return (unsigned)state < 5 ? names[state] : "unknown";
}

/* Background: checkpoints, and volumes whose index failed. */

static void watch_volumes(struct sg_store *s)
{
    for (unsigned slot = 0; slot < s->n_volumes; slot++) {
        struct sg_volume *v = &s->volumes[slot];
        pthread_rwlock_rdlock(&s->gate);
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && sg_index_failed(v->index))
            sg_store_set_aside(s, slot, SG_VOLUME_DAMAGED);
        pthread_rwlock_unlock(&s->gate);
    }
}

/* Unless a checkpoint or scrub is at work, which takes stock itself. */
static void refresh_inventories(struct sg_store *s)
{
    if (pthread_mutex_trylock(&s->checkpoint_lock))
        return;
    for (unsigned slot = 0; slot < s->n_volumes; slot++) {
        struct sg_volume *v = &s->volumes[slot];
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && sg_volume_refresh(v) < 0)
            break; /* out of memory or descriptors: the next second tries again */
    }
    pthread_mutex_unlock(&s->checkpoint_lock);
}

/* Background lock held; false when it is time to stop. */
static bool wait_for_work(struct sg_store *s, bool *ret_checkpoint)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += BACKGROUND_PERIOD_S;
    while (!s->background_stop && !s->checkpoint_due)
        if (pthread_cond_timedwait(&s->background_wake, &s->background_lock, &until))
            break;
    *ret_checkpoint = s->checkpoint_due;
    s->checkpoint_due = false;
    return !s->background_stop;
}

static void *background(void *user)
{
    struct sg_store *s = user;
    bool checkpoint;
    pthread_mutex_lock(&s->background_lock);
    while (wait_for_work(s, &checkpoint)) {
        pthread_mutex_unlock(&s->background_lock);
        watch_volumes(s);
        refresh_inventories(s);
        if (checkpoint && sg_store_checkpoint(s) < 0)
            watch_volumes(
                s); /* the journal stays, so nothing is lost; the next commit asks again */
        pthread_mutex_lock(&s->background_lock);
    }
    pthread_mutex_unlock(&s->background_lock);
    return NULL;
}

static int start_background(struct sg_store *s)
{
    int r = pthread_create(&s->background, NULL, background, s);
    if (r)
        return sg_raise(-r);
    s->background_runs = true;
    return 0;
}

static void stop_background(struct sg_store *s)
{
    if (!s->background_runs)
        return;
    pthread_mutex_lock(&s->background_lock);
    s->background_stop = true;
    pthread_cond_signal(&s->background_wake);
    pthread_mutex_unlock(&s->background_lock);
    pthread_join(s->background, NULL);
    s->background_runs = false;
}

/* Open and close. */

static void init_locks(struct sg_store *s)
{
    pthread_rwlockattr_t gate;
    pthread_condattr_t clock;
    pthread_rwlockattr_init(&gate);
    /* readers never take it twice, so a waiting checkpoint may go first */
    pthread_rwlockattr_setkind_np(&gate, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&s->gate, &gate);
    pthread_rwlockattr_destroy(&gate);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->background_wake, &clock);
    pthread_condattr_destroy(&clock);
    pthread_cond_init(&s->queue_moved, NULL);
    pthread_mutex_init(&s->journal_lock, NULL);
    pthread_mutex_init(&s->queue_lock, NULL);
    pthread_mutex_init(&s->background_lock, NULL);
    pthread_mutex_init(&s->checkpoint_lock, NULL);
    pthread_mutex_init(&s->scrub_lock, NULL);
}

static void free_store(struct sg_store *s)
{
    stop_background(s);
    sg_cache_clear(&s->cache);
    sg_pages_clear(&s->pages);
    sg_fragments_free(s->fragments);
    sg_journal_clear(&s->journal);
    for (unsigned i = 0; i < s->n_volumes; i++)
        sg_volume_detach(&s->volumes[i]);
    free(s->volumes);
    sg_index_pool_free(s->pool);
    for (size_t i = 0; i < s->n_buckets; i++)
        sg_bucket_keys_clear(&s->buckets[i].keys);
    free(s->buckets);
    sg_secret_clear(&s->label_key);
    pthread_rwlock_destroy(&s->gate);
    free(s);
}

static int prepare(struct sg_store *s, const struct sg_store_options *o)
{
    if (o->n_volumes == 0 || o->n_volumes > SG_STORE_VOLUMES_MAX || o->n_buckets == 0 ||
        o->n_buckets > SG_STORE_BUCKETS_MAX)
        return sg_raisef(-EINVAL, "store: 1..64 volumes and 1..64 buckets");
    s->volumes = calloc(o->n_volumes, sizeof(*s->volumes));
    if (!s->volumes)
        return sg_raise(-ENOMEM);
    memcpy(s->writer.lease, o->lease, sizeof(s->writer.lease));
    s->journal_bytes_max = o->journal_bytes ? o->journal_bytes : JOURNAL_BYTES_DEFAULT;
    for (unsigned group = 0; group < SG_PLACEMENT_GROUPS; group++)
        sg_placement_rank(group, (unsigned)o->n_volumes, s->rank[group]);
    return sg_index_pool_new(&s->pool, o->index_bytes ? o->index_bytes : INDEX_BYTES_DEFAULT,
                             o->n_volumes);
}

static int open_store(struct sg_store *s, const struct sg_store_options *o)
{
    uint8_t root[SG_KEY_LEN];
    bool fresh;
    int r = prepare(s, o);
    if (r == 0)
        r = sg_store_open_keys(s, o, root);
    if (r == 0)
        r = sg_store_open_volumes(s, o, &fresh);
    if (r == 0)
        r = sg_store_recover(s, SG_BYTES_ARRAY(root), fresh);
    sg_wipe(root, sizeof(root));
    if (r == 0)
        r = sg_fragments_new(&s->fragments, s);
    if (r == 0)
        r = sg_settings_load(s);
    return r ? r : start_background(s);
}

int sg_store_open(struct sg_store **ret, const struct sg_store_options *o)
{
    struct sg_store *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->pid = getpid();
    s->queue_end = &s->queue;
    for (size_t i = 0; i < SG_JOURNAL_COPIES; i++)
        s->journal.copies[i].fd = -1;
    init_locks(s);
    sg_cache_init(&s->cache, o->cache_bytes ? o->cache_bytes : CACHE_BYTES_DEFAULT);
    int r = sg_pages_init(&s->pages, o->pages_bytes ? o->pages_bytes : PAGES_BYTES_DEFAULT);
    if (r == 0)
        r = open_store(s, o);
    if (r) {
        free_store(s);
        return r;
    }
    *ret = s;
    return 0;
}

void sg_store_close(struct sg_store *s)
{
    if (!s)
        return;
    stop_background(s);
    /* without it the next start only has more to replay */
    int r = sg_store_checkpoint(s);
    (void)r;
    free_store(s);
}
