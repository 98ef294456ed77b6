/*
 * sealgrid-fraud - a ranking of suspected fraud, from files or from the store.
 * Exit 0: done (customers that could not be judged are named as such); 1: that one customer
 * (--client) could not be judged, or inspections (--learn) taught nothing better; 2: unusable
 * input.
 */
#include "fleet.h"
#include "labels.h"
#include "learn.h"
#include "page.h"
#include "report.h"
#include "simulate-main.h"

#include <limits.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/log.h>
#include <sealgrid/cas/client.h>
#include <sealgrid/fraud/full-file.h>
#include <sealgrid/fraud/som-map.h>
#include <sealgrid/meter/tables.h>

#define EXIT_UNJUDGED 1
#define EXIT_UNUSABLE 2
#define CAS_RETRY_MS  10000
#define JSON_MAX      ((size_t)256 << 20)

struct app {
    struct fraud_options options;
    struct plan plan;
    struct fleet fleet;
    struct source *source;
    struct sg_som *map;
    struct sg_full_model *full;
    bool too_few; /* customers to learn a model from */
    struct labels labels;
    struct context_files facts;
    struct phasors phasors;
    struct topology topology;
    struct balances balances;
    struct odds odds;
    struct sg_cas_grant grant;
    struct sg_tz *tz;
    int32_t east_s;
    int64_t *clients;
    size_t n_clients;
    struct outcomes outcomes;
    struct sg_learned *learned;
    struct sg_drift *drift;
    double map_error, seconds_train, seconds_score;
    char folder[PATH_MAX]; /* of the ranking */
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-fraud: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

static int fail(const char *what)
{
    return complain(what, sg_error_trace());
}

/* ---- file ---------------------------------------------------------------------------------- */

static int open_file(struct app *a, const struct plan *plan, struct source **ret)
{
    const char *path = a->options.input;
    SG_CLEANUP(source_freep) struct source *source = NULL;
    int r = source_file_open(&source, path, plan_span(plan));
    if (r < 0)
        return fail(path);
    if (r)
        return complain(path, source_why(source));
    if (plan->fixed && plan->dated != source_dated(source))
        return complain(a->options.learn ? "--outcomes" : "--test-days",
                        source_dated(source) ? "the file has dates: like 2026-06-01"
                                             : "the file has no dates: numbers of its days");
    a->plan.calendar = source_dated(source);
    *ret = TAKE_PTR(source);
    return 0;
}

/* ---- store --------------------------------------------------------------------------------- */

/* A context a thread: OpenSSL 3 locks the shared parts of one. */
static int open_kv(void *user, struct sg_kv **ret)
{
    const struct app *a = user;
    static _Thread_local struct sg_tls_ctx *tls; /* lives as long as the process */
    int r = tls ? 0 : sg_cas_tls(&a->grant, false, SG_TLS_PEER_REQUIRED, &tls);
    if (r)
        return sg_fold(r);
    const struct sg_kv_remote remote = {
        .connect = a->options.kvsd_connect, .tls = tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_fold(sg_kv_open_remote(ret, &remote));
}

static int attest(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = "fraud",
                                       .provider = o->cas_provider,
                                       .sim_platform = o->cas_platform,
                                       .retry_ms = CAS_RETRY_MS};
    if (!o->cas_pin)
        return complain("--cas.pin", "must be given with --store");
    if (!o->cas_platform && !strcmp(o->cas_provider, "sim"))
        return complain("--cas.platform", "must be given with --cas.provider sim");
    return sg_cas_bootstrap(&b, &a->grant) ? fail("attestation") : 0;
}

/* "-03:00" */
static bool parse_offset(const char *text, int32_t *ret_s)
{
    unsigned hours, minutes;
    char sign;
    int end = 0;
    if (sscanf(text, "%c%2u:%2u%n", &sign, &hours, &minutes, &end) != 3 || text[end] ||
        (sign != '+' && sign != '-') || hours > 14 || minutes > 59)
        return false;
    *ret_s = (int32_t)(hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

static int take_zone(struct app *a)
{
    int r = parse_offset(a->options.zone, &a->east_s) ? 0 : sg_tz_load(&a->tz, a->options.zone);
    if (r > 0)
        return complain("--zone", r == SG_TZ_UNKNOWN ? "no such zone here" : "zone file damaged");
    return r ? fail("--zone") : 0;
}

/* Without --last-day: yesterday, the last day that is over. */
static int take_last_day(struct app *a)
{
    int32_t day;
    if (a->options.last_day) {
        if (!plan_date(a->options.last_day, &day))
            return complain("--last-day", "a date, 2026-09-30");
    } else {
        const int64_t now = sg_clock_unix_s();
        day = (int32_t)((now + (a->tz ? sg_tz_at(a->tz, now).east_s : a->east_s)) / 86400) - 1;
    }
    plan_anchor(&a->plan, day);
    return 0;
}

static int list_clients(struct app *a, size_t *ret_n)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    if (a->options.client) {
        char *end;
        errno = 0;
        const long long client = strtoll(a->options.client, &end, 10);
        if (errno || *end || end == a->options.client)
            return complain("--client", "with --store a whole number");
        a->clients = malloc(sizeof(*a->clients));
        if (!a->clients)
            return complain("--client", "no memory");
        a->clients[0] = client;
        *ret_n = 1;
        return 0;
    }
    if (open_kv(a, &kv) || sg_table_clients(kv, &a->clients, ret_n))
        return fail("store");
    return 0;
}

/* Everything but the source itself. */
static int prepare_store(struct app *a)
{
    const int64_t points = a->options.points;
    int r;
    if (points != 24 && points != 48 && points != 96)
        return complain("--points", "24, 48 or 96");
    r = take_zone(a);
    if (r == 0 && !a->options.learn)
        r = take_last_day(a);
    if (r == 0)
        r = attest(a);
    return r ? r : list_clients(a, &a->n_clients);
}

static int open_store(struct app *a, const struct plan *plan, struct source **ret)
{
    struct source_store o = {.open_kv = open_kv,
                             .user = a,
                             .tz = a->tz,
                             .east_s = a->east_s,
                             .span = plan_span(plan),
                             .points = (uint32_t)a->options.points,
                             .clients = a->clients,
                             .n_clients = a->n_clients};
    a->plan.calendar = true;
    if (a->plan.mode != MODE_CORRELATION && !a->options.map)
        o.keep_bytes = (uint64_t)a->options.keep_mib << 20;
    if (source_store_open(ret, &o))
        return fail("store");
    if (plan->mode == MODE_FULL && !a->options.phasors)
        source_want_phasors(*ret, plan->windows.test.first);
    return 0;
}

static int open_source(void *user, const struct plan *plan, struct source **ret)
{
    struct app *a = user;
    return a->options.store ? open_store(a, plan, ret) : open_file(a, plan, ret);
}

/* ---- map ----------------------------------------------------------------------------------- */

static int load_map(struct app *a)
{
    char label[SG_SOM_LABEL_MAX + 1];
    uint64_t seed;
    int r = sg_som_map_load(a->options.map, &a->map, label, &seed);
    if (r < 0)
        return fail(a->options.map);
    if (r)
        return complain(a->options.map, "not a map");
    if (strcmp(label, SG_PAPER_LABEL) != 0)
        return complain(a->options.map, "a map of other vectors than those of --mode paper");
    if (sg_som_shape(a->map)->points != source_points(a->source))
        return complain(a->options.map, "a map of days with another number of intervals");
    return 0;
}

/* What came of a pass, as an exit status; a failure was said by its thread. */
static int judge_pass(const struct app *a, int r)
{
    if (r == FLEET_NO_MAP)
        return complain("map", "no customer has regular days to train it on");
    if (r == SOURCE_BAD)
        return complain(a->options.input, source_why(a->source));
    if (r == BALANCES_TOO_LARGE)
        return r;
    return r ? EXIT_UNUSABLE : 0;
}

/* Runs a pass; a file whose customers lie apart is sorted first and the pass run again. */
static int run_pass(struct app *a, int (*pass)(struct app *a))
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
            return fail(a->options.input);
        r = r ? r : pass(a);
    }
    a->seconds_score = (double)(sg_clock_monotonic_ns() - begun) / 1e9;
    return judge_pass(a, r);
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
        return fail(a->options.map);
    if (r)
        return complain(a->options.map, r == SG_FULL_FILE_VERSION
                                            ? "a model of another version of this program"
                                            : "not a model of --mode full");
    if (memcmp(sg_full_model_windows(a->full), &a->plan.windows, sizeof(a->plan.windows)) != 0)
        return complain(a->options.map, "a model made for other windows of days");
    return 0;
}

