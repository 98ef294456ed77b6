#include "supervise.h"

#include "services.h"

#include <fcntl.h>
#include <poll.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS  5000
#define LIVED_MS         500
#define STOP_MS          10000

struct child {
    int64_t started_ms, start_at_ms;
    int backoff_ms;
};

struct supervisor {
    const char *dir;
    struct sg_services services;
    struct sg_service_state state[SG_SERVICES_MAX];
    struct child child[SG_SERVICES_MAX];
};

static volatile sig_atomic_t stopping;

static void on_term(int sig)
{
    (void)sig;
    stopping = 1;
}

static void on_child(int sig)
{
    (void)sig; /* only ends the wait */
}

static int64_t now_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}

_Noreturn static void exec_service(const struct sg_service *s, pid_t parent, const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1); /* the supervisor died before the line above */
    int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || none < 0 || dup2(none, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(126);
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execl(s->program, s->program, "--conf", s->conf, (char *)NULL);
    dprintf(2, "cannot run %s: %s\n", s->program, strerror(errno));
    _exit(127);
}

static void write_status(struct supervisor *v)
{
    int r = sg_states_write(v->dir, v->state, v->services.n);
    if (r)
        sg_log_failure("supervisor.status", r);
}

static void start_service(struct supervisor *v, size_t i, const sigset_t *mask)
{
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        exec_service(&v->services.item[i], self, mask);
    if (pid < 0) {
        v->child[i].start_at_ms = now_ms() + v->child[i].backoff_ms;
        return;
    }
    v->state[i].pid = pid;
    v->child[i].started_ms = now_ms();
    sg_log(SG_LOG_INFO, "service.started", SG_STR("service", v->services.item[i].name),
           SG_INT("pid", pid));
}

static void ended(struct supervisor *v, size_t i, int status)
{
    struct child *c = &v->child[i];
    bool lived = now_ms() - c->started_ms >= LIVED_MS;
    c->backoff_ms = lived || !c->backoff_ms ? BACKOFF_FIRST_MS : c->backoff_ms * 2;
    if (c->backoff_ms > BACKOFF_LAST_MS)
        c->backoff_ms = BACKOFF_LAST_MS;
    c->start_at_ms = now_ms() + c->backoff_ms;
    v->state[i].pid = 0;
    v->state[i].restarts++;
    v->state[i].last_exit = status;
    sg_log(SG_LOG_WARN, "service.ended", SG_STR("service", v->services.item[i].name),
           SG_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
           SG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
           SG_INT("restart_ms", c->backoff_ms));
}

static bool reap(struct supervisor *v)
{
    bool any = false;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (size_t i = 0; i < v->services.n; i++)
            if (v->state[i].pid == pid) {
                ended(v, i, status);
                any = true;
            }
    return any;
}

static void stop_all(struct supervisor *v)
{
    for (size_t i = v->services.n; i-- > 0;) {
        if (v->state[i].pid <= 0)
            continue;
        kill(v->state[i].pid, SIGTERM);
        int64_t until = now_ms() + STOP_MS;
        while (v->state[i].pid > 0 && now_ms() < until) {
            reap(v);
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
        if (v->state[i].pid > 0) {
            kill(v->state[i].pid, SIGKILL);
            waitpid(v->state[i].pid, NULL, 0);
            v->state[i].pid = 0;
        }
    }
    write_status(v);
}

static void supervise(struct supervisor *v)
{
    sigset_t block, open_mask;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &open_mask);
    while (!stopping) {
        bool changed = reap(v);
        int64_t now = now_ms(), next = now + 1000;
        for (size_t i = 0; i < v->services.n; i++) {
            if (v->state[i].pid > 0)
                continue;
            if (v->child[i].start_at_ms <= now) {
                start_service(v, i, &open_mask);
                changed = true;
            } else if (v->child[i].start_at_ms < next) {
                next = v->child[i].start_at_ms;
            }
        }
        if (changed)
            write_status(v);
        int64_t wait = next - now_ms();
        if (wait > 0 && !stopping)
            ppoll(NULL, 0, &(struct timespec){wait / 1000, wait % 1000 * 1000000}, &open_mask);
    }
    stop_all(v);
}

/* In the detached process; never returns. */
_Noreturn static void run_supervisor(const char *dir, int lock)
{
    char path[SG_PATH_MAX], text[32];
    snprintf(path, sizeof path, "%s/log/supervisor.log", dir);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int none = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (log < 0 || none < 0 || dup2(none, 0) < 0 || dup2(none, 1) < 0 || dup2(log, 2) < 0)
        _exit(1);
    int n = snprintf(text, sizeof text, "%d\n", getpid());
    if (ftruncate(lock, 0) || pwrite(lock, text, (size_t)n, 0) != n)
        _exit(1);
    sg_log_init("supervisor", SG_LOG_INFO);
    signal(SIGTERM, on_term);
    signal(SIGCHLD, on_child);
    static struct supervisor v;
    v.dir = dir;
    int r = sg_services_read(dir, &v.services);
    if (r) {
        sg_log_failure("supervisor.start", r);
        _exit(1);
    }
    supervise(&v);
    _exit(0);
}

int sg_supervise_start(const char *dir)
{
    char path[SG_PATH_MAX];
    snprintf(path, sizeof path, "%s/run/supervisor.lock", dir);
    SG_CLOSE int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0)
        return sg_raise_errno();
    if (flock(lock, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? 0 : sg_raise_errno();
    pid_t pid = fork();
    if (pid < 0)
        return sg_raise_errno();
    if (pid == 0) {
        setsid();
        /* The lock belongs to the open file description, so it lives on in this process. */
        run_supervisor(dir, lock);
    }
    return 0;
}

int sg_supervise_stop(const char *dir, int timeout_s)
{
    int pid = sg_supervisor_pid(dir);
    if (!pid)
        return 0;
    if (kill(pid, SIGTERM) && errno != ESRCH)
        return sg_raise_errno();
    for (int64_t until = now_ms() + timeout_s * 1000; now_ms() < until;) {
        if (!sg_supervisor_pid(dir))
            return 0;
        waitpid(pid, NULL, WNOHANG);
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    return sg_raisef(-ETIMEDOUT, "the supervisor did not end in %d s", timeout_s);
}
