#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>

#include "policy-int.h"

#define RELEASES_MAX 8

/* What each service of the first platform is given. */
static const struct {
    const char *service;
    const char *releases[RELEASES_MAX];
} defaults[] = {
    {"kvsd",
     {"kek/metering/*", "kek/evidence/*", "name-key/metering", "name-key/evidence",
      "api-key/reader", "api-key/admin"}},
    {"authd", {"edhoc/suite2/*", "edhoc/suite3/*", "authority/root"}},
    {"sqld", {"api-key/reader", "api-key/admin"}},
    {"bill", {"authority/root"}},
    {"operator", {"api-key/reader", "api-key/admin"}},
};

static const char head[] = "version: 1\n"
                           "certificate-hours: 24\n"
                           "buckets:\n"
                           "  metering:\n"
                           "    epochs: 1\n"
                           "  evidence:\n"
                           "    epochs: 1\n"
                           "secrets:\n"
                           "  edhoc/suite2:\n"
                           "    kind: edhoc\n"
                           "  edhoc/suite3:\n"
                           "    kind: edhoc\n"
                           "  api-key/reader:\n"
                           "    kind: api-key\n"
                           "  api-key/admin:\n"
                           "    kind: api-key\n";

/* Single-quoted YAML: a quote is doubled, nothing else means anything. */
static int put_quoted(struct sg_buf *b, const char *text)
{
    int r = sg_buf_append_u8(b, '\'');
    for (; *text && r == 0; text++) {
        if ((unsigned char)*text < 0x20)
            return sg_raisef(-EINVAL, "control character in a path");
        if (*text == '\'')
            r = sg_buf_append_u8(b, '\'');
        if (r == 0)
            r = sg_buf_append_u8(b, (uint8_t)*text);
    }
    return r < 0 ? r : sg_buf_append_u8(b, '\'');
}

static int put_authority(struct sg_buf *b, const char *path)
{
    int r = sg_buf_printf(b, "  authority/root:\n    kind: file\n    path: ");
    if (r == 0)
        r = put_quoted(b, path);
    return r < 0 ? r : sg_buf_append_u8(b, '\n');
}

static int put_measurement(struct sg_buf *b, const char *path)
{
    uint8_t digest[32];
    char hex[65];
    int r = sg_sha256_file(path, digest);
    if (r < 0)
        return r;
    sg_hex(hex, digest, sizeof digest);
    return sg_buf_printf(b, "      - '%s'\n", hex);
}

static int put_releases(struct sg_buf *b, const char *service, bool with_authority)
{
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (strcmp(defaults[i].service, service) != 0)
            continue;
        int r = 0;
        bool any = false;
        for (size_t k = 0; k < RELEASES_MAX && defaults[i].releases[k] && r == 0; k++) {
            const char *name = defaults[i].releases[k];
            if (!with_authority && strcmp(name, "authority/root") == 0)
                continue;
            r = sg_buf_printf(b, "%s      - '%s'\n", any ? "" : "    secrets:\n", name);
            any = true;
        }
        return r;
    }
    return 0;
}

static bool seen_before(const struct sg_cas_program *programs, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(programs[k].service, programs[i].service) == 0)
            return true;
    return false;
}

static int put_service(struct sg_buf *b, const struct sg_cas_program *programs, size_t n, size_t i,
                       bool with_authority)
{
    int r = sg_buf_printf(b, "  %s:\n    ip: 127.0.0.1\n    dns: localhost\n    measurements:\n",
                          programs[i].service);
    for (size_t k = i; k < n && r == 0; k++)
        if (strcmp(programs[k].service, programs[i].service) == 0)
            r = put_measurement(b, programs[k].path);
    return r < 0 ? r : put_releases(b, programs[i].service, with_authority);
}

static int put_policy(struct sg_buf *b, const struct sg_cas_program *programs, size_t n,
                      const char *authority_root)
{
    int r = sg_buf_append(b, SG_BYTES(head, sizeof head - 1));
    if (r == 0 && authority_root)
        r = put_authority(b, authority_root);
    if (r == 0)
        r = sg_buf_printf(b, "services:\n");
    for (size_t i = 0; i < n && r == 0; i++)
        if (!seen_before(programs, i))
            r = put_service(b, programs, n, i, authority_root != NULL);
    return r;
}

int sg_cas_policy_measure(const struct sg_cas_program *programs, size_t n,
                          const char *authority_root, struct sg_buf *ret_yaml)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *parsed = NULL;
    struct sg_yaml_error e = {0};
    if (n == 0)
        return sg_raisef(-EINVAL, "a policy without a service");
    int r = put_policy(&text, programs, n, authority_root);
    if (r < 0)
        return r;
    /* What casd would refuse must not leave here. */
    r = sg_cas_policy_parse(&parsed, sg_buf_bytes(&text), &e);
    if (r > 0)
        return sg_raisef(-EINVAL, "policy line %u: %s", e.line, e.text);
    return r < 0 ? r : sg_buf_append(ret_yaml, sg_buf_bytes(&text));
}
