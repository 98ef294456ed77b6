#include "loop-int.h"
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/random.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define EVENTS  64 /* per epoll_wait */
#define BATCH   16 /* datagrams per recvmmsg */
#define BATCHES 8  /* recvmmsg calls before other descriptors get their turn */
#define SLOT    65536

struct epoll_io {
    struct sg_loop_io io; /* first */
    int fd;
    unsigned want;
    sg_loop_io_fn fn;
    void *user;
};

struct post {
    struct post *next;
    void (*fn)(void *user);
    void *user;
};

struct epoll_loop {
    struct sg_loop loop; /* first */
    struct sg_heap heap;
    int epoll_fd, wake_fd;
    _Atomic bool stop;
    int64_t now_ms; /* of this turn */
    struct epoll_event events[EVENTS];
    int n_events; /* of the turn, not yet handled: events[at..n) */
    int at;
    uint8_t *slots; /* BATCH datagrams, made with the first socket */
    pthread_mutex_t lock;
    struct post *first_post, **last_post; /* under lock */
};

struct epoll_udp {
    struct sg_udp udp; /* first */
    int fd;
    struct sg_loop_io *io;
};

static struct epoll_loop *self(struct sg_loop *l)
{
    return (struct epoll_loop *)l;
}

/* ---- clock, random ---- */

static int64_t clock_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}

static int64_t now_ms(struct sg_loop *l)
{
    (void)l;
    return clock_ms();
}

static int64_t unix_s(struct sg_loop *l)
{
    (void)l;
    return sg_clock_unix_s();
}

static void fill_random(struct sg_loop *l, void *p, size_t n)
{
    (void)l;
    sg_random_bytes(p, n);
}

/* ---- readiness ---- */

static uint32_t epoll_mask(unsigned want)
{
    return (want & SG_LOOP_IN ? EPOLLIN : 0u) | (want & SG_LOOP_OUT ? EPOLLOUT : 0u);
}

/* Wanting nothing means not being in the epoll at all: it would still tell of every hang-up. */
static int set_want(struct epoll_io *io, unsigned want)
{
    struct epoll_event e = {.events = epoll_mask(want), .data.ptr = io};
    int operation = !io->want ? EPOLL_CTL_ADD : want ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (want != io->want && epoll_ctl(self(io->io.loop)->epoll_fd, operation, io->fd, &e) < 0)
        return sg_raise_errno();
    io->want = want;
    return 0;
}

static int io_new(struct sg_loop_io **ret, struct sg_loop *l, int fd, unsigned want,
                  sg_loop_io_fn fn, void *user)
{
    SG_FREE struct epoll_io *io = malloc(sizeof(*io));
    if (!io)
        return sg_raise(-ENOMEM);
    *io = (struct epoll_io){.io = {l}, .fd = fd, .fn = fn, .user = user};
    int r = set_want(io, want);
    if (r < 0)
        return r;
    *ret = &TAKE_PTR(io)->io;
    return 0;
}

static int io_want(struct sg_loop_io *io, unsigned want)
{
    return set_want((struct epoll_io *)io, want);
}

static void io_free(struct sg_loop_io *io)
{
    struct epoll_io *mine = (struct epoll_io *)io;
    struct epoll_loop *l = self(io->loop);
    if (mine->want)
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, mine->fd, NULL);
    for (int i = l->at; i < l->n_events; i++)
        if (l->events[i].data.ptr == mine)
            l->events[i].data.ptr = NULL;
    free(mine);
}

/* An error or a hang-up makes ready whatever is wanted: the next read or write tells. */
static void call_io(struct epoll_io *io, uint32_t events)
{
    unsigned ready = (events & EPOLLIN ? SG_LOOP_IN : 0u) | (events & EPOLLOUT ? SG_LOOP_OUT : 0u);
    if (events & (EPOLLERR | EPOLLHUP))
        ready |= io->want;
    io->fn(io->user, ready);
}

/* ---- posts ---- */

