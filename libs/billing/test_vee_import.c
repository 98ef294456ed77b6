#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vee-fixture.h"
#include "vee-time-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>

static int64_t at(const char *text)
{
    int64_t s;
    assert_int_equal(sg_time_parse(text, &s), 0);
    return s;
}

static struct sg_import_format hourly(const char *zone)
{
    struct sg_import_format f;
    assert_true(sg_import_preset("generic", &f));
    snprintf(f.stamp[0], sizeof(f.stamp[0]), "t");
    snprintf(f.energy.column, sizeof(f.energy.column), "kwh");
    f.energy.digits = 3;
    snprintf(f.time, sizeof(f.time), "%%Y-%%m-%%d %%H:%%M");
    snprintf(f.zone, sizeof(f.zone), "%s", zone);
    f.interval_s = 3600;
    return f;
}

static struct sg_import_result result;
static char why[160];

static int import(const struct sg_import_format *f, const char *csv)
{
    sg_import_clear(&result);
    memset(&result, 0, sizeof(result));
    return sg_import_csv(f, sg_bytes_str(csv), NULL, NULL, &result, why);
}

static int clear(void **state)
{
    (void)state;
    sg_import_clear(&result);
    return 0;
}

static uint64_t notes(void)
{
    uint64_t n = 0;
    for (int i = 0; i < SG_IMPORT_N_NOTES; i++)
        n += result.notes[i];
    return n;
}

