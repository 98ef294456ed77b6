/*
 * edhoc - the handshake of a meter with an authenticator (RFC 9528, method 0: both sign), both
 * engines in one thread, three messages; beside its public-key operations alone: two ephemeral
 * P-256 keys, two agreements, two ES256 signatures, two verifications.  The bare side keeps its
 * contexts and signs digests.  X25519 is in suites that are not built: its operations are measured
 * beside P-256's for what they would save.
 */
#include "suites.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/random.h>
#include <sealgrid/meter/edhoc.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>

/* ---- ours ---------------------------------------------------------------------------------- */

struct party {
    struct sg_edhoc_identity *own, *seen; /* with its private key; as the other side knows it */
    struct sg_edhoc_credential credential, seen_credential;
};

struct engines {
    struct party meter, authenticator;
    int suite;
    struct sg_edhoc_config i, r;
    struct sg_buf m1, m2, m3;
};

static int make_party(struct party *p, const char *name)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    int64_t now_s = sg_clock_unix_s();
    const struct sg_cert_request req = {
        .common_name = name, .not_before_s = now_s - 60, .not_after_s = now_s + 86400};
    int r = sg_key_generate(&key, SG_KEY_P256);

    if (!r)
        r = sg_cert_issue(&cert, &req, key, NULL, key);
    if (!r)
        r = sg_edhoc_identity_x509(&p->seen, cert, NULL);
    if (!r)
        r = sg_edhoc_identity_x509(&p->own, cert, key);
    if (r)
        return r;
    TAKE_PTR(key);
    p->credential = sg_edhoc_identity_credential(p->own);
    p->seen_credential = sg_edhoc_identity_credential(p->seen);
    return 0;
}

static void clear_engines(struct engines *e)
{
    sg_edhoc_identity_free(e->meter.own);
    sg_edhoc_identity_free(e->meter.seen);
    sg_edhoc_identity_free(e->authenticator.own);
    sg_edhoc_identity_free(e->authenticator.seen);
    sg_buf_clear(&e->m1);
    sg_buf_clear(&e->m2);
    sg_buf_clear(&e->m3);
}

static const struct sg_edhoc_credential *own_of(void *user, int suite)
{
    (void)suite;
    return &((struct party *)user)->credential;
}

static int look_up(void *user, const struct sg_edhoc_id *id, struct sg_edhoc_credential *ret)
{
    const struct party *p = user;

    if (!sg_bytes_equal(id->id_cred, p->seen_credential.id_cred))
        return SG_EDHOC_NOBODY;
    *ret = p->seen_credential;
    return 0;
}

static int make_engines(struct engines *e)
{
    *e = (struct engines){.m1 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX),
                          .m2 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX),
                          .m3 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX)};
    e->i = (struct sg_edhoc_config){.suites = &e->suite,
                                    .n_suites = 1,
                                    .own = own_of,
                                    .own_user = &e->meter,
                                    .lookup = look_up,
                                    .lookup_user = &e->authenticator};
    e->r = (struct sg_edhoc_config){.suites = &e->suite,
                                    .n_suites = 1,
                                    .own = own_of,
                                    .own_user = &e->authenticator,
                                    .lookup = look_up,
                                    .lookup_user = &e->meter};
    int r = make_party(&e->meter, "meter");
    return r ? r : make_party(&e->authenticator, "authenticator");
}

static int handshake(struct engines *e)
{
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *i = NULL;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *a = NULL;
    int r = sg_edhoc_initiator(&i, &e->i, SG_BYTES_LIT("\x01"));

    if (!r)
        r = sg_edhoc_responder(&a, &e->r, SG_BYTES_LIT("\x02"));
    sg_buf_reset(&e->m1);
    sg_buf_reset(&e->m2);
    sg_buf_reset(&e->m3);
    if (!r)
        r = sg_edhoc_message_1(i, e->suite, &e->m1);
    if (!r)
        r = sg_edhoc_on_message_1(a, sg_buf_bytes(&e->m1), &e->m2);
    if (!r)
        r = sg_edhoc_on_message_2(i, sg_buf_bytes(&e->m2), &e->m3);
    if (!r)
        r = sg_edhoc_on_message_3(a, sg_buf_bytes(&e->m3));
    return sg_fold(r);
}

static int ours(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = handshake(ctx);
    return r;
}

/* ---- bare ---------------------------------------------------------------------------------- */

