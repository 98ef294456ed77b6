/*
 * Group commit.  The first batch that finds nobody leading leads: it takes all that wait, writes
 * them as one journal record, syncs once, wakes them.  Each batch then applies its own operations;
 * order between batches does not matter, because two batches that touch one partition never hold
 * its lock at the same time.
 */
#include <stdio.h>

#include "store-int.h"

#define GROUP_BYTES_MAX (48u << 20)
#define GROUP_MAX       1024

/* Journal. */

size_t sg_store_journal_sites(struct sg_store *s, bool all, struct sg_journal_site *ret)
{
    size_t n = 0;
    for (unsigned i = 0; i < s->n_volumes; i++) {
        struct sg_volume *v = &s->volumes[(s->journal.seq + i) % s->n_volumes];
        if (!all && sg_volume_state(v) != SG_VOLUME_ONLINE)
            continue;
        ret[n].slot = v->slot;
        snprintf(ret[n].folder, sizeof(ret[n].folder), "%s/journal", v->path);
        n++;
    }
    return n;
}

static int begin_segment(struct sg_store *s)
{
    struct sg_journal_site sites[SG_STORE_VOLUMES_MAX];
    size_t n = sg_store_journal_sites(s, false, sites);
    return sg_journal_begin(&s->journal, sites, n);
}

/* The copy is given up, the volume is not: its index still gets everything. */
static bool count_failures(struct sg_store *s)
{
    uint64_t failed = s->journal.failed;
    s->journal.failed = 0;
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (failed >> slot & 1)
            sg_store_damage(s, slot, 1);
    return failed != 0;
}

static int append_parts(struct sg_store *s, const struct sg_bytes *parts, size_t n)
{
    struct sg_journal *j = &s->journal;
    int r = 0;
    bool full = j->n_segments && j->segments[j->n_segments - 1].bytes > SG_JOURNAL_SEGMENT_BYTES;
    if (j->n_copies == 0 || full)
        r = begin_segment(s);
    if (r == 0)
        r = sg_journal_append(j, parts, n);
    bool lost_a_copy = count_failures(s);
    /* Full redundancy again; and a record that failed is void only once a later segment says so. */
    bool begun = !(lost_a_copy || r < 0) || begin_segment(s) == 0;
    atomic_store(&s->broken, r < 0 && !begun);
    return r;
}

static void ask_checkpoint(struct sg_store *s)
{
    pthread_mutex_lock(&s->background_lock);
    s->checkpoint_due = true;
    pthread_cond_signal(&s->background_wake);
    pthread_mutex_unlock(&s->background_lock);
}

static int write_group(struct sg_store *s, struct sg_commit *group)
{
    struct sg_bytes parts[GROUP_MAX];
    size_t n = 0;
    for (struct sg_commit *c = group; c; c = c->next)
        parts[n++] = c->payload;
    pthread_mutex_lock(&s->journal_lock);
    int r = append_parts(s, parts, n);
    bool due = s->journal.bytes > s->journal_bytes_max;
    pthread_mutex_unlock(&s->journal_lock);
    if (due)
        ask_checkpoint(s);
    s->commits++;
    return r;
}

/* Group. */

/* Queue lock held; the front of the queue, cut off. */
static struct sg_commit *take_group(struct sg_store *s)
{
    struct sg_commit *group = s->queue, **at = &s->queue;
    size_t octets = 0, n = 0;
    while (*at && n < GROUP_MAX && (n == 0 || octets + (*at)->payload.len <= GROUP_BYTES_MAX)) {
        octets += (*at)->payload.len;
        n++;
        at = &(*at)->next;
    }
    s->queue = *at;
    *at = NULL;
    if (!s->queue)
        s->queue_end = &s->queue;
    return group;
}

static void finish_group(struct sg_commit *group, int r)
{
    while (group) {
        struct sg_commit *next = group->next; /* done frees its owner */
        group->r = r;
        group->done = true;
        group = next;
    }
}

/* Queue lock held, and let go while writing. */
static void lead(struct sg_store *s)
{
    struct sg_commit *group = take_group(s);
    s->leading = true;
    pthread_mutex_unlock(&s->queue_lock);
    int r = write_group(s, group);
    pthread_mutex_lock(&s->queue_lock);
    s->leading = false;
    finish_group(group, r);
    pthread_cond_broadcast(&s->queue_moved);
}

static int journal_payload(struct sg_store *s, struct sg_bytes payload)
{
    struct sg_commit own = {.payload = payload};
    pthread_mutex_lock(&s->queue_lock);
    *s->queue_end = &own;
    s->queue_end = &own.next;
    while (!own.done) {
        if (s->leading)
            pthread_cond_wait(&s->queue_moved, &s->queue_lock);
        else
            lead(s);
    }
    pthread_mutex_unlock(&s->queue_lock);
    return own.r;
}

/* Applying. */

struct fan_out {
    struct sg_index_batch *batches[SG_STORE_VOLUMES_MAX];
};

static void free_fan_out(struct fan_out *f)
{
    for (size_t i = 0; i < SG_STORE_VOLUMES_MAX; i++)
        sg_index_batch_free(f->batches[i]);
}

static bool takes_writes(const struct sg_volume *v, const uint8_t *key)
{
    enum sg_volume_state state = sg_volume_state(v);
    return state == SG_VOLUME_ONLINE ||
           (state == SG_VOLUME_REBUILDING && key[0] < atomic_load(&v->rebuilt_to));
}

