#include "ingest-live.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sealgrid/base/file.h>
#include <sealgrid/net/tls.h>

#define PATH       400
#define ARGS_MAX   24
#define SERVICES   16
#define STEP_MS    120000
#define WINDOW     "256" /* frames without an answer */
#define METRICS_MS 2000
#define TEXT_MAX   (1u << 20)

struct service {
    char name[16];
    unsigned ops_port;
    int pid;
};

struct live {
    char bin[PATH], dir[PATH]; /* of the programs; of everything made here */
    bool up;
    struct service services[SERVICES];
    size_t n;
    char aggregators[2][32];
    struct sg_bench_reason *reason;
};

/* ---- steps --------------------------------------------------------------------------------- */

/* A program beside this one with arguments; %D in an argument is the folder. */
static int step(struct live *l, const char *program, const char *const *args)
{
    char text[ARGS_MAX][2 * PATH];
    const char *argv[ARGS_MAX + 2] = {program}, *paths[] = {l->bin, NULL};
    size_t n = 0;
    for (; args[n] && n < ARGS_MAX; n++) {
        const char *d = strstr(args[n], "%D");
        snprintf(text[n], sizeof text[n], "%.*s%s%s", d ? (int)(d - args[n]) : (int)strlen(args[n]),
                 args[n], d ? l->dir : "", d ? d + 2 : "");
        argv[n + 1] = text[n];
    }
    const struct sg_bench_server_spec spec = {
        .name = program, .argv = argv, .paths = paths, .folder = l->dir, .wait_ms = STEP_MS};
    return sg_bench_server_command(&spec, l->reason);
}

#define STEP(l, program, ...) step(l, program, (const char *const[]){__VA_ARGS__, NULL})

static int read_text(const struct live *l, const char *name, struct sg_buf *ret)
{
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", l->dir, name);
    sg_buf_reset(ret);
    int r = sg_file_read(path, ret);
    return r ? r : sg_buf_append_u8(ret, 0);
}

/* Lines of run/services and run/status belong together. */
static int find_services(struct live *l)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf services = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf status = SG_BUF_INIT(65536);
    int r = read_text(l, "p/run/services", &services);
    r = r ? r : read_text(l, "p/run/status", &status);
    const char *a = (const char *)services.data, *b = (const char *)status.data;
    while (r == 0 && l->n < SERVICES) {
        struct service *s = &l->services[l->n];
        if (sscanf(a, "%15s %*s %*s %*s %u", s->name, &s->ops_port) != 2 ||
            sscanf(b, "%d", &s->pid) != 1)
            break;
        l->n++;
        a = strchrnul(a, '\n');
        b = strchrnul(b, '\n');
        a += *a != 0;
        b += *b != 0;
    }
    return r || l->n ? r : sg_raisef(-EBADMSG, "no services of the platform");
}

static int find_aggregator(const struct live *l, const char *file, char ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf conf = SG_BUF_INIT(65536);
    int r = read_text(l, file, &conf);
    const char *mesh = r ? NULL : strstr((const char *)conf.data, "mesh:");
    const char *listen = mesh ? strstr(mesh, "listen:") : NULL;
    if (!listen || sscanf(listen, "listen: \"%31[0-9.:]", ret) != 1)
        if (!listen || sscanf(listen, "listen: %31[0-9.:]", ret) != 1)
            return r ? r : sg_raisef(-EBADMSG, "%s", file);
    return 0;
}

/* ---- what the daemons say ------------------------------------------------------------------ */

static int cpu_seconds(const struct live *l, double *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf stat = SG_BUF_INIT(65536);
    double sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        unsigned long user, kernel;
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/stat", l->services[i].pid);
        sg_buf_reset(&stat);
        int r = sg_file_read(path, &stat);
        r = r ? r : sg_buf_append_u8(&stat, 0);
        const char *after = r ? NULL : strrchr((const char *)stat.data, ')');
        if (!after || sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                             &kernel) != 2)
            return r ? r : sg_raisef(-EBADMSG, "%s", path);
        sum += (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
    }
    *ret = sum;
    return 0;
}

static int get_metrics(unsigned port, struct sg_buf *ret)
{
    static const char ask[] = "GET /metrics HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n";
    SG_CLOSE int fd = -1;
    char address[32];
    uint8_t *p;
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    int r = sg_tcp_connect(address, METRICS_MS, &fd);
    FILE *f = r ? NULL : fdopen(TAKE_FD(fd), "r+");
    if (!f)
        return r ? r : sg_raise_errno();
    (void)fcntl(fileno(f), F_SETFL, 0); /* waits */
    bool ok = fwrite(ask, 1, sizeof ask - 1, f) == sizeof ask - 1 && fflush(f) == 0;
    while (ok && r == 0 && !feof(f)) {
        r = sg_buf_extend(ret, 4096, &p);
        size_t got = r ? 0 : fread(p, 1, 4096, f);
        ret->len -= r ? 0 : 4096 - got;
        ok = !ferror(f);
    }
    fclose(f);
    r = r ? r : sg_buf_append_u8(ret, 0);
    return r || ok ? r : sg_raisef(-EIO, "/metrics");
}

