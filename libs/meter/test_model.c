#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <zlib.h>

#include <sealgrid/meter/model.h>

#define DAYS   30
#define METERS 200

static struct sg_model_config config(void)
{
    return (struct sg_model_config){.seed = 42,
                                    .meters = METERS,
                                    .days = DAYS,
                                    .interval_s = 900,
                                    .start_s = 1788231600,
                                    .fraud_permille = 200,
                                    .fraud_first_day = 10,
                                    .fraud_last_day = 19};
}

static struct sg_model *make(const struct sg_model_config *c)
{
    struct sg_model *m = NULL;
    assert_int_equal(sg_model_new(&m, c), 0);
    return m;
}

/* Alone, in a day, day after day, from another model of the same seed: the same reading. */
static void any_order(void **state)
{
    (void)state;
    const struct sg_model_config c = config();
    struct sg_model *m = make(&c), *twin = make(&c);
    for (uint32_t meter = 0; meter < METERS; meter += 17) {
        struct sg_model_day d;
        struct sg_reading a, b;
        sg_model_day(m, meter, 0, &d);
        for (uint32_t day = 0; day < DAYS; day++, sg_model_next_day(m, &d)) {
            uint32_t k = (meter + day * 7) % 96;
            memset(&a, 0, sizeof(a));
            memset(&b, 0, sizeof(b));
            sg_model_reading(m, &d, k, &a);
            sg_model_reading_at(twin, meter, day * 96 + k, &b);
            assert_memory_equal(&a, &b, sizeof(a));
        }
    }
    sg_model_free(m);
    sg_model_free(twin);
}

static void other_seed_other_load(void **state)
{
    (void)state;
    struct sg_model_config c = config();
    struct sg_model *m = make(&c);
    struct sg_reading a, b;
    sg_model_reading_at(m, 3, 1000, &a);
    sg_model_reading_at(m, 4, 1000, &b);
    assert_memory_not_equal(a.field, b.field, sizeof(a.field));
    sg_model_free(m);
    c.seed++;
    m = make(&c);
    sg_model_reading_at(m, 3, 1000, &b);
    assert_memory_not_equal(a.field, b.field, sizeof(a.field));
    sg_model_free(m);
}

static void near(double got, double want, double tolerance)
{
    if (fabs(got - want) > tolerance)
        fail_msg("%f is not within %f of %f", got, tolerance, want);
}

/* P = V I pf and S^2 = P^2 + Q^2 + D^2 with D = S1 THDi, within the rounding of the units. */
static void check_physics(const struct sg_reading *r)
{
    double s_sum = 0;
    for (int i = 0; i < 3; i++) {
        const double v = (double)r->field[SG_READING_voltage_a + i] / 1000;
        const double a = (double)r->field[SG_READING_current_a + i] / 1000;
        const double p = (double)r->field[SG_READING_active_power_a + i];
        const double q = (double)r->field[SG_READING_reactive_power_a + i];
        const double thd = (double)r->field[SG_READING_current_thd_a + i] / 10000;
        const double s = v * a;
        s_sum += s;
        if (r->field[SG_READING_power_factor_a + i] == SG_READING_NA) {
            assert_true(s < 1);
            continue;
        }
        const double pf = (double)r->field[SG_READING_power_factor_a + i] / 1000;
        const double angle = (double)r->field[SG_READING_current_angle_a + i] / 100;
        near(p, s * pf, 0.6 + 0.0006 * s + 0.07);
        near(s * s, (p * p + q * q) * (1 + thd * thd), 2 * s * (1.7 + 0.0002 * s));
        near(q, -p * tan(angle * M_PI / 180), 0.6 + 0.6 * 0.4 + fabs(p) * 1e-4);
    }
    near((double)r->field[SG_READING_apparent_power], s_sum, 1.0);
    assert_int_equal(r->field[SG_READING_active_power], r->field[SG_READING_active_power_a] +
                                                            r->field[SG_READING_active_power_b] +
                                                            r->field[SG_READING_active_power_c]);
    assert_int_equal(r->field[SG_READING_voltage_angle_ab] + r->field[SG_READING_voltage_angle_bc] +
                         r->field[SG_READING_voltage_angle_ca],
                     36000);
}