static void wake(struct epoll_loop *l)
{
    uint64_t one = 1;
    /* EAGAIN means that the counter is full: the loop will wake anyway. */
    ssize_t n = write(l->wake_fd, &one, sizeof(one));
    (void)n;
}

static int post(struct sg_loop *loop, void (*fn)(void *user), void *user)
{
    struct epoll_loop *l = self(loop);
    struct post *p = malloc(sizeof(*p));
    if (!p)
        return sg_raise(-ENOMEM);
    *p = (struct post){.fn = fn, .user = user};
    pthread_mutex_lock(&l->lock);
    *l->last_post = p;
    l->last_post = &p->next;
    pthread_mutex_unlock(&l->lock);
    wake(l);
    return 0;
}

static struct post *take_posts(struct epoll_loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct post *first = l->first_post;
    l->first_post = NULL;
    l->last_post = &l->first_post;
    pthread_mutex_unlock(&l->lock);
    return first;
}

/* run false: drops them. */
static void end_posts(struct epoll_loop *l, bool run)
{
    struct post *p = take_posts(l);
    while (p) {
        struct post *next = p->next;
        if (run)
            p->fn(p->user);
        free(p);
        p = next;
    }
}

static void on_wake(struct epoll_loop *l)
{
    uint64_t n;
    ssize_t got = read(l->wake_fd, &n, sizeof(n));
    (void)got;
    end_posts(l, true);
}

/* ---- datagrams ---- */

static struct sockaddr_in socket_address(struct sg_addr a)
{
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_port = htons(a.port)};
    memcpy(&s.sin_addr, a.ip, 4);
    return s;
}

static struct sg_addr from_socket_address(const struct sockaddr_in *s)
{
    struct sg_addr a = {.port = ntohs(s->sin_port)};
    memcpy(a.ip, &s->sin_addr, 4);
    return a;
}

/* False: no more for now, or u is gone. */
static bool receive_batch(struct epoll_udp *u)
{
    uint8_t *slots = self(u->udp.loop)->slots;
    struct mmsghdr messages[BATCH];
    struct sockaddr_in from[BATCH];
    struct iovec parts[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){slots + i * SLOT, SLOT};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                              .msg_namelen = sizeof(from[i]),
                                              .msg_iov = &parts[i],
                                              .msg_iovlen = 1};
    }
    int n = recvmmsg(u->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        if (!sg_udp_deliver(&u->udp, from_socket_address(&from[i]),
                            SG_BYTES(parts[i].iov_base, messages[i].msg_len)))
            return false;
    return n == BATCH;
}

static void on_datagrams(void *user, unsigned ready)
{
    (void)ready;
    for (int i = 0; i < BATCHES; i++)
        if (!receive_batch(user))
            return;
}

static void udp_free(struct sg_udp *u)
{
    struct epoll_udp *mine = (struct epoll_udp *)u;
    sg_loop_io_free(mine->io);
    sg_close_fd(&mine->fd);
    free(mine);
}

static void udp_freep(struct epoll_udp **u)
{
    if (*u)
        udp_free(&(*u)->udp);
}

