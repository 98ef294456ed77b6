/* report - the table for people, the JSON for programs. */
#include "bench-int.h"

#include <sealgrid/base/clock.h>

#include <math.h>

/* Widths of the columns; with the spaces between them 100. */
#define W_FIGURE 24
#define W_NUMBER 6
#define W_UNIT   12
#define W_PEER   19
#define W_RATIO  5
#define W_SPREAD 12
#define W_GOAL   9
#define W_REASON 75

void sg_bench_number(char ret[16], double v)
{
    static const char suffixes[] = " kMGT";
    unsigned k = 0;

    if (!isfinite(v)) {
        snprintf(ret, 16, "%s", "-");
        return;
    }
    while (fabs(v) >= (k ? 999.5 : 9999.5) && k < 4) {
        v /= 1000;
        k++;
    }
    int decimals = fabs(v) >= 99.95 || !(fabs(v) > 0) ? 0
                   : fabs(v) >= 9.995                 ? 1
                   : fabs(v) >= 0.9995                ? 2
                                                      : 3;
    int n = snprintf(ret, 15, "%.*f", decimals, v);
    if (k && n > 0 && n < 15)
        snprintf(ret + n, (size_t)(16 - n), "%c", suffixes[k]);
}

static void ratio_text(char ret[16], double v)
{
    if (!isfinite(v))
        snprintf(ret, 16, "-");
    else if (v < 9.995)
        snprintf(ret, 16, "%.2f", v);
    else
        sg_bench_number(ret, v);
}

/* Takes from *text what fits into a column of that width, at a space if there is one. */
static int cut(const char **text, int width)
{
    int n = (int)strlen(*text);

    if (n > width) {
        n = width;
        while (n > 1 && (*text)[n] != ' ')
            n--;
        n = n > 1 ? n : width;
    }
    return n;
}

static void advance(const char **text, int n)
{
    *text += n;
    *text += strspn(*text, " ");
}

static void print_trimmed(FILE *f, const char *line)
{
    int len = (int)strlen(line);

    while (len > 0 && line[len - 1] == ' ')
        len--;
    fprintf(f, "%.*s\n", len, line);
}

/* A line of the table: three texts that may go over several lines, and columns that do not. */
struct row {
    const char *figure, *ours, *unit, *theirs, *peer, *rest;
};

static void print_row(FILE *f, struct row w)
{
    do {
        int n = cut(&w.figure, W_FIGURE), u = cut(&w.unit, W_UNIT), p = cut(&w.peer, W_PEER);
        char line[256];
        snprintf(line, sizeof(line), "%-*.*s %*s %-*.*s %*s %-*.*s %s", W_FIGURE, n, w.figure,
                 W_NUMBER, w.ours, W_UNIT, u, w.unit, W_NUMBER, w.theirs, W_PEER, p, w.peer,
                 w.rest);
        print_trimmed(f, line);
        advance(&w.figure, n);
        advance(&w.unit, u);
        advance(&w.peer, p);
        w.ours = w.theirs = w.rest = "";
    } while (*w.figure || *w.unit || *w.peer);
}

void sg_bench_print_head(FILE *f, const struct sg_bench *b)
{
    char rest[64];

    snprintf(rest, sizeof(rest), "%*s %-*s %s", W_RATIO, "ratio", W_SPREAD, "[min..max]", "goal");
    print_row(f, (struct row){"figure", "ours", "unit", "theirs", "bound or peer", rest});
    if (b->quick)
        fprintf(f, "(quick: this shows that everything runs; its ratios mean nothing)\n");
    fflush(f);
}

void sg_bench_print_suite(FILE *f, const struct sg_bench_suite *suite)
{
    fprintf(f, "-- %s: %s\n", suite->name, suite->what);
    fflush(f);
}

static void goal_text(char ret[24], const struct sg_bench_result *r)
{
    char number[16];

    *ret = 0;
    if (!(r->goal > 0))
        return;
    ratio_text(number, r->goal);
    snprintf(ret, 24, "%s%s %s", r->at_most ? "<" : "", number, sg_bench_met(r) ? "met" : "NOT");
}

