/*
 * simulate-main - options and files of a study of inspections.
 */
#include "simulate-main.h"

#include "simulate-report.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/base/yaml.h>
#include <sealgrid/meter/rows.h>

#define EXIT_UNUSABLE 2
#define CURVE_POINTS  20
#define CURVE_ASKED   4 /* the fifth: the curve ends at four times what was asked */
#define CAPACITY_MAX  1e6
#define MONEY_MAX     1e9
#define JSON_MAX      (64u << 20)

/* O(kind, member, name, default, min, max, required, help) */
#define SIM_OPTIONS(O)                                                                             \
    O(STRING, ranking, "ranking", NULL, 0, 0, false, "ranking, CSV: customer,score,...")           \
    O(STRING, labels, "labels", NULL, 0, 0, false,                                                 \
      "who steals how much, CSV: customer,label[,start_day,true_kwh..,reported_kwh..]")            \
    O(STRING, dir, "dir", NULL, 0, 0, false,                                                       \
      "instead of these: folder of a demo's run, whose simulator knows the thieves")               \
    O(STRING, drop, "drop", NULL, 0, 0, false,                                                     \
      "to compare: ranking by fall of consumption alone (sealgrid-fraud --drop-out)")              \
    O(LIST, against, "against", NULL, 0, 0, false, "to compare: a further ranking, NAME=F.csv")    \
    O(INT, end_day, "end-day", "-1", -1, 10000000, false,                                          \
      "day after the last one of the labels' energies, as start_day counts")                       \
    O(INT, stolen_days, "stolen-days", "30", 1, 36500, false,                                      \
      "days that the labels' energies cover, where start_day or --end-day is not told")            \
    O(STRING, capacity, "capacity", "20", 0, 0, false, "visits that can be made")                  \
    O(STRING, capacities, "capacities", NULL, 0, 0, false,                                         \
      "instead: several, as 10,20,50, each told; the page speaks of the first")                    \
    O(STRING, per, "per", "week", 0, 0, false, "in a day (of five a week) or in a week")           \
    O(INT, weeks, "weeks", "4", 1, SIM_WEEKS_MAX, false, "that the campaign lasts")                \
    O(STRING, visit_cost, "visit-cost", "150", 0, 0, false, "of one visit, in the currency")       \
    O(STRING, kwh_price, "kwh-price", "0.80", 0, 0, false, "of one kWh recovered")                 \
    O(STRING, currency, "currency", "BRL", 0, 0, false, "ISO 4217")                                \
    O(STRING, no_access, "no-access", "0.10", 0, 0, false,                                         \
      "share of visits at which nobody opens")                                                     \
    O(INT, attempts, "attempts", "2", 1, SIM_ATTEMPTS_MAX, false,                                  \
      "visits to a customer until one gets in")                                                    \
    O(INT, retry_days, "retry-days", "7", 0, 3650, false, "between them")                          \
    O(STRING, missed, "missed", "0.10", 0, 0, false, "share of thieves that a visit overlooks")    \
    O(INT, horizon_days, "horizon-days", "365", 0, SIM_DAYS_MAX, false,                            \
      "until when a stopped theft counts, from the campaign's first day")                          \
    O(STRING, billed_share, "billed-share", "0.50", 0, 0, false,                                   \
      "share of what was hidden before the visit that is billed and paid")                         \
    O(INT, rounds, "rounds", "200", 1, SIM_ROUNDS_MAX, false, "simulated campaigns")               \
    O(INT, seed, "seed", "1", 0, INT64_MAX, false, "of chance")                                    \
    O(STRING, page, "page", NULL, 0, 0, false, "file for the page")                                \
    O(STRING, lang, "lang", "en", 0, 0, false, "language that the page shows first: en, pt")       \
    O(STRING, json, "json", NULL, 0, 0, false, "file for the figures; - is standard output")       \
    O(STRING, outcomes_out, "outcomes-out", NULL, 0, 0, false,                                     \
      "file for one campaign's outcomes: customer,inspected_day,outcome,kwh")                      \
    O(STRING, first_day, "first-day", NULL, 0, 0, false,                                           \
      "of the campaign in that file: a date, or a day's number; without it --end-day")             \
    O(STRING, outcomes_of, "outcomes-of", "ranking", 0, 0, false,                                  \
      "whose order of visits they follow: ranking, drop, NAME, random")

