#include "store-int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#include "fragment-int.h"

#define CACHE_BYTES_DEFAULT   (64u << 20)
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

/* Opening: keys. */

static int open_keys(struct sg_store *s, const struct sg_store_options *o, uint8_t root[SG_KEY_LEN])
{
    s->buckets = calloc(o->n_buckets, sizeof(*s->buckets));
    if (!s->buckets)
        return sg_raise(-ENOMEM);
    for (; s->n_buckets < o->n_buckets; s->n_buckets++) {
        struct sg_bucket *b = &s->buckets[s->n_buckets];
        const struct sg_store_bucket *from = &o->buckets[s->n_buckets];
        int r = sg_policy_parse(from->policy ? from->policy : "replicas=3", &b->policy);
        if (r == 0)
            r = sg_bucket_keys_init(&b->keys, from);
        if (r < 0)
            return r;
        pthread_mutex_init(&b->lock, NULL);
    }
    if (o->store_key.len == SG_KEY_LEN)
        memcpy(root, o->store_key.data, SG_KEY_LEN);
    else if (o->store_key.len == 0)
        sg_hkdf_expand(root, SG_KEY_LEN, o->buckets[0].name_key, SG_BYTES_LIT("sg-store1"));
    else
        return sg_raisef(-EINVAL, "the store key must have 32 octets");
    int r = sg_secret_new(&s->label_key, SG_KEY_LEN);
    if (r == 0)
        sg_hkdf_expand(s->label_key.data, SG_KEY_LEN, SG_BYTES(root, SG_KEY_LEN),
                       SG_BYTES_LIT("sg-label1"));
    return r;
}

/* Opening: volumes. */

static int attach_all(struct sg_store *s, const struct sg_store_options *o, struct sg_volume *found)
{
    for (size_t i = 0; i < o->n_volumes; i++) {
        int r = sg_volume_attach(&found[i], o->volumes[i], sg_secret_bytes(&s->label_key));
        if (r == SG_VOLUME_LOCKED)
            return SG_STORE_LOCKED;
        if (r < 0) /* no such disk now: as if it were lost */
            found[i].lock_fd = -1;
    }
    return 0;
}

/* A volume with something in it that is not ours must never be taken for a new one. */
static bool looks_used(const struct sg_volume *v)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/label", v->path);
    if (access(path, F_OK) == 0)
        return true;
    snprintf(path, sizeof(path), "%s/label.2", v->path);
    return access(path, F_OK) == 0;
}

/* The store that most labels name; on a tie the one of the newest label. */
static const struct sg_volume *pick_store(const struct sg_volume *found, size_t n)
{
    const struct sg_volume *best = NULL;
    size_t best_votes = 0;
    for (size_t i = 0; i < n; i++) {
        size_t votes = 0;
        for (size_t k = 0; found[i].labelled && k < n; k++)
            votes += found[k].labelled &&
                     memcmp(found[k].label.store_id, found[i].label.store_id, SG_STORE_ID_LEN) == 0;
        if (votes > best_votes ||
            (votes && votes == best_votes && found[i].label.seq > best->label.seq)) {
            best = &found[i];
            best_votes = votes;
        }
    }
    return best;
}

/* Into s->volumes by label; whatever has no usable label fills the free places in order. */
static int place_volumes(struct sg_store *s, struct sg_volume *found, size_t n,
                         const uint8_t store_id[SG_STORE_ID_LEN])
{
    bool taken[SG_STORE_VOLUMES_MAX] = {false}, placed[SG_STORE_VOLUMES_MAX] = {false};
    for (size_t i = 0; i < n; i++) {
        struct sg_volume *v = &found[i];
        if (!v->labelled || memcmp(v->label.store_id, store_id, SG_STORE_ID_LEN) != 0)
            continue;
        if (v->label.slot >= n)
            return sg_raisef(-EINVAL, "the store has more volumes than were named");
        if (taken[v->label.slot])
            continue;
        taken[v->label.slot] = placed[i] = true;
        s->volumes[v->label.slot] = *v;
        s->volumes[v->label.slot].slot = v->label.slot;
    }
    for (size_t i = 0, slot = 0; i < n; i++) {
        if (placed[i])
            continue;
        while (taken[slot])
            slot++;
        taken[slot] = true;
        found[i].labelled = false;
        sg_volume_inventory_clear(&found[i].label.inventory);
        found[i].label = (struct sg_label){.slot = (uint16_t)slot};
        s->volumes[slot] = found[i];
        s->volumes[slot].slot = (unsigned)slot;
    }
    s->n_volumes = (unsigned)n;
    return 0;
}

