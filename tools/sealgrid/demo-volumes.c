/*
 * demo-volumes - each whole volume taken away in turn, with kvsd killed at that moment.
 */
#include "demo-reads.h"
#include "scrub.h"

#include <sealgrid/base/file.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

struct trial {
    struct sg_demo_reads reads;
    struct sg_http_client *kvsd;
    size_t wrong_reads, unseen, unrepaired;
};

/* The old process is gone when its probe stops answering; then the new one is waited for. */
static int restart_kvsd(const struct sg_demo *m)
{
    int r = sg_service_signal(m->d.dir, "kvsd", SIGKILL);
    if (r == 0)
        nanosleep(&(struct timespec){0, 150000000}, NULL);
    return r ? r : sg_deployment_wait(&m->d, 60);
}

static int mend(struct trial *t)
{
    struct sg_scrub_result first, second;
    int r = sg_scrub_run(t->kvsd, true, &first, NULL);
    if (r == 0)
        r = sg_scrub_run(t->kvsd, false, &second, NULL);
    if (r)
        return r;
    t->unseen += first.damage == 0;
    t->unrepaired += first.lost || second.damage || second.lost;
    return 0;
}

static int lose_volume(const struct sg_demo *m, struct trial *t, unsigned volume)
{
    char path[SG_PATH_MAX], aside[SG_PATH_MAX];
    snprintf(path, sizeof path, "%.440s/volumes/v%u", m->d.dir, volume);
    snprintf(aside, sizeof aside, "%.440s/lost-volume", m->d.dir);
    if (rename(path, aside))
        return sg_raise_errno();
    int r = restart_kvsd(m);
    if (r)
        return r;
    t->wrong_reads += sg_demo_reads_all(&t->reads);
    r = mend(t);
    return r ? r : sg_remove_tree(aside);
}

static int lose_all(const struct sg_demo *m, struct trial *t)
{
    int r = sg_demo_reads_new(&t->reads, m);
    if (r == 0)
        r = sg_operator_http(&m->op, &m->d, "kvsd", &t->kvsd);
    for (unsigned v = 0; r == 0 && v < m->d.volumes; v++) {
        r = lose_volume(m, t, v);
        sg_demo_progress(v + 1, m->d.volumes, "volumes");
    }
    /* After the last rebuild, nothing but rebuilt volumes is left. */
    if (r == 0)
        t->wrong_reads += sg_demo_reads_all(&t->reads);
    return r;
}

int sg_demo_tamper_volumes(struct sg_demo *m)
{
    struct trial t = {.unseen = 0};
    int r = lose_all(m, &t);
    if (r == 0) {
        sg_demo_tampered(m, "lost_volume_read_right", t.wrong_reads == 0);
        sg_demo_tampered(m, "lost_volume_reported", t.unseen == 0);
        sg_demo_tampered(m, "lost_volume_rebuilt", t.unrepaired == 0);
    }
    sg_demo_reads_clear(&t.reads);
    if (t.kvsd)
        sg_http_client_free(t.kvsd);
    return r;
}
