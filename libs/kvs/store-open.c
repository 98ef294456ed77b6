/* Opening: keys, volumes by their labels, recovery from the journal. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#include "store-int.h"

/* Opening: keys. */

int sg_store_open_keys(struct sg_store *s, const struct sg_store_options *o,
                       uint8_t root[SG_KEY_LEN])
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

int sg_store_open_volumes(struct sg_store *s, const struct sg_store_options *o, bool *ret_fresh)
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

/* The journal's record of that number may be another one: void, from a volume that was away. */
static bool reaches(const struct sg_journal_scan *scan, const struct newest *n)
{
    return scan->last > n->seq ||
           (scan->last == n->seq && memcmp(scan->mac, n->mac, SG_JOURNAL_MAC_LEN) == 0);
}

/* A volume whose label is behind the newest needs every record between the two. */
static void judge_volumes(struct sg_store *s, const struct sg_journal_scan *scan,
                          const struct newest *newest)
{
    for (unsigned i = 0; i < s->n_volumes; i++) {
        struct sg_volume *v = &s->volumes[i];
        bool covered = scan->run_first <= v->label.seq + 1 && reaches(scan, newest);
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && v->label.seq < newest->seq && !covered)
            sg_store_set_aside(s, v->slot, SG_VOLUME_STALE);
    }
}

/* Records that no volume has any more, though later ones are there: somebody took them, or all
 * copies are bad.  What they held is lost, and must show. */
static void count_gap(struct sg_store *s, const struct sg_journal_scan *scan, uint64_t newest)
{
    bool gap = scan->last > newest && scan->run_first > newest + 1;
    for (unsigned slot = 0; gap && slot < s->n_volumes; slot++)
        sg_store_damage(s, slot, scan->run_first - newest - 1);
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
    judge_volumes(s, &scan, &newest);
    r = sg_journal_read(&s->journal, sites, n, false, replay, s, &scan);
    if (r < 0)
        return r;
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (scan.damage[slot]) {
            sg_store_damage(s, slot, scan.damage[slot]);
            s->journal_damage += scan.damage[slot];
        }
    count_gap(s, &scan, newest.seq);
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

int sg_store_recover(struct sg_store *s, struct sg_bytes root, bool fresh)
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
