/*
 * Two ends in one process: the server's on a thread of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include "test-pki-int.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 30000 /* nothing waits so long unless it is broken */

static struct test_identity ca, other_ca, server_id, client_id, stranger_id;

struct end {
    int fd;
    struct sg_tls_ctx *ctx;
    struct sg_tls *tls;
    int r;
    char uri[256];
    bool has_cert;
    uint8_t exported[32];
    uint64_t got;
};

static void *accept_end(void *user)
{
    struct end *e = user;
    e->r = sg_tls_accept(&e->tls, e->ctx, e->fd, PATIENCE_MS);
    if (e->r) {
        close(e->fd);
        return NULL;
    }
    strcpy(e->uri, sg_tls_peer_uri(e->tls));
    e->has_cert = sg_tls_peer_cert(e->tls) != NULL;
    int r = sg_tls_export(e->tls, "EXPORTER-sealgrid-test", e->exported, 32);
    uint8_t octet;
    size_t n;
    if (r == 0)
        r = sg_tls_read(e->tls, &octet, 1, PATIENCE_MS, &n);
    if (r == 0)
        r = sg_tls_write(e->tls, SG_BYTES_LIT("pong"), PATIENCE_MS);
    e->r = r;
    sg_tls_free(e->tls);
    return NULL;
}

struct meeting {
    int client_r, read_r, server_r;
    char server_uri[256], client_uri[256];
    bool client_had_cert;
    bool same_export;
};

/* Shakes hands, exchanges one octet for four, says what each side saw. */
static struct meeting meet(struct sg_tls_ctx *server, struct sg_tls_ctx *client,
                           const char *expect_uri, const char *expect_host)
{
    int fds[2];
    struct meeting m = {.read_r = -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct end e = {.fd = fds[0], .ctx = server};
    pthread_t thread;
    pthread_create(&thread, NULL, accept_end, &e);
    struct sg_tls *t = NULL;
    m.client_r = sg_tls_connect(&t, client, fds[1], expect_uri, expect_host, PATIENCE_MS);
    uint8_t exported[32] = {0};
    if (m.client_r == 0) {
        char answer[8];
        size_t n = 0;
        strcpy(m.server_uri, sg_tls_peer_uri(t));
        assert_int_equal(sg_tls_export(t, "EXPORTER-sealgrid-test", exported, 32), 0);
        m.read_r = sg_tls_write(t, SG_BYTES_LIT("p"), PATIENCE_MS);
        if (m.read_r == 0)
            m.read_r = sg_tls_read(t, answer, sizeof(answer), PATIENCE_MS, &n);
        if (m.read_r == 0)
            assert_int_equal(n, 4);
        sg_tls_free(t);
    } else {
        close(fds[1]);
    }
    pthread_join(thread, NULL);
    m.server_r = e.r;
    strcpy(m.client_uri, e.uri);
    m.client_had_cert = e.has_cert;
    m.same_export = memcmp(exported, e.exported, 32) == 0;
    return m;
}

struct pair {
    struct sg_tls_ctx *server, *client;
};

static struct pair pair_of(enum sg_tls_peer server_peer, const struct test_identity *client,
                           const struct test_identity *client_root, enum sg_tls_peer client_peer)
{
    return (struct pair){test_context(&server_id, &ca, true, server_peer),
                         test_context(client, client_root, false, client_peer)};
}

static void free_pair(struct pair p)
{
    sg_tls_ctx_free(p.server);
    sg_tls_ctx_free(p.client);
}

static void both_sides_are_authenticated(void **state)
{
    (void)state;
    struct pair p = pair_of(SG_TLS_PEER_REQUIRED, &client_id, &ca, SG_TLS_PEER_REQUIRED);
    struct meeting m = meet(p.server, p.client, "spiffe://sealgrid/kvsd", NULL);
    assert_int_equal(m.client_r, 0);
    assert_int_equal(m.server_r, 0);
    assert_int_equal(m.read_r, 0);
    assert_string_equal(m.server_uri, "spiffe://sealgrid/kvsd");
    assert_string_equal(m.client_uri, "spiffe://sealgrid/authd");
    assert_true(m.same_export);
    free_pair(p);
}

static void wrong_uri_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_of(SG_TLS_PEER_REQUIRED, &client_id, &ca, SG_TLS_PEER_REQUIRED);
    static const char *const wrong[] = {"spiffe://sealgrid/casd", "spiffe://sealgrid/kvs",
                                        "spiffe://sealgrid/kvsdd", "spiffe://sealgrid/KVSD"};
    for (size_t i = 0; i < 4; i++) {
        struct meeting m = meet(p.server, p.client, wrong[i], NULL);
        assert_int_equal(m.client_r, SG_TLS_REFUSED);
        assert_true(m.server_r == SG_TLS_REFUSED); /* hears of it as an alert */
    }
    free_pair(p);
}

