#include "fleet.h"
#include "modes.h"

#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/secret.h>

static int provision(struct sim_options *o)
{
    const int64_t begun = sg_clock_monotonic_ns();
    bool made;
    int r = sim_provision(&o->params, o->provision, &made);
    if (r)
        return r;
    struct sim_report report = {.mode = "provision"};
    report.seconds = (double)(sg_clock_monotonic_ns() - begun) / 1e9;
    fprintf(stderr, "%lld meters %s in %.1f s\n", (long long)o->params.meters,
            made ? "provisioned" : "were there", report.seconds);
    report.meters = (uint64_t)o->params.meters;
    report.ok = true;
    return sim_report_write(&report, o->json);
}

static int run(struct sim_options *o, bool *ret_ok)
{
    *ret_ok = true;
    if (o->provision)
        return provision(o);
    if (o->replay)
        return sim_replay(o, ret_ok);
    if (o->verify_sql)
        return sim_verify(o, ret_ok);
    if (o->conflict)
        return sim_conflict(o, ret_ok);
    return sim_send(o, ret_ok);
}

static bool usable(const struct sim_options *o)
{
    const char *why = NULL;
    if (!o->provision && !o->fleet && !o->replay)
        why = "--provision DIR, --fleet DIR or --replay FILE is needed";
    else if (!o->provision && !o->verify_sql && o->aggregator.n == 0)
        why = "--aggregator is needed";
    else if (o->fleet && !o->provision && !o->verify_sql && !o->replay && o->authenticators.n == 0)
        why = "--authenticators is needed: whom the meters trust";
    else if (o->hold && !o->record)
        why = "--hold is for --record";
    if (why)
        fprintf(stderr, "sealgrid-sim: %s\n", why);
    return !why;
}

int main(int argc, char **argv)
{
#define SIM_O(name, type, member, def, min, max, help)                                             \
    {                                                                                              \
        name, type, offsetof(struct sim_options, member), def, min, max, false, help               \
    }
    static const struct sg_conf_option options[] = {SIM_PARAM_OPTIONS(SIM_O, params),
                                                    SIM_MODE_OPTIONS(SIM_O)};
#undef SIM_O
    static const struct sg_conf_table table = {.program = "sealgrid-sim",
                                               .summary = "simulated meters",
                                               .options = options,
                                               .n = sizeof(options) / sizeof(options[0])};
    struct sim_options o = {.fleet = NULL};
    int first;
    bool ok = false;
    int r = sg_process_harden();
    if (r == 0)
        r = sg_conf_parse(&table, argc, argv, &o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    if (first < argc)
        fprintf(stderr, "sealgrid-sim: unexpected argument %s\n", argv[first]);
    if (first < argc || !usable(&o))
        return 2;
    r = run(&o, &ok);
    if (r)
        fprintf(stderr, "sealgrid-sim: %s\n", sg_error_trace());
    sg_conf_clear(&table, &o);
    return r == 0 && ok ? 0 : 1;
}
