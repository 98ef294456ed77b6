#include "attest.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/tee/evidence.h>
#include <stdio.h>
#include <sys/stat.h>

#define PATH_ROOM 4096

static bool starts(struct sg_bytes b, struct sg_bytes with)
{
    return b.len >= with.len && !memcmp(b.data, with.data, with.len);
}

static bool holds(struct sg_bytes b, const char *word)
{
    return b.len && memmem(b.data, b.len, word, strlen(word)) != NULL;
}

/* DER, as the store knows it by its content: SG_TEE_ITEM_CERTIFICATE, SG_TEE_ITEM_KEY... */
static unsigned der_items(struct sg_bytes b)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    unsigned items = 0;

    if (!starts(b, SG_BYTES_LIT("\x30")) || sg_tee_store_new(&s, false) ||
        sg_tee_store_add(s, b, &items))
        return 0;
    return items;
}

/* ---- the files of a TPM (formats: libs/tee/tpm-int.h) ---- */

enum { PCR_BANK_SHA256 = 24 * 32, PCR_BANK_SHA384 = 24 * 48, SNP_REPORT_LEN = 1184 };

/* TPMT_SIGNATURE with SHA-2, or bare RSA of 2048, 3072 or 4096 bits. */
static bool is_signature(struct sg_bytes b)
{
    bool scheme = b.len >= 4 && !b.data[0] &&
                  (b.data[1] == 0x14 || b.data[1] == 0x16 || b.data[1] == 0x18) && !b.data[2] &&
                  b.data[3] >= 0x0b && b.data[3] <= 0x0d;
    return scheme || b.len == 256 || b.len == 384 || b.len == 512;
}

/* TPM2B_PUBLIC or TPMT_PUBLIC of an RSA or elliptic curve key. */
static bool is_public_area(struct sg_bytes b)
{
    if (b.len >= 4 && sg_load_be16(b.data) == b.len - 2)
        b = SG_BYTES(b.data + 2, b.len - 2);
    return starts(b, SG_BYTES_LIT("\x00\x01\x00\x0b")) ||
           starts(b, SG_BYTES_LIT("\x00\x23\x00\x0b"));
}

/* A crypto-agile log: its first event says so. */
static bool is_event_log(struct sg_bytes b)
{
    return b.len > 32 && starts(SG_BYTES(b.data + 32, b.len - 32), SG_BYTES_LIT("Spec ID Event03"));
}

static enum sg_tee_part tpm_part_of(struct sg_bytes b)
{
    if (starts(b, SG_BYTES_LIT("\xff"
                               "TCG")))
        return SG_TEE_PART_TPM_QUOTE;
    if (starts(b, SG_BYTES_LIT("-----BEGIN PUBLIC KEY")) || is_public_area(b) ||
        der_items(b) == SG_TEE_ITEM_KEY)
        return SG_TEE_PART_TPM_KEY;
    if (is_event_log(b))
        return SG_TEE_PART_EVENT_LOG;
    if (is_signature(b))
        return SG_TEE_PART_TPM_SIGNATURE;
    return b.len == PCR_BANK_SHA256 || b.len == PCR_BANK_SHA384 ? SG_TEE_PART_TPM_PCRS
                                                                : SG_TEE_N_PARTS;
}

/* ---- what a file is ---- */

/* What is left has no form of its own: a few PCR values, a log of SHA-1 alone. */
static enum sg_tee_part part_by_name(const char *name)
{
    return strstr(name, "pcr")         ? SG_TEE_PART_TPM_PCRS
           : strstr(name, "event")     ? SG_TEE_PART_EVENT_LOG
           : strstr(name, "bios_meas") ? SG_TEE_PART_EVENT_LOG
                                       : SG_TEE_N_PARTS;
}

/* By content: whose part a file of a bundle is; SG_TEE_N_PARTS: of none. */
static enum sg_tee_part part_of(struct sg_bytes b, const char *name)
{
    const struct sg_tee_evidence alone = {.part[SG_TEE_PART_REPORT] = b};

    if (starts(b, SG_BYTES_LIT("HCLA")))
        return SG_TEE_PART_REPORT;
    if (starts(b, SG_BYTES_LIT("-----BEGIN CERTIFICATE")) ||
        der_items(b) == SG_TEE_ITEM_CERTIFICATE)
        return SG_TEE_PART_CERTIFICATES;
    if (starts(b, SG_BYTES_LIT("{")))
        return holds(b, "\"HCLAkPub\"") ? SG_TEE_PART_RUNTIME_DATA : SG_TEE_N_PARTS;
    enum sg_tee_part part = tpm_part_of(b);
    if (part == SG_TEE_N_PARTS && sg_tee_recognise(&alone) != SG_TEE_KIND_NONE)
        return SG_TEE_PART_REPORT;
    return part == SG_TEE_N_PARTS ? part_by_name(name) : part;
}

