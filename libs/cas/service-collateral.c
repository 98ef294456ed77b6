/* service-collateral - the documents that a service judges by, and what it remembers of them. */
#include "service-int.h"

#include <sealgrid/base/clock.h>

/* Marks of collateral, into the state before the store that raised them is in place.  The record of
 * it is dated by the clock: nobody asked for the load. */
static int keep_marks(void *user, struct sg_cas_marks *marks)
{
    struct sg_cas_service *s = user;
    const struct sg_cas_now now = {.unix_s = sg_clock_unix_s()};
    pthread_mutex_lock(&s->save_mutex);
    struct sg_cas_marks before = s->vault->marks;
    s->vault->marks = *marks;
    int r = sg_cas_service_save(s, now);
    if (r < 0)
        s->vault->marks = before;
    pthread_mutex_unlock(&s->save_mutex);
    sg_cas_marks_clear(r < 0 ? marks : &before);
    return r;
}

/* The policy lock is held, for reading at least. */
static int load_collateral(struct sg_cas_service *s, struct sg_cas_collateral_report *ret)
{
    const struct sg_cas_memory memory = {.user = s,
                                         .marks = &s->vault->marks,
                                         .epoch = s->policy->collateral_epoch,
                                         .keep = keep_marks};
    const struct sg_cas_root_rule rule = {.all = !s->vault->production,
                                          .permitted = s->policy->roots,
                                          .n_permitted = s->policy->n_roots,
                                          /* before the log is open there is nothing to load */
                                          .memory = s->audit ? &memory : NULL};
    return sg_cas_collateral_load(s->collateral, &rule, ret);
}

int sg_cas_service_set_collateral(struct sg_cas_service *s, struct sg_cas_collateral *c,
                                  struct sg_cas_collateral_report *ret)
{
    sg_cas_collateral_free(s->collateral);
    s->collateral = c;
    int r = load_collateral(s, ret);
    if (r == 0 && ret->n_roots_refused)
        return sg_cas_traced(
            sg_raisef(-EPERM, "production: %s is no root that the policy names", ret->root_refused),
            SG_CAS_ROOT_REFUSED);
    return r;
}

int sg_cas_service_refresh(struct sg_cas_service *s, bool *ret_loaded,
                           struct sg_cas_collateral_report *ret)
{
    *ret_loaded = false;
    pthread_rwlock_rdlock(&s->policy_lock);
    pthread_mutex_lock(&s->load_mutex);
    int r = sg_cas_collateral_changed(s->collateral, ret_loaded);
    if (r == 0 && *ret_loaded)
        r = load_collateral(s, ret);
    pthread_mutex_unlock(&s->load_mutex);
    pthread_rwlock_unlock(&s->policy_lock);
    return r;
}

void sg_cas_service_reload(struct sg_cas_service *s)
{
    pthread_mutex_lock(&s->load_mutex);
    if (load_collateral(s, &s->loaded) < 0)
        sg_cas_collateral_drop(s->collateral);
    pthread_mutex_unlock(&s->load_mutex);
}

int sg_cas_service_no_collateral(struct sg_cas_service *s)
{
    const struct sg_cas_collateral_options none = {0};
    struct sg_cas_collateral_report report;
    int r = sg_cas_collateral_new(&s->collateral, &none);
    return r ? r : load_collateral(s, &report);
}

void sg_cas_service_loaded(struct sg_cas_service *s, struct sg_cas_collateral_report *ret)
{
    pthread_rwlock_rdlock(&s->policy_lock);
    *ret = s->loaded;
    pthread_rwlock_unlock(&s->policy_lock);
}
