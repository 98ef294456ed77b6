#include "balances-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/cleanup.h>

/* A transformer some of whose customers have come. */
struct gathering {
    float *load; /* its own row first, then one a customer; NULL: nobody yet */
    size_t come;
};

struct run {
    const struct topology *topology;
    const struct plan *plan;
    uint32_t points;
    int32_t first_day;
    size_t n_days, n_intervals, n_past;
    uint32_t weekday; /* of the first day; 7: not known yet */
    uint64_t max_bytes, bytes;
    struct gathering *groups;
    const struct topology_member **member; /* customers, by group and place */
    size_t *first;                         /* of a group, in member */
    struct balances_leads leads;
    struct balances out;
};

static void run_clear(struct run *run)
{
    for (size_t g = 0; run->groups && g < run->topology->n_groups; g++)
        free(run->groups[g].load);
    free(run->groups);
    free(run->member);
    free(run->first);
    balances_leads_clear(&run->leads);
    balances_clear(&run->out);
}

static void list_members(struct run *run)
{
    const struct topology *t = run->topology;
    for (size_t g = 0; g < t->n_groups; g++)
        run->first[g + 1] = run->first[g] + t->groups[g].customers;
    for (size_t i = 0; i < t->n_members; i++)
        if (t->members[i].place != SIZE_MAX)
            run->member[run->first[t->members[i].group] + t->members[i].place] = &t->members[i];
}

static int run_init(struct run *run)
{
    const struct topology *t = run->topology;
    const struct sg_corr_windows *w = &run->plan->windows;
    run->first_day = w->reference.first;
    run->n_days = (size_t)(w->test.last - run->first_day + 1);
    run->n_intervals = run->n_days * run->points;
    run->n_past = (size_t)(w->test.first - run->first_day) * run->points;
    run->weekday = 7;
    run->groups = calloc(t->n_groups + 1, sizeof(*run->groups));
    run->out.customers = calloc(t->n_members + 1, sizeof(*run->out.customers));
    run->out.transformers = calloc(t->n_groups + 1, sizeof(*run->out.transformers));
    run->member = calloc(t->n_members + 1, sizeof(*run->member));
    run->first = calloc(t->n_groups + 1, sizeof(*run->first));
    if (!run->groups || !run->out.customers || !run->out.transformers || !run->member ||
        !run->first)
        return sg_raise(-ENOMEM);
    list_members(run);
    return 0;
}

/* ---- one transformer ------------------------------------------------------------------------ */

static size_t bytes_of(const struct run *run, size_t g)
{
    return (run->topology->groups[g].customers + 1) * run->n_intervals * sizeof(float);
}

static int open_group(struct run *run, size_t g)
{
    const size_t bytes = bytes_of(run, g);
    if (run->bytes + bytes > run->max_bytes)
        return BALANCES_TOO_LARGE;
    float *load = malloc(bytes);
    if (!load)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < bytes / sizeof(*load); i++)
        load[i] = NAN;
    run->groups[g].load = load;
    run->bytes += bytes;
    return 0;
}

static void note_customer(struct run *run, const struct topology_member *m,
                          const struct sg_balance_customer *c, double days)
{
    struct balances_customer *to = &run->out.customers[run->out.n_customers++];
    memcpy(to->id, m->id, sizeof(to->id));
    memcpy(to->transformer, run->topology->groups[m->group].id, sizeof(to->transformer));
    to->used = c->used;
    to->elsewhere = c->elsewhere;
    to->share = (float)c->share;
    to->sureness = (float)c->sureness;
    to->correlation = (float)c->correlation;
    to->kwh_per_day = days > 0 && !c->elsewhere ? (float)(c->kwh / days) : 0;
}

static void note_group(struct run *run, size_t g, const struct sg_balance_customer *customers,
                       const struct sg_balance_result *result)
{
    const struct topology *t = run->topology;
    struct balances_transformer *to = &run->out.transformers[g];
    memcpy(to->id, t->groups[g].id, sizeof(to->id));
    to->customers = t->groups[g].customers;
    if (!result)
        return;
    to->judged = true;
    to->result = *result;
    to->days = (double)result->intervals / run->points;
    for (size_t k = 0; k < to->customers; k++)
        note_customer(run, run->member[run->first[g] + k], &customers[k], to->days);
}

static struct sg_balance_input input_of(const struct run *run, const struct gathering *group,
                                        size_t customers)
{
    return (struct sg_balance_input){.n_customers = customers,
                                     .n_intervals = run->n_intervals,
                                     .transformer = group->load,
                                     .customer =
                                         group->load ? group->load + run->n_intervals : NULL,
                                     .n_past = run->n_past,
                                     .per_day = run->points,
                                     .weekday = run->weekday % 7,
                                     .no_load_kwh = NAN,
                                     .loss_per_kwh2 = NAN};
}

/* A copy of a row of intervals, while there is room for it. */
static int keep(struct run *run, struct balances_lead_list *to, size_t of, const float *row)
{
    const size_t bytes = run->n_intervals * sizeof(*row);
    if (run->bytes + bytes > run->max_bytes)
        return 0;
    int r = balances_leads_add(to, of, row, run->n_intervals);
    run->bytes += r == 0 ? bytes : 0;
    return r;
}

