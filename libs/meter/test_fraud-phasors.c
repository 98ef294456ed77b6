#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include <sealgrid/meter/model.h>

#define DAYS   30
#define METERS 400

/* The same fleet with thieves and without: what each would have measured. */
static struct sg_model *fleet(unsigned permille, unsigned phasor_permille)
{
    const struct sg_model_config c = {.seed = 7,
                                      .meters = METERS,
                                      .days = DAYS,
                                      .interval_s = 900,
                                      .start_s = 1788231600,
                                      .fraud_permille = permille,
                                      .fraud_phasor_permille = phasor_permille,
                                      .fraud_first_day = 10,
                                      .fraud_last_day = 19};
    struct sg_model *m = NULL;
    assert_int_equal(sg_model_new(&m, &c), 0);
    return m;
}

static void near(double got, double want, double tolerance)
{
    if (fabs(got - want) > tolerance)
        fail_msg("%f is not within %f of %f", got, tolerance, want);
}

static double field(const struct sg_reading *r, enum sg_reading_field first, int i)
{
    return (double)r->field[(int)first + i];
}

/* One phase, measured against true. */
static void check_phase(const struct sg_model_meter *mm, int i, const struct sg_reading *got,
                        const struct sg_reading *is)
{
    const double v = field(is, SG_READING_voltage_a, i), a = field(is, SG_READING_current_a, i);
    const double p = field(is, SG_READING_active_power_a, i);
    const double q = field(is, SG_READING_reactive_power_a, i);
    const double left = mm->fraud_param, turned = sqrt(1 - left * left);
    double volts = 1, amperes = 1, re = 1, im = 0;
    if (mm->fraud_phases >> i & 1)
        switch (mm->fraud) {
        case SG_FRAUD_VOLTAGE:
            volts = re = left;
            break;
        case SG_FRAUD_REVERSED:
            re = -1;
            break;
        case SG_FRAUD_ANGLE:
            re = left;
            im = turned;
            break;
        default:
            amperes = re = left;
        }
    /* The reported energy is whole Wh, 4 W each, spread by what is left of the load. */
    const double wh = 4 * 8;
    near(field(got, SG_READING_voltage_a, i), v * volts, 3 + 6e-2 * wh);
    near(field(got, SG_READING_current_a, i), a * amperes, 4 + wh * 1e3 / 120);
    near(field(got, SG_READING_active_power_a, i), p * re - q * im, 2 + wh);
    near(field(got, SG_READING_reactive_power_a, i), p * im + q * re, 2 + wh);
}

/* Of each thief one day, the intervals that a whole Wh does not blur. */
static double check_day(const struct sg_model_meter *mm, const struct sg_model *m,
                        const struct sg_model *honest, uint32_t meter)
{
    struct sg_model_day d, is_d;
    double energy = 0, power = 0, full = 0;
    sg_model_day(m, meter, mm->fraud_day + 1, &d);
    sg_model_day(honest, meter, mm->fraud_day + 1, &is_d);
    assert_int_equal(d.true_wh, is_d.true_wh);
    for (uint32_t k = 0; k < 96; k++) {
        struct sg_reading got, is;
        sg_model_reading(m, &d, k, &got);
        sg_model_reading(honest, &is_d, k, &is);
        assert_true(sg_reading_valid(&got));
        assert_true(d.wh[k] >= 0);
        assert_true(d.wh[k] <= is_d.wh[k]);
        for (int i = 0; i < 3; i++)
            check_phase(mm, i, &got, &is);
        if (mm->has_neutral && (mm->fraud < SG_FRAUD_BYPASS_ONE || mm->fraud == SG_FRAUD_ANGLE))
            near(field(&got, SG_READING_neutral_current, 0),
                 field(&is, SG_READING_neutral_current, 0), 10 + 3 * 32 * 1e3 / 120);
        energy += (double)d.wh[k];
        power += (double)got.field[SG_READING_active_power] / 4;
        full += (double)is_d.wh[k];
    }
    near(power, energy, 0.03 * energy + 96); /* 0.9 to 1.1 of the mean, each */
    return energy / full;
}

/* Registers count what the elements measure; each kind shows in its own fields and in no other. */
static void phasors_tell(void **state)
{
    (void)state;
    struct sg_model *m = fleet(0, 400), *honest = fleet(0, 0);
    unsigned seen[SG_FRAUD_KINDS] = {0};
    for (uint32_t meter = 0; meter < METERS; meter++) {
        const struct sg_model_meter *mm = sg_model_meter(m, meter);
        assert_int_equal(sg_model_meter(honest, meter)->fraud, SG_FRAUD_NONE);
        assert_true(mm->fraud == SG_FRAUD_NONE || mm->fraud >= SG_FRAUD_VOLTAGE);
        seen[mm->fraud]++;
        if (mm->fraud == SG_FRAUD_NONE)
            continue;
        assert_in_range(mm->fraud_day, 10, 19);
        assert_true(mm->fraud_phases > 0 && mm->fraud_phases < 8);
        const double kept = check_day(mm, m, honest, meter);
        assert_true(kept > 0.03 && kept < 0.95);
    }
    for (int kind = SG_FRAUD_VOLTAGE; kind < SG_FRAUD_KINDS; kind++)
        assert_true(seen[kind] > 5);
    assert_in_range(METERS - seen[0], 120, 200);
    sg_model_free(m);
    sg_model_free(honest);
}

