#include "exact-int.h"
#include "paper-int.h"

#include <stdlib.h>
#include <string.h>

/* A vector kept: its place in the order of the sample, and its row. */
struct ticket {
    uint64_t hash;
    uint32_t row;
};

struct sg_paper_sample {
    uint32_t points;
    size_t max, n, room;
    uint64_t seed;
    float *x;              /* room x points */
    struct ticket *ticket; /* n, the largest hash first as a heap; or all ascending: */
    bool sorted;
};

double sg_paper_level(const struct sg_corr_profile *own)
{
    double sum = 0;
    uint32_t days = 0;
    for (unsigned k = 0; k < SG_FRAUD_DAY_KINDS; k++) {
        double of_kind = 0;
        for (uint32_t i = 0; i < own->points; i++)
            of_kind += own->mean[k][i];
        sum += of_kind * own->n_days[k];
        days += own->n_days[k];
    }
    return sum / ((double)days * own->points);
}

void sg_paper_normalise(const float *load, double level, uint32_t points, float *ret)
{
    double scale = 1 / level;
    for (uint32_t i = 0; i < points; i++) {
        double ratio = (double)load[i] * scale;
        ret[i] = (float)(ratio < SG_PAPER_RATIO_MAX ? ratio : SG_PAPER_RATIO_MAX);
    }
}

int sg_paper_sample_new(struct sg_paper_sample **ret, uint32_t points, size_t max, uint64_t seed)
{
    if (points == 0 || points > SG_FRAUD_POINTS_MAX || max == 0 || max > SG_PAPER_SAMPLE_MAX)
        return SG_PAPER_TOO_LARGE;
    struct sg_paper_sample *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->points = points;
    s->max = max;
    s->seed = seed;
    *ret = s;
    return 0;
}

void sg_paper_sample_free(struct sg_paper_sample *s)
{
    if (!s)
        return;
    free(s->x);
    free(s->ticket);
    free(s);
}

/* --- the order of the sample ------------------------------------------------------------------ */

static uint64_t hash_customer(uint64_t seed, const char *id)
{
    uint64_t h = sg_fraud_mix(seed);
    for (; *id; id++)
        h = sg_fraud_mix(h ^ (uint8_t)*id);
    return h;
}

/* Equal hashes (one pair in 2^64) go by their vectors, so that the order is total. */
static int compare(const struct sg_paper_sample *s, const struct ticket *a, const struct ticket *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    size_t points = s->points;
    return memcmp(s->x + a->row * points, s->x + b->row * points, points * sizeof(float));
}

static void heap_sink(struct sg_paper_sample *s, size_t i, size_t n)
{
    for (;;) {
        size_t largest = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            if (compare(s, &s->ticket[child], &s->ticket[largest]) > 0)
                largest = child;
        if (largest == i)
            return;
        struct ticket t = s->ticket[i];
        s->ticket[i] = s->ticket[largest];
        s->ticket[largest] = t;
        i = largest;
    }
}

static void heap_make(struct sg_paper_sample *s)
{
    for (size_t i = s->n / 2; i-- > 0;)
        heap_sink(s, i, s->n);
}

/* --- adding ----------------------------------------------------------------------------------- */

static int grow(struct sg_paper_sample *s)
{
    size_t room = s->room ? s->room * 2 : 1024;
    room = room > s->max ? s->max : room;
    float *x = realloc(s->x, room * s->points * sizeof(float));
    if (!x)
        return sg_raise(-ENOMEM);
    s->x = x;
    struct ticket *ticket = realloc(s->ticket, room * sizeof(*ticket));
    if (!ticket)
        return sg_raise(-ENOMEM);
    s->ticket = ticket;
    s->room = room;
    return 0;
}

static bool is_wanted(const struct sg_paper_sample *s, uint64_t hash)
{
    return s->n < s->max || hash <= s->ticket[0].hash;
}

/* While there is room order does not matter; the heap is made when the last place is taken. */
static int keep(struct sg_paper_sample *s, uint64_t hash, const float *x)
{
    if (s->n == s->room && s->n < s->max) {
        int r = grow(s);
        if (r < 0)
            return r;
    }
    size_t row_bytes = s->points * sizeof(float);
    if (s->n < s->max) {
        memcpy(s->x + s->n * s->points, x, row_bytes);
        s->ticket[s->n] = (struct ticket){hash, (uint32_t)s->n};
        if (++s->n == s->max)
            heap_make(s);
        return 0;
    }
    struct ticket *top = &s->ticket[0];
    float *row = s->x + (size_t)top->row * s->points;
    if (hash > top->hash || (hash == top->hash && memcmp(x, row, row_bytes) >= 0))
        return 0;
    memcpy(row, x, row_bytes);
    top->hash = hash;
    heap_sink(s, 0, s->n);
    return 0;
}

