/*
 * Threads of the server: one keeper, which accepts and ends what has waited too long, and workers,
 * which take events from one epoll.  Every connection is armed for a single event (EPOLLONESHOT),
 * so exactly one worker holds it from its event until it arms it again; when all workers are busy
 * events wait in the kernel, in order.  No hand-over between threads on the way of a request.
 *
 * The keeper ends a parked connection by shutting down its receiving side: the connection becomes
 * ready, and the worker that gets it finds it expired.  So only workers free connections.
 */
#include "http-conn-int.h"
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/metrics.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define SWEEP_MS 100

struct sg_http_server {
    struct sg_http_settings settings;
    int listen_fd, epoll_fd;
    int wake_fd; /* the keeper's */
    int quit_fd; /* in the epoll, never read: wakes every worker for good */
    uint16_t port;
    _Atomic bool stopping;
    pthread_t keeper;
    pthread_t *workers;
    unsigned n_workers; /* running */
    bool keeper_runs;
    pthread_mutex_t lock; /* over the list */
    pthread_cond_t emptied;
    struct sg_http_conn *conns;
    unsigned n_conns;
};

static struct sg_metric connections = {.name = "sealgrid_http_connections",
                                       .help = "HTTP connections now open, all servers",
                                       .gauge = true};
static struct sg_metric rejected = {.name = "sealgrid_http_connections_rejected_total",
                                    .help = "HTTP connections closed at once for want of room"};
static struct sg_metric expired = {.name = "sealgrid_http_connections_expired_total",
                                   .help = "HTTP connections ended for waiting too long"};

static struct sg_metric refused = {.name = "sealgrid_http_tls_refused_total",
                                   .help = "TLS handshakes that failed on either side"};
#define REPLIES "sealgrid_http_replies_total", .help = "HTTP replies by class of status"
static struct sg_metric replies[] = {
    {.name = REPLIES, .labels = "class=\"none\""}, /* the peer went away first */
    {.name = REPLIES, .labels = "class=\"1xx\""},  {.name = REPLIES, .labels = "class=\"2xx\""},
    {.name = REPLIES, .labels = "class=\"3xx\""},  {.name = REPLIES, .labels = "class=\"4xx\""},
    {.name = REPLIES, .labels = "class=\"5xx\""},
};

void sg_http_count_reply(int status)
{
    sg_metric_add(&replies[status / 100], 1);
}

void sg_http_count_refused(void)
{
    sg_metric_add(&refused, 1);
}

static void register_metrics(void)
{
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++)
        sg_metric_register(&replies[i]);
    sg_metric_register(&refused);
    sg_metric_register(&connections);
    sg_metric_register(&rejected);
    sg_metric_register(&expired);
}

const struct sg_http_settings *sg_http_settings(const struct sg_http_server *s)
{
    return &s->settings;
}

bool sg_http_stopping(const struct sg_http_server *s)
{
    return atomic_load_explicit(&s->stopping, memory_order_relaxed);
}

uint16_t sg_http_server_port(const struct sg_http_server *s)
{
    return s->port;
}

/* ---- the list ---- */

static bool has_room(struct sg_http_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool room = s->n_conns < s->settings.o.max_connections;
    pthread_mutex_unlock(&s->lock);
    return room;
}

/* Only the keeper adds: room that it saw is still there. */
static void add_conn(struct sg_http_server *s, struct sg_http_conn *c)
{
    pthread_mutex_lock(&s->lock);
    c->next = s->conns;
    if (s->conns)
        s->conns->prev = c;
    s->conns = c;
    s->n_conns++;
    pthread_mutex_unlock(&s->lock);
    sg_metric_add(&connections, 1);
}

/* Closing happens under the lock, so that the keeper never touches a descriptor that has become
 * somebody else's. */
