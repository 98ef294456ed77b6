#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sealgrid/base/file.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "server.h"
#include "trust.h"

static char folder[] = "/tmp/sealgrid-test-server-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return sg_remove_tree(folder);
}

/* Answers once the program has written its process id. */
static int wrote_pid(void *ctx)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/pid", folder);
    FILE *f = fopen(path, "r");
    if (!f)
        return 1;
    int n = fscanf(f, "%d", (int *)ctx);
    fclose(f);
    return n == 1 ? 0 : 1;
}

static int never(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    int pid = 0;
    struct sg_bench_reason reason;
    struct sg_bench_server *s = NULL;
    struct sg_bench_server_spec spec = {
        .name = "sleeper",
        .argv = (const char *[]){"sh", "-c", "echo $$ > pid; exec sleep 60", NULL},
        .folder = folder,
        .answers = wrote_pid,
        .ctx = &pid};
    assert_int_equal(sg_bench_server_start(&s, &spec, &reason), 0);
    assert_int_equal(kill(pid, 0), 0);
    sg_bench_server_stop(s);
    assert_int_equal(kill(pid, 0), -1);
}

static void test_says_why_not(void **state)
{
    (void)state;
    struct sg_bench_reason reason;
    struct sg_bench_server *s = NULL;
    struct sg_bench_server_spec spec = {.name = "absent",
                                        .argv = (const char *[]){"no-such-server", NULL},
                                        .folder = folder,
                                        .answers = never};
    assert_int_equal(sg_bench_server_start(&s, &spec, &reason), SG_BENCH_ABSENT);
    assert_string_equal(reason.text, "no-such-server is not installed");
    spec.argv = (const char *[]){"sh", "-c", "echo bad option >&2; exit 1", NULL};
    assert_int_equal(sg_bench_server_start(&s, &spec, &reason), SG_BENCH_SILENT);
    assert_non_null(strstr(reason.text, "sh ended"));
    assert_non_null(strstr(reason.text, "bad option"));
    spec.argv = (const char *[]){"sleep", "60", NULL};
    spec.wait_ms = 50;
    assert_int_equal(sg_bench_server_start(&s, &spec, &reason), SG_BENCH_SILENT);
    assert_non_null(strstr(reason.text, "did not answer"));
    assert_null(s);
}

static void test_command(void **state)
{
    (void)state;
    struct sg_bench_reason reason;
    struct sg_bench_server_spec spec = {
        .name = "command", .argv = (const char *[]){"true", NULL}, .folder = folder};
    assert_int_equal(sg_bench_server_command(&spec, &reason), 0);
    spec.argv = (const char *[]){"false", NULL};
    assert_int_equal(sg_bench_server_command(&spec, &reason), SG_BENCH_SILENT);
    spec.argv = (const char *[]){"sleep", "60", NULL};
    spec.wait_ms = 50;
    assert_int_equal(sg_bench_server_command(&spec, &reason), SG_BENCH_SILENT);
}

static void test_trust(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bench_trust_freep) struct sg_bench_trust *t = NULL;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *server = NULL, *client = NULL;
    assert_int_equal(sg_bench_trust_new(&t, folder), 0);
    assert_int_equal(sg_bench_trust_context(&server, t, true), 0);
    assert_int_equal(sg_bench_trust_context(&client, t, false), 0);
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT_SECRET(65536);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    assert_int_equal(sg_file_read(t->key, &pem), 0);
    assert_int_equal(sg_key_load_private(&key, sg_buf_bytes(&pem)), 0);
    assert_int_equal(access(t->ca, R_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_says_why_not),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_trust),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
