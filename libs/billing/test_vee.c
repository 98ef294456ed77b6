#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vee-fixture.h"

#include <sealgrid/base/cleanup.h>

#define FROM INT64_C(1788231600) /* 2026-09-01T00:00 in Sao Paulo */
#define DAY  96

struct seen {
    unsigned n, of[SG_VEE_N_CHECKS];
    struct sg_vee_finding last[SG_VEE_N_CHECKS];
    int64_t at; /* an instant: how many findings of which rule cover it */
    unsigned covers[SG_VEE_N_CHECKS];
    bool loud;
};

static void see(void *user, const struct sg_vee_finding *f)
{
    struct seen *s = user;
    enum sg_vee_check_id id = 0;

    while (strcmp(sg_vee_check_word(id), f->rule) != 0)
        id++;
    if (s->loud)
        fprintf(stderr, "%s %lld..%lld %llu: %s\n", f->rule, (long long)f->from_s,
                (long long)f->until_s, (unsigned long long)f->count, f->text);
    s->n++;
    s->of[id]++;
    s->last[id] = *f;
    s->last[id].text = NULL;
    s->covers[id] += s->at > f->from_s && s->at <= f->until_s;
}

static struct seen check(const struct vx_load *l)
{
    struct seen s = {.n = 0};
    assert_int_equal(sg_vee_check(l->rules, &l->series, see, &s), 0);
    return s;
}

static struct seen check_at(const struct vx_load *l, int64_t at)
{
    struct seen s = {.n = 0, .at = at};
    assert_int_equal(sg_vee_check(l->rules, &l->series, see, &s), 0);
    return s;
}

/* 35 days of quarter-hours, and nothing to find. */
static int make(void **state)
{
    static struct vx_load l;
    vx_make(&l, "America/Sao_Paulo", FROM, 35 * DAY, 900, 7);
    *state = &l;
    return 0;
}

static int clear(void **state)
{
    vx_clear(*state);
    return 0;
}

static void t_clean(void **state)
{
    assert_int_equal(check(*state).n, 0);
}

static void t_consecutive(void **state)
{
    struct vx_load *l = *state;

    vx_drop(l, 100, 3);
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_CONSECUTIVE], 1);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.last[SG_VEE_CONSECUTIVE].count, 3);
    assert_int_equal(s.last[SG_VEE_CONSECUTIVE].from_s, FROM + 100 * 900);
    assert_int_equal(s.last[SG_VEE_CONSECUTIVE].until_s, FROM + 103 * 900);
    assert_int_equal(s.last[SG_VEE_CONSECUTIVE].severity, SG_VEE_FAIL);
    l->rules->checks[SG_VEE_CONSECUTIVE].on = false;
    assert_int_equal(check(l).n, 0);
}

/* Before the meter came nothing lacks. */
static void t_consecutive_installed(void **state)
{
    struct vx_load *l = *state;
    struct sg_vee_meter meter = {VX_SERIAL, FROM + 100 * 900, INT64_MAX, 1, 1};

    vx_drop(l, 0, 100);
    l->series.meters = &meter;
    l->series.n_meters = 1;
    assert_int_equal(check(l).n, 0);
    meter.from_s -= 900;
    assert_int_equal(check(l).of[SG_VEE_CONSECUTIVE], 1);
}

static void t_duplicate(void **state)
{
    struct vx_load *l = *state;

    vx_insert(l, 201, &l->rows[200]);
    struct seen s = check(l);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.of[SG_VEE_DUPLICATE], 1);
    assert_int_equal(s.last[SG_VEE_DUPLICATE].until_s, FROM + 201 * 900);
}

static void t_conflict(void **state)
{
    struct vx_load *l = *state;

    vx_insert(l, 201, &l->rows[200]);
    l->rows[201].energy_wh++;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_CONFLICT], 1);
    assert_int_equal(s.of[SG_VEE_DUPLICATE], 0);
    vx_insert(l, 201, &l->rows[200]); /* a third that agrees with the first changes nothing */
    assert_int_equal(check(l).of[SG_VEE_CONFLICT], 1);
}

