/* sealgrid-authd - see DESIGN.md. */
#include "counters.h"
#include "identity.h"
#include "lane.h"

#include <poll.h>
#include <pthread.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/log.h>
#include <sealgrid/net/ops.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define SERVICE "authd"

/* O(member, name, TYPE, default, min, max, required, help) */
#define AUTH_OPTIONS(O)                                                                            \
    O(listen, "listen", STRING, "127.0.0.1:17420", 0, 0, true,                                     \
      "address for aggregators (mutual TLS)")                                                      \
    O(kvsd_connect, "kvsd.connect", STRING, NULL, 0, 0, true, "address of kvsd")                   \
    O(kvsd_timeout_ms, "kvsd.timeout-ms", INT, "30000", 100, 600000, false,                        \
      "deadline of one call of the store")                                                         \
    O(lanes, "lanes", INT, "2", 1, 64, false,                                                      \
      "pipelines, each a worker thread, a committer thread and two store sessions")                \
    O(sessions_max, "sessions-max", INT, "65536", 16, 16777216, false,                             \
      "sessions kept in memory by a lane; the store has them all")                                 \
    O(future_max_s, "clock.future-max-s", INT, "300", 0, 86400, false,                             \
      "refuse readings further ahead than this")                                                   \
    O(cas_connect, "cas.connect", STRING, NULL, 0, 0, true, "address of casd")                     \
    O(cas_pin, "cas.pin", STRING, NULL, 0, 0, true, "SHA-256 of casd's CA certificate, hex")       \
    O(cas_provider, "cas.provider", STRING, "sim", 0, 0, false, "evidence provider")               \
    O(cas_platform, "cas.platform", STRING, NULL, 0, 0, false,                                     \
      "folder of the simulated platform key")                                                      \
    O(cas_retry_ms, "cas.retry-ms", INT, "60000", 0, 86400000, false, "wait so long for casd")     \
    O(ops_listen, "ops.listen", STRING, "127.0.0.1:18420", 0, 0, false,                            \
      "plain HTTP on loopback: /metrics /healthz /readyz")

struct options {
#define T_STRING                                             char *
#define T_INT                                                int64_t
#define O(member, name, type, def, min, max, required, help) T_##type member;
    AUTH_OPTIONS(O)
#undef O
};

static const struct sg_conf_option option_rows[] = {
#define O(member, name, type, def, min, max, required, help)                                       \
    {name, SG_CONF_##type, offsetof(struct options, member), def, min, max, required, help},
    AUTH_OPTIONS(O)
#undef O
};

static const struct sg_conf_table option_table = {
    .program = "sealgrid-authd",
    .summary = "Ends meters' sessions: opens frames, verifies blocks, stores readings.",
    .options = option_rows,
    .n = sizeof option_rows / sizeof *option_rows,
};

struct authd {
    struct options conf;
    struct sg_cas_bootstrap bootstrap;
    struct auth_identity *identity;
    struct auth_store store;
    struct sg_edhoc_identity *own[2];
    struct sg_cert *roots[AUTH_ROOTS_MAX];
    size_t n_roots;
    struct auth_lanes *lanes;
    struct sg_ops *ops;
    int listen_fd, signals;
};

static bool is_ready(void *user)
{
    const struct authd *d = user;
    return auth_lanes_ready(d->lanes);
}

static int server_tls(void *user, struct sg_tls_ctx **ret)
{
    struct authd *d = user;
    return auth_identity_tls(d->identity, true, ret);
}

static int watch_signals(struct authd *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL))
        return sg_raise(-EINVAL);
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return d->signals < 0 ? sg_raise_errno() : 0;
}

static int load_identity(struct authd *d)
{
    d->bootstrap = (struct sg_cas_bootstrap){
        .connect = d->conf.cas_connect,
        .pin_hex = d->conf.cas_pin,
        .service = SERVICE,
        .provider = d->conf.cas_provider,
        .sim_platform = d->conf.cas_platform,
        .retry_ms = (int)d->conf.cas_retry_ms,
    };
    int r = auth_identity_new(&d->identity, &d->bootstrap);
    r = r ? r : auth_identity_edhoc(d->identity, 2, &d->own[0]);
    r = r ? r : auth_identity_edhoc(d->identity, 3, &d->own[1]);
    return r ? r : auth_identity_roots(d->identity, d->roots, &d->n_roots);
}

static int start_lanes(struct authd *d)
{
    d->store = (struct auth_store){.identity = d->identity,
                                   .connect = d->conf.kvsd_connect,
                                   .timeout_ms = (int)d->conf.kvsd_timeout_ms};
    struct auth_lane_options o = {
        .lanes = (unsigned)d->conf.lanes,
        .suites = {2, 3},
        .n_suites = 2,
        .own = {d->own[0], d->own[1]},
        .roots = d->roots,
        .n_roots = d->n_roots,
        .rules = {.future_max_s = d->conf.future_max_s},
        .sessions_max = (size_t)d->conf.sessions_max,
        .open_kv = auth_store_open,
        .close_kv = auth_store_close,
        .kv_is_old = auth_store_is_old,
        .kv_user = &d->store,
    };
    return auth_lanes_start(&d->lanes, &o);
}

static int start(struct authd *d)
{
    uint16_t port;
    int r = watch_signals(d);
    r = r ? r : load_identity(d);
    r = r ? r : start_lanes(d);
    r = r ? r : sg_tcp_listen(d->conf.listen, &d->listen_fd, &port);
    r = r ? r : sg_ops_start(&d->ops, d->conf.ops_listen, is_ready, d);
    if (r)
        return sg_fold(r);
    sg_log(SG_LOG_INFO, "authd.listening", SG_UINT("port", port));
    return 0;
}

static void accept_one(struct authd *d)
{
    const struct auth_conn_options o = {
        .lanes = d->lanes, .tls = server_tls, .user = d, .peer_uri = "spiffe://sealgrid/aggd"};
    int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int r = auth_conn_start(&o, fd);
    if (r)
        sg_log_failure("aggregator.refused", r);
}

/* Until a signal. */
static int serve(struct authd *d)
{
    struct pollfd p[2] = {{.fd = d->listen_fd, .events = POLLIN},
                          {.fd = d->signals, .events = POLLIN}};
    while (p[1].revents == 0) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return sg_raise_errno();
        if (p[0].revents)
            accept_one(d);
    }
    sg_log(SG_LOG_INFO, "stop.asked");
    return 0;
}

static void stop(struct authd *d)
{
    sg_close_fd(&d->listen_fd);
    auth_conns_stop();
    sg_ops_free(d->ops);
    auth_lanes_stop(d->lanes);
    sg_edhoc_identity_free(d->own[0]);
    sg_edhoc_identity_free(d->own[1]);
    for (size_t i = 0; i < d->n_roots; i++)
        sg_cert_free(d->roots[i]);
    auth_identity_free(d->identity);
    sg_close_fd(&d->signals);
    sg_conf_clear(&option_table, &d->conf);
}

int main(int argc, char **argv)
{
    struct authd d = {.listen_fd = -1, .signals = -1};
    int first;
    if (sg_process_harden())
        return 1;
    sg_log_init(SERVICE, SG_LOG_INFO);
    switch (sg_conf_parse(&option_table, argc, argv, &d.conf, &first)) {
    case 0:
        break;
    case SG_CONF_EXIT:
        return 0;
    default:
        return 2;
    }
    auth_counters_register();
    int r = start(&d);
    r = r ? r : serve(&d);
    if (r)
        sg_log_failure("authd.failed", r);
    stop(&d);
    return r ? 1 : 0;
}