/* What may belong together: customers who are not fed here, and a rest that nobody explains.  The
 * group's customers are the last that were noted. */
static int keep_leads(struct run *run, size_t g, const struct sg_balance_customer *customers,
                      const struct sg_balance_result *result, const float *rest)
{
    const size_t n = run->topology->groups[g].customers;
    int r = result->findings & SG_BALANCE_UNLISTED ? keep(run, &run->leads.rests, g, rest) : 0;
    for (size_t k = 0; r == 0 && k < n; k++)
        if (customers[k].elsewhere)
            r = keep(run, &run->leads.loads, run->out.n_customers - n + k,
                     run->groups[g].load + (k + 1) * run->n_intervals);
    return r;
}

static int judge_group(struct run *run, size_t g)
{
    const size_t n = run->topology->groups[g].customers;
    SG_FREE struct sg_balance_customer *customers = calloc(n + 1, sizeof(*customers));
    SG_FREE float *rest = malloc(run->n_intervals * sizeof(*rest));
    struct sg_balance_result result;
    if (!customers || !rest)
        return sg_raise(-ENOMEM);
    const struct sg_balance_input in = input_of(run, &run->groups[g], n);
    int r = sg_balance(&in, customers, &result, rest);
    if (r < 0)
        return r;
    note_group(run, g, customers, r ? NULL : &result);
    return r ? 0 : keep_leads(run, g, customers, &result, rest);
}

static int close_group(struct run *run, size_t g)
{
    struct gathering *group = &run->groups[g];
    if (!group->load) {
        note_group(run, g, NULL, NULL);
        return 0;
    }
    int r = judge_group(run, g);
    if (r)
        return r;
    free(group->load);
    group->load = NULL;
    run->bytes -= bytes_of(run, g);
    return 0;
}

/* ---- the source ----------------------------------------------------------------------------- */

static void copy_days(struct run *run, const struct sg_fraud_days *d, float *row)
{
    for (uint32_t i = 0; i < d->n_days; i++) {
        const int64_t at = (int64_t)d->day[i] - run->first_day;
        if (at < 0 || at >= (int64_t)run->n_days)
            continue;
        float *to = row + (size_t)at * run->points;
        memcpy(to, sg_fraud_days_row(d, i), run->points * sizeof(*row));
        for (uint32_t k = 0; k < run->points && d->n_gaps; k++)
            if (sg_fraud_days_is_filled(d, i, k)) /* the balance has its own word for these */
                to[k] = NAN;
        run->weekday = (uint32_t)((d->weekday[i] + 7 - at % 7) % 7);
    }
}

static int take_customer(struct run *run, const struct sg_fraud_days *d)
{
    const struct topology_member *m = topology_find(run->topology, d->id);
    if (!m || d->points != run->points)
        return 0;
    struct gathering *group = &run->groups[m->group];
    int r = group->load ? 0 : open_group(run, m->group);
    if (r)
        return r;
    const size_t row = m->place == SIZE_MAX ? 0 : m->place + 1;
    copy_days(run, d, group->load + row * run->n_intervals);
    if (++group->come <= run->topology->groups[m->group].customers)
        return 0;
    return close_group(run, m->group);
}

static int take_all(struct run *run, struct source *s)
{
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days days = SG_FRAUD_DAYS_INIT;
    struct source_notes notes;
    int r = source_rewind(s);
    if (r == 0)
        r = source_session_open(s, &session);
    while (r == 0) {
        r = source_next(s, session, &days, &notes);
        if (r == 0)
            r = take_customer(run, &days);
    }
    return r == SOURCE_END ? 0 : r;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct balances_customer *)a)->id,
                  ((const struct balances_customer *)b)->id);
}

int balances_make(struct balances *ret, const struct topology *t, struct source *s,
                  const struct plan *plan, uint64_t max_bytes)
{
    SG_CLEANUP(run_clear)
    struct run run = {
        .topology = t, .plan = plan, .points = source_points(s), .max_bytes = max_bytes};
    sg_assert(plan->fixed);
    int r = run_init(&run);
    if (r == 0)
        r = take_all(&run, s);
    /* Whose meters told nothing at all never completed their transformer. */
    for (size_t g = 0; r == 0 && g < t->n_groups; g++)
        if (run.groups[g].load || run.groups[g].come == 0)
            r = close_group(&run, g);
    const struct gathering nobody = {.load = NULL};
    struct sg_balance_input days = input_of(&run, &nobody, 1);
    if (r == 0)
        r = balances_leads_follow(&run.leads, &days, &run.out);
    if (r)
        return r;
    run.out.n_transformers = t->n_groups;
    if (run.out.n_customers)
        qsort(run.out.customers, run.out.n_customers, sizeof(*run.out.customers), by_id);
    *ret = run.out;
    run.out = (struct balances){.customers = NULL};
    return 0;
}

void balances_clear(struct balances *b)
{
    free(b->customers);
    free(b->transformers);
    *b = (struct balances){.customers = NULL};
}

const struct balances_customer *balances_find(const struct balances *b, const char *id)
{
    struct balances_customer key;
    if (b->n_customers == 0 || strlen(id) > SG_FRAUD_ID_MAX)
        return NULL;
    strcpy(key.id, id);
    return bsearch(&key, b->customers, b->n_customers, sizeof(*b->customers), by_id);
}