static void t_interval_size(void **state)
{
    struct vx_load *l = *state;

    l->rows[50].interval_s = 900;
    assert_int_equal(check(l).n, 0);
    l->rows[50].interval_s = 1800;
    assert_int_equal(check(l).of[SG_VEE_INTERVAL_SIZE], 1);
    l->rows[50].interval_s = 0;
    l->rows[50].ts_s += 60;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_INTERVAL_SIZE], 1);
    assert_int_equal(s.last[SG_VEE_INTERVAL_SIZE].value, 60);
    assert_int_equal(s.of[SG_VEE_CONSECUTIVE], 1);
}

static void t_order(void **state)
{
    struct vx_load *l = *state;
    const struct sg_vee_row row = l->rows[300];

    l->rows[300] = l->rows[301];
    l->rows[301] = row;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_ORDER], 1);
    assert_int_equal(s.last[SG_VEE_ORDER].value, -900);
    assert_int_equal(s.of[SG_VEE_CONSECUTIVE], 0);
}

static void t_sequence(void **state)
{
    struct vx_load *l = *state;

    l->rows[300].seq = l->rows[299].seq;
    assert_int_equal(check(l).of[SG_VEE_SEQUENCE], 1);
    l->rows[300].seq = 0; /* none told */
    assert_int_equal(check(l).n, 0);
}

/* Numbers go on, stamps jump: the clock was moved. */
static void t_clock_moved(void **state)
{
    struct vx_load *l = *state;

    for (size_t i = 400; i < l->n; i++)
        l->rows[i].ts_s += 3600;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_CLOCK], 1);
    assert_int_equal(s.last[SG_VEE_CLOCK].until_s, FROM + 401 * 900 + 3600);
    assert_int_equal(s.last[SG_VEE_CLOCK].value, 900 + 3600);
    assert_int_equal(s.last[SG_VEE_CLOCK].limit, 900);
}

static void t_clock_word(void **state)
{
    struct vx_load *l = *state;

    for (size_t i = 10; i < 20; i++)
        l->rows[i].flags = SG_VEE_ROW_CLOCK_BAD;
    l->rows[20].flags = SG_VEE_ROW_CLOCK_SET;
    struct seen s = check(l);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.of[SG_VEE_CLOCK], 2);
}

static void t_missing_quantity(void **state)
{
    struct vx_load *l = *state;

    l->rows[10].energy_wh = SG_READING_NA;
    l->rows[10].reactive_varh = SG_READING_NA;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_MISSING_QUANTITY], 1);
    assert_int_equal(s.n, 1);
}

static void t_sibling(void **state)
{
    struct vx_load *l = *state;

    l->rows[10].reactive_varh = SG_READING_NA;
    assert_int_equal(check(l).of[SG_VEE_SIBLING], 1);
    for (size_t i = 0; i < l->n; i++)
        l->rows[i].reactive_varh = SG_READING_NA;
    assert_int_equal(check(l).n, 0); /* a meter without reactive energy */
    l->rules->checks[SG_VEE_SIBLING].param[0] = 1;
    assert_int_equal(check(l).of[SG_VEE_SIBLING], l->n);
}

static void t_negative(void **state)
{
    struct vx_load *l = *state;

    l->rows[10].energy_wh = -1;
    assert_int_equal(check(l).of[SG_VEE_NEGATIVE], 1);
    l->rules->checks[SG_VEE_NEGATIVE].param[0] = -5000; /* a roof that feeds in */
    assert_int_equal(check(l).of[SG_VEE_NEGATIVE], 0);
}

static void set(struct vx_load *l, size_t at, size_t n, int64_t wh)
{
    for (size_t i = at; i < at + n; i++) {
        l->rows[i].energy_wh = wh;
        l->rows[i].register_wh = SG_READING_NA;
    }
}

static void t_zero(void **state)
{
    struct vx_load *l = *state;

    set(l, 500, 23, 0);
    assert_int_equal(check(l).of[SG_VEE_ZERO], 0);
    set(l, 500, 24, 0); /* six hours */
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_ZERO], 1);
    assert_int_equal(s.last[SG_VEE_ZERO].count, 24);
    assert_int_equal(s.of[SG_VEE_STUCK], 0);
}

static void t_inactive(void **state)
{
    struct vx_load *l = *state;

    set(l, 960, 7 * DAY - 1, 0);
    assert_int_equal(check(l).of[SG_VEE_INACTIVE], 0);
    set(l, 960, 7 * DAY, 0);
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_INACTIVE], 1);
    assert_int_equal(s.of[SG_VEE_ZERO], 0);
}