static int create_volume(struct sg_store *s, struct sg_volume *v)
{
    struct sg_label l = {.slot = (uint16_t)v->slot, .generation = 1};
    memcpy(l.store_id, s->store_id, SG_STORE_ID_LEN);
    int r = sg_volume_make_folders(v);
    if (r == 0)
        r = sg_volume_create_index(v, s->pool, 1, &v->index);
    if (r == 0)
        r = sg_volume_checkpoint(v, v->index, sg_secret_bytes(&s->label_key), &l);
    if (r)
        return sg_fold(r);
    atomic_store(&v->state, SG_VOLUME_ONLINE);
    return 0;
}

static int open_volume(struct sg_store *s, struct sg_volume *v)
{
    if (!v->labelled) {
        v->damage++;
        return 0; /* MISSING */
    }
    v->damage += v->label_damaged;
    int r = sg_volume_open_index(v, s->pool);
    if (r == SG_VOLUME_BAD) {
        sg_store_set_aside(s, v->slot, SG_VOLUME_DAMAGED);
        return 0;
    }
    if (r < 0)
        return r;
    if (sg_volume_make_folders(v) < 0)
        sg_store_set_aside(s, v->slot, SG_VOLUME_DAMAGED);
    else
        atomic_store(&v->state, SG_VOLUME_ONLINE);
    return 0;
}

static int open_volumes(struct sg_store *s, const struct sg_store_options *o, bool *ret_fresh)
{
    struct sg_volume found[SG_STORE_VOLUMES_MAX];
    for (size_t i = 0; i < SG_STORE_VOLUMES_MAX; i++)
        found[i] = (struct sg_volume){.lock_fd = -1};
    int r = attach_all(s, o, found);
    const struct sg_volume *known = r ? NULL : pick_store(found, o->n_volumes);
    *ret_fresh = !known;
    for (size_t i = 0; r == 0 && !known && i < o->n_volumes; i++)
        r = looks_used(&found[i])  ? SG_STORE_FOREIGN
            : found[i].lock_fd < 0 ? sg_raisef(-EIO, "a new store needs all of its volumes")
                                   : 0;
    if (known)
        memcpy(s->store_id, known->label.store_id, SG_STORE_ID_LEN);
    else
        sg_random_bytes(s->store_id, sizeof(s->store_id));
    if (r == 0)
        r = place_volumes(s, found, o->n_volumes, s->store_id);
    if (r) {
        for (size_t i = 0; i < o->n_volumes; i++)
            sg_volume_detach(&found[i]);
        s->n_volumes = 0;
        return r;
    }
    for (unsigned i = 0; r == 0 && i < s->n_volumes; i++)
        r = *ret_fresh ? create_volume(s, &s->volumes[i]) : open_volume(s, &s->volumes[i]);
    return r;
}

/* Opening: recovery. */

struct newest {
    uint64_t seq;
    const uint8_t *mac;
};

static struct newest newest_label(const struct sg_store *s)
{
    static const uint8_t zero[SG_JOURNAL_MAC_LEN];
    struct newest n = {0, zero};
    for (unsigned i = 0; i < s->n_volumes; i++) {
        const struct sg_volume *v = &s->volumes[i];
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && v->label.seq >= n.seq)
            n = (struct newest){v->label.seq, v->label.mac};
    }
    return n;
}

static int replay(void *user, uint64_t seq, struct sg_bytes payload)
{
    return sg_store_apply(user, payload, true, seq);
}