struct bare {
    EVP_PKEY *key, *signer;
    EVP_PKEY_CTX *generate, *sign, *verify;
    uint8_t digest[32], signature[80];
    size_t signature_len;
};

static void clear_bare(struct bare *b)
{
    EVP_PKEY_CTX_free(b->generate);
    EVP_PKEY_CTX_free(b->sign);
    EVP_PKEY_CTX_free(b->verify);
    EVP_PKEY_free(b->key);
    EVP_PKEY_free(b->signer);
}

static int make_bare(struct bare *b, const char *algorithm)
{
    bool is_ec = !strcmp(algorithm, "EC");

    *b = (struct bare){.signer = EVP_EC_gen("P-256")};
    sg_random_bytes(b->digest, sizeof(b->digest));
    b->generate = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    b->sign = b->signer ? EVP_PKEY_CTX_new_from_pkey(NULL, b->signer, NULL) : NULL;
    b->verify = b->signer ? EVP_PKEY_CTX_new_from_pkey(NULL, b->signer, NULL) : NULL;
    bool ok = b->generate && b->sign && b->verify && EVP_PKEY_keygen_init(b->generate) == 1 &&
              (!is_ec || EVP_PKEY_CTX_set_group_name(b->generate, "P-256") == 1) &&
              EVP_PKEY_generate(b->generate, &b->key) == 1 && EVP_PKEY_sign_init(b->sign) == 1 &&
              EVP_PKEY_verify_init(b->verify) == 1;
    return ok ? 0 : sg_raise(-EIO);
}

static bool agree(EVP_PKEY *own, EVP_PKEY *peer)
{
    uint8_t secret[32];
    size_t len = sizeof(secret);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    bool ok = c && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer_ex(c, peer, 0) == 1 &&
              EVP_PKEY_derive(c, secret, &len) == 1;

    EVP_PKEY_CTX_free(c);
    return ok;
}

/* What one of the two parties does. */
static bool share(struct bare *b)
{
    EVP_PKEY *ephemeral = NULL;
    bool ok = EVP_PKEY_generate(b->generate, &ephemeral) == 1 && agree(ephemeral, b->key);

    EVP_PKEY_free(ephemeral);
    b->signature_len = sizeof(b->signature);
    return ok &&
           EVP_PKEY_sign(b->sign, b->signature, &b->signature_len, b->digest, sizeof(b->digest)) ==
               1 &&
           EVP_PKEY_verify(b->verify, b->signature, b->signature_len, b->digest,
                           sizeof(b->digest)) == 1;
}

static int bare(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    for (uint64_t i = 0; i < 2 * n; i++)
        if (!share(ctx))
            return sg_raise(-EIO);
    return 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

static int measure(struct sg_bench *b, struct engines *e, struct bare *p256, int suite)
{
    char name[64];
    const struct sg_bench_line line = {
        .name = name,
        .unit = "handshakes/s",
        .cpu = true,
        .note = "method 0, X.509 by x5t, three messages, both sides on one core, against 2 "
                "ephemeral keys, 2 ECDH, 2 signatures, 2 verifications alone",
        .ours = {"sealgrid", ours, e},
        .theirs = {"OpenSSL P-256 operations", bare, p256}};

    e->suite = suite;
    snprintf(name, sizeof(name), "handshake, suite %d", suite);
    return sg_bench_pair(b, &line);
}

static int run(struct sg_bench *b)
{
    SG_CLEANUP(clear_engines) struct engines e;
    SG_CLEANUP(clear_bare) struct bare p256;
    SG_CLEANUP(clear_bare) struct bare x25519;
    int r = make_engines(&e);
    int p = make_bare(&p256, "EC"), x = make_bare(&x25519, "X25519");

    r = r ? r : p ? p : x;
    if (!r)
        r = measure(b, &e, &p256, 2);
    if (!r)
        r = measure(b, &e, &p256, 3);
    const struct sg_bench_line line = {
        .name = "P-256, against X25519",
        .unit = "handshakes/s",
        .cpu = true,
        .note = "the operations alone: what suites with X25519 and ES256 could save",
        .ours = {"OpenSSL P-256 operations", bare, &p256},
        .theirs = {"OpenSSL X25519 and ES256 operations", bare, &x25519}};
    return r ? r : sg_bench_pair(b, &line);
}

const struct sg_bench_suite sg_bench_suite_edhoc = {
    "edhoc", "handshakes, beside their public-key operations alone", run};