/* Those whose load is a thief's are the same, whether others tamper or not; before the first day
 * all is as it would be. */
static void nothing_else_changes(void **state)
{
    (void)state;
    struct sg_model *m = fleet(200, 300), *without = fleet(200, 0);
    unsigned both = 0;
    for (uint32_t meter = 0; meter < METERS; meter++) {
        const struct sg_model_meter *mm = sg_model_meter(m, meter);
        const enum sg_fraud load = sg_model_meter(without, meter)->fraud;
        struct sg_reading a, b;
        assert_true(load == SG_FRAUD_NONE || mm->fraud == load);
        both += mm->fraud >= SG_FRAUD_VOLTAGE;
        const uint32_t day = mm->fraud == load ? DAYS - 1 : mm->fraud_day - 1;
        memset(&a, 0, sizeof(a));
        memset(&b, 0, sizeof(b));
        sg_model_reading_at(m, meter, day * 96 + meter % 96, &a);
        sg_model_reading_at(without, meter, day * 96 + meter % 96, &b);
        assert_memory_equal(&a, &b, sizeof(a));
    }
    assert_in_range(both, 60, 140);
    sg_model_free(m);
    sg_model_free(without);
}

/* By-passes that lead past the neutral's transformer, too, leave it what the elements see; the
 * others leave it the whole. */
static void neutrals_of_bypasses(void **state)
{
    (void)state;
    struct sg_model *m = fleet(0, 400), *honest = fleet(0, 0);
    unsigned hidden = 0, open = 0;
    for (uint32_t meter = 0; meter < METERS; meter++) {
        const struct sg_model_meter *mm = sg_model_meter(m, meter);
        struct sg_reading got, is;
        if (mm->fraud != SG_FRAUD_BYPASS_ALL || !mm->has_neutral)
            continue;
        double n = 0, n_is = 0;
        for (uint32_t k = 0; k < 96; k++) {
            sg_model_reading_at(m, meter, 25 * 96 + k, &got);
            sg_model_reading_at(honest, meter, 25 * 96 + k, &is);
            n += field(&got, SG_READING_neutral_current, 0);
            n_is += field(&is, SG_READING_neutral_current, 0);
        }
        near(n / n_is, mm->fraud_past_neutral ? mm->fraud_param : 1, 0.04);
        *(mm->fraud_past_neutral ? &hidden : &open) += 1;
    }
    assert_true(hidden > 0 && open > 0);
    sg_model_free(m);
    sg_model_free(honest);
}

struct told {
    unsigned visits, covers_announced, covers, power_ups;
};

static struct told events_of(const struct sg_model *m, uint32_t meter)
{
    const struct sg_model_meter *mm = sg_model_meter(m, meter);
    const int64_t covers =
        SG_READING_EVENT_COVER | SG_READING_EVENT_TERMINAL_COVER | SG_READING_EVENT_TILT;
    struct told t = {0};
    struct sg_model_day d;
    sg_model_day(m, meter, 0, &d);
    for (uint32_t day = 0; day < DAYS; day++, sg_model_next_day(m, &d))
        for (uint32_t k = 0; k < 96; k++) {
            struct sg_reading r;
            sg_model_reading(m, &d, k, &r);
            const int64_t e = r.field[SG_READING_events];
            t.visits += (e & SG_READING_EVENT_SERVICE) != 0;
            t.power_ups += (e & SG_READING_EVENT_POWER_UP) != 0;
            if (!(e & covers))
                continue;
            if (e & SG_READING_EVENT_SERVICE) {
                assert_in_range(k, 8 * 4, 17 * 4 - 1);
                t.covers_announced++;
                continue;
            }
            assert_int_equal(day, mm->fraud_day);
            t.covers++;
        }
    assert_int_equal(t.covers, mm->fraud_opened);
    return t;
}

static void events(void **state)
{
    (void)state;
    struct sg_model *m = fleet(100, 400);
    struct told all = {0};
    unsigned opened = 0, tamper = 0;
    for (uint32_t meter = 0; meter < METERS; meter++) {
        const struct told t = events_of(m, meter);
        all.visits += t.visits;
        all.covers_announced += t.covers_announced;
        all.power_ups += t.power_ups;
        opened += t.covers;
        tamper += sg_model_meter(m, meter)->fraud >= SG_FRAUD_VOLTAGE;
    }
    assert_in_range(all.visits, 8, 45); /* 12,000 days of meters, one in 500 */
    assert_int_equal(all.visits, all.covers_announced);
    assert_in_range(all.power_ups, 60, 400); /* one in 60, 64 meters at a time */
    assert_in_range(opened, tamper / 4, tamper * 3 / 5);
    sg_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phasors_tell),
        cmocka_unit_test(nothing_else_changes),
        cmocka_unit_test(neutrals_of_bypasses),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