/* The report of a bundle is the one that needs the others: an HCL report wraps the SNP report that
 * often lies beside it, and goes with the TD quote that does. */
static bool wraps(const struct sg_buf *report)
{
    return starts(sg_buf_bytes(report), SG_BYTES_LIT("HCLA"));
}

static void take(struct sg_buf *place, struct sg_buf *file)
{
    sg_buf_clear(place);
    *place = *file;
    *file = (struct sg_buf)SG_BUF_INIT(SG_ATTEST_PART_MAX);
}

/* What is not wrapped gives way, into a place of its own: the quote of a TD, or the copy of an SNP
 * report, which must be the one inside. */
static void keep_inner(struct sg_attest_evidence *e, struct sg_buf *inner)
{
    const struct sg_tee_evidence alone = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(inner)};
    const enum sg_tee_kind kind = sg_tee_recognise(&alone);
    /* An SNP report is known by little more than its length. */
    const bool hardware =
        kind == SG_TEE_TDX || (kind == SG_TEE_SNP && inner->len >= SNP_REPORT_LEN);

    if (hardware && !e->file[SG_TEE_PART_TD_QUOTE].len)
        take(&e->file[SG_TEE_PART_TD_QUOTE], inner);
}

static int keep_report(struct sg_attest_evidence *e, struct sg_buf *file, const char *path)
{
    struct sg_buf *place = &e->file[SG_TEE_PART_REPORT];

    if (place->len && wraps(place) == wraps(file))
        return e->named ? 0
                        : sg_raisef(-EEXIST, "%s: a second file that is the report of the evidence",
                                    path);
    if (place->len && wraps(place)) {
        keep_inner(e, file);
        return 0;
    }
    if (place->len)
        keep_inner(e, place);
    take(place, file);
    return 0;
}

/* Any number of them, as one PEM text. */
static int keep_certificates(struct sg_attest_evidence *e, const struct sg_buf *file)
{
    struct sg_buf *all = &e->file[SG_TEE_PART_CERTIFICATES];
    int r;

    if (file->data[0] == '-') {
        r = sg_buf_append(all, sg_buf_bytes(file));
        return r ? r : sg_buf_append(all, SG_BYTES_LIT("\n"));
    }
    r = sg_buf_append(all, SG_BYTES_LIT("-----BEGIN CERTIFICATE-----\n"));
    if (!r)
        r = sg_base64_append(all, sg_buf_bytes(file));
    return r ? r : sg_buf_append(all, SG_BYTES_LIT("\n-----END CERTIFICATE-----\n"));
}

static int second_file(const char *path)
{
    return sg_raisef(-EEXIST, "%s: a second file that is the same part of the evidence", path);
}

/* The map of parts that a provider hands out (evidence.h), of evidence that is known. */
static bool is_map_of_parts(struct sg_bytes b, struct sg_tee_evidence *ret)
{
    return sg_tee_evidence_decode(b, ret) == 0 && ret->part[SG_TEE_PART_REPORT].data != b.data &&
           sg_tee_recognise(ret) != SG_TEE_KIND_NONE;
}

static int keep_parts(struct sg_attest_evidence *e, const struct sg_tee_evidence *parts,
                      const char *path)
{
    int r = 0;

    for (size_t i = 0; i < SG_TEE_N_PARTS && !r; i++) {
        if (!parts->part[i].len)
            continue;
        r = e->file[i].len ? second_file(path) : sg_buf_append(&e->file[i], parts->part[i]);
    }
    return r;
}

static int keep_file(struct sg_attest_evidence *e, const char *path, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(SG_ATTEST_PART_MAX);
    struct sg_tee_evidence parts;
    int r = sg_file_read(path, &file);

    if (r)
        return r;
    if (is_map_of_parts(sg_buf_bytes(&file), &parts))
        return keep_parts(e, &parts, path);
    enum sg_tee_part part = part_of(sg_buf_bytes(&file), name);
    if (part == SG_TEE_N_PARTS)
        return 0;
    if (part == SG_TEE_PART_REPORT)
        return keep_report(e, &file, path);
    if (part == SG_TEE_PART_CERTIFICATES)
        return keep_certificates(e, &file);
    if (e->file[part].len)
        return second_file(path);
    take(&e->file[part], &file);
    return 0;
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
            r = keep_file(e, file, names[i]->d_name);
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
    e->named = e->file[SG_TEE_PART_REPORT].len > 0; /* it comes again from the folder */
    return read_folder(e, folder);
}

