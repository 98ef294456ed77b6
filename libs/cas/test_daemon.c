/* daemon: exit status, options and signals of sg_daemon_main, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sealgrid/cas/daemon.h>

/* ---- a daemon ---- */

#define OPTIONS(X)                                                                                 \
    X(STRING, how, "how", "wait", 0, 0, false, "what it does")                                     \
    X(LIST, list, "list", NULL, 0, 0, false, "a list")

struct options {
    struct sg_daemon_options common;
    OPTIONS(SG_CONF_MEMBER)
};

#define ROW(...)                  SG_CONF_ROW(struct options, __VA_ARGS__)
#define COMMON(kind, member, ...) SG_CONF_ROW(struct options, kind, common.member, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW) SG_DAEMON_OPTIONS(COMMON, "127.0.0.1:1")};

static const struct sg_conf_table table = {
    .program = "test-daemon", .summary = "tests", .options = rows, .n = sizeof rows / sizeof *rows};

enum { WRONG = 90 };

/* Signals that come before anybody waits are not lost, and the descriptor stays readable. */
static int end_by(int signal, int ends)
{
    if (sg_daemon_wait(ends, 0))
        return WRONG;
    raise(signal);
    return sg_daemon_wait(ends, -1) && sg_daemon_wait(ends, 1000) ? 0 : WRONG;
}

static int run(const void *conf, int ends)
{
    const struct options *o = conf;
    if (strcmp(o->how, "term") == 0)
        return end_by(SIGTERM, ends);
    if (strcmp(o->how, "int") == 0)
        return end_by(SIGINT, ends);
    if (strcmp(o->how, "timeout") == 0)
        return sg_daemon_wait(ends, 10) ? WRONG : 0;
    if (strcmp(o->how, "fail") == 0)
        return sg_raise(-EIO);
    if (strcmp(o->how, "common") == 0)
        return strcmp(o->common.ops_listen, "127.0.0.1:1") == 0 &&
                       strcmp(o->common.cas_pin, "00") == 0 && o->common.cas_retry_ms == 60000
                   ? 0
                   : WRONG;
    return 7;
}

static int status_of(const char *pin, const char *how)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct options o = {0};
        char name[] = "test-daemon", first[64], second[64];
        char *argv[] = {name, first, second, NULL};
        const struct sg_daemon d = {.service = "test", .table = &table, .run = run};
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(quiet, STDERR_FILENO);
        snprintf(first, sizeof first, "--how=%s", how);
        snprintf(second, sizeof second, "--%s=00", pin);
        int r = sg_daemon_main(&d, 3, argv, &o);
        _exit(o.how || o.common.cas_pin ? WRONG : r); /* cleared in any case */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_signals_end_it_in_good_order(void **state)
{
    (void)state;
    assert_int_equal(status_of("cas.pin", "term"), 0);
    assert_int_equal(status_of("cas.pin", "int"), 0);
    assert_int_equal(status_of("cas.pin", "timeout"), 0);
}

static void test_exit_status_tells_failures_apart(void **state)
{
    (void)state;
    assert_int_equal(status_of("cas.pin", "fail"), 1);
    assert_int_equal(status_of("cas.pin", "say so"), 7);
    assert_int_equal(status_of("no-such-option", "term"), 2);
    assert_int_equal(status_of("list", "term"), 2); /* the pin is required */
}

static void test_common_options_stand_in_every_table(void **state)
{
    (void)state;
    assert_int_equal(status_of("cas.pin", "common"), 0);
}

/* ---- bootstrap ---- */

static void test_options_become_a_bootstrap(void **state)
{
    (void)state;
    char connect[] = "127.0.0.1:2", pin[] = "ab", provider[] = "sim", platform[] = "/p";
    const struct sg_daemon_options o = {.cas_connect = connect,
                                        .cas_pin = pin,
                                        .cas_provider = provider,
                                        .cas_platform = platform,
                                        .cas_retry_ms = 5};
    const struct sg_cas_bootstrap b = sg_daemon_cas(&o, "alpha");
    assert_ptr_equal(b.connect, connect);
    assert_ptr_equal(b.pin_hex, pin);
    assert_ptr_equal(b.provider, provider);
    assert_ptr_equal(b.sim_platform, platform);
    assert_string_equal(b.service, "alpha");
    assert_int_equal(b.retry_ms, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_end_it_in_good_order),
        cmocka_unit_test(test_exit_status_tells_failures_apart),
        cmocka_unit_test(test_common_options_stand_in_every_table),
        cmocka_unit_test(test_options_become_a_bootstrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
