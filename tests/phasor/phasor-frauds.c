/*
 * phasor-frauds [--customers N] [--seed S] [--days D] [--recent R] [--thieves PERMILLE]
 *               [--neutral PERMILLE] [--check PERMILLE] [--e550 FILE] [--dump FILE] [--json]
 *
 * Honest customers and thieves with polyphase meters (load.h, fraud.h), judged by the rules of
 * fraud/phasor.h as they are in the product; nothing is fitted here.  Found: a score of 0.35,
 * which 2 to 3 of a hundred honest customers of the tuning seeds have.  Then the same frauds on a captured log as honest base (e550.h), if it is there:
 * customers made of its reports, and the log itself as it was captured, five minutes for a day.
 *
 * Exit 0 if 95 % of the thieves are found at 5 % false alarms or fewer, on the simulated customers
 * and on those made of the log; the log's own three hours are shown.
 */
#include "e550.h"
#include "fraud.h"
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/fraud/judge.h>

#define THRESHOLD 0.35
#define ROUNDS    1000
#define N_FIGURES 2
#define LOG_DAY_S 300

struct options {
    uint32_t customers, days, recent;
    uint64_t seed;
    unsigned thieves, neutral, check;
    const char *e550, *dump;
    bool json;
};

struct outcome {
    struct sg_judge_case *cases;
    enum phasor_fraud *kind;
    size_t n, n_kind[N_PHASOR_FRAUDS], found[N_PHASOR_FRAUDS];
    size_t rule[N_PHASOR_FRAUDS][SG_PHASOR_N_RULES]; /* first reason */
    double seconds;
    uint64_t intervals;
};

static int fail(const char *what)
{
    fprintf(stderr, "phasor-frauds: %s: %s\n", what, sg_error_trace());
    return 2;
}

/* ---- one customer --------------------------------------------------------------------------- */

static double rounded(double v, double unit)
{
    return nearbyint(v / unit) * unit;
}

/* As a report has it: mV, mA, W, var, Wh. */
static void report(struct sg_phasor_sample *s)
{
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        s->v[k] = rounded(s->v[k], 0.001);
        s->i[k] = rounded(s->i[k], 0.001);
        s->p[k] = rounded(s->p[k], 1);
        s->q[k] = rounded(s->q[k], 1);
    }
    s->neutral = rounded(s->neutral, 0.001);
}

static double power_of(const struct sg_phasor_sample *s)
{
    double sum = 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        sum += isnan(s->p[k]) ? 0 : s->p[k];
    return sum;
}

/* The register counts what is measured; a check meter in line what was there. */
static void add_energy(struct sg_prng *p, bool check, double honest_w, struct sg_phasor_sample *s)
{
    const double moved = 0.9 + 0.2 * sg_prng_unit(p);
    s->p_total = power_of(s);
    s->energy_wh = rounded(s->p_total * moved / 4, 1);
    if (check)
        s->check_wh = rounded(honest_w * moved * 1.01 / 4, 1);
}

/* Thieves begin within the first two thirds of the recent days. */
static void draw_fraud(const struct options *o, uint32_t index, unsigned elements, int64_t first_s,
                       struct fraud *ret)
{
    struct sg_prng p;
    sg_prng_seed2(&p, o->seed, UINT64_C(0x66726175) << 32 | index);
    *ret = (struct fraud){.kind = FRAUD_NONE};
    if (sg_prng_below(&p, 1000) < o->thieves)
        fraud_draw(ret, &p, elements, first_s, first_s + (int64_t)o->recent * 2 / 3 * 86400, 900);
}

static void note(struct outcome *out, const struct fraud *f, const struct sg_phasor_summary *s)
{
    out->cases[out->n] =
        (struct sg_judge_case){.score = (double)s->score, .thief = f->kind != FRAUD_NONE};
    out->kind[out->n++] = f->kind;
    out->n_kind[f->kind]++;
    if ((double)s->score < THRESHOLD)
        return;
    out->found[f->kind]++;
    out->rule[f->kind][s->top[0].rule]++;
}