/* A reason may be what a server said: line ends become spaces. */
static void print_skipped(FILE *f, const struct sg_bench_result *r)
{
    const char *figure = r->name, *at;
    char reason[512], line[256];

    snprintf(reason, sizeof(reason), "skipped: %s", r->reason);
    for (char *c = reason; *c; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    at = reason;
    do {
        int n = cut(&figure, W_FIGURE), m = cut(&at, W_REASON);
        snprintf(line, sizeof(line), "%-*.*s %.*s", W_FIGURE, n, figure, m, at);
        print_trimmed(f, line);
        advance(&figure, n);
        advance(&at, m);
    } while (*figure || *at);
}

void sg_bench_print_result(FILE *f, const struct sg_bench_result *r)
{
    char ours[16], theirs[16], ratio[16], min[16], max[16];
    char spread[48], goal[24], rest[128];

    if (r->kind == SG_BENCH_SKIPPED) {
        print_skipped(f, r);
        fflush(f);
        return;
    }
    sg_bench_number(ours, r->ours.median);
    sg_bench_number(theirs, r->theirs.median);
    ratio_text(ratio, r->ratio.median);
    ratio_text(min, r->ratio.min);
    ratio_text(max, r->ratio.max);
    goal_text(goal, r);
    snprintf(spread, sizeof(spread), "[%s..%s]", min, max);
    snprintf(rest, sizeof(rest), "%*s %-*s %s", W_RATIO, ratio, W_SPREAD,
             r->kind == SG_BENCH_RATE ? spread : "", goal);
    print_row(f, (struct row){r->name, ours, r->unit, theirs, r->theirs_name, rest});
    fflush(f);
}

void sg_bench_print_failure(FILE *f, const struct sg_bench_ended *e)
{
    fprintf(f, "FAILED suite %s: %s\n", e->suite->name, e->failure);
    fflush(f);
}

void sg_bench_print_end(FILE *f, const struct sg_bench *b)
{
    size_t skipped = 0, missed = 0, failed = 0;
    double seconds = 0;

    for (size_t i = 0; i < b->n_results; i++) {
        skipped += b->results[i].kind == SG_BENCH_SKIPPED;
        missed += !sg_bench_met(&b->results[i]);
    }
    for (size_t i = 0; i < b->n_ended; i++) {
        failed += b->ended[i].failure != NULL;
        seconds += b->ended[i].seconds;
    }
    fprintf(f, "%zu lines, %zu skipped, %zu below their goal; %zu suites, %zu failed; %.0f s\n",
            b->n_results, skipped, missed, b->n_ended, failed, seconds);
    fflush(f);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_text(struct sg_json *j, const char *key, const char *value)
{
    sg_json_key(j, key);
    if (value)
        sg_json_str(j, value);
    else
        sg_json_null(j);
}

static void put_double(struct sg_json *j, const char *key, double value)
{
    sg_json_key(j, key);
    sg_json_double(j, value);
}

static void put_spread(struct sg_json *j, const struct sg_bench_spread *s)
{
    put_double(j, "median", s->median);
    put_double(j, "min", s->min);
    put_double(j, "max", s->max);
}

static void put_side(struct sg_json *j, const char *key, const char *name, uint64_t n,
                     const struct sg_bench_spread *s)
{
    sg_json_key(j, key);
    sg_json_object(j);
    put_text(j, "name", name);
    put_spread(j, s);
    if (n) {
        sg_json_key(j, "units_a_lap");
        sg_json_uint(j, n);
    }
    sg_json_end_object(j);
}

static void put_measured(struct sg_json *j, const struct sg_bench_result *r)
{
    put_text(j, "unit", r->unit);
    put_text(j, "note", r->note);
    put_side(j, "ours", r->ours_name ? r->ours_name : "sealgrid", r->ours_n, &r->ours);
    put_side(j, "theirs", r->theirs_name, r->theirs_n, &r->theirs);
    sg_json_key(j, "ratio");
    sg_json_object(j);
    put_spread(j, &r->ratio);
    sg_json_end_object(j);
    if (r->kind == SG_BENCH_RATE)
        put_text(j, "clock", r->cpu ? "cpu" : "wall");
    sg_json_key(j, "pairs");
    sg_json_uint(j, r->laps);
    if (r->goal > 0) {
        put_double(j, r->at_most ? "goal_at_most" : "goal", r->goal);
        sg_json_key(j, "goal_met");
        sg_json_bool(j, sg_bench_met(r));
    }
}

static void put_result(struct sg_json *j, const struct sg_bench_result *r)
{
    static const char *const kinds[] = {
        [SG_BENCH_RATE] = "rate", [SG_BENCH_QUANTITY] = "quantity", [SG_BENCH_SKIPPED] = "skipped"};

    sg_json_object(j);
    put_text(j, "suite", r->suite);
    put_text(j, "name", r->name);
    put_text(j, "kind", kinds[r->kind]);
    if (r->kind == SG_BENCH_SKIPPED)
        put_text(j, "reason", r->reason);
    else
        put_measured(j, r);
    sg_json_end_object(j);
}

static void put_ended(struct sg_json *j, const struct sg_bench_ended *e)
{
    sg_json_object(j);
    put_text(j, "name", e->suite->name);
    put_text(j, "what", e->suite->what);
    put_double(j, "seconds", e->seconds);
    sg_json_key(j, "ok");
    sg_json_bool(j, !e->failure);
    if (e->failure)
        put_text(j, "failure", e->failure);
    sg_json_end_object(j);
}

int sg_bench_json(const struct sg_bench *b, struct sg_buf *out)
{
    char now[SG_RFC3339_MAX];
    struct sg_json j;

    sg_time_rfc3339(now, sg_clock_unix_s());
    sg_json_init(&j, out);
    sg_json_object(&j);
    put_text(&j, "program", "sealgrid-bench");
    put_text(&j, "ended_at", now);
    sg_json_key(&j, "quick");
    sg_json_bool(&j, b->quick);
    sg_bench_machine(&j);
    sg_json_key(&j, "suites");
    sg_json_array(&j);
    for (size_t i = 0; i < b->n_ended; i++)
        put_ended(&j, &b->ended[i]);
    sg_json_end_array(&j);
    sg_json_key(&j, "lines");
    sg_json_array(&j);
    for (size_t i = 0; i < b->n_results; i++)
        put_result(&j, &b->results[i]);
    sg_json_end_array(&j);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}
