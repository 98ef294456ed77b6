#pragma once
/*
 * loop, inside the library - the table that a back end fills in.  Every handle begins with its
 * loop; a back end embeds the public struct at the start of its own.
 */
#include "heap-int.h"
#include <sealgrid/net/loop.h>
#include <stdatomic.h>

struct sg_loop_backend {
    void (*free)(struct sg_loop *l);
    int (*run)(struct sg_loop *l);
    void (*stop)(struct sg_loop *l);
    int (*post)(struct sg_loop *l, void (*fn)(void *user), void *user);
    int64_t (*now_ms)(struct sg_loop *l);
    int64_t (*unix_s)(struct sg_loop *l);
    void (*random)(struct sg_loop *l, void *p, size_t n);
    int (*io_new)(struct sg_loop_io **ret, struct sg_loop *l, int fd, unsigned want,
                  sg_loop_io_fn fn, void *user);
    int (*io_want)(struct sg_loop_io *io, unsigned want);
    void (*io_free)(struct sg_loop_io *io);
    int (*udp_new)(struct sg_udp **ret, struct sg_loop *l, struct sg_addr bind,
                   size_t rcvbuf_bytes);
    int (*udp_send)(struct sg_udp *u, struct sg_addr to, struct sg_bytes datagram);
    void (*udp_free)(struct sg_udp *u);
};

struct sg_loop {
    const struct sg_loop_backend *backend;
    struct sg_heap *heap; /* of the loop, or of the simulation it belongs to */
};

struct sg_loop_io {
    struct sg_loop *loop;
};

/* What the heap gives when its time has come. */
enum sg_event_kind { SG_EVENT_TIMER, SG_EVENT_POST, SG_EVENT_DATAGRAM };

struct sg_event {
    struct sg_heap_node node; /* first */
    enum sg_event_kind kind;
    struct sg_loop *loop; /* timers and posts; NULL for datagrams */
};

struct sg_loop_timer {
    struct sg_event event; /* first */
    sg_loop_timer_fn fn;
    void *user;
};

struct sg_udp {
    struct sg_loop *loop;
    struct sg_addr local;
    sg_udp_fn fn;
    void *user;
    bool *freed; /* set while a callback runs, so that it may free its own handle */
};

#define SG_DATAGRAM_MAX 65000

/* Calls u->fn; false if that freed u. */
bool sg_udp_deliver(struct sg_udp *u, struct sg_addr from, struct sg_bytes datagram);

static inline bool sg_addr_equal(struct sg_addr a, struct sg_addr b)
{
    return memcmp(a.ip, b.ip, 4) == 0 && a.port == b.port;
}
