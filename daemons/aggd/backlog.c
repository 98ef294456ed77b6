/*
 * backlog - entries in order of arrival, found again by number and by frame.  A frame is told by
 * connection, sequence number and tag: the first two stand in clear and anybody can send a frame
 * that bears them, which must not keep the genuine one out.
 */
#include "backlog.h"

#include "backlog-int.h"

#include <pthread.h>
#include <sealgrid/base/random.h>

struct entry {
    struct entry *prev, *next;          /* of its list */
    struct entry *by_number, *by_frame; /* hash chains */
    uint64_t number, handle, seq;
    struct sg_addr addr;
    uint8_t cid[SG_FRAME_ID_LEN];
    uint8_t tag[SG_FRAME_TAG_LEN];
    uint8_t *data; /* NULL: on disk only */
    uint32_t len;
    struct agg_place place; /* segment 0: not on disk */
    bool sent;
};

struct list {
    struct entry *first, *last;
};

struct agg_backlog {
    pthread_mutex_t lock;
    struct agg_backlog_options o;
    struct agg_segments *segments;
    struct list waiting, sent;
    struct entry **by_number, **by_frame;
    size_t n_buckets; /* power of two */
    uint64_t salt;    /* so that frames cannot be chosen to collide */
    uint64_t next_number;
    struct agg_backlog_status status;
};

/* ---- lists and chains ---- */

static void append(struct list *l, struct entry *e)
{
    e->prev = l->last;
    e->next = NULL;
    *(l->last ? &l->last->next : &l->first) = e;
    l->last = e;
}

static void unlink_entry(struct list *l, struct entry *e)
{
    *(e->prev ? &e->prev->next : &l->first) = e->next;
    *(e->next ? &e->next->prev : &l->last) = e->prev;
    e->prev = e->next = NULL;
}

static struct entry **number_bucket(struct agg_backlog *b, uint64_t number)
{
    return &b->by_number[number & (b->n_buckets - 1)];
}

