#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <sealgrid/base/cleanup.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct sg_child {
    pid_t pid;
    int out;
};

int sg_child_start(struct sg_child **ret, const char *const *argv)
{
    SG_FREE struct sg_child *c = calloc(1, sizeof *c);
    if (!c)
        return sg_raise(-ENOMEM);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return sg_raise_errno();
    pid_t parent = getpid();
    c->pid = fork();
    if (c->pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return sg_raise_errno();
    }
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent || dup2(ends[1], 1) < 0)
            _exit(126);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        dprintf(2, "cannot run %s\n", argv[0]);
        _exit(127);
    }
    close(ends[1]);
    c->out = ends[0];
    *ret = TAKE_PTR(c);
    return 0;
}

int sg_child_pid(const struct sg_child *c)
{
    return c->pid;
}

static int drain(int fd, struct sg_buf *out)
{
    uint8_t piece[65536];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sg_raise_errno();
        int r = out ? sg_buf_append(out, SG_BYTES(piece, (size_t)n)) : 0;
        if (r)
            return r;
    }
}

int sg_child_finish(struct sg_child *c, struct sg_buf *ret_out, int *ret_exit)
{
    SG_FREE struct sg_child *owned = c;
    int r = drain(owned->out, ret_out);
    close(owned->out);
    int status;
    while (waitpid(owned->pid, &status, 0) < 0)
        if (errno != EINTR)
            return sg_raise_errno();
    *ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return r;
}

int sg_child_run(const char *const *argv, struct sg_buf *ret_out, int *ret_exit)
{
    struct sg_child *c;
    int r = sg_child_start(&c, argv);
    return r ? r : sg_child_finish(c, ret_out, ret_exit);
}
