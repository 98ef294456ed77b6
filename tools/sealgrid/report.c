/* report - reads the files of a run and puts the page together. */
#include "report-int.h"

#include "verbs.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

#define FACTS_MAX (64u << 20)

static void decref(json_t **j)
{
    json_decref(*j);
}

/* NULL if there is no such file, or if it is not one JSON object. */
static json_t *read_json(const char *out, const char *leaf)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FACTS_MAX);
    char path[2 * SG_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", out, leaf);
    if (access(path, R_OK) < 0 || sg_file_read(path, &text))
        return NULL;
    return json_loadb((const char *)text.data, text.len, 0, NULL);
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

static void add_load(struct sg_report *r)
{
    json_t *list = json_object_get(json_object_get(r->facts, "bill"), "readings"), *one;
    size_t i;
    sg_bill_load_init(&r->load, r->tariff);
    json_array_foreach(list, i, one)
    {
        const json_t *wh = json_array_get(one, 1);
        int64_t ts = (int64_t)json_integer_value(json_array_get(one, 0));
        if (json_is_integer(wh) && ts > r->bill.from_s && ts <= r->bill.until_s)
            sg_bill_load_add(&r->load, ts, (int64_t)json_integer_value(wh));
    }
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
    if (ret == 0)
        ret = sg_bill_read(sg_buf_bytes(&text), &r->bill);
    if (ret < 0)
        return ret;
    r->has_bill = ret == 0;
    if (r->has_bill && r->tariff)
        add_load(r);
    return 0;
}

/* ---- the page ------------------------------------------------------------------------------- */

static void put_body(struct sg_html *p, void *user)
{
    const struct sg_report *r = user;
    sg_report_put_lead(p, r);
    sg_report_put_flow(p, r);
    sg_report_put_stages(p, r);
    sg_report_put_load(p, r);
    sg_report_put_bill(p, r);
    sg_report_put_trials(p, r);
    sg_report_put_fraud(p, r);
    sg_report_put_storage(p, r);
    sg_report_put_machine(p, r);
}

/* What the rest of the page calculates with: a file that says something else is not believed. */
static bool is_sane(const json_t *facts)
{
    const int64_t year_9999 = INT64_C(253370764800);
    int64_t meters = sg_report_int(facts, "run.meters"), days = sg_report_int(facts, "run.days");
    int64_t from_s = sg_report_int(facts, "run.from_s"), made_s = sg_report_int(facts, "made_s");
    return meters >= 1 && meters <= 10000000 && days >= 1 && days <= 400 && from_s >= 0 &&
           from_s < year_9999 && made_s >= 0 && made_s < year_9999;
}

int sg_report_make(struct sg_bytes summary, const char *out, const char *programs,
                   struct sg_buf *ret)
{
    SG_CLEANUP(decref) json_t *s = json_loadb((const char *)summary.data, summary.len, 0, NULL);
    SG_CLEANUP(decref) json_t *facts = read_json(out, SG_REPORT_FACTS);
    SG_CLEANUP(decref) json_t *fraud = read_json(out, SG_REPORT_FRAUD);
    SG_FREE struct sg_report *r = calloc(1, sizeof *r);
    if (!json_is_object(s))
        return sg_raisef(-EBADMSG, "the summary is not a JSON object");
    if (!r)
        return sg_raise(-ENOMEM);
    r->summary = s;
    r->facts = is_sane(facts) ? facts : NULL;
    r->fraud = fraud;
    int result = find_tariff(r, programs);
    if (result == 0)
        result = find_bill(r, out);
    const struct sg_html_document d = {"Sealgrid", put_body, r};
    if (result == 0)
        result = sg_html_document(ret, &d);
    if (r->tariff)
        sg_tariff_free(r->tariff);
    return result;
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
