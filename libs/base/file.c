/* file - whole files, durably. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static int read_all(int fd, struct sg_buf *b)
{
    for (;;) {
        size_t room = b->capacity - b->len;
        uint8_t probe[1];
        ssize_t n = read(fd, room ? b->data + b->len : probe, room ? room : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sg_raise_errno();
        if (n == 0)
            return 0;
        if (room) {
            b->len += (size_t)n;
            continue;
        }
        if (b->len >= b->max)
            return sg_raise(-EFBIG);
        int r = sg_buf_append_u8(b, probe[0]);
        if (r)
            return r;
    }
}

int sg_file_read(const char *path, struct sg_buf *b)
{
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t before = b->len;
    struct stat st;
    int r;

    if (fd < 0)
        return sg_raisef(-errno, "%s", path);
    if (fstat(fd, &st) < 0)
        return sg_raise_errno();
    if (S_ISDIR(st.st_mode))
        return sg_raisef(-EISDIR, "%s", path);
    if (st.st_size > 0) {
        if ((uint64_t)st.st_size > b->max - b->len)
            return sg_raisef(-EFBIG, "%s", path);
        r = sg_buf_reserve(b, (size_t)st.st_size);
        if (r)
            return r;
    }
    r = read_all(fd, b);
    if (r)
        b->len = before;
    return r;
}

int sg_write_all(int fd, struct sg_bytes bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sg_raise_errno();
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

int sg_pwrite_all(int fd, struct sg_bytes bytes, uint64_t offset)
{
    while (bytes.len) {
        ssize_t n = pwrite(fd, bytes.data, bytes.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sg_raise_errno();
        bytes.data += n;
        bytes.len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int sg_pread_all(int fd, void *p, size_t n, uint64_t offset)
{
    uint8_t *at = p;

    while (n) {
        ssize_t got = pread(fd, at, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sg_raise_errno();
        if (got == 0)
            return sg_raisef(-EIO, "short file");
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

/* Folder part of path into ret. */
static int parent_of(const char *path, char ret[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (!slash) {
        memcpy(ret, ".", 2);
        return 0;
    }
    if (n == 0)
        n = 1; /* "/name" */
    if (n >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    memcpy(ret, path, n);
    ret[n] = '\0';
    return 0;
}

int sg_fsync_dir(const char *path)
{
    SG_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return sg_raise_errno();
    return 0;
}

static int write_temporary(const char *temporary, struct sg_bytes bytes, unsigned mode)
{
    SG_CLOSE int fd =
        open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    int r;

    if (fd < 0)
        return sg_raise_errno();
    r = sg_write_all(fd, bytes);
    if (r)
        return r;
    return fsync(fd) < 0 ? sg_raise_errno() : 0;
}

int sg_file_write_atomic(const char *path, struct sg_bytes bytes, unsigned mode)
{
    char temporary[PATH_MAX], folder[PATH_MAX];
    int r;

    int n = snprintf(temporary, sizeof(temporary), "%s.%016llx.tmp", path,
                     (unsigned long long)sg_random_u64());
    if (n < 0 || n >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    r = parent_of(path, folder);
    if (r)
        return r;
    r = write_temporary(temporary, bytes, mode);
    if (!r && rename(temporary, path) < 0)
        r = sg_raise_errno();
    if (r) {
        unlink(temporary);
        return r;
    }
    return sg_fsync_dir(folder);
}

static int print_line(struct sg_bytes text)
{
    if (fwrite(text.data, 1, text.len, stdout) != text.len || fputc('\n', stdout) == EOF ||
        fflush(stdout) == EOF)
        return sg_raise_errno();
    return 0;
}

int sg_file_write_report(const char *path, struct sg_bytes text)
{
    if (strcmp(path, "-") == 0)
        return print_line(text);
    SG_CLEANUP(sg_buf_clear) struct sg_buf line = SG_BUF_INIT(text.len + 1);
    int r = sg_buf_append(&line, text);
    r = r ? r : sg_buf_append_u8(&line, '\n');
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&line), 0644);
}

int sg_mkdir_p(const char *path, unsigned mode)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    struct stat st;

    if (n == 0 || n >= sizeof(part))
        return sg_raise(n ? -ENAMETOOLONG : -ENOENT);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, (mode_t)mode) < 0 && errno != EEXIST)
            return sg_raise_errno();
    }
    if (stat(path, &st) < 0)
        return sg_raise_errno();
    return S_ISDIR(st.st_mode) ? 0 : sg_raise(-ENOTDIR);
}

static int remove_at(int parent, const char *name, unsigned depth);

static void close_folder(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int remove_contents(int parent, const char *name, unsigned depth)
{
    SG_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return sg_raise_errno();
    SG_CLEANUP(close_folder) DIR *folder = fdopendir(fd);
    if (!folder)
        return sg_raise_errno();
    int own = TAKE_FD(fd); /* closed by closedir */
    const struct dirent *entry;

    while ((entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        int r = remove_at(own, entry->d_name, depth + 1);
        if (r)
            return r;
    }
    return 0;
}

static int remove_at(int parent, const char *name, unsigned depth)
{
    int r;

    if (depth > 128)
        return sg_raise(-ELOOP);
    if (unlinkat(parent, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return sg_raise_errno();
    r = remove_contents(parent, name, depth);
    if (r)
        return r;
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? sg_raise_errno() : 0;
}

int sg_remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path, 0);
}
