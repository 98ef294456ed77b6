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

static int is_there(const char *dir, const char *name, bool *ret)
{
    SG_FREE char *path = NULL;
    struct stat st;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return sg_raise(-ENOMEM);
    *ret = stat(path, &st) == 0;
    return 0;
}

static int read_policy(struct sg_cas_vault *v, const char *path, struct sg_cas_policy **ret)
{
    struct sg_yaml_error e = {0};
    int r = sg_file_read(path, &v->policy_text);
    if (r < 0)
        return r;
    r = sg_cas_policy_parse(ret, sg_buf_bytes(&v->policy_text), &e);
    if (r > 0)
        return sg_cas_traced(sg_raisef(-EBADMSG, "%s:%u: %s", path, e.line, e.text),
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

/* An init that was killed after its state was durable and before the pin was written. */
static int load_vault(const struct sg_cas_init *o, struct sg_cas_vault **ret)
{
    SG_CLEANUP(sg_cas_vault_freep) struct sg_cas_vault *v = NULL;
    SG_CLEANUP(sg_secret_clear) struct sg_secret sealing = SG_SECRET_INIT;
    int r = sg_tee_sealing_key(o->tee, o->seal, SG_CAS_SEAL_LABEL, &sealing);
    if (r == 0)
        r = sg_cas_vault_new(&v, o->dir, &sealing);
    if (r < 0)
        return r;
    r = sg_cas_vault_load(v);
    if (r != 0)
        return r < 0 ? r : SG_CAS_STATE_FORGED;
    *ret = TAKE_PTR(v);
    return 0;
}

static int make_or_load(const struct sg_cas_init *o, struct sg_cas_vault **ret)
{
    bool state = false, pin = false;
    int r = is_there(o->dir, "state.sealed", &state);
    if (r == 0)
        r = is_there(o->dir, "public/pin", &pin);
    if (r < 0)
        return r;
    if (state)
        return pin ? SG_CAS_STATE_EXISTS : load_vault(o, ret);
    r = make_vault(o, ret);
    return r ? r : sg_cas_vault_save(*ret);
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
        r = make_or_load(o, &v);
    if (r == 0)
        r = sg_cas_vault_publish(v);
    if (r != 0)
        return r;
    sg_cert_fingerprint(v->ca_cert, fingerprint);
    sg_hex(ret_pin, fingerprint, sizeof fingerprint);
    return 0;
}

/* ---- a new policy without the operator's identity: simulated platforms only ---- */

/* The text under another version number; its first line is "version: N". */
static int renumber(struct sg_bytes text, uint64_t version, struct sg_buf *ret)
{
    static const char key[] = "version: ";
    const uint8_t *end = text.len ? memchr(text.data, '\n', text.len) : NULL;
    if (!end || text.len < sizeof key || memcmp(text.data, key, sizeof key - 1) != 0)
        return sg_cas_traced(sg_raisef(-EBADMSG, "the policy does not begin with its version"),
                             SG_CAS_POLICY_REFUSED);
    int r = sg_buf_printf(ret, "%s%llu", key, (unsigned long long)version);
    return r < 0 ? r : sg_buf_append(ret, SG_BYTES(end, text.len - (size_t)(end - text.data)));
}

static int repolicy(struct sg_cas_service *s, const char *path, struct sg_cas_now now)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf renumbered = SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    struct sg_yaml_error e = {0};
    if (s->vault->production)
        return sg_cas_traced(sg_raisef(-EPERM, "a production policy is the operator's to change"),
                             SG_CAS_POLICY_REFUSED);
    SG_FREE char *folder = NULL;
    int r = sg_file_read(path, &text);
    if (r == 0)
        r = folder_of(path, &folder);
    s->import_dir = folder;
    if (r == 0)
        r = renumber(sg_buf_bytes(&text), s->policy->version + 1, &renumbered);
    if (r != 0)
        return r;
    r = sg_cas_service_update(s, sg_buf_bytes(&renumbered), s->policy_digest, now, &e);
    s->import_dir = NULL;
    if (r > 0)
        return sg_cas_traced(sg_raisef(-EBADMSG, "%s:%u: %s %s", path, e.line,
                                       sg_cas_refusal_name((enum sg_cas_refusal)r), e.text),
                             SG_CAS_POLICY_REFUSED);
    return r;
}

int sg_cas_repolicy(const struct sg_cas_init *o)
{
    SG_CLEANUP(sg_cas_service_freep) struct sg_cas_service *s = NULL;
    const struct sg_cas_limits limits = {1, 1, 1, 1, 1};
    const struct sg_cas_now now = {sg_clock_unix_s(), sg_clock_monotonic_ns() / 1000000};
    if (sg_tee_provider_kind(o->tee) != SG_TEE_SIM)
        return sg_cas_traced(
            sg_raisef(-EPERM, "only a simulated platform takes a policy from a file"),
            SG_CAS_POLICY_REFUSED);
    int r = sg_cas_service_open(&s, o->dir, o->tee, o->seal, &limits, now);
    return r ? r : repolicy(s, o->policy, now);
}
