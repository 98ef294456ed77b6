#include "fraud-made.h"

#include <stdatomic.h>
#include <time.h>

#include "source-int.h"

struct fraud_made {
    struct source source;
    const struct fraud_data *data;
    size_t customers;
    _Atomic size_t next;
    _Atomic int64_t making_ns;
};

static int64_t thread_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Sums of neighbouring intervals, in place of the customer's own days. */
static int fold_days(const struct sg_fraud_days *from, uint32_t points, struct sg_fraud_days *ret)
{
    const uint32_t each = from->points / points;
    int r = sg_fold(sg_fraud_days_start(ret, from->id, points));
    for (uint32_t i = 0; r == 0 && i < from->n_days; i++) {
        const float *v = sg_fraud_days_row(from, i);
        float day[FRAUD_POINTS] = {0};
        for (uint32_t k = 0; k < from->points; k++)
            day[k / each] += v[k];
        r = sg_fold(sg_fraud_days_add(ret, from->day[i], from->weekday[i], day, NULL));
    }
    return r;
}

static int next_made(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                     struct source_notes *ret_notes)
{
    static _Thread_local struct sg_fraud_days whole =
        SG_FRAUD_DAYS_INIT; /* as long as the thread */
    struct fraud_made *m = (struct fraud_made *)s;
    const size_t i = atomic_fetch_add(&m->next, 1);
    const int64_t begun = thread_cpu_ns();
    (void)v;
    if (i >= m->customers) {
        sg_fraud_days_clear(&whole);
        return SOURCE_END;
    }
    int r = fraud_data_customer(m->data, i, s->points == FRAUD_POINTS ? ret : &whole);
    if (r == 0 && s->points != FRAUD_POINTS)
        r = fold_days(&whole, s->points, ret);
    *ret_notes =
        (struct source_notes){.index = i, .readings = FRAUD_DAYS, .last_day = FRAUD_DAYS - 1};
    atomic_fetch_add(&m->making_ns, thread_cpu_ns() - begun);
    return r;
}

static int rewind_made(struct source *s)
{
    ((struct fraud_made *)s)->next = 0;
    return 0;
}

int fraud_made_new(struct fraud_made **ret, const struct fraud_data *data, uint32_t points)
{
    static const struct source_kind kind = {.next = next_made, .rewind = rewind_made};
    struct fraud_made *m = calloc(1, sizeof(*m));
    sg_assert(points > 0 && FRAUD_POINTS % points == 0);
    if (!m)
        return sg_raise(-ENOMEM);
    m->source.kind = &kind;
    m->source.points = points;
    m->data = data;
    *ret = m;
    return 0;
}

void fraud_made_free(struct fraud_made *m)
{
    free(m);
}

void fraud_made_resize(struct fraud_made *m, size_t customers)
{
    m->customers = m->source.expected = customers;
}

struct source *fraud_made_source(struct fraud_made *m)
{
    return &m->source;
}

int64_t fraud_made_ns(struct fraud_made *m)
{
    return atomic_exchange(&m->making_ns, 0);
}