static void t_stamps(void **state)
{
    int64_t s;

    (void)state;
    assert_true(vee_stamp_parse("%d/%m/%Y %H:%M", "01/02/2018 0:15", &s));
    assert_int_equal(s, at("2018-02-01T00:15:00Z"));
    assert_true(vee_stamp_parse("%m/%d/%Y %H", "2/1/2018 24", &s));
    assert_int_equal(s, at("2018-02-02T00:00:00Z"));
    static const char *const bad[] = {
        "",         "1/2/18",     "31/02/2018 1", "1/13/2018 1", "1/2/2018 25", "1/2/2018 1 ",
        "1/2/2018", "a/2/2018 1", "1/2/1969 1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(vee_stamp_parse("%d/%m/%Y %H", bad[i], &s));
    assert_true(vee_stamp_format_ok("%Y%m%d%H%M%S"));
    assert_false(vee_stamp_format_ok("%d %m"));
    assert_false(vee_stamp_format_ok("%d %d %m %Y"));
    assert_false(vee_stamp_format_ok("%d %m %Y %q"));
    assert_false(vee_stamp_format_ok("%d %m %Y %"));
}

static void t_local_instants(void **state)
{
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
    int64_t both[2];

    (void)state;
    assert_int_equal(sg_tz_load(&tz, "America/Vancouver"), 0);
    assert_int_equal(vee_local_instants(tz, at("2013-11-03T00:59:59Z"), both), 1);
    assert_int_equal(vee_local_instants(tz, at("2013-11-03T01:00:00Z"), both), 2);
    assert_int_equal(both[0], at("2013-11-03T08:00:00Z"));
    assert_int_equal(both[1], at("2013-11-03T09:00:00Z"));
    assert_int_equal(vee_local_instants(tz, at("2013-11-03T02:00:00Z"), both), 1);
    assert_int_equal(vee_local_instants(tz, at("2013-03-10T01:59:59Z"), both), 1);
    assert_int_equal(vee_local_instants(tz, at("2013-03-10T02:00:00Z"), both), 0);
    assert_int_equal(vee_local_instants(tz, at("2013-03-10T03:00:00Z"), both), 1);
}

static void t_values(void **state)
{
    struct sg_import_format f = hourly("UTC");

    (void)state;
    assert_true(sg_import_preset("steel", &f));
    assert_int_equal(import(&f, "date,Usage_kWh,Lagging_Current_Reactive.Power_kVarh,"
                                "Leading_Current_Reactive_Power_kVarh\r\n"
                                "01/01/2018 0:15,3.17,2.95,0\r\n"
                                "01/01/2018 0:30,4,,\r\n"
                                "\"01/01/2018 0:45\",3.24,1,4.5\r\n"),
                     0);
    assert_int_equal(result.n, 3);
    assert_int_equal(result.lines, 3);
    assert_int_equal(notes(), 0);
    assert_int_equal(result.rows[0].energy_wh, 3170);
    assert_int_equal(result.rows[0].reactive_varh, 2950);
    assert_int_equal(result.rows[0].ts_s, at("2018-01-01T00:15:00+09:00"));
    assert_int_equal(result.rows[1].reactive_varh, SG_READING_NA);
    assert_int_equal(result.rows[2].reactive_varh, -3500);
}

static void t_stamp_is_begin(void **state)
{
    struct sg_import_format f = hourly("America/Vancouver");

    (void)state;
    f.stamp_is_begin = true;
    assert_int_equal(import(&f, "t,kwh\n2013-06-01 00:00,1\n"), 0);
    assert_int_equal(result.rows[0].ts_s, at("2013-06-01T01:00:00-07:00"));
}

/* 23 hours: two o'clock never was, and no interval lacks. */
static void t_spring(void **state)
{
    struct sg_import_format f = hourly("America/Vancouver");

    (void)state;
    assert_int_equal(import(&f, "t,kwh\n2013-03-10 01:00,1\n2013-03-10 03:00,2\n"), 0);
    assert_int_equal(result.notes[SG_IMPORT_SKIPPED], 1);
    assert_int_equal(notes(), 1);
    assert_int_equal(result.rows[1].ts_s - result.rows[0].ts_s, 3600);
    /* On any other day the same stamps lack an hour. */
    assert_int_equal(import(&f, "t,kwh\n2013-03-11 01:00,1\n2013-03-11 03:00,2\n"), 0);
    assert_int_equal(result.notes[SG_IMPORT_GAP], 1);
    assert_int_equal(notes(), 1);
}

/* Files with 24 rows every day write zeros for the hour that never was. */
static void t_spring_zero(void **state)
{
    static const char csv[] = "t,kwh\n2013-03-10 01:00,1\n2013-03-10 02:00,0\n2013-03-10 03:00,2\n";
    struct sg_import_format f = hourly("America/Vancouver");

    (void)state;
    f.skipped_as_zero = true;
    assert_int_equal(import(&f, csv), 0);
    assert_int_equal(result.notes[SG_IMPORT_NONEXISTENT], 1);
    assert_int_equal(result.n, 2);
}

/* 25 hours: one o'clock twice, in order; told once it lacks an interval, and that is no duplicate.
 */
static void t_autumn(void **state)
{
    struct sg_import_format f = hourly("America/Vancouver");

    (void)state;
    assert_int_equal(import(&f, "t,kwh\n2013-11-03 00:00,1\n2013-11-03 01:00,2\n"
                                "2013-11-03 01:00,2\n2013-11-03 02:00,4\n"),
                     0);
    assert_int_equal(result.notes[SG_IMPORT_REPEATED], 1);
    assert_int_equal(notes(), 1);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(result.rows[i].ts_s - result.rows[i - 1].ts_s, 3600);
    assert_int_equal(import(&f, "t,kwh\n2013-11-03 00:00,1\n2013-11-03 01:00,2\n"
                                "2013-11-03 02:00,4\n"),
                     0);
    assert_int_equal(result.notes[SG_IMPORT_ONCE], 1);
    assert_int_equal(notes(), 1);
}

/* Every local day of a year in five zones: 92, 96 and 100 quarter-hours come back as they were. */
static void t_round_trip(void **state)
{
    static const char *const zones[] = {"America/Vancouver", "Europe/Lisbon", "Australia/Lord_Howe",
                                        "America/Sao_Paulo", "Africa/Casablanca"};

    (void)state;
    for (size_t z = 0; z < 5; z++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(4u << 20);
        SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
        struct sg_import_format f = hourly(zones[z]);
        const int64_t first = at("2017-06-01T00:00:00Z");
        uint64_t changes = 0;

        f.interval_s = 900;
        assert_int_equal(sg_tz_load(&tz, zones[z]), 0);
        assert_int_equal(sg_buf_printf(&csv, "t,kwh\n"), 0);
        int32_t east = sg_tz_at(tz, first).east_s;
        for (int i = 0; i < 365 * 96; i++) {
            const int64_t s = first + i * 900;
            char stamp[SG_RFC3339_MAX];
            changes += sg_tz_at(tz, s).east_s != east;
            east = sg_tz_at(tz, s).east_s;
            sg_time_rfc3339(stamp, s + east);
            assert_int_equal(sg_buf_printf(&csv, "%.10s %.5s,1\n", stamp, stamp + 11), 0);
        }
        assert_int_equal(sg_import_csv(&f, sg_buf_bytes(&csv), NULL, NULL, &result, why), 0);
        assert_int_equal(result.n, 365 * 96);
        for (size_t i = 0; i < result.n; i++)
            assert_int_equal(result.rows[i].ts_s, first + (int64_t)i * 900);
        assert_int_equal(notes(), changes);
        assert_true(changes >= 2);
        sg_import_clear(&result);
        memset(&result, 0, sizeof(result));
    }
}

static void t_midnight(void **state)
{
    static const char csv[] = "t,kwh\n2018-01-01 23:00,1\n2018-01-01 00:00,2\n2018-01-02 01:00,3\n";
    struct sg_import_format f = hourly("Asia/Seoul");

    (void)state;
    assert_int_equal(import(&f, csv), 0); /* read as written, and told */
    assert_int_equal(result.notes[SG_IMPORT_MIDNIGHT], 1);
    assert_int_equal(result.notes[SG_IMPORT_ORDER], 1);
    assert_int_equal(result.notes[SG_IMPORT_GAP], 1);
    f.midnight_same_date = true;
    assert_int_equal(import(&f, csv), 0);
    assert_int_equal(result.notes[SG_IMPORT_MIDNIGHT], 1);
    assert_int_equal(notes(), 1);
    assert_int_equal(result.rows[1].ts_s, at("2018-01-02T00:00:00+09:00"));
    /* 00:00 of the next date is nothing to tell. */
    assert_int_equal(import(&f, "t,kwh\n2018-01-01 23:00,1\n2018-01-02 00:00,2\n"), 0);
    assert_int_equal(notes(), 0);
}

static char told[SG_VEE_TEXT_MAX];

static void keep_text(void *user, const struct sg_import_finding *f)
{
    (void)user;
    snprintf(told, sizeof(told), "%zu %s %s", f->line, sg_import_word(f->note), f->text);
}

/* What people are told. */
static void t_texts(void **state)
{
    static const struct {
        const char *rows, *text;
    } cases[] = {
        {"2018-01-01 05:00,1\n2018-01-01 03:00,1\n", "3 order stamp jumps back by 7200 s"},
        {"2018-01-01 05:00,1\n2018-01-01 09:00,1\n", "3 gap no row for 3 interval(s)"},
        {"2018-01-01 05:10,1\n", "2 stamp.off_grid not at an end of an interval"},
    };
    struct sg_import_format f = hourly("Asia/Seoul");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char csv[128];
        snprintf(csv, sizeof(csv), "t,kwh\n%s", cases[i].rows);
        sg_import_clear(&result);
        assert_int_equal(sg_import_csv(&f, sg_bytes_str(csv), keep_text, NULL, &result, why), 0);
        assert_string_equal(told, cases[i].text);
    }
}

