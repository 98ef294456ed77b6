/*
 * changes-table - each of many honest customers, changed in each way and judged again, without the
 * fact and with it: where it would come in the fleet's ranking; and the same of one who also steals
 * of what is left.  The fleet learnt from has every twentieth customer changed, as a fleet has.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/cleanup.h>

enum { ONE_IN = 20, ASKED_ONE_IN = 3, THEFTS = 3 };

/* Of what is left: hours off, another share each hour, a share of all. */
static const int thefts[THEFTS] = {2, 3, 1};

static void change_some(struct bench *b)
{
    struct draw d = {b->seed * 7919 + 1};
    struct change_made made;
    for (size_t i = 0, k = 0; i < b->n; i += ONE_IN, k++) {
        struct bench_customer *c = &b->list[i];
        if (c->type)
            continue;
        c->change = (int)(k % CHANGES);
        change_do(&c->w, (enum change)c->change, &d, &made);
        c->start = made.start;
    }
}

/* ---- places in the ranking ------------------------------------------------------------------- */

struct places {
    double *place; /* 0 first .. 1 last */
    size_t n, first_tenth;
};

struct asking {
    const struct bench *b;
    const struct sg_judge_case *all; /* the fleet's scores */
    struct sg_full_judge *judge;
    struct sg_fraud_days days;
    struct draw draw;
};

static int ask(struct asking *a, size_t i, const struct window *w,
               const struct sg_fraud_context *fact, struct places *to)
{
    struct sg_full_score s;
    size_t before = 0;
    int r = bench_days(w, i, &a->days);
    if (r == 0)
        r = sg_full_judge_score(a->judge, &a->days, fact, &s);
    if (r)
        return r;
    for (size_t k = 0; k < a->b->n; k++)
        before += k != i && a->all[k].score > s.score;
    to->place[to->n] = (double)before / (double)a->b->n;
    to->first_tenth += to->place[to->n++] < 0.1;
    return 0;
}

static double share(const struct places *p)
{
    return 100 * (double)p->first_tenth / (double)p->n;
}

static double median(const struct places *p)
{
    return sg_corr_median(p->place, (uint32_t)p->n);
}

/* ---- table ----------------------------------------------------------------------------------- */

enum column { HONEST, HONEST_KNOWN, THIEF, THIEF_KNOWN, COLUMNS };

static int ask_all(struct asking *a, size_t i, enum change c, struct places row[COLUMNS])
{
    struct window w = a->b->list[i].w;
    struct change_made made;
    change_do(&w, c, &a->draw, &made);
    const struct sg_fraud_context fact = change_fact(c, &made);
    int r = ask(a, i, &w, NULL, &row[HONEST]);
    if (r == 0)
        r = ask(a, i, &w, &fact, &row[HONEST_KNOWN]);
    if (r)
        return r;
    (void)theft_do(&w, thefts[i / ASKED_ONE_IN % THEFTS], &a->draw);
    r = ask(a, i, &w, NULL, &row[THIEF]);
    return r ? r : ask(a, i, &w, &fact, &row[THIEF_KNOWN]);
}

static int put_row(struct asking *a, enum change c)
{
    struct places row[COLUMNS] = {{NULL, 0, 0}};
    int r = 0;
    for (int k = 0; k < COLUMNS; k++)
        if (!(row[k].place = calloc(a->b->n, sizeof(double))))
            r = sg_raise(-ENOMEM);
    for (size_t i = 1; r == 0 && i < a->b->n; i += ASKED_ONE_IN)
        if (a->b->list[i].type == 0 && a->b->list[i].change < 0)
            r = ask_all(a, i, c, row);
    if (r == 0) {
        printf("| %s |", change_words[c]);
        for (int k = 0; k < COLUMNS; k++)
            printf(" %.0f %%, %.2f |", share(&row[k]), median(&row[k]));
        printf("\n");
        fflush(stdout);
    }
    for (int k = 0; k < COLUMNS; k++)
        free(row[k].place);
    return r;
}

static int put_table(struct asking *a)
{
    int r = 0;
    printf("| change | honest, without the fact | with it | thief of what is left, without | with "
           "it |\n|---|---|---|---|---|\n");
    for (int c = 0; r == 0 && c < CHANGES; c++)
        r = put_row(a, (enum change)c);
    return r;
}

int bench_changes(struct bench *b)
{
    SG_FREE struct sg_judge_case *all = calloc(b->n, sizeof(*all));
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    struct asking a = {.b = b, .all = all, .days = SG_FRAUD_DAYS_INIT, .draw = {b->seed * 31 + 7}};
    double seconds;
    change_some(b);
    int r = all ? bench_learn(b, 0, &m) : sg_raise(-ENOMEM);
    if (r == 0)
        r = bench_score(b, m, all, &seconds);
    if (r == 0)
        r = sg_full_judge_new(&j, m);
    a.judge = j;
    if (r == 0)
        r = put_table(&a);
    sg_fraud_days_clear(&a.days);
    return r;
}