static int make_paper(struct app *a);

/* A fleet too small to learn from is still ranked, by the simpler mode. */
static int learn_from_few(struct app *a)
{
    const struct fraud_options *o = &a->options;
    if (o->save_map || o->learn || o->energy_out || !strcmp(o->order, "energy"))
        return complain("--mode full", "fewer than 24 customers with regular and recent days");
    fprintf(stderr, "sealgrid-fraud: fewer than 24 customers with regular and recent days: ranked "
                    "by --mode paper\n");
    a->plan.mode = MODE_PAPER;
    return make_paper(a);
}

static int learn_full(struct app *a)
{
    int r = run_pass(a, pass_learn);
    a->seconds_train = a->seconds_score;
    if (r == 0 && a->too_few)
        return learn_from_few(a);
    if (r == 0 && a->options.save_map && sg_full_save(a->full, a->options.save_map))
        return fail(a->options.save_map);
    return r;
}

static int make_full(struct app *a)
{
    if (!a->options.map && a->options.client)
        return complain("--client", "in mode full with --map of a fleet (made by --save-map)");
    int r = a->options.map ? load_full(a) : learn_full(a);
    a->fleet.full = a->full;
    return r;
}

static int make_paper(struct app *a)
{
    if (a->options.map)
        return load_map(a);
    if (a->options.client)
        return complain("--client", "in mode paper with --map of a fleet (made by --save-map)");
    int r = run_pass(a, pass_train);
    a->seconds_train = a->seconds_score;
    if (r == 0 && a->options.save_map &&
        sg_som_map_save(a->map, SG_PAPER_LABEL, a->fleet.seed, a->options.save_map))
        return fail(a->options.save_map);
    return r;
}

