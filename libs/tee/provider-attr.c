#include "provider-attr-int.h"

#include <fcntl.h>
#include <sealgrid/base/cleanup.h>
#include <stdio.h>
#include <unistd.h>

int sg_attr_path(char ret[SG_ATTR_PATH_MAX], const char *folder, const char *name)
{
    const int n = snprintf(ret, SG_ATTR_PATH_MAX, "%s/%s", folder, name);
    return n < SG_ATTR_PATH_MAX ? 0 : sg_raisef(-ENAMETOOLONG, "%s/%s", folder, name);
}

static int open_attr(const char *folder, const char *name, int flags, int *ret)
{
    char path[SG_ATTR_PATH_MAX];
    int r = sg_attr_path(path, folder, name);
    if (r < 0)
        return r;
    do
        *ret = open(path, flags | O_CLOEXEC);
    while (*ret < 0 && errno == EINTR);
    return *ret < 0 ? sg_raisef(-errno, "%s", path) : 0;
}

/* 1: there may be more. */
static int read_some(int fd, const char *name, struct sg_buf *b)
{
    uint8_t room[4096];
    const ssize_t n = read(fd, room, sizeof room);
    if (n < 0)
        return errno == EINTR ? 1 : sg_raisef(-errno, "%s", name);
    if (n == 0)
        return 0;
    if ((size_t)n > b->max - b->len)
        return sg_raisef(-EFBIG, "%s: over %zu octets", name, b->max);
    const int r = sg_buf_append(b, SG_BYTES(room, (size_t)n));
    return r < 0 ? r : 1;
}

int sg_attr_read(const char *folder, const char *name, struct sg_buf *ret)
{
    SG_CLOSE int fd = -1;
    int r = open_attr(folder, name, O_RDONLY, &fd);
    if (r < 0)
        return r;
    do
        r = read_some(fd, name, ret);
    while (r > 0);
    return r;
}

int sg_attr_write(const char *folder, const char *name, struct sg_bytes value)
{
    SG_CLOSE int fd = -1;
    ssize_t n;
    int r = open_attr(folder, name, O_WRONLY, &fd);
    if (r < 0)
        return r;
    do
        n = write(fd, value.data, value.len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return sg_raisef(-errno, "%s", name);
    if ((size_t)n != value.len)
        return sg_raisef(-EIO, "%s: %zd of %zu octets taken", name, n, value.len);
    return close(TAKE_FD(fd)) < 0 ? sg_raisef(-errno, "%s: close", name) : 0;
}
