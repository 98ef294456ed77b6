/*
 * Everything that will happen is in one heap, by virtual time; running takes the first and makes it
 * happen.  Chance comes from three kinds of streams of one seed: the network's, and one per node,
 * so that a node's own draws do not depend on how many other nodes there are.
 */
#include "loop-int.h"
#include <sealgrid/base/random.h>
#include <sealgrid/net/loop-sim.h>

#define FIRST_PICKED_PORT 49152

struct sim_loop {
    struct sg_loop loop; /* first */
    struct sg_sim *sim;
    struct sg_prng prng;
};

struct sim_udp {
    struct sg_udp udp; /* first */
    struct sim_udp *next;
    int64_t last_at_ms; /* arrival of the latest datagram sent in order */
};

struct datagram {
    struct sg_event event; /* first */
    struct sg_addr from, to;
    size_t len;
    uint8_t data[];
};

struct post {
    struct sg_event event; /* first */
    void (*fn)(void *user);
    void *user;
};

struct sg_sim {
    struct sg_heap heap;
    int64_t now_ms, start_unix_s;
    uint64_t seed, history;
    struct sg_prng prng;
    struct sg_sim_network network;
    struct sim_udp *sockets;
    uint16_t next_port;
    uint64_t nodes;
    size_t loops;
    bool stop;
};

static struct sim_loop *self(struct sg_loop *l)
{
    return (struct sim_loop *)l;
}

/* FNV-1a over what happens, so that two runs can be compared by one number. */
static void note(struct sg_sim *s, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->history = (s->history ^ ((const uint8_t *)p)[i]) * UINT64_C(0x100000001b3);
}

/* ---- clock, random ---- */

static int64_t now_ms(struct sg_loop *l)
{
    return self(l)->sim->now_ms;
}

static int64_t unix_s(struct sg_loop *l)
{
    struct sg_sim *s = self(l)->sim;
    return s->start_unix_s + s->now_ms / 1000;
}

static void fill_random(struct sg_loop *l, void *p, size_t n)
{
    uint8_t *at = p;
    while (n) {
        uint64_t v = sg_prng_u64(&self(l)->prng);
        size_t take = n < sizeof(v) ? n : sizeof(v);
        memcpy(at, &v, take);
        at += take;
        n -= take;
    }
}

/* ---- posts; descriptors there are none ---- */

static int post(struct sg_loop *l, void (*fn)(void *user), void *user)
{
    struct sg_sim *s = self(l)->sim;
    SG_FREE struct post *p = calloc(1, sizeof(*p));
    if (!p)
        return sg_raise(-ENOMEM);
    *p = (struct post){.event = {.kind = SG_EVENT_POST, .loop = l}, .fn = fn, .user = user};
    int r = sg_heap_reserve(&s->heap);
    if (r < 0)
        return r;
    sg_heap_set(&s->heap, &TAKE_PTR(p)->event.node, s->now_ms);
    return 0;
}

static int io_new(struct sg_loop_io **ret, struct sg_loop *l, int fd, unsigned want,
                  sg_loop_io_fn fn, void *user)
{
    (void)ret, (void)l, (void)fd, (void)want, (void)fn, (void)user;
    return sg_raise(-EOPNOTSUPP);
}

/* ---- network ---- */

static struct sim_udp *find_socket(struct sg_sim *s, struct sg_addr a)
{
    for (struct sim_udp *u = s->sockets; u; u = u->next)
        if (sg_addr_equal(u->udp.local, a))
            return u;
    return NULL;
}

static int pick_port(struct sg_sim *s, struct sg_addr *a)
{
    for (unsigned tries = 0; tries < 65536; tries++) {
        a->port = s->next_port++;
        if (s->next_port == 0)
            s->next_port = FIRST_PICKED_PORT;
        if (!find_socket(s, *a))
            return 0;
    }
    return sg_raise(-EADDRINUSE);
}

