#include "full-int.h"

#include "exact-int.h"

#include <string.h>

uint64_t sg_full_hash(uint64_t seed, const char *id)
{
    uint64_t h = sg_fraud_mix(seed);
    for (; *id; id++)
        h = sg_fraud_mix(h ^ (uint8_t)*id);
    return h;
}

int sg_full_sample_new(struct sg_full_sample **ret, const struct sg_corr_windows *w, size_t max,
                       uint64_t seed)
{
    if (max == 0 || max > SG_FULL_PANEL_MAX || !sg_view_windows_good(w))
        return SG_FULL_TOO_LARGE;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->windows = *w;
    s->seed = seed;
    s->max = max;
    int r = sg_view_init(&s->scratch, w);
    if (r)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

void sg_full_sample_free(struct sg_full_sample *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        sg_view_clear(&s->member[i].view);
    free(s->member);
    sg_view_clear(&s->scratch);
    free(s);
}

size_t sg_full_sample_size(const struct sg_full_sample *s)
{
    return s->n;
}

/* --- the customers with the smallest hashes --------------------------------------------------- */

static void swap(struct sg_full_member *a, struct sg_full_member *b)
{
    struct sg_full_member m = *a;
    *a = *b;
    *b = m;
}

static void sink(struct sg_full_member *m, size_t i, size_t n)
{
    for (;;) {
        size_t largest = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            if (m[child].hash > m[largest].hash)
                largest = child;
        if (largest == i)
            return;
        swap(&m[i], &m[largest]);
        i = largest;
    }
}

static void make_heap(struct sg_full_sample *s)
{
    for (size_t i = s->n / 2; i-- > 0;)
        sink(s->member, i, s->n);
}

void sg_full_sample_sort(struct sg_full_sample *s)
{
    if (s->sorted)
        return;
    make_heap(s);
    for (size_t n = s->n; n-- > 1;) {
        swap(&s->member[0], &s->member[n]);
        sink(s->member, 0, n);
    }
    s->sorted = true;
}

static bool is_wanted(const struct sg_full_sample *s, uint64_t hash)
{
    return s->n < s->max || hash < s->member[0].hash;
}

static int grow(struct sg_full_sample *s)
{
    size_t room = s->room ? s->room * 2 : 64;
    room = room > s->max ? s->max : room;
    struct sg_full_member *m = reallocarray(s->member, room, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    s->member = m;
    s->room = room;
    return 0;
}

/* Takes the view on success. */
static int keep(struct sg_full_sample *s, uint64_t hash, struct sg_view *view)
{
    if (s->n == s->room && s->n < s->max) {
        int r = grow(s);
        if (r)
            return r;
    }
    if (s->n < s->max) {
        s->member[s->n++] = (struct sg_full_member){hash, *view};
        if (s->n == s->max)
            make_heap(s);
    } else {
        sg_view_clear(&s->member[0].view);
        s->member[0] = (struct sg_full_member){hash, *view};
        sink(s->member, 0, s->n);
    }
    *view = (struct sg_view){.x = NULL};
    return 0;
}

static void unsort(struct sg_full_sample *s)
{
    if (s->sorted && s->n == s->max)
        make_heap(s);
    s->sorted = false;
}

static bool draws_anything(const struct sg_view *v)
{
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < v->n_reference; d++)
            if (v->x[h * v->stride + d] > 0)
                return true;
    return false;
}

int sg_full_sample_add(struct sg_full_sample *s, const struct sg_fraud_days *d,
                       const struct sg_fraud_context *ctx)
{
    const uint64_t hash = sg_full_hash(s->seed, d->id);
    struct sg_view copy;
    unsort(s);
    if (!is_wanted(s, hash))
        return 0;
    sg_view_fill(&s->scratch, d, ctx);
    if (s->scratch.n_reference < 2)
        return SG_FULL_NO_REFERENCE;
    if (s->scratch.n_recent == 0)
        return SG_FULL_NO_TEST;
    if (!draws_anything(&s->scratch))
        return SG_FULL_NO_LEVEL;
    int r = sg_view_copy(&copy, &s->scratch);
    if (r)
        return r;
    r = keep(s, hash, &copy);
    if (r)
        sg_view_clear(&copy);
    return r;
}

int sg_full_sample_merge(struct sg_full_sample *s, struct sg_full_sample *other)
{
    sg_assert(s != other && s->max == other->max && s->seed == other->seed);
    unsort(s);
    while (other->n > 0) {
        struct sg_full_member *m = &other->member[other->n - 1];
        if (is_wanted(s, m->hash)) {
            int r = keep(s, m->hash, &m->view);
            if (r)
                return r;
        }
        sg_view_clear(&m->view);
        other->n--;
    }
    other->sorted = false;
    return 0;
}
