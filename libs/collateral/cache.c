#include "cache-int.h"

#include <sealgrid/base/file.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(const char *folder, const char *name, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", folder, name);
    return n < 0 || n >= PATH_MAX ? sg_raisef(-ENAMETOOLONG, "%s", folder) : 0;
}

int sg_cache_read(const char *folder, const char *name, struct sg_buf *ret, int64_t *ret_asked_s)
{
    char path[PATH_MAX];
    struct stat st;
    int r = path_of(folder, name, path);
    if (r < 0)
        return r;
    if (stat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? SG_CACHE_NONE : sg_raisef(-errno, "%s", path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > ret->max - ret->len)
        return SG_CACHE_NONE;
    r = sg_file_read(path, ret);
    if (r < 0)
        return r;
    *ret_asked_s = st.st_mtim.tv_sec;
    return 0;
}

bool sg_cache_has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return path_of(folder, name, path) == 0 && access(path, R_OK) == 0;
}

int sg_cache_write(const char *folder, const char *name, struct sg_bytes contents)
{
    char path[PATH_MAX];
    int r = path_of(folder, name, path);
    if (r == 0)
        r = sg_mkdir_p(folder, 0755);
    return r ? r : sg_file_write_atomic(path, contents, 0644);
}

void sg_cache_touch(const char *folder, const char *name)
{
    char path[PATH_MAX];
    if (path_of(folder, name, path) == 0)
        (void)utimensat(AT_FDCWD, path, NULL, 0);
}