struct sim_options {
    SIM_OPTIONS(SG_CONF_MEMBER)
};

#define ROW(...) SG_CONF_ROW(struct sim_options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {SIM_OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {
    .program = "sealgrid-fraud simulate-inspections",
    .summary = "what campaigns of inspections by a ranking would find",
    .options = rows,
    .n = sizeof(rows) / sizeof(rows[0])};

struct sim_app {
    struct sim_options options;
    struct labels labels;
    struct world world;
    struct sim_study study;
    double capacities[CURVE_POINTS]; /* a week */
    size_t n_capacities;
    struct sim_result *results;
    char ranking[PATH_MAX], labels_path[PATH_MAX], drop[PATH_MAX];
    struct world_days days;
    int64_t first_day; /* of the campaign, in a file of outcomes */
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-fraud simulate-inspections: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

static int fail(const char *what)
{
    return complain(what, sg_error_trace());
}

/* ---- options ------------------------------------------------------------------------------- */

static int take_number(const char *name, const char *text, double least, double most, double *ret)
{
    char *end, why[96];
    const double v = strtod(text, &end);
    snprintf(why, sizeof(why), "a number from %.3g to %.3g", least, most);
    if (end == text || *end || !(v >= least && v <= most))
        return complain(name, why);
    *ret = v;
    return 0;
}

static double visits_a_week(const struct sim_options *o)
{
    return strcmp(o->per, "day") != 0 ? 1 : 5;
}

/* Those given, rising; or evenly spaced: a fifth of what was asked for, and so on. */
static int take_capacities(struct sim_app *a)
{
    const char *text = a->options.capacities;
    const double week = visits_a_week(&a->options);
    for (size_t i = 0; !text && i < CURVE_POINTS; i++)
        a->capacities[i] = a->study.campaign.visits_week * (double)(i + 1) / (CURVE_ASKED + 1);
    a->n_capacities = text ? 0 : CURVE_POINTS;
    while (text) {
        char one[32];
        double v;
        const size_t n = strcspn(text, ",");
        if (a->n_capacities == CURVE_POINTS || n >= sizeof(one))
            return complain("--capacities", "at most 20 numbers");
        memcpy(one, text, n);
        one[n] = 0;
        if (take_number("--capacities", one, 0.1, CAPACITY_MAX, &v))
            return EXIT_UNUSABLE;
        if (a->n_capacities && v * week <= a->capacities[a->n_capacities - 1])
            return complain("--capacities", "rising numbers");
        a->capacities[a->n_capacities++] = v * week;
        text = text[n] ? text + n + 1 : NULL;
    }
    if (a->options.capacities)
        a->study.campaign.visits_week = a->capacities[0];
    return 0;
}

static int take_campaign(struct sim_app *a)
{
    const struct sim_options *o = &a->options;
    struct sim_campaign *c = &a->study.campaign;
    *c = (struct sim_campaign){.weeks = (uint32_t)o->weeks,
                               .attempts = (uint32_t)o->attempts,
                               .retry_days = (uint32_t)o->retry_days,
                               .horizon_days = (uint32_t)o->horizon_days};
    int r = take_number("--capacity", o->capacity, 0.1, CAPACITY_MAX, &c->visits_week);
    if (r == 0)
        r = take_number("--visit-cost", o->visit_cost, 0, MONEY_MAX, &c->visit_cost);
    if (r == 0)
        r = take_number("--kwh-price", o->kwh_price, 0, MONEY_MAX, &c->kwh_price);
    if (r == 0)
        r = take_number("--no-access", o->no_access, 0, 1, &c->no_access);
    if (r == 0)
        r = take_number("--missed", o->missed, 0, 1, &c->missed);
    if (r == 0)
        r = take_number("--billed-share", o->billed_share, 0, 1, &c->billed_share);
    if (r)
        return r;
    if (strcmp(o->per, "day") != 0 && strcmp(o->per, "week") != 0)
        return complain("--per", "day or week");
    c->visits_week *= visits_a_week(o);
    return take_capacities(a);
}

static void make_study(struct sim_app *a)
{
    a->study.customers = a->world.customers;
    a->study.n = a->world.n;
    a->study.n_orders = a->world.n_orders;
    for (size_t i = 0; i < a->world.n_orders; i++)
        a->study.orders[i] = a->world.orders[i].order;
    a->study.capacities = a->capacities;
    a->study.n_capacities = a->n_capacities;
    a->study.rounds = (uint32_t)a->options.rounds;
    a->study.seed = (uint64_t)a->options.seed;
}

/* ---- files --------------------------------------------------------------------------------- */

/* The period of a fleet: where its days end, and the date of that. */
static int take_period(struct sim_app *a, const struct sg_yaml_node *root, const char *path)
{
    const struct sg_yaml_node *days = sg_yaml_get(root, "days"),
                              *start = sg_yaml_get(root, "start");
    int64_t start_s;
    double n;
    if (!days || !days->text || take_number("days", days->text, 1, 36600, &n) || !start ||
        !start->text || sg_time_parse(start->text, &start_s))
        return complain(path, "days and start are wanted");
    if (a->options.end_day < 0)
        a->options.end_day = (int64_t)n;
    a->first_day = start_s / 86400 + (int64_t)n;
    return 0;
}

static int read_period(struct sim_app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml y = {NULL, 0};
    struct sg_yaml_error why;
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/fleet/fleet.yaml", a->options.dir) >= (int)sizeof(path))
        return complain(a->options.dir, "too long");
    if (sg_file_read(path, &text))
        return fail(path);
    int r = sg_yaml_parse(&y, sg_buf_bytes(&text), &why);
    if (r)
        return r < 0 ? fail(path) : complain(path, why.text);
    return take_period(a, &y.nodes[0], path);
}

/* When the campaign begins: told, or after the period, or on day 0. */
static int take_first_day(struct sim_app *a)
{
    const char *text = a->options.first_day;
    int32_t date;
    double n;
    if (!text)
        a->first_day = a->first_day             ? a->first_day
                       : a->options.end_day < 0 ? 0
                                                : a->options.end_day;
    else if (plan_date(text, &date))
        a->first_day = date;
    else if (take_number("--first-day", text, 0, SG_ROW_DAY_MAX, &n))
        return EXIT_UNUSABLE;
    else
        a->first_day = (int64_t)n;
    return 0;
}

static int take_paths(struct sim_app *a)
{
    struct sim_options *o = &a->options;
    const char *dir = o->dir ? o->dir : "";
    if (dir[0] ? o->ranking && o->labels : !o->ranking || !o->labels)
        return complain("usage", "--ranking F and --labels L, or --dir D");
    if (strlen(dir) > PATH_MAX - 64)
        return complain(dir, "too long");
    snprintf(a->ranking, PATH_MAX, "%s%s", o->ranking ? "" : dir,
             o->ranking ? o->ranking : "/out/fraud.csv");
    snprintf(a->labels_path, PATH_MAX, "%s%s", o->labels ? "" : dir,
             o->labels ? o->labels : "/fleet/fraud-labels.csv");
    snprintf(a->drop, PATH_MAX, "%s%s", o->drop ? "" : dir,
             o->drop ? o->drop : "/out/fraud-drop.csv");
    if (!o->drop && (!dir[0] || access(a->drop, R_OK) < 0))
        a->drop[0] = 0;
    int r = dir[0] ? read_period(a) : 0;
    return r ? r : take_first_day(a);
}

static int read_ranking(const char *path, struct ranking_file *ret)
{
    char why[RANKING_FILE_WHY_MAX];
    int r = ranking_file_read(ret, path, why);
    return r == 0 ? 0 : r < 0 ? fail(path) : complain(path, why);
}

static int add(struct sim_app *a, const char *name, const char *path)
{
    SG_CLEANUP(ranking_file_clear) struct ranking_file f = {.list = NULL};
    for (size_t i = 0; i < a->world.n_orders; i++)
        if (!strcmp(a->world.orders[i].name, name))
            return complain(name, "two rankings of one name");
    int r = read_ranking(path, &f);
    if (r)
        return r;
    return world_add(&a->world, name, &f) ? fail(name) : 0;
}

static int add_against(struct sim_app *a, const char *text)
{
    char name[WORLD_NAME_MAX + 1];
    const char *equals = strchr(text, '=');
    const size_t n = equals ? (size_t)(equals - text) : 0;
    if (n < 1 || n > WORLD_NAME_MAX)
        return complain("--against", "NAME=F.csv, NAME of 1 to 31 octets");
    memcpy(name, text, n);
    name[n] = 0;
    if (!strcmp(name, "random") || !strcmp(name, "best"))
        return complain(name, "a name of our own");
    return add(a, name, equals + 1);
}

/* A further ranking of a demo's run, if it was made. */
static int add_of_run(struct sim_app *a, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.4000s/out/fraud-%.16s.csv", a->options.dir, name);
    return access(path, R_OK) < 0 ? 0 : add(a, name, path);
}

static int read_world(struct sim_app *a)
{
    SG_CLEANUP(ranking_file_clear) struct ranking_file first = {.list = NULL};
    char why[160];
    int r = labels_read(&a->labels, a->labels_path, why);
    if (r)
        return r < 0 ? fail(a->labels_path) : complain(a->labels_path, why);
    r = read_ranking(a->ranking, &first);
    if (r)
        return r;
    a->days = (struct world_days){(int32_t)a->options.end_day, (double)a->options.stolen_days};
    r = world_make(&a->world, &a->labels, &first, a->days);
    if (r)
        return r < 0 ? fail(a->ranking) : complain(a->ranking, "no customer of it has a label");
    if (a->world.thieves == 0)
        return complain(a->labels_path, "no thief among the customers of the ranking");
    r = a->drop[0] ? add(a, "drop", a->drop) : 0;
    if (r == 0 && a->options.dir)
        r = add_of_run(a, "energy");
    if (r == 0 && a->options.dir)
        r = add_of_run(a, "paper");
    for (size_t i = 0; r == 0 && i < a->options.against.n; i++)
        r = add_against(a, a->options.against.items[i]);
    return r;
}

/* ---- outcomes ------------------------------------------------------------------------------ */

struct outcomes {
    const struct sim_app *a;
    struct sg_buf text;
};

/* What is found is measured: what was hidden until then. */
static int put_outcome(void *user, uint32_t index, uint32_t day, enum sim_outcome outcome)
{
    struct outcomes *o = user;
    const struct sim_customer *one = &o->a->world.customers[index];
    static const enum sg_row_outcome words[] = {[SIM_NO_ACCESS] = SG_OUTCOME_NO_ACCESS,
                                                [SIM_FOUND] = SG_OUTCOME_FRAUD,
                                                [SIM_REGULAR] = SG_OUTCOME_NOTHING};
    const char *id = o->a->world.labels[index]->id, *quote = strchr(id, ',') ? "\"" : "";
    int r = sg_buf_printf(&o->text, "%s%s%s,%lld,%s,", quote, id, quote,
                          (long long)(o->a->first_day + day), sg_row_outcome_word(words[outcome]));
    if (r == 0 && outcome == SIM_FOUND)
        r = sg_buf_printf(&o->text, "%.1f", one->kwh_day * (one->days_before + day));
    else if (r == 0 && outcome == SIM_REGULAR)
        r = sg_buf_printf(&o->text, "0");
    return r ? r : sg_buf_append_u8(&o->text, '\n');
}

static int random_order(const struct sim_app *a, uint32_t **ret)
{
    struct sg_prng p;
    uint32_t *order = calloc(a->world.n, sizeof(*order));
    if (!order)
        return sg_raise(-ENOMEM);
    sg_prng_seed2(&p, (uint64_t)a->options.seed, UINT64_MAX);
    for (size_t i = 0; i < a->world.n; i++) {
        const size_t k = sg_prng_below(&p, i + 1);
        order[i] = order[k];
        order[k] = (uint32_t)i;
    }
    *ret = order;
    return 0;
}

static int find_order(const struct sim_app *a, uint32_t **ret)
{
    const char *of = a->options.outcomes_of;
    if (!strcmp(of, "random"))
        return random_order(a, ret);
    for (size_t i = 0; i < a->world.n_orders; i++)
        if (!strcmp(of, a->world.orders[i].name)) {
            uint32_t *order = calloc(a->world.n, sizeof(*order));
            if (!order)
                return sg_raise(-ENOMEM);
            memcpy(order, a->world.orders[i].order, a->world.n * sizeof(*order));
            *ret = order;
            return 0;
        }
    return complain("--outcomes-of", "no ranking of that name");
}

static int write_outcomes(const struct sim_app *a)
{
    struct outcomes o = {.a = a, .text = SG_BUF_INIT((size_t)1 << 30)};
    SG_FREE uint32_t *order = NULL;
    double figures[SIM_N_FIGURES];
    int r = a->options.outcomes_out ? find_order(a, &order) : 0;
    if (r || !a->options.outcomes_out)
        return r < 0 ? fail("outcomes") : r;
    r = sg_buf_printf(&o.text, "customer,inspected_day,outcome,kwh\n");
    if (r == 0)
        r = sim_campaign_run(a->world.customers, a->world.n, order, &a->study.campaign,
                             a->study.seed, put_outcome, &o, figures);
    if (r == 0)
        r = sg_file_write_atomic(a->options.outcomes_out, sg_buf_bytes(&o.text), 0600);
    sg_buf_clear(&o.text);
    return r ? fail(a->options.outcomes_out) : 0;
}

/* ---- run ----------------------------------------------------------------------------------- */

static int write_out(const struct sim_app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(SIM_PAGE_MAX);
    const struct sim_options *o = &a->options;
    const struct sim_report report = {.world = &a->world,
                                      .study = &a->study,
                                      .results = a->results,
                                      .asked = o->capacities ? 0 : CURVE_ASKED,
                                      .each = o->capacities != NULL,
                                      .currency = o->currency,
                                      .language = !strcmp(o->lang, "pt") ? SG_PT_BR : SG_EN};
    if (o->page && (sim_report_page(&report, &page) ||
                    sg_file_write_atomic(o->page, sg_buf_bytes(&page), 0600)))
        return fail(o->page);
    if (o->json &&
        (sim_report_json(&report, &text) || sg_file_write_report(o->json, sg_buf_bytes(&text))))
        return fail(o->json);
    if (!o->json || strcmp(o->json, "-") != 0)
        sim_report_print(&report);
    return write_outcomes(a);
}

static int run(struct sim_app *a)
{
    int r = take_campaign(a);
    if (r == 0 && strcmp(a->options.lang, "en") != 0 && strcmp(a->options.lang, "pt") != 0)
        r = complain("--lang", "en or pt");
    if (r == 0 && strlen(a->options.currency) != 3)
        r = complain("--currency", "three letters, BRL");
    if (r == 0)
        r = take_paths(a);
    if (r == 0)
        r = read_world(a);
    if (r)
        return r;
    make_study(a);
    return sim_study_run(&a->study, &a->results) ? fail("simulation") : write_out(a);
}

int simulate_main(int argc, char **argv)
{
    static struct sim_app a;
    int first, r = sg_conf_parse(&table, argc, argv, &a.options, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&a);
    free(a.results);
    world_clear(&a.world);
    labels_clear(&a.labels);
    sg_conf_clear(&table, &a.options);
    return r;
}
