/*
 * operator-make DIR - keys of people: an operators' authority (operators.pem), an operator below it
 * (operator.der, operator.pem), one of nobody's (stranger.der, stranger.pem), an auditor
 * (auditor.der, auditor.pem).  Private keys are DER.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/x509.h>

#include <limits.h>
#include <stdio.h>

#define YEAR_S INT64_C(31536000)

static int issue(struct sg_cert **ret, const char *name, bool ca, const struct sg_key *key,
                 const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    const int64_t now = sg_clock_unix_s();
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = now - 86400,
                                        .not_after_s = now + YEAR_S,
                                        .ca = ca,
                                        .path_len = ca ? 0 : -1};
    return sg_cert_issue(ret, &req, key, issuer, issuer_key);
}

static int write_cert(const char *dir, const char *leaf, const struct sg_cert *cert)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1 << 16);
    char path[PATH_MAX];
    int r = sg_cert_pem(cert, &pem);

    snprintf(path, sizeof(path), "%s/%s.pem", dir, leaf);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&pem), 0644);
}

static int write_key(const char *dir, const char *leaf, const struct sg_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT_SECRET(1 << 12);
    char path[PATH_MAX];
    int r = sg_key_private_der(key, &der);

    snprintf(path, sizeof(path), "%s/%s.der", dir, leaf);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&der), 0600);
}

/* A person below an authority; issuer NULL: below nobody. */
static int make_person(const char *dir, const char *leaf, const char *name,
                       const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = sg_key_generate(&key, SG_KEY_P256);

    if (!r)
        r = issue(&cert, name, false, key, issuer, issuer ? issuer_key : key);
    if (!r)
        r = write_cert(dir, leaf, cert);
    return r ? r : write_key(dir, leaf, key);
}

int main(int argc, char **argv)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *root = NULL;
    int r = argc == 2 ? sg_key_generate(&key, SG_KEY_P256) : 2;

    if (!r)
        r = issue(&root, "operators", true, key, NULL, key);
    if (!r)
        r = write_cert(argv[1], "operators", root);
    if (!r)
        r = make_person(argv[1], "operator", "Ana Souza", root, key);
    if (!r)
        r = make_person(argv[1], "stranger", "Ana Souza", NULL, NULL);
    if (!r)
        r = make_person(argv[1], "auditor", "auditor", NULL, NULL);
    return r ? 1 : 0;
}
