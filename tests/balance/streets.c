/*
 * streets [--streets N] [--seed S] [--per-day 24] [--days 60] [--past 30] [--customers N]
 * streets --town N [--seed S] [--per-day 24] [--days 60] [--past 30]
 *
 * What sg_balance says of N simulated transformers of every kind: without and with thieves, for
 * each line that nobody lists and each fault of the transformer; or of N transformers of a town,
 * with the sureness that one in so many honest customers reaches (balances_decibel).
 *
 * Exit 0 if one honest customer or less of five transformers is accused, and half of the thieves
 * who pass a share by their meters are found.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "street.h"

#define ACCUSED 0.5

struct tally {
    size_t streets, customers, accused, first_is_thief, with_thief;
    size_t thieves[STREET_N_THEFTS], found[STREET_N_THEFTS];
    size_t findings[6], elsewhere, elsewhere_right;
    double unexplained, delivered;
};

static float *honest;
static size_t n_honest;

static void note(struct tally *to, const struct street *s, const struct sg_balance_customer *c,
                 const struct sg_balance_result *result)
{
    for (int i = 0; i < 6; i++)
        to->findings[i] += result->findings >> i & 1;
    to->unexplained += result->unexplained_kwh;
    to->delivered += result->delivered_kwh;
    size_t first = 0, thieves = 0;
    for (size_t j = 0; j < s->listed; j++) {
        const bool thief = s->theft[j] != STREET_THEFT_NONE;
        thieves += thief;
        to->elsewhere += c[j].elsewhere;
        to->elsewhere_right += c[j].elsewhere && s->elsewhere == j;
        if (c[j].sureness > c[first].sureness)
            first = j;
        if (!c[j].used)
            continue;
        to->thieves[s->theft[j]] += 1;
        to->found[s->theft[j]] += c[j].sureness >= ACCUSED;
        to->customers += !thief;
        to->accused += !thief && c[j].sureness >= ACCUSED;
        if (honest && !thief)
            honest[n_honest++] = (float)c[j].sureness;
    }
    to->streets++;
    to->with_thief += thieves > 0;
    to->first_is_thief +=
        thieves > 0 && c[first].sureness > 0 && s->theft[first] != STREET_THEFT_NONE;
}

static int run(const struct street_plan *plan, struct tally *to, struct tally *all)
{
    struct sg_balance_customer c[STREET_MOST];
    struct sg_balance_result result;
    struct street s;
    if (!street_make(&s, plan))
        return -ENOMEM;
    const struct sg_balance_input in = street_input(&s);
    int r = sg_balance(&in, c, &result, NULL);
    if (r == 0) {
        note(to, &s, c, &result);
        if (all)
            note(all, &s, c, &result);
    }
    street_clear(&s);
    return r < 0 ? r : 0;
}

static void tell(const char *what, const struct tally *t)
{
    printf("%-44s %4zu  accused %.3f/tr %.4f  first %.2f ", what, t->streets,
           (double)t->accused / (double)t->streets, (double)t->accused / (double)t->customers,
           t->with_thief ? (double)t->first_is_thief / (double)t->with_thief : NAN);
    for (int k = 1; k < STREET_N_THEFTS; k++)
        if (t->thieves[k])
            printf(" %zu/%zu", t->found[k], t->thieves[k]);
    printf(" | findings");
    for (int i = 0; i < 6; i++)
        printf(" %zu", t->findings[i]);
    printf(" elsewhere %zu/%zu unexplained %.3f\n", t->elsewhere_right, t->elsewhere,
           t->unexplained / t->delivered);
}

/* All kinds one after the other. */
static int tell_kinds(struct street_plan plan, unsigned streets, struct tally *all)
{
    int r = 0;
    for (size_t thieves = 0; thieves <= 3; thieves += thieves ? 2 : 1)
        for (int line = 0; line < STREET_N_LINES; line++)
            for (int fault = 0; fault < (line || thieves > 1 ? 1 : STREET_N_FAULTS); fault++) {
                struct tally t = {.streets = 0};
                char what[128];
                plan.line = (enum street_line)line;
                plan.fault = (enum street_fault)fault;
                plan.thieves = thieves;
                plan.outages = true;
                for (unsigned i = 0; r == 0 && i < streets; i++) {
                    plan.index =
                        (uint32_t)(((thieves * 16 + (size_t)line) * 16 + (size_t)fault) << 16 | i);
                    r = run(&plan, &t, all);
                }
                snprintf(what, sizeof(what), "%zu thieves, %s, %s", thieves,
                         street_line_names[line], street_fault_names[fault]);
                tell(what, &t);
            }
    return r;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Of the honest of a town: how sure is the balance of the first one in so many? */
static int tell_town(const struct street_plan *days, unsigned streets, struct tally *all)
{
    static const double decibel[] = {1, 2, 3, 5, 7, 10, 13, 16, 20, 23, 26, 30, 33};
    int r = 0;
    honest = malloc((size_t)streets * STREET_MOST * sizeof(*honest));
    for (unsigned i = 0; honest && r == 0 && i < streets; i++) {
        struct street_plan plan = street_of_town(days->seed, i);
        plan.per_day = days->per_day;
        plan.days = days->days;
        plan.past = days->past;
        r = run(&plan, all, NULL);
    }
    if (!honest || r)
        return -ENOMEM;
    qsort(honest, n_honest, sizeof(*honest), by_value);
    for (size_t k = 0; k < sizeof(decibel) / sizeof(decibel[0]); k++) {
        const size_t from_top = (size_t)(pow(10, -decibel[k] / 10) * (double)n_honest);
        printf("%.0f dB (%zu of %zu): sureness %.4f\n", decibel[k], from_top, n_honest,
               (double)honest[n_honest - 1 - from_top]);
    }
    free(honest);
    return 0;
}

int main(int argc, char **argv)
{
    struct street_plan plan = {.seed = 1, .per_day = 24, .days = 60, .past = 30};
    unsigned streets = 2, town = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        const unsigned long v = strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--streets"))
            streets = (unsigned)v;
        else if (!strcmp(argv[i], "--town"))
            town = (unsigned)v;
        else if (!strcmp(argv[i], "--seed"))
            plan.seed = v;
        else if (!strcmp(argv[i], "--per-day"))
            plan.per_day = v;
        else if (!strcmp(argv[i], "--days"))
            plan.days = v;
        else if (!strcmp(argv[i], "--past"))
            plan.past = v;
        else if (!strcmp(argv[i], "--customers"))
            plan.customers = v;
        else
            return 2;
    }
    struct tally all = {.streets = 0};
    const int r = town ? tell_town(&plan, town, &all) : tell_kinds(plan, streets, &all);
    tell("all", &all);
    const size_t by_passes = all.thieves[STREET_THEFT_ALWAYS] + all.thieves[STREET_THEFT_SHARE],
                 found = all.found[STREET_THEFT_ALWAYS] + all.found[STREET_THEFT_SHARE];
    return r ? 2 : all.accused * 5 > all.streets || found * 2 < by_passes;
}
