/* daemon - the skeleton of every daemon's main. */
#include <sealgrid/cas/daemon.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/secret.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

enum { EXIT_USAGE = 2 };

/* Before any thread is started: threads inherit the mask, so that nobody else gets these. */
static int hold_signals(int *ret_ends)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    int e = pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (e)
        return sg_raise(-e);
    int fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return sg_raise_errno();
    *ret_ends = fd;
    return 0;
}

bool sg_daemon_wait(int ends, int wait_ms)
{
    int64_t until_ns = sg_clock_monotonic_ns() + (int64_t)wait_ms * 1000000;
    for (;;) {
        struct pollfd p = {.fd = ends, .events = POLLIN};
        int n = poll(&p, 1, wait_ms);
        if (n >= 0)
            return n > 0;
        /* Some other signal: what is left of the time. */
        int64_t left_ns = until_ns - sg_clock_monotonic_ns();
        if (wait_ms >= 0)
            wait_ms = left_ns > 0 ? (int)(left_ns / 1000000) : 0;
    }
}

static int run(const struct sg_daemon *d, const void *conf)
{
    SG_CLOSE int ends = -1;
    int r = hold_signals(&ends);
    if (r == 0)
        r = d->run(conf, ends);
    if (r < 0)
        sg_log_failure("failed", r);
    else if (r == 0 && sg_daemon_wait(ends, 0))
        sg_log(SG_LOG_INFO, "stopped");
    return r < 0 ? EXIT_FAILURE : r;
}

int sg_daemon_main(const struct sg_daemon *d, int argc, char **argv, void *conf)
{
    int first_arg;
    if (sg_process_harden() < 0) {
        fprintf(stderr, "%s: %s\n", d->table->program, sg_error_trace());
        return EXIT_FAILURE;
    }
    sg_log_init(d->service, SG_LOG_INFO);
    int r = sg_conf_parse(d->table, argc, argv, conf, &first_arg);
    if (r < 0)
        sg_log_failure("conf.failed", r);
    if (r == 0)
        r = run(d, conf);
    else
        r = r == SG_CONF_EXIT ? EXIT_SUCCESS : EXIT_USAGE;
    sg_conf_clear(d->table, conf);
    return r;
}

static const char *const *texts(const struct sg_conf_list *l)
{
    return (const char *const *)l->items;
}

struct sg_cas_bootstrap sg_daemon_cas(const struct sg_daemon_options *o, const char *service)
{
    return (struct sg_cas_bootstrap){.connect = o->cas_connect,
                                     .pin_hex = o->cas_pin,
                                     .service = service,
                                     .provider = o->cas_provider,
                                     .sim_platform = o->cas_platform,
                                     .expect = {.policy = o->cas_policy,
                                                .collateral = texts(&o->cas_collateral),
                                                .n_collateral = o->cas_collateral.n,
                                                .roots = texts(&o->cas_roots),
                                                .n_roots = o->cas_roots.n,
                                                .sim_platform = o->cas_platform},
                                     .retry_ms = (int)o->cas_retry_ms};
}

int sg_daemon_attest(const struct sg_cas_bootstrap *b, struct sg_cas_grant *ret)
{
    int r = sg_cas_bootstrap(b, ret);
    switch (r) {
    case SG_CAS_REFUSED:
        return sg_raisef(-EACCES, "casd refused us; its log says why");
    case SG_CAS_UNTRUSTED:
        return sg_raisef(-EACCES, "casd is not the pinned one");
    default:
        return r;
    }
}
