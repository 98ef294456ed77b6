#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#include "vault-int.h"

const struct sg_message_type sg_cas_state_type = SG_MESSAGE_TYPE(sg_cas_state, SG_CAS_STATE_FIELDS);
const struct sg_message_type sg_cas_state2_type =
    SG_MESSAGE_TYPE(sg_cas_state, SG_CAS_STATE2_FIELDS);

int sg_cas_vault_new(struct sg_cas_vault **ret, const char *dir, struct sg_secret *sealing)
{
    SG_CLEANUP(sg_cas_vault_freep) struct sg_cas_vault *v = calloc(1, sizeof *v);
    if (!v)
        return sg_raise(-ENOMEM);
    v->policy_text = (struct sg_buf)SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    v->dir = strdup(dir);
    if (!v->dir)
        return sg_raise(-ENOMEM);
    v->sealing = sg_secret_take(sealing);
    *ret = TAKE_PTR(v);
    return 0;
}

void sg_cas_vault_free(struct sg_cas_vault *v)
{
    if (!v)
        return;
    free(v->dir);
    sg_secret_clear(&v->sealing);
    sg_key_free(v->ca_key);
    sg_cert_free(v->ca_cert);
    sg_key_free(v->audit_key);
    sg_key_free(v->sim_platform);
    sg_buf_clear(&v->policy_text);
    sg_cas_secrets_clear(&v->secrets);
    sg_cas_marks_clear(&v->marks);
    free(v);
}

static int state_path(const struct sg_cas_vault *v, char **ret)
{
    return asprintf(ret, "%s/state.sealed", v->dir) < 0 ? sg_raise(-ENOMEM) : 0;
}

/* ---- load ---- */

int sg_cas_state_decode(struct sg_bytes plain, struct sg_cas_state *ret)
{
    struct sg_reader r = sg_reader_over(plain);
    uint64_t fields = 0;
    int o = sg_cbor_get_map(&r, &fields);
    if (o < 0)
        return o;
    *ret = (struct sg_cas_state){0};
    return sg_message_decode(fields == sg_cas_state_type.n_fields ? &sg_cas_state_type
                                                                  : &sg_cas_state2_type,
                             plain, ret);
}

static int take_state(struct sg_cas_vault *v, const struct sg_cas_state *s)
{
    int r = sg_key_load_private(&v->ca_key, s->ca_key);
    if (r == 0)
        r = sg_cert_load(&v->ca_cert, s->ca_cert);
    if (r == 0)
        r = sg_key_load_private(&v->audit_key, s->audit_key);
    if (r == 0 && s->sim_platform.len)
        r = sg_key_load_public(&v->sim_platform, s->sim_platform);
    if (r == 0)
        r = sg_buf_append(&v->policy_text, s->policy);
    if (r == 0)
        r = sg_cas_secrets_decode(&v->secrets, s->secrets);
    if (r == 0)
        r = sg_cas_marks_decode(s->marks, &v->marks);
    v->sequence = s->sequence;
    v->production = s->production;
    v->leases_reserved = s->leases_reserved;
    v->anchor.size = s->audit_size;
    memcpy(v->anchor.root, s->audit_root, sizeof v->anchor.root);
    return r;
}

int sg_cas_vault_load(struct sg_cas_vault *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(SG_CAS_STATE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_CAS_STATE_MAX);
    SG_FREE char *path = NULL;
    struct sg_cas_state state;
    int r = state_path(v, &path);
    if (r == 0)
        r = sg_file_read(path, &sealed);
    if (r == 0)
        r = sg_cas_unseal(sg_secret_bytes(&v->sealing), sg_buf_bytes(&sealed), &plain);
    if (r == 0)
        r = sg_cas_state_decode(sg_buf_bytes(&plain), &state);
    if (r == 0)
        r = take_state(v, &state);
    if (r == 0)
        sg_sha256(v->digest, sg_buf_bytes(&sealed));
    return r;
}

/* ---- save ---- */

/* What an encoded state borrows from. */
struct parts {
    struct sg_buf ca_key, ca_cert, audit_key, sim_platform, secrets, marks;
};

static void parts_clear(struct parts *p)
{
    sg_buf_clear(&p->ca_key);
    sg_buf_clear(&p->ca_cert);
    sg_buf_clear(&p->audit_key);
    sg_buf_clear(&p->sim_platform);
    sg_buf_clear(&p->secrets);
    sg_buf_clear(&p->marks);
}

static int make_parts(const struct sg_cas_vault *v, struct parts *p)
{
    int r = sg_key_private_der(v->ca_key, &p->ca_key);
    if (r == 0)
        r = sg_cert_der(v->ca_cert, &p->ca_cert);
    if (r == 0)
        r = sg_key_private_der(v->audit_key, &p->audit_key);
    if (r == 0 && v->sim_platform)
        r = sg_key_public_der(v->sim_platform, &p->sim_platform);
    if (r == 0)
        r = sg_cas_secrets_encode(&v->secrets, &p->secrets);
    return r < 0 ? r : sg_cas_marks_encode(&v->marks, &p->marks);
}

