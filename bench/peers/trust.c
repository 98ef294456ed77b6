#include "trust.h"

#include <openssl/pem.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/x509.h>
#include <stdio.h>

#define VALID_S 86400
#define PEM_MAX 16384

static int issue(struct sg_cert **ret, struct sg_key **ret_key, const struct sg_bench_trust *t,
                 bool server)
{
    int64_t now = sg_clock_unix_s();
    bool ca = !t->ca_cert;
    struct sg_cert_request request = {
        .common_name = ca       ? "bench authority"
                       : server ? "bench server"
                                : "bench",
        .uri = ca ? NULL : SG_BENCH_URI,
        .dns = server ? "localhost" : NULL,
        .ip = server ? "127.0.0.1" : NULL,
        .not_before_s = now - 60,
        .not_after_s = now + VALID_S,
        .ca = ca,
        .path_len = ca ? 0 : -1,
        .server = server,
        .client = !ca,
    };
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    int r = sg_key_generate(&key, SG_KEY_P256);
    if (r == 0)
        r = sg_cert_issue(ret, &request, key, t->ca_cert, ca ? key : t->ca_key);
    if (r == 0)
        *ret_key = TAKE_PTR(key);
    return r;
}

static int write_cert(char path[512], const char *folder, const char *name, const struct sg_cert *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(PEM_MAX);
    if (snprintf(path, 512, "%s/%s", folder, name) >= 512)
        return sg_raise(-ENAMETOOLONG);
    int r = sg_cert_pem(c, &pem);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&pem), 0644);
}

/* PKCS #8, which OpenSSL, Go and PostgreSQL all read. */
static int write_key(char path[512], const char *folder, const char *name, const struct sg_key *k)
{
    if (snprintf(path, 512, "%s/%s", folder, name) >= 512)
        return sg_raise(-ENAMETOOLONG);
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        return sg_raise(-ENOMEM);
    char *pem = NULL;
    int r = 0;
    if (PEM_write_bio_PKCS8PrivateKey(bio, sg_key_evp(k), NULL, NULL, 0, NULL, NULL) != 1)
        r = sg_raisef(-EIO, "private key as PEM");
    long len = BIO_get_mem_data(bio, &pem);
    if (r == 0)
        r = sg_file_write_atomic(path, SG_BYTES(pem, (size_t)len), 0600);
    BIO_free(bio);
    return r;
}

int sg_bench_trust_new(struct sg_bench_trust **ret, const char *folder)
{
    SG_CLEANUP(sg_bench_trust_freep) struct sg_bench_trust *t = calloc(1, sizeof(*t));
    if (!t)
        return sg_raise(-ENOMEM);
    int r = issue(&t->ca_cert, &t->ca_key, t, false);
    if (r == 0)
        r = issue(&t->server_cert, &t->server_key, t, true);
    if (r == 0)
        r = issue(&t->client_cert, &t->client_key, t, false);
    if (r == 0)
        r = write_cert(t->ca, folder, "ca.pem", t->ca_cert);
    if (r == 0)
        r = write_cert(t->cert, folder, "server.pem", t->server_cert);
    if (r == 0)
        r = write_key(t->key, folder, "server.key", t->server_key);
    if (r == 0)
        r = write_cert(t->client_cert_path, folder, "client.pem", t->client_cert);
    if (r == 0)
        r = write_key(t->client_key_path, folder, "client.key", t->client_key);
    if (r == 0)
        *ret = TAKE_PTR(t);
    return r;
}

void sg_bench_trust_free(struct sg_bench_trust *t)
{
    if (!t)
        return;
    sg_cert_free(t->ca_cert);
    sg_cert_free(t->server_cert);
    sg_cert_free(t->client_cert);
    sg_key_free(t->ca_key);
    sg_key_free(t->server_key);
    sg_key_free(t->client_key);
    free(t);
}

int sg_bench_trust_context(struct sg_tls_ctx **ret, const struct sg_bench_trust *t, bool server)
{
    struct sg_cert *roots[] = {t->ca_cert};
    struct sg_tls_identity id = {.cert = server ? t->server_cert : t->client_cert,
                                 .key = server ? t->server_key : t->client_key,
                                 .roots = roots,
                                 .n_roots = 1};
    return sg_tls_ctx_new(ret, &id, server, SG_TLS_PEER_REQUIRED);
}