static void t_repeats(void **state)
{
    static const char same[] =
        "t,kwh\n2018-01-01 01:00,1\n2018-01-01 01:00,1\n2018-01-01 02:00,1\n";
    static const char other[] = "t,kwh\n2018-01-01 01:00,1\n2018-01-01 01:00,2\n";
    struct sg_import_format f = hourly("Asia/Seoul");

    (void)state;
    assert_int_equal(import(&f, same), 0);
    assert_int_equal(result.notes[SG_IMPORT_REPEAT], 1);
    assert_int_equal(result.n, 3);
    f.repeats_once = true;
    assert_int_equal(import(&f, same), 0);
    assert_int_equal(result.notes[SG_IMPORT_REPEAT], 1);
    assert_int_equal(result.n, 2);
    assert_int_equal(import(&f, other), 0); /* differing ones are nobody's to choose from here */
    assert_int_equal(result.notes[SG_IMPORT_DIFFERS], 1);
    assert_int_equal(result.n, 2);
}

static void expect_bad(const struct sg_import_format *f, const char *csv, const char *part)
{
    assert_int_equal(import(f, csv), SG_IMPORT_BAD);
    if (!strstr(why, part))
        fail_msg("\"%s\" does not say \"%s\"", why, part);
}

static void t_refused(void **state)
{
    struct sg_import_format f = hourly("Asia/Seoul");

    (void)state;
    expect_bad(&f, "", "no header");
    expect_bad(&f, "t,kw\n", "no column kwh");
    expect_bad(&f, "t,kwh,t\n", "two columns t");
    expect_bad(&f, "t,kwh\n2018-01-01 01:00\n", "line 2: only 1 columns");
    expect_bad(&f, "t,kwh\n2018-01-01 01:00,1\n2018-01-01 1h,1\n", "line 3: t: \"2018-01-01 1h\"");
    expect_bad(&f, "t,kwh\n2018-01-01 01:00,1.2345\n", "line 2: kwh: no decimal number");
    expect_bad(&f, "t,kwh\n2018-01-01 01:00,1e3\n", "line 2: kwh: no decimal number");
    expect_bad(&f, "t,kwh\n2018-01-01 01:00,10001\n", "kwh: over");
    snprintf(f.zone, sizeof(f.zone), "Mars/Olympus");
    expect_bad(&f, "t,kwh\n", "no such time zone");
    snprintf(f.time, sizeof(f.time), "%%d");
    expect_bad(&f, "t,kwh\n", "time format");
}

