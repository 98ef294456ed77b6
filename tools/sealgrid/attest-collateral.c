#include "attest.h"

#include <fts.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILES_MAX 10000

static int add_file(struct sg_tee_store *s, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    unsigned items = 0;
    int r = sg_file_read(path, &file);

    if (!r)
        r = sg_tee_store_add(s, sg_buf_bytes(&file), &items);
    if (!r && items & SG_TEE_ITEM_BROKEN)
        fprintf(stderr, "sealgrid attest: %s: looks like collateral and is malformed\n", path);
    return r;
}

static int add_tree(struct sg_tee_store *s, FTS *tree)
{
    unsigned files = 0;

    for (FTSENT *e; (e = fts_read(tree));) {
        if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS)
            return sg_raisef(-e->fts_errno, "%s", e->fts_path);
        if (e->fts_info != FTS_F || (e->fts_level > 0 && e->fts_name[0] == '.'))
            continue;
        if (++files > FILES_MAX)
            return sg_raisef(-E2BIG, "%s: more than %d files", tree->fts_path, FILES_MAX);
        /* What is too large for collateral below a folder is none; a file that was named is said.
         */
        if (e->fts_level > 0 && e->fts_statp->st_size > SG_TEE_BLOB_MAX)
            continue;
        int r = add_file(s, e->fts_accpath);
        if (r)
            return r;
    }
    return 0;
}

int sg_attest_collateral_add(struct sg_tee_store *s, const char *path)
{
    char *name = strdup(path), *const paths[] = {name, NULL};
    FTS *tree = name ? fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL) : NULL;
    int r = tree ? add_tree(s, tree) : sg_raisef(-errno, "%s", path);

    if (tree)
        fts_close(tree);
    free(name);
    return r;
}
