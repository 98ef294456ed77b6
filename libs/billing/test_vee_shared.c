/* The steel site and the HUE house of the shared data: every fault of theirs has its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/vee-import.h>
#include <sealgrid/meter/gz.h>

#include <stdio.h>

#define FILE_MAX  (8u << 20)
#define NOTES_MAX 512

struct site {
    struct sg_import_result import;
    struct sg_import_finding notes[NOTES_MAX];
    char texts[NOTES_MAX][SG_VEE_TEXT_MAX];
    size_t n_notes;
    struct sg_import_format format;
};

static void keep_note(void *user, const struct sg_import_finding *f)
{
    struct site *s = user;
    assert_true(s->n_notes < NOTES_MAX);
    s->notes[s->n_notes] = *f;
    snprintf(s->texts[s->n_notes], SG_VEE_TEXT_MAX, "%s", f->text);
    s->n_notes++;
}

/* False: no such file, the test is skipped. */
static bool read_gz(const char *name, struct sg_buf *ret)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *gz = NULL;
    const char *folder = getenv("SEALGRID_DATA");
    char path[512];
    size_t got;
    uint8_t *room;

    snprintf(path, sizeof(path), "%s/%s", folder ? folder : "../shared/data", name);
    if (access(path, R_OK) != 0) {
        printf("skipped: %s is not there\n", path);
        return false;
    }
    assert_int_equal(sg_gz_open(&gz, path), 0);
    do {
        assert_int_equal(sg_buf_extend(ret, 65536, &room), 0);
        assert_int_equal(sg_gz_read(gz, (char *)room, 65536, &got), 0);
        ret->len -= 65536 - got;
    } while (got);
    return true;
}

static struct site *import(const char *preset, const char *file, bool repeats_once)
{
    static struct site s;
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(FILE_MAX);
    char why[160];

    memset(&s, 0, sizeof(s));
    assert_true(sg_import_preset(preset, &s.format));
    s.format.repeats_once = repeats_once;
    if (!read_gz(file, &csv))
        skip();
    if (sg_import_csv(&s.format, sg_buf_bytes(&csv), keep_note, &s, &s.import, why))
        fail_msg("%s", why);
    for (size_t i = 0; i < s.import.n; i++)
        snprintf(s.import.rows[i].serial, sizeof(s.import.rows[i].serial), "SITE");
    return &s;
}

static int64_t at(const char *text)
{
    int64_t s;
    assert_int_equal(sg_time_parse(text, &s), 0);
    return s;
}

struct seen {
    unsigned of[SG_VEE_N_CHECKS];
    uint64_t intervals[SG_VEE_N_CHECKS];
};

static void see(void *user, const struct sg_vee_finding *f)
{
    struct seen *s = user;
    enum sg_vee_check_id id = 0;

    while (strcmp(sg_vee_check_word(id), f->rule) != 0)
        id++;
    s->of[id]++;
    s->intervals[id] += f->count;
}

static struct sg_vee_rules *rules_of(const char *name)
{
    struct sg_vee_rules *rules = NULL;
    struct sg_yaml_error why = {0, ""};
    char path[64];

    snprintf(path, sizeof(path), "apps/bill/vee/%s.yaml", name);
    if (sg_vee_rules_load(&rules, path, &why))
        fail_msg("%s:%u: %s", path, why.line, why.text);
    return rules;
}

static struct sg_vee_series series_of(const struct site *s)
{
    const struct sg_import_result *in = &s->import;
    return (struct sg_vee_series){.client = 1,
                                  .from_s = in->rows[0].ts_s - s->format.interval_s,
                                  .until_s = in->rows[in->n - 1].ts_s,
                                  .interval_s = s->format.interval_s,
                                  .rows = in->rows,
                                  .n_rows = in->n};
}

static void print(const struct seen *s)
{
    for (int i = 0; i < SG_VEE_N_CHECKS; i++)
        if (s->of[i])
            printf("  %-16s %5u findings %6llu intervals\n",
                   sg_vee_check_word((enum sg_vee_check_id)i), s->of[i],
                   (unsigned long long)s->intervals[i]);
}

/* 181 days; each day's last reading is stamped 00:00 of that same day. */
static void t_steel(void **state)
{
    (void)state;
    struct site *s = import("steel", "steel_15min_2018H1.csv.gz", false);
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = rules_of("plant-kr");
    struct seen seen = {.of = {0}};

    assert_int_equal(s->import.n, 181 * 96);
    assert_int_equal(s->n_notes, 181);
    for (size_t i = 0; i < 181; i++) {
        assert_int_equal(s->notes[i].note, SG_IMPORT_MIDNIGHT);
        assert_int_equal(s->notes[i].line, 97 + 96 * i);
        assert_int_equal(s->notes[i].until_s, at("2018-01-02T00:00:00+09:00") + (int64_t)i * 86400);
    }
    const struct sg_vee_series series = series_of(s);
    assert_int_equal(series.from_s, at("2018-01-01T00:00:00+09:00"));
    assert_int_equal(series.until_s, at("2018-07-01T00:00:00+09:00"));
    assert_int_equal(sg_vee_check(rules, &series, see, &seen), 0);
    print(&seen);
    assert_int_equal(seen.of[SG_VEE_CONSECUTIVE], 0);
    assert_int_equal(seen.of[SG_VEE_ORDER], 0);
    sg_import_clear(&s->import);
}

