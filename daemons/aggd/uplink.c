/* uplink - connection to an authenticator. */
#include "uplink.h"

#include "counters.h"

#include <poll.h>
#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/random.h>
#include <sealgrid/cas/daemon.h>
#include <sealgrid/cas/identity.h>
#include <sealgrid/meter/agg-link.h>
#include <sys/eventfd.h>

#define CONNECT_MS       3000
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS   5000
#define PUMP_MS          1000
#define OUT_MAX          (4u << 20)
#define OUT_LOW          (256u << 10) /* refill below this */
#define HANDSHAKES_MAX   (1u << 20)   /* octets of waiting handshake messages */
#define SILENT_MS        60000 /* frames outstanding and not a word: take another authenticator */
#define SETTLE_MS        5000  /* for outstanding frames before going back to a better one */
#define BACK_DOUBLINGS   5     /* of back_ms, when better ones keep failing */

enum uplink_end { UPLINK_BETTER = 1000 }; /* beside the outcomes of agg-link.h */

/* The search for an authenticator that comes earlier in the list. */
struct search {
    pthread_t thread;
    bool running;
    _Atomic bool ended;
    size_t before;            /* candidates: those below this index */
    size_t found;             /* with link */
    struct sg_agg_link *link; /* NULL: none; the searcher's while it runs */
    int64_t due_ms, settle_until_ms;
    unsigned failures; /* connections that ended since the first one served for long */
};

struct agg_uplink {
    struct agg_uplink_options o;
    pthread_t thread;
    int wake; /* eventfd */
    _Atomic bool stop, up;
    pthread_mutex_t lock;
    struct sg_buf handshakes; /* UP messages, encoded; under the lock */
    /* Below: the thread's own. */
    struct sg_cas_identity *identity; /* NULL until casd was reached */
    struct sg_agg_link *link;
    struct sg_buf frame;
    size_t sent_frames;
    int64_t heard_ms;
    size_t next_address;
    struct search search;
};

static int64_t now_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}

/* ---- identity ---- */

/* Here and not at the start: aggd takes frames while casd is away, too. */
static int take_identity(struct agg_uplink *u)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant grant = {0};
    if (u->identity)
        return 0;
    int r = sg_daemon_attest(u->o.bootstrap, &grant);
    return r ? r : sg_cas_identity_new(&u->identity, u->o.bootstrap, &grant, SG_TLS_PEER_REQUIRED);
}

/* ---- connection ---- */

static int dial(const struct agg_uplink *u, const char *address, struct sg_tls **ret)
{
    SG_CLOSE int fd = -1;
    if (u->o.dial)
        return u->o.dial(u->o.user, address, ret);
    int r = sg_tcp_connect(address, CONNECT_MS, &fd);
    r = r ? r
          : sg_tls_connect(ret, sg_cas_identity_client(u->identity), fd, u->o.expect_uri, NULL,
                           CONNECT_MS);
    if (r == 0)
        (void)TAKE_FD(fd);
    return r;
}

static int connect_to(const struct agg_uplink *u, const char *address, struct sg_agg_link **ret)
{
    SG_CLEANUP(sg_tls_freep) struct sg_tls *tls = NULL;
    int r = dial(u, address, &tls);
    r = r ? r : sg_agg_link_new(ret, tls, OUT_MAX);
    if (r == 0)
        (void)TAKE_PTR(tls);
    return r;
}

static void note_connected(struct agg_uplink *u, size_t k)
{
    u->next_address = k;
    u->search.due_ms = 0;
    agg_count(connects);
    sg_log(SG_LOG_INFO, "uplink.up", SG_STR("authenticator", u->o.authenticators->items[k]));
}

static bool better_found(const struct agg_uplink *u)
{
    return !u->search.running && u->search.link;
}

static int connect_to_any(struct agg_uplink *u)
{
    const struct sg_conf_list *l = u->o.authenticators;
    if (better_found(u)) {
        u->link = TAKE_PTR(u->search.link);
        note_connected(u, u->search.found);
        return 0;
    }
    int r = u->o.dial ? 0 : take_identity(u);
    if (r)
        return r;
    for (size_t i = 0; i < l->n && !u->stop; i++) {
        size_t k = (u->next_address + i) % l->n;
        r = connect_to(u, l->items[k], &u->link);
        if (r == 0) {
            note_connected(u, k);
            return 0;
        }
    }
    return r;
}

/* ---- back to a better one ---- */

