/* sealgrid-aggd - see DESIGN.md. */
#include "counters.h"
#include "mesh.h"

#include <sealgrid/base/log.h>
#include <sealgrid/net/ops.h>
#include <signal.h>
#include <sys/signalfd.h>

#define SERVICE "aggd"

/* O(member, name, TYPE, default, min, max, required, help) */
#define AGG_OPTIONS(O)                                                                             \
    O(mesh_listen, "mesh.listen", STRING, "127.0.0.1:17430", 0, 0, true,                           \
      "address for meters' datagrams")                                                             \
    O(mesh_meters_max, "mesh.meters-max", INT, "4096", 1, 1048576, false,                          \
      "meters kept in mind at once")                                                               \
    O(mesh_idle_s, "mesh.idle-s", INT, "93600", 60, 31536000, false,                               \
      "forget a meter not heard for so many seconds; a daily push must fit")                       \
    O(mesh_rcvbuf_kib, "mesh.rcvbuf-kib", INT, "16384", 64, 1048576, false,                        \
      "receive buffer of the socket, KiB; the kernel may allow less")                              \
    O(uplink_authenticators, "uplink.authenticators", LIST, NULL, 0, 0, true,                      \
      "addresses of authenticators, first choice first")                                           \
    O(uplink_window_frames, "uplink.window-frames", INT, "1024", 1, 65536, false,                  \
      "frames at an authenticator and not done with")                                              \
    O(backlog_dir, "backlog.dir", STRING, NULL, 0, 0, true, "folder of the backlog")               \
    O(backlog_memory_mib, "backlog.memory-mib", INT, "64", 1, 65536, false,                        \
      "frames kept in memory while the uplink is up")                                              \
    O(backlog_disk_mib, "backlog.disk-mib", INT, "1024", 1, 1048576, false,                        \
      "frames kept on disk at most; beyond it meters keep theirs")                                 \
    O(backlog_frames_max, "backlog.frames-max", INT, "1000000", 16, 16777216, false,               \
      "frames kept at most, in memory and on disk")                                                \
    O(cas_connect, "cas.connect", STRING, NULL, 0, 0, true, "address of casd")                     \
    O(cas_pin, "cas.pin", STRING, NULL, 0, 0, true, "SHA-256 of casd's CA certificate, hex")       \
    O(cas_provider, "cas.provider", STRING, "sim", 0, 0, false, "evidence provider")               \
    O(cas_platform, "cas.platform", STRING, NULL, 0, 0, false,                                     \
      "folder of the simulated platform key")                                                      \
    O(cas_retry_ms, "cas.retry-ms", INT, "60000", 0, 86400000, false, "wait so long for casd")     \
    O(ops_listen, "ops.listen", STRING, "127.0.0.1:18430", 0, 0, false,                            \
      "plain HTTP on loopback: /metrics /healthz /readyz")

struct options {
#define T_STRING                                             char *
#define T_INT                                                int64_t
#define T_LIST                                               struct sg_conf_list
#define O(member, name, type, def, min, max, required, help) T_##type member;
    AGG_OPTIONS(O)
#undef O
};

static const struct sg_conf_option option_rows[] = {
#define O(member, name, type, def, min, max, required, help)                                       \
    {name, SG_CONF_##type, offsetof(struct options, member), def, min, max, required, help},
    AGG_OPTIONS(O)
#undef O
};

static const struct sg_conf_table option_table = {
    .program = "sealgrid-aggd",
    .summary = "Bridges meters' datagrams to authenticators; stores and forwards; opens nothing.",
    .options = option_rows,
    .n = sizeof option_rows / sizeof *option_rows,
};

struct aggd {
    struct options conf;
    struct sg_cas_bootstrap bootstrap;
    struct sg_loop *loop;
    struct agg_meters *meters;
    struct agg_backlog *backlog;
    struct agg_mesh *mesh;
    struct agg_uplink *uplink;
    struct sg_ops *ops;
    int signals;
    struct sg_loop_io *signal_io;
};

static uint64_t handle_of(void *user, struct sg_addr addr)
{
    struct aggd *d = user;
    return agg_meters_handle(d->meters, addr, sg_loop_now_ms(d->loop));
}

static bool is_ready(void *user)
{
    const struct aggd *d = user;
    return agg_uplink_is_up(d->uplink);
}

static void on_signal(void *user, unsigned ready)
{
    struct aggd *d = user;
    (void)ready;
    sg_log(SG_LOG_INFO, "stop.asked");
    sg_loop_stop(d->loop);
}

static int watch_signals(struct aggd *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL))
        return sg_raise(-EINVAL);
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (d->signals < 0)
        return sg_raise_errno();
    return sg_loop_io_new(&d->signal_io, d->loop, d->signals, SG_LOOP_IN, on_signal, d);
}