/* A volume whose label is behind the newest needs every record between the two. */
static void judge_volumes(struct sg_store *s, const struct sg_journal_scan *scan, uint64_t newest)
{
    for (unsigned i = 0; i < s->n_volumes; i++) {
        struct sg_volume *v = &s->volumes[i];
        bool covered = scan->run_first <= v->label.seq + 1 && scan->last >= newest;
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && v->label.seq < newest && !covered)
            sg_store_set_aside(s, v->slot, SG_VOLUME_STALE);
    }
}

static int read_journal(struct sg_store *s)
{
    struct sg_journal_site sites[SG_STORE_VOLUMES_MAX];
    struct sg_journal_scan scan;
    size_t n = sg_store_journal_sites(s, true, sites);
    struct newest newest = newest_label(s);
    int r = sg_journal_read(&s->journal, sites, n, false, NULL, NULL, &scan);
    if (r < 0)
        return r;
    judge_volumes(s, &scan, newest.seq);
    r = sg_journal_read(&s->journal, sites, n, false, replay, s, &scan);
    if (r < 0)
        return r;
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (scan.damage[slot]) {
            sg_store_damage(s, slot, scan.damage[slot]);
            s->journal_damage += scan.damage[slot];
        }
    s->journal.era = scan.era;
    bool journal_is_newer = scan.last > newest.seq;
    s->journal.seq = journal_is_newer ? scan.last : newest.seq;
    memcpy(s->journal.mac, journal_is_newer ? scan.mac : newest.mac, SG_JOURNAL_MAC_LEN);
    return 0;
}

static bool is_ours(const struct sg_journal *j, const char *path)
{
    for (size_t i = 0; i < j->n_segments; i++)
        for (size_t c = 0; c < j->segments[i].n_copies; c++)
            if (strcmp(j->segments[i].paths[c], path) == 0)
                return true;
    return false;
}

/* After the checkpoint nothing needs the segments of earlier runs. */
static void remove_old_segments(struct sg_store *s)
{
    struct sg_journal_site sites[SG_STORE_VOLUMES_MAX];
    size_t n = sg_store_journal_sites(s, true, sites);
    for (size_t i = 0; i < n; i++) {
        DIR *d = opendir(sites[i].folder);
        for (struct dirent *e; d && (e = readdir(d));) {
            char path[600];
            snprintf(path, sizeof(path), "%s/%s", sites[i].folder, e->d_name);
            if (e->d_name[0] != '.' && !is_ours(&s->journal, path) && sg_io_unlink(path) < 0)
                continue; /* it is only read again in vain */
        }
        if (d)
            closedir(d);
    }
}