static int readings_stored(const struct live *l, uint64_t *ret)
{
    static const char name[] = "\nsealgrid_authd_readings_stored_total ";
    uint64_t sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(TEXT_MAX);
        if (strncmp(l->services[i].name, "authd", 5) != 0)
            continue;
        int r = get_metrics(l->services[i].ops_port, &text);
        const char *at = r ? NULL : strstr((const char *)text.data, name);
        if (!at)
            return r ? r : sg_raisef(-EBADMSG, "no count of readings in /metrics");
        sum += strtoull(at + sizeof name - 1, NULL, 10);
    }
    *ret = sum;
    return 0;
}

/* ---- one measurement ----------------------------------------------------------------------- */

static int make_platform(struct live *l, const struct live_options *o)
{
    char meters[16], days[16];
    const char *percent = o->single ? "100" : "0";
    snprintf(meters, sizeof meters, "%u", o->meters);
    snprintf(days, sizeof days, "%u", o->days);
    int r = STEP(l, "sealgrid-sim", "--provision", "%D/fleet", "--meters", meters, "--days", days,
                 "--single-days", days, "--single-percent", percent, "--rsa-percent", "0");
    if (r)
        return r;
    l->up = true;
    r = STEP(l, "sealgrid", "up", "--dir", "%D/p", "--volumes", "3", "--authority",
             "%D/fleet/authority-root.pem");
    r = r ? r : STEP(l, "sealgrid", "register", "--dir", "%D/p", "--rows", "%D/fleet/fleet.rows");
    r = r ? r : find_services(l);
    r = r ? r : find_aggregator(l, "p/conf/aggd1.yaml", l->aggregators[0]);
    return r ? r : find_aggregator(l, "p/conf/aggd2.yaml", l->aggregators[1]);
}

static int record(struct live *l)
{
    return STEP(l, "sealgrid-sim", "--fleet", "%D/fleet", "--record", "%D/frames", "--hold", "true",
                "--aggregator", l->aggregators[0], "--aggregator", l->aggregators[1],
                "--authenticators", "%D/p/cas/public/edhoc-suite2-cert.pem", "--authenticators",
                "%D/p/cas/public/edhoc-suite3-cert.pem");
}

static int replay(struct live *l, const struct live_options *o, struct live_result *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(65536);
    double before = 0, after = 0;
    int r = cpu_seconds(l, &before);
    r = r ? r
          : STEP(l, "sealgrid-sim", "--replay", "%D/frames", "--replay-window", WINDOW, "--json",
                 "%D/replay.json", "--aggregator", l->aggregators[0], "--aggregator",
                 l->aggregators[1]);
    r = r ? r : cpu_seconds(l, &after);
    r = r ? r : read_text(l, "replay.json", &report);
    r = r ? r : readings_stored(l, &ret->readings);
    if (r)
        return r;
    const char *frames = strstr((const char *)report.data, "\"replayed\":");
    const char *seconds = strstr((const char *)report.data, "\"seconds\":");
    if (!frames || !seconds)
        return sg_raisef(-EBADMSG, "replay.json");
    ret->blocks = strtoull(frames + 11, NULL, 10);
    ret->wall_s = strtod(seconds + 10, NULL);
    ret->cpu_s = after - before;
    if (ret->readings == 0 || ret->readings != ret->blocks * (o->single ? 1 : 96))
        return sg_raisef(-EBADMSG, "not every reading was stored");
    return 0;
}

static int find_programs(struct live *l)
{
    char path[PATH];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return sg_raise_errno();
    path[n] = 0;
    *strrchr(path, '/') = 0;
    snprintf(l->bin, sizeof l->bin, "%s", path);
    strcat(path, "/sealgrid");
    if (access(path, X_OK) == 0)
        return 0;
    snprintf(l->reason->text, sizeof l->reason->text, "the daemons are not beside this program");
    return SG_BENCH_ABSENT;
}

int live_measure(struct sg_bench *b, const struct live_options *o, struct live_result *ret,
                 struct sg_bench_reason *ret_reason)
{
    struct live l = {.reason = ret_reason};
    struct sg_bench_reason unheard;
    int r = find_programs(&l);
    r = r ? r : sg_bench_folder(b, "live", l.dir, sizeof l.dir);
    r = r ? r : make_platform(&l, o);
    r = r ? r : record(&l);
    r = r ? r : replay(&l, o, ret);
    l.reason = &unheard;
    int down = l.up ? STEP(&l, "sealgrid", "down", "--dir", "%D/p") : 0;
    return r ? r : down < 0 ? down : 0;
}