static uint64_t mix(uint64_t x, uint64_t v)
{
    x = (x ^ v) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static struct entry **frame_bucket(struct agg_backlog *b, const struct entry *e)
{
    uint64_t x = mix(mix(b->salt, sg_load_be64(e->cid)), e->seq);
    return &b->by_frame[mix(x, sg_load_be64(e->tag)) & (b->n_buckets - 1)];
}

static bool same_frame(const struct entry *x, const struct entry *y)
{
    return x->seq == y->seq && memcmp(x->cid, y->cid, sizeof x->cid) == 0 &&
           memcmp(x->tag, y->tag, sizeof x->tag) == 0;
}

static bool is_known(struct agg_backlog *b, const struct entry *like)
{
    const struct entry *e = *frame_bucket(b, like);
    while (e && !same_frame(e, like))
        e = e->by_frame;
    return e != NULL;
}

/* An uplink frame that was decoded: its body ends with the tag. */
static void identify(struct entry *e, const struct sg_frame *f)
{
    e->seq = f->seq;
    e->len = (uint32_t)(f->header.len + f->body.len);
    memcpy(e->cid, f->id, sizeof e->cid);
    memcpy(e->tag, f->body.data + f->body.len - sizeof e->tag, sizeof e->tag);
}

static struct entry *find_number(struct agg_backlog *b, uint64_t number)
{
    struct entry *e = *number_bucket(b, number);
    while (e && e->number != number)
        e = e->by_number;
    return e;
}

static void drop_data(struct agg_backlog *b, struct entry *e)
{
    if (e->data)
        b->status.memory -= e->len;
    free(e->data);
    e->data = NULL;
}

static void discard(struct agg_backlog *b, struct entry *e)
{
    struct entry **at = number_bucket(b, e->number);
    while (*at != e)
        at = &(*at)->by_number;
    *at = e->by_number;
    at = frame_bucket(b, e);
    while (*at != e)
        at = &(*at)->by_frame;
    *at = e->by_frame;
    unlink_entry(e->sent ? &b->sent : &b->waiting, e);
    b->status.frames--;
    b->status.sent -= e->sent;
    drop_data(b, e);
    if (e->place.segment)
        agg_segments_release(b->segments, e->place.segment);
    free(e);
}

static void enter(struct agg_backlog *b, struct entry *e)
{
    struct entry **n = number_bucket(b, e->number), **f = frame_bucket(b, e);
    e->by_number = *n;
    *n = e;
    e->by_frame = *f;
    *f = e;
    append(&b->waiting, e);
    b->status.frames++;
}

/* ---- life ---- */

struct loading {
    struct agg_backlog *b;
    uint64_t (*handle_of)(void *user, struct sg_addr addr);
    void *user;
};

static int load_record(void *user, struct sg_addr addr, struct sg_bytes frame,
                       struct agg_place place)
{
    struct loading *l = user;
    struct entry like = {.seq = 0};
    struct sg_frame f;
    bool ok = sg_frame_decode(frame, &f) == 0 && f.type == SG_FRAME_UPLINK &&
              l->b->status.frames < l->b->o.frames_max;
    if (ok)
        identify(&like, &f);
    if (!ok || is_known(l->b, &like)) {
        agg_segments_release(l->b->segments, place.segment);
        return 0;
    }
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return sg_raise(-ENOMEM);
    *e = like;
    e->number = l->b->next_number++;
    e->handle = l->handle_of(l->user, addr);
    e->addr = addr;
    e->place = place;
    enter(l->b, e);
    return 0;
}

int agg_backlog_open(struct agg_backlog **ret, const struct agg_backlog_options *o,
                     uint64_t (*handle_of)(void *user, struct sg_addr addr), void *user)
{
    SG_CLEANUP(agg_backlog_freep) struct agg_backlog *b = calloc(1, sizeof *b);
    struct loading l = {b, handle_of, user};
    if (!b)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&b->lock, NULL);
    b->o = *o;
    /* Numbers of an earlier run mean nothing to this one's connections. */
    b->next_number = 1;
    b->salt = sg_random_u64();
    b->n_buckets = 1024;
    while (b->n_buckets < o->frames_max && b->n_buckets < (1u << 20))
        b->n_buckets *= 2;
    b->by_number = calloc(b->n_buckets, sizeof *b->by_number);
    b->by_frame = calloc(b->n_buckets, sizeof *b->by_frame);
    if (!b->by_number || !b->by_frame)
        return sg_raise(-ENOMEM);
    int r = agg_segments_open(&b->segments, o->dir, o->segment_bytes, o->disk_max);
    r = r ? r : agg_segments_load(b->segments, load_record, &l, &b->status.damaged);
    if (r)
        return r;
    *ret = TAKE_PTR(b);
    return 0;
}