static int udp_new(struct sg_udp **ret, struct sg_loop *l, struct sg_addr bind_to,
                   size_t rcvbuf_bytes)
{
    (void)rcvbuf_bytes;
    struct sg_sim *s = self(l)->sim;
    int r = bind_to.port ? 0 : pick_port(s, &bind_to);
    if (r < 0)
        return r;
    if (find_socket(s, bind_to))
        return sg_raise(-EADDRINUSE);
    struct sim_udp *u = calloc(1, sizeof(*u));
    if (!u)
        return sg_raise(-ENOMEM);
    u->udp = (struct sg_udp){.loop = l, .local = bind_to};
    u->next = s->sockets;
    s->sockets = u;
    *ret = &u->udp;
    return 0;
}

static void udp_free(struct sg_udp *u)
{
    struct sim_udp **at = &self(u->loop)->sim->sockets;
    while (&(*at)->udp != u)
        at = &(*at)->next;
    struct sim_udp *mine = *at;
    *at = mine->next;
    free(mine);
}

/* In order: not before what this socket sent earlier.  Out of order: by its own delay, and up to
 * twice the longest delay more. */
static int64_t arrival(struct sg_sim *s, struct sim_udp *u)
{
    const struct sg_sim_network *n = &s->network;
    int64_t spread = n->delay_max_ms - n->delay_min_ms;
    int64_t at = s->now_ms + n->delay_min_ms;
    if (spread > 0)
        at += (int64_t)sg_prng_below(&s->prng, (uint64_t)spread + 1);
    if (sg_prng_unit(&s->prng) < n->reorder)
        return at + (int64_t)sg_prng_below(&s->prng, 2 * (uint64_t)n->delay_max_ms + 2);
    if (at < u->last_at_ms)
        at = u->last_at_ms;
    u->last_at_ms = at;
    return at;
}

static int fly(struct sim_udp *u, struct sg_addr to, struct sg_bytes bytes)
{
    struct sg_sim *s = self(u->udp.loop)->sim;
    SG_FREE struct datagram *d = malloc(sizeof(*d) + bytes.len);
    if (!d)
        return sg_raise(-ENOMEM);
    *d = (struct datagram){
        .event = {.kind = SG_EVENT_DATAGRAM}, .from = u->udp.local, .to = to, .len = bytes.len};
    if (bytes.len)
        memcpy(d->data, bytes.data, bytes.len);
    int r = sg_heap_reserve(&s->heap);
    if (r < 0)
        return r;
    sg_heap_set(&s->heap, &TAKE_PTR(d)->event.node, arrival(s, u));
    return 0;
}

/* Loss is silent, as on a network: SG_UDP_DROPPED is for a full local queue, which this has not. */
static int udp_send(struct sg_udp *u, struct sg_addr to, struct sg_bytes datagram)
{
    struct sg_sim *s = self(u->loop)->sim;
    struct sim_udp *mine = (struct sim_udp *)u;
    if (sg_prng_unit(&s->prng) < s->network.loss)
        return 0;
    int r = fly(mine, to, datagram);
    if (r == 0 && sg_prng_unit(&s->prng) < s->network.duplicate)
        r = fly(mine, to, datagram);
    return r;
}

/* ---- running ---- */

static void deliver(struct sg_sim *s, struct datagram *d)
{
    struct sim_udp *to = find_socket(s, d->to);
    note(s, &d->from, sizeof(d->from));
    note(s, &d->to, sizeof(d->to));
    note(s, d->data, d->len);
    if (to)
        sg_udp_deliver(&to->udp, d->from, SG_BYTES(d->data, d->len));
}

static void free_event(struct sg_sim *s, struct sg_event *e)
{
    if (e->kind == SG_EVENT_TIMER)
        return; /* its owner's */
    sg_heap_unreserve(&s->heap);
    free(e);
}

