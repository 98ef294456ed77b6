/* sealgrid-aggd - see DESIGN.md. */
#include "counters.h"
#include "mesh.h"

#include <sealgrid/base/log.h>
#include <sealgrid/cas/daemon.h>
#include <sealgrid/net/ops.h>

/* kind, member, name, default, min, max, required, help */
#define AGG_OPTIONS(X)                                                                             \
    X(STRING, mesh_listen, "mesh.listen", "127.0.0.1:17430", 0, 0, true,                           \
      "address for meters' datagrams")                                                             \
    X(INT, mesh_meters_max, "mesh.meters-max", "4096", 1, 1048576, false,                          \
      "meters kept in mind at once")                                                               \
    X(INT, mesh_idle_s, "mesh.idle-s", "93600", 60, 31536000, false,                               \
      "forget a meter not heard for so many seconds; a daily push must fit")                       \
    X(INT, mesh_rcvbuf_kib, "mesh.rcvbuf-kib", "16384", 64, 1048576, false,                        \
      "receive buffer of the socket, KiB; the kernel may allow less")                              \
    X(LIST, uplink_authenticators, "uplink.authenticators", NULL, 0, 0, true,                      \
      "addresses of authenticators, first choice first")                                           \
    X(INT, uplink_window_frames, "uplink.window-frames", "1024", 1, 65536, false,                  \
      "frames at an authenticator and not done with")                                              \
    X(INT, uplink_back_s, "uplink.back-s", "60", 0, 86400, false,                                  \
      "how often better authenticators of the list are tried while another one serves; 0: never")  \
    X(STRING, backlog_dir, "backlog.dir", NULL, 0, 0, true, "folder of the backlog")               \
    X(INT, backlog_memory_mib, "backlog.memory-mib", "64", 1, 65536, false,                        \
      "frames kept in memory while the uplink is up")                                              \
    X(INT, backlog_disk_mib, "backlog.disk-mib", "1024", 1, 1048576, false,                        \
      "frames kept on disk at most; beyond it meters keep theirs")                                 \
    X(INT, backlog_frames_max, "backlog.frames-max", "1000000", 16, 16777216, false,               \
      "frames kept at most, in memory and on disk")

struct options {
    struct sg_daemon_options common;
    AGG_OPTIONS(SG_CONF_MEMBER)
};

#define ROW(...)                  SG_CONF_ROW(struct options, __VA_ARGS__)
#define COMMON(kind, member, ...) SG_CONF_ROW(struct options, kind, common.member, __VA_ARGS__)
static const struct sg_conf_option rows[] = {AGG_OPTIONS(ROW)
                                                 SG_DAEMON_OPTIONS(COMMON, "127.0.0.1:18430")};

static const struct sg_conf_table table = {
    .program = "sealgrid-aggd",
    .summary = "Bridges meters' datagrams to authenticators; stores and forwards; opens nothing.",
    .options = rows,
    .n = sizeof rows / sizeof *rows,
};

struct aggd {
    const struct options *conf;
    struct sg_cas_bootstrap bootstrap;
    struct sg_loop *loop;
    struct agg_meters *meters;
    struct agg_backlog *backlog;
    struct agg_mesh *mesh;
    struct agg_uplink *uplink;
    struct sg_ops *ops;
    struct sg_loop_io *ends_io;
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

static void on_end(void *user, unsigned ready)
{
    struct aggd *d = user;
    (void)ready;
    sg_loop_stop(d->loop);
}

static int open_backlog(struct aggd *d)
{
    struct agg_backlog_options o = {
        .dir = d->conf->backlog_dir,
        .memory_max = (size_t)d->conf->backlog_memory_mib << 20,
        .disk_max = (uint64_t)d->conf->backlog_disk_mib << 20,
        .frames_max = (size_t)d->conf->backlog_frames_max,
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
        .authenticators = &d->conf->uplink_authenticators,
        .bootstrap = &d->bootstrap,
        .expect_uri = "spiffe://sealgrid/authd",
        .window_frames = (size_t)d->conf->uplink_window_frames,
        .back_ms = d->conf->uplink_back_s * 1000,
        .down = agg_mesh_down,
        .user = d->mesh,
    };
    int r = agg_uplink_start(&d->uplink, &o);
    if (r == 0)
        agg_mesh_set_uplink(d->mesh, d->uplink);
    return r;
}

static int start(struct aggd *d, int ends)
{
    struct agg_mesh_options mesh = {.rcvbuf_bytes = (size_t)d->conf->mesh_rcvbuf_kib << 10,
                                    .idle_ms = d->conf->mesh_idle_s * 1000};
    int r = sg_addr_parse(d->conf->mesh_listen, &mesh.listen);
    r = r ? r : sg_loop_new(&d->loop);
    r = r ? r : sg_loop_io_new(&d->ends_io, d->loop, ends, SG_LOOP_IN, on_end, d);
    r = r ? r : agg_meters_new(&d->meters, (size_t)d->conf->mesh_meters_max);
    r = r ? r : open_backlog(d);
    if (r)
        return r;
    mesh.loop = d->loop;
    mesh.meters = d->meters;
    mesh.backlog = d->backlog;
    r = agg_mesh_new(&d->mesh, &mesh);
    r = r ? r : start_uplink(d);
    r = r ? r : sg_ops_start(&d->ops, d->conf->common.ops_listen, is_ready, d);
    if (r)
        return r;
    char text[SG_ADDR_TEXT_MAX];
    sg_addr_text(text, agg_mesh_address(d->mesh));
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", text));
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
    sg_loop_io_free(d->ends_io);
    sg_loop_free(d->loop);
}

static int run(const void *conf, int ends)
{
    const struct options *o = conf;
    struct aggd d = {.conf = o, .bootstrap = sg_daemon_cas(&o->common, "aggd")};
    agg_counters_register();
    int r = start(&d, ends);
    r = r ? r : sg_loop_run(d.loop);
    stop(&d);
    return r;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    const struct sg_daemon aggd = {.service = "aggd", .table = &table, .run = run};
    return sg_daemon_main(&aggd, argc, argv, &o);
}