static void *search_main(void *arg)
{
    struct agg_uplink *u = arg;
    struct search *x = &u->search;
    for (size_t k = 0; k < x->before && !u->stop && !x->link; k++)
        if (connect_to(u, u->o.authenticators->items[k], &x->link) == 0)
            x->found = k;
    x->ended = true;
    agg_uplink_kick(u);
    return NULL;
}

static void begin_search(struct agg_uplink *u)
{
    struct search *x = &u->search;
    x->before = u->next_address;
    x->ended = false;
    x->running = pthread_create(&x->thread, NULL, search_main, u) == 0;
}

static void end_search(struct agg_uplink *u)
{
    struct search *x = &u->search;
    if (!x->running)
        return;
    pthread_join(x->thread, NULL);
    x->running = false;
    x->due_ms = 0;
    x->settle_until_ms = now_ms() + SETTLE_MS;
}

static int64_t search_interval(const struct agg_uplink *u)
{
    unsigned n = u->search.failures < BACK_DOUBLINGS ? u->search.failures : BACK_DOUBLINGS;
    return u->o.back_ms << n;
}

/* Never waits: trying out an address can take seconds. */
static void look_for_better(struct agg_uplink *u)
{
    struct search *x = &u->search;
    if (x->running && x->ended)
        end_search(u);
    if (x->running || x->link || u->next_address == 0 || u->o.back_ms == 0)
        return;
    if (x->due_ms == 0)
        x->due_ms = now_ms() + search_interval(u);
    else if (now_ms() >= x->due_ms)
        begin_search(u);
}

static void drain(int fd)
{
    uint64_t n;
    (void)!read(fd, &n, sizeof n);
}

static void wait_a_little(struct agg_uplink *u, int64_t ms)
{
    int64_t until = now_ms() + ms;
    for (int64_t left = ms; left > 0 && !u->stop; left = until - now_ms()) {
        struct pollfd p = {.fd = u->wake, .events = POLLIN};
        if (poll(&p, 1, (int)left) > 0)
            drain(u->wake);
    }
}

/* ---- sending ---- */

static int put_handshakes(struct agg_uplink *u)
{
    struct sg_agg_message m;
    pthread_mutex_lock(&u->lock);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&u->handshakes));
    int e = 0;
    while (e == 0 && sg_agg_link_room(u->link) > SG_AGG_MESSAGE_MAX && sg_agg_take(&r, &m) == 0)
        e = sg_agg_link_put(u->link, &m);
    sg_buf_consume(&u->handshakes, u->handshakes.len - r.left);
    pthread_mutex_unlock(&u->lock);
    return e;
}

static int put_frame(struct agg_uplink *u, const struct agg_backlog_item *item)
{
    struct sg_agg_message m = {
        .type = SG_AGG_UP, .handle = item->handle, .number = item->number, .frame = item->datagram};
    int r = sg_agg_link_put(u->link, &m);
    if (r)
        return r;
    u->sent_frames++;
    agg_count(forwarded);
    return 0;
}

/* Keeps the link's buffer filled while the window allows. */
static int put_frames(struct agg_uplink *u)
{
    struct agg_backlog_item item;
    while (sg_agg_link_room(u->link) > OUT_MAX - OUT_LOW && u->sent_frames < u->o.window_frames) {
        int r = agg_backlog_next(u->o.backlog, &u->frame, &item);
        if (r == AGG_BACKLOG_EMPTY)
            return 0;
        if (r) {
            agg_count(backlog_damaged);
            sg_log_failure("backlog.read", r);
            continue;
        }
        r = put_frame(u, &item);
        if (r)
            return r;
    }
    return 0;
}

/* ---- receiving ---- */

static int on_message(void *user, const struct sg_agg_message *m)
{
    struct agg_uplink *u = user;
    u->heard_ms = now_ms();
    switch (m->type) {
    case SG_AGG_DONE:
        agg_backlog_done(u->o.backlog, m->number);
        u->sent_frames -= u->sent_frames > 0;
        agg_count(done);
        return 0;
    case SG_AGG_DOWN:
        u->o.down(u->o.user, m->handle, m->frame);
        return 0;
    case SG_AGG_UP:
    default:
        return SG_AGG_LINK_MALFORMED;
    }
}

static int pump_ms(const struct agg_uplink *u)
{
    return u->o.back_ms && u->o.back_ms < PUMP_MS ? (int)u->o.back_ms : PUMP_MS;
}

