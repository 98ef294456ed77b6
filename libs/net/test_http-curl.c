/*
 * A foreign client, curl, against our server over TLS.  Skipped where there is no curl.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include "test-pki-int.h"
#include <sealgrid/base/file.h>
#include <sealgrid/net/http.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define LARGE 300000

static struct test_identity ca, server_id;
static struct sg_tls_ctx *tls;
static struct sg_http_server *server;
static char dir[] = "/tmp/sealgrid-curl-XXXXXX";
static bool have_curl;

static int stream_back(struct sg_http_exchange *x)
{
    uint8_t piece[4096];
    size_t n = 0;
    int r = sg_http_reply_begin(x, 200, NULL);
    while (r == 0 && (r = sg_http_read(x, piece, sizeof(piece), &n)) == 0 && n)
        r = sg_http_reply_write(x, SG_BYTES(piece, n));
    return r ? r : sg_http_reply_end(x);
}

static int handle(void *user, struct sg_http_exchange *x)
{
    (void)user;
    if (strcmp(sg_http_path(x), "/stream") == 0)
        return stream_back(x);
    if (strcmp(sg_http_path(x), "/unread") == 0)
        return sg_http_reply_error(x, 401, "key", "no");
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(2 * LARGE);
    int r = sg_http_read_all(x, 2 * LARGE, &body);
    if (r)
        return r;
    return body.len ? sg_http_reply(x, 200, "text/plain", sg_buf_bytes(&body))
                    : sg_http_reply(x, 200, "text/plain", SG_BYTES_LIT("hello"));
}

/* Runs curl with these arguments (U stands for the server's URL) in our folder; its standard output
 * and its exit code. */
static const char *curl(const char *arguments, int *ret_code)
{
    static char out[2 * LARGE];
    char command[2048];
    snprintf(command, sizeof(command),
             "cd %s && U=https://localhost:%u && curl -sS --noproxy '*' --cacert ca.pem %s 2>err",
             dir, sg_http_server_port(server), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, sizeof(out) - 1, f);
    out[n] = '\0';
    *ret_code = WEXITSTATUS(pclose(f));
    return out;
}

static void expect(const char *arguments, const char *output)
{
    int code = 0;
    const char *out = curl(arguments, &code);
    if (code || strcmp(out, output) != 0)
        fail_msg("curl %s: exit %d, %.200s", arguments, code, out);
}

static void expect_same_file(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof(command), "%s | cmp - large && echo same", arguments);
    expect(command, "same\n");
}

static void curl_gets_what_it_asks_for(void **state)
{
    (void)state;
    if (!have_curl)
        skip();
    expect("$U/", "hello");
    expect("--http1.0 $U/", "hello");
    expect("--http1.0 -d abc $U/stream", "abc");
    expect("-o /dev/null -o /dev/null -w '%{http_code} %{num_connects};' $U/ $U/", "200 1;200 0;");
    expect("-I -o /dev/null -w '%{http_code} %header{content-length}' $U/", "200 5");
    expect("-d a=b $U/", "a=b");
}

static void curl_uploads(void **state)
{
    (void)state;
    if (!have_curl)
        skip();
    expect_same_file("--data-binary @large $U/");
    expect_same_file("-H 'Expect: 100-continue' --data-binary @large $U/");
    expect_same_file("-H 'Transfer-Encoding: chunked' --data-binary @large $U/");
    expect_same_file("-T large $U/stream");
    expect_same_file("-T - $U/stream < large");
    expect("-H 'Expect:' --data-binary @large -o /dev/null -w '%{http_code}' $U/unread", "401");
    expect("--expect100-timeout 30 -T large -o /dev/null -w '%{http_code}' $U/unread", "401");
}

static void curl_is_refused(void **state)
{
    (void)state;
    int code = 0;
    if (!have_curl)
        skip();
    curl("--tls-max 1.2 $U/", &code);
    assert_int_equal(code, 35);
    curl("--capath /nonexistent --cacert /dev/null $U/", &code);
    assert_int_not_equal(code, 0);
    expect("--path-as-is -o /dev/null -w '%{http_code}' $U/../x", "400");
    expect("-H 'Content-Length: 7' -H 'Transfer-Encoding: chunked' -d x -o /dev/null "
           "-w '%{http_code}' $U/",
           "400");
}

static void write_file(const char *name, struct sg_bytes bytes)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(sg_file_write_atomic(path, bytes, 0600), 0);
}

static int set_up(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(LARGE);
    uint8_t *large;
    have_curl = system("curl --version >/dev/null 2>&1") == 0;
    if (!have_curl)
        printf("no curl here: skipped\n");
    ca = test_issue(NULL, NULL, true);
    server_id = test_issue(&ca, "spiffe://sealgrid/kvsd", false);
    tls = test_context(&server_id, &ca, true, SG_TLS_PEER_OPTIONAL);
    assert_int_equal(
        sg_http_server_start(&server,
                             &(struct sg_http_server_options){.listen = "127.0.0.1:0", .tls = tls},
                             handle, NULL),
        0);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sg_cert_pem(ca.cert, &b), 0);
    write_file("ca.pem", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    assert_int_equal(sg_buf_extend(&b, LARGE, &large), 0);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i * i >> 5);
    write_file("large", sg_buf_bytes(&b));
    return 0;
}

static int clear_up(void **state)
{
    (void)state;
    sg_http_server_free(server);
    sg_tls_ctx_free(tls);
    test_identity_clear(&server_id);
    test_identity_clear(&ca);
    return sg_remove_tree(dir) < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curl_gets_what_it_asks_for),
        cmocka_unit_test(curl_uploads),
        cmocka_unit_test(curl_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, clear_up);
}