static void dump(FILE *to, uint32_t index, const struct fraud *f, const char *about,
                 const struct sg_phasor_summary *s)
{
    char words[SG_PHASOR_WORDS_MAX];
    sg_phasor_words(&s->top[0], LOAD_EAST_S, words);
    fprintf(to, "%u;%s;%.2f;%u;%s;%.3f;%s;%.3f;%s\n", index, phasor_fraud_names[f->kind], f->depth,
            f->mask, about, (double)s->score,
            s->n_findings ? sg_phasor_rule_names[s->top[0].rule] : "-", (double)s->top[0].size,
            s->n_findings ? words : "");
}

/* ---- simulated load ------------------------------------------------------------------------- */

static int64_t first_judged(const struct options *o)
{
    return INT64_C(1767236400) + (int64_t)(o->days - o->recent) * 86400;
}

static void describe(const struct load_customer *c, const struct options *o, char ret[160])
{
    static const char *const names[LOAD_N_EVENTS] = {
        "vacation",    "new-single", "old-single", "new-three", "solar", "capacitor",
        "electronics", "decline",    "tenant",     "floating",  "visit"};
    size_t n = (size_t)snprintf(ret, 160, "%s/%u", c->wiring == SG_PHASOR_ARON ? "aron" : "star",
                                c->elements);
    if (c->solar)
        n += (size_t)snprintf(ret + n, 160 - n, "+solar%d", c->solar_phase);
    for (int e = 0; e < LOAD_N_EVENTS; e++)
        if (c->event[e] && n < 140)
            n += (size_t)snprintf(ret + n, 160 - n, "+%s@%d", names[e],
                                  (int)c->event_day[e] - (int)(o->days - o->recent));
}

static int run_customer(const struct options *o, uint32_t index, struct sg_phasor *p,
                        struct outcome *out, FILE *to)
{
    const struct load_config config = {o->seed, o->days, o->neutral, o->check};
    struct sg_phasor_config pc = SG_PHASOR_CONFIG_DEFAULT;
    struct sg_phasor_summary summary;
    struct load_customer c;
    struct sg_phasor_sample s;
    struct sg_prng prng;
    struct fraud f;
    char about[160];
    load_draw(&c, &config, index);
    sg_prng_seed2(&prng, o->seed, UINT64_C(0x656e6572) << 32 | index);
    pc.wiring = c.wiring;
    pc.ratio = c.ratio;
    pc.recent_from_s = first_judged(o);
    draw_fraud(o, index, c.elements, pc.recent_from_s, &f);
    int r = sg_phasor_start(p, &pc);
    for (uint32_t d = 0; r == 0 && d < o->days; d++)
        for (uint32_t k = 0; r == 0 && k < LOAD_PER_DAY; k++) {
            if (!load_next(&c, d, k, &s))
                continue;
            const double honest_w = power_of(&s);
            fraud_apply(&f, &s);
            report(&s);
            add_energy(&prng, c.has_check, honest_w, &s);
            r = sg_phasor_add(p, &s);
            out->intervals++;
        }
    if (r == 0)
        r = sg_phasor_finish(p, &summary);
    if (r)
        return r;
    note(out, &f, &summary);
    describe(&c, o, about);
    if (to)
        dump(to, index, &f, about, &summary);
    return 0;
}

/* ---- captured log --------------------------------------------------------------------------- */

static int run_made(const struct options *o, const struct e550_log *log, uint32_t index,
                    struct sg_phasor *p, struct outcome *out, FILE *to)
{
    struct sg_phasor_config pc = SG_PHASOR_CONFIG_DEFAULT;
    struct sg_phasor_summary summary;
    struct e550_customer c;
    struct sg_phasor_sample s;
    struct fraud f;
    e550_draw(&c, log, o->seed, index);
    pc.recent_from_s = first_judged(o);
    draw_fraud(o, index, 7, pc.recent_from_s, &f);
    int r = sg_phasor_start(p, &pc);
    for (uint32_t d = 0; r == 0 && d < o->days; d++)
        for (uint32_t k = 0; r == 0 && k < LOAD_PER_DAY; k++) {
            e550_next(&c, d, k, &s);
            fraud_apply(&f, &s);
            report(&s);
            r = sg_phasor_add(p, &s);
            out->intervals++;
        }
    if (r == 0)
        r = sg_phasor_finish(p, &summary);
    if (r == 0)
        note(out, &f, &summary);
    if (r == 0 && to)
        dump(to, index, &f, "e550", &summary);
    return r;
}

