#include "deployment.h"

#include "supervise.h"
#include "trust.h"

#include <fcntl.h>
#include <limits.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/net/tls.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define FIRST_PORT 17400
#define PORT_STEP  100

#define READY_TIMEOUT_S 60
#define LEAF_MAX        64

static const struct {
    const char *service;
    unsigned offset;
} ports[] = {{"casd", 0},   {"kvsd", 10},  {"authd1", 20}, {"authd2", 21}, {"aggd1", 30},
             {"aggd2", 31}, {"aggd3", 32}, {"aggd4", 33},  {"aggd5", 34},  {"aggd6", 35},
             {"aggd7", 36}, {"aggd8", 37}, {"sqld", 40}};

uint16_t sg_deployment_port(const struct sg_deployment *d, const char *service)
{
    size_t i = 0;
    while (i < sizeof ports / sizeof *ports && strcmp(ports[i].service, service) != 0)
        i++;
    sg_assert(i < sizeof ports / sizeof *ports);
    return (uint16_t)(d->base_port + ports[i].offset);
}

static int path_of(char ret[SG_PATH_MAX], const char *dir, const char *leaf)
{
    int n = snprintf(ret, SG_PATH_MAX, "%s/%s", dir, leaf);
    return n > 0 && n < SG_PATH_MAX ? 0 : sg_raise(-ENAMETOOLONG);
}

/* Leaves LEAF_MAX octets of room behind the folder's path. */
static int absolute_path(char ret[SG_PATH_MAX], const char *dir)
{
    SG_FREE char *absolute = realpath(dir, NULL);
    if (!absolute)
        return sg_raisef(-errno, "folder %s", dir);
    if (strlen(absolute) >= SG_PATH_MAX - LEAF_MAX)
        return sg_raisef(-ENAMETOOLONG, "folder %s", dir);
    memcpy(ret, absolute, strlen(absolute) + 1);
    return 0;
}

static int programs_folder(char ret[SG_PATH_MAX])
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n < 0)
        return sg_raise_errno();
    exe[n] = 0;
    char *slash = strrchr(exe, '/');
    if (!slash || slash - exe >= SG_PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    memcpy(ret, exe, (size_t)(slash - exe));
    ret[slash - exe] = 0;
    return 0;
}

static bool port_free(unsigned port)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    SG_CLOSE int fd = -1;
    uint16_t got;
    return sg_tcp_listen(address, &fd, &got) == 0;
}

static bool range_free(unsigned base)
{
    bool all = true;
    for (size_t i = 0; all && i < sizeof ports / sizeof *ports; i++)
        all =
            port_free(base + ports[i].offset) && port_free(base + SG_OPS_OFFSET + ports[i].offset);
    return all;
}

/* Keeps the range it has if nobody else took it meanwhile. */
static int pick_ports(uint16_t *base)
{
    if (*base && range_free(*base))
        return 0;
    for (unsigned b = FIRST_PORT; b < 60000; b += PORT_STEP)
        if (range_free(b)) {
            *base = (uint16_t)b;
            return 0;
        }
    return sg_raisef(-EADDRINUSE, "no free range of ports on 127.0.0.1");
}

/* Two starts at once would pick the same ports: one after the other, until the first one listens.
 */
static int lock_starts(int *ret_fd)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/sealgrid-starts-%u.lock", (unsigned)getuid());
    SG_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sg_raisef(-errno, "%s", path);
    while (flock(fd, LOCK_EX))
        if (errno != EINTR)
            return sg_raise_errno();
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* The supervisor has a copy of the descriptor, so closing it would not do. */
static void unlock_starts(int fd)
{
    flock(fd, LOCK_UN);
    close(fd);
}

static int make_folders(const struct sg_deployment *d)
{
    static const char *const leaves[] = {"platform", "cas",     "conf", "log",
                                         "run",      "volumes", "aggd"};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        char path[SG_PATH_MAX];
        int r = path_of(path, d->dir, leaves[i]);
        if (r == 0)
            r = sg_mkdir_p(path, 0700);
        if (r)
            return r;
    }
    return 0;
}

