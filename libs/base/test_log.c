#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/error.h>
#include <sealgrid/base/log.h>

#include <unistd.h>

static char text[8192];

/* Runs emit with standard error caught in text. */
static void capture(void (*emit)(void))
{
    int ends[2], kept = dup(STDERR_FILENO);

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    emit();
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    text[n > 0 ? n : 0] = '\0';
}

static void emit_fields(void)
{
    sg_log(SG_LOG_DEBUG, "hidden");
    sg_log(SG_LOG_INFO, "block.accepted", SG_UINT("readings", 96), SG_INT("volume", -3),
           SG_STR("why", "a \"b\"\n"), SG_STR("word", "plain"),
           SG_HEX("tag", SG_BYTES_LIT("\xab\x01")));
}

static void one_line_with_typed_fields(void **state)
{
    (void)state;
    sg_log_init("authd", SG_LOG_INFO);
    capture(emit_fields);
    assert_null(strstr(text, "hidden"));
    assert_int_equal(text[4], '-');
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 24,
                        " info  authd block.accepted readings=96 volume=-3 why=\"a \\\"b\\\"?\" "
                        "word=plain tag=ab01\n");
}

static void emit_endless(void)
{
    static char endless[5000];
    memset(endless, 'x', sizeof(endless) - 1);
    sg_log(SG_LOG_WARN, "long", SG_STR("text", endless));
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    capture(emit_endless);
    assert_true(strlen(text) <= 2048);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void emit_failure(void)
{
    sg_log_failure("volume.open", sg_raisef(-EIO, "volume 3"));
}

static void a_failure_carries_its_trace(void **state)
{
    (void)state;
    capture(emit_failure);
    assert_non_null(strstr(text, "error authd volume.open errno=5"));
    assert_non_null(strstr(text, "test_log.c"));
}

static void who_is_a_stable_tag_that_hides_the_name(void **state)
{
    (void)state;
    char a[17], b[17], c[17];
    sg_log_who(a, SG_BYTES_LIT("meter-1"));
    sg_log_who(b, SG_BYTES_LIT("meter-1"));
    sg_log_who(c, SG_BYTES_LIT("meter-2"));
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_int_equal(strlen(a), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_with_typed_fields),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(a_failure_carries_its_trace),
        cmocka_unit_test(who_is_a_stable_tag_that_hides_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