/* The first six are honest, one for each exchange of phases. */
static int run_log(const struct options *o, const struct e550_log *log, uint32_t index,
                   struct sg_phasor *p, struct outcome *out, FILE *to)
{
    struct sg_phasor_config pc = SG_PHASOR_CONFIG_DEFAULT;
    struct sg_phasor_summary summary;
    struct sg_phasor_sample s;
    struct fraud f = {.kind = FRAUD_NONE};
    struct sg_prng prng;
    const int64_t first = log->rows[0].ts_s, last = log->rows[log->n - 1].ts_s;
    pc.day_s = LOG_DAY_S;
    pc.recent_from_s = first + (last - first) * 3 / 5;
    sg_prng_seed2(&prng, o->seed, UINT64_C(0x6c6f6720) << 32 | index);
    if (index >= 6)
        fraud_draw(&f, &prng, 7, pc.recent_from_s, pc.recent_from_s + (last - first) / 4, 7);
    int r = sg_phasor_start(p, &pc);
    for (size_t j = 0; r == 0 && j < log->n; j++) {
        e550_sample(log, j, index % 6, &s);
        fraud_apply(&f, &s);
        report(&s);
        r = sg_phasor_add(p, &s);
        out->intervals++;
    }
    if (r == 0)
        r = sg_phasor_finish(p, &summary);
    if (r == 0)
        note(out, &f, &summary);
    if (r == 0 && to)
        dump(to, index, &f, "log", &summary);
    return r;
}

/* ---- figures -------------------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const double x = ((const struct sg_judge_case *)a)->score,
                 y = ((const struct sg_judge_case *)b)->score;
    return x > y ? -1 : x < y;
}

/* Share of thieves found by the threshold that accuses this share of the honest. */
static double found_at(const struct outcome *out, double false_alarms)
{
    struct sg_judge_case *sorted = malloc(out->n * sizeof(*sorted));
    size_t honest = 0, accused = 0, caught = 0, i = 0;
    if (!sorted)
        return NAN;
    memcpy(sorted, out->cases, out->n * sizeof(*sorted));
    qsort(sorted, out->n, sizeof(*sorted), by_score);
    for (size_t j = 0; j < out->n; j++)
        honest += !sorted[j].thief;
    for (; i < out->n; i++) {
        if (!sorted[i].thief && (double)(accused + 1) > false_alarms * (double)honest)
            break;
        accused += !sorted[i].thief;
        caught += sorted[i].thief;
    }
    const double thieves = (double)(out->n - honest);
    free(sorted);
    return thieves > 0 ? (double)caught / thieves : NAN;
}

/* 95 % percentile bootstrap of the share of a kind that is found, over customers. */
static struct sg_judge_interval share(size_t found, size_t of, uint64_t seed)
{
    struct sg_judge_interval i = {of ? (double)found / (double)of : NAN, NAN, NAN};
    struct sg_prng p;
    uint32_t count[ROUNDS] = {0};
    if (of == 0)
        return i;
    sg_prng_seed(&p, seed);
    for (int round = 0; round < ROUNDS; round++)
        for (size_t j = 0; j < of; j++)
            count[round] += sg_prng_below(&p, of) < found;
    for (int a = 1; a < ROUNDS; a++) /* insertion: a thousand */
        for (int b = a; b > 0 && count[b] < count[b - 1]; b--) {
            const uint32_t keep = count[b];
            count[b] = count[b - 1];
            count[b - 1] = keep;
        }
    i.low = count[ROUNDS / 40] / (double)of;
    i.high = count[ROUNDS - 1 - ROUNDS / 40] / (double)of;
    return i;
}

static const double roc[] = {0.005, 0.01, 0.02, 0.05, 0.10};
#define N_ROC (sizeof(roc) / sizeof(roc[0]))

struct figures {
    size_t thieves, honest;
    struct sg_judge_interval found, false_alarms, judged[N_FIGURES];
    double roc[N_ROC];
};