static int make_map(struct app *a)
{
    return a->plan.mode == MODE_FULL    ? make_full(a)
           : a->plan.mode == MODE_PAPER ? make_paper(a)
                                        : 0;
}

/* ---- run ----------------------------------------------------------------------------------- */

static struct fleet_result result;

static int pass_score(struct app *a)
{
    return fleet_score(&a->fleet, a->map, &result);
}

static int write_drop(const char *path, const struct plan *plan)
{
    SG_CLEANUP(ranking_clear) struct ranking drop = {.lines = NULL};
    int r = ranking_by_drop(&result.ranking, &drop);
    return r ? r : ranking_write(&drop, plan, path);
}

static int write_energy(const char *path, const struct plan *plan)
{
    SG_CLEANUP(ranking_clear) struct ranking energy = {.lines = NULL};
    int r = ranking_by_energy(&result.ranking, &result.odds, &energy);
    return r ? r : ranking_write(&energy, plan, path);
}

static int write_page(const struct app *a, const struct report *report)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(PAGE_BYTES_MAX);
    const struct page page = {.report = report,
                              .capacity = (size_t)a->options.capacity,
                              .language = !strcmp(a->options.lang, "pt") ? SG_PT_BR : SG_EN,
                              .dated = source_dated(a->source)};
    int r = page_make(&page, &text);
    return r ? r : sg_file_write_atomic(a->options.page, sg_buf_bytes(&text), 0600);
}