/* The neutral carries the vector sum of the fundamentals, and of the harmonics at most their sum.
 */
static void check_neutral(const struct sg_reading *r)
{
    double x = 0, y = 0, harmonics = 0;
    for (int i = 0; i < 3; i++) {
        const double thd = (double)r->field[SG_READING_current_thd_a + i] / 10000;
        const double first =
            (double)r->field[SG_READING_current_a + i] / 1000 / sqrt(1 + thd * thd);
        const int64_t told = r->field[SG_READING_current_angle_a + i];
        const double angle = (told == SG_READING_NA ? 0 : (double)told / 100) - 120 * i;
        x += first * cos(angle * M_PI / 180);
        y += first * sin(angle * M_PI / 180);
        harmonics += thd * first;
    }
    const double vector = sqrt(x * x + y * y);
    const double got = (double)r->field[SG_READING_neutral_current] / 1000;
    assert_int_equal(r->field[SG_READING_neutral_current] % 10, 0);
    assert_true(got >= vector - 0.02);
    assert_true(got <= vector + harmonics + 0.02);
    if (harmonics > 0.2 && vector < harmonics)
        assert_true(got > vector + 0.02);
}

static void physics_and_registers(void **state)
{
    (void)state;
    struct sg_model_config c = config();
    c.fraud_phasor_permille = 300;
    struct sg_model *m = make(&c);
    for (uint32_t meter = 0; meter < METERS; meter += 7) {
        struct sg_model_day d;
        const struct sg_model_meter *mm = sg_model_meter(m, meter);
        const bool neutral = mm->has_neutral;
        int64_t wh = sg_model_meter(m, meter)->energy_wh;
        int64_t varh = sg_model_meter(m, meter)->reactive_varh;
        sg_model_day(m, meter, 0, &d);
        for (uint32_t day = 0; day < DAYS; day++, sg_model_next_day(m, &d))
            for (uint32_t k = 0; k < 96; k++) {
                struct sg_reading r;
                sg_model_reading(m, &d, k, &r);
                assert_true(sg_reading_valid(&r));
                assert_int_equal(r.seq, day * 96 + k + 1);
                assert_int_equal(r.ts_s, c.start_s + (int64_t)r.seq * 900);
                check_physics(&r);
                assert_int_equal(r.field[SG_READING_neutral_current] != SG_READING_NA, neutral);
                if (neutral && (mm->fraud < SG_FRAUD_VOLTAGE || day < mm->fraud_day))
                    check_neutral(&r);
                assert_true(r.field[SG_READING_interval_energy] >= 0);
                wh += r.field[SG_READING_interval_energy];
                varh += r.field[SG_READING_interval_reactive_energy];
                assert_int_equal(r.field[SG_READING_energy_register], wh);
                assert_int_equal(r.field[SG_READING_reactive_energy_register], varh);
                assert_int_equal(r.field[SG_READING_demand],
                                 r.field[SG_READING_interval_energy] * 4);
            }
    }
    sg_model_free(m);
}

static int64_t reported_wh(const struct sg_model_day *d)
{
    int64_t s = 0;
    for (int k = 0; k < 96; k++)
        s += d->wh[k];
    return s;
}

static void check_fraud_day(const struct sg_model_meter *mm, const struct sg_model_day *d)
{
    const int64_t got = reported_wh(d), want = d->true_wh;
    switch (mm->fraud) {
    case SG_FRAUD_MEAN:
        assert_int_equal(got, want);
        for (int k = 1; k < 96; k++)
            assert_in_range(d->wh[k] + 1, d->wh[0], d->wh[0] + 2);
        break;
    case SG_FRAUD_REVERSE:
        assert_int_equal(got, want);
        break;
    case SG_FRAUD_SCALE:
        near((double)got, mm->fraud_param * (double)want, 97);
        break;
    case SG_FRAUD_OFF:
        assert_true(mm->fraud_hours >= 4 && mm->fraud_from_h + mm->fraud_hours <= 24);
        for (uint32_t k = mm->fraud_from_h * 4; k < (mm->fraud_from_h + mm->fraud_hours) * 4; k++)
            assert_int_equal(d->wh[k], 0);
        break;
    case SG_FRAUD_CUT:
        for (int k = 0; k < 96; k++)
            assert_true((double)d->wh[k] <= mm->fraud_param);
        break;
    default:
        assert_true(got < want);
    }
}

