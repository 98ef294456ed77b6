#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report-int.h"

#define RUN "{\"run\":{\"meters\":2,\"days\":1,\"from_s\":1788231600},\"made_s\":1788400000"

static struct sg_buf page = SG_BUF_INIT(SG_REPORT_PAGE_MAX);
static struct sg_report report;

/* The page ends with a NUL. */
static void make(const char *summary, const char *facts, const char *fraud, const char *bill)
{
    sg_buf_reset(&page);
    assert_int_equal(
        sg_report_read(&report, sg_bytes_str(summary), sg_bytes_str(facts), sg_bytes_str(fraud)),
        0);
    assert_int_equal(sg_report_take_bill(&report, sg_bytes_str(bill)), 0);
    assert_int_equal(sg_report_put(&report, &page), 0);
    assert_int_equal(sg_buf_append_u8(&page, 0), 0);
    sg_report_clear(&report);
}

static bool says(const char *what)
{
    return strstr((const char *)page.data, what) != NULL;
}

static void a_summary_must_be_an_object(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "7", "{", "{} {}", "{\"a\":\"\\u0000\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            sg_report_read(&report, sg_bytes_str(bad[i]), SG_BYTES_NONE, SG_BYTES_NONE), -EBADMSG);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    make("{}", "", "", "");
    assert_true(says("Not all is well"));
    assert_true(says("ended before its loads were read"));
    assert_true(says("No bill was made in this run"));
    assert_true(says("No ranking was judged in this run"));
    assert_true(says("ended before the store was asked"));
}

/* Facts that no run can have are not believed, each by itself. */
static void absurd_facts_are_not_believed(void **state)
{
    (void)state;
    static const char *const absurd[] = {
        "{\"run\":{\"meters\":2,\"days\":401,\"from_s\":1},\"made_s\":1}",
        "{\"run\":{\"meters\":0,\"days\":1,\"from_s\":1},\"made_s\":1}",
        "{\"run\":{\"meters\":2,\"days\":1,\"from_s\":-1},\"made_s\":1}",
        "{\"run\":{\"meters\":2,\"days\":1,\"from_s\":1},\"made_s\":999999999999999}",
        RUN ",\"classes\":[{},{},{},{},{},{},{},{},{}]}",
        RUN
        ",\"customers\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},"
        "{}]}",
        "[" RUN "}]",
    };
    make("{}", RUN "}", "", "");
    assert_false(says("ended before its loads were read"));
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        make("{}", absurd[i], "", "");
        assert_true(says("ended before its loads were read"));
    }
}

static void names_are_only_names(void **state)
{
    (void)state;
    make("{\"seconds\":{\"<script>a</script>\":1},\"tamper\":{\"<img src=x>\":true}}",
         RUN ",\"classes\":[{\"class\":\"<i onclick=x>\",\"customers\":1,\"wh\":[1]}]}",
         "{\"ran\":true,\"suspects\":[{\"customer\":\"</li><script>b</script>\"}],"
         "\"precision_at_k\":{\"<b>\":0.5}}",
         "");
    assert_true(says("&lt;/li&gt;&lt;script&gt;b"));
    assert_true(says("&lt;i onclick=x&gt;"));
    assert_false(says("<script"));
    assert_false(says("<img"));
    assert_false(says("<i "));
    assert_false(says("<b>"));
}

static int clear(void **state)
{
    (void)state;
    sg_buf_clear(&page);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_summary_must_be_an_object),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(absurd_facts_are_not_believed),
        cmocka_unit_test(names_are_only_names),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