static void happen(struct sg_sim *s, struct sg_event *e)
{
    uint8_t kind = (uint8_t)e->kind;
    note(s, &s->now_ms, sizeof(s->now_ms));
    note(s, &kind, sizeof(kind));
    switch (e->kind) {
    case SG_EVENT_TIMER: {
        struct sg_loop_timer *t = (struct sg_loop_timer *)e;
        t->fn(t->user);
        return;
    }
    case SG_EVENT_POST: {
        struct post *p = (struct post *)e;
        p->fn(p->user);
        break;
    }
    case SG_EVENT_DATAGRAM:
        deliver(s, (struct datagram *)e);
        break;
    }
    free_event(s, e);
}

int sg_sim_run(struct sg_sim *s, int64_t until_ms)
{
    int64_t end;
    if (__builtin_add_overflow(s->now_ms, until_ms, &end))
        end = INT64_MAX;
    s->stop = false;
    while (!s->stop) {
        struct sg_heap_node *first = sg_heap_first(&s->heap);
        if (!first || first->at_ms > end) {
            if (end != INT64_MAX)
                s->now_ms = end;
            return 0;
        }
        sg_heap_remove(&s->heap, first);
        s->now_ms = first->at_ms;
        happen(s, (struct sg_event *)first);
    }
    return 0;
}

static int run(struct sg_loop *l)
{
    return sg_sim_run(self(l)->sim, INT64_MAX);
}

static void stop(struct sg_loop *l)
{
    self(l)->sim->stop = true;
}

/* ---- life ---- */

/* Posts to a loop that is no more must not run. */
static void drop_posts(struct sg_sim *s, const struct sg_loop *l)
{
    for (size_t i = 1; i <= s->heap.n;) {
        struct sg_event *e = (struct sg_event *)s->heap.nodes[i];
        if (e->kind == SG_EVENT_POST && e->loop == l) {
            sg_heap_remove(&s->heap, &e->node);
            free_event(s, e);
            i = 1; /* the heap has moved */
        } else {
            i++;
        }
    }
}

static void loop_free(struct sg_loop *l)
{
    drop_posts(self(l)->sim, l);
    self(l)->sim->loops--;
    free(l);
}

static const struct sg_loop_backend backend = {
    .free = loop_free,
    .run = run,
    .stop = stop,
    .post = post,
    .now_ms = now_ms,
    .unix_s = unix_s,
    .random = fill_random,
    .io_new = io_new,
    .udp_new = udp_new,
    .udp_send = udp_send,
    .udp_free = udp_free,
};

int sg_sim_loop(struct sg_sim *s, struct sg_loop **ret)
{
    struct sim_loop *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->loop = (struct sg_loop){&backend, &s->heap};
    l->sim = s;
    sg_prng_seed2(&l->prng, s->seed, ++s->nodes);
    s->loops++;
    *ret = &l->loop;
    return 0;
}

int sg_sim_new(struct sg_sim **ret, uint64_t seed, int64_t start_unix_s)
{
    struct sg_sim *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->seed = seed;
    s->start_unix_s = start_unix_s;
    s->history = UINT64_C(0xcbf29ce484222325);
    s->next_port = FIRST_PICKED_PORT;
    sg_prng_seed2(&s->prng, seed, 0);
    *ret = s;
    return 0;
}

void sg_sim_set_network(struct sg_sim *s, const struct sg_sim_network *n)
{
    sg_assert(n->delay_min_ms >= 0 && n->delay_max_ms >= n->delay_min_ms);
    s->network = *n;
}

uint64_t sg_sim_history(const struct sg_sim *s)
{
    return s->history;
}

void sg_sim_free(struct sg_sim *s)
{
    if (!s)
        return;
    sg_assert(s->loops == 0);
    struct sg_heap_node *first;
    while ((first = sg_heap_first(&s->heap))) {
        sg_heap_remove(&s->heap, first);
        free_event(s, (struct sg_event *)first);
    }
    sg_heap_clear(&s->heap);
    free(s);
}
