#include "exhibit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>

const char *folder;

_Noreturn void give_up(const char *what)
{
    fprintf(stderr, "vectors_attestation: %s\n", what);
    exit(2);
}

static void path_of(char ret[2048], const char *name)
{
    snprintf(ret, 2048, "%s/%s", folder, name);
}

static bool read_file(const char *path, struct sg_buf *ret)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && sg_file_read(path, ret) == 0;
}

/* Files and folders, all the way down. */
static void add_collateral(struct sg_tee_store *s, const char *path)
{
    struct stat st;
    char below[2048];
    unsigned items;
    if (stat(path, &st) < 0)
        return;
    if (S_ISREG(st.st_mode)) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_BLOB_MAX);
        if (!read_file(path, &b) || sg_tee_store_add(s, sg_buf_bytes(&b), &items) < 0)
            give_up(path);
        return;
    }
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' ||
            snprintf(below, sizeof below, "%s/%s", path, e->d_name) >= (int)sizeof below)
            continue;
        add_collateral(s, below);
    }
    if (d)
        closedir(d);
}

struct sg_tee_store *store_of(const char *const *names, const char *root)
{
    struct sg_tee_store *s = NULL;
    char path[2048];
    if (sg_tee_store_new(&s, true) < 0)
        give_up("no store");
    for (size_t i = 0; names[i]; i++) {
        path_of(path, names[i]);
        add_collateral(s, path);
    }
    if (root) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
        path_of(path, root);
        if (!read_file(path, &b) ||
            sg_tee_store_add_root(s, SG_TEE_VENDORS_ALL, sg_buf_bytes(&b)) < 0)
            give_up(path);
    }
    if (sg_tee_store_seal(s) < 0)
        give_up("seal");
    return s;
}

static const struct {
    const char *name;
    enum sg_tee_part part;
} bundle_files[] = {
    {"hcl_report.bin", SG_TEE_PART_REPORT},    {"runtime_data.json", SG_TEE_PART_RUNTIME_DATA},
    {"tpm_quote.msg", SG_TEE_PART_TPM_QUOTE},  {"tpm_quote.sig", SG_TEE_PART_TPM_SIGNATURE},
    {"pcrs_sha256.bin", SG_TEE_PART_TPM_PCRS}, {"ak_pub.pem", SG_TEE_PART_TPM_KEY},
};

static void load_part(struct exhibit *x, enum sg_tee_part part, const char *path)
{
    if (read_file(path, &x->room[part]))
        x->e.part[part] = sg_buf_bytes(&x->room[part]);
}

void load_exhibit(struct exhibit *x, const char *name)
{
    char path[2048], below[4096];
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        x->room[i] = (struct sg_buf)SG_BUF_INIT(1u << 20);
    path_of(path, name);
    load_part(x, SG_TEE_PART_REPORT, path);
    for (size_t i = 0; i < sizeof bundle_files / sizeof bundle_files[0]; i++) {
        snprintf(below, sizeof below, "%s/%s", path, bundle_files[i].name);
        load_part(x, bundle_files[i].part, below);
    }
}

void clear_exhibit(struct exhibit *x)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&x->room[i]);
}
