/*
 * demo-stages - provision to audit.  Each stage runs the program that an operator would run and
 * reads the JSON it reports.
 */
#include "child.h"
#include "client-env.h"
#include "demo.h"
#include "register.h"

#include <jansson.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <stdarg.h>
#include <stdio.h>

#define ARG_MAX_LEN 700
#define ARGS_MAX    40

/* The arguments of one child, built up piece by piece. */
struct args {
    char text[ARGS_MAX][ARG_MAX_LEN];
    const char *argv[ARGS_MAX + 1];
    size_t n;
};

static void SG_PRINTF(2, 3) arg(struct args *a, const char *fmt, ...)
{
    sg_assert(a->n < ARGS_MAX);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(a->text[a->n], ARG_MAX_LEN, fmt, ap);
    va_end(ap);
    sg_assert(n >= 0 && n < ARG_MAX_LEN);
    a->argv[a->n] = a->text[a->n];
    a->argv[++a->n] = NULL;
}

static void option(struct args *a, const char *name, const char *value)
{
    arg(a, "--%s", name);
    arg(a, "%s", value);
}

static void option_int(struct args *a, const char *name, int64_t value)
{
    arg(a, "--%s", name);
    arg(a, "%lld", (long long)value);
}

static void program(struct args *a, const struct sg_demo *m, const char *name)
{
    a->n = 0;
    char folder[SG_PATH_MAX];
    memcpy(folder, m->d.programs, sizeof folder);
    arg(a, "%s/%s", folder, name);
}

/* Runs it; its standard output must be one JSON object.  Exit statuses other than 0 are a failure.
 */
static int run_json(const struct args *a, json_t **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64 << 20);
    int status, r = sg_child_run(a->argv, &out, &status);
    if (r)
        return r;
    json_t *j = json_loadb((const char *)out.data, out.len, JSON_DISABLE_EOF_CHECK, NULL);
    if (!j)
        return sg_raisef(-EBADMSG, "%s ended with %d and without a report", a->argv[0], status);
    if (status) {
        json_decref(j);
        return sg_raisef(-EPROTO, "%s ended with %d", a->argv[0], status);
    }
    *ret = j;
    return 0;
}

static int64_t number(const json_t *j, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(j, name));
}

int sg_demo_provision(struct sg_demo *m)
{
    /* Before there is a deployment: programs lie beside this one. */
    SG_CLEANUP(sg_buf_clear) struct sg_buf exe = SG_BUF_INIT(SG_PATH_MAX);
    char path[SG_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return sg_raise_errno();
    path[n] = 0;
    *strrchr(path, '/') = 0;
    memcpy(m->d.programs, path, sizeof path);

    static struct args a;
    program(&a, m, "sealgrid-sim");
    option(&a, "provision", m->fleet);
    option_int(&a, "meters", m->args.meters);
    option_int(&a, "days", m->args.days);
    option_int(&a, "seed", m->args.seed);
    option(&a, "start", m->args.start);
    if (m->args.data)
        option(&a, "data", m->args.data);
    option(&a, "json", "-");
    json_t *j;
    int r = run_json(&a, &j);
    if (r == 0)
        json_decref(j);
    return r;
}

int sg_demo_start(struct sg_demo *m)
{
    char authority[SG_PATH_MAX + 32];
    snprintf(authority, sizeof authority, "%s/authority-root.pem", m->fleet);
    struct sg_up_options o = {.dir = m->args.dir, .authority = authority};
    int r = sg_deployment_up(&m->d, &o);
    return r ? r : sg_operator_attest(&m->op, &m->d);
}

int sg_demo_register(struct sg_demo *m)
{
    char rows[SG_PATH_MAX + 32];
    snprintf(rows, sizeof rows, "%s/fleet.rows", m->fleet);
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    int r = sg_operator_kv(&m->op, &m->d, &kv);
    size_t n;
    return r ? r : sg_register_rows(kv, rows, &n);
}

/* Sum of a metric over all instances of a daemon. */
static int64_t sum_metric(const struct sg_demo *m, const char *daemon, const char *name)
{
    struct sg_services s;
    int64_t sum = 0;
    if (sg_services_read(m->d.dir, &s))
        return -1;
    for (size_t i = 0; i < s.n; i++)
        if (!strncmp(s.item[i].name, daemon, strlen(daemon)))
            sum += sg_service_metric(&s.item[i], name);
    return sum;
}

static void fleet_args(struct args *a, const struct sg_demo *m)
{
    program(a, m, "sealgrid-sim");
    option(a, "fleet", m->fleet);
    for (unsigned i = 1; i <= m->d.aggds; i++) {
        char name[16];
        snprintf(name, sizeof name, "aggd%u", i);
        arg(a, "--aggregator");
        arg(a, "127.0.0.1:%u", sg_deployment_port(&m->d, name));
    }
    for (int suite = 2; suite <= 3; suite++) {
        arg(a, "--authenticators");
        arg(a, "%.440s/cas/public/edhoc-suite%d-cert.pem", m->d.dir, suite);
    }
    option(a, "json", "-");
}

static int stored_rows(struct sg_demo *m, int64_t *ret)
{
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *sqld = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 20);
    int r = sg_operator_http(&m->op, &m->d, "sqld", &sqld);
    if (r == 0)
        r = sg_operator_sql(&m->op, sqld, "SELECT count(*) FROM reading", &body);
    if (r)
        return r < 0 ? r : sg_raisef(-EPROTO, "count(*): HTTP status %d", r);
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    *ret = (int64_t)json_integer_value(
        json_array_get(json_array_get(json_object_get(j, "rows"), 0), 0));
    json_decref(j);
    return 0;
}

