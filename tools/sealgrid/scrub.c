#include "scrub.h"

#include "verbs.h"

#include <jansson.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

static int64_t member(const json_t *report, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(report, name));
}

int sg_scrub_run(struct sg_http_client *kvsd, bool full, struct sg_scrub_result *ret,
                 struct sg_buf *json)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 24);
    int status,
        r = sg_http_call(kvsd, "POST",
                         full ? "/v1/admin/scrub?depth=full" : "/v1/admin/scrub?depth=files", NULL,
                         0, SG_BYTES_NONE, &status, &body);
    if (r)
        return sg_fold(r);
    if (status != 200)
        return sg_raisef(-EPROTO, "scrub: HTTP status %d", status);
    json_t *report = json_loadb((const char *)body.data, body.len, 0, NULL);
    if (!report)
        return sg_raisef(-EBADMSG, "scrub: no report");
    *ret = (struct sg_scrub_result){member(report, "damage"), member(report, "repaired"),
                                    member(report, "lost")};
    json_decref(report);
    return json ? sg_buf_append(json, sg_buf_bytes(&body)) : 0;
}

struct scrub_args {
    char *dir;
    bool quick;
};

static int run(const struct scrub_args *a, struct sg_scrub_result *ret, struct sg_buf *json)
{
    struct sg_deployment d;
    struct sg_operator op = {0};
    int r = sg_deployment_load(&d, a->dir);
    if (r == 0)
        r = sg_operator_attest(&op, &d);
    if (r)
        return r;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *kvsd = NULL;
    r = sg_operator_http(&op, &d, "kvsd", &kvsd);
    if (r == 0)
        r = sg_scrub_run(kvsd, !a->quick, ret, json);
    sg_operator_clear(&op);
    return r;
}

int sg_verb_scrub(int argc, char **argv)
{
    static const struct sg_conf_option options[] = {
        {"dir", SG_CONF_STRING, offsetof(struct scrub_args, dir), NULL, 0, 0, true,
         "folder of the platform"},
        {"quick", SG_CONF_BOOL, offsetof(struct scrub_args, quick), "false", 0, 1, false,
         "checksums of files only"},
    };
    static const struct sg_conf_table table = {
        .program = "sealgrid scrub",
        .summary = "verify and repair every volume; exit 1 if anything is lost",
        .options = options,
        .n = sizeof options / sizeof *options};
    struct scrub_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 24);
    struct sg_scrub_result result = {0};
    r = run(&a, &result, &json);
    if (r == 0)
        r = sg_file_write_report("-", sg_buf_bytes(&json));
    if (r)
        fprintf(stderr, "sealgrid scrub: %s\n", sg_error_trace());
    sg_conf_clear(&table, &a);
    return r || result.lost ? 1 : 0;
}