static int write_out(struct app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(JSON_MAX);
    const struct fraud_options *o = &a->options;
    struct verdict verdict;
    struct report report = {.plan = &a->plan,
                            .result = &result,
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
    if (o->labels && result.ranking.n_unjudged < result.ranking.n) {
        if (labels_judge(&a->labels, &result.ranking, (uint32_t)o->rounds, a->fleet.seed, &verdict))
            return fail(o->labels);
        report.verdict = &verdict;
        report.labels = &a->labels;
    }
    if (o->out && ranking_write(&result.ranking, &a->plan, o->out))
        return fail(o->out);
    if (o->drop_out && write_drop(o->drop_out, &a->plan))
        return fail(o->drop_out);
    if (o->energy_out && write_energy(o->energy_out, &a->plan))
        return fail(o->energy_out);
    if (o->page && write_page(a, &report))
        return fail(o->page);
    if (o->json && (report_json(&report, &text) || sg_file_write_report("-", sg_buf_bytes(&text))))
        return fail("summary");
    if (!o->json && !(o->out && !strcmp(o->out, "-")))
        report_print(&report);
    return o->client && result.ranking.n_unjudged ? EXIT_UNJUDGED : 0;
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
    int r = run_pass(a, pass_odds);
    odds_find(&a->odds);
    a->fleet = kept;
    a->fleet.odds = &a->odds;
    return r;
}

static int score(struct app *a)
{
    int r = make_map(a);
    if (r == 0)
        r = find_odds(a);
    if (r == 0)
        r = run_pass(a, pass_score);
    if (r)
        return r;
    if (a->options.client && result.ranking.n == 0)
        return complain("--client", "not in the file");
    return write_out(a);
}

/* ---- inspections --------------------------------------------------------------------------- */

static int count_drift(void *ctx, const struct line *l, const float *features)
{
    const struct app *a = ctx;
    sg_drift_add(a->drift, features, (float)l->unsupervised, l->margin);
    return 0;
}

static int take_learned(struct app *a)
{
    const char *path = a->options.learned;
    if (!path)
        return 0;
    if (a->plan.mode != MODE_FULL)
        return complain("--learned", "goes with --mode full");
    int r = sg_learned_load(path, &a->learned);
    if (r)
        return r < 0 ? fail(path)
                     : complain(path, r == SG_LEARNED_VERSION ? "of a version not known here"
                                                              : "not a learnt ranking");
    if (!learn_fits(a->learned))
        return complain(path, "learnt from other features than this program has: learn again");
    return sg_drift_new(&a->drift, a->learned) ? fail(path) : 0;
}

static int take_outcomes(struct app *a)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    const char *path = a->options.outcomes;
    char why[160];
    int r;
    if (path) {
        r = outcomes_read(&a->outcomes, path, why);
        return r < 0 ? fail(path) : r ? complain(path, why) : 0;
    }
    if (!a->options.store)
        return complain("--learn", "--outcomes F, or --store with its table inspection");
    if (open_kv(a, &kv))
        return fail("store");
    r = outcomes_from_store(&a->outcomes, kv, a->clients, a->n_clients);
    return r < 0 ? fail("store") : r ? complain("--learn", "no inspection in the store") : 0;
}

static int say_what_was_learnt(const struct app *a, const struct learn_result *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(JSON_MAX);
    struct sg_json j;
    if (!a->options.json) {
        learn_print(r);
        return 0;
    }
    sg_json_init(&j, &text);
    learn_json(r, a->outcomes.dated, &j);
    return sg_json_done(&j) || sg_file_write_report("-", sg_buf_bytes(&text)) ? fail("summary") : 0;
}

static int complain_of_learning(const struct app *a, int r)
{
    if (r == LEARN_NO_OUTCOME)
        return complain("--outcomes", "no inspection of a judged customer after its windows");
    if (r == LEARN_TOO_LONG)
        return complain("--learn-step", "too short for so long a time: at most 400 steps");
    if (r == LEARN_OPEN)
        return EXIT_UNUSABLE;
    return r < 0 ? fail("--learn") : judge_pass(a, r);
}

static int learn(struct app *a)
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
                                  .open = open_source,
                                  .sort_bytes = (uint64_t)o->sort_mib << 20,
                                  .user = a};
    r = learn_run(&job, &result_of_learning);
    if (r)
        return complain_of_learning(a, r);
    const bool better = result_of_learning.learned != NULL;
    if (better && sg_learned_save(result_of_learning.learned, o->learn))
        r = fail(o->learn);
    if (r == 0)
        r = say_what_was_learnt(a, &result_of_learning);
    learn_result_clear(&result_of_learning);
    return r ? r : better ? 0 : EXIT_UNJUDGED;
}

static int take_facts(struct app *a)
{
    const char *path = a->options.context, *holidays = a->options.holidays;
    char why[CONTEXT_WHY_MAX];
    int r = path ? context_read(&a->facts, path, why) : 0;
    if (r)
        return r < 0 ? fail(path) : complain(path, why);
    r = holidays ? context_read_holidays(&a->facts, holidays, why) : 0;
    if (r)
        return r < 0 ? fail(holidays) : complain(holidays, why);
    return 0;
}

/* --phasors F: judged by the same windows, if they are of the calendar; else each customer's last
 * days. */
