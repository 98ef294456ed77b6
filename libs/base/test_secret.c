#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/secret.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void secrets_are_copied_moved_and_compared(void **state)
{
    (void)state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret a = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret b = SG_SECRET_INIT;

    assert_int_equal(sg_secret_random(&a, 32), 0);
    assert_int_equal(sg_secret_copy(&b, sg_secret_bytes(&a)), 0);
    assert_true(sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&b)));
    b.data[31] ^= 1;
    assert_false(sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&b)));
    assert_false(sg_secret_equal(sg_secret_bytes(&a), SG_BYTES(b.data, 31)));

    struct sg_secret taken = sg_secret_take(&a);
    assert_null(a.data);
    assert_int_equal(taken.len, 32);
    sg_secret_clear(&taken);
    sg_secret_clear(NULL);
}

/* The page after a secret is a guard: reading past it kills the process. */
static void a_secret_is_guarded(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct sg_secret s = SG_SECRET_INIT;
        signal(SIGSEGV, SIG_DFL);
        if (sg_secret_new(&s, 32))
            _exit(1);
        volatile uint8_t *p = s.data;
        (void)p[4096];
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void hardening_stops_core_files(void **state)
{
    (void)state;
    struct rlimit limit;

    assert_int_equal(sg_process_harden(), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_copied_moved_and_compared),
        cmocka_unit_test(a_secret_is_guarded),
        cmocka_unit_test(hardening_stops_core_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
