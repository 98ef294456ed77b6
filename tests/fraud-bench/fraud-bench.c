/*
 * fraud-bench [--table | --changes | --spell | --gaps | --write PREFIX] [--hard] [--part 0|1]
 * [--seed N] [ROWS] - what mode full finds of thefts that this program injects, as the shared
 * benchmark was made but with thieves of its own, into buildings of one part (ROWS:
 * cambridge_hourly_shared.csv.gz in $SEALGRID_DATA or ../shared/data).
 *
 *   (nothing)  one fleet of part 0; fails if the score finds less than it did when it was made
 *   --table    what each part of the score brings: figures without it
 *   --changes  honest customers whose premises fall vacant, who get panels or another tariff, who
 *              keep holidays or are away, and thieves among them: share of them among the first
 *              tenth of the ranking and median place (0 first, 1 last), without the fact and with
 *   --spell    all customers of like weather draw a third less in the recent days: with peers and
 *              without
 *   --gaps     every thief loses a reading a day, at random or at the hour of the highest load; and
 *              one honest customer in ten has a bad link all along, or
 *              of late
 *   --write P  the fleet as P.csv and P-labels.csv, for sealgrid-fraud
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/fraud/full.h>
#include <sealgrid/fraud/judge.h>

#include "bench.h"

struct figures {
    double auc, ap, p50, p100, false_per_1000, type[HARD_TYPES + 1], least_type;
};

/* Weather for three of four customers, by the day: up to 15 % more or less; and a mild spell in all
 * recent days. */
static void make_weather(struct bench *b)
{
    double weather[WINDOW_DAYS];
    struct draw d = {b->seed * 31 + 5};
    for (int day = 0; day < WINDOW_DAYS; day++) {
        const double swing = 0.85 + 0.3 * draw_share(&d);
        weather[day] = day < WINDOW_REFERENCE ? swing : swing * 0.67;
    }
    for (size_t i = 0; i < b->n; i++)
        for (int day = 0; day < WINDOW_DAYS && i % 4; day++)
            for (int h = 0; h < WINDOW_HOURS; h++) {
                float *x = &b->list[i].w.load[day][h];
                *x = (float)(floor((double)*x * weather[day] * 10 + 0.5) / 10);
            }
}

/* ---- readings that lack ---------------------------------------------------------------------- */

enum gaps { GAPS_NONE, GAPS_ANY_HOUR, GAPS_PEAK, GAPS_LINKS, GAPS_NEW_LINKS, GAPS_COUNT };
#define LINKS     0.1  /* of the honest have a bad link */
#define LINK_LOST 0.05 /* of its readings */

static int highest_hour(const float load[WINDOW_HOURS])
{
    int best = 0;
    for (int h = 1; h < WINDOW_HOURS; h++)
        best = load[h] > load[best] ? h : best;
    return best;
}

/* A reading a day from the day of the theft on. */
static void lose_daily(struct bench_customer *c, bool at_peak, struct draw *d)
{
    for (int day = c->start; day < WINDOW_DAYS; day++) {
        const int any = (int)(draw_share(d) * WINDOW_HOURS);
        c->w.load[day][at_peak ? highest_hour(c->w.load[day]) : any] = NAN;
    }
}

static void lose_by_link(struct bench_customer *c, int from, struct draw *d)
{
    c->link = true;
    for (int day = from; day < WINDOW_DAYS; day++)
        for (int h = 0; h < WINDOW_HOURS; h++)
            if (draw_share(d) < LINK_LOST)
                c->w.load[day][h] = NAN;
}

static void make_gaps(struct bench *b, enum gaps gaps)
{
    struct draw d = {b->seed * 104729 + 3};
    for (size_t i = 0; i < b->n; i++) {
        struct bench_customer *c = &b->list[i];
        if (c->type && gaps != GAPS_NONE)
            lose_daily(c, gaps != GAPS_ANY_HOUR, &d);
        else if (!c->type && gaps >= GAPS_LINKS && draw_share(&d) < LINKS)
            lose_by_link(c, gaps == GAPS_LINKS ? 0 : WINDOW_REFERENCE, &d);
    }
}

/* ---- figures --------------------------------------------------------------------------------- */

static int measure(const struct bench *b, const struct sg_judge_case *all, struct figures *ret)
{
    const struct sg_judge_figure wanted[] = {{.kind = SG_JUDGE_AUC},
                                             {.kind = SG_JUDGE_AVERAGE_PRECISION},
                                             {.kind = SG_JUDGE_PRECISION_AT, .at = 50},
                                             {.kind = SG_JUDGE_PRECISION_AT, .at = 100},
                                             {.kind = SG_JUDGE_FALSE_PER_1000, .at = 0.5}};
    const struct sg_judge_rounds none = {.level = 0.95};
    struct sg_judge_interval v[5];
    int r = sg_judge(all, b->n, wanted, 5, &none, v);
    *ret = (struct figures){v[0].value, v[1].value, v[2].value, v[3].value, v[4].value, {0}, 1};
    for (int type = 1; r == 0 && type <= HARD_TYPES; type++) {
        ret->type[type] = bench_auc_of_type(b, all, type);
        if (ret->type[type] < ret->least_type)
            ret->least_type = ret->type[type];
    }
    return r;
}