static void unsort(struct sg_paper_sample *s)
{
    if (s->sorted && s->n == s->max)
        heap_make(s);
    s->sorted = false;
}

int sg_paper_sample_add(struct sg_paper_sample *s, const struct sg_fraud_days *d,
                        struct sg_corr_window reference)
{
    if (d->points != s->points)
        return SG_PAPER_POINTS;
    struct sg_corr_profile own;
    if (sg_corr_profile_of(d, reference, NULL, &own))
        return SG_PAPER_NO_REFERENCE;
    double level = sg_paper_level(&own);
    if (!(level > 0))
        return SG_PAPER_NO_LEVEL;
    unsort(s);
    uint64_t customer = hash_customer(s->seed, d->id);
    uint32_t first, n = sg_corr_find(d, reference, &first);
    for (uint32_t i = first; i < first + n; i++) {
        uint64_t hash = sg_fraud_mix(customer ^ (uint32_t)d->day[i]);
        float x[SG_FRAUD_POINTS_MAX];
        if (!is_wanted(s, hash))
            continue;
        sg_paper_normalise(sg_fraud_days_row(d, i), level, s->points, x);
        int r = keep(s, hash, x);
        if (r < 0)
            return r;
    }
    return 0;
}

int sg_paper_sample_merge(struct sg_paper_sample *s, const struct sg_paper_sample *other)
{
    sg_assert(s != other && s->points == other->points && s->max == other->max &&
              s->seed == other->seed);
    unsort(s);
    for (size_t i = 0; i < other->n; i++) {
        const struct ticket *t = &other->ticket[i];
        int r = keep(s, t->hash, other->x + (size_t)t->row * s->points);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Heap sort: the largest goes to the end of what is left. */
static void sort_tickets(struct sg_paper_sample *s)
{
    heap_make(s);
    for (size_t n = s->n; n-- > 1;) {
        struct ticket t = s->ticket[0];
        s->ticket[0] = s->ticket[n];
        s->ticket[n] = t;
        heap_sink(s, 0, n);
    }
}

/* Row i becomes the i-th ticket's: each cycle of the permutation moves round by one spare row. */
static void move_rows(struct sg_paper_sample *s)
{
    float spare[SG_FRAUD_POINTS_MAX];
    size_t points = s->points, bytes = points * sizeof(float);
    for (size_t start = 0; start < s->n; start++) {
        if (s->ticket[start].row == start)
            continue;
        memcpy(spare, s->x + start * points, bytes);
        size_t to = start;
        while (s->ticket[to].row != start) {
            size_t from = s->ticket[to].row;
            memcpy(s->x + to * points, s->x + from * points, bytes);
            s->ticket[to].row = (uint32_t)to;
            to = from;
        }
        memcpy(s->x + to * points, spare, bytes);
        s->ticket[to].row = (uint32_t)to;
    }
}

const float *sg_paper_sample_vectors(struct sg_paper_sample *s, size_t *ret_n)
{
    if (!s->sorted) {
        sort_tickets(s);
        move_rows(s);
        s->sorted = true;
    }
    *ret_n = s->n;
    return s->x;
}

/* The order of the sample is random already: its first vectors are as good a draw as any. */
static int first_map(struct sg_som *m, const float *x, size_t n)
{
    size_t nodes = sg_som_nodes(m), points = sg_som_shape(m)->points;
    if (n == 0)
        return SG_SOM_NO_VECTORS;
    SG_FREE float *codes = malloc(nodes * points * sizeof(float));
    if (!codes)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < nodes; i++)
        memcpy(codes + i * points, x + i % n * points, points * sizeof(float));
    return sg_som_set(m, codes);
}

int sg_paper_train(struct sg_paper_sample *s, const struct sg_som_shape *shape,
                   const struct sg_som_training *t, struct sg_som **ret)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *m = NULL;
    size_t n;
    const float *x = sg_paper_sample_vectors(s, &n);
    int r = shape->points == s->points ? sg_som_new(&m, shape) : SG_SOM_BAD_SHAPE;
    if (r == 0)
        r = first_map(m, x, n);
    if (r == 0)
        r = sg_som_train(m, x, n, t, NULL);
    if (r)
        return r;
    *ret = TAKE_PTR(m);
    return 0;
}
