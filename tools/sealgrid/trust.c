#include "trust.h"

#include "child.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/cas/policy.h>
#include <sealgrid/tee/sim.h>
#include <stdio.h>
#include <unistd.h>

struct paths {
    char platform[SG_PATH_MAX], cas[SG_PATH_MAX], pin[SG_PATH_MAX], authority[SG_PATH_MAX],
        policy[SG_PATH_MAX], next_policy[SG_PATH_MAX], casd[SG_PATH_MAX];
};

static void make_paths(const struct sg_deployment *d, struct paths *p)
{
    /* d->dir and d->programs leave room for these leaves (deployment.c). */
    snprintf(p->platform, SG_PATH_MAX, "%.440s/platform", d->dir);
    snprintf(p->cas, SG_PATH_MAX, "%.440s/cas", d->dir);
    snprintf(p->pin, SG_PATH_MAX, "%.440s/cas/public/pin", d->dir);
    snprintf(p->authority, SG_PATH_MAX, "%.440s/conf/authority.pem", d->dir);
    snprintf(p->policy, SG_PATH_MAX, "%.440s/conf/policy.yaml", d->dir);
    snprintf(p->next_policy, SG_PATH_MAX, "%.440s/conf/policy.yaml.next", d->dir);
    snprintf(p->casd, SG_PATH_MAX, "%.440s/sealgrid-casd", d->programs);
}

static bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

bool sg_deployment_has_authority(const struct sg_deployment *d)
{
    struct paths p;
    make_paths(d, &p);
    return there(p.authority);
}

static int copy_file(const char *from, const char *to)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    int r = sg_file_read(from, &b);
    return r ? r : sg_file_write_atomic(to, sg_buf_bytes(&b), 0644);
}

static int policy_text(const struct sg_deployment *d, const char *authority, struct sg_buf *ret)
{
    static const struct {
        const char *service, *program;
    } measured[] = {{"kvsd", "sealgrid-kvsd"},   {"authd", "sealgrid-authd"},
                    {"aggd", "sealgrid-aggd"},   {"sqld", "sealgrid-sqld"},
                    {"bill", "sealgrid-bill"},   {"vee", "sealgrid-bill"},
                    {"fraud", "sealgrid-fraud"}, {"operator", "sealgrid"}};
    enum { N = sizeof measured / sizeof *measured };
    struct sg_cas_program programs[N];
    char path[N][SG_PATH_MAX];
    for (size_t i = 0; i < N; i++) {
        snprintf(path[i], sizeof path[i], "%.440s/%s", d->programs, measured[i].program);
        programs[i] = (struct sg_cas_program){measured[i].service, path[i]};
    }
    return sg_cas_policy_measure(programs, N, authority, ret);
}

/* Runs casd --init or --repolicy with the next policy, which then becomes the policy. */
static int tell_casd(const struct paths *p, const char *how)
{
    const char *argv[] = {
        p->casd,      how,         "--dir",  p->cas,     "--policy", p->next_policy,
        "--platform", p->platform, "--seal", "platform", NULL};
    int status, r = sg_child_run(argv, NULL, &status);
    if (r)
        return r;
    if (status)
        return sg_raisef(-EPROTO, "sealgrid-casd %s ended with %d", how, status);
    return rename(p->next_policy, p->policy) ? sg_raise_errno() : 0;
}

static int read_pin(const char *path, char ret[65])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(128);
    int r = sg_file_read(path, &b);
    if (r)
        return r;
    if (b.len < 64)
        return sg_raisef(-EBADMSG, "%s", path);
    memcpy(ret, b.data, 64);
    ret[64] = 0;
    return 0;
}

static bool same_policy(const char *path, struct sg_bytes text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf old = SG_BUF_INIT(1 << 20);
    return sg_file_read(path, &old) == 0 && sg_bytes_equal(sg_buf_bytes(&old), text);
}

int sg_deployment_trust(struct sg_deployment *d, const char *authority)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf policy = SG_BUF_INIT(1 << 20);
    struct paths p;
    make_paths(d, &p);
    int r = sg_sim_platform_create(p.platform);
    if (r == 0 && authority && !there(p.authority))
        r = copy_file(authority, p.authority);
    if (r == 0)
        r = policy_text(d, there(p.authority) ? p.authority : NULL, &policy);
    if (r)
        return r;
    bool fresh = !there(p.pin);
    if (fresh || !same_policy(p.policy, sg_buf_bytes(&policy))) {
        r = sg_file_write_atomic(p.next_policy, sg_buf_bytes(&policy), 0644);
        if (r == 0)
            r = tell_casd(&p, fresh ? "--init" : "--repolicy");
    }
    return r ? r : read_pin(p.pin, d->pin);
}
