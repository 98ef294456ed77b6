#include "server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/net/tls.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define WAIT_MS     20000
#define STOP_MS     10000
#define POLL_MS     20
#define LOG_TAIL    360
#define PATH_MAX_OF 4096

struct sg_bench_server {
    pid_t pid;
    int stop_signal;
};

/* What the child needs, looked up before the fork: little is allowed after it. */
struct launch {
    char program[PATH_MAX_OF], log[PATH_MAX_OF];
    const struct sg_bench_server_spec *spec;
    bool change_user;
    uid_t uid;
    gid_t gid;
};

static int64_t now_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* ---- finding ---- */

static bool found_in(char ret[PATH_MAX_OF], const char *folder, size_t len, const char *name)
{
    int n = snprintf(ret, PATH_MAX_OF, "%.*s/%s", (int)len, folder, name);
    return n < PATH_MAX_OF && access(ret, X_OK) == 0;
}

static bool find_program(char ret[PATH_MAX_OF], const struct sg_bench_server_spec *spec)
{
    const char *name = spec->argv[0], *path = getenv("PATH");
    for (const char *at = path ? path : ""; *at;) {
        size_t len = strcspn(at, ":");
        if (found_in(ret, at, len, name))
            return true;
        at += len + (at[len] == ':');
    }
    for (const char *const *p = spec->paths; p && *p; p++)
        if (found_in(ret, *p, strlen(*p), name))
            return true;
    return found_in(ret, "/usr/sbin", 9, name);
}

static int find_user(struct launch *l)
{
    if (!l->spec->user || geteuid() != 0)
        return 0;
    const struct passwd *p = getpwnam(l->spec->user);
    if (!p)
        return sg_raisef(-ENOENT, "no user %s", l->spec->user);
    l->uid = p->pw_uid;
    l->gid = p->pw_gid;
    l->change_user = true;
    return 0;
}

/* ---- running ---- */

static bool become(const struct launch *l)
{
    return !l->change_user ||
           (setgroups(0, NULL) == 0 && setgid(l->gid) == 0 && setuid(l->uid) == 0);
}

