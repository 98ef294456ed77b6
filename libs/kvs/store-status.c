/* What the store tells about itself. */
#include <stdio.h>

#include "fragment-int.h"

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
    const struct sg_volume *volume;
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
    if (kind == SG_INDEX_FILE_TABLE && !sg_volume_knows(w->volume, path))
        return 0;
    return w->fn(w->user, kind == SG_INDEX_FILE_TABLE ? SG_FILE_INDEX : SG_FILE_MANIFEST, path,
                 file_bytes(path));
}

static int report_volume(struct sg_volume *v, struct files_walk *w)
{
    char path[300];
    if (sg_volume_state(v) != SG_VOLUME_ONLINE)
        return 0;
    w->volume = v;
    int r = sg_volume_refresh(v);
    if (r == 0)
        r = sg_index_files(v->index, report_index_file, w);
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
    struct files_walk w = {.fn = fn, .user = user};
    int r = sg_store_usable(s);
    pthread_mutex_lock(&s->checkpoint_lock); /* inventories */
    pthread_rwlock_rdlock(&s->gate);
    for (unsigned i = 0; r == 0 && i < s->n_volumes; i++)
        r = report_volume(&s->volumes[i], &w);
    pthread_rwlock_unlock(&s->gate);
    pthread_mutex_unlock(&s->checkpoint_lock);
    if (r == 0)
        r = report_journal(s, &w);
    return r ? r : sg_fragments_files(s->fragments, fn, user);
}