static int serve(struct agg_uplink *u)
{
    u->sent_frames = 0;
    u->heard_ms = now_ms();
    while (!u->stop) {
        int r = put_handshakes(u);
        r = r || better_found(u) ? r : put_frames(u);
        r = r ? r : sg_agg_link_pump(u->link, u->wake, pump_ms(u), true, on_message, u);
        if (r)
            return r;
        drain(u->wake);
        look_for_better(u);
        if (better_found(u) && (u->sent_frames == 0 || now_ms() > u->search.settle_until_ms))
            return UPLINK_BETTER;
        if (u->sent_frames == 0)
            u->heard_ms = now_ms();
        else if (now_ms() - u->heard_ms > SILENT_MS)
            return sg_raisef(-ETIMEDOUT, "authenticator silent with %zu frames", u->sent_frames);
    }
    return 0;
}

static void serve_and_account(struct agg_uplink *u)
{
    int64_t began = now_ms();
    u->up = true;
    sg_metric_set(&agg_counters.uplink_up, 1);
    int r = serve(u);
    u->up = false;
    sg_metric_set(&agg_counters.uplink_up, 0);
    sg_agg_link_free(TAKE_PTR(u->link));
    if (r != UPLINK_BETTER)
        u->search.failures =
            now_ms() - began > u->o.back_ms << BACK_DOUBLINGS ? 0 : u->search.failures + 1;
    u->next_address++;
    sg_log(r == UPLINK_BETTER ? SG_LOG_INFO : SG_LOG_WARN, "uplink.down", SG_INT("outcome", r),
           SG_STR("trace", r < 0 ? sg_error_trace() : ""));
    r = agg_backlog_uplink_lost(u->o.backlog);
    if (r)
        sg_log_failure("backlog.spill", r);
}

static void *uplink_main(void *arg)
{
    struct agg_uplink *u = arg;
    int64_t wait = BACKOFF_FIRST_MS;
    while (!u->stop) {
        int r = connect_to_any(u);
        int64_t began = now_ms();
        if (r)
            sg_log_failure("uplink.no_authenticator", r);
        else
            serve_and_account(u);
        if (now_ms() - began > BACKOFF_MAX_MS || better_found(u)) {
            wait = BACKOFF_FIRST_MS; /* it served for a while: the next one at once */
            continue;
        }
        wait_a_little(u, wait + (int64_t)(sg_random_u64() % (uint64_t)(wait / 4 + 1)));
        wait = wait * 2 < BACKOFF_MAX_MS ? wait * 2 : BACKOFF_MAX_MS;
    }
    end_search(u);
    sg_agg_link_free(TAKE_PTR(u->search.link));
    return NULL;
}

/* ---- public ---- */

int agg_uplink_start(struct agg_uplink **ret, const struct agg_uplink_options *o)
{
    struct agg_uplink *u = calloc(1, sizeof *u);
    if (!u)
        return sg_raise(-ENOMEM);
    u->o = *o;
    u->handshakes.max = HANDSHAKES_MAX;
    u->frame.max = SG_FRAME_MAX;
    pthread_mutex_init(&u->lock, NULL);
    u->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (u->wake < 0) {
        free(u);
        return sg_raise_errno();
    }
    int e = pthread_create(&u->thread, NULL, uplink_main, u);
    if (e) {
        close(u->wake);
        free(u);
        return sg_raise(-e);
    }
    *ret = u;
    return 0;
}

void agg_uplink_stop(struct agg_uplink *u)
{
    if (!u)
        return;
    u->stop = true;
    agg_uplink_kick(u);
    pthread_join(u->thread, NULL);
    sg_cas_identity_free(u->identity);
    sg_buf_clear(&u->handshakes);
    sg_buf_clear(&u->frame);
    pthread_mutex_destroy(&u->lock);
    close(u->wake);
    free(u);
}

bool agg_uplink_is_up(const struct agg_uplink *u)
{
    return u->up;
}

void agg_uplink_kick(struct agg_uplink *u)
{
    uint64_t one = 1;
    (void)!write(u->wake, &one, sizeof one);
}

int agg_uplink_handshake(struct agg_uplink *u, uint64_t handle, struct sg_bytes datagram)
{
    struct sg_agg_message m = {.type = SG_AGG_UP, .handle = handle, .frame = datagram};
    if (!u->up)
        return AGG_UPLINK_DOWN;
    pthread_mutex_lock(&u->lock);
    int r = u->handshakes.len + SG_AGG_HEAD + 16 + datagram.len > HANDSHAKES_MAX
                ? AGG_UPLINK_FULL
                : sg_agg_encode(&m, &u->handshakes);
    pthread_mutex_unlock(&u->lock);
    if (r == 0)
        agg_uplink_kick(u);
    return r;
}
