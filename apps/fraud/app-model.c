/* app-model - the map or model that customers are judged by: loaded, or learnt in a first pass. */
#include "app.h"

#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/fraud/full-file.h>
#include <sealgrid/fraud/som-map.h>

static int load_map(struct app *a)
{
    char label[SG_SOM_LABEL_MAX + 1];
    uint64_t seed;
    int r = sg_som_map_load(a->options.map, &a->map, label, &seed);
    if (r < 0)
        return app_fail(a->options.map);
    if (r)
        return app_complain(a->options.map, "not a map");
    if (strcmp(label, SG_PAPER_LABEL) != 0)
        return app_complain(a->options.map, "a map of other vectors than those of --mode paper");
    if (sg_som_shape(a->map)->points != source_points(a->source))
        return app_complain(a->options.map, "a map of days with another number of intervals");
    return 0;
}

/* What came of a pass, as an exit status; a failure was said by its thread. */
int app_judge_pass(const struct app *a, int r)
{
    if (r == FLEET_NO_MAP)
        return app_complain("map", "no customer has regular days to train it on");
    if (r == SOURCE_BAD)
        return app_complain(a->options.input, source_why(a->source));
    if (r == BALANCES_TOO_LARGE)
        return r;
    return r ? EXIT_UNUSABLE : 0;
}

/* Runs a pass; a file whose customers lie apart is sorted first and the pass run again. */
int app_run_pass(struct app *a, int (*pass)(struct app *a))
{
    const int64_t begun = sg_clock_monotonic_ns();
    int r = pass(a);
    if (r == SOURCE_UNGROUPED) {
        fprintf(stderr,
                "sealgrid-fraud: %s: customers' rows lie apart or out of order; sorting "
                "them in memory\n",
                a->options.input);
        r = source_file_sort(a->source, (uint64_t)a->options.sort_mib << 20);
        if (r < 0)
            return app_fail(a->options.input);
        r = r ? r : pass(a);
    }
    a->seconds_score = (double)(sg_clock_monotonic_ns() - begun) / 1e9;
    return app_judge_pass(a, r);
}

static int pass_train(struct app *a)
{
    return fleet_train(&a->fleet, &a->map, &a->map_error);
}

static int pass_learn(struct app *a)
{
    int r = fleet_learn(&a->fleet, &a->full);
    a->too_few = r == FLEET_NO_MAP;
    return a->too_few ? 0 : r;
}

static int load_full(struct app *a)
{
    int r = sg_full_load(a->options.map, &a->full);
    if (r < 0)
        return app_fail(a->options.map);
    if (r)
        return app_complain(a->options.map, r == SG_FULL_FILE_VERSION
                                                ? "a model of another version of this program"
                                                : "not a model of --mode full");
    if (memcmp(sg_full_model_windows(a->full), &a->plan.windows, sizeof(a->plan.windows)) != 0)
        return app_complain(a->options.map, "a model made for other windows of days");
    return 0;
}

static int make_paper(struct app *a);

/* A fleet too small to learn from is still ranked, by the simpler mode. */
static int learn_from_few(struct app *a)
{
    const struct fraud_options *o = &a->options;
    if (o->save_map || o->learn || !strcmp(o->order, "energy"))
        return app_complain("--mode full", "fewer than 24 customers with regular and recent days");
    fprintf(stderr, "sealgrid-fraud: fewer than 24 customers with regular and recent days: ranked "
                    "by --mode paper\n");
    if (o->energy_out)
        fprintf(stderr, "sealgrid-fraud: --energy-out: %s is not written: no chance is known\n",
                o->energy_out);
    a->plan.mode = MODE_PAPER;
    return make_paper(a);
}

static int learn_full(struct app *a)
{
    int r = app_run_pass(a, pass_learn);
    a->seconds_train = a->seconds_score;
    if (r == 0 && a->too_few)
        return learn_from_few(a);
    if (r == 0 && a->options.save_map && sg_full_save(a->full, a->options.save_map))
        return app_fail(a->options.save_map);
    return r;
}

static int make_full(struct app *a)
{
    if (!a->options.map && a->options.client)
        return app_complain("--client", "in mode full with --map of a fleet (made by --save-map)");
    int r = a->options.map ? load_full(a) : learn_full(a);
    a->fleet.full = a->full;
    return r;
}

static int make_paper(struct app *a)
{
    if (a->options.map)
        return load_map(a);
    if (a->options.client)
        return app_complain("--client", "in mode paper with --map of a fleet (made by --save-map)");
    int r = app_run_pass(a, pass_train);
    a->seconds_train = a->seconds_score;
    if (r == 0 && a->options.save_map &&
        sg_som_map_save(a->map, SG_PAPER_LABEL, a->fleet.seed, a->options.save_map))
        return app_fail(a->options.save_map);
    return r;
}

int app_make_map(struct app *a)
{
    return a->plan.mode == MODE_FULL    ? make_full(a)
           : a->plan.mode == MODE_PAPER ? make_paper(a)
                                        : 0;
}
