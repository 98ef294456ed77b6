#include "loop-int.h"
#include <arpa/inet.h>
#include <stdio.h>

void sg_loop_free(struct sg_loop *l)
{
    if (l)
        l->backend->free(l);
}

int sg_loop_run(struct sg_loop *l)
{
    return l->backend->run(l);
}

void sg_loop_stop(struct sg_loop *l)
{
    l->backend->stop(l);
}

int sg_loop_post(struct sg_loop *l, void (*fn)(void *user), void *user)
{
    return l->backend->post(l, fn, user);
}

int64_t sg_loop_now_ms(struct sg_loop *l)
{
    return l->backend->now_ms(l);
}

int64_t sg_loop_unix_s(struct sg_loop *l)
{
    return l->backend->unix_s(l);
}

void sg_loop_random(struct sg_loop *l, void *p, size_t n)
{
    l->backend->random(l, p, n);
}

/* ---- readiness ---- */

int sg_loop_io_new(struct sg_loop_io **ret, struct sg_loop *l, int fd, unsigned want,
                   sg_loop_io_fn fn, void *user)
{
    return l->backend->io_new(ret, l, fd, want, fn, user);
}

int sg_loop_io_want(struct sg_loop_io *io, unsigned want)
{
    return io->loop->backend->io_want(io, want);
}

void sg_loop_io_free(struct sg_loop_io *io)
{
    if (io)
        io->loop->backend->io_free(io);
}

/* ---- timers ---- */

int sg_loop_timer_new(struct sg_loop_timer **ret, struct sg_loop *l, sg_loop_timer_fn fn,
                      void *user)
{
    SG_FREE struct sg_loop_timer *t = calloc(1, sizeof(*t));
    if (!t)
        return sg_raise(-ENOMEM);
    *t = (struct sg_loop_timer){
        .event = {.kind = SG_EVENT_TIMER, .loop = l}, .fn = fn, .user = user};
    int r = sg_heap_reserve(l->heap);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(t);
    return 0;
}

void sg_loop_timer_arm(struct sg_loop_timer *t, int64_t after_ms)
{
    struct sg_loop *l = t->event.loop;
    int64_t at;
    if (__builtin_add_overflow(sg_loop_now_ms(l), after_ms > 0 ? after_ms : 0, &at))
        at = INT64_MAX;
    sg_heap_set(l->heap, &t->event.node, at);
}

void sg_loop_timer_disarm(struct sg_loop_timer *t)
{
    sg_heap_remove(t->event.loop->heap, &t->event.node);
}

void sg_loop_timer_free(struct sg_loop_timer *t)
{
    if (!t)
        return;
    sg_loop_timer_disarm(t);
    sg_heap_unreserve(t->event.loop->heap);
    free(t);
}

/* ---- addresses ---- */

int sg_addr_parse(const char *text, struct sg_addr *ret)
{
    char ip[INET_ADDRSTRLEN];
    struct sg_addr a = {.port = 0};
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (!colon || len >= sizeof(ip))
        return sg_raisef(-EINVAL, "address is not a.b.c.d:port");
    memcpy(ip, text, len);
    ip[len] = '\0';
    uint32_t port = 0;
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] || inet_pton(AF_INET, ip, a.ip) != 1)
        return sg_raisef(-EINVAL, "address is not a.b.c.d:port");
    for (const char *c = colon + 1; *c; c++)
        port = port * 10 + (uint32_t)(*c - '0');
    if (port > UINT16_MAX)
        return sg_raisef(-EINVAL, "port over 65535");
    a.port = (uint16_t)port;
    *ret = a;
    return 0;
}

void sg_addr_text(char ret[SG_ADDR_TEXT_MAX], struct sg_addr a)
{
    snprintf(ret, SG_ADDR_TEXT_MAX, "%u.%u.%u.%u:%u", a.ip[0], a.ip[1], a.ip[2], a.ip[3], a.port);
}

/* ---- datagrams ---- */

int sg_udp_new(struct sg_udp **ret, struct sg_loop *l, struct sg_addr bind, size_t rcvbuf_bytes,
               sg_udp_fn fn, void *user)
{
    struct sg_udp *u = NULL;
    int r = l->backend->udp_new(&u, l, bind, rcvbuf_bytes);
    if (r < 0)
        return r;
    u->fn = fn;
    u->user = user;
    *ret = u;
    return 0;
}

struct sg_addr sg_udp_local(const struct sg_udp *u)
{
    return u->local;
}

int sg_udp_send(struct sg_udp *u, struct sg_addr to, struct sg_bytes datagram)
{
    if (datagram.len > SG_DATAGRAM_MAX)
        return sg_raise(-EMSGSIZE);
    return u->loop->backend->udp_send(u, to, datagram);
}

void sg_udp_free(struct sg_udp *u)
{
    if (!u)
        return;
    if (u->freed)
        *u->freed = true;
    u->loop->backend->udp_free(u);
}

bool sg_udp_deliver(struct sg_udp *u, struct sg_addr from, struct sg_bytes datagram)
{
    bool freed = false;
    u->freed = &freed;
    u->fn(u->user, from, datagram);
    if (!freed)
        u->freed = NULL;
    return !freed;
}
