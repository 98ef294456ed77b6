/* app-learn - what inspections taught, and learning from them. */
#include "app.h"

#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>

int app_count_drift(void *ctx, const struct line *l, const float *features)
{
    const struct app *a = ctx;
    sg_drift_add(a->drift, features, (float)l->unsupervised, l->margin);
    return 0;
}

int app_take_learned(struct app *a)
{
    const char *path = a->options.learned;
    if (!path)
        return 0;
    int r = sg_learned_load(path, &a->learned);
    if (r)
        return r < 0 ? app_fail(path)
                     : app_complain(path, r == SG_LEARNED_VERSION ? "of a version not known here"
                                                                  : "not a learnt ranking");
    if (!learn_fits(a->learned))
        return app_complain(path, "learnt from other features than this program has: learn again");
    return sg_drift_new(&a->drift, a->learned) ? app_fail(path) : 0;
}

static int take_outcomes(struct app *a)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    const char *path = a->options.outcomes;
    char why[160];
    int r;
    if (path) {
        r = outcomes_read(&a->outcomes, path, why);
        return r < 0 ? app_fail(path) : r ? app_complain(path, why) : 0;
    }
    if (!a->options.store)
        return app_complain("--learn", "--outcomes F, or --store with its table inspection");
    if (app_open_kv(a, &kv))
        return app_fail("store");
    r = outcomes_from_store(&a->outcomes, kv, a->clients, a->n_clients);
    return r < 0 ? app_fail("store")
           : r   ? app_complain("--learn", "no inspection in the store")
                 : 0;
}

static int say_what_was_learnt(const struct app *a, const struct learn_result *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(APP_JSON_MAX);
    struct sg_json j;
    if (!a->options.json) {
        learn_print(r);
        return 0;
    }
    sg_json_init(&j, &text);
    learn_json(r, a->outcomes.dated, &j);
    return sg_json_done(&j) || sg_file_write_report("-", sg_buf_bytes(&text)) ? app_fail("summary")
                                                                              : 0;
}

static int complain_of_learning(const struct app *a, int r)
{
    if (r == LEARN_NO_OUTCOME)
        return app_complain("--outcomes", "no inspection of a judged customer after its windows");
    if (r == LEARN_TOO_LONG)
        return app_complain("--learn-step", "too short for so long a time: at most 400 steps");
    if (r == LEARN_OPEN)
        return EXIT_UNUSABLE;
    return r < 0 ? app_fail("--learn") : app_judge_pass(a, r);
}

int app_learn(struct app *a)
{
    const struct fraud_options *o = &a->options;
    struct learn_result result_of_learning;
    int r = take_outcomes(a);
    if (r)
        return r;
    const struct learn_job job = {.fleet = a->fleet,
                                  .plan = &a->plan,
                                  .outcomes = &a->outcomes,
                                  .step = (int32_t)o->learn_step,
                                  .old = a->learned,
                                  .open = app_open_source,
                                  .sort_bytes = (uint64_t)o->sort_mib << 20,
                                  .user = a};
    r = learn_run(&job, &result_of_learning);
    if (r)
        return complain_of_learning(a, r);
    const bool better = result_of_learning.learned != NULL;
    if (better && sg_learned_save(result_of_learning.learned, o->learn))
        r = app_fail(o->learn);
    if (r == 0)
        r = say_what_was_learnt(a, &result_of_learning);
    learn_result_clear(&result_of_learning);
    return r ? r : better ? 0 : EXIT_UNJUDGED;
}