static int take_phasors(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const struct plan *plan = &a->plan;
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    char why[PHASORS_WHY_MAX];
    if (!o->phasors || !strcmp(o->phasors, "none"))
        return 0;
    if (plan->mode != MODE_FULL)
        return complain("--phasors", "goes with --mode full");
    int r = a->tz || o->store ? 0 : take_zone(a);
    if (r)
        return r;
    const int64_t first_s = (int64_t)plan->windows.test.first * 86400;
    c.east_s = a->tz ? sg_tz_at(a->tz, first_s).east_s : a->east_s;
    c.recent_days = (uint32_t)(plan->windows.test.last - plan->windows.test.first + 1);
    if (plan->fixed && plan->dated)
        c.recent_from_s = first_s - c.east_s;
    r = phasors_read(&a->phasors, o->phasors, &c, why);
    if (r)
        return r < 0 ? fail(o->phasors) : complain(o->phasors, why);
    return 0;
}

static int take_labels(struct app *a)
{
    char why[160];
    int r = a->options.labels ? labels_read(&a->labels, a->options.labels, why) : 0;
    if (r)
        return r < 0 ? fail(a->options.labels) : complain(a->options.labels, why);
    return 0;
}

/* Those of the JSON, and those of the page. */
static size_t pictures_wanted(const struct fraud_options *o)
{
    const size_t on_page = o->page ? (size_t)o->capacity : 0;
    return (size_t)o->profiles > on_page ? (size_t)o->profiles : on_page;
}

/* ---- transformers -------------------------------------------------------------------------- */

static int pass_balance(struct app *a)
{
    const uint64_t most = (uint64_t)a->options.keep_mib << 20;
    return balances_make(&a->balances, &a->topology, a->source, &a->plan, most);
}

/* The store is asked for the transformers' customers alone, one transformer after the other. */
static int balance_store(struct app *a)
{
    SG_CLEANUP(source_freep) struct source *source = NULL;
    struct source_store o = {.open_kv = open_kv,
                             .user = a,
                             .tz = a->tz,
                             .east_s = a->east_s,
                             .span = plan_span(&a->plan),
                             .points = (uint32_t)a->options.points};
    int64_t *clients;
    const char *bad = topology_clients(&a->topology, &clients, &o.n_clients);
    if (bad)
        return complain("--topology", bad);
    o.clients = clients;
    int r = source_store_open(&source, &o);
    if (r == 0)
        r = balances_make(&a->balances, &a->topology, source, &a->plan,
                          (uint64_t)a->options.keep_mib << 20);
    free(clients);
    return r;
}

/* That of the last day read, from the store's table or a file. */
static int take_topology(struct app *a, char why[TOPOLOGY_WHY_MAX])
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    const char *path = a->options.topology;
    if (!a->options.store || strcmp(path, "store") != 0)
        return topology_read(&a->topology, path, why);
    int r = open_kv(a, &kv);
    return r ? r
             : topology_from_store(&a->topology, kv, a->clients, a->n_clients,
                                   a->plan.windows.test.last, why);
}

static int make_balances(struct app *a)
{
    const struct fraud_options *o = &a->options;
    char why[TOPOLOGY_WHY_MAX];
    if (!a->plan.fixed)
        return complain("--topology", "with --input it wants --reference-days and --test-days");
    int r = take_topology(a, why);
    if (r)
        return r < 0 ? fail(o->topology) : complain(o->topology, why);
    r = o->store ? balance_store(a) : run_pass(a, pass_balance);
    if (r == BALANCES_TOO_LARGE)
        return complain("--topology", "customers of too many transformers at once: --keep-mib, or "
                                      "rows of one transformer's customers together");
    if (r)
        return r < 0 ? fail("--topology") : r;
    if (o->balance && balances_write(&a->balances, o->balance))
        return fail(o->balance);
    return 0;
}

/* Energy is known of mode full alone, and odds of a fleet alone. */
static int check_order(const struct app *a)
{
    const struct fraud_options *o = &a->options;
    const bool energy = !strcmp(o->order, "energy");
    if (!energy && strcmp(o->order, "chance") != 0)
        return complain("--order", "chance or energy");
    if ((energy || o->energy_out) && (a->plan.mode != MODE_FULL || o->client || o->learn))
        return complain(energy ? "--order energy" : "--energy-out",
                        "goes with --mode full, without --client, --learn");
    return 0;
}

