/*
 * One SSL_CTX: versions, suites, our certificate, our roots, and who is let in.
 *
 * No session tickets and no session cache: a resumed session would skip the peer's certificate,
 * with its expiry and its name; ticket keys would be one more secret to keep; and on OpenSSL 3
 * resuming a mutually authenticated session costs as much as making a new one.
 */
#include "tls-state-int.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>

int sg_tls_raise(int negative_errno, const char *what)
{
    unsigned long e = ERR_peek_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();
    return sg_raisef(negative_errno, "%s: %s", what, reason ? reason : "no reason given");
}

static int state_index;

static void make_state_index(void)
{
    state_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    sg_assert(state_index >= 0);
}

static bool has_uri(X509 *x, const char *expect)
{
    char uri[SG_TLS_URI_MAX];
    sg_tls_uri_of(x, uri);
    return uri[0] && strcmp(uri, expect) == 0;
}

/* Called by OpenSSL for each certificate of the peer's chain, the leaf (depth 0) last.  Under
 * SG_TLS_PEER_ANY nothing stops the handshake, but a fault marks the chain as not verified. */
static int judge(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct sg_tls *t = SSL_get_ex_data(ssl, state_index);
    if (ok && t->expect_uri && X509_STORE_CTX_get_error_depth(store) == 0 &&
        !has_uri(X509_STORE_CTX_get_current_cert(store), t->expect_uri)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        ok = 0;
    }
    if (!ok)
        t->untrusted = true;
    return ok || t->peer == SG_TLS_PEER_ANY;
}

/* SPIFFE X509-SVID section 2: exactly one URI.  A certificate with two names is two identities,
 * and no caller should have to choose: it has none. */
void sg_tls_uri_of(X509 *x, char ret[SG_TLS_URI_MAX])
{
    ret[0] = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int uris = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *text = name->d.uniformResourceIdentifier;
        size_t len = (size_t)ASN1_STRING_length(text);
        const unsigned char *data = ASN1_STRING_get0_data(text);
        bool fits = len < SG_TLS_URI_MAX && !memchr(data, 0, len);
        if (++uris > 1 || !fits) {
            ret[0] = '\0';
            break;
        }
        memcpy(ret, data, len);
        ret[len] = '\0';
    }
    GENERAL_NAMES_free(names);
}

static int set_protocol(SSL_CTX *ctx)
{
    char groups[] = "X25519:P-256"; /* OpenSSL's macro drops const */
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, SG_TLS_READ_BUFFER);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                      "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(ctx, groups) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
        SSL_CTX_set_max_early_data(ctx, 0) != 1)
        return sg_tls_raise(-EIO, "TLS settings");
    return 0;
}

static int set_identity(SSL_CTX *ctx, const struct sg_tls_identity *id)
{
    if (!id->cert)
        return 0;
    if (SSL_CTX_use_certificate(ctx, sg_cert_x509(id->cert)) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, sg_key_evp(id->key)) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return sg_tls_raise(-EINVAL, "TLS identity");
    for (size_t i = 0; i < id->n_chain; i++)
        if (SSL_CTX_add1_chain_cert(ctx, (X509 *)sg_cert_x509(id->chain[i])) != 1)
            return sg_tls_raise(-EINVAL, "TLS chain");
    return 0;
}

/* A server also names its roots to clients, so that one with several certificates picks rightly. */
static int set_roots(SSL_CTX *ctx, const struct sg_tls_identity *id, bool server)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    for (size_t i = 0; i < id->n_roots; i++) {
        X509 *root = sg_cert_x509(id->roots[i]);
        if (X509_STORE_add_cert(store, root) != 1 ||
            (server && SSL_CTX_add_client_CA(ctx, root) != 1))
            return sg_tls_raise(-EINVAL, "TLS roots");
    }
    return 0;
}

static int verify_mode(bool server, enum sg_tls_peer peer)
{
    bool must = !server || peer == SG_TLS_PEER_REQUIRED;
    return SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
}

/* The inner context for one identity. */
static int make_inner(SSL_CTX **ret, const struct sg_tls_identity *id, bool server,
                      enum sg_tls_peer peer)
{
    if ((server && !id->cert) || (id->cert && !id->key))
        return sg_raisef(-EINVAL, "TLS identity");
    SSL_CTX *inner = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!inner)
        return sg_tls_raise(-ENOMEM, "TLS context");
    int r = set_protocol(inner);
    if (r == 0)
        r = set_identity(inner, id);
    if (r == 0)
        r = set_roots(inner, id, server);
    if (r < 0) {
        SSL_CTX_free(inner);
        return r;
    }
    SSL_CTX_set_verify(inner, verify_mode(server, peer), judge);
    *ret = inner;
    return 0;
}

int sg_tls_ctx_new(struct sg_tls_ctx **ret, const struct sg_tls_identity *id, bool server,
                   enum sg_tls_peer peer)
{
    if (!server && peer == SG_TLS_PEER_OPTIONAL)
        return sg_raisef(-EINVAL, "a server always has a certificate");
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&c->lock, NULL);
    c->server = server;
    c->peer = peer;
    c->has_roots = id->n_roots > 0;
    int r = make_inner(&c->ssl, id, server, peer);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

int sg_tls_ctx_renew(struct sg_tls_ctx *c, const struct sg_tls_identity *id)
{
    SSL_CTX *fresh = NULL;
    int r = make_inner(&fresh, id, c->server, c->peer);
    if (r < 0)
        return r;
    pthread_mutex_lock(&c->lock);
    SSL_CTX *old = c->ssl;
    c->ssl = fresh;
    c->has_roots = id->n_roots > 0;
    pthread_mutex_unlock(&c->lock);
    SSL_CTX_free(old);
    return 0;
}

void sg_tls_ctx_free(struct sg_tls_ctx *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ssl);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int sg_tls_session_new(struct sg_tls_ctx *c, struct sg_tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_state_index);
    t->peer = c->peer;
    pthread_mutex_lock(&c->lock);
    t->has_roots = c->has_roots;
    t->ssl = SSL_new(c->ssl);
    pthread_mutex_unlock(&c->lock);
    if (!t->ssl || SSL_set_ex_data(t->ssl, state_index, t) != 1)
        return sg_tls_raise(-ENOMEM, "TLS stream");
    return 0;
}