static bool is_tpm_quote(const struct sg_buf *file)
{
    return tpm_part_of(sg_buf_bytes(file)) == SG_TEE_PART_TPM_QUOTE;
}

/* The quote of a bundle, named in place of its folder: whatever report lies there goes with it. */
static int read_quote(struct sg_attest_evidence *e, const char *path)
{
    sg_buf_clear(&e->file[SG_TEE_PART_REPORT]);
    return read_companions(e, path);
}

static enum sg_tee_kind kind_alone(const struct sg_buf *file)
{
    const struct sg_tee_evidence alone = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(file)};
    return sg_tee_recognise(&alone);
}

static bool is_evidence(const struct sg_buf *file)
{
    struct sg_tee_evidence parts;

    return kind_alone(file) != SG_TEE_KIND_NONE || is_tpm_quote(file) ||
           is_map_of_parts(sg_buf_bytes(file), &parts);
}

/* Text of evidence becomes the evidence; other text stays what it is. */
static int read_text(struct sg_buf *file)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(SG_ATTEST_PART_MAX);
    int r;

    if (is_evidence(file))
        return 0;
    r = sg_attest_text_decode(sg_buf_bytes(file), &octets);
    if (r)
        return r < 0 ? r : 0;
    if (is_evidence(&octets))
        take(file, &octets);
    return 0;
}

/* "X.vcek.der" of "X.report". */
static bool named_after(const char *name, const char *of)
{
    const char *dot = strrchr(of, '.');
    size_t stem = dot ? (size_t)(dot - of) : strlen(of);

    return stem && !strncmp(name, of, stem) && name[stem] == '.' && strcmp(name, of) != 0;
}

static int keep_if_certificates(struct sg_attest_evidence *e, const char *path, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(SG_ATTEST_PART_MAX);
    struct stat st;
    int r = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? sg_file_read(path, &file) : 0;

    if (r || part_of(sg_buf_bytes(&file), name) != SG_TEE_PART_CERTIFICATES)
        return r;
    return keep_certificates(e, &file);
}

/* What travels with a report says which key signed it, before any that lies elsewhere. */
static int read_certificates_beside(struct sg_attest_evidence *e, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *own = slash ? slash + 1 : path;
    char folder[PATH_ROOM];
    struct dirent **names;
    int len = snprintf(folder, sizeof(folder), "%.*s.", (int)(own - path), path), r = 0;
    int n = len < (int)sizeof(folder) ? scandir(folder, &names, NULL, alphasort) : 0;

    for (int i = 0; i < n; i++) {
        char file[PATH_ROOM];
        len = snprintf(file, sizeof(file), "%.*s%s", (int)(own - path), path, names[i]->d_name);
        if (!r && len < (int)sizeof(file) && named_after(names[i]->d_name, own))
            r = keep_if_certificates(e, file, names[i]->d_name);
        free(names[i]);
    }
    if (n > 0)
        free(names);
    return r;
}

static int read_named(struct sg_attest_evidence *e, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(SG_ATTEST_PART_MAX);
    struct sg_buf *report = &e->file[SG_TEE_PART_REPORT];
    struct sg_tee_evidence parts;
    int r = sg_file_read(path, &file);

    if (!r)
        r = read_text(&file);
    if (r)
        return r;
    if (is_map_of_parts(sg_buf_bytes(&file), &parts))
        return keep_parts(e, &parts, path);
    take(report, &file);
    if (wraps(report))
        return read_companions(e, path);
    if (is_tpm_quote(report))
        return read_quote(e, path);
    return kind_alone(report) == SG_TEE_SNP ? read_certificates_beside(e, path) : 0;
}

int sg_attest_evidence_read(const char *path, struct sg_attest_evidence *ret)
{
    struct stat st;
    int r;

    ret->named = false;
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        ret->file[i] = (struct sg_buf)SG_BUF_INIT(SG_ATTEST_PART_MAX);
    if (stat(path, &st) < 0)
        return sg_raisef(-errno, "%s", path);
    r = S_ISDIR(st.st_mode) ? read_folder(ret, path) : read_named(ret, path);
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        ret->parts.part[i] = sg_buf_bytes(&ret->file[i]);
    return r;
}

void sg_attest_evidence_clear(struct sg_attest_evidence *e)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&e->file[i]);
}
