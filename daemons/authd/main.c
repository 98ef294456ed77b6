/* sealgrid-authd - see DESIGN.md. */
#include "counters.h"
#include "identity.h"
#include "lane.h"

#include <poll.h>
#include <sealgrid/base/log.h>
#include <sealgrid/cas/daemon.h>
#include <sealgrid/net/ops.h>
#include <sys/socket.h>

/* kind, member, name, default, min, max, required, help */
#define AUTH_OPTIONS(X)                                                                            \
    X(STRING, listen, "listen", "127.0.0.1:17420", 0, 0, true,                                     \
      "address for aggregators (mutual TLS)")                                                      \
    X(STRING, kvsd_connect, "kvsd.connect", NULL, 0, 0, true, "address of kvsd")                   \
    X(INT, kvsd_timeout_ms, "kvsd.timeout-ms", "30000", 100, 600000, false,                        \
      "deadline of one call of the store")                                                         \
    X(INT, lanes, "lanes", "2", 1, 64, false,                                                      \
      "pipelines, each a worker thread, a committer thread and two store sessions")                \
    X(INT, sessions_max, "sessions-max", "65536", 16, 16777216, false,                             \
      "sessions kept in memory by a lane; the store has them all")                                 \
    X(INT, future_max_s, "clock.future-max-s", "300", 0, 86400, false,                             \
      "refuse readings further ahead than this")

struct options {
    struct sg_daemon_options common;
    AUTH_OPTIONS(SG_CONF_MEMBER)
};

#define ROW(...)                  SG_CONF_ROW(struct options, __VA_ARGS__)
#define COMMON(kind, member, ...) SG_CONF_ROW(struct options, kind, common.member, __VA_ARGS__)
static const struct sg_conf_option rows[] = {AUTH_OPTIONS(ROW)
                                                 SG_DAEMON_OPTIONS(COMMON, "127.0.0.1:18420")};

static const struct sg_conf_table table = {
    .program = "sealgrid-authd",
    .summary = "Ends meters' sessions: opens frames, verifies blocks, stores readings.",
    .options = rows,
    .n = sizeof rows / sizeof *rows,
};

struct authd {
    const struct options *conf;
    struct sg_cas_identity *identity;
    struct auth_store *store;
    struct sg_edhoc_identity *own[2];
    struct sg_cert *roots[AUTH_ROOTS_MAX];
    size_t n_roots;
    struct auth_lanes *lanes;
    struct sg_ops *ops;
    int listen_fd;
};

static bool is_ready(void *user)
{
    const struct authd *d = user;
    return auth_lanes_ready(d->lanes);
}

static int take_identity(struct authd *d)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant grant = {0};
    const struct sg_cas_bootstrap casd = sg_daemon_cas(&d->conf->common, "authd");
    int r = sg_daemon_attest(&casd, &grant);
    r = r ? r : auth_grant_edhoc(&grant, 2, &d->own[0]);
    r = r ? r : auth_grant_edhoc(&grant, 3, &d->own[1]);
    r = r ? r : auth_grant_roots(&grant, d->roots, &d->n_roots);
    return r ? r : sg_cas_identity_new(&d->identity, &casd, &grant, SG_TLS_PEER_REQUIRED);
}

static int start_lanes(struct authd *d)
{
    int r = auth_store_new(&d->store, d->identity, d->conf->kvsd_connect,
                           (int)d->conf->kvsd_timeout_ms);
    if (r)
        return r;
    struct auth_lane_options o = {
        .lanes = (unsigned)d->conf->lanes,
        .suites = {2, 3},
        .n_suites = 2,
        .own = {d->own[0], d->own[1]},
        .roots = d->roots,
        .n_roots = d->n_roots,
        .rules = {.future_max_s = d->conf->future_max_s},
        .sessions_max = (size_t)d->conf->sessions_max,
        .open_kv = auth_store_open,
        .close_kv = auth_store_close,
        .kv_is_old = auth_store_is_old,
        .kv_user = d->store,
    };
    return auth_lanes_start(&d->lanes, &o);
}

static int start(struct authd *d)
{
    uint16_t port;
    int r = take_identity(d);
    r = r ? r : start_lanes(d);
    r = r ? r : sg_tcp_listen(d->conf->listen, &d->listen_fd, &port);
    r = r ? r : sg_ops_start(&d->ops, d->conf->common.ops_listen, is_ready, d);
    if (r)
        return sg_fold(r);
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", d->conf->listen), SG_UINT("port", port));
    return 0;
}

static void accept_one(struct authd *d)
{
    const struct auth_conn_options o = {.lanes = d->lanes,
                                        .tls = sg_cas_identity_server(d->identity),
                                        .peer_uri = "spiffe://sealgrid/aggd"};
    int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int r = auth_conn_start(&o, fd);
    if (r)
        sg_log_failure("aggregator.refused", r);
}

static int serve(struct authd *d, int ends)
{
    struct pollfd p[2] = {{.fd = d->listen_fd, .events = POLLIN}, {.fd = ends, .events = POLLIN}};
    while (p[1].revents == 0) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return sg_raise_errno();
        if (p[0].revents)
            accept_one(d);
    }
    return 0;
}

static void stop(struct authd *d)
{
    sg_close_fd(&d->listen_fd);
    auth_conns_stop();
    sg_ops_free(d->ops);
    auth_lanes_stop(d->lanes);
    auth_store_free(d->store);
    sg_edhoc_identity_free(d->own[0]);
    sg_edhoc_identity_free(d->own[1]);
    for (size_t i = 0; i < d->n_roots; i++)
        sg_cert_free(d->roots[i]);
    sg_cas_identity_free(d->identity);
}

static int run(const void *conf, int ends)
{
    struct authd d = {.conf = conf, .listen_fd = -1};
    auth_counters_register();
    int r = start(&d);
    r = r ? r : serve(&d, ends);
    stop(&d);
    return r;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    const struct sg_daemon authd = {.service = "authd", .table = &table, .run = run};
    return sg_daemon_main(&authd, argc, argv, &o);
}