/* Honest until the first day, then as the formula says; all eight types occur. */
static void frauds(void **state)
{
    (void)state;
    struct sg_model_config c = config();
    c.meters = 400;
    struct sg_model *m = make(&c);
    unsigned seen[9] = {0};
    for (uint32_t meter = 0; meter < c.meters; meter++) {
        const struct sg_model_meter *mm = sg_model_meter(m, meter);
        struct sg_model_day d;
        seen[mm->fraud]++;
        sg_model_day(m, meter, 9, &d);
        assert_int_equal(reported_wh(&d), d.true_wh);
        if (mm->fraud == SG_FRAUD_NONE)
            continue;
        assert_in_range(mm->fraud_day, 10, 19);
        sg_model_day(m, meter, mm->fraud_day, &d);
        check_fraud_day(mm, &d);
        sg_model_day(m, meter, 25, &d);
        check_fraud_day(mm, &d);
    }
    for (int t = 1; t <= 8; t++)
        assert_true(seen[t] > 0);
    assert_in_range(c.meters - seen[0], 50, 110); /* 200 per mille of 400 */
    sg_model_free(m);
}

static void refused(void **state)
{
    (void)state;
    struct sg_model *m = NULL;
    struct sg_model_config c = config();
    c.interval_s = 700;
    assert_true(sg_model_new(&m, &c) < 0);
    c = config();
    c.meters = 0;
    assert_true(sg_model_new(&m, &c) < 0);
    assert_null(m);
}

static void write_data(const char *path)
{
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    gzputs(f, "building,date");
    for (int h = 0; h < 24; h++)
        gzprintf(f, ",h%02d", h);
    gzputs(f, "\n");
    for (int b = 0; b < 2; b++)
        for (int day = 1; day <= 28; day++) {
            gzprintf(f, "b%d,2023-02-%02d", b, day);
            for (int h = 0; h < 24; h++)
                gzprintf(f, ",%d.%d", (b + 1) * (h == 12 ? 40 : 10), day % 10);
            gzputs(f, "\n");
        }
    gzputs(f, "b2,2023-02-01,0,0,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n");
    gzclose(f);
}

/* Shapes from a file: noon four times the rest, scaled to the household, weekday kept. */
static void from_data(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "/tmp/sealgrid-load-%d.csv.gz", (int)getpid());
    write_data(path);
    struct sg_load_data *data = NULL;
    assert_int_equal(sg_load_data_open(&data, path), 0);
    unlink(path);
    assert_int_equal(sg_load_data_buildings(data), 2);
    assert_int_equal(sg_load_data_rows(data), 56); /* not those of b2 and b3 */
    struct sg_model_config c = config();
    c.data = data;
    c.fraud_permille = 0;
    struct sg_model *m = make(&c);
    double sum = 0;
    struct sg_model_day d;
    sg_model_day(m, 5, 0, &d);
    for (int day = 0; day < 28; day++, sg_model_next_day(m, &d)) {
        int64_t noon = 0;
        for (int k = 48; k < 52; k++)
            noon += d.wh[k];
        near((double)noon / (double)d.true_wh, 4.0 / 27, 0.04);
        sum += (double)d.true_wh;
    }
    const double mean = sg_model_meter(m, 5)->daily_wh;
    near(sum / 28, mean, mean * 0.001 + 1);
    sg_model_free(m);
    sg_load_data_free(data);
    assert_true(sg_load_data_open(&data, "/nonexistent/file.gz") < 0);
}

