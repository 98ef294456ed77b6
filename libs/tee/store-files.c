#include <sealgrid/tee/store-files.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 10000
#define STAMP_MAX (8u << 20)

typedef int (*file_fn)(void *user, const FTSENT *e);

/* ---- walk ---- */

/* Hidden files, and those of a writer that has not renamed them yet. */
static bool is_passed_over(const FTSENT *e)
{
    const size_t n = strlen(e->fts_name);
    return e->fts_level > 0 && (e->fts_info == FTS_F || e->fts_info == FTS_NS) &&
           (e->fts_name[0] == '.' || (n > 4 && !strcmp(e->fts_name + n - 4, ".tmp")));
}

static int walk_tree(FTS *tree, file_fn each, void *user)
{
    unsigned files = 0;

    for (FTSENT *e; (e = fts_read(tree));) {
        if (is_passed_over(e))
            continue;
        if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS)
            return sg_raisef(-e->fts_errno, "%s", e->fts_path);
        if (e->fts_info != FTS_F)
            continue;
        if (++files > FILES_MAX)
            return sg_raisef(-E2BIG, "%s: more than %d files", tree->fts_path, FILES_MAX);
        /* What is too large for collateral below a folder is none; a file that was named is said.
         */
        if (e->fts_level > 0 && e->fts_statp->st_size > SG_TEE_BLOB_MAX)
            continue;
        int r = each(user, e);
        if (r)
            return r;
    }
    return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(const char *path, file_fn each, void *user)
{
    SG_FREE char *name = strdup(path);
    char *const paths[] = {name, NULL};
    FTS *tree = name ? fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    int r = tree ? walk_tree(tree, each, user) : sg_raisef(-errno, "%s", path);

    if (tree)
        fts_close(tree);
    return r;
}

/* ---- read ---- */

struct reading {
    struct sg_tee_store *store;
    sg_tee_broken_fn broken;
    void *user;
};

static int add_file(void *user, const FTSENT *e)
{
    const struct reading *to = user;
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    unsigned items = 0;
    int r = sg_file_read(e->fts_accpath, &file);

    if (!r)
        r = sg_tee_store_add(to->store, sg_buf_bytes(&file), &items);
    if (!r && items & SG_TEE_ITEM_BROKEN && to->broken)
        to->broken(to->user, e->fts_path);
    return r;
}

int sg_tee_store_read(struct sg_tee_store *s, const char *path, sg_tee_broken_fn broken, void *user)
{
    struct reading to = {s, broken, user};
    return walk(path, add_file, &to);
}

/* ---- stamp ---- */

static int stamp_file(void *user, const FTSENT *e)
{
    const struct stat *st = e->fts_statp;
    return sg_buf_printf(user, "%s%c%llu %llu %lld %lld.%09ld %lld.%09ld\n", e->fts_path, 0,
                         (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
                         (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                         (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

int sg_tee_files_stamp(const char *const *paths, size_t n, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(STAMP_MAX);
    int r = 0;

    for (size_t i = 0; i < n && !r; i++)
        r = walk(paths[i], stamp_file, &b);
    if (!r)
        sg_sha256(ret, sg_buf_bytes(&b));
    return r;
}
