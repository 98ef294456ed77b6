/*
 * sealgrid-fraud - a ranking of suspected fraud, from files or from the store.
 * Exit 0: done (customers that could not be judged are named as such); 1: that one customer
 * (--client) could not be judged, or inspections (--learn) taught nothing better; 2: unusable
 * input.
 */
#include "app.h"
#include "page.h"
#include "report.h"
#include "simulate-main.h"

#include <signal.h>
#include <stdio.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/log.h>

/* ---- run ----------------------------------------------------------------------------------- */

static int pass_score(struct app *a)
{
    return fleet_score(&a->fleet, a->map, &a->result);
}

static int write_drop(const struct app *a)
{
    SG_CLEANUP(ranking_clear) struct ranking drop = {.lines = NULL};
    int r = ranking_by_drop(&a->result.ranking, &drop);
    return r ? r : ranking_write(&drop, &a->plan, a->options.drop_out);
}

static int write_energy(const struct app *a)
{
    SG_CLEANUP(ranking_clear) struct ranking energy = {.lines = NULL};
    int r = ranking_by_energy(&a->result.ranking, &a->result.odds, &energy);
    return r ? r : ranking_write(&energy, &a->plan, a->options.energy_out);
}

static int write_page(const struct app *a, const struct report *report)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(PAGE_BYTES_MAX);
    const struct page page = {.report = report,
                              .capacity = (size_t)a->options.capacity,
                              .language = !strcmp(a->options.lang, "pt") ? SG_PT_BR : SG_EN,
                              .dated = source_dated(a->source),
                              .by_energy = !strcmp(a->options.order, "energy")};
    int r = page_make(&page, &text);
    if (r)
        return r;
    return !strcmp(a->options.page, "-")
               ? sg_write_all(STDOUT_FILENO, sg_buf_bytes(&text))
               : sg_file_write_atomic(a->options.page, sg_buf_bytes(&text), 0600);
}

/* What labels say of the ranking, if there are any and anybody was judged. */
static int judge(const struct app *a, struct report *report, struct verdict *verdict)
{
    const struct ranking *ranking = &a->result.ranking;
    if (!a->options.labels || ranking->n_unjudged == ranking->n)
        return 0;
    if (labels_judge(&a->labels, ranking, (uint32_t)a->options.rounds, a->fleet.seed, verdict))
        return app_fail(a->options.labels);
    if (verdict->customers == 0)
        fprintf(stderr, "sealgrid-fraud: %s: no label of any customer of the load\n",
                a->options.labels);
    report->verdict = verdict;
    report->labels = &a->labels;
    return 0;
}

static int write_summary(const struct app *a, const struct report *report)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(APP_JSON_MAX);
    const struct fraud_options *o = &a->options;
    if (o->json && (report_json(report, &text) || sg_file_write_report("-", sg_buf_bytes(&text))))
        return app_fail("summary");
    if (!app_stdout_is_taken(o))
        report_print(report);
    return 0;
}

static int write_out(const struct app *a)
{
    const struct fraud_options *o = &a->options;
    struct verdict verdict;
    struct report report = {.plan = &a->plan,
                            .result = &a->result,
                            .map_error = a->map_error,
                            .seconds_train = a->seconds_train,
                            .seconds_score = a->seconds_score,
                            .threads = a->fleet.threads,
                            .seed = a->fleet.seed,
                            .profiles = (size_t)o->profiles,
                            .rounds = (uint32_t)o->rounds};
    if (a->drift) {
        report.learned = a->learned;
        report.drift = a->drift;
        learn_drift_warn(a->learned, a->drift);
    }
    int r = judge(a, &report, &verdict);
    if (r)
        return r;
    if (o->out && ranking_write(&a->result.ranking, &a->plan, o->out))
        return app_fail(o->out);
    if (o->drop_out && write_drop(a))
        return app_fail(o->drop_out);
    if (o->energy_out && a->plan.mode == MODE_FULL && write_energy(a))
        return app_fail(o->energy_out);
    if (o->page && write_page(a, &report))
        return app_fail(o->page);
    r = write_summary(a, &report);
    return r ? r : o->client && a->result.ranking.n_unjudged ? EXIT_UNJUDGED : 0;
}