static int run(const struct bench *b, uint32_t without, struct sg_judge_case *all,
               struct figures *ret, double *ret_seconds)
{
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    int r = bench_learn(b, without, &m);
    if (r == 0)
        r = bench_score(b, m, all, ret_seconds);
    return r ? r : measure(b, all, ret);
}

static void print(const char *what, const struct figures *f, int types)
{
    printf("%-34s AUC %.4f AP %.3f P@50 %.2f P@100 %.2f false of 1,000 %4.1f  types", what, f->auc,
           f->ap, f->p50, f->p100, f->false_per_1000);
    for (int t = 1; t <= types; t++)
        printf(" %.3f", f->type[t]);
    printf("\n");
    fflush(stdout);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* The floors are those of thefts of the published forms. */
static int one(struct bench *b, bool hard)
{
    SG_FREE struct sg_judge_case *all = calloc(b->n, sizeof(*all));
    struct figures f;
    double seconds;
    if (!all)
        return sg_raise(-ENOMEM);
    int r = run(b, 0, all, &f, &seconds);
    if (r)
        return r;
    print("mode full", &f, THEFT_TYPES);
    printf("%.0f customers/s on one thread, explanations of the suspect among them\n",
           (double)b->n / seconds);
    if (hard)
        return 0;
    if (f.auc < 0.985 || f.ap < 0.93 || f.false_per_1000 > 5 || f.least_type < 0.95) {
        printf("less than was found when the score was made\n");
        return 1;
    }
    return 0;
}

static const struct {
    const char *name;
    uint32_t without;
} parts[] = {
    {"all", 0},
    {"without peers", SG_FULL_PEERS},
    {"without the map", SG_FULL_MAP},
    {"learnt from placebos alone", SG_FULL_NOW},
    {"learnt from recent days alone", SG_FULL_PLACEBO},
    {"without doubt of recent days", SG_FULL_DOUBT},
    {"without general thefts", SG_FULL_GENERAL},
    {"without patterns of change", SG_FULL_EXCUSES},
    {"without level", SG_FULL_FAMILY << SG_FEATURE_LEVEL},
    {"without shape", SG_FULL_FAMILY << SG_FEATURE_SHAPE},
    {"without cut peaks", SG_FULL_FAMILY << SG_FEATURE_PEAKS},
    {"without gaps", SG_FULL_FAMILY << SG_FEATURE_GAP},
    {"without base load", SG_FULL_FAMILY << SG_FEATURE_BASE},
    {"without reversal", SG_FULL_FAMILY << SG_FEATURE_REVERSED},
    {"without flatness", SG_FULL_FAMILY << SG_FEATURE_FLAT},
    {"without noise", SG_FULL_FAMILY << SG_FEATURE_NOISE},
    {"without steps", SG_FULL_FAMILY << SG_FEATURE_STEP},
    {"without habit", SG_FULL_FAMILY << SG_FEATURE_HABIT},
};

static int table(struct bench *b, int types)
{
    SG_FREE struct sg_judge_case *all = calloc(b->n, sizeof(*all));
    int r = all ? 0 : sg_raise(-ENOMEM);
    for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct figures f;
        double seconds;
        r = run(b, parts[i].without, all, &f, &seconds);
        if (r == 0)
            print(parts[i].name, &f, types);
    }
    return r;
}

static int spell(struct bench *b)
{
    SG_FREE struct sg_judge_case *all = calloc(b->n, sizeof(*all));
    int r = all ? 0 : sg_raise(-ENOMEM);
    make_weather(b);
    for (int peers = 1; r == 0 && peers >= 0; peers--) {
        struct figures f;
        double seconds;
        r = run(b, peers ? 0 : SG_FULL_PEERS, all, &f, &seconds);
        if (r == 0)
            print(peers ? "a mild spell, with peers" : "a mild spell, without peers", &f,
                  THEFT_TYPES);
        if (r == 0)
            r = run(b, SG_FULL_NOW | (peers ? 0 : SG_FULL_PEERS), all, &f, &seconds);
        if (r == 0)
            print(peers ? "learnt from placebos, with peers" : "learnt from placebos, without", &f,
                  THEFT_TYPES);
    }
    return r;
}

/* Share of the fleet ahead of the median of the honest with a bad link, and the share of these
 * among the first tenth. */
static double rank_of_links(const struct bench *b, const struct sg_judge_case *all,
                            double *ret_first_tenth)
{
    SG_FREE double *rank = calloc(b->n, sizeof(*rank));
    size_t n = 0, first = 0;
    for (size_t i = 0; rank && i < b->n; i++) {
        size_t before = 0;
        if (!b->list[i].link)
            continue;
        for (size_t k = 0; k < b->n; k++)
            before += all[k].score > all[i].score;
        rank[n] = (double)before / (double)b->n;
        first += rank[n++] < 0.1;
    }
    *ret_first_tenth = n ? (double)first / (double)n : 0;
    return n ? sg_corr_median(rank, (uint32_t)n) : (double)NAN;
}