static int recover(struct sg_store *s, struct sg_bytes root, bool fresh)
{
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    int r = sg_secret_new(&key, SG_KEY_LEN);
    if (r < 0)
        return r;
    sg_hkdf_expand(key.data, SG_KEY_LEN, root, SG_BYTES_LIT("sg-jrnal1"));
    r = sg_journal_init(&s->journal, sg_secret_bytes(&key), s->store_id);
    if (r == 0 && !fresh)
        r = read_journal(s);
    if (r == 0)
        r = sg_store_checkpoint_locked(s);
    if (r < 0)
        return r;
    remove_old_segments(s);
    for (unsigned i = 0; i < s->n_volumes; i++)
        if (sg_volume_state(&s->volumes[i]) == SG_VOLUME_ONLINE)
            sg_volume_remove_old(&s->volumes[i]);
    return 0;
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
        r = open_keys(s, o, root);
    if (r == 0)
        r = open_volumes(s, o, &fresh);
    if (r == 0)
        r = recover(s, SG_BYTES_ARRAY(root), fresh);
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
    int r = open_store(s, o);
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

/* Status. */

void sg_store_volume_status(struct sg_store *s, unsigned slot, struct sg_volume_status *ret)
{
    struct sg_volume *v = &s->volumes[slot];
    pthread_rwlock_rdlock(&s->gate);
    *ret = (struct sg_volume_status){.slot = slot,
                                     .state = sg_volume_state(v),
                                     .damage = v->damage,
                                     .repaired = v->repaired,
                                     .checkpoint_seq = v->label.seq,
                                     .index_bytes = v->index ? sg_index_bytes(v->index) : 0,
                                     .fragment_bytes = sg_fragments_bytes(s->fragments, slot)};
    memcpy(ret->path, v->path, sizeof(ret->path));
    pthread_rwlock_unlock(&s->gate);
}

void sg_store_status(struct sg_store *s, struct sg_store_status *ret)
{
    struct sg_store_status st = {.n_volumes = s->n_volumes, .writable = !atomic_load(&s->broken)};
    for (unsigned i = 0; i < s->n_volumes; i++) {
        st.online += sg_volume_state(&s->volumes[i]) == SG_VOLUME_ONLINE;
        st.damage += s->volumes[i].damage;
        st.repaired += s->volumes[i].repaired;
    }
    pthread_mutex_lock(&s->journal_lock);
    st.journal_seq = s->journal.seq;
    pthread_mutex_unlock(&s->journal_lock);
    st.batches = s->batches;
    st.rows_written = s->rows_written;
    st.pages_written = s->pages_written;
    st.commits = s->commits;
    st.cold_opens = s->cold_opens;
    pthread_mutex_lock(&s->cache.lock);
    st.cache_bytes = s->cache.bytes;
    st.cached_partitions = s->cache.n;
    pthread_mutex_unlock(&s->cache.lock);
    *ret = st;
}

/* Files. */

struct files_walk {
    int (*fn)(void *user, enum sg_store_file_class class, const char *path, uint64_t live_bytes);
    void *user;
};

static uint64_t file_bytes(const char *path)
{
    FILE *f = fopen(path, "re");
    long n = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
    if (f)
        fclose(f);
    return n > 0 ? (uint64_t)n : 0;
}

static int report_index_file(void *user, enum sg_index_file_kind kind, const char *path)
{
    struct files_walk *w = user;
    return w->fn(w->user, kind == SG_INDEX_FILE_TABLE ? SG_FILE_INDEX : SG_FILE_MANIFEST, path,
                 file_bytes(path));
}

static int report_volume(struct sg_volume *v, struct files_walk *w)
{
    char path[300];
    if (sg_volume_state(v) != SG_VOLUME_ONLINE)
        return 0;
    int r = sg_index_files(v->index, report_index_file, w);
    snprintf(path, sizeof(path), "%s/label", v->path);
    if (r == 0)
        r = w->fn(w->user, SG_FILE_MANIFEST, path, file_bytes(path));
    snprintf(path, sizeof(path), "%s/label.2", v->path);
    return r ? r : w->fn(w->user, SG_FILE_MANIFEST, path, file_bytes(path));
}

static int report_journal(struct sg_store *s, struct files_walk *w)
{
    int r = 0;
    pthread_mutex_lock(&s->journal_lock);
    const struct sg_journal *j = &s->journal;
    for (size_t i = 0; r == 0 && i < j->n_segments; i++)
        for (size_t c = 0; r == 0 && c < j->segments[i].n_copies; c++)
            r = w->fn(w->user, SG_FILE_JOURNAL, j->segments[i].paths[c],
                      SG_JOURNAL_HEADER_LEN + j->segments[i].bytes);
    pthread_mutex_unlock(&s->journal_lock);
    return r;
}

int sg_store_files(struct sg_store *s,
                   int (*fn)(void *user, enum sg_store_file_class class, const char *path,
                             uint64_t live_bytes),
                   void *user)
{
    struct files_walk w = {fn, user};
    int r = sg_store_usable(s);
    pthread_rwlock_rdlock(&s->gate);
    for (unsigned i = 0; r == 0 && i < s->n_volumes; i++)
        r = report_volume(&s->volumes[i], &w);
    pthread_rwlock_unlock(&s->gate);
    if (r == 0)
        r = report_journal(s, &w);
    return r ? r : sg_fragments_files(s->fragments, fn, user);
}
