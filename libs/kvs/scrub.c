/*
 * Scrub.  Order matters: first everything is verified as it lies on disk, then damaged volumes are
 * rebuilt, then partitions and objects are opened one by one, and a checkpoint at the end makes the
 * repairs durable and replaces labels and journal segments.
 */
#include "store-int.h"

#include <stdio.h>
#include <sys/stat.h>

#include "object-int.h"

struct scrub {
    struct sg_store *s;
    const struct sg_scrub_options *o;
    struct sg_scrub_report *report;
    uint64_t rebuild; /* slots whose index is damaged */
    bool fragments;   /* some are damaged or gone */
};

void sg_scrub_count(struct sg_store *s, unsigned slot, struct sg_scrub_report *report,
                    uint64_t damage, uint64_t repaired)
{
    report->volumes[slot].damage += damage;
    report->volumes[slot].repaired += repaired;
    sg_store_damage(s, slot, damage);
    sg_store_repaired(s, slot, repaired);
}

static bool chosen(const struct scrub *sc, unsigned slot)
{
    return sc->o->volumes >> slot & 1;
}

/* Journal. */

/* Copies that are gone or shorter than what was written. */
static void check_lengths(struct scrub *sc, uint64_t damage[SG_STORE_VOLUMES_MAX])
{
    struct sg_store *s = sc->s;
    pthread_mutex_lock(&s->journal_lock);
    for (size_t i = 0; i < s->journal.n_segments; i++) {
        const struct sg_journal_segment *g = &s->journal.segments[i];
        for (size_t c = 0; c < g->n_copies; c++) {
            struct stat st;
            bool whole = stat(g->paths[c], &st) == 0 &&
                         (uint64_t)st.st_size >= SG_JOURNAL_HEADER_LEN + g->bytes;
            damage[g->slots[c]] += !whole;
            sc->report->files++;
            sc->report->file_bytes += g->bytes;
        }
    }
    pthread_mutex_unlock(&s->journal_lock);
}

static int check_journal(struct scrub *sc, bool *ret_damaged)
{
    struct sg_store *s = sc->s;
    struct sg_journal_site sites[SG_STORE_VOLUMES_MAX];
    struct sg_journal_scan scan;
    uint64_t lengths[SG_STORE_VOLUMES_MAX] = {0};
    check_lengths(sc, lengths);
    pthread_mutex_lock(&s->journal_lock);
    size_t n = sg_store_journal_sites(s, true, sites);
    pthread_mutex_unlock(&s->journal_lock);
    int r = sg_journal_read(&s->journal, sites, n, true, NULL, NULL, &scan);
    if (r < 0)
        return r;
    for (unsigned slot = 0; slot < s->n_volumes; slot++) {
        uint64_t damage = scan.damage[slot] + lengths[slot];
        if (!chosen(sc, slot) || damage == 0)
            continue;
        sg_scrub_count(s, slot, sc->report, damage, 0);
        s->journal_damage += damage;
        *ret_damaged = true;
    }
    return 0;
}

/* Files. */

static bool label_gone(const struct sg_volume *v)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/label", v->path);
    if (access(path, F_OK) == 0)
        return false;
    snprintf(path, sizeof(path), "%s/label.2", v->path);
    return access(path, F_OK) < 0;
}

/* Labels and journal are mended by the checkpoint, an index by its rebuild. */
static int check_volume(struct scrub *sc, struct sg_volume *v, bool *ret_mend)
{
    struct sg_volume_check c;
    if (label_gone(v)) {
        sg_store_set_aside(sc->s, v->slot, SG_VOLUME_MISSING);
        sc->report->volumes[v->slot].damage++;
        return 0;
    }
    int r = sg_volume_check_files(v, sg_secret_bytes(&sc->s->label_key), &c);
    if (r < 0)
        return r;
    sc->report->files += c.files;
    sc->report->file_bytes += c.bytes;
    sg_scrub_count(sc->s, v->slot, sc->report, c.damage, 0);
    *ret_mend |= c.damage > 0;
    if (c.damage > c.label_damage)
        sc->rebuild |= 1ull << v->slot;
    return 0;
}