void agg_backlog_free(struct agg_backlog *b)
{
    if (!b)
        return;
    for (struct list *l = &b->waiting; l; l = l == &b->waiting ? &b->sent : NULL) {
        for (struct entry *e = l->first, *next; e; e = next) {
            next = e->next;
            free(e->data);
            free(e);
        }
    }
    agg_segments_free(b->segments);
    free(b->by_number);
    free(b->by_frame);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* ---- work ---- */

static int keep_in_memory(struct agg_backlog *b, struct entry *e, struct sg_bytes datagram)
{
    e->data = malloc(datagram.len);
    if (!e->data)
        return sg_raise(-ENOMEM);
    memcpy(e->data, datagram.data, datagram.len);
    b->status.memory += datagram.len;
    return 0;
}

static int keep(struct agg_backlog *b, struct entry *e, struct sg_bytes datagram, bool to_disk)
{
    if (!to_disk && datagram.len <= b->o.memory_max - b->status.memory)
        return keep_in_memory(b, e, datagram);
    int r = agg_segments_append(b->segments, e->addr, datagram, &e->place);
    return r == AGG_SEGMENTS_FULL ? AGG_BACKLOG_FULL : r;
}

static int add(struct agg_backlog *b, uint64_t handle, struct sg_addr addr,
               const struct sg_frame *f, bool to_disk)
{
    struct sg_bytes datagram = SG_BYTES(f->header.data, f->header.len + f->body.len);
    struct entry like = {.handle = handle, .addr = addr};
    identify(&like, f);
    if (is_known(b, &like))
        return AGG_BACKLOG_KNOWN;
    if (b->status.frames >= b->o.frames_max)
        return AGG_BACKLOG_FULL;
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return sg_raise(-ENOMEM);
    *e = like;
    int r = keep(b, e, datagram, to_disk);
    if (r) {
        free(e);
        return r;
    }
    e->number = b->next_number++;
    enter(b, e);
    return 0;
}

int agg_backlog_add(struct agg_backlog *b, uint64_t handle, struct sg_addr addr,
                    const struct sg_frame *f, bool to_disk)
{
    pthread_mutex_lock(&b->lock);
    int r = add(b, handle, addr, f, to_disk);
    pthread_mutex_unlock(&b->lock);
    return r;
}

static int fetch(struct agg_backlog *b, const struct entry *e, struct sg_buf *buf)
{
    uint8_t *p;
    sg_buf_reset(buf);
    if (e->data)
        return sg_buf_append(buf, SG_BYTES(e->data, e->len));
    int r = sg_buf_extend(buf, e->len, &p);
    return r ? r : agg_segments_read(b->segments, e->place, p, e->len);
}

static int next(struct agg_backlog *b, struct sg_buf *buf, struct agg_backlog_item *ret)
{
    struct entry *e = b->waiting.first;
    if (!e)
        return AGG_BACKLOG_EMPTY;
    int r = fetch(b, e, buf);
    if (r) {
        /* A record that was sound when it was written and cannot be read now: the meter has it. */
        b->status.damaged++;
        discard(b, e);
        return r;
    }
    unlink_entry(&b->waiting, e);
    append(&b->sent, e);
    e->sent = true;
    b->status.sent++;
    *ret = (struct agg_backlog_item){e->number, e->handle, sg_buf_bytes(buf)};
    return 0;
}

int agg_backlog_next(struct agg_backlog *b, struct sg_buf *buf, struct agg_backlog_item *ret)
{
    pthread_mutex_lock(&b->lock);
    int r = next(b, buf, ret);
    pthread_mutex_unlock(&b->lock);
    return r;
}

void agg_backlog_done(struct agg_backlog *b, uint64_t number)
{
    pthread_mutex_lock(&b->lock);
    struct entry *e = find_number(b, number);
    if (e && e->sent)
        discard(b, e);
    pthread_mutex_unlock(&b->lock);
}

/* What was sent waits again, before what never was. */
static void unsend(struct agg_backlog *b)
{
    for (struct entry *e = b->sent.first; e; e = e->next)
        e->sent = false;
    if (!b->sent.first)
        return;
    b->sent.last->next = b->waiting.first;
    *(b->waiting.first ? &b->waiting.first->prev : &b->waiting.last) = b->sent.last;
    b->waiting.first = b->sent.first;
    b->sent = (struct list){NULL, NULL};
    b->status.sent = 0;
}

/* Memory is kept too: the frames will be wanted soon.  No room on disk is no failure, only less
 * than could be. */
static int spill(struct agg_backlog *b)
{
    for (struct entry *e = b->waiting.first; e; e = e->next) {
        if (e->place.segment)
            continue;
        int r = agg_segments_append(b->segments, e->addr, SG_BYTES(e->data, e->len), &e->place);
        if (r)
            return r == AGG_SEGMENTS_FULL ? 0 : r;
    }
    return 0;
}

int agg_backlog_uplink_lost(struct agg_backlog *b)
{
    pthread_mutex_lock(&b->lock);
    unsend(b);
    int r = spill(b);
    pthread_mutex_unlock(&b->lock);
    return r;
}

struct agg_backlog_status agg_backlog_status(struct agg_backlog *b)
{
    pthread_mutex_lock(&b->lock);
    struct agg_backlog_status s = b->status;
    s.disk = agg_segments_octets(b->segments);
    pthread_mutex_unlock(&b->lock);
    return s;
}
