/*
 * demo-frames - a recorded frame played back, and a second reading for an interval that has one.
 */
#include "demo-args.h"
#include "demo-reads.h"

#include <sealgrid/base/cleanup.h>
#include <stdio.h>

static int replay(struct sg_demo *m, struct sg_http_client *sqld)
{
    int64_t before = sg_demo_query(m, sqld, "SELECT count(*) FROM reading");
    int64_t seen = sg_demo_metric(m, "authd", "sealgrid_authd_replayed_frames_total");
    static struct sg_args a;
    sg_demo_aggregators(&a, m);
    sg_arg(&a, "--replay");
    sg_arg(&a, "%.440s/recorded.frames", m->out);
    json_t *j;
    int r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    int64_t replayed = sg_json_number(j, "replayed");
    json_decref(j);
    int64_t counted = sg_demo_metric(m, "authd", "sealgrid_authd_replayed_frames_total") - seen;
    int64_t after = sg_demo_query(m, sqld, "SELECT count(*) FROM reading");
    sg_demo_tampered(m, "replayed_frame",
                     replayed > 0 && counted >= replayed && before == after && before > 0);
    return 0;
}

static int conflict(struct sg_demo *m, struct sg_http_client *sqld)
{
    static struct sg_args a;
    sg_demo_fleet(&a, m);
    sg_arg(&a, "--conflict");
    json_t *j;
    int r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    int64_t client = sg_json_number(j, "client_id"), ts = sg_json_number(j, "ts");
    json_decref(j);
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM reading_conflict WHERE client_id = %lld AND ts = %lld",
             (long long)client, (long long)ts);
    int64_t kept = sg_demo_query(m, sqld, sql);
    int64_t all = sg_demo_query(m, sqld, "SELECT count(*) FROM reading");
    int64_t counted = sg_demo_metric(m, "authd", "sealgrid_authd_readings_conflict_total");
    sg_demo_tampered(m, "conflicting_reading", kept == 1 && counted >= 1 && all == m->stored);
    return 0;
}

int sg_demo_tamper_frames(struct sg_demo *m)
{
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *sqld = NULL;
    int r = sg_operator_http(&m->op, &m->d, "sqld", &sqld);
    if (r == 0)
        r = replay(m, sqld);
    return r ? r : conflict(m, sqld);
}
