/* pdf - the browser as a child with a folder of its own. */
#include "pdf.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#define TIME_LIMIT_NS INT64_C(60000000000)
#define PDF_MAX       (64u << 20)
#define FILE_MODE     0644

/* Debian's name, then Chrome's. */
static const char *const browsers[] = {"chromium", "chromium-browser", "google-chrome"};

struct printing {
    char folder[64], profile[96], page[96], pdf[96];
    char arg_profile[128], arg_pdf[128], url[128];
};

static int prepare(struct printing *p, struct sg_bytes html)
{
    snprintf(p->folder, sizeof(p->folder), "/tmp/sealgrid-pdf-XXXXXX");
    if (!mkdtemp(p->folder)) {
        p->folder[0] = '\0';
        return sg_raise_errno();
    }
    snprintf(p->profile, sizeof(p->profile), "%s/profile", p->folder);
    snprintf(p->page, sizeof(p->page), "%s/page.html", p->folder);
    snprintf(p->pdf, sizeof(p->pdf), "%s/page.pdf", p->folder);
    snprintf(p->arg_profile, sizeof(p->arg_profile), "--user-data-dir=%s", p->profile);
    snprintf(p->arg_pdf, sizeof(p->arg_pdf), "--print-to-pdf=%s", p->pdf);
    snprintf(p->url, sizeof(p->url), "file://%s", p->page);
    return sg_file_write_atomic(p->page, html, 0600);
}

/* Its own group, so that its helpers end with it; silent; no way out to a network.  The sandbox
 * cannot start as root: the page is ours, without script and without a link. */
static int start(struct printing *p, const char *browser, pid_t *ret)
{
    const char *const argv[] = {browser,
                                "--headless",
                                "--disable-gpu",
                                "--no-first-run",
                                "--no-pdf-header-footer",
                                "--disable-background-networking",
                                "--disable-component-update",
                                "--disable-sync",
                                "--proxy-server=127.0.0.1:9",
                                p->arg_profile,
                                p->arg_pdf,
                                geteuid() == 0 ? "--no-sandbox" : "--disable-extensions",
                                p->url,
                                NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int r;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
    r = posix_spawnp(ret, browser, &files, &attr, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return r;
}

/* True if it ended by itself, and well. */
static bool wait_for(pid_t pid)
{
    const struct timespec pause = {0, 20000000};
    int64_t end = sg_clock_monotonic_ns() + TIME_LIMIT_NS;
    int status = 0;

    while (sg_clock_monotonic_ns() < end) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (got < 0 && errno != EINTR)
            return false;
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return false;
}

static int refuse(char why[PDF_WHY_MAX], const char *text)
{
    snprintf(why, PDF_WHY_MAX, "%s", text);
    return PDF_NOT_MADE;
}

static int print(struct printing *p, char why[PDF_WHY_MAX])
{
    pid_t pid = 0;
    int r = ENOENT;

    for (size_t i = 0; i < sizeof(browsers) / sizeof(browsers[0]) && r == ENOENT; i++)
        r = start(p, browsers[i], &pid);
    if (r == ENOENT)
        return refuse(why, "no chromium on this machine (Debian: chromium); --page needs none");
    if (r)
        return sg_raise(-r);
    if (!wait_for(pid))
        return refuse(why, "chromium failed, or took longer than 60 s");
    return access(p->pdf, R_OK) ? refuse(why, "chromium wrote nothing") : 0;
}

static int keep(const struct printing *p, const char *path, char why[PDF_WHY_MAX])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pdf = SG_BUF_INIT(PDF_MAX);
    int r = sg_file_read(p->pdf, &pdf);

    if (r)
        return r;
    if (pdf.len < 5 || memcmp(pdf.data, "%PDF-", 5))
        return refuse(why, "what chromium wrote is no PDF");
    return sg_file_write_atomic(path, sg_buf_bytes(&pdf), FILE_MODE);
}

int pdf_write(struct sg_bytes html, const char *path, char why[PDF_WHY_MAX])
{
    struct printing p = {.folder = ""};
    int r = prepare(&p, html);

    if (!r)
        r = print(&p, why);
    if (!r)
        r = keep(&p, path, why);
    int clean = p.folder[0] ? sg_remove_tree(p.folder) : 0;
    return r ? r : clean;
}