static int encode_state(const struct sg_cas_vault *v, struct sg_buf *ret)
{
    SG_CLEANUP(parts_clear)
    struct parts p = {.ca_key = SG_BUF_INIT_SECRET(4096),
                      .ca_cert = SG_BUF_INIT(8192),
                      .audit_key = SG_BUF_INIT_SECRET(4096),
                      .sim_platform = SG_BUF_INIT(1024),
                      .secrets = SG_BUF_INIT_SECRET(SG_CAS_LIST_MAX),
                      .marks = SG_BUF_INIT(SG_CAS_MARKS_OCTETS)};
    int r = make_parts(v, &p);
    if (r < 0)
        return r;
    struct sg_cas_state s = {.version = 2,
                             .sequence = v->sequence + 1,
                             .production = v->production,
                             .ca_key = sg_buf_bytes(&p.ca_key),
                             .ca_cert = sg_buf_bytes(&p.ca_cert),
                             .audit_key = sg_buf_bytes(&p.audit_key),
                             .sim_platform = sg_buf_bytes(&p.sim_platform),
                             .policy = sg_buf_bytes(&v->policy_text),
                             .leases_reserved = v->leases_reserved,
                             .audit_size = v->anchor.size,
                             .secrets = sg_buf_bytes(&p.secrets),
                             .marks = sg_buf_bytes(&p.marks)};
    memcpy(s.audit_root, v->anchor.root, sizeof s.audit_root);
    return sg_message_encode(&sg_cas_state2_type, &s, ret);
}

int sg_cas_vault_save(struct sg_cas_vault *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_CAS_STATE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(SG_CAS_STATE_MAX);
    SG_FREE char *path = NULL;
    int r = state_path(v, &path);
    if (r == 0)
        r = encode_state(v, &plain);
    if (r == 0)
        r = sg_cas_seal(sg_secret_bytes(&v->sealing), sg_buf_bytes(&plain), &sealed);
    if (r == 0)
        r = sg_file_write_atomic(path, sg_buf_bytes(&sealed), 0600);
    if (r < 0)
        return r;
    v->sequence++;
    sg_sha256(v->digest, sg_buf_bytes(&sealed));
    return 0;
}

/* ---- publish ---- */

static int publish_file(const struct sg_cas_vault *v, const char *name, struct sg_bytes contents)
{
    SG_FREE char *path = NULL;
    if (asprintf(&path, "%s/public/%s", v->dir, name) < 0)
        return sg_raise(-ENOMEM);
    return sg_file_write_atomic(path, contents, 0644);
}

static int publish_cert(const struct sg_cas_vault *v, const char *name, const struct sg_cert *cert)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(16384);
    int r = sg_cert_pem(cert, &pem);
    return r < 0 ? r : publish_file(v, name, sg_buf_bytes(&pem));
}

static int publish_pin(const struct sg_cas_vault *v)
{
    uint8_t fingerprint[32];
    char hex[2 * sizeof fingerprint + 2];
    sg_cert_fingerprint(v->ca_cert, fingerprint);
    sg_hex(hex, fingerprint, sizeof fingerprint);
    hex[2 * sizeof fingerprint] = '\n';
    return publish_file(v, "pin", SG_BYTES(hex, 2 * sizeof fingerprint + 1));
}

static int publish_audit_key(const struct sg_cas_vault *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1024);
    int r = sg_key_public_der(v->audit_key, &der);
    return r < 0 ? r : publish_file(v, "audit.pub", sg_buf_bytes(&der));
}

static bool is_edhoc_cert(const char *name)
{
    size_t n = strlen(name);
    return strncmp(name, "edhoc/", 6) == 0 && n > 11 && strcmp(name + n - 5, "/cert") == 0;
}

/* edhoc/suite2/cert becomes edhoc-suite2-cert.pem. */
static int publish_edhoc(const struct sg_cas_vault *v, const struct sg_cas_secret *s)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    SG_FREE char *name = NULL;
    int r = sg_cert_load(&cert, sg_secret_bytes(&s->value));
    if (r < 0)
        return r;
    if (asprintf(&name, "%s.pem", s->name) < 0)
        return sg_raise(-ENOMEM);
    for (char *at = name; *at; at++)
        if (*at == '/')
            *at = '-';
    return publish_cert(v, name, cert);
}

int sg_cas_vault_publish(const struct sg_cas_vault *v)
{
    SG_FREE char *dir = NULL;
    if (asprintf(&dir, "%s/public", v->dir) < 0)
        return sg_raise(-ENOMEM);
    int r = sg_mkdir_p(dir, 0755);
    if (r == 0)
        r = publish_cert(v, "ca.pem", v->ca_cert);
    if (r == 0)
        r = publish_audit_key(v);
    for (size_t i = 0; i < v->secrets.n && r == 0; i++)
        if (is_edhoc_cert(v->secrets.items[i].name))
            r = publish_edhoc(v, &v->secrets.items[i]);
    return r < 0 ? r : publish_pin(v); /* last: who sees it finds the rest */
}