/* What a ranking does not hold in memory lies beside it; NULL: it goes nowhere. */
static const char *folder_of(struct app *a)
{
    const char *out = a->options.out, *slash = out ? strrchr(out, '/') : NULL;
    if (!out || !strcmp(out, "-"))
        return NULL;
    if (!slash)
        return ".";
    const size_t n = slash == out ? 1 : (size_t)(slash - out);
    if (n >= sizeof(a->folder))
        return NULL;
    memcpy(a->folder, out, n);
    a->folder[n] = 0;
    return a->folder;
}

static int run(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const char *why;
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int r = plan_make(&a->plan, o, &why);
    if (r)
        return r < 0 ? fail("plan") : complain("usage", why);
    if (!o->input == !o->store)
        return complain("usage", "--input F or --store");
    if (o->learn && (a->plan.mode != MODE_FULL || o->out || o->page || o->labels || o->client))
        return complain("--learn",
                        "goes with --mode full, without --out, --page, --labels, --client");
    if (o->outcomes && !o->learn)
        return complain("--outcomes", "goes with --learn");
    if (!o->topology != !o->balance && !o->topology)
        return complain("--balance", "goes with --topology");
    if (o->topology && o->learn)
        return complain("--topology", "goes without --learn");
    if (o->phasors && strcmp(o->phasors, "none") != 0 && o->learn)
        return complain("--phasors", "a file of them goes without --learn; the store has its own");
    if (!o->out && !o->json && !o->labels && !o->client && !o->page && !o->learn && !o->balance)
        return complain("usage",
                        "--out F, --page F, --json or --labels L: nothing would come of it");
    if (o->save_map && (o->map || a->plan.mode == MODE_CORRELATION))
        return complain("--save-map",
                        "no map is trained: it goes with --mode paper or full, without --map");
    if (strcmp(o->lang, "en") != 0 && strcmp(o->lang, "pt") != 0)
        return complain("--lang", "en or pt");
    if (o->json && o->out && !strcmp(o->out, "-"))
        return complain("usage", "--json and --out - both want standard output");
    r = check_order(a);
    if (r == 0)
        r = take_labels(a);
    if (r == 0)
        r = take_facts(a);
    if (r == 0)
        r = take_learned(a);
    if (r == 0 && !o->store)
        r = take_phasors(a);
    if (r == 0 && o->store)
        r = prepare_store(a);
    if (r == 0 && o->store)
        r = take_phasors(a);
    if (r == 0 && !o->learn)
        r = open_source(a, &a->plan, &a->source);
    if (r)
        return r;
    a->fleet = (struct fleet){.plan = &a->plan,
                              .source = a->source,
                              .threads = o->threads ? (unsigned)o->threads
                                                    : (unsigned)(cpus < 1 ? 1 : cpus),
                              .seed = (uint64_t)o->seed,
                              .only = o->client,
                              .learned = a->learned,
                              .seen = a->learned ? count_drift : NULL,
                              .seen_ctx = a,
                              .phasors = &a->phasors,
                              .balances = &a->balances,
                              .pictures = pictures_wanted(o),
                              .room = {.folder = folder_of(a)},
                              .facts = &a->facts,
                              .progress = o->progress || isatty(STDERR_FILENO)};
    if (o->topology)
        r = make_balances(a);
    return r ? r : o->learn ? learn(a) : score(a);
}

int main(int argc, char **argv)
{
    struct app a = {.source = NULL};
    int first, r;
    if (sg_process_harden())
        return fail("start");
    sg_log_init("fraud", SG_LOG_WARN);
    if (argc > 1 && !strcmp(argv[1], "simulate-inspections"))
        return simulate_main(argc - 1, argv + 1);
    r = sg_conf_parse(&fraud_table, argc, argv, &a.options, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&a);
    fleet_result_clear(&result);
    source_free(a.source);
    sg_som_free(a.map);
    sg_full_model_free(a.full);
    labels_clear(&a.labels);
    context_files_clear(&a.facts);
    phasors_clear(&a.phasors);
    topology_clear(&a.topology);
    balances_clear(&a.balances);
    outcomes_clear(&a.outcomes);
    sg_drift_free(a.drift);
    sg_learned_free(a.learned);
    sg_tz_free(a.tz);
    free(a.clients);
    sg_cas_grant_clear(&a.grant);
    sg_conf_clear(&fraud_table, &a.options);
    return r;
}