static void t_stuck(void **state)
{
    struct vx_load *l = *state;

    set(l, 500, 23, 301);
    assert_int_equal(check(l).of[SG_VEE_STUCK], 0);
    set(l, 500, 24, 301);
    assert_int_equal(check(l).of[SG_VEE_STUCK], 1);
}

static void t_spike(void **state)
{
    struct vx_load *l = *state;

    set(l, 500, 1, 2100); /* the third highest of a day is about 760 */
    assert_int_equal(check(l).of[SG_VEE_SPIKE], 0);
    set(l, 500, 1, 2300);
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_SPIKE], 1);
    assert_int_equal(s.last[SG_VEE_SPIKE].until_s, FROM + 501 * 900);
    assert_int_equal(s.last[SG_VEE_SPIKE].value, 2300);
    l->rules->checks[SG_VEE_SPIKE].param[1] = 2301;
    assert_int_equal(check(l).of[SG_VEE_SPIKE], 0);
    l->rules->checks[SG_VEE_SPIKE].param[1] = 0;
    set(l, 7 * DAY, 1, 2300); /* the first interval of a day: told once, of that day */
    set(l, 6 * DAY, 2, 2300); /* two in the day before it */
    assert_int_equal(check(l).of[SG_VEE_SPIKE], 4);
}

static void scale(struct vx_load *l, size_t at, size_t n, int64_t num, int64_t den)
{
    for (size_t i = at; i < at + n; i++) {
        l->rows[i].energy_wh = l->rows[i].energy_wh * num / den;
        l->rows[i].register_wh = SG_READING_NA;
    }
}

static void t_high_low(void **state)
{
    struct vx_load *l = *state;

    scale(l, 20 * DAY, DAY, 29, 10);
    assert_int_equal(check(l).of[SG_VEE_HIGH_LOW], 0);
    scale(l, 20 * DAY, DAY, 32, 29);
    assert_int_equal(check(l).of[SG_VEE_HIGH_LOW], 1);
    scale(l, 20 * DAY, DAY, 1, 20);
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_HIGH_LOW], 1);
    assert_int_equal(s.last[SG_VEE_HIGH_LOW].from_s, FROM + 20 * 86400);
    scale(l, 0, DAY, 1, 20); /* a first day has no history */
    assert_int_equal(check(l).of[SG_VEE_HIGH_LOW], 1);
}

/* Weekends of this client are a tenth of its working days: neither is the history of the other. */
static void t_history_kind(void **state)
{
    struct vx_load *l = *state;

    for (size_t day = 0; day < 35; day++)
        if (sg_vee_day_kind(l->rules, FROM / 86400 + (int64_t)day) != SG_VEE_WORKING)
            scale(l, day * DAY, DAY, 1, 10);
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_HIGH_LOW] + s.of[SG_VEE_DYNAMIC], 0);
    scale(l, 26 * DAY, DAY, 10, 1); /* Sunday 27 September as if it were a working day */
    s = check(l);
    assert_int_equal(s.of[SG_VEE_HIGH_LOW], 1);
    assert_int_equal(s.last[SG_VEE_HIGH_LOW].from_s, FROM + 26 * 86400);
}

static void t_dynamic(void **state)
{
    struct vx_load *l = *state;

    scale(l, 20 * DAY, DAY, 14, 10);
    assert_int_equal(check(l).of[SG_VEE_DYNAMIC], 0); /* within half of the mean */
    scale(l, 20 * DAY, DAY, 16, 14);
    assert_int_equal(check(l).of[SG_VEE_DYNAMIC], 1);
    /* The same day within a load that differs by itself from day to day. */
    for (size_t day = 0; day < 20; day += 2)
        scale(l, day * DAY, DAY, 2, 1);
    assert_int_equal(check_at(l, FROM + 20 * 86400 + 900).covers[SG_VEE_DYNAMIC], 0);
}

