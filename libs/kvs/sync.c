#include "sync-int.h"

#include <pthread.h>
#include <stdbool.h>

struct sg_syncer {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t threads[SG_SYNC_MAX - 1];
    size_t n_threads;
    const int *fds; /* of the run; ret, next and left likewise */
    int *ret;
    size_t n, next, left;
    bool stop;
};

/* Lock held, and let go meanwhile.  False: nothing is left to take. */
static bool sync_one(struct sg_syncer *s)
{
    if (s->next == s->n)
        return false;
    size_t i = s->next++;
    int fd = s->fds[i];
    pthread_mutex_unlock(&s->lock);
    int r = fdatasync(fd) < 0 ? -errno : 0;
    pthread_mutex_lock(&s->lock);
    s->ret[i] = r;
    if (--s->left == 0)
        pthread_cond_signal(&s->done);
    return true;
}

static void *help(void *user)
{
    struct sg_syncer *s = user;
    pthread_mutex_lock(&s->lock);
    while (!s->stop)
        if (!sync_one(s))
            pthread_cond_wait(&s->work, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Fewer than wanted is no failure: the caller does what is left. */
static void start_threads(struct sg_syncer *s, size_t wanted)
{
    while (s->n_threads < wanted && pthread_create(&s->threads[s->n_threads], NULL, help, s) == 0)
        s->n_threads++;
}

int sg_syncer_new(struct sg_syncer **ret)
{
    struct sg_syncer *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->done, NULL);
    *ret = s;
    return 0;
}

void sg_syncer_free(struct sg_syncer *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->n_threads; i++)
        pthread_join(s->threads[i], NULL);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->done);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void sg_syncer_run(struct sg_syncer *s, const int *fds, size_t n, int *ret)
{
    sg_assert(n <= SG_SYNC_MAX);
    if (n == 0)
        return;
    start_threads(s, n - 1);
    pthread_mutex_lock(&s->lock);
    s->fds = fds;
    s->ret = ret;
    s->n = s->left = n;
    s->next = 0;
    pthread_cond_broadcast(&s->work);
    while (sync_one(s))
        ;
    while (s->left)
        pthread_cond_wait(&s->done, &s->lock);
    s->n = s->next = 0;
    pthread_mutex_unlock(&s->lock);
}