static int read_line(const char *dir, const char *leaf, char *ret, size_t size)
{
    char path[SG_PATH_MAX];
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    int r = path_of(path, dir, leaf);
    if (r == 0)
        r = sg_file_read(path, &b);
    if (r)
        return r;
    size_t n = 0;
    while (n < b.len && b.data[n] != '\n')
        n++;
    if (n >= size)
        return sg_raise(-E2BIG);
    memcpy(ret, b.data, n);
    ret[n] = 0;
    return 0;
}

static bool exists(const char *dir, const char *leaf)
{
    char path[SG_PATH_MAX];
    struct stat st;
    return path_of(path, dir, leaf) == 0 && stat(path, &st) == 0;
}

static int save(const struct sg_deployment *d)
{
    char path[SG_PATH_MAX], text[256];
    int r = path_of(path, d->dir, "run/deployment");
    if (r)
        return r;
    snprintf(text, sizeof text, "%u %u %u %u\n", d->base_port, d->volumes, d->authds, d->aggds);
    return sg_file_write_atomic(path, sg_bytes_str(text), 0644);
}

int sg_deployment_load(struct sg_deployment *ret, const char *dir)
{
    struct sg_deployment d = {0};
    char line[256];
    int r = absolute_path(d.dir, dir);
    if (r == 0)
        r = programs_folder(d.programs);
    if (r == 0)
        r = read_line(d.dir, "run/deployment", line, sizeof line);
    if (r)
        return r;
    if (sscanf(line, "%hu %u %u %u", &d.base_port, &d.volumes, &d.authds, &d.aggds) != 4)
        return sg_raisef(-EBADMSG, "%s/run/deployment", d.dir);
    if (exists(d.dir, "cas/public/pin")) {
        r = read_line(d.dir, "cas/public/pin", d.pin, sizeof d.pin);
        if (r)
            return r;
    }
    *ret = d;
    return 0;
}

static int make_new(struct sg_deployment *d, const struct sg_up_options *o)
{
    int r = sg_mkdir_p(o->dir, 0755);
    if (r)
        return r;
    *d = (struct sg_deployment){
        .volumes = o->volumes ? o->volumes : 8, .aggds = o->aggds ? o->aggds : 2, .authds = 2};
    r = absolute_path(d->dir, o->dir);
    if (r == 0)
        r = make_folders(d);
    return r ? r : programs_folder(d->programs);
}

int sg_deployment_wait(const struct sg_deployment *d, int timeout_s)
{
    struct sg_services s;
    int r = sg_services_read(d->dir, &s);
    if (r)
        return r;
    int64_t until = sg_clock_monotonic_ns() + timeout_s * INT64_C(1000000000);
    size_t ready = 0;
    while (ready < s.n && sg_clock_monotonic_ns() < until) {
        if (sg_service_ready(&s.item[ready]))
            ready++;
        else
            nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    return ready == s.n ? 0
                        : sg_raisef(-ETIMEDOUT, "%s is not ready after %d s; see %s",
                                    s.item[ready].name, timeout_s, s.item[ready].log);
}

static int start(struct sg_deployment *d, const char *authority)
{
    int lock = -1, r = lock_starts(&lock);
    if (r)
        return r;
    r = pick_ports(&d->base_port);
    if (r == 0)
        r = save(d);
    if (r == 0)
        r = sg_deployment_trust(d, authority);
    if (r == 0)
        r = sg_deployment_write_conf(d);
    if (r == 0)
        r = sg_supervise_start(d->dir);
    if (r == 0)
        r = sg_deployment_wait(d, READY_TIMEOUT_S);
    unlock_starts(lock);
    return r;
}

int sg_deployment_up(struct sg_deployment *ret, const struct sg_up_options *o)
{
    if (o->backend && strcmp(o->backend, "local") != 0)
        return sg_raisef(-EINVAL, "backend %s: this version has local only", o->backend);
    struct sg_deployment d;
    int r = exists(o->dir, "run/deployment") ? sg_deployment_load(&d, o->dir) : make_new(&d, o);
    bool running = r == 0 && sg_supervisor_pid(d.dir);
    if (running && o->authority && !sg_deployment_has_authority(&d))
        return sg_raisef(-EBUSY, "an authority is added while it is down: `sealgrid down` first");
    if (r == 0)
        r = running ? sg_deployment_wait(&d, READY_TIMEOUT_S) : start(&d, o->authority);
    if (r == 0)
        *ret = d;
    return r;
}