/* ---- ranges of a real meter ----------------------------------------------------------------- */

struct range {
    double lo, hi;
};

static void widen(struct range *r, double v)
{
    r->lo = fmin(r->lo, v);
    r->hi = fmax(r->hi, v);
}

enum { R_VOLTS, R_HERTZ, R_CELSIUS, R_PF, N_RANGES };

/* date, serial, V a b c, I a b c, P a b c total, Q a b c total, Hz, C */
static void take_row(char *line, struct range *r)
{
    char *at = line;
    double v[18] = {0};
    for (int i = 0; i < 18 && at; i++) {
        char *field = strsep(&at, ",");
        v[i] = strtod(field, NULL);
    }
    for (int i = 0; i < 3; i++) {
        widen(&r[R_VOLTS], v[2 + i]);
        widen(&r[R_PF], v[8 + i] / (v[2 + i] * v[5 + i]));
    }
    widen(&r[R_HERTZ], v[16]);
    widen(&r[R_CELSIUS], v[17]);
}

static bool read_capture(struct range *r)
{
    char path[1024], line[1024];
    const char *folder = getenv("SEALGRID_DATA");
    snprintf(path, sizeof(path), "%s/e550_threephase_7s_part1.csv.gz",
             folder ? folder : "../shared/data");
    gzFile f = gzopen(path, "rb");
    if (!f)
        return false;
    assert_non_null(gzgets(f, line, sizeof(line)));
    while (gzgets(f, line, sizeof(line)))
        take_row(line, r);
    gzclose(f);
    return true;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double share_within(double *v, size_t n, struct range r)
{
    size_t in = 0;
    qsort(v, n, sizeof(*v), by_value);
    for (size_t i = 0; i < n; i++)
        in += v[i] >= r.lo && v[i] <= r.hi;
    return (double)in / (double)n;
}

/* A site of the captured one's size (5 to 20 kW) stays in the captured ranges: median inside, and
 * most of the values; the capture covers three hours, the model a month, so not all. */
static void agrees_with_capture(void **state)
{
    (void)state;
    struct range r[N_RANGES];
    for (int i = 0; i < N_RANGES; i++)
        r[i] = (struct range){INFINITY, -INFINITY};
    if (!read_capture(r)) {
        print_message("skipped: no e550_threephase_7s_part1.csv.gz\n");
        skip();
    }
    const struct sg_model_config c = config();
    struct sg_model *m = make(&c);
    static double v[N_RANGES][3 * METERS * DAYS];
    size_t n = 0;
    for (uint32_t meter = 0; meter < METERS; meter++)
        for (uint32_t day = 0; day < DAYS; day += 3) {
            struct sg_reading x;
            sg_model_reading_at(m, meter, day * 96 + 40, &x);
            for (int i = 0; i < 3; i++) {
                const int64_t pf = x.field[SG_READING_power_factor_a + i];
                v[R_VOLTS][n] = (double)x.field[SG_READING_voltage_a + i] / 1000;
                v[R_HERTZ][n] = (double)x.field[SG_READING_frequency] / 1000;
                v[R_CELSIUS][n] = (double)x.field[SG_READING_temperature] / 10;
                v[R_PF][n] = pf == SG_READING_NA ? 0.96 : (double)pf / 1000;
                n++;
            }
        }
    static const double at_least[N_RANGES] = {0.99, 0.99, 0.15, 0.95};
    for (int i = 0; i < N_RANGES; i++) {
        const double share = share_within(v[i], n, r[i]);
        if (share < at_least[i])
            fail_msg("quantity %d: %.2f within %f..%f, median %f", i, share, r[i].lo, r[i].hi,
                     v[i][n / 2]);
    }
    sg_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(other_seed_other_load),
        cmocka_unit_test(physics_and_registers),
        cmocka_unit_test(frauds),
        cmocka_unit_test(refused),
        cmocka_unit_test(from_data),
        cmocka_unit_test(agrees_with_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