static void t_unit(void **state)
{
    struct vx_load *l = *state;
    struct sg_vee_told told = {VX_SERIAL, 0, 0, "kWh"};

    scale(l, 0, l->n, 1000, 1); /* large, so that a thousandth of it is still something */
    scale(l, 20 * DAY, DAY, 1000, 1);
    assert_int_equal(check(l).of[SG_VEE_UNIT], 1);
    scale(l, 20 * DAY, DAY, 1, 100); /* ten times as much is high, but no unit */
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_UNIT], 0);
    assert_int_equal(s.of[SG_VEE_HIGH_LOW], 1);
    scale(l, 20 * DAY, DAY, 1, 10000);
    assert_int_equal(check(l).of[SG_VEE_UNIT], 1);
    scale(l, 20 * DAY, DAY, 1000, 1);
    l->series.told = &told;
    l->series.n_told = 1;
    assert_int_equal(check(l).of[SG_VEE_UNIT], 1);
    snprintf(told.unit, sizeof(told.unit), "Wh");
    assert_int_equal(check(l).of[SG_VEE_UNIT], 0);
}

static void t_multiplier(void **state)
{
    struct vx_load *l = *state;
    const struct sg_vee_meter meter = {VX_SERIAL, FROM - 1, INT64_MAX, 40, 2};
    const struct sg_vee_meter other = {"OTHER", FROM - 1, INT64_MAX, 1, 1};
    struct sg_vee_told told = {VX_SERIAL, 20, 1, ""};

    l->series.meters = &meter;
    l->series.n_meters = 1;
    l->series.told = &told;
    l->series.n_told = 1;
    assert_int_equal(check(l).n, 0);
    told.ratio_num = 21;
    assert_int_equal(check(l).of[SG_VEE_MULTIPLIER], 1);
    l->series.n_told = 0;
    l->series.meters = &other; /* this meter is not at home here */
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_MULTIPLIER], 1);
    assert_int_equal(s.last[SG_VEE_MULTIPLIER].count, l->n);
}

static void t_sum(void **state)
{
    struct vx_load *l = *state;

    l->rows[700].energy_wh += 1;
    assert_int_equal(check(l).of[SG_VEE_SUM], 0); /* within its tolerance */
    l->rows[700].energy_wh += 1;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_SUM], 1);
    assert_int_equal(s.last[SG_VEE_SUM].until_s, FROM + 701 * 900);
    /* A register once a day only: the day is named. */
    for (size_t i = 0; i < l->n; i++)
        if (i % DAY != DAY - 1)
            l->rows[i].register_wh = SG_READING_NA;
    s = check(l);
    assert_int_equal(s.of[SG_VEE_SUM], 1);
    assert_int_equal(s.last[SG_VEE_SUM].count, DAY);
    assert_int_equal(s.last[SG_VEE_SUM].value - s.last[SG_VEE_SUM].limit, 2);
}

static void t_estimation(void **state)
{
    struct vx_load *l = *state;

    for (size_t i = 1000; i < 1000 + 2 * DAY - 1; i++)
        l->rows[i].flags = SG_VEE_ROW_ESTIMATED;
    assert_int_equal(check(l).of[SG_VEE_ESTIMATION], 0);
    l->rows[1000 + 2 * DAY - 1].flags = SG_VEE_ROW_ESTIMATED;
    struct seen s = check(l);
    assert_int_equal(s.of[SG_VEE_ESTIMATION], 1);
    assert_int_equal(s.of[SG_VEE_CONSECUTIVE], 1); /* an estimate is no reading */
}

/* The period is (from, until]: a reading that ends at its begin is the period's before. */
static void t_ends(void **state)
{
    struct vx_load *l = *state;

    l->series.from_s += 900;
    l->rows[0].energy_wh = -5;
    assert_int_equal(check(l).n, 0);
    l->series.from_s -= 900;
    assert_int_equal(check(l).of[SG_VEE_NEGATIVE], 1);
    l->series.until_s -= 900;
    l->rows[l->n - 1].energy_wh = -5;
    assert_int_equal(check(l).of[SG_VEE_NEGATIVE], 1);
}

static void t_period(void **state)
{
    struct vx_load *l = *state;
    struct seen s = {.n = 0};

    l->series.until_s -= 1;
    assert_int_equal(sg_vee_check(l->rules, &l->series, see, &s), SG_VEE_BAD_PERIOD);
    l->series.until_s = l->series.from_s;
    assert_int_equal(sg_vee_check(l->rules, &l->series, see, &s), SG_VEE_BAD_PERIOD);
    assert_int_equal(s.n, 0);
}