static int figure(const struct options *o, const struct outcome *out, struct figures *ret)
{
    static const struct sg_judge_figure wanted[N_FIGURES] = {{SG_JUDGE_AUC, 0},
                                                             {SG_JUDGE_AVERAGE_PRECISION, 0}};
    const struct sg_judge_rounds rounds = {200, o->seed, 0.95};
    size_t found = 0;
    ret->honest = out->n_kind[FRAUD_NONE];
    ret->thieves = out->n - ret->honest;
    for (int k = 1; k < N_PHASOR_FRAUDS; k++)
        found += out->found[k];
    ret->found = share(found, ret->thieves, o->seed);
    ret->false_alarms = share(out->found[FRAUD_NONE], ret->honest, o->seed);
    for (size_t i = 0; i < N_ROC; i++)
        ret->roc[i] = found_at(out, roc[i]);
    return sg_judge(out->cases, out->n, wanted, N_FIGURES, &rounds, ret->judged);
}

static void print_types(const struct options *o, const struct outcome *out)
{
    for (int k = 0; k < N_PHASOR_FRAUDS; k++) {
        const struct sg_judge_interval i = share(out->found[k], out->n_kind[k], o->seed);
        printf("  %-22s %5zu %5zu  %.3f [%.3f, %.3f] ", phasor_fraud_names[k], out->n_kind[k],
               out->found[k], i.value, i.low, i.high);
        for (int rule = 0; rule < SG_PHASOR_N_RULES; rule++)
            if (out->rule[k][rule])
                printf(" %s %zu", sg_phasor_rule_names[rule], out->rule[k][rule]);
        printf("\n");
    }
}

static void print_text(const struct options *o, const char *name, const struct outcome *out,
                       const struct figures *f)
{
    printf("%s: %zu honest, %zu thieves, %.1f s, %.2f M intervals/s\n", name, f->honest, f->thieves,
           out->seconds, (double)out->intervals / out->seconds / 1e6);
    printf("  found %.4f [%.4f, %.4f] at false alarms %.4f [%.4f, %.4f]; AUC %.4f [%.4f, %.4f]\n",
           f->found.value, f->found.low, f->found.high, f->false_alarms.value, f->false_alarms.low,
           f->false_alarms.high, f->judged[0].value, f->judged[0].low, f->judged[0].high);
    printf("  ROC:");
    for (size_t i = 0; i < N_ROC; i++)
        printf(" %.3f at %.3f;", f->roc[i], roc[i]);
    printf("\n  %-22s %5s %5s  found (first reason)\n", "type", "n", "found");
    print_types(o, out);
}

static void print_interval(const char *name, const struct sg_judge_interval *i)
{
    printf("\"%s\":%.6f,\"%s_low\":%.6f,\"%s_high\":%.6f,", name, i->value, name, i->low, name,
           i->high);
}

static void print_json(const struct options *o, const char *name, const struct outcome *out,
                       const struct figures *f)
{
    printf("{\"base\":\"%s\",\"seed\":%llu,\"honest\":%zu,\"thieves\":%zu,", name,
           (unsigned long long)o->seed, f->honest, f->thieves);
    print_interval("found", &f->found);
    print_interval("false_alarms", &f->false_alarms);
    if (f->honest)
        print_interval("auc", &f->judged[0]);
    printf("\"roc\":[");
    for (size_t i = 0; i < N_ROC; i++)
        printf("%s{\"false_alarms\":%.3f,\"found\":%.4f}", i ? "," : "", roc[i], f->roc[i]);
    printf("],\"types\":{");
    for (int k = 1; k < N_PHASOR_FRAUDS; k++) {
        const struct sg_judge_interval i = share(out->found[k], out->n_kind[k], o->seed);
        if (out->n_kind[k])
            printf("%s\"%s\":{\"n\":%zu,\"found\":%.4f,\"low\":%.4f,\"high\":%.4f}",
                   k > 1 ? "," : "", phasor_fraud_names[k], out->n_kind[k], i.value, i.low, i.high);
    }
    printf("}}\n");
}

/* ---- run ------------------------------------------------------------------------------------ */

struct base {
    const char *name;
    const struct e550_log *log;
    uint32_t n;
};

typedef int runner(const struct options *o, const struct e550_log *log, uint32_t index,
                   struct sg_phasor *p, struct outcome *out, FILE *to);

