#include "io-int.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <sealgrid/base/file.h>

static _Atomic(const struct sg_io_hook *) installed;

void sg_io_set_hook(const struct sg_io_hook *hook)
{
    atomic_store(&installed, hook);
}

static int ask_hook(enum sg_io_op op, const char *path)
{
    const struct sg_io_hook *h = atomic_load_explicit(&installed, memory_order_acquire);
    return h ? h->before(h->user, op, path) : 0;
}

int sg_io_create(struct sg_io_file *ret, const char *folder, const char *name)
{
    struct sg_io_file f = SG_IO_FILE_NONE;
    int n = snprintf(f.path, sizeof(f.path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(f.path))
        return sg_raise(-ENAMETOOLONG);
    int r = ask_hook(SG_IO_CREATE, f.path);
    if (r < 0)
        return sg_raise(r);
    f.fd = open(f.path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f.fd < 0)
        return sg_raise_errno();
    r = sg_fsync_dir(folder);
    if (r < 0) {
        close(f.fd);
        return r;
    }
    *ret = f;
    return 0;
}

int sg_io_open_append(struct sg_io_file *ret, const char *path)
{
    struct sg_io_file f = SG_IO_FILE_NONE;
    struct stat st;
    int n = snprintf(f.path, sizeof(f.path), "%s", path);
    if (n < 0 || (size_t)n >= sizeof(f.path))
        return sg_raise(-ENAMETOOLONG);
    f.fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (f.fd < 0)
        return sg_raise_errno();
    if (fstat(f.fd, &st) < 0) {
        int r = sg_raise_errno();
        close(f.fd);
        return r;
    }
    f.len = (uint64_t)st.st_size;
    *ret = f;
    return 0;
}

#define IOV_PARTS 64

/* As many parts as fit one writev; returns how many. */
static size_t gather(struct iovec *iov, const struct sg_bytes *parts, size_t n, size_t *ret_octets)
{
    size_t used = n < IOV_PARTS ? n : IOV_PARTS;
    *ret_octets = 0;
    for (size_t i = 0; i < used; i++) {
        iov[i].iov_base = (void *)(uintptr_t)parts[i].data;
        iov[i].iov_len = parts[i].len;
        *ret_octets += parts[i].len;
    }
    return used;
}

/* A short writev is finished part by part. */
static int write_rest(int fd, const struct sg_bytes *parts, size_t n, size_t done)
{
    for (size_t i = 0; i < n; i++) {
        size_t skip = done < parts[i].len ? done : parts[i].len;
        done -= skip;
        int r = sg_write_all(fd, SG_BYTES(parts[i].data + skip, parts[i].len - skip));
        if (r < 0)
            return r;
    }
    return 0;
}

static int append_some(struct sg_io_file *f, const struct sg_bytes *parts, size_t n)
{
    struct iovec iov[IOV_PARTS];
    size_t octets;
    size_t used = gather(iov, parts, n, &octets);
    ssize_t done = writev(f->fd, iov, (int)used);
    if (done < 0 && errno != EINTR)
        return sg_raise_errno();
    if (done < 0)
        done = 0;
    int r = (size_t)done < octets ? write_rest(f->fd, parts, used, (size_t)done) : 0;
    if (r < 0)
        return r;
    f->len += octets;
    return 0;
}

int sg_io_append(struct sg_io_file *f, const struct sg_bytes *parts, size_t n)
{
    int r = ask_hook(SG_IO_WRITE, f->path);
    if (r < 0) {
        if (n && sg_write_all(f->fd, SG_BYTES(parts[0].data, parts[0].len / 2)) < 0)
            return sg_raise(r);
        return sg_raise(r);
    }
    for (size_t at = 0; at < n; at += IOV_PARTS) {
        size_t some = n - at < IOV_PARTS ? n - at : IOV_PARTS;
        r = append_some(f, parts + at, some);
        if (r < 0)
            return r;
    }
    return 0;
}

int sg_io_sync(struct sg_io_file *f)
{
    int r = ask_hook(SG_IO_SYNC, f->path);
    if (r < 0)
        return sg_raise(r);
    return fdatasync(f->fd) < 0 ? sg_raise_errno() : 0;
}

void sg_io_sync_all(struct sg_io_file *files, size_t n, struct sg_syncer *s, int *ret)
{
    int fds[SG_SYNC_MAX] = {-1}, done[SG_SYNC_MAX] = {0};
    size_t of[SG_SYNC_MAX] = {0}, m = 0;
    sg_assert(n <= SG_SYNC_MAX);
    for (size_t i = n; i-- > 0;) {
        ret[i] = ask_hook(SG_IO_SYNC, files[i].path);
        if (ret[i] < 0)
            continue;
        of[m] = i;
        fds[m++] = files[i].fd;
    }
    sg_syncer_run(s, fds, m, done);
    for (size_t k = 0; k < m; k++)
        ret[of[k]] = done[k];
    for (size_t i = 0; i < n; i++)
        ret[i] = ret[i] < 0 ? sg_raise(ret[i]) : 0;
}

#define RESERVE_BYTES (1u << 20)

void sg_io_reserve(struct sg_io_file *f, uint64_t octets)
{
    if (f->len + octets <= f->reserved)
        return;
    uint64_t more = octets > RESERVE_BYTES ? octets : RESERVE_BYTES;
    bool ok = fallocate(f->fd, FALLOC_FL_KEEP_SIZE, (off_t)f->len, (off_t)more) == 0;
    /* where it does not work it is not asked for again at each append */
    f->reserved = f->len + more + (ok ? 0 : 16 * (uint64_t)RESERVE_BYTES);
}

void sg_io_close(struct sg_io_file *f)
{
    /* of the same length: only what lies past the end goes; if it stays, the file's end is near */
    if (f->fd >= 0 && f->reserved > f->len && ftruncate(f->fd, (off_t)f->len) < 0)
        f->reserved = 0;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

int sg_io_replace(const char *path, struct sg_bytes contents)
{
    int r = ask_hook(SG_IO_REPLACE, path);
    return r < 0 ? sg_raise(r) : sg_file_write_atomic(path, contents, 0600);
}

int sg_io_unlink(const char *path)
{
    int r = ask_hook(SG_IO_UNLINK, path);
    if (r < 0)
        return sg_raise(r);
    if (unlink(path) < 0 && errno != ENOENT)
        return sg_raise_errno();
    return 0;
}

uint32_t sg_crc32c(uint32_t crc, struct sg_bytes bytes)
{
    while (bytes.len) { /* ISA-L takes an int length and does not complement */
        size_t n = bytes.len < (1u << 30) ? bytes.len : 1u << 30;
        crc = ~crc32_iscsi((unsigned char *)(uintptr_t)bytes.data, (int)n, ~crc);
        bytes = SG_BYTES(bytes.data + n, bytes.len - n);
    }
    return crc;
}