/* ---- faults at random --------------------------------------------------------------------------
 */

struct injected {
    enum sg_vee_check_id rule;
    int64_t at; /* the end of an interval that the finding must cover */
};

static void inject(struct vx_load *l, int kind, size_t at, struct injected *ret)
{
    struct sg_vee_row *row = &l->rows[at];

    ret->at = row->ts_s;
    switch (kind) {
    case 0:
        ret->rule = SG_VEE_CONSECUTIVE;
        vx_drop(l, at, 1);
        break;
    case 1:
        ret->rule = SG_VEE_DUPLICATE;
        vx_insert(l, at + 1, row);
        break;
    case 2:
        ret->rule = SG_VEE_CONFLICT;
        vx_insert(l, at + 1, row);
        l->rows[at + 1].energy_wh += 1 + vx_below(500);
        break;
    case 3:
        ret->rule = SG_VEE_SPIKE;
        row->energy_wh = 5000 + vx_below(100000);
        break;
    case 4:
        ret->rule = SG_VEE_STUCK;
        for (size_t i = at; i < at + 24; i++)
            l->rows[i].energy_wh = row->energy_wh;
        break;
    case 5:
        ret->rule = SG_VEE_NEGATIVE;
        row->energy_wh = -1 - vx_below(1000);
        break;
    case 6: { /* from here on the clock is an hour off, one way or the other */
        const int64_t by = vx_below(2) ? 3600 : -3600;
        ret->rule = SG_VEE_CLOCK;
        ret->at += by;
        for (size_t i = at; i < l->n; i++)
            l->rows[i].ts_s += by;
        break;
    }
    default: { /* one Wh moved from an interval to the next shows in the sum of both registers */
        const int64_t wh = 2 + vx_below(row->energy_wh / 2);
        ret->rule = SG_VEE_SUM;
        row->energy_wh -= wh;
        l->rows[at + 1].energy_wh += wh;
        break;
    }
    }
}

/* In loads of three zones, over both changes of the clocks where there are any. */
static void t_random_faults(void **state)
{
    static const struct {
        const char *zone;
        int64_t from_s;
    } places[] = {{"America/Sao_Paulo", FROM},
                  {"America/New_York", INT64_C(1792814400)},  /* 2026-10-24, back on 1 November */
                  {"America/Vancouver", INT64_C(1772438400)}, /* 2026-03-02, on on 8 March */
                  {"Australia/Lord_Howe", INT64_C(1774962000)}}; /* half an hour, 5 April 2026 */
    unsigned named[8] = {0};

    (void)state;
    for (unsigned round = 0; round < 96; round++) {
        struct vx_load l;
        struct injected fault;
        const size_t place = round % 4;

        vx_make(&l, places[place].zone, places[place].from_s, 14 * DAY, 900, 1000 + round);
        assert_int_equal(check(&l).n, 0);
        inject(&l, (int)(round / 4 % 8), 2 * DAY + (size_t)vx_below(11 * DAY), &fault);
        struct seen s = check_at(&l, fault.at);
        if (!s.covers[fault.rule]) {
            s.loud = true;
            (void)!sg_vee_check(l.rules, &l.series, see, &s);
            fail_msg("round %u: %s at %lld not named", round, sg_vee_check_word(fault.rule),
                     (long long)fault.at);
        }
        named[round / 4 % 8]++;
        vx_clear(&l);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(named[i], 12);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {
        T(t_clean),
        T(t_consecutive),
        T(t_consecutive_installed),
        T(t_duplicate),
        T(t_conflict),
        T(t_interval_size),
        T(t_order),
        T(t_sequence),
        T(t_clock_moved),
        T(t_clock_word),
        T(t_missing_quantity),
        T(t_sibling),
        T(t_negative),
        T(t_zero),
        T(t_inactive),
        T(t_stuck),
        T(t_spike),
        T(t_high_low),
        T(t_history_kind),
        T(t_dynamic),
        T(t_unit),
        T(t_multiplier),
        T(t_sum),
        T(t_estimation),
        T(t_ends),
        T(t_period),
        cmocka_unit_test(t_random_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