static int open_udp(struct epoll_udp *u, struct sg_addr bind_to, size_t rcvbuf_bytes)
{
    struct sockaddr_in s = socket_address(bind_to);
    socklen_t len = sizeof(s);
    u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (u->fd < 0)
        return sg_raise_errno();
    int size = rcvbuf_bytes > INT_MAX ? INT_MAX : (int)rcvbuf_bytes;
    /* FORCE passes the system's limit if we may; without the right, as much as there is. */
    if (size && setsockopt(u->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 &&
        setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0)
        return sg_raise_errno();
    if (bind(u->fd, (struct sockaddr *)&s, sizeof(s)) < 0 ||
        getsockname(u->fd, (struct sockaddr *)&s, &len) < 0)
        return sg_raise_errno();
    u->udp.local = from_socket_address(&s);
    return 0;
}

static int udp_new(struct sg_udp **ret, struct sg_loop *l, struct sg_addr bind_to,
                   size_t rcvbuf_bytes)
{
    struct epoll_loop *loop = self(l);
    if (!loop->slots && !(loop->slots = malloc((size_t)BATCH * SLOT)))
        return sg_raise(-ENOMEM);
    SG_CLEANUP(udp_freep) struct epoll_udp *u = calloc(1, sizeof(*u));
    if (!u)
        return sg_raise(-ENOMEM);
    u->udp.loop = l;
    u->fd = -1;
    int r = open_udp(u, bind_to, rcvbuf_bytes);
    if (r == 0)
        r = io_new(&u->io, l, u->fd, SG_LOOP_IN, on_datagrams, u);
    if (r < 0)
        return r;
    *ret = &TAKE_PTR(u)->udp;
    return 0;
}

/* One sendto each: on loopback the way through the stack costs twenty times the system call, so
 * that gathering for sendmmsg would delay datagrams and blur drops for nothing. */
static int udp_send(struct sg_udp *u, struct sg_addr to, struct sg_bytes datagram)
{
    struct sockaddr_in s = socket_address(to);
    ssize_t n;
    do
        n = sendto(((struct epoll_udp *)u)->fd, datagram.data, datagram.len,
                   MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&s, sizeof(s));
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 0;
    /* ECONNREFUSED is the echo of an earlier datagram that nobody took: lost, as on any network. */
    if (errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED)
        return SG_UDP_DROPPED;
    return sg_raise_errno();
}

/* ---- running ---- */

static int wait_ms(const struct epoll_loop *l)
{
    const struct sg_heap_node *first = sg_heap_first(&l->heap);
    if (!first)
        return -1;
    int64_t left = first->at_ms - clock_ms();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Timers set by a callback of this turn wait for the next, so descriptors are never starved. */
static void run_timers(struct epoll_loop *l)
{
    int64_t now = clock_ms();
    uint64_t turn = l->heap.next_order;
    for (;;) {
        struct sg_heap_node *first = sg_heap_first(&l->heap);
        if (!first || first->at_ms > now || first->order >= turn || atomic_load(&l->stop))
            return;
        struct sg_loop_timer *t = (struct sg_loop_timer *)first;
        sg_heap_remove(&l->heap, first);
        t->fn(t->user);
    }
}

static void run_events(struct epoll_loop *l)
{
    while (l->at < l->n_events && !atomic_load(&l->stop)) {
        struct epoll_event e = l->events[l->at++];
        if (e.data.ptr == l)
            on_wake(l);
        else if (e.data.ptr)
            call_io(e.data.ptr, e.events);
    }
    l->at = l->n_events = 0;
}

static int run(struct sg_loop *loop)
{
    struct epoll_loop *l = self(loop);
    while (!atomic_exchange(&l->stop, false)) {
        int n = epoll_wait(l->epoll_fd, l->events, EVENTS, wait_ms(l));
        if (n < 0 && errno != EINTR)
            return sg_raise_errno();
        l->at = 0;
        l->n_events = n > 0 ? n : 0;
        run_events(l);
        run_timers(l);
    }
    return 0;
}

static void stop(struct sg_loop *loop)
{
    atomic_store(&self(loop)->stop, true);
    wake(self(loop));
}

static void loop_free(struct sg_loop *loop)
{
    struct epoll_loop *l = self(loop);
    end_posts(l, false);
    sg_close_fd(&l->epoll_fd);
    sg_close_fd(&l->wake_fd);
    sg_heap_clear(&l->heap);
    pthread_mutex_destroy(&l->lock);
    free(l->slots);
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
    .io_want = io_want,
    .io_free = io_free,
    .udp_new = udp_new,
    .udp_send = udp_send,
    .udp_free = udp_free,
};

int sg_loop_new(struct sg_loop **ret)
{
    struct epoll_loop *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->loop = (struct sg_loop){&backend, &l->heap};
    l->last_post = &l->first_post;
    pthread_mutex_init(&l->lock, NULL);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};
    if (l->epoll_fd < 0 || l->wake_fd < 0 ||
        epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &e) < 0) {
        int r = sg_raise_errno();
        loop_free(&l->loop);
        return r;
    }
    *ret = &l->loop;
    return 0;
}