static void remove_conn(struct sg_http_server *s, struct sg_http_conn *c)
{
    pthread_mutex_lock(&s->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    sg_http_conn_free(c);
    sg_metric_add(&connections, -1);
    if (--s->n_conns == 0)
        pthread_cond_broadcast(&s->emptied);
    pthread_mutex_unlock(&s->lock);
}

/* ---- workers ---- */

static int arm(struct sg_http_server *s, struct sg_http_conn *c, int operation)
{
    struct epoll_event e = {.events = EPOLLONESHOT | (c->wants == POLLOUT ? EPOLLOUT : EPOLLIN),
                            .data.ptr = c};
    int fd = c->stream.fd;
    atomic_store(&c->holder, SG_HTTP_PARKED);
    return epoll_ctl(s->epoll_fd, operation, fd, &e) < 0 ? sg_raise_errno() : 0;
}

static void handle(struct sg_http_server *s, struct sg_http_conn *c)
{
    int parked = SG_HTTP_PARKED;
    pthread_mutex_lock(&c->turn);
    bool late = !atomic_compare_exchange_strong(&c->holder, &parked, SG_HTTP_HELD);
    bool armed = sg_http_conn_event(c, late) == SG_HTTP_PARK && arm(s, c, EPOLL_CTL_MOD) == 0;
    pthread_mutex_unlock(&c->turn); /* if armed, the next worker may have c from here on */
    if (!armed)
        remove_conn(s, c);
}

static void *work(void *user)
{
    struct sg_http_server *s = user;
    for (;;) {
        struct epoll_event e;
        int n = epoll_wait(s->epoll_fd, &e, 1, -1);
        if (n < 0 && errno == EINTR)
            continue;
        sg_assert(n == 1);
        if (!e.data.ptr)
            return NULL;
        handle(s, e.data.ptr);
    }
}

/* ---- keeper ---- */

static void turn_away(struct sg_http_server *s, int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n";
    sg_metric_add(&rejected, 1);
    if (!s->settings.o.tls) {
        ssize_t n = send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)n; /* best effort: the connection ends either way */
    }
    close(fd);
}

static void take_in(struct sg_http_server *s, int fd)
{
    struct sg_http_conn *c = NULL;
    if (!has_room(s)) {
        turn_away(s, fd);
        return;
    }
    if (sg_http_conn_new(&c, s, fd) < 0) {
        close(fd);
        return;
    }
    add_conn(s, c);
    pthread_mutex_lock(&c->turn);
    bool armed = arm(s, c, EPOLL_CTL_ADD) == 0;
    pthread_mutex_unlock(&c->turn);
    if (!armed)
        remove_conn(s, c);
}

/* False: out of descriptors or memory, or stranger: not to be tried again at once. */
static bool accept_all(struct sg_http_server *s)
{
    for (;;) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            take_in(s, fd);
        else if (errno == EAGAIN)
            return true;
        else if (errno != ECONNABORTED && errno != EINTR)
            return false;
    }
}

/* A head half read may still be answered; anything else just ends. */
static void expire(struct sg_http_conn *c)
{
    int parked = SG_HTTP_PARKED;
    if (!atomic_compare_exchange_strong(&c->holder, &parked, SG_HTTP_EXPIRED))
        return;
    shutdown(c->stream.fd, atomic_load(&c->phase) == SG_HTTP_HEAD ? SHUT_RD : SHUT_RDWR);
    sg_metric_add(&expired, 1);
}

/* idle_too: also those that wait for a request. */
static void sweep(struct sg_http_server *s, bool idle_too)
{
    int64_t now = sg_deadline(0);
    for (struct sg_http_conn *c = s->conns; c; c = c->next)
        if (atomic_load(&c->deadline_ms) <= now ||
            (idle_too && atomic_load(&c->phase) != SG_HTTP_LINGER))
            expire(c);
}

static void *keep(void *user)
{
    struct sg_http_server *s = user;
    int64_t next_sweep = sg_deadline(SWEEP_MS);
    bool accepting = true;
    while (!sg_http_stopping(s)) {
        struct pollfd fds[2] = {{.fd = s->wake_fd, .events = POLLIN},
                                {.fd = accepting ? s->listen_fd : -1, .events = POLLIN}};
        int64_t left = next_sweep - sg_deadline(0);
        if (left > 0 && poll(fds, 2, (int)left) > 0 && fds[1].revents)
            accepting = accept_all(s);
        if (sg_deadline(0) < next_sweep)
            continue;
        accepting = true;
        pthread_mutex_lock(&s->lock);
        sweep(s, false);
        pthread_mutex_unlock(&s->lock);
        next_sweep = sg_deadline(SWEEP_MS);
    }
    close(TAKE_FD(s->listen_fd));
    return NULL;
}