int sg_demo_meters(struct sg_demo *m)
{
    static struct args a;
    fleet_args(&a, m);
    arg(&a, "--record");
    arg(&a, "%.440s/recorded.frames", m->out);
    json_t *j;
    int r = run_json(&a, &j);
    if (r)
        return r;
    m->frames_sent = number(j, "frames_sent");
    m->sent = number(j, "readings_sent");
    json_decref(j);
    m->aggregated = sum_metric(m, "aggd", "sealgrid_aggd_frames_total");
    m->accepted = sum_metric(m, "authd", "sealgrid_authd_readings_accepted_total");
    return stored_rows(m, &m->stored);
}

int sg_demo_read_back(struct sg_demo *m)
{
    char key[SG_PATH_MAX];
    int r = sg_client_key_file(&m->d, &m->op, key);
    if (r)
        return r;
    static struct args a;
    program(&a, m, "sealgrid-sim");
    option(&a, "fleet", m->fleet);
    arg(&a, "--verify-sql");
    arg(&a, "127.0.0.1:%u", sg_deployment_port(&m->d, "sqld"));
    arg(&a, "--ca");
    arg(&a, "%.440s/cas/public/ca.pem", m->d.dir);
    option(&a, "api-key-file", key);
    option(&a, "json", "-");
    json_t *j;
    r = run_json(&a, &j);
    if (r)
        return r;
    m->read_back = number(j, "rows") - number(j, "mismatches");
    json_decref(j);
    return 0;
}

int sg_demo_bill(struct sg_demo *m)
{
    int64_t start_s;
    char until[SG_RFC3339_MAX];
    int r = sg_time_parse(m->args.start, &start_s);
    if (r)
        return r;
    sg_time_rfc3339(until, start_s + m->args.days * 86400);
    static struct args a;
    program(&a, m, "sealgrid-bill");
    arg(&a, "--store");
    arg(&a, "--all");
    arg(&a, "--upload");
    arg(&a, "--json");
    arg(&a, "--tariff");
    arg(&a, "%.440s/../share/sealgrid/tariffs/b1-white.yaml", m->d.programs);
    option(&a, "from", m->args.start);
    option(&a, "until", until);
    option(&a, "out", m->out);
    arg(&a, "--cas.connect");
    arg(&a, "127.0.0.1:%u", sg_deployment_port(&m->d, "casd"));
    option(&a, "cas.pin", m->d.pin);
    arg(&a, "--cas.platform");
    arg(&a, "%.440s/platform", m->d.dir);
    arg(&a, "--kv.connect");
    arg(&a, "127.0.0.1:%u", sg_deployment_port(&m->d, "kvsd"));
    json_t *j;
    r = run_json(&a, &j);
    if (r)
        return r;
    m->billed = number(j, "readings");
    json_decref(j);
    return 0;
}

int sg_demo_audit(struct sg_demo *m)
{
    static struct args a;
    program(&a, m, "sealgrid-audit");
    option(&a, "dir", m->out);
    arg(&a, "--installations");
    arg(&a, "%.440s/installations.json", m->fleet);
    arg(&a, "--keys");
    arg(&a, "%.440s/authority-root.pem", m->fleet);
    arg(&a, "--json");
    json_t *j;
    int r = run_json(&a, &j);
    if (r)
        return r;
    m->bills_ok = number(j, "ok");
    m->bills_bad = number(j, "refused");
    json_decref(j);
    return 0;
}