static int run_simulated(const struct options *o, const struct e550_log *log, uint32_t index,
                         struct sg_phasor *p, struct outcome *out, FILE *to)
{
    (void)log;
    return run_customer(o, index, p, out, to);
}

/* *ret_good: 95 % found at 5 % false alarms. */
static int run_base(const struct options *o, const struct base *b, runner *run, FILE *to,
                    bool *ret_good)
{
    SG_CLEANUP(sg_phasor_freep) struct sg_phasor *p = NULL;
    struct outcome out = {.cases = calloc(b->n, sizeof(*out.cases)),
                          .kind = calloc(b->n, sizeof(*out.kind))};
    const int64_t begun = sg_clock_monotonic_ns();
    struct figures f;
    int r = out.cases && out.kind ? sg_phasor_new(&p) : sg_raise(-ENOMEM);
    for (uint32_t i = 0; r == 0 && i < b->n; i++)
        r = run(o, b->log, i, p, &out, to);
    out.seconds = (double)(sg_clock_monotonic_ns() - begun) / 1e9;
    if (r == 0)
        r = figure(o, &out, &f);
    if (r == 0) {
        (o->json ? print_json : print_text)(o, b->name, &out, &f);
        *ret_good = f.found.value >= 0.95 && f.false_alarms.value <= 0.05;
    }
    free(out.cases);
    free(out.kind);
    return r;
}

static int run_captured(const struct options *o, FILE *to, bool *good)
{
    SG_CLEANUP(e550_clear) struct e550_log log = {.n = 0};
    bool made = true, whole = true;
    if (access(o->e550, R_OK)) {
        fprintf(stderr, "phasor-frauds: %s is not there: captured base skipped\n", o->e550);
        return 0;
    }
    int r = e550_read(&log, o->e550);
    if (r == 0)
        r = run_base(o, &(struct base){"made of a captured log", &log, o->customers / 2}, run_made,
                     to, &made);
    if (r == 0)
        r = run_base(o, &(struct base){"the captured log itself", &log, 306}, run_log, to, &whole);
    /* The log's own few hours are shown, not asked for. */
    *good = *good && made;
    return r;
}

static bool take(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--json")) {
            o->json = true;
            continue;
        }
        if (!value)
            return false;
        const unsigned long long n = strtoull(value, NULL, 10);
        if (!strcmp(argv[i], "--customers"))
            o->customers = (uint32_t)n;
        else if (!strcmp(argv[i], "--seed"))
            o->seed = n;
        else if (!strcmp(argv[i], "--days"))
            o->days = (uint32_t)n;
        else if (!strcmp(argv[i], "--recent"))
            o->recent = (uint32_t)n;
        else if (!strcmp(argv[i], "--thieves"))
            o->thieves = (unsigned)n;
        else if (!strcmp(argv[i], "--neutral"))
            o->neutral = (unsigned)n;
        else if (!strcmp(argv[i], "--check"))
            o->check = (unsigned)n;
        else if (!strcmp(argv[i], "--e550"))
            o->e550 = value;
        else if (!strcmp(argv[i], "--dump"))
            o->dump = value;
        else
            return false;
        i++;
    }
    return o->customers >= 10 && o->customers <= 10000000 && o->recent >= 3 &&
           o->days > o->recent && o->days <= SG_PHASOR_DAYS_MAX && o->thieves <= 1000;
}

int main(int argc, char **argv)
{
    struct options o = {.customers = 400,
                        .days = 120,
                        .recent = 30,
                        .seed = 20261,
                        .thieves = 500,
                        .e550 = "../shared/data/e550_threephase_7s_part1.csv.gz"};
    bool good = true;
    if (!take(argc, argv, &o)) {
        fprintf(stderr, "phasor-frauds: see the head of tests/phasor/phasor-frauds.c\n");
        return 2;
    }
    FILE *to = o.dump ? fopen(o.dump, "w") : NULL;
    if (o.dump && !to) {
        perror(o.dump);
        return 2;
    }
    int r = run_base(&o, &(struct base){"simulated", NULL, o.customers}, run_simulated, to, &good);
    if (r == 0)
        r = run_captured(&o, to, &good);
    if (to)
        fclose(to);
    return r ? fail("run") : good ? 0 : 1;
}