static int open_backlog(struct aggd *d)
{
    struct agg_backlog_options o = {
        .dir = d->conf.backlog_dir,
        .memory_max = (size_t)d->conf.backlog_memory_mib << 20,
        .disk_max = (uint64_t)d->conf.backlog_disk_mib << 20,
        .frames_max = (size_t)d->conf.backlog_frames_max,
    };
    int r = agg_backlog_open(&d->backlog, &o, handle_of, d);
    if (r)
        return r;
    struct agg_backlog_status s = agg_backlog_status(d->backlog);
    sg_metric_add(&agg_counters.backlog_damaged, (int64_t)s.damaged);
    sg_log(SG_LOG_INFO, "backlog.open", SG_UINT("frames", s.frames), SG_UINT("octets", s.disk),
           SG_UINT("damaged", s.damaged));
    return 0;
}

static int start_uplink(struct aggd *d)
{
    struct agg_uplink_options o = {
        .backlog = d->backlog,
        .authenticators = &d->conf.uplink_authenticators,
        .bootstrap = &d->bootstrap,
        .expect_uri = "spiffe://sealgrid/authd",
        .window_frames = (size_t)d->conf.uplink_window_frames,
        .down = agg_mesh_down,
        .user = d->mesh,
    };
    int r = agg_uplink_start(&d->uplink, &o);
    if (r == 0)
        agg_mesh_set_uplink(d->mesh, d->uplink);
    return r;
}

static int start(struct aggd *d)
{
    struct agg_mesh_options mesh = {.rcvbuf_bytes = (size_t)d->conf.mesh_rcvbuf_kib << 10,
                                    .idle_ms = d->conf.mesh_idle_s * 1000};
    int r = sg_addr_parse(d->conf.mesh_listen, &mesh.listen);
    r = r ? r : sg_loop_new(&d->loop);
    r = r ? r : watch_signals(d);
    r = r ? r : agg_meters_new(&d->meters, (size_t)d->conf.mesh_meters_max);
    r = r ? r : open_backlog(d);
    if (r)
        return r;
    mesh.loop = d->loop;
    mesh.meters = d->meters;
    mesh.backlog = d->backlog;
    r = agg_mesh_new(&d->mesh, &mesh);
    r = r ? r : start_uplink(d);
    r = r ? r : sg_ops_start(&d->ops, d->conf.ops_listen, is_ready, d);
    if (r)
        return r;
    char text[SG_ADDR_TEXT_MAX];
    sg_addr_text(text, agg_mesh_address(d->mesh));
    sg_log(SG_LOG_INFO, "mesh.listening", SG_STR("address", text));
    return 0;
}

/* The uplink goes first: it calls into the mesh, and what it leaves undone is then on disk. */
static void stop(struct aggd *d)
{
    agg_uplink_stop(d->uplink);
    sg_ops_free(d->ops);
    agg_mesh_free(d->mesh);
    agg_backlog_free(d->backlog);
    agg_meters_free(d->meters);
    sg_loop_io_free(d->signal_io);
    if (d->signals >= 0)
        close(d->signals);
    sg_loop_free(d->loop);
    sg_conf_clear(&option_table, &d->conf);
}

static int run(struct aggd *d)
{
    d->bootstrap = (struct sg_cas_bootstrap){
        .connect = d->conf.cas_connect,
        .pin_hex = d->conf.cas_pin,
        .service = SERVICE,
        .provider = d->conf.cas_provider,
        .sim_platform = d->conf.cas_platform,
        .retry_ms = (int)d->conf.cas_retry_ms,
    };
    agg_counters_register();
    int r = start(d);
    r = r ? r : sg_loop_run(d->loop);
    if (r)
        sg_log_failure("aggd.failed", r);
    return r;
}

int main(int argc, char **argv)
{
    struct aggd d = {.signals = -1};
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
    int r = run(&d);
    stop(&d);
    return r ? 1 : 0;
}
