/*
 * demo-stages - provision to audit.  Each stage runs the program that an operator would run and
 * reads the JSON it reports.
 */
#include "child.h"
#include "client-env.h"
#include "demo-args.h"
#include "demo.h"
#include "register.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

int sg_demo_provision(struct sg_demo *m)
{
    /* Before there is a deployment: programs lie beside this one. */
    char path[SG_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return sg_raise_errno();
    path[n] = 0;
    *strrchr(path, '/') = 0;
    memcpy(m->d.programs, path, sizeof path);

    static struct sg_args a;
    sg_args_program(&a, m, "sealgrid-sim");
    sg_arg_option(&a, "provision", m->fleet);
    sg_arg_option_int(&a, "meters", m->args.meters);
    sg_arg_option_int(&a, "days", m->args.days);
    sg_arg_option_int(&a, "seed", m->args.seed);
    sg_arg_option(&a, "start", m->args.start);
    if (m->args.data)
        sg_arg_option(&a, "data", m->args.data);
    sg_arg_option(&a, "json", "-");
    json_t *j;
    int r = sg_args_run_json(&a, &j);
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
    static struct sg_args a;
    sg_demo_fleet(&a, m);
    sg_arg(&a, "--move");
    sg_arg(&a, "--record");
    sg_arg(&a, "%.440s/recorded.frames", m->out);
    json_t *j;
    int r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    m->frames_sent = sg_json_number(j, "frames_sent");
    m->sent = sg_json_number(j, "readings_sent");
    fprintf(stderr,
            "        %lld meters went over to another authenticator halfway, %lld sessions\n",
            (long long)sg_json_number(j, "moved"), (long long)sg_json_number(j, "handshakes"));
    json_decref(j);
    m->aggregated = sg_demo_metric(m, "aggd", "sealgrid_aggd_frames_total");
    m->accepted = sg_demo_metric(m, "authd", "sealgrid_authd_readings_accepted_total");
    return stored_rows(m, &m->stored);
}

int sg_demo_read_back(struct sg_demo *m)
{
    char key[SG_PATH_MAX];
    int r = sg_client_key_file(&m->d, &m->op, key);
    if (r)
        return r;
    static struct sg_args a;
    sg_args_program(&a, m, "sealgrid-sim");
    sg_arg_option(&a, "fleet", m->fleet);
    sg_arg(&a, "--verify-sql");
    sg_arg(&a, "127.0.0.1:%u", sg_deployment_port(&m->d, "sqld"));
    sg_arg(&a, "--ca");
    sg_arg(&a, "%.440s/cas/public/ca.pem", m->d.dir);
    sg_arg_option(&a, "api-key-file", key);
    sg_arg_option(&a, "json", "-");
    json_t *j;
    r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    m->read_back = sg_json_number(j, "rows") - sg_json_number(j, "mismatches");
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
    static struct sg_args a;
    sg_args_program(&a, m, "sealgrid-bill");
    sg_arg(&a, "--store");
    sg_arg(&a, "--all");
    sg_arg(&a, "--upload");
    sg_arg(&a, "--json");
    sg_arg(&a, "--tariff");
    sg_arg(&a, "%.440s/../share/sealgrid/tariffs/b1-white.yaml", m->d.programs);
    sg_arg_option(&a, "from", m->args.start);
    sg_arg_option(&a, "until", until);
    sg_arg_option(&a, "out", m->out);
    sg_arg(&a, "--cas.connect");
    sg_arg(&a, "127.0.0.1:%u", sg_deployment_port(&m->d, "casd"));
    sg_arg_option(&a, "cas.pin", m->d.pin);
    sg_arg(&a, "--cas.platform");
    sg_arg(&a, "%.440s/platform", m->d.dir);
    sg_arg(&a, "--kvsd.connect");
    sg_arg(&a, "127.0.0.1:%u", sg_deployment_port(&m->d, "kvsd"));
    json_t *j;
    r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    m->billed = sg_json_number(j, "readings");
    json_decref(j);
    return 0;
}

int sg_demo_audit(struct sg_demo *m)
{
    static struct sg_args a;
    sg_args_program(&a, m, "sealgrid-audit");
    sg_arg_option(&a, "dir", m->out);
    sg_arg(&a, "--installations");
    sg_arg(&a, "%.440s/installations.json", m->fleet);
    sg_arg(&a, "--keys");
    sg_arg(&a, "%.440s/authority-root.pem", m->fleet);
    sg_arg(&a, "--json");
    json_t *j;
    int r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    m->bills_ok = sg_json_number(j, "ok");
    m->bills_bad = sg_json_number(j, "refused");
    json_decref(j);
    return 0;
}
