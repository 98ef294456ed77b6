#include "copies.h"

#include <pthread.h>

struct copies;

struct writer {
    struct copies *of;
    struct sg_bench_map *map;
    pthread_t thread;
    int r;
};

struct copies {
    struct sg_bench_map base;
    struct writer writers[SG_BENCH_COPIES_MAX];
    size_t n;
    pthread_barrier_t begin, end; /* the caller writes the first copy */
    const struct sg_bench_row *rows;
    size_t n_rows;
    bool stop;
};

static void *write_copies(void *user)
{
    struct writer *w = user;
    for (;;) {
        pthread_barrier_wait(&w->of->begin);
        if (w->of->stop)
            return NULL;
        w->r = w->map->ops->put(w->map, w->of->rows, w->of->n_rows);
        pthread_barrier_wait(&w->of->end);
    }
}

static int copies_put(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n)
{
    struct copies *c = (struct copies *)(void *)m;
    c->rows = rows;
    c->n_rows = n;
    pthread_barrier_wait(&c->begin);
    int r = c->writers[0].map->ops->put(c->writers[0].map, rows, n);
    pthread_barrier_wait(&c->end);
    for (size_t i = 1; i < c->n; i++)
        r = r ? r : c->writers[i].r;
    return r;
}

static int copies_get(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
                      struct sg_bench_seen *seen)
{
    struct sg_bench_map *first = ((struct copies *)(void *)m)->writers[0].map;
    return first->ops->get(first, rows, n, seen);
}

static int copies_scan(struct sg_bench_map *m, const struct sg_bench_range *range,
                       struct sg_bench_seen *seen)
{
    struct sg_bench_map *first = ((struct copies *)(void *)m)->writers[0].map;
    return first->ops->scan(first, range, seen);
}

static int copies_settle(struct sg_bench_map *m)
{
    struct copies *c = (struct copies *)(void *)m;
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->n; i++) {
        struct sg_bench_map *map = c->writers[i].map;
        r = map->ops->settle ? map->ops->settle(map) : 0;
    }
    return r;
}

static void stop_writers(struct copies *c)
{
    c->stop = true;
    pthread_barrier_wait(&c->begin);
    for (size_t i = 1; i < c->n; i++)
        pthread_join(c->writers[i].thread, NULL);
}

static void copies_close(struct sg_bench_map *m)
{
    struct copies *c = (struct copies *)(void *)m;
    stop_writers(c);
    for (size_t i = 0; i < c->n; i++)
        sg_bench_map_close(c->writers[i].map);
    pthread_barrier_destroy(&c->begin);
    pthread_barrier_destroy(&c->end);
    free(c);
}

static const struct sg_bench_map_ops ops = {.put = copies_put,
                                            .get = copies_get,
                                            .scan = copies_scan,
                                            .settle = copies_settle,
                                            .close = copies_close};

int sg_bench_copies_new(struct sg_bench_map **ret, const char *name,
                        struct sg_bench_map *const *maps, size_t n)
{
    sg_assert(n >= 1 && n <= SG_BENCH_COPIES_MAX);
    struct copies *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->base = (struct sg_bench_map){&ops, name};
    c->n = n;
    pthread_barrier_init(&c->begin, NULL, (unsigned)n);
    pthread_barrier_init(&c->end, NULL, (unsigned)n);
    for (size_t i = 0; i < n; i++)
        c->writers[i] = (struct writer){.of = c, .map = maps[i]};
    /* With some of its threads a barrier would wait for ever: no way back from half-way. */
    for (size_t i = 1; i < n; i++)
        sg_assert(pthread_create(&c->writers[i].thread, NULL, write_copies, &c->writers[i]) == 0);
    *ret = &c->base;
    return 0;
}