_Noreturn static void run_child(const struct launch *l, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int log = open(l->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(126);
    /* The death signal is lost when the user changes, hence after it. */
    if (chdir(l->spec->folder) || !become(l) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
        getppid() != parent) {
        dprintf(2, "cannot start as that user in that folder: %s\n", strerror(errno));
        _exit(126);
    }
    execv(l->program, (char *const *)(uintptr_t)l->spec->argv);
    dprintf(2, "cannot run %s: %s\n", l->program, strerror(errno));
    _exit(127);
}

static int launch(const struct sg_bench_server_spec *spec, pid_t *ret,
                  struct sg_bench_reason *ret_reason)
{
    SG_FREE struct launch *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->spec = spec;
    if (!find_program(l->program, spec)) {
        snprintf(ret_reason->text, sizeof(ret_reason->text), "%s is not installed", spec->argv[0]);
        return SG_BENCH_ABSENT;
    }
    if (snprintf(l->log, sizeof(l->log), "%s/%s.log", spec->folder, spec->name) >= PATH_MAX_OF)
        return sg_raise(-ENAMETOOLONG);
    int r = find_user(l);
    if (r)
        return r;
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return sg_raise_errno();
    if (pid == 0)
        run_child(l, parent);
    *ret = pid;
    return 0;
}

/* Whether it has ended; *ret_status then says how. */
static bool ended(pid_t pid, int *ret_status)
{
    pid_t got;
    do
        got = waitpid(pid, ret_status, WNOHANG);
    while (got < 0 && errno == EINTR);
    return got != 0;
}

static bool end_within(pid_t pid, int ms, int *ret_status)
{
    for (int64_t until = now_ms() + ms; !ended(pid, ret_status); pause_ms(POLL_MS))
        if (now_ms() >= until)
            return false;
    return true;
}

static void end(pid_t pid, int signal)
{
    int status;
    kill(pid, signal);
    if (end_within(pid, STOP_MS, &status))
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

/* ---- reasons ---- */

/* The end of the log on one line, printable. */
static void log_tail(const struct sg_bench_server_spec *spec, char ret[LOG_TAIL + 1])
{
    char path[PATH_MAX_OF];
    ret[0] = 0;
    snprintf(path, sizeof(path), "%s/%s.log", spec->folder, spec->name);
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, ret, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);
    if (n < 0)
        n = 0;
    for (ssize_t i = 0; i < n; i++)
        if (ret[i] < ' ' || ret[i] > '~')
            ret[i] = ' ';
    ret[n] = 0;
}

static int silent(const struct sg_bench_server_spec *spec, const char *what,
                  struct sg_bench_reason *ret_reason)
{
    char tail[LOG_TAIL + 1];
    log_tail(spec, tail);
    snprintf(ret_reason->text, sizeof(ret_reason->text), "%s %s; its log ends: %s", spec->argv[0],
             what, tail);
    return SG_BENCH_SILENT;
}

/* ---- the interface ---- */

static int wait_ms_of(const struct sg_bench_server_spec *spec)
{
    return spec->wait_ms ? spec->wait_ms : WAIT_MS;
}

static int await_answer(const struct sg_bench_server_spec *spec, pid_t pid,
                        struct sg_bench_reason *ret_reason)
{
    int status;
    for (int64_t until = now_ms() + wait_ms_of(spec); now_ms() < until; pause_ms(POLL_MS)) {
        if (ended(pid, &status))
            return silent(spec, "ended", ret_reason);
        if (spec->answers(spec->ctx) == 0)
            return 0;
    }
    end(pid, SIGKILL);
    return silent(spec, "did not answer in time", ret_reason);
}

int sg_bench_server_start(struct sg_bench_server **ret, const struct sg_bench_server_spec *spec,
                          struct sg_bench_reason *ret_reason)
{
    SG_FREE struct sg_bench_server *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->stop_signal = spec->stop_signal ? spec->stop_signal : SIGTERM;
    int r = launch(spec, &s->pid, ret_reason);
    if (r == 0)
        r = await_answer(spec, s->pid, ret_reason);
    if (r == 0)
        *ret = TAKE_PTR(s);
    return r;
}

void sg_bench_server_stop(struct sg_bench_server *s)
{
    if (!s)
        return;
    end(s->pid, s->stop_signal);
    free(s);
}

int sg_bench_server_command(const struct sg_bench_server_spec *spec,
                            struct sg_bench_reason *ret_reason)
{
    pid_t pid;
    int status = 0;
    int r = launch(spec, &pid, ret_reason);
    if (r)
        return r;
    if (!end_within(pid, wait_ms_of(spec), &status)) {
        end(pid, SIGKILL);
        return silent(spec, "did not end in time", ret_reason);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return silent(spec, "failed", ret_reason);
    return 0;
}

int sg_bench_port(uint16_t *ret)
{
    SG_CLOSE int fd = -1;
    return sg_tcp_listen("127.0.0.1:0", &fd, ret);
}

static int give_entries(const char *folder, const struct passwd *p)
{
    DIR *d = opendir(folder);
    if (!d)
        return sg_raise_errno();
    int r = 0;
    for (const struct dirent *e; r == 0 && (e = readdir(d));)
        if (strcmp(e->d_name, "..") != 0 &&
            fchownat(dirfd(d), e->d_name, p->pw_uid, p->pw_gid, AT_SYMLINK_NOFOLLOW))
            r = sg_raise_errno();
    closedir(d);
    return r;
}

int sg_bench_server_give(const char *folder, const char *user)
{
    if (geteuid() != 0)
        return 0;
    const struct passwd *p = getpwnam(user);
    if (!p)
        return sg_raisef(-ENOENT, "no user %s", user);
    return give_entries(folder, p);
}