static void names_and_addresses_are_checked(void **state)
{
    (void)state;
    struct pair p = pair_of(SG_TLS_PEER_REQUIRED, &client_id, &ca, SG_TLS_PEER_REQUIRED);
    assert_int_equal(meet(p.server, p.client, NULL, "localhost").read_r, 0);
    assert_int_equal(meet(p.server, p.client, NULL, "127.0.0.1").read_r, 0);
    assert_int_equal(meet(p.server, p.client, NULL, "example.org").client_r, SG_TLS_REFUSED);
    assert_int_equal(meet(p.server, p.client, NULL, "127.0.0.2").client_r, SG_TLS_REFUSED);
    assert_true(meet(p.server, p.client, NULL, NULL).client_r < 0);
    free_pair(p);
}

static void server_under_a_foreign_root_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_of(SG_TLS_PEER_REQUIRED, &client_id, &other_ca, SG_TLS_PEER_REQUIRED);
    assert_int_equal(meet(p.server, p.client, "spiffe://sealgrid/kvsd", NULL).client_r,
                     SG_TLS_REFUSED);
    free_pair(p);
}

static void client_under_a_foreign_root_is_refused(void **state)
{
    (void)state;
    static const enum sg_tls_peer modes[] = {SG_TLS_PEER_REQUIRED, SG_TLS_PEER_OPTIONAL};
    for (size_t i = 0; i < 2; i++) {
        struct pair p = pair_of(modes[i], &stranger_id, &ca, SG_TLS_PEER_REQUIRED);
        struct meeting m = meet(p.server, p.client, "spiffe://sealgrid/kvsd", NULL);
        assert_int_equal(m.server_r, SG_TLS_REFUSED);
        assert_true(m.read_r != 0); /* TLS 1.3: the client hears of it with its first read */
        free_pair(p);
    }
}

static void client_without_certificate(void **state)
{
    (void)state;
    struct pair p = pair_of(SG_TLS_PEER_REQUIRED, NULL, &ca, SG_TLS_PEER_REQUIRED);
    struct meeting m = meet(p.server, p.client, "spiffe://sealgrid/kvsd", NULL);
    assert_int_equal(m.server_r, SG_TLS_REFUSED);
    assert_true(m.read_r != 0);
    free_pair(p);
    p = pair_of(SG_TLS_PEER_OPTIONAL, NULL, &ca, SG_TLS_PEER_REQUIRED);
    m = meet(p.server, p.client, "spiffe://sealgrid/kvsd", NULL);
    assert_int_equal(m.server_r, 0);
    assert_int_equal(m.read_r, 0);
    assert_string_equal(m.client_uri, "");
    assert_false(m.client_had_cert);
    free_pair(p);
}

/* The chain is not judged, so no name is believed, but the certificate is there to be looked at;
 * a good chain is still told from a bad one. */
static void any_peer_has_no_name_unless_verified(void **state)
{
    (void)state;
    struct pair p = pair_of(SG_TLS_PEER_ANY, &stranger_id, NULL, SG_TLS_PEER_ANY);
    struct meeting m = meet(p.server, p.client, NULL, NULL);
    assert_int_equal(m.server_r, 0);
    assert_int_equal(m.read_r, 0);
    assert_string_equal(m.client_uri, "");
    assert_string_equal(m.server_uri, "");
    assert_true(m.client_had_cert);
    free_pair(p);
    p = pair_of(SG_TLS_PEER_ANY, &client_id, &ca, SG_TLS_PEER_ANY);
    m = meet(p.server, p.client, NULL, NULL);
    assert_string_equal(m.client_uri, "spiffe://sealgrid/authd");
    assert_string_equal(m.server_uri, "spiffe://sealgrid/kvsd");
    free_pair(p);
}