/* ---- canonical CSV -----------------------------------------------------------------------------
 */

static void t_canonical(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
    SG_CLEANUP(sg_vee_csv_clear) struct sg_vee_csv back = {0, NULL, 0};
    struct sg_vee_row rows[2] = {{.serial = "M1",
                                  .seq = 9,
                                  .ts_s = 900,
                                  .energy_wh = -3,
                                  .reactive_varh = SG_READING_NA,
                                  .register_wh = SG_READING_NA,
                                  .reactive_register_varh = SG_READING_NA},
                                 {.serial = "M1",
                                  .ts_s = 1800,
                                  .energy_wh = SG_READING_NA,
                                  .reactive_varh = 4,
                                  .register_wh = SG_READING_NA,
                                  .reactive_register_varh = SG_READING_NA}};

    (void)state;
    assert_int_equal(sg_vee_csv_write(rows, 2, 42, 900, &text), 0);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
    assert_string_equal((const char *)text.data,
                        "client,ts,serial,seq,energy_wh,reactive_varh\n"
                        "42,1970-01-01T00:15:00Z,M1,9,-3,\n42,1970-01-01T00:30:00Z,M1,2,,4\n");
    assert_int_equal(sg_vee_csv_read(SG_BYTES(text.data, text.len - 1), &back, why), 0);
    assert_int_equal(back.n, 2);
    assert_int_equal(back.client, 42);
    assert_int_equal(back.rows[0].energy_wh, -3);
    assert_int_equal(back.rows[1].energy_wh, SG_READING_NA);
    assert_int_equal(back.rows[1].seq, 2);
}

static void t_canonical_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "line 1: an unknown column"},
        {"client,ts,serial,seq\n", "energy_wh: no such column"},
        {"client,ts,serial,seq,energy_wh,x\n", "unknown column"},
        {"client,ts,serial,seq,energy_wh,seq\n", "two columns"},
        {"client,ts,serial,seq,energy_wh\n1,900,M,1\n", "line 2: fewer"},
        {"client,ts,serial,seq,energy_wh\n1,900,M,1,2,3\n", "line 2: more"},
        {"client,ts,serial,seq,energy_wh\n1,900,,1,2\n", "serial"},
        {"client,ts,serial,seq,energy_wh\n1,never,M,1,2\n", "ts"},
        {"client,ts,serial,seq,energy_wh\n1,900,M,1,2.5\n", "energy_wh"},
        {"client,ts,serial,seq,energy_wh\n1,900,M,1,2\n2,1800,M,1,2\n", "line 3: client"},
        {"client,ts,serial,seq,energy_wh,clock\n1,900,M,1,2,late\n", "clock"},
        {"client,ts,serial,seq,energy_wh,estimated\n1,900,M,1,2,yes\n", "estimated"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sg_vee_csv c = {0, NULL, 0};
        assert_int_equal(sg_vee_csv_read(sg_bytes_str(bad[i].text), &c, why), SG_IMPORT_BAD);
        if (!strstr(why, bad[i].part))
            fail_msg("\"%s\" does not say \"%s\"", why, bad[i].part);
    }
}

/* ---- rule files --------------------------------------------------------------------------------
 */

#define HEAD "format: 1\nid: x\nzone: UTC\nrounding: half-even\n"

