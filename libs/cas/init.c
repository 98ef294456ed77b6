#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/tee/sim.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "service-int.h"

int sg_cas_dir_lock(const char *dir, int *ret_fd)
{
    SG_FREE char *path = NULL;
    if (asprintf(&path, "%s/lock", dir) < 0)
        return sg_raise(-ENOMEM);
    SG_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return sg_raise_errno();
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? SG_CAS_STATE_BUSY : sg_raise_errno();
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int check_empty(const char *dir)
{
    SG_FREE char *path = NULL;
    struct stat st;
    if (asprintf(&path, "%s/state.sealed", dir) < 0)
        return sg_raise(-ENOMEM);
    return stat(path, &st) == 0 ? SG_CAS_STATE_EXISTS : 0;
}

/* An outcome whose reason stands in the trace. */
static int traced(int raised, int outcome)
{
    (void)raised;
    return outcome;
}

static int read_policy(struct sg_cas_vault *v, const char *path, struct sg_cas_policy **ret)
{
    struct sg_yaml_error e = {0};
    int r = sg_file_read(path, &v->policy_text);
    if (r < 0)
        return r;
    r = sg_cas_policy_parse(ret, sg_buf_bytes(&v->policy_text), &e);
    if (r > 0)
        return traced(sg_raisef(-EBADMSG, "%s:%u: %s", path, e.line, e.text),
                      SG_CAS_POLICY_REFUSED);
    return r;
}

/* Folder of the policy: where the files that it imports are looked for. */
static int folder_of(const char *path, char **ret)
{
    const char *slash = strrchr(path, '/');
    *ret = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    return *ret ? 0 : sg_raise(-ENOMEM);
}

static int fill_secrets(struct sg_cas_vault *v, const char *policy_path, int64_t now_s)
{
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    SG_FREE char *folder = NULL;
    int r = read_policy(v, policy_path, &p);
    if (r == 0)
        r = folder_of(policy_path, &folder);
    return r ? r : sg_cas_secrets_fulfil(&v->secrets, p, folder, now_s);
}

static int make_vault(const struct sg_cas_init *o, struct sg_cas_vault **ret)
{
    SG_CLEANUP(sg_cas_vault_freep) struct sg_cas_vault *v = NULL;
    SG_CLEANUP(sg_secret_clear) struct sg_secret sealing = SG_SECRET_INIT;
    int64_t now_s = sg_clock_unix_s();
    int r = sg_tee_sealing_key(o->tee, o->seal, SG_CAS_SEAL_LABEL, &sealing);
    if (r == 0)
        r = sg_cas_vault_new(&v, o->dir, &sealing);
    if (r == 0)
        r = sg_cas_authority_make(v, now_s);
    if (r == 0 && o->sim_platform)
        r = sg_sim_platform_public(o->sim_platform, &v->sim_platform);
    if (r == 0)
        r = fill_secrets(v, o->policy, now_s);
    if (r != 0)
        return r;
    v->production = o->production;
    *ret = TAKE_PTR(v);
    return 0;
}

int sg_cas_init(const struct sg_cas_init *o, char ret_pin[SG_CAS_PIN_LEN + 1])
{
    SG_CLEANUP(sg_cas_vault_freep) struct sg_cas_vault *v = NULL;
    SG_CLOSE int lock_fd = -1;
    uint8_t fingerprint[32];
    int r = sg_mkdir_p(o->dir, 0755);
    if (r == 0)
        r = sg_cas_dir_lock(o->dir, &lock_fd);
    if (r == 0)
        r = check_empty(o->dir);
    if (r == 0)
        r = make_vault(o, &v);
    if (r == 0)
        r = sg_cas_vault_publish(v);
    if (r == 0)
        r = sg_cas_vault_save(v); /* last: a folder with a state is complete */
    if (r != 0)
        return r;
    sg_cert_fingerprint(v->ca_cert, fingerprint);
    sg_hex(ret_pin, fingerprint, sizeof fingerprint);
    return 0;
}