/* ---- start and stop ---- */

static void set_defaults(struct sg_http_server_options *o)
{
    if (!o->workers)
        o->workers = 8;
    if (!o->max_connections)
        o->max_connections = 256;
    if (!o->body_max)
        o->body_max = UINT64_C(64) << 20;
    if (!o->head_timeout_ms)
        o->head_timeout_ms = 10000;
    if (!o->io_timeout_ms)
        o->io_timeout_ms = 30000;
    if (!o->idle_timeout_ms)
        o->idle_timeout_ms = 60000;
    if (!o->unix_s)
        o->unix_s = sg_clock_unix_s;
    o->listen = NULL;
}

static int open_descriptors(struct sg_http_server *s, const char *address)
{
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event quit = {.events = EPOLLIN, .data.ptr = NULL};
    if (s->epoll_fd < 0 || s->wake_fd < 0 || s->quit_fd < 0 ||
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->quit_fd, &quit) < 0)
        return sg_raise_errno();
    return sg_tcp_listen(address, &s->listen_fd, &s->port);
}

/* Signals are for the program's main thread. */
static int start_threads(struct sg_http_server *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = 0;
    while (e == 0 && s->n_workers < s->settings.o.workers) {
        e = pthread_create(&s->workers[s->n_workers], NULL, work, s);
        s->n_workers += e == 0;
    }
    if (e == 0)
        e = pthread_create(&s->keeper, NULL, keep, s);
    s->keeper_runs = e == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e ? sg_raise(-e) : 0;
}

int sg_http_server_start(struct sg_http_server **ret, const struct sg_http_server_options *o,
                         sg_http_handler fn, void *user)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_metrics);
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->listen_fd = s->epoll_fd = s->wake_fd = s->quit_fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->emptied, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->settings = (struct sg_http_settings){.o = *o, .fn = fn, .user = user};
    set_defaults(&s->settings.o);
    s->workers = calloc(s->settings.o.workers, sizeof(*s->workers));
    if (!s->workers)
        return sg_raise(-ENOMEM);
    int r = open_descriptors(s, o->listen);
    if (r == 0)
        r = start_threads(s);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

static void raise_flag(int fd)
{
    uint64_t one = 1;
    sg_assert(write(fd, &one, sizeof(one)) == sizeof(one));
}

static struct timespec monotonic_after(int64_t ms)
{
    int64_t ns = sg_clock_monotonic_ns() + ms * 1000000;
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* Connections park while this waits, so the sweep is repeated. */
static void await_empty(struct sg_http_server *s, int grace_ms)
{
    int64_t deadline = sg_deadline(grace_ms);
    pthread_mutex_lock(&s->lock);
    while (s->n_conns && sg_deadline(0) < deadline) {
        sweep(s, true);
        struct timespec until = monotonic_after(20);
        pthread_cond_timedwait(&s->emptied, &s->lock, &until);
    }
    for (struct sg_http_conn *c = s->conns; c; c = c->next)
        shutdown(c->stream.fd, SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
}

void sg_http_server_stop(struct sg_http_server *s, int grace_ms)
{
    if (!atomic_exchange(&s->stopping, true) && s->keeper_runs) {
        raise_flag(s->wake_fd);
        pthread_join(s->keeper, NULL);
        s->keeper_runs = false;
        await_empty(s, grace_ms);
    }
    if (s->n_workers)
        raise_flag(s->quit_fd);
    while (s->n_workers)
        pthread_join(s->workers[--s->n_workers], NULL);
}

void sg_http_server_free(struct sg_http_server *s)
{
    if (!s)
        return;
    sg_http_server_stop(s, 0);
    while (s->conns)
        remove_conn(s, s->conns);
    sg_close_fd(&s->listen_fd);
    sg_close_fd(&s->epoll_fd);
    sg_close_fd(&s->wake_fd);
    sg_close_fd(&s->quit_fd);
    pthread_cond_destroy(&s->emptied);
    pthread_mutex_destroy(&s->lock);
    free(s->workers);
    free(s);
}
