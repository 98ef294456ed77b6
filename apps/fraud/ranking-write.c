/* ranking-write - the ranking as a file. */
#include "ranking-int.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>

#include "csv.h"

#define CHUNK (1u << 20)

struct writing {
    const struct ranking *ranking;
    const struct plan *plan;
    int fd;
    struct sg_buf b;
};

static int put_line(void *ctx, const struct line *l, size_t rank)
{
    struct writing *w = ctx;
    char reasons[REASONS_MAX];
    score_reasons(l, w->plan, reasons);
    int e = csv_put_name(&w->b, l->id);
    if (e == 0)
        e = sg_buf_printf(&w->b, ",%.12g,%zu,", ranking_score(w->ranking, l), rank);
    if (e == 0)
        e = csv_put_words(&w->b, reasons);
    if (e == 0)
        e = sg_buf_append_u8(&w->b, '\n');
    if (e == 0 && w->b.len > CHUNK) {
        e = sg_write_all(w->fd, sg_buf_bytes(&w->b));
        sg_buf_reset(&w->b);
    }
    return e;
}

static int write_lines(const struct ranking *r, const struct plan *plan, int fd)
{
    struct writing w = {.ranking = r, .plan = plan, .fd = fd, .b = SG_BUF_INIT(2 * CHUNK)};
    int e = sg_buf_printf(&w.b, "customer,score,rank,reasons\n");
    if (e == 0)
        e = ranking_each(r, put_line, &w);
    if (e == 0)
        e = sg_write_all(fd, sg_buf_bytes(&w.b));
    sg_buf_clear(&w.b);
    return e;
}

/* A pipe or a device is written to, not replaced by a file. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

bool ranking_folder(const char *path, char ret[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (!strcmp(path, "-") || is_special(path))
        return false;
    const size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    return snprintf(ret, PATH_MAX, "%.*s", n ? (int)n : 1, n ? path : ".") < PATH_MAX;
}

static int write_special(const struct ranking *r, const struct plan *plan, const char *path)
{
    SG_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? sg_raise_errno() : write_lines(r, plan, fd);
}

int ranking_write(const struct ranking *r, const struct plan *plan, const char *path)
{
    char next[PATH_MAX];
    if (!strcmp(path, "-"))
        return write_lines(r, plan, STDOUT_FILENO);
    if (is_special(path))
        return write_special(r, plan, path);
    if (snprintf(next, sizeof(next), "%s.part", path) >= (int)sizeof(next))
        return sg_raise(-ENAMETOOLONG);
    unlink(next); /* of a run that was killed, or a link laid there */
    SG_CLOSE int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return sg_raise_errno();
    int e = write_lines(r, plan, fd);
    if (e == 0 && fsync(fd))
        e = sg_raise_errno();
    if (e == 0 && rename(next, path))
        e = sg_raise_errno();
    if (e)
        unlink(next);
    return e;
}