static int gaps(struct bench *b)
{
    static const char *const names[GAPS_COUNT] = {
        "nothing lacks", "thieves lose any reading a day", "thieves lose the day's peak",
        "and a tenth have bad links", "or their links go bad"};
    SG_FREE struct sg_judge_case *all = calloc(b->n, sizeof(*all));
    SG_FREE struct bench_customer *whole = calloc(b->n, sizeof(*whole));
    if (!all || !whole)
        return sg_raise(-ENOMEM);
    memcpy(whole, b->list, b->n * sizeof(*whole));
    int r = 0;
    for (int g = 0; r == 0 && g < GAPS_COUNT; g++) {
        struct figures f;
        double seconds, first;
        memcpy(b->list, whole, b->n * sizeof(*whole));
        make_gaps(b, (enum gaps)g);
        r = run(b, 0, all, &f, &seconds);
        if (r == 0)
            print(names[g], &f, THEFT_TYPES);
        if (r == 0 && g >= GAPS_LINKS) {
            const double at = rank_of_links(b, all, &first);
            printf("honest with a bad link: median rank %.3f, in the first tenth %.3f\n", at,
                   first);
        }
    }
    return r;
}

static int write_fleet(const struct bench *b, const char *prefix)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s.csv", prefix);
    FILE *rows = fopen(path, "w");
    snprintf(path, sizeof(path), "%s-labels.csv", prefix);
    FILE *labels = rows ? fopen(path, "w") : NULL;
    if (!labels)
        return sg_raise_errno();
    fprintf(rows, "customer,day,weekday");
    for (int h = 0; h < WINDOW_HOURS; h++)
        fprintf(rows, ",h%02d", h);
    fprintf(labels, "customer,label,type,start_day,true_kwh,reported_kwh\n");
    for (size_t i = 0; i < b->n; i++) {
        const struct bench_customer *c = &b->list[i];
        fprintf(labels, "c%05zu,%d,%d,%d,%.1f,%.1f\n", i, c->type > 0, c->type, c->start, c->drawn,
                bench_recent_energy(&c->w));
        for (int day = 0; day < WINDOW_DAYS; day++) {
            fprintf(rows, "\nc%05zu,%d,%d", i, day, (c->w.weekday + day) % 7);
            for (int h = 0; h < WINDOW_HOURS; h++)
                fprintf(rows, ",%.1f", (double)c->w.load[day][h]);
        }
    }
    fprintf(rows, "\n");
    return fclose(rows) | fclose(labels) ? sg_raise_errno() : 0;
}

/* ---- options --------------------------------------------------------------------------------- */

struct arguments {
    bool table, changes, spell, gaps, hard;
    const char *write, *rows;
    int part;
    uint64_t seed;
};

static bool parse(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--table"))
            a->table = true;
        else if (!strcmp(argv[i], "--changes"))
            a->changes = true;
        else if (!strcmp(argv[i], "--spell"))
            a->spell = true;
        else if (!strcmp(argv[i], "--gaps"))
            a->gaps = true;
        else if (!strcmp(argv[i], "--hard"))
            a->hard = true;
        else if (!strcmp(argv[i], "--write") && more)
            a->write = argv[++i];
        else if (!strcmp(argv[i], "--part") && more)
            a->part = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seed") && more)
            a->seed = strtoull(argv[++i], NULL, 10);
        else if (argv[i][0] != '-')
            a->rows = argv[i];
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    const char *folder = getenv("SEALGRID_DATA");
    char rows[1024];
    snprintf(rows, sizeof(rows), "%s/cambridge_hourly_shared.csv.gz",
             folder ? folder : "../shared/data");
    struct arguments a = {.rows = rows, .seed = 1};
    SG_CLEANUP(windows_clear) struct windows all = {.list = NULL};
    if (!parse(argc, argv, &a)) {
        fprintf(stderr,
                "fraud-bench: --table, --changes, --spell, --gaps, --write P; --hard, --part, "
                "--seed\n");
        return 2;
    }
    if (a.rows == rows && access(rows, R_OK)) {
        printf("skipped: no %s\n", rows);
        return 0;
    }
    struct bench b = {.seed = a.seed};
    int r = windows_read(&all, a.rows);
    if (r == 0)
        r = bench_make(&b, &all, a.part, a.hard);
    if (r == 0)
        r = a.table     ? table(&b, a.hard ? HARD_TYPES : THEFT_TYPES)
            : a.changes ? bench_changes(&b)
            : a.spell   ? spell(&b)
            : a.gaps    ? gaps(&b)
            : a.write   ? write_fleet(&b, a.write)
                        : one(&b, a.hard);
    bench_clear(&b);
    if (r < 0)
        fprintf(stderr, "%s\n", sg_error_trace());
    return r != 0;
}
