#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/contract.h>

#include <stdio.h>
#include <unistd.h>

#define YAML                                                                                       \
    "- client: 7\n  from: 2026-01-01\n  until: 2026-07-01\n  phases: 3\n"                          \
    "  demand_kw: {peak: 80, off_peak: 120.5}\n"                                                   \
    "  demand_history: [{month: 2025-11, kw: {peak: 99}}, {month: 2025-12, kw: {peak: 70, "        \
    "off_peak: 90}}]\n"                                                                            \
    "  credits: [{month: 2025-12, post: peak, kwh: 0.001}, {month: 2025-12, post: off_peak, kwh: " \
    "30}]\n  exempt: [icms]\n"                                                                     \
    "- {client: 7, from: 2026-07-01, until: null, tariff: a4-blue}\n"                                               \
    "- {client: 5, from: 2020-01-01, until: null, phases: 1}\n"
#define JSON                                                                                       \
    "[{\"client\":7,\"from\":\"2026-01-01\",\"until\":\"2026-07-01\",\"phases\":3,"                \
    "\"demand_kw\":{\"peak\":80,\"off_peak\":120.5},\"demand_history\":[{\"month\":\"2025-11\","   \
    "\"kw\":{\"peak\":99}},{\"month\":\"2025-12\",\"kw\":{\"peak\":70,\"off_peak\":90}}],"         \
    "\"credits\":[{\"month\":\"2025-12\",\"post\":\"peak\",\"kwh\":0.001},{\"month\":\"2025-12\"," \
    "\"post\":\"off_peak\",\"kwh\":30}],\"exempt\":[\"icms\"]},\n"                                 \
    " {\"client\": 7,\n\t\"from\": \"2026-07-01\", \"until\": null, \"tariff\": \"a4-blue\"},\n"                            \
    " {\"client\":5,\"from\":\"2020-01-01\",\"until\":null,\"tariff\":null,\"phases\":1,\"credits\":[],"           \
    "\"exempt\":[]}\n]\n"

static int64_t day(const char *text)
{
    char stamp[40];
    int64_t s = 0;
    snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", text);
    assert_int_equal(sg_time_parse(stamp, &s), 0);
    return s / 86400;
}

static void check(const struct sg_contracts *all)
{
    const struct sg_contract *c = NULL;

    assert_int_equal(all->n, 3);
    assert_int_equal(sg_contracts_over(all, 7, day("2026-01-01"), day("2026-06-30"), &c), 0);
    assert_int_equal(c->phases, 3);
    assert_string_equal(c->tariff, "");
    assert_int_equal(sg_contract_demand_w(c, "peak"), 80000);
    assert_int_equal(sg_contract_demand_w(c, "off_peak"), 120500);
    assert_int_equal(sg_contract_demand_w(c, SG_CONTRACT_ALL), -1);
    /* The n months before the month, itself not among them. */
    int january = 2026 * 12;
    assert_int_equal(sg_contract_highest_w(c, "peak", january, 1), 70000);
    assert_int_equal(sg_contract_highest_w(c, "peak", january, 2), 99000);
    assert_int_equal(sg_contract_highest_w(c, "peak", january - 1, 11), 99000);
    assert_int_equal(sg_contract_highest_w(c, "peak", january - 2, 11), 0);
    assert_int_equal(sg_contract_highest_w(c, "off_peak", january, 11), 90000);
    assert_int_equal(c->n_credits, 2);
    assert_int_equal(c->credits[0].wh, 1);
    assert_string_equal(c->credits[1].post, "off_peak");
    assert_true(sg_contract_is_exempt(c, "icms"));
    assert_false(sg_contract_is_exempt(c, "pis"));
    assert_int_equal(sg_contracts_over(all, 7, day("2026-07-01"), day("2030-01-01"), &c), 0);
    assert_int_equal(c->phases, 0);
    assert_string_equal(c->tariff, "a4-blue");
    assert_int_equal(sg_contracts_over(all, 7, day("2026-06-15"), day("2026-07-14"), &c),
                     SG_CONTRACT_CHANGED);
    assert_int_equal(sg_contracts_over(all, 7, day("2026-06-15"), day("2026-07-01"), &c),
                     SG_CONTRACT_CHANGED);
    assert_int_equal(sg_contracts_over(all, 7, day("2025-12-15"), day("2026-01-14"), &c),
                     SG_CONTRACT_CHANGED);
    assert_int_equal(sg_contracts_over(all, 7, day("2025-11-15"), day("2025-12-31"), &c),
                     SG_CONTRACT_NONE);
    assert_int_equal(sg_contracts_over(all, 6, day("2026-01-01"), day("2026-01-31"), &c),
                     SG_CONTRACT_NONE);
    assert_int_equal(sg_contracts_over(all, 5, day("2026-01-01"), day("2026-01-31"), &c), 0);
    assert_int_equal(c->client, 5);
}

