/* fulfil - making the secrets that a policy wants. */
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>

#include <stdio.h>

#include "vault-int.h"

#define API_KEY_OCTETS 32
#define EDHOC_LIFE_S   (10LL * 365 * 86400)

static int make_api_key(struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT_SECRET(64);
    uint8_t octets[API_KEY_OCTETS];
    sg_random_bytes(octets, sizeof octets);
    int r = sg_base64url_append(&text, SG_BYTES_ARRAY(octets));
    sg_wipe(octets, sizeof octets);
    return r < 0 ? r : sg_secret_copy(ret, sg_buf_bytes(&text));
}

static int make_edhoc_key(struct sg_secret *ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT_SECRET(4096);
    int r = sg_key_generate(&key, SG_KEY_P256);
    if (r == 0)
        r = sg_key_private_der(key, &der);
    return r < 0 ? r : sg_secret_copy(ret, sg_buf_bytes(&der));
}

/* The key of edhoc/X/cert is edhoc/X/key, which the policy wants just before it. */
static int edhoc_key_of(const struct sg_cas_secrets *l, const char *cert_name, struct sg_key **ret)
{
    char name[SG_CAS_SECRET_NAME_MAX + 1];
    size_t stem = strlen(cert_name) - strlen("cert");
    snprintf(name, sizeof name, "%.*skey", (int)stem, cert_name);
    const struct sg_secret *key = sg_cas_secrets_find(l, name);
    return key ? sg_key_load_private(ret, sg_secret_bytes(key)) : sg_raise(-ENOENT);
}

/* Self-signed: meters know it by its hash (x5t), not by a chain. */
static int make_edhoc_cert(const struct sg_cas_secrets *l, const char *name, int64_t now_s,
                           struct sg_secret *ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    char common_name[64];
    snprintf(common_name, sizeof common_name, "Sealgrid authenticator %.*s",
             (int)(strlen(name) - strlen("/cert")), name);
    struct sg_cert_request req = {.common_name = common_name,
                                  .not_before_s = now_s - 86400,
                                  .not_after_s = now_s + EDHOC_LIFE_S};
    int r = edhoc_key_of(l, name, &key);
    if (r == 0)
        r = sg_cert_issue(&cert, &req, key, NULL, key);
    if (r == 0)
        r = sg_cert_der(cert, &der);
    return r < 0 ? r : sg_secret_copy(ret, sg_buf_bytes(&der));
}

static int import_file(const char *dir, const char *path, struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf contents = SG_BUF_INIT_SECRET(SG_CAS_SECRET_LEN_MAX);
    SG_FREE char *full = NULL;
    if (!dir)
        return SG_CAS_FULFIL_IMPORT;
    if (asprintf(&full, "%s%s%s", *path == '/' ? "" : dir, *path == '/' ? "" : "/", path) < 0)
        return sg_raise(-ENOMEM);
    int r = sg_file_read(full, &contents);
    if (r == 0 && contents.len == 0)
        r = sg_raise(-ENODATA);
    return r < 0 ? r : sg_secret_copy(ret, sg_buf_bytes(&contents));
}

static int make(const struct sg_cas_secrets *l, const struct sg_cas_wanted *w,
                const char *import_dir, int64_t now_s, struct sg_secret *ret)
{
    switch (w->kind) {
    case SG_CAS_SECRET_RANDOM:
        return sg_secret_random(ret, w->octets);
    case SG_CAS_SECRET_API_KEY:
        return make_api_key(ret);
    case SG_CAS_SECRET_EDHOC_KEY:
        return make_edhoc_key(ret);
    case SG_CAS_SECRET_EDHOC_CERT:
        return make_edhoc_cert(l, w->name, now_s, ret);
    case SG_CAS_SECRET_FILE:
        return import_file(import_dir, w->source, ret);
    case SG_CAS_SECRET_TEXT:
        break; /* lives in the policy */
    }
    return sg_raise(-EINVAL);
}

int sg_cas_secrets_fulfil(struct sg_cas_secrets *l, const struct sg_cas_policy *p,
                          const char *import_dir, int64_t now_s)
{
    for (size_t i = 0; i < p->n_wanted; i++) {
        const struct sg_cas_wanted *w = &p->wanted[i];
        SG_CLEANUP(sg_secret_clear) struct sg_secret value = SG_SECRET_INIT;
        if (w->kind == SG_CAS_SECRET_TEXT || sg_cas_secrets_find(l, w->name))
            continue;
        int r = make(l, w, import_dir, now_s, &value);
        if (r == 0)
            r = sg_cas_secrets_add(l, sg_bytes_str(w->name), &value);
        if (r != 0)
            return r;
    }
    return 0;
}
