#include "attest.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <sys/stat.h>

#define PATH_ROOM 4096

static bool starts(struct sg_bytes b, struct sg_bytes with)
{
    return b.len >= with.len && !memcmp(b.data, with.data, with.len);
}

enum { PCR_BANK_SHA256 = 24 * 32, RSA_SIGNATURE = 256 };

/* By content: whose part a file of a bundle is; SG_TEE_N_PARTS: of none. */
static enum sg_tee_part part_of(struct sg_bytes b)
{
    if (starts(b, SG_BYTES_LIT("HCLA")))
        return SG_TEE_PART_REPORT;
    if (starts(b, SG_BYTES_LIT("\xff"
                               "TCG")))
        return SG_TEE_PART_TPM_QUOTE;
    if (starts(b, SG_BYTES_LIT("-----BEGIN CERTIFICATE")))
        return SG_TEE_PART_CERTIFICATES;
    if (starts(b, SG_BYTES_LIT("-----BEGIN PUBLIC KEY")))
        return SG_TEE_PART_TPM_KEY;
    if (starts(b, SG_BYTES_LIT("{")))
        return SG_TEE_PART_RUNTIME_DATA;
    if (b.len == PCR_BANK_SHA256)
        return SG_TEE_PART_TPM_PCRS;
    if (b.len == RSA_SIGNATURE)
        return SG_TEE_PART_TPM_SIGNATURE;
    const struct sg_tee_evidence alone = {.part[SG_TEE_PART_REPORT] = b};
    return sg_tee_recognise(&alone) == SG_TEE_KIND_NONE ? SG_TEE_N_PARTS : SG_TEE_PART_REPORT;
}

/* The report of a bundle is the one that needs the others: an HCL report wraps the SNP report that
 * often lies beside it. */
static bool wraps(const struct sg_buf *report)
{
    return starts(sg_buf_bytes(report), SG_BYTES_LIT("HCLA"));
}

static int keep(struct sg_attest_evidence *e, enum sg_tee_part part, struct sg_buf *file,
                const char *path)
{
    struct sg_buf *place = &e->file[part];

    if (place->len && part == SG_TEE_PART_REPORT && wraps(place) != wraps(file)) {
        if (wraps(place))
            return 0;
    } else if (place->len) {
        return sg_raisef(-EEXIST, "%s: a second file that is the %s of the evidence", path,
                         part == SG_TEE_PART_REPORT ? "report" : "same part");
    }
    sg_buf_clear(place);
    *place = *file;
    *file = (struct sg_buf)SG_BUF_INIT(SG_ATTEST_PART_MAX);
    return 0;
}

static int keep_file(struct sg_attest_evidence *e, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(SG_ATTEST_PART_MAX);
    int r = sg_file_read(path, &file);

    if (r)
        return r;
    enum sg_tee_part part = part_of(sg_buf_bytes(&file));
    return part == SG_TEE_N_PARTS ? 0 : keep(e, part, &file, path);
}

static int read_folder(struct sg_attest_evidence *e, const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort), r = 0;

    if (n < 0)
        return sg_raisef(-errno, "%s", path);
    for (int i = 0; i < n; i++) {
        char file[PATH_ROOM];
        struct stat st;
        int len = snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
        if (!r && len >= (int)sizeof(file))
            r = sg_raisef(-ENAMETOOLONG, "%s", path);
        if (!r && stat(file, &st) == 0 && S_ISREG(st.st_mode))
            r = keep_file(e, file);
        free(names[i]);
    }
    free(names);
    if (!r && !e->file[SG_TEE_PART_REPORT].len && !e->file[SG_TEE_PART_TPM_QUOTE].len)
        r = sg_raisef(-ENOENT, "%s: no evidence among its files", path);
    return r;
}

static int read_companions(struct sg_attest_evidence *e, const char *path)
{
    char folder[PATH_ROOM];
    const char *slash = strrchr(path, '/');
    int len = slash ? snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path)
                    : snprintf(folder, sizeof(folder), ".");

    if (len >= (int)sizeof(folder))
        return sg_raisef(-ENAMETOOLONG, "%s", path);
    sg_buf_clear(&e->file[SG_TEE_PART_REPORT]); /* comes again from the folder */
    return read_folder(e, folder);
}

int sg_attest_evidence_read(const char *path, struct sg_attest_evidence *ret)
{
    struct stat st;
    int r;

    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        ret->file[i] = (struct sg_buf)SG_BUF_INIT(SG_ATTEST_PART_MAX);
    if (stat(path, &st) < 0)
        return sg_raisef(-errno, "%s", path);
    if (S_ISDIR(st.st_mode)) {
        r = read_folder(ret, path);
    } else {
        r = sg_file_read(path, &ret->file[SG_TEE_PART_REPORT]);
        if (!r && wraps(&ret->file[SG_TEE_PART_REPORT]))
            r = read_companions(ret, path);
    }
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        ret->parts.part[i] = sg_buf_bytes(&ret->file[i]);
    return r;
}

void sg_attest_evidence_clear(struct sg_attest_evidence *e)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&e->file[i]);
}