static void yaml_and_json_say_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {YAML, JSON};
    for (size_t i = 0; i < 2; i++) {
        SG_CLEANUP(sg_contracts_clear) struct sg_contracts all = {NULL, 0};
        struct sg_yaml_error why = {0, ""};
        if (sg_contracts_read(&all, sg_bytes_str(texts[i]), &why))
            fail_msg("%zu: %u: %s", i, why.line, why.text);
        check(&all);
    }
}

#define ONE "- {client: 7, from: 2026-01-01, until: null"

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        unsigned line;
    } cases[] = {
        {"", "", 0},
        {"client: 7\n", "a list expected", 1},
        {"- {client: 7}\n", "from is missing", 1},
        {"- {client: -1, from: 2026-01-01, until: null}\n", "client: must be from 0", 1},
        {"- {client: 7, from: 2026-1-1, until: null}\n", "from: a date is", 1},
        {"- {client: 7, from: 2026-01-01, until: 2026-01-01}\n", "later than from", 1},
        {ONE ", phases: 4}\n", "phases: must be from 1 to 3", 1},
        {ONE ", phase: 3}\n", "unknown key", 1},
        {ONE ", demand_kw: {}}\n", "1 to 8 posts", 1},
        {ONE ", demand_kw: {all: -1}}\n", "all: must be from 0", 1},
        {ONE ", demand_kw: {all: 1.0001}}\n", "at most 3 decimals", 1},
        {ONE ", demand_history: [{month: 2026-02, kw: {all: 1}},\n{month: 2026-02, kw: {all: 1}}]}",
         "months must rise", 2},
        {ONE ", credits: [{month: 2026-02, post: a, kwh: 0}]}", "kwh: must be from 0.001", 1},
        {ONE ", credits: [{month: 2026-02, post: a, kwh: 1}, {month: 2026-02, post: b, kwh: 1},\n"
             "{month: 2026-02, post: a, kwh: 1}]}",
         "stand above", 2},
        {ONE ", credits: [{month: 2026-02, post: a, kwh: 1},\n{month: 2026-01, post: a, kwh: 1}]}",
         "must not fall", 2},
        {ONE "}\n" ONE "}\n", "two contracts hold", 0},
        {"[{\"client\":1,\"from\":\"2026-01-01\",\"until\":null},\n{\"client\":2}]", "from is miss",
         2},
        {"[{\"client\":1,\"from\":\"2026-01-01\",\"until\":null}\n\n,7]", "a mapping expected", 3},
        {"[{\"client\":1,\"from\":\"2026-01-01\",\"until\":null}\n\n", "expected ',' or ']'", 3},
        {"[{\"client\":1,\"from\":\"2026-01-01\",\"until\":null}]\n]", "expected <document st", 2},
        {"[{\"client\":\"}\"", "expected ',' or '}'", 0},
        {"[{\"client\":1,\n\"client\":2}]", "given twice", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_contracts all = {NULL, 0};
        struct sg_yaml_error why = {0, ""};
        assert_int_equal(sg_contracts_read(&all, sg_bytes_str(cases[i].text), &why),
                         SG_CONTRACT_BAD);
        assert_int_equal(all.n, 0);
        if (!strstr(why.text, cases[i].reason) || (cases[i].line && why.line != cases[i].line))
            fail_msg("case %zu (%s) said %u: %s", i, cases[i].reason, why.line, why.text);
    }
}

/* More than one tree holds, in either form; backwards, so that the index has work. */
static void many_clients(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
        SG_CLEANUP(sg_contracts_clear) struct sg_contracts all = {NULL, 0};
        struct sg_yaml_error why = {0, ""};
        const struct sg_contract *c = NULL;
        assert_int_equal(sg_buf_printf(&text, k ? "[" : ""), 0);
        for (int i = 5000; i > 0; i--)
            assert_int_equal(sg_buf_printf(&text,
                                           k ? "{\"client\": %d, \"from\": \"2026-01-01\", "
                                               "\"until\": null, \"phases\": %d},"
                                             : "- client: %d\n  from: 2026-01-01\n"
                                               "  until: null\n  phases: %d\n",
                                           i, i % 3 + 1),
                             0);
        assert_int_equal(sg_buf_printf(&text, k ? "]" : ""), 0);
        assert_int_equal(sg_contracts_read(&all, sg_buf_bytes(&text), &why), 0);
        assert_int_equal(all.n, 5000);
        for (int i = 1; i <= 5000; i++) {
            assert_int_equal(sg_contracts_over(&all, i, day("2026-02-01"), day("2026-02-28"), &c),
                             0);
            assert_int_equal(c->phases, i % 3 + 1);
        }
    }
}

/* A hole as large as can be: no gigabyte is written. */
static void a_file_past_the_limit_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/sg-test-contract-XXXXXX";
    struct sg_contracts all = {NULL, 0};
    struct sg_yaml_error why = {0, ""};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)SG_CONTRACT_FILE_MAX + 1), 0);
    assert_int_equal(sg_contracts_load(&all, path, &why), SG_CONTRACT_BAD);
    assert_string_equal(why.text, "larger than 1024 MiB");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_and_json_say_the_same),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(many_clients),
        cmocka_unit_test(a_file_past_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
