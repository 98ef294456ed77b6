/* identity - TLS contexts that follow the certificate. */
#include "identity-int.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define LOOK_EVERY_S 5 /* also how soon a clock that was set is noticed */

struct sg_cas_identity {
    struct sg_cas_bootstrap o;
    int (*fetch)(void *user, struct sg_cas_grant *ret);
    void *user;
    struct sg_tls_ctx *server, *client;
    _Atomic unsigned generation;
    int64_t renew_at_s; /* the thread's own, as soon as there is one */
    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool stop; /* under the lock */
    bool threaded;
    pthread_t thread;
};

/* ---- renewal ---- */

/* On failure a context may have the new certificate and the other the old one: both are good. */
static int renew(struct sg_cas_identity *i, int64_t *ret_renew_at_s)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant fresh = {0};
    int r = sg_fold(i->fetch(i->user, &fresh));
    if (r == 0)
        r = sg_cas_tls_renew(&fresh, i->server);
    if (r == 0)
        r = sg_cas_tls_renew(&fresh, i->client);
    if (r == 0)
        *ret_renew_at_s = sg_cas_renew_at(&fresh);
    return r;
}

void sg_cas_identity_tick(struct sg_cas_identity *i, int64_t now_s)
{
    if (now_s < i->renew_at_s)
        return;
    int r = renew(i, &i->renew_at_s);
    if (r < 0) {
        i->renew_at_s = now_s + SG_CAS_RENEW_AGAIN_S;
        sg_log_failure("certificate.renewal_failed", r);
        return;
    }
    i->generation++;
    sg_log(SG_LOG_INFO, "certificate.renewed");
}

/* ---- thread ---- */

/* Asks casd once: there is no reason to wait for it while the present certificate serves. */
static int ask_casd(void *user, struct sg_cas_grant *ret)
{
    const struct sg_cas_identity *i = user;
    return sg_cas_bootstrap(&i->o, ret);
}

/* False: time to stop. */
static bool wait_a_little(struct sg_cas_identity *i)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_S;
    pthread_mutex_lock(&i->lock);
    if (!i->stop)
        pthread_cond_timedwait(&i->stopping, &i->lock, &until);
    bool stop = i->stop;
    pthread_mutex_unlock(&i->lock);
    return !stop;
}

static void *follow(void *user)
{
    struct sg_cas_identity *i = user;
    do
        sg_cas_identity_tick(i, sg_clock_unix_s());
    while (wait_a_little(i));
    return NULL;
}

static void stop_thread(struct sg_cas_identity *i)
{
    pthread_mutex_lock(&i->lock);
    i->stop = true;
    pthread_cond_signal(&i->stopping);
    pthread_mutex_unlock(&i->lock);
    pthread_join(i->thread, NULL);
}

/* ---- life ---- */

static void init_lock(struct sg_cas_identity *i)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&i->stopping, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&i->lock, NULL);
}

int sg_cas_identity_make(struct sg_cas_identity **ret,
                         int (*fetch)(void *user, struct sg_cas_grant *ret), void *user,
                         const struct sg_cas_grant *g, enum sg_tls_peer peer)
{
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *i = calloc(1, sizeof *i);
    if (!i)
        return sg_raise(-ENOMEM);
    init_lock(i);
    i->fetch = fetch;
    i->user = user;
    i->renew_at_s = sg_cas_renew_at(g);
    int r = sg_cas_tls(g, true, peer, &i->server);
    if (r == 0)
        r = sg_cas_tls(g, false, SG_TLS_PEER_REQUIRED, &i->client);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(i);
    return 0;
}

int sg_cas_identity_new(struct sg_cas_identity **ret, const struct sg_cas_bootstrap *o,
                        const struct sg_cas_grant *g, enum sg_tls_peer peer)
{
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *i = NULL;
    int r = sg_cas_identity_make(&i, ask_casd, NULL, g, peer);
    if (r < 0)
        return r;
    i->user = i;
    i->o = *o;
    i->o.retry_ms = 0;
    int e = pthread_create(&i->thread, NULL, follow, i);
    if (e)
        return sg_raise(-e);
    i->threaded = true;
    *ret = TAKE_PTR(i);
    return 0;
}

void sg_cas_identity_free(struct sg_cas_identity *i)
{
    if (!i)
        return;
    if (i->threaded)
        stop_thread(i);
    sg_tls_ctx_free(i->server);
    sg_tls_ctx_free(i->client);
    pthread_cond_destroy(&i->stopping);
    pthread_mutex_destroy(&i->lock);
    free(i);
}

struct sg_tls_ctx *sg_cas_identity_server(const struct sg_cas_identity *i)
{
    return i->server;
}

struct sg_tls_ctx *sg_cas_identity_client(const struct sg_cas_identity *i)
{
    return i->client;
}

unsigned sg_cas_identity_generation(const struct sg_cas_identity *i)
{
    return i->generation;
}
