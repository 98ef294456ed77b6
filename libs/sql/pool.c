#include "sql-int.h"

int sg_sql_pool_init(struct sg_sql_pool *p, const struct sg_sql_engine_options *o)
{
    *p = (struct sg_sql_pool){.open = o->open, .user = o->user};
    p->max = o->max_sessions ? o->max_sessions : 64;
    p->idle = calloc(p->max, sizeof(struct sg_kv *));
    if (!p->idle)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&p->lock, NULL);
    return 0;
}

void sg_sql_pool_clear(struct sg_sql_pool *p)
{
    if (!p->idle)
        return;
    for (unsigned i = 0; i < p->n_idle; i++)
        sg_kv_free(p->idle[i]);
    free(p->idle);
    pthread_mutex_destroy(&p->lock);
    *p = (struct sg_sql_pool){0};
}

/* An idle one, or the right to open one. */
static int reserve(struct sg_sql_pool *p, bool fresh, struct sg_kv **ret)
{
    int r = 0;
    pthread_mutex_lock(&p->lock);
    if (!fresh && p->n_idle)
        *ret = p->idle[--p->n_idle];
    else if (p->n_open < p->max)
        p->n_open++;
    else if (p->n_idle) {
        /* fresh, with the pool full of idle ones that may be as dead as the one that failed */
        *ret = p->idle[--p->n_idle];
    } else
        r = SG_SQL_POOL_FULL;
    pthread_mutex_unlock(&p->lock);
    return r;
}

static void give_back_right(struct sg_sql_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->n_open--;
    pthread_mutex_unlock(&p->lock);
}

int sg_sql_pool_get(struct sg_sql_pool *p, bool fresh, struct sg_kv **ret)
{
    struct sg_kv *kv = NULL;
    int r = reserve(p, fresh, &kv);
    if (r)
        return r;
    if (kv && fresh) {
        sg_kv_free(kv);
        kv = NULL;
    }
    if (!kv) {
        r = p->open(p->user, &kv);
        if (r) {
            give_back_right(p);
            return sg_fold(r);
        }
    }
    *ret = kv;
    return 0;
}

void sg_sql_pool_put(struct sg_sql_pool *p, struct sg_kv *kv, bool broken)
{
    if (!kv)
        return;
    if (broken) {
        sg_kv_free(kv);
        give_back_right(p);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->idle[p->n_idle++] = kv;
    pthread_mutex_unlock(&p->lock);
}
