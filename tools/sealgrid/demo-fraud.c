/*
 * demo-fraud - suspects of fraud out of the store, judged by what the simulator knows.
 *
 * The simulator's thieves begin between half and two thirds of the period (apps/sim/fleet.c): days
 * before are regular for everybody, the second half is what is judged, so that the day on which it
 * began is among the days that are looked at.  A period too short for that is still read and
 * ranked; then there is nothing to judge, and the JSON says why.
 */
#include "demo-args.h"
#include "demo.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

#define SUSPECTS 24 /* with a picture */

/* "2026-09-01..2026-09-15": n days from day `first` of the period. */
static void put_window(struct sg_args *a, const char *name, int64_t start_s, int64_t first,
                       int64_t n)
{
    char from[SG_RFC3339_MAX], to[SG_RFC3339_MAX];
    sg_time_rfc3339(from, start_s + SG_DEMO_ZONE_S + first * 86400);
    sg_time_rfc3339(to, start_s + SG_DEMO_ZONE_S + (first + n - 1) * 86400);
    sg_arg(a, "--%s=%.10s..%.10s", name, from, to);
}

static void put_windows(struct sg_args *a, int64_t start_s, int64_t days)
{
    const int64_t regular = days / 2 ? days / 2 : 1;
    put_window(a, "reference-days", start_s, 0, regular);
    put_window(a, "test-days", start_s, days > 1 ? regular : 0, days > 1 ? days - regular : 1);
}

static int put_arguments(struct sg_args *a, const struct sg_demo *m)
{
    int64_t start_s;
    int r = sg_time_parse(m->args.start, &start_s);
    if (r)
        return r;
    sg_args_program(a, m, "sealgrid-fraud");
    sg_arg(a, "--store");
    sg_arg(a, "--json");
    sg_arg(a, "--zone=-03:00");
    put_windows(a, start_s, m->args.days);
    sg_arg_option_int(a, "profiles", SUSPECTS);
    sg_arg_option_int(a, "seed", m->args.seed);
    sg_arg(a, "--out");
    sg_arg(a, "%.440s/fraud.csv", m->out);
    sg_arg(a, "--drop-out");
    sg_arg(a, "%.440s/fraud-drop.csv", m->out);
    sg_arg(a, "--energy-out");
    sg_arg(a, "%.440s/fraud-energy.csv", m->out);
    sg_arg(a, "--page");
    sg_arg(a, "%.440s/fraud.html", m->out);
    sg_arg(a, "--labels");
    sg_arg(a, "%.440s/fraud-labels.csv", m->fleet);
    sg_arg(a, "--cas.connect");
    sg_arg(a, "127.0.0.1:%u", sg_deployment_port(&m->d, "casd"));
    sg_arg_option(a, "cas.pin", m->d.pin);
    sg_arg(a, "--cas.platform");
    sg_arg(a, "%.440s/platform", m->d.dir);
    sg_arg(a, "--kvsd.connect");
    sg_arg(a, "127.0.0.1:%u", sg_deployment_port(&m->d, "kvsd"));
    return 0;
}

/* What the ranking says is worth something only if there was something to judge. */
static const char *why_not(const json_t *j)
{
    if (sg_json_number(j, "judged") == 0)
        return "too few days: nobody has regular and recent ones enough";
    return sg_json_number(j, "thieves") == 0 ? "no thief in this fleet" : NULL;
}

static int mark(json_t *j)
{
    const char *why = why_not(j);
    int r = json_object_set_new(j, "ran", json_boolean(why == NULL));
    if (r == 0 && why)
        r = json_object_set_new(j, "why", json_string(why));
    return r ? sg_raise(-ENOMEM) : 0;
}

/* out/fraud.json, for the page. */
static int keep(const struct sg_demo *m, const json_t *j)
{
    char path[SG_PATH_MAX + 32];
    SG_FREE char *text = json_dumps(j, JSON_INDENT(1));
    if (!text)
        return sg_raise(-ENOMEM);
    snprintf(path, sizeof path, "%s/fraud.json", m->out);
    return sg_file_write_atomic(path, sg_bytes_str(text), 0600);
}

int sg_demo_fraud(struct sg_demo *m)
{
    static struct sg_args a;
    json_t *j;
    int r = put_arguments(&a, m);
    if (r == 0)
        r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    m->suspected = sg_json_number(j, "judged");
    if (sg_json_number(j, "customers") != m->args.meters)
        r = sg_raisef(-EPROTO, "sealgrid-fraud saw %lld customers",
                      (long long)sg_json_number(j, "customers"));
    if (r == 0)
        r = mark(j);
    if (r == 0)
        r = keep(m, j);
    json_object_del(j, "suspects"); /* they are in out/fraud.json */
    if (r == 0 && !(m->fraud = json_dumps(j, JSON_COMPACT)))
        r = sg_raise(-ENOMEM);
    json_decref(j);
    return r;
}
