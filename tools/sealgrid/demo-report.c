/*
 * demo-report - what the page needs from the running services, read through SQL and the store's
 * administration into D/out/report.json.
 */
#include "demo-args.h"
#include "demo-gather.h"
#include "report.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/kvs/policy.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#define TARIFF    "b1-white"
#define FACTS_MAX (64u << 20)

/* ---- store and machine ---------------------------------------------------------------------- */

static int gather_volumes(struct sg_gatherer *g)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 20);
    int status, r = sg_http_call(g->kvsd, "GET", "/v1/admin/volumes", NULL, 0, SG_BYTES_NONE,
                                 &status, &body);
    if (r)
        return sg_fold(r);
    SG_CLEANUP(sg_gather_decref) json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    json_t *list = json_object_get(j, "volumes"), *v;
    size_t i;
    if (status != 200 || !json_is_array(list))
        return sg_raisef(-EPROTO, "volumes: HTTP status %d", status);
    sg_json_key(&g->j, "volumes");
    sg_json_array(&g->j);
    json_array_foreach(list, i, v)
    {
        sg_json_object(&g->j);
        sg_gather_put_int(&g->j, "index_bytes", sg_json_number(v, "index_bytes"));
        sg_gather_put_int(&g->j, "fragment_bytes", sg_json_number(v, "fragment_bytes"));
        sg_json_end_object(&g->j);
    }
    sg_json_end_array(&g->j);
    return 0;
}

/* kvsd's own configuration: lines of the form `  - "metering replicas=3"` below "buckets:". */
static int gather_buckets(struct sg_gatherer *g)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf conf = SG_BUF_INIT(1 << 20);
    char path[SG_PATH_MAX + 32], *rest = NULL;
    bool inside = false;
    snprintf(path, sizeof path, "%s/conf/kvsd.yaml", g->m->d.dir);
    int r = sg_file_read(path, &conf);
    if (r == 0)
        r = sg_buf_append_u8(&conf, 0);
    if (r)
        return r;
    sg_json_key(&g->j, "buckets");
    sg_json_array(&g->j);
    for (char *line = strtok_r((char *)conf.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[64], text[SG_POLICY_TEXT_MAX];
        struct sg_policy policy;
        if (line[0] != ' ')
            inside = !strcmp(line, "buckets:");
        if (!inside || sscanf(line, " - \"%63[a-z0-9.-] %31[a-z0-9=+,]\"", name, text) != 2)
            continue;
        r = sg_policy_parse(text, &policy);
        if (r)
            return r;
        sg_json_object(&g->j);
        sg_gather_put_str(&g->j, "name", name);
        sg_gather_put_str(&g->j, "policy", text);
        sg_gather_put_int(&g->j, "cost_permille", sg_policy_cost_permille(&policy));
        sg_gather_put_int(&g->j, "losses", sg_policy_losses(&policy, g->m->d.volumes));
        sg_json_end_object(&g->j);
    }
    sg_json_end_array(&g->j);
    return 0;
}

/* What follows the first line that begins with key, up to its end or a quote; "" if there is none.
 */
static void first_line(const char *path, const char *key, char ret[128])
{
    char line[512];
    ret[0] = 0;
    FILE *f = fopen(path, "re");
    while (f && !ret[0] && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)) && strpbrk(line, ":=")) {
            const char *from = strpbrk(line, ":=") + 1;
            from += strspn(from, " \t\"");
            snprintf(ret, 128, "%.*s", (int)strcspn(from, "\"\n"), from);
        }
    if (f)
        fclose(f);
}

static void put_machine(struct sg_json *j)
{
    char cpu[128], system[128];
    struct utsname u;
    struct sysinfo s;
    first_line("/proc/cpuinfo", "model name", cpu);
    first_line("/etc/os-release", "PRETTY_NAME", system);
    sg_json_key(j, "machine");
    sg_json_object(j);
    sg_gather_put_str(j, "cpu", cpu);
    sg_gather_put_int(j, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    sg_gather_put_int(j, "memory_bytes", sysinfo(&s) == 0 ? (int64_t)s.totalram * s.mem_unit : 0);
    sg_gather_put_str(j, "system", system);
    sg_gather_put_str(j, "kernel", uname(&u) == 0 ? u.release : "");
    sg_json_end_object(j);
}

static void put_run(struct sg_gatherer *g)
{
    const struct sg_demo_args *a = &g->m->args;
    sg_json_key(&g->j, "run");
    sg_json_object(&g->j);
    sg_gather_put_int(&g->j, "meters", a->meters);
    sg_gather_put_int(&g->j, "days", a->days);
    sg_gather_put_int(&g->j, "seed", a->seed);
    sg_gather_put_int(&g->j, "flips", a->flips);
    sg_gather_put_int(&g->j, "from_s", g->from_s);
    sg_json_end_object(&g->j);
    sg_gather_put_int(&g->j, "made_s", sg_clock_unix_s());
    sg_gather_put_str(&g->j, "tariff", TARIFF);
}

/* ---- the stage ------------------------------------------------------------------------------ */

static int gather(struct sg_gatherer *g)
{
    int r = sg_operator_http(&g->m->op, &g->m->d, "sqld", &g->sqld);
    if (r == 0)
        r = sg_operator_http(&g->m->op, &g->m->d, "kvsd", &g->kvsd);
    if (r)
        return r;
    sg_json_object(&g->j);
    put_run(g);
    put_machine(&g->j);
    r = sg_gather_loads(g);
    if (r == 0)
        r = gather_volumes(g);
    if (r == 0)
        r = gather_buckets(g);
    if (r)
        return r;
    sg_json_end_object(&g->j);
    return sg_json_done(&g->j);
}

int sg_demo_report(struct sg_demo *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FACTS_MAX);
    struct sg_gatherer g = {.m = m};
    char path[SG_PATH_MAX + 32];
    int r = sg_time_parse(m->args.start, &g.from_s);
    if (r)
        return r;
    sg_json_init(&g.j, &text);
    r = gather(&g);
    snprintf(path, sizeof path, "%s/" SG_REPORT_FACTS, m->out);
    if (r == 0)
        r = sg_file_write_atomic(path, sg_buf_bytes(&text), 0600);
    free(g.customers);
    if (g.sqld)
        sg_http_client_free(g.sqld);
    if (g.kvsd)
        sg_http_client_free(g.kvsd);
    return r;
}