static int add_operation(struct sg_index_batch **b, const struct sg_physical *op)
{
    int r = *b ? 0 : sg_index_batch_new(b);
    if (r < 0)
        return r;
    if (op->is_delete)
        sg_index_batch_delete(*b, op->key);
    else
        sg_index_batch_put(*b, op->key, op->value);
    return 0;
}

static int fan_operation(struct sg_store *s, struct fan_out *f, const struct sg_physical *op,
                         bool after_label, uint64_t seq)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < op->replicas && i < s->n_volumes; i++) {
        struct sg_volume *v = sg_store_replica(s, op->key.data, i);
        if (takes_writes(v, op->key.data) && !(after_label && seq <= v->label.seq))
            r = add_operation(&f->batches[v->slot], op);
    }
    return r;
}

static int fan_payload(struct sg_store *s, struct fan_out *f, struct sg_bytes payload,
                       bool after_label, uint64_t seq)
{
    struct sg_reader r = sg_reader_over(payload);
    struct sg_physical op;
    int result;
    while ((result = sg_physical_next(&r, &op)) == 0) {
        result = fan_operation(s, f, &op, after_label, seq);
        if (result < 0)
            return result;
    }
    return result < 0 ? result : 0;
}

/* A volume that cannot take it is set aside. */
static void write_out(struct sg_store *s, struct fan_out *f)
{
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (f->batches[slot] && sg_index_write(s->volumes[slot].index, f->batches[slot]))
            sg_store_set_aside(s, slot, SG_VOLUME_DAMAGED);
}

int sg_store_apply(struct sg_store *s, struct sg_bytes payload, bool after_label, uint64_t seq)
{
    SG_CLEANUP(free_fan_out) struct fan_out f = {{NULL}};
    int r = fan_payload(s, &f, payload, after_label, seq);
    if (r == 0)
        write_out(s, &f);
    return r;
}

/* All that can fail comes before the journal: what it holds will be applied. */
int sg_store_commit(struct sg_store *s, struct sg_bytes payload)
{
    SG_CLEANUP(free_fan_out) struct fan_out f = {{NULL}};
    int r = fan_payload(s, &f, payload, false, 0);
    if (r == 0)
        r = journal_payload(s, payload);
    if (r == 0)
        write_out(s, &f);
    return r;
}

/* Checkpoint. */

/* A full disk passes; whoever keeps failing while others do not has a problem of its own. */
#define CHECKPOINT_FAILURES_MAX 3

static int checkpoint_volume(struct sg_store *s, struct sg_volume *v, const struct sg_label *at)
{
    struct sg_label l = *at;
    l.slot = (uint16_t)v->slot;
    l.generation = v->label.generation;
    int r = sg_volume_checkpoint(v, v->index, sg_secret_bytes(&s->label_key), &l);
    v->failures = r < 0 ? v->failures + 1 : 0;
    if (r > 0)
        sg_store_set_aside(s, v->slot, SG_VOLUME_DAMAGED);
    return r < 0 ? r : 0;
}

static void judge_failing(struct sg_store *s)
{
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (s->volumes[slot].failures >= CHECKPOINT_FAILURES_MAX)
            sg_store_set_aside(s, slot, SG_VOLUME_DAMAGED);
}

void sg_store_mark(struct sg_store *s, struct sg_label *ret)
{
    pthread_rwlock_wrlock(&s->gate);
    memcpy(ret->store_id, s->store_id, SG_STORE_ID_LEN);
    ret->seq = s->journal.seq;
    memcpy(ret->mac, s->journal.mac, SG_JOURNAL_MAC_LEN);
    pthread_rwlock_unlock(&s->gate);
}

/* First, so that whatever is wrong with older segments goes with them. */
static int rotate_journal(struct sg_store *s)
{
    pthread_mutex_lock(&s->journal_lock);
    int r = begin_segment(s);
    pthread_mutex_unlock(&s->journal_lock);
    return r;
}

/* Only once no volume that is online needs it. */
static int cut_journal(struct sg_store *s, uint64_t seq)
{
    pthread_mutex_lock(&s->journal_lock);
    int r = sg_journal_cut(&s->journal, seq);
    pthread_mutex_unlock(&s->journal_lock);
    return r;
}

int sg_store_checkpoint_locked(struct sg_store *s)
{
    struct sg_label at = {.seq = 0};
    unsigned good = 0;
    int result = rotate_journal(s);
    if (result < 0)
        return result;
    sg_store_mark(s, &at);
    for (unsigned slot = 0; slot < s->n_volumes; slot++) {
        struct sg_volume *v = &s->volumes[slot];
        if (sg_volume_state(v) != SG_VOLUME_ONLINE)
            continue;
        int r = checkpoint_volume(s, v, &at);
        good += r == 0 && sg_volume_state(v) == SG_VOLUME_ONLINE;
        result = r < 0 ? r : result;
    }
    if (good)
        judge_failing(s);
    else if (result == 0)
        result = sg_raise(-EIO);
    return result < 0 ? result : cut_journal(s, at.seq);
}

int sg_store_checkpoint(struct sg_store *s)
{
    int r = sg_store_usable(s);
    if (r < 0)
        return r;
    pthread_mutex_lock(&s->checkpoint_lock);
    r = sg_store_checkpoint_locked(s);
    pthread_mutex_unlock(&s->checkpoint_lock);
    return r;
}