static void t_rules_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *part;
    } bad[] = {
        {"format: 2\nid: x\n", 1, "format"},
        {"format: 1\n", 1, "id is missing"},
        {HEAD, 1, "checks is missing"},
        {HEAD "checks: {}\nfoo: 1\n", 6, "unknown key"},
        {HEAD "checks: {spikes: {severity: fail}}\n", 5, "no such check"},
        {HEAD "checks: {spike: {}}\n", 5, "severity is missing"},
        {HEAD "checks: {spike: {severity: bad}}\n", 5, "fail, warn or info"},
        {HEAD "checks: {spike: {severity: fail, days: 3}}\n", 5, "no parameter of this check"},
        {HEAD "checks: {spike: {severity: fail, percent: 0}}\n", 5, "percent: 1..1000000"},
        {HEAD "checks: {high_low: {severity: fail, history_days: 2}}\n", 5, "least_days"},
        {"format: 1\nid: x\nzone: Nowhere\nrounding: half-even\n", 3, "time zone"},
        {"format: 1\nid: x\nzone: UTC\nrounding: up\n", 4, "half-even or half-up"},
        {HEAD "holidays: [easter+]\nchecks: {}\n", 5, "a holiday is"},
        {HEAD "holidays: [02-30]\nchecks: {}\n", 5, "a holiday is"},
        {HEAD "checks: {}\nestimate: {chain: []}\n", 6, "adjust_to_register is missing"},
        {HEAD "checks: {}\nestimate: {adjust_to_register: true, chain: []}\n", 6, "one to eight"},
        {HEAD "checks: {}\nestimate: {adjust_to_register: yes, chain: []}\n", 6, "adjust_to_register: one of: false, true"},
        {HEAD "checks: {}\nestimate:\n  adjust_to_register: true\n  chain:\n"
              "    - {rule: a, method: guess, up_to_minutes: 5}\n",
         9, "linear, history"},
        {HEAD "checks: {}\nestimate:\n  adjust_to_register: true\n  chain:\n"
              "    - {rule: a, method: linear, up_to_minutes: 5, days: 2}\n",
         9, "unknown key"},
        {HEAD "checks: {}\nestimate:\n  adjust_to_register: true\n  chain:\n"
              "    - {rule: a, method: linear, up_to_minutes: 5}\n"
              "    - {rule: a, method: linear, up_to_minutes: 6}\n",
         10, "another step"},
        {HEAD "checks: {}\nestimate:\n  adjust_to_register: true\n  chain:\n"
              "    - {rule: a, method: history, up_to_minutes: 5, days: 2, least: 3}\n",
         9, "least: 1..2"},
        {HEAD "checks: {}\nestimate:\n  adjust_to_register: true\n  chain:\n"
              "    - {rule: a, method: profile, up_to_minutes: 5, profile: p}\n",
         9, "no such profile"},
        {HEAD "checks: {}\nprofiles:\n  - {name: p, day_wh: 1, working: [1], saturday: [1],"
              " sunday: [1], holiday: [1]}\n",
         7, "24 weights"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sg_vee_rules *rules = NULL;
        struct sg_yaml_error e = {0, ""};
        assert_int_equal(sg_vee_rules_parse(&rules, sg_bytes_str(bad[i].text), &e),
                         SG_VEE_RULES_BAD);
        assert_null(rules);
        if (!strstr(e.text, bad[i].part) || e.line != bad[i].line)
            fail_msg("%zu: %u: \"%s\" is not %u: \"%s\"", i, e.line, e.text, bad[i].line,
                     bad[i].part);
    }
}

static void t_rules_ready(void **state)
{
    static const char *const files[] = {"default", "house-bc", "plant-kr"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = NULL;
        struct sg_yaml_error e = {0, ""};
        char path[64];
        snprintf(path, sizeof(path), "apps/bill/vee/%s.yaml", files[i]);
        if (sg_vee_rules_load(&rules, path, &e))
            fail_msg("%s:%u: %s", path, e.line, e.text);
        assert_string_equal(rules->id, files[i]);
        assert_int_equal(rules->n_steps, 4);
        for (int c = 0; c < SG_VEE_N_CHECKS; c++)
            assert_true(rules->checks[c].on);
    }
}

static void t_day_kinds(void **state)
{
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = vx_rules("UTC");

    (void)state;
    assert_int_equal(sg_vee_day_kind(rules, at("2026-09-08T00:00:00Z") / 86400), SG_VEE_WORKING);
    assert_int_equal(sg_vee_day_kind(rules, at("2026-09-07T00:00:00Z") / 86400), SG_VEE_HOLIDAY);
    assert_int_equal(sg_vee_day_kind(rules, at("2026-09-05T00:00:00Z") / 86400), SG_VEE_SATURDAY);
    assert_int_equal(sg_vee_day_kind(rules, at("2026-09-06T00:00:00Z") / 86400), SG_VEE_SUNDAY);
    /* Good Friday 2026: 3 April. */
    assert_int_equal(sg_vee_day_kind(rules, at("2026-04-03T00:00:00Z") / 86400), SG_VEE_HOLIDAY);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clear)
    const struct CMUnitTest tests[] = {
        T(t_stamps),    T(t_local_instants),    T(t_values),        T(t_stamp_is_begin),
        T(t_spring),    T(t_spring_zero),       T(t_autumn),        T(t_round_trip),
        T(t_midnight),  T(t_repeats),           T(t_texts),         T(t_refused),
        T(t_canonical), T(t_canonical_refused), T(t_rules_refused), T(t_rules_ready),
        T(t_day_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