static int check_files(struct scrub *sc, bool *ret_mend)
{
    int r = check_journal(sc, ret_mend);
    for (unsigned slot = 0; r == 0 && slot < sc->s->n_volumes; slot++) {
        struct sg_volume *v = &sc->s->volumes[slot];
        if (chosen(sc, slot) && sg_volume_state(v) == SG_VOLUME_ONLINE)
            r = check_volume(sc, v, ret_mend);
        else if (chosen(sc, slot))
            sc->report->volumes[slot].damage++;
    }
    return r;
}

/* One at a time: until its turn comes, a volume with a little damage still serves the others.  One
 * whose folder cannot be written stays aside; the report and its state say so. */
static void rebuild_volumes(struct scrub *sc, bool *ret_rebuilt)
{
    for (unsigned slot = 0; slot < sc->s->n_volumes; slot++) {
        bool damaged = sc->rebuild >> slot & 1;
        bool online = sg_volume_state(&sc->s->volumes[slot]) == SG_VOLUME_ONLINE;
        if (!chosen(sc, slot) || (online && !damaged))
            continue;
        if (sg_volume_rebuild(sc->s, slot, sc->report) < 0)
            sg_store_set_aside(sc->s, slot, SG_VOLUME_DAMAGED);
        *ret_rebuilt = true;
    }
}

/* Contents. */

static void count_segment(void *user, unsigned slot)
{
    struct scrub *sc = user;
    sc->fragments = true;
    sg_scrub_count(sc->s, slot, sc->report, 1, 0);
}

static int scrub_objects(struct scrub *sc)
{
    struct sg_store *s = sc->s;
    int r = sg_fragments_check(s->fragments, sc->o->volumes, count_segment, sc);
    /* Where every segment is as it was written, it is enough that none is gone. */
    bool light = sc->o->depth == SG_SCRUB_FILES && !sc->fragments;
    if (r == 0)
        r = sg_fragments_mark(s->fragments);
    for (size_t i = 0; r == 0 && i < s->n_buckets; i++)
        r = sg_objects_scrub(s, &s->buckets[i], light, sc->o->verify_only, sc->report);
    if (r == 0 && !sc->o->verify_only && sc->report->lost == 0)
        r = sg_fragments_sweep(s->fragments);
    return r;
}

static int check_contents(struct scrub *sc)
{
    int r = 0;
    if (sc->o->depth == SG_SCRUB_FULL)
        r = sg_scrub_partitions(sc->s, sc->o, sc->report);
    return r < 0 ? r : scrub_objects(sc);
}

static int run(struct scrub *sc)
{
    bool mend = false, rebuilt = false;
    int r = check_files(sc, &mend);
    if (r == 0 && !sc->o->verify_only)
        rebuild_volumes(sc, &rebuilt);
    sc->fragments |= rebuilt; /* a volume that was gone took its fragments along */
    /* after the rebuild: a checkpoint needs one volume that is whole */
    if (r == 0 && (mend || rebuilt) && !sc->o->verify_only)
        r = sg_store_checkpoint_locked(sc->s);
    return r;
}

static void sum_up(struct sg_scrub_report *report)
{
    for (size_t i = 0; i < report->n_volumes; i++) {
        report->damage += report->volumes[i].damage;
        report->repaired += report->volumes[i].repaired;
    }
}

static int scrub_locked(struct scrub *sc)
{
    pthread_mutex_lock(&sc->s->checkpoint_lock);
    int r = run(sc);
    pthread_mutex_unlock(&sc->s->checkpoint_lock);
    if (r == 0)
        r = check_contents(sc);
    if (r == 0 && !sc->o->verify_only && sc->o->depth == SG_SCRUB_FULL)
        r = sg_store_checkpoint(sc->s);
    return r;
}

int sg_store_scrub(struct sg_store *s, const struct sg_scrub_options *o,
                   struct sg_scrub_report *ret)
{
    struct sg_scrub_report report = {.n_volumes = s->n_volumes};
    struct scrub sc = {.s = s, .o = o, .report = &report};
    int r = sg_store_usable(s);
    if (r < 0)
        return r;
    if (pthread_mutex_trylock(&s->scrub_lock))
        return sg_raise(-EBUSY);
    r = scrub_locked(&sc);
    pthread_mutex_unlock(&s->scrub_lock);
    if (r < 0)
        return r;
    sum_up(&report);
    *ret = report;
    return 0;
}
