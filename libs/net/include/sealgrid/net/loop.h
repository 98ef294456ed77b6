#pragma once
/*
 * loop - readiness, timers, clock, random and datagrams behind one table, with two back ends:
 * epoll, and a seeded simulation with virtual time and a lossy network (loop-sim.h). A loop belongs
 * to one thread; only sg_loop_post and sg_loop_stop may be called from others. Handles are
 * cancelled by their destructors; a callback may free its own handle.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

struct sg_loop;
struct sg_loop_io;
struct sg_loop_timer;
struct sg_udp;

#define SG_LOOP_IN  1u
#define SG_LOOP_OUT 2u

SG_MUST_USE int sg_loop_new(struct sg_loop **ret); /* epoll */
void sg_loop_free(struct sg_loop *l);
SG_DEFINE_FREEP(struct sg_loop, sg_loop_free)
/* Runs until sg_loop_stop, or in the simulation until nothing is left to happen. */
SG_MUST_USE int sg_loop_run(struct sg_loop *l);
void sg_loop_stop(struct sg_loop *l); /* the run in progress, or the next one */
/* Runs fn(user) on the loop's thread soon, in the order posted. */
SG_MUST_USE int sg_loop_post(struct sg_loop *l, void (*fn)(void *user), void *user);

int64_t sg_loop_now_ms(struct sg_loop *l); /* monotonic */
int64_t sg_loop_unix_s(struct sg_loop *l); /* the world's clock */
void sg_loop_random(struct sg_loop *l, void *p, size_t n);

typedef void (*sg_loop_io_fn)(void *user, unsigned ready);
typedef void (*sg_loop_timer_fn)(void *user);

/* Borrows fd, which stays open until the handle is freed.  An error or a hang-up makes ready
 * whatever is wanted; want 0 hears nothing.  Real loop only (-EOPNOTSUPP in the simulation). */
SG_MUST_USE int sg_loop_io_new(struct sg_loop_io **ret, struct sg_loop *l, int fd, unsigned want,
                               sg_loop_io_fn fn, void *user);
SG_MUST_USE int sg_loop_io_want(struct sg_loop_io *io, unsigned want);
void sg_loop_io_free(struct sg_loop_io *io);
SG_DEFINE_FREEP(struct sg_loop_io, sg_loop_io_free)

/* Created disarmed; one shot. */
SG_MUST_USE int sg_loop_timer_new(struct sg_loop_timer **ret, struct sg_loop *l,
                                  sg_loop_timer_fn fn, void *user);
void sg_loop_timer_arm(struct sg_loop_timer *t, int64_t after_ms);
void sg_loop_timer_disarm(struct sg_loop_timer *t);
void sg_loop_timer_free(struct sg_loop_timer *t);
SG_DEFINE_FREEP(struct sg_loop_timer, sg_loop_timer_free)

/* Datagrams, real or simulated.  Addresses are "127.0.0.1:7001"; port 0 picks one. */
struct sg_addr {
    uint8_t ip[4];
    uint16_t port;
};
#define SG_ADDR_TEXT_MAX 22
SG_MUST_USE int sg_addr_parse(const char *text, struct sg_addr *ret);
void sg_addr_text(char ret[SG_ADDR_TEXT_MAX], struct sg_addr a);

typedef void (*sg_udp_fn)(void *user, struct sg_addr from, struct sg_bytes datagram);
/* rcvbuf_bytes 0: the system's default. */
SG_MUST_USE int sg_udp_new(struct sg_udp **ret, struct sg_loop *l, struct sg_addr bind,
                           size_t rcvbuf_bytes, sg_udp_fn fn, void *user);
struct sg_addr sg_udp_local(const struct sg_udp *u);
/* Never blocks: a datagram that does not fit the socket's queue is dropped, as networks do; then
 * SG_UDP_DROPPED.  At most 65,000 octets. */
enum sg_udp_outcome { SG_UDP_DROPPED = 1 };
SG_MUST_USE int sg_udp_send(struct sg_udp *u, struct sg_addr to, struct sg_bytes datagram);
void sg_udp_free(struct sg_udp *u);
SG_DEFINE_FREEP(struct sg_udp, sg_udp_free)