static int count_odds(void *ctx, const struct line *l, const float *features)
{
    struct app *a = ctx;
    (void)features;
    odds_add(&a->odds, l->unsupervised);
    return 0;
}

static int pass_odds(struct app *a)
{
    a->odds = (struct odds){.count = {0}};
    return fleet_score(&a->fleet, a->map, NULL);
}

/* Chance times energy ranks: a pass before the one that ranks counts the fleet's odds. */
static int find_odds(struct app *a)
{
    const struct fleet kept = a->fleet;
    if (strcmp(a->options.order, "energy") != 0)
        return 0;
    a->fleet.pictures = 0;
    a->fleet.seen = count_odds;
    a->fleet.seen_ctx = a;
    int r = app_run_pass(a, pass_odds);
    odds_find(&a->odds);
    a->fleet = kept;
    a->fleet.odds = &a->odds;
    return r;
}

static int score(struct app *a)
{
    int r = app_make_map(a);
    if (r == 0)
        r = find_odds(a);
    if (r == 0)
        r = app_run_pass(a, pass_score);
    if (r)
        return r;
    if (a->options.client && a->result.ranking.n == 0)
        return app_complain("--client", "not in the file");
    return write_out(a);
}

/* Those of the JSON, and those of the page. */
static size_t pictures_wanted(const struct fraud_options *o)
{
    const size_t on_page = o->page ? (size_t)o->capacity : 0;
    return (size_t)o->profiles > on_page ? (size_t)o->profiles : on_page;
}

/* Everything that is read before the load. */
static int take_given(struct app *a)
{
    int r = app_take_labels(a);
    if (r == 0)
        r = app_take_facts(a);
    if (r == 0)
        r = app_take_learned(a);
    if (r == 0 && a->options.store)
        r = app_prepare_store(a);
    if (r == 0)
        r = app_take_phasors(a);
    return r;
}

static struct fleet fleet_of(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return (struct fleet){
        .plan = &a->plan,
        .source = a->source,
        .threads = o->threads ? (unsigned)o->threads : (unsigned)(cpus < 1 ? 1 : cpus),
        .seed = (uint64_t)o->seed,
        .only = o->client,
        .learned = a->learned,
        .seen = a->learned ? app_count_drift : NULL,
        .seen_ctx = a,
        .phasors = &a->phasors,
        .balances = &a->balances,
        .pictures = pictures_wanted(o),
        .room = {.folder = o->out && ranking_folder(o->out, a->folder) ? a->folder : NULL},
        .facts = &a->facts,
        .progress = o->progress || isatty(STDERR_FILENO)};
}

static int run(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const char *why;
    int r = plan_make(&a->plan, o, &why);
    if (r)
        return r < 0 ? app_fail("plan") : app_complain("usage", why);
    r = app_check_usage(a);
    if (r == 0)
        r = take_given(a);
    if (r == 0 && !o->learn)
        r = app_open_source(a, &a->plan, &a->source);
    if (r)
        return r;
    a->fleet = fleet_of(a);
    if (o->topology)
        r = app_make_balances(a);
    return r ? r : o->learn ? app_learn(a) : score(a);
}

static void clear(struct app *a)
{
    fleet_result_clear(&a->result);
    source_free(a->source);
    sg_som_free(a->map);
    sg_full_model_free(a->full);
    labels_clear(&a->labels);
    context_files_clear(&a->facts);
    phasors_clear(&a->phasors);
    topology_clear(&a->topology);
    balances_clear(&a->balances);
    outcomes_clear(&a->outcomes);
    sg_drift_free(a->drift);
    sg_learned_free(a->learned);
    sg_tz_free(a->tz);
    free(a->clients);
    sg_cas_grant_clear(&a->grant);
    sg_conf_clear(&fraud_table, &a->options);
}

int main(int argc, char **argv)
{
    static struct app a;
    int first, r;
    if (sg_process_harden())
        return app_fail("start");
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failure to be told, no end */
    sg_log_init("fraud", SG_LOG_WARN);
    if (argc > 1 && !strcmp(argv[1], "simulate-inspections"))
        return simulate_main(argc - 1, argv + 1);
    r = sg_conf_parse(&fraud_table, argc, argv, &a.options, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? app_complain(argv[first], "unexpected argument") : run(&a);
    clear(&a);
    return r;
}