/* A foreign stack that knows nothing past TLS 1.2. */
static void tls_1_2_is_refused(void **state)
{
    (void)state;
    int fds[2];
    struct sg_tls_ctx *server = test_context(&server_id, &ca, true, SG_TLS_PEER_OPTIONAL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct end e = {.fd = fds[0], .ctx = server};
    pthread_t thread;
    pthread_create(&thread, NULL, accept_end, &e);
    SSL_CTX *old = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(old, TLS1_2_VERSION);
    SSL *ssl = SSL_new(old);
    SSL_set_fd(ssl, fds[1]);
    assert_true(SSL_connect(ssl) != 1);
    close(fds[1]);
    pthread_join(thread, NULL);
    assert_int_equal(e.r, SG_TLS_REFUSED);
    SSL_free(ssl);
    SSL_CTX_free(old);
    sg_tls_ctx_free(server);
}

static struct sg_tls *connect_to(void *(*server)(void *), struct end *e, pthread_t *thread,
                                 struct pair *p)
{
    int fds[2];
    *p = pair_of(SG_TLS_PEER_REQUIRED, &client_id, &ca, SG_TLS_PEER_REQUIRED);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    *e = (struct end){.fd = fds[0], .ctx = p->server};
    pthread_create(thread, NULL, server, e);
    struct sg_tls *t = NULL;
    assert_int_equal(
        sg_tls_connect(&t, p->client, fds[1], "spiffe://sealgrid/kvsd", NULL, PATIENCE_MS), 0);
    return t;
}

/* The old stream lives on under its old name, the next one has the new name. */
static void identities_are_renewed_in_flight(void **state)
{
    (void)state;
    struct end e;
    struct pair p;
    pthread_t thread;
    struct sg_tls *t = connect_to(accept_end, &e, &thread, &p);
    struct test_identity renewed = test_issue(&ca, "spiffe://sealgrid/kvsd2", false);
    struct sg_cert *const roots[] = {ca.cert};
    struct sg_tls_identity id = {
        .cert = renewed.cert, .key = renewed.key, .roots = roots, .n_roots = 1};
    assert_int_equal(sg_tls_ctx_renew(p.server, &id), 0);
    id.cert = client_id.cert; /* key of another certificate */
    assert_true(sg_tls_ctx_renew(p.server, &id) < 0);
    char got[8];
    size_t n = 0;
    assert_int_equal(sg_tls_write(t, SG_BYTES_LIT("p"), PATIENCE_MS), 0);
    assert_int_equal(sg_tls_read(t, got, sizeof(got), PATIENCE_MS, &n), 0);
    assert_string_equal(sg_tls_peer_uri(t), "spiffe://sealgrid/kvsd");
    pthread_join(thread, NULL);
    assert_int_equal(e.r, 0);
    sg_tls_free(t);
    struct meeting m = meet(p.server, p.client, "spiffe://sealgrid/kvsd2", NULL);
    assert_int_equal(m.read_r, 0);
    free_pair(p);
    test_identity_clear(&renewed);
}

/* A foreign client that would resume gets nothing to resume with. */
static void sessions_are_not_resumed(void **state)
{
    (void)state;
    int fds[2];
    char got[8];
    struct sg_tls_ctx *server = test_context(&server_id, &ca, true, SG_TLS_PEER_OPTIONAL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct end e = {.fd = fds[0], .ctx = server};
    pthread_t thread;
    pthread_create(&thread, NULL, accept_end, &e);
    SSL_CTX *foreign = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(foreign);
    SSL_set_fd(ssl, fds[1]);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_write(ssl, "p", 1), 1);
    assert_int_equal(SSL_read(ssl, got, sizeof(got)), 4);
    SSL_SESSION *session = SSL_get1_session(ssl);
    assert_false(SSL_SESSION_is_resumable(session));
    assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
    SSL_SESSION_free(session);
    SSL_free(ssl);
    SSL_CTX_free(foreign);
    close(fds[1]);
    pthread_join(thread, NULL);
    sg_tls_ctx_free(server);
}

#define BULK (3u << 20)

static void *send_bulk(void *user)
{
    struct end *e = user;
    e->r = sg_tls_accept(&e->tls, e->ctx, e->fd, PATIENCE_MS);
    if (e->r)
        return NULL;
    uint8_t *data = malloc(BULK);
    for (size_t i = 0; i < BULK; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    e->r = sg_tls_write(e->tls, SG_BYTES(data, BULK), PATIENCE_MS);
    free(data);
    /* The goodbye never waits: there is room for it once the reader has everything. */
    char got;
    size_t n;
    if (e->r == 0)
        e->r = sg_tls_read(e->tls, &got, 1, PATIENCE_MS, &n);
    sg_tls_free(e->tls);
    return NULL;
}

/* Also: what read-ahead holds is announced by sg_tls_pending, and the end is a clean one. */
static void large_writes_arrive_whole(void **state)
{
    (void)state;
    struct end e;
    struct pair p;
    pthread_t thread;
    struct sg_tls *t = connect_to(send_bulk, &e, &thread, &p);
    uint8_t piece[5000];
    size_t at = 0, n = 0, pending = 0;
    while (at < BULK) {
        assert_int_equal(sg_tls_read(t, piece, sizeof(piece), PATIENCE_MS, &n), 0);
        for (size_t i = 0; i < n; i++)
            if (piece[i] != (uint8_t)((at + i) * 31 >> 3))
                fail_msg("octet %zu differs", at + i);
        at += n;
        if (sg_tls_pending(t)) {
            assert_int_equal(sg_tls_read(t, piece, 1, 0, &n), 0);
            at++;
            pending++;
        }
    }
    assert_int_equal(sg_tls_write(t, SG_BYTES_LIT("d"), PATIENCE_MS), 0);
    assert_int_equal(sg_tls_read(t, piece, sizeof(piece), PATIENCE_MS, &n), SG_TLS_CLOSED);
    assert_int_equal(at, BULK);
    assert_true(pending > 100);
    pthread_join(thread, NULL);
    assert_int_equal(e.r, 0);
    sg_tls_free(t);
    free_pair(p);
}

static void *accept_and_cut(void *user)
{
    struct end *e = user;
    e->r = sg_tls_accept(&e->tls, e->ctx, e->fd, PATIENCE_MS);
    if (e->r == 0)
        e->r = sg_tls_write(e->tls, SG_BYTES_LIT("half"), PATIENCE_MS);
    shutdown(e->fd, SHUT_RDWR); /* without close_notify */
    return NULL;
}

static void a_cut_is_no_end(void **state)
{
    (void)state;
    struct end e;
    struct pair p;
    pthread_t thread;
    struct sg_tls *t = connect_to(accept_and_cut, &e, &thread, &p);
    char got[8];
    size_t n = 0;
    assert_int_equal(sg_tls_read(t, got, sizeof(got), PATIENCE_MS, &n), 0);
    assert_int_equal(sg_tls_read(t, got, sizeof(got), PATIENCE_MS, &n), -ECONNRESET);
    assert_int_equal(sg_tls_read(t, got, sizeof(got), PATIENCE_MS, &n), -ECONNRESET);
    assert_true(sg_tls_write(t, SG_BYTES_LIT("x"), PATIENCE_MS) < 0);
    pthread_join(thread, NULL);
    sg_tls_free(e.tls);
    sg_tls_free(t);
    free_pair(p);
}

static void *accept_only(void *user)
{
    struct end *e = user;
    e->r = sg_tls_accept(&e->tls, e->ctx, e->fd, PATIENCE_MS);
    return NULL;
}

static void deadlines_hold(void **state)
{
    (void)state;
    struct end e;
    struct pair p;
    pthread_t thread;
    struct sg_tls *t = connect_to(accept_only, &e, &thread, &p);
    pthread_join(thread, NULL);
    char got[8];
    size_t n = 99;
    assert_int_equal(sg_tls_read(t, got, sizeof(got), 0, &n), SG_TLS_TIMEOUT);
    assert_int_equal(sg_tls_read(t, got, sizeof(got), 20, &n), SG_TLS_TIMEOUT);
    assert_int_equal(n, 99);
    uint8_t *much = calloc(1, 8u << 20); /* nobody reads */
    assert_int_equal(sg_tls_write(t, SG_BYTES(much, 8u << 20), 20), SG_TLS_TIMEOUT);
    free(much);
    sg_tls_free(t);
    sg_tls_free(e.tls);
    /* A peer that never says a word. */
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct sg_tls *none = NULL;
    assert_int_equal(sg_tls_accept(&none, p.server, fds[0], 20), SG_TLS_TIMEOUT);
    assert_null(none);
    assert_int_equal(close(fds[0]), 0); /* still ours */
    close(fds[1]);
    free_pair(p);
}

static void try_write_never_waits(void **state)
{
    (void)state;
    struct end e;
    struct pair p;
    pthread_t thread;
    struct sg_tls *t = connect_to(accept_only, &e, &thread, &p);
    pthread_join(thread, NULL);
    uint8_t *much = malloc(8u << 20), *got = malloc(8u << 20);
    memset(much, 7, 8u << 20);
    struct sg_bytes left = SG_BYTES(much, 8u << 20);
    size_t at = 0, n = 0, waits = 0;
    while (left.len || at < 8u << 20) {
        int r = sg_tls_try_write(t, left, &n);
        assert_true(r == 0 || r == SG_TLS_TIMEOUT);
        waits += r != 0;
        left.data += n;
        left.len -= n;
        while ((r || !left.len) && sg_tls_read(e.tls, got + at, 1u << 20, 0, &n) == 0)
            at += n;
    }
    assert_int_equal(at, 8u << 20);
    assert_memory_equal(much, got, 8u << 20);
    assert_true(waits > 0);
    free(much);
    free(got);
    sg_tls_free(t);
    sg_tls_free(e.tls);
    free_pair(p);
}

static void tcp_helpers(void **state)
{
    (void)state;
    SG_CLOSE int listener = -1;
    SG_CLOSE int fd = -1;
    uint16_t port = 0;
    char address[32];
    assert_int_equal(sg_tcp_listen("127.0.0.1:0", &listener, &port), 0);
    assert_true(port > 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    assert_int_equal(sg_tcp_connect(address, 1000, &fd), 0);
    close(TAKE_FD(listener));
    int none = -1;
    assert_true(sg_tcp_connect(address, 1000, &none) == -ECONNREFUSED);
    assert_true(sg_tcp_connect("127.0.0.1", 1000, &none) < 0);
    assert_true(sg_tcp_connect(":1", 1000, &none) < 0);
    assert_true(sg_tcp_connect("127.0.0.1:http", 1000, &none) < 0);
    assert_int_equal(none, -1);
}

static int make_identities(void **state)
{
    (void)state;
    ca = test_issue(NULL, NULL, true);
    other_ca = test_issue(NULL, NULL, true);
    server_id = test_issue(&ca, "spiffe://sealgrid/kvsd", false);
    client_id = test_issue(&ca, "spiffe://sealgrid/authd", false);
    stranger_id = test_issue(&other_ca, "spiffe://sealgrid/authd", false);
    return 0;
}

static int clear_identities(void **state)
{
    (void)state;
    test_identity_clear(&ca);
    test_identity_clear(&other_ca);
    test_identity_clear(&server_id);
    test_identity_clear(&client_id);
    test_identity_clear(&stranger_id);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_are_authenticated),
        cmocka_unit_test(wrong_uri_is_refused),
        cmocka_unit_test(names_and_addresses_are_checked),
        cmocka_unit_test(server_under_a_foreign_root_is_refused),
        cmocka_unit_test(client_under_a_foreign_root_is_refused),
        cmocka_unit_test(client_without_certificate),
        cmocka_unit_test(any_peer_has_no_name_unless_verified),
        cmocka_unit_test(tls_1_2_is_refused),
        cmocka_unit_test(identities_are_renewed_in_flight),
        cmocka_unit_test(sessions_are_not_resumed),
        cmocka_unit_test(large_writes_arrive_whole),
        cmocka_unit_test(a_cut_is_no_end),
        cmocka_unit_test(deadlines_hold),
        cmocka_unit_test(try_write_never_waits),
        cmocka_unit_test(tcp_helpers),
    };
    return cmocka_run_group_tests(tests, make_identities, clear_identities);
}
