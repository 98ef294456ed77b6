/* report - reads the files of a run for the page that report-page puts together. */
#include "report-int.h"
#include "services.h"
#include "verbs.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

#define FACTS_MAX (64u << 20)

/* Nothing if there is no such file. */
static void read_text(const char *out, const char *leaf, struct sg_buf *ret)
{
    char path[2 * SG_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", out, leaf);
    if (access(path, R_OK) < 0 || sg_file_read(path, ret))
        sg_buf_reset(ret);
}

/* ---- the bill ------------------------------------------------------------------------------- */

static int find_tariff(struct sg_report *r, const char *programs)
{
    char path[2 * SG_PATH_MAX];
    struct sg_yaml_error why;
    const char *id = json_string_value(sg_report_at(r->facts, "tariff"));
    snprintf(path, sizeof path, "%s/../share/sealgrid/tariffs/%.64s.yaml", programs,
             id && !strchr(id, '/') ? id : "b1-white");
    if (access(path, R_OK) < 0)
        return 0;
    int ret = sg_tariff_load(&r->tariff, path, &why);
    return ret < 0 ? ret : 0;
}

/* The one file in the customer's folder. */
static bool bill_path(const char *out, int64_t client, char ret[4 * SG_PATH_MAX])
{
    char folder[2 * SG_PATH_MAX];
    snprintf(folder, sizeof folder, "%s/bill/%lld", out, (long long)client);
    DIR *d = opendir(folder);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        if (e->d_name[0] != '.') {
            snprintf(ret, 4 * SG_PATH_MAX, "%s/%s", folder, e->d_name);
            found = true;
        }
    if (d)
        closedir(d);
    return found;
}

/* A bill whose hash is wrong is not shown as one. */
static int find_bill(struct sg_report *r, const char *out)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(2 * SG_BILL_JSON_MAX);
    char path[4 * SG_PATH_MAX];
    int64_t client = sg_report_int(r->facts, "bill.client");
    if (!client || !bill_path(out, client, path))
        return 0;
    int ret = sg_file_read(path, &text);
    return ret ? ret : sg_report_take_bill(r, sg_buf_bytes(&text));
}

static void report_free(struct sg_report **r)
{
    if (*r)
        sg_report_clear(*r);
    free(*r);
}

int sg_report_make(struct sg_bytes summary, const char *out, const char *programs,
                   struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf facts = SG_BUF_INIT(FACTS_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf fraud = SG_BUF_INIT(FACTS_MAX);
    SG_CLEANUP(report_free) struct sg_report *r = calloc(1, sizeof *r);
    if (!r)
        return sg_raise(-ENOMEM);
    read_text(out, SG_REPORT_FACTS, &facts);
    read_text(out, SG_REPORT_FRAUD, &fraud);
    int result = sg_report_read(r, summary, sg_buf_bytes(&facts), sg_buf_bytes(&fraud));
    if (result == 0)
        result = find_tariff(r, programs);
    if (result == 0)
        result = find_bill(r, out);
    return result ? result : sg_report_put(r, ret);
}

/* ---- the verb ------------------------------------------------------------------------------- */

struct report_args {
    char *dir, *json, *out;
};

static int run(const struct report_args *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf summary = SG_BUF_INIT(FACTS_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(SG_REPORT_PAGE_MAX);
    char programs[SG_PATH_MAX], out[SG_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", programs, sizeof programs - 1);
    if (n < 0)
        return sg_raise_errno();
    programs[n] = 0;
    *strrchr(programs, '/') = 0;
    if (snprintf(out, sizeof out, "%s/out", a->dir) >= SG_PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    int r = sg_file_read(a->json, &summary);
    if (r == 0)
        r = sg_report_make(sg_buf_bytes(&summary), out, programs, &page);
    return r ? r : sg_file_write_atomic(a->out, sg_buf_bytes(&page), 0600);
}

int sg_verb_report(int argc, char **argv)
{
#define AT(member) offsetof(struct report_args, member)
    static const struct sg_conf_option options[] = {
        {"dir", SG_CONF_STRING, AT(dir), NULL, 0, 0, true, "folder of the demo"},
        {"json", SG_CONF_STRING, AT(json), NULL, 0, 0, true, "the demo's summary"},
        {"out", SG_CONF_STRING, AT(out), NULL, 0, 0, true, "file for the page"},
    };
#undef AT
    static const struct sg_conf_table table = {.program = "sealgrid report",
                                               .summary = "the page of a demo's run, once more",
                                               .options = options,
                                               .n = sizeof options / sizeof *options};
    struct report_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    r = run(&a);
    if (r)
        fprintf(stderr, "sealgrid report: %s\n", sg_error_trace());
    sg_conf_clear(&table, &a);
    return r ? 1 : 0;
}