/* Read as stamped, the same file is out of order once a day, and says so. */
static void t_steel_as_stamped(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(FILE_MAX);
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = rules_of("plant-kr");
    struct sg_import_result in = {.rows = NULL};
    struct sg_import_format f;
    struct seen seen = {.of = {0}};
    char why[160];

    (void)state;
    assert_true(sg_import_preset("steel", &f));
    f.midnight_same_date = false;
    if (!read_gz("steel_15min_2018H1.csv.gz", &csv))
        skip();
    assert_int_equal(sg_import_csv(&f, sg_buf_bytes(&csv), NULL, NULL, &in, why), 0);
    assert_int_equal(in.notes[SG_IMPORT_MIDNIGHT], 181);
    assert_int_equal(in.notes[SG_IMPORT_ORDER], 181);
    const struct sg_vee_series series = {.from_s = at("2018-01-01T00:00:00+09:00"),
                                         .until_s = at("2018-07-01T00:00:00+09:00"),
                                         .interval_s = 900,
                                         .rows = in.rows,
                                         .n_rows = in.n};
    assert_int_equal(sg_vee_check(rules, &series, see, &seen), 0);
    assert_int_equal(seen.of[SG_VEE_ORDER], 180);     /* the first lies before the period */
    assert_int_equal(seen.of[SG_VEE_CONSECUTIVE], 1); /* and the last has nothing in its place */
    sg_import_clear(&in);
}

static size_t count(const struct site *s, enum sg_import_note note, const char *local_date)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_notes; i++) {
        char stamp[SG_RFC3339_MAX];
        sg_time_rfc3339(stamp, s->notes[i].until_s - 8 * 3600);
        n += s->notes[i].note == note && (!local_date || !strncmp(stamp, local_date, 10));
    }
    return n;
}

/* 29 jumps of two hours: three where clocks went on, 26 without a reading.  Four repeated stamps:
 * three where clocks went back, one told twice. */
static void t_hue(void **state)
{
    (void)state;
    struct site *s = import("hue", "hue_residential1_hourly.csv.gz", false);
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = rules_of("house-bc");
    struct seen seen = {.of = {0}};

    assert_int_equal(s->import.n, 29230 + 1);
    assert_int_equal(s->n_notes, 29 + 4);
    assert_int_equal(s->import.notes[SG_IMPORT_SKIPPED], 3);
    assert_int_equal(s->import.notes[SG_IMPORT_GAP], 26);
    assert_int_equal(s->import.notes[SG_IMPORT_REPEATED], 3);
    assert_int_equal(s->import.notes[SG_IMPORT_REPEAT], 1);
    static const char *const on[] = {"2013-03-10", "2014-03-09", "2015-03-08"};
    static const char *const back[] = {"2012-11-04", "2013-11-03", "2014-11-02"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count(s, SG_IMPORT_SKIPPED, on[i]), 1);
        assert_int_equal(count(s, SG_IMPORT_REPEATED, back[i]), 1);
    }
    for (size_t i = 0; i < s->n_notes; i++)
        if (s->notes[i].note == SG_IMPORT_GAP)
            assert_int_equal(s->notes[i].count, 1);
    const struct sg_vee_series series = series_of(s);
    assert_int_equal(series.from_s, at("2012-06-01T00:00:00-07:00"));
    assert_int_equal(series.until_s, at("2015-10-03T00:00:00-07:00"));
    assert_int_equal(sg_vee_check(rules, &series, see, &seen), 0);
    print(&seen);
    assert_int_equal(seen.of[SG_VEE_CONSECUTIVE], 26);
    assert_int_equal(seen.intervals[SG_VEE_CONSECUTIVE], 26);
    assert_int_equal(seen.of[SG_VEE_DUPLICATE], 1);
    assert_int_equal(seen.of[SG_VEE_CONFLICT] + seen.of[SG_VEE_ORDER], 0);
    /* Two power failures of most of a day, and one of two days. */
    assert_int_equal(seen.of[SG_VEE_ZERO], 3);
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates e = {NULL, 0, 0};
    assert_int_equal(sg_vee_estimate(rules, &series, &e), 0);
    assert_int_equal(e.n, 26);
    for (size_t i = 0; i < e.n; i++)
        assert_string_equal(e.items[i].rule, "short-gap");
    sg_import_clear(&s->import);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_steel), cmocka_unit_test(t_steel_as_stamped), cmocka_unit_test(t_hue)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
