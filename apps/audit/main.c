/*
 * sealgrid-audit - bills against signed blocks, installation records and public keys; the utility
 * is not asked.  Exit 0: nothing found; 1: findings; 2: unusable input.
 */
#include "folder.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/secret.h>

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define EXIT_FINDINGS 1
#define EXIT_UNUSABLE 2
#define KEYS_MAX      (1u << 20)

/* O(name, type, field, default, min, max, help) */
#define OPTIONS(O)                                                                                 \
    O("bill", STRING, bill, NULL, 0, 0, "one bill, JSON")                                          \
    O("evidence", STRING, evidence, NULL, 0, 0, "its evidence file")                               \
    O("dir", STRING, dir, NULL, 0, 0, "instead: a folder with bill/ and evidence/, all of it")     \
    O("installations", STRING, installations, NULL, 0, 0, "the authority's records, JSON")         \
    O("keys", LIST, keys, NULL, 0, 0,                                                              \
      "the authority's certificates, PEM: root and second level; or the folder of its files")      \
    O("tariff", STRING, tariff, NULL, 0, 0, "recompute every amount by this tariff")               \
    O("threads", INT, threads, "2", 1, 64, "bills worked on at a time (with --dir)")               \
    O("json", BOOL, json, "false", 0, 0, "report as JSON")

struct options {
    char *bill, *evidence, *dir, *installations, *tariff;
    struct sg_conf_list keys;
    int64_t threads;
    bool json;
};

#define ROW(name, type, field, def, lo, hi, help)                                                  \
    {name, SG_CONF_##type, offsetof(struct options, field), def, lo, hi, false, help},
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-audit",
                                           .summary = "checks bills from signed evidence alone",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

struct app {
    struct options o;
    struct sg_installations installations;
    struct sg_authority authority;
    struct sg_tariff *tariff;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-audit: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int load_installations(struct app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_INSTALLATION_FILE_MAX);
    char in_folder[PATH_MAX], why[160];
    const char *path = a->o.installations;
    int r;

    if (!path && a->o.keys.n && is_folder(a->o.keys.items[0])) {
        snprintf(in_folder, sizeof(in_folder), "%s/installations.json", a->o.keys.items[0]);
        path = in_folder;
    }
    if (!path)
        return complain("--installations", "must be given");
    r = sg_file_read(path, &text);
    if (r)
        return complain(path, strerror(-r));
    r = sg_installations_read(sg_buf_bytes(&text), &a->installations, why);
    return r ? complain(path, r > 0 ? why : sg_error_trace()) : 0;
}

/* Of a folder only the authority's own files: others in it may be the utility's. */
static int read_keys(const char *item, struct sg_buf *pem)
{
    static const char *const leaves[] = {"authority-root.pem", "authority-ca.pem"};
    char path[PATH_MAX];
    int r = 0;

    if (!is_folder(item))
        return sg_file_read(item, pem);
    for (size_t i = 0; i < 2 && !r; i++) {
        snprintf(path, sizeof(path), "%s/%s", item, leaves[i]);
        if (access(path, F_OK) == 0)
            r = sg_file_read(path, pem);
    }
    return r;
}

static int load_keys(struct app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(KEYS_MAX);

    if (!a->o.keys.n)
        return complain("--keys", "must be given");
    for (size_t i = 0; i < a->o.keys.n; i++) {
        int r = read_keys(a->o.keys.items[i], &pem);
        if (r)
            return complain(a->o.keys.items[i], strerror(-r));
    }
    if (sg_authority_read(sg_buf_bytes(&pem), &a->authority))
        return complain("--keys", "no root certificate, something that is no certificate, or a revocation list of nobody here");
    return 0;
}

static int load_tariff(struct app *a)
{
    struct sg_yaml_error why;
    int r;

    if (!a->o.tariff)
        return 0;
    r = sg_tariff_load(&a->tariff, a->o.tariff, &why);
    if (r < 0)
        return complain(a->o.tariff, sg_error_trace());
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", a->o.tariff, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

static int on_bill(const struct app *a, const struct authority_files *files)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(64u << 20);
    struct audited bill;
    char why[160];
    int r = audit_one(files, a->o.bill, a->o.evidence, !a->o.json, &report, &bill, why);

    if (r)
        return complain("unusable", r > 0 ? why : sg_error_trace());
    if (a->o.json && sg_file_write_report("-", sg_buf_bytes(&report)))
        return complain("report", sg_error_trace());
    if (!a->o.json && !bill.bad)
        printf("ok: %llu readings\n", (unsigned long long)bill.readings);
    return bill.bad ? EXIT_FINDINGS : 0;
}

static int put_summary(const struct folder_result *result, struct sg_bytes reports,
                       struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf list = SG_BUF_INIT(512u << 20);
    struct sg_json j;
    int r = sg_buf_printf(&list, "[%.*s]", (int)reports.len, (const char *)reports.data);

    if (r)
        return r;
    sg_json_init(&j, ret);
    sg_json_object(&j);
    sg_json_key(&j, "bills");
    sg_json_uint(&j, result->bills);
    sg_json_key(&j, "ok");
    sg_json_uint(&j, result->bills - result->bad - result->unusable);
    sg_json_key(&j, "refused");
    sg_json_uint(&j, result->bad + result->unusable);
    sg_json_key(&j, "unusable");
    sg_json_uint(&j, result->unusable);
    sg_json_key(&j, "readings");
    sg_json_uint(&j, result->readings);
    sg_json_key(&j, "cpu_ms");
    sg_json_int(&j, sg_clock_cpu_ns() / 1000000);
    sg_json_key(&j, "reports");
    sg_json_raw(&j, sg_buf_bytes(&list));
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static int on_folder(const struct app *a, const struct authority_files *files)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(256u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf summary = SG_BUF_INIT(512u << 20);
    struct folder_result result;

    if (audit_folder(files, a->o.dir, (unsigned)a->o.threads, &reports, &result) ||
        put_summary(&result, sg_buf_bytes(&reports), &summary))
        return complain(a->o.dir, sg_error_trace());
    if (a->o.json && sg_file_write_report("-", sg_buf_bytes(&summary)))
        return complain("report", sg_error_trace());
    if (!a->o.json)
        printf("%llu bills, %llu with findings, %llu unusable, %llu readings\n",
               (unsigned long long)result.bills, (unsigned long long)result.bad,
               (unsigned long long)result.unusable, (unsigned long long)result.readings);
    if (result.unusable || result.bills == 0)
        return EXIT_UNUSABLE;
    return result.bad ? EXIT_FINDINGS : 0;
}

static int run(struct app *a)
{
    struct authority_files files = {&a->installations, &a->authority, NULL};
    int r;

    if (!a->o.dir == !a->o.bill || !a->o.bill != !a->o.evidence)
        return complain("usage", "--bill B --evidence E, or --dir D");
    r = load_installations(a);
    if (!r)
        r = load_keys(a);
    if (!r)
        r = load_tariff(a);
    if (r)
        return r;
    files.tariff = a->tariff;
    return a->o.dir ? on_folder(a, &files) : on_bill(a, &files);
}

int main(int argc, char **argv)
{
    struct app a = {.tariff = NULL};
    int first, r;

    if (sg_process_harden())
        return complain("start", sg_error_trace());
    r = sg_conf_parse(&table, argc, argv, &a.o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&a);
    sg_tariff_free(a.tariff);
    sg_authority_clear(&a.authority);
    sg_installations_clear(&a.installations);
    sg_conf_clear(&table, &a.o);
    return r;
}
