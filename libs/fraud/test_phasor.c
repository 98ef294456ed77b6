/* phasor - each rule sees its fraud and nothing sees what is honest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <sealgrid/base/random.h>
#include <sealgrid/fraud/phasor.h>

#define START_S   INT64_C(1767236400) /* midnight of UTC-3 */
#define DAYS      54
#define PAST      40
#define PER_DAY   48
#define RECENT_S  (START_S + PAST * 86400)
#define FRAUD_DAY 44

/* A workshop on three phases: 130 V, 5 to 20 A, tan phi 0.3, a line of 50 milliohms. */
struct shop {
    struct sg_prng prng;
    struct sg_phasor_config config;
    uint32_t days, first;
};

typedef void change(struct sg_phasor_sample *s, uint32_t day, uint32_t hour);

static void honest_sample(struct shop *shop, uint32_t d, uint32_t k, struct sg_phasor_sample *s)
{
    const uint32_t hour = k * 24 / PER_DAY;
    const double busy = hour >= 8 && hour < 18 ? 15 : 5;
    const double all = busy * (0.9 + 0.2 * sg_prng_unit(&shop->prng));
    sg_phasor_sample_clear(s);
    s->ts_s = START_S + (int64_t)d * 86400 + (k + 1) * (86400 / PER_DAY);
    for (int e = 0; e < 3; e++) {
        const double own = all * (0.7 + 0.6 * sg_prng_unit(&shop->prng));
        s->v[e] = 130 + sg_prng_unit(&shop->prng) * 0.1 - 0.05 * own;
        s->i[e] = own;
        s->p[e] = s->v[e] * own * 0.95;
        s->q[e] = s->v[e] * own * 0.28;
    }
    s->energy_wh = 1; /* times what is measured: count() */
    s->frequency = 60;
    s->temperature = 25;
    s->v_angle[0] = s->v_angle[1] = 120;
}

static double drawn(const struct sg_phasor_sample *s)
{
    double sum = 0;
    for (int e = 0; e < 3; e++)
        sum += isnan(s->p[e]) ? 0 : s->p[e];
    return sum;
}

/* Total and register follow what the elements measure; the check what there was. */
static void count(struct sg_phasor_sample *s, double honest_w)
{
    s->p_total = drawn(s);
    s->energy_wh *= s->p_total * 24 / PER_DAY;
    s->check_wh *= honest_w * 24 / PER_DAY;
}

static int judge(struct shop *shop, change *by, struct sg_phasor_summary *ret)
{
    struct sg_phasor *p;
    struct sg_phasor_sample s;
    assert_int_equal(sg_phasor_new(&p), 0);
    assert_int_equal(sg_phasor_start(p, &shop->config), 0);
    for (uint32_t d = shop->first; d < shop->days; d++)
        for (uint32_t k = 0; k < PER_DAY; k++) {
            honest_sample(shop, d, k, &s);
            const double honest_w = drawn(&s);
            if (by)
                by(&s, d, k * 24 / PER_DAY);
            count(&s, honest_w);
            assert_int_equal(sg_phasor_add(p, &s), 0);
        }
    int r = sg_phasor_finish(p, ret);
    sg_phasor_free(p);
    return r;
}

static struct shop a_shop(void)
{
    struct shop shop = {.config = SG_PHASOR_CONFIG_DEFAULT, .days = DAYS};
    sg_prng_seed(&shop.prng, 1);
    shop.config.recent_from_s = RECENT_S;
    return shop;
}

/* The rule is the surest, of these elements, and began on the fraud's day. */
static void finds(change *by, enum sg_phasor_rule rule, unsigned elements)
{
    struct shop shop = a_shop();
    struct sg_phasor_summary s;
    assert_int_equal(judge(&shop, by, &s), 0);
    if (s.score < 0.5f || s.top[0].rule != rule || s.top[0].elements != elements)
        fail_msg("wanted %s of %u; score %.3f, %s of %u, size %.3f", sg_phasor_rule_names[rule],
                 elements, (double)s.score, sg_phasor_rule_names[s.top[0].rule], s.top[0].elements,
                 (double)s.top[0].size);
    assert_true(s.top[0].sureness >= 0.5f);
    assert_true(s.top[0].first_s > START_S + (FRAUD_DAY - 1) * 86400);
    assert_true(s.top[0].first_s <= START_S + (FRAUD_DAY + 1) * 86400);
}

#define clears(by) clears_(by, #by)
static void clears_(change *by, const char *name)
{
    struct shop shop = a_shop();
    struct sg_phasor_summary s;
    assert_int_equal(judge(&shop, by, &s), 0);
    if (s.score >= 0.3f)
        fail_msg("%s: score %.3f by %s, size %.3f", name, (double)s.score,
                 sg_phasor_rule_names[s.top[0].rule], (double)s.top[0].size);
}

/* ---- frauds --------------------------------------------------------------------------------- */

#define FRAUD(name)                                                                                \
    static void name##_now(struct sg_phasor_sample *s);                                            \
    static void name(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)                      \
    {                                                                                              \
        (void)hour;                                                                                \
        if (day >= FRAUD_DAY)                                                                      \
            name##_now(s);                                                                         \
    }                                                                                              \
    static void name##_now(struct sg_phasor_sample *s)

static void scale(struct sg_phasor_sample *s, int e, double v, double i)
{
    s->v[e] *= v;
    s->i[e] *= i;
    s->p[e] *= v * i;
    s->q[e] *= v * i;
}

FRAUD(voltage_gone)
{
    scale(s, 1, 0.01, 1);
}

/* The record begins within a sag: that is no measure of the voltage. */
static void voltage_gone_after_a_sag(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if (day == 0 && hour < 3)
        for (int e = 0; e < 3; e++)
            scale(s, e, 0.6, 1);
    voltage_gone(s, day, hour);
}

FRAUD(voltage_lowered)
{
    scale(s, 2, 0.88, 1);
}

FRAUD(current_gone)
{
    scale(s, 0, 1, 0);
}

FRAUD(reversed)
{
    s->p[1] = -s->p[1];
    s->q[1] = -s->q[1];
}

FRAUD(bypass_one)
{
    scale(s, 2, 1, 0.7);
}

FRAUD(bypass_two)
{
    scale(s, 0, 1, 0.6);
    scale(s, 1, 1, 0.6);
}

FRAUD(bypass_all)
{
    for (int e = 0; e < 3; e++)
        scale(s, e, 1, 0.5);
}

FRAUD(harmonics)
{
    s->p[0] *= 0.75;
}

static void turn(struct sg_phasor_sample *s, int e, double co, double si)
{
    const double p = s->p[e], q = s->q[e];
    s->p[e] = p * co - q * si;
    s->q[e] = p * si + q * co;
}

FRAUD(turned)
{
    for (int e = 0; e < 3; e++)
        turn(s, e, 0.8, 0.6);
}

FRAUD(wrong_phase)
{
    turn(s, 1, 0.5, 0.86602540378443865);
}

FRAUD(slow_register)
{
    s->energy_wh = 0.85;
}

static void behind_the_check(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    s->check_wh = 1.01;
    slow_register(s, day, hour);
}

FRAUD(neutral_return)
{
    s->neutral = 6;
}

static void neutral(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    s->neutral = 1;
    neutral_return(s, day, hour);
}

FRAUD(impossible)
{
    s->p[0] *= 1.3;
}

FRAUD(magnet)
{
    s->events = SG_PHASOR_MAGNET;
}

/* It announces a visit of ours every day, so that no magnet counts. */
FRAUD(magnet_announced)
{
    s->events = SG_PHASOR_MAGNET | SG_PHASOR_SERVICE;
}

FRAUD(frozen)
{
    for (int e = 0; e < 3; e++)
        s->v[e] = 128;
}

FRAUD(cold)
{
    s->frequency = 30;
}

/* Told before, and now the energy alone; or one phase; or not in the evening. */
static void silenced(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)hour;
    for (int e = 0; e < 3 && day >= FRAUD_DAY; e++)
        s->v[e] = s->i[e] = s->p[e] = s->q[e] = NAN;
}

static void silenced_phase(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)hour;
    if (day >= FRAUD_DAY)
        s->v[1] = NAN;
}

static void silenced_half_the_day(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    for (int e = 0; e < 3 && day >= FRAUD_DAY && hour >= 12; e++)
        s->i[e] = NAN;
}

/* As ever: one reading in ten, or all of the neutral phase. */
static void told_as_ever(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if ((day * 7 + hour) % 10 == 0)
        s->v[0] = s->i[0] = s->p[0] = NAN;
    s->v[2] = s->i[2] = s->p[2] = s->q[2] = NAN;
}

/* Nothing arrives, the energy neither. */
static void lost_readings(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if (day < FRAUD_DAY || hour >= 12)
        return;
    for (int e = 0; e < 3; e++)
        s->v[e] = s->i[e] = s->p[e] = s->q[e] = NAN;
    s->energy_wh = NAN;
}

static void test_frauds(void **state)
{
    (void)state;
    finds(voltage_gone, SG_PHASOR_VOLTAGE_LOST, 2);
    finds(voltage_gone_after_a_sag, SG_PHASOR_VOLTAGE_LOST, 2);
    finds(voltage_lowered, SG_PHASOR_VOLTAGE_LOST, 4);
    finds(current_gone, SG_PHASOR_CURRENT_LOST, 1);
    finds(reversed, SG_PHASOR_CURRENT_REVERSED, 2);
    finds(bypass_one, SG_PHASOR_BYPASS, 4);
    finds(bypass_two, SG_PHASOR_BYPASS, 3);
    finds(bypass_all, SG_PHASOR_BYPASS_ALL, 7);
    finds(harmonics, SG_PHASOR_DISTORTION, 1);
    finds(turned, SG_PHASOR_POWER_FACTOR, 7);
    finds(wrong_phase, SG_PHASOR_WRONG_PHASE, 2);
    finds(behind_the_check, SG_PHASOR_SUM_CHECK, 7);
    finds(slow_register, SG_PHASOR_REGISTER, 7);
    finds(neutral, SG_PHASOR_NEUTRAL, 7);
    finds(magnet, SG_PHASOR_TAMPER_EVENT, 0);
    finds(magnet_announced, SG_PHASOR_TAMPER_EVENT, 0);
    finds(silenced, SG_PHASOR_MISSING, 7);
    finds(silenced_phase, SG_PHASOR_MISSING, 2);
    finds(silenced_half_the_day, SG_PHASOR_MISSING, 7);
}

/* Rules that ask no past give the first judged day. */
static void test_states_without_a_past(void **state)
{
    static const struct {
        change *by;
        enum sg_phasor_rule rule;
    } cases[] = {{impossible, SG_PHASOR_IMPOSSIBLE},
                 {frozen, SG_PHASOR_FROZEN},
                 {cold, SG_PHASOR_NONSENSE},
                 {voltage_gone, SG_PHASOR_VOLTAGE_LOST},
                 {reversed, SG_PHASOR_CURRENT_REVERSED},
                 {behind_the_check, SG_PHASOR_SUM_CHECK}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct shop shop = a_shop();
        struct sg_phasor_summary s;
        shop.first = FRAUD_DAY;
        assert_int_equal(judge(&shop, cases[i].by, &s), 0);
        assert_int_equal(s.days_past, 0);
        assert_true(s.score >= 0.5f);
        assert_int_equal(s.top[0].rule, cases[i].rule);
    }
}

/* ---- honest --------------------------------------------------------------------------------- */

static void outage(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if (day == FRAUD_DAY && hour < 12) /* one phase of the feeder, half a day */
        scale(s, 1, 0.02, 0);
}

static void dead_phase(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)hour;
    if (day >= FRAUD_DAY) /* for good, but nothing flows either */
        scale(s, 1, 0.02, 0);
}

static void sag(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if (day >= FRAUD_DAY && hour == 10)
        scale(s, 0, 0.6, 1);
}

static void floating(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)hour;
    if (day >= FRAUD_DAY) {
        scale(s, 0, 0.75, 0.75);
        scale(s, 1, 1.12, 1.12);
        scale(s, 2, 1.14, 1.14);
    }
}

static void panels(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    for (int e = 0; e < 3 && day >= FRAUD_DAY && hour >= 7 && hour < 17; e++) {
        const double p = s->p[e] - 3000;
        s->i[e] *= sqrt(p * p + s->q[e] * s->q[e]) / sqrt(s->p[e] * s->p[e] + s->q[e] * s->q[e]);
        s->p[e] = p;
    }
}

/* Less or more is drawn, and the line loses less or more. */
static void draw(struct sg_phasor_sample *s, int e, double i)
{
    const double v = (s->v[e] - 0.05 * s->i[e] * (i - 1)) / s->v[e];
    scale(s, e, v, i);
}

static void single_phase_load(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if (day >= FRAUD_DAY && hour >= 9 && hour < 16)
        draw(s, 1, 1.8);
}

static void vacation(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    for (int e = 0; e < 3 && day >= FRAUD_DAY; e++)
        draw(s, e, hour >= 8 && hour < 18 ? 0.12 : 0.5);
}

/* What is left of an empty house's load has another angle: filters and chargers. */
static void empty_house(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    vacation(s, day, hour);
    for (int e = 0; e < 3 && day >= FRAUD_DAY; e++)
        turn(s, e, 0.8, -0.6);
}

static void capacitor(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)hour;
    for (int e = 0; e < 3 && day >= FRAUD_DAY; e++) { /* a bank of 300 var failed */
        const double q = s->q[e] + 300;
        s->i[e] *= sqrt(s->p[e] * s->p[e] + q * q) / sqrt(s->p[e] * s->p[e] + s->q[e] * s->q[e]);
        s->q[e] = q;
    }
}

static void lamps(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)hour;
    for (int e = 0; e < 3 && day >= FRAUD_DAY; e++) /* distortion 35 %: the current rises */
        s->i[e] *= 1.06;
}

static void visit(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    if (day == FRAUD_DAY && hour == 10)
        s->events = SG_PHASOR_COVER | SG_PHASOR_TERMINAL_COVER | SG_PHASOR_SERVICE;
}

static void test_honest(void **state)
{
    (void)state;
    clears(NULL);
    clears(outage);
    clears(dead_phase);
    clears(sag);
    clears(floating);
    clears(panels);
    clears(single_phase_load);
    clears(vacation);
    clears(empty_house);
    clears(capacitor);
    clears(lamps);
    clears(visit);
    clears(told_as_ever);
    clears(lost_readings);
}

/* ---- wiring --------------------------------------------------------------------------------- */

static void two_phases(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    s->v[1] = s->i[1] = s->p[1] = s->q[1] = NAN;
    if (day >= FRAUD_DAY)
        scale(s, 2, 1, 0.5);
    (void)hour;
}

static void aron(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    (void)day;
    (void)hour;
    s->v[1] = s->i[1] = s->p[1] = s->q[1] = NAN;
    s->v[0] *= 1.7320508;
    s->v[2] *= 1.7320508;
    for (int e = 0; e < 3; e += 2) {
        s->p[e] *= 1.7320508;
        s->q[e] *= 1.7320508;
        turn(s, e, 0.86602540, e ? -0.5 : 0.5);
    }
}

static void aron_reversed(struct sg_phasor_sample *s, uint32_t day, uint32_t hour)
{
    aron(s, day, hour);
    if (day >= FRAUD_DAY) {
        s->p[0] = -s->p[0];
        s->q[0] = -s->q[0];
    }
}

static void test_wirings(void **state)
{
    struct shop shop = a_shop();
    struct sg_phasor_summary s;
    (void)state;
    finds(two_phases, SG_PHASOR_BYPASS, 4);
    shop.config.wiring = SG_PHASOR_ARON;
    assert_int_equal(judge(&shop, aron, &s), 0);
    assert_true(s.score < 0.3f);
    assert_int_equal(judge(&shop, aron_reversed, &s), 0);
    assert_true(s.score >= 0.5f);
    assert_int_equal(s.top[0].rule, SG_PHASOR_CURRENT_REVERSED);
    assert_int_equal(s.top[0].elements, 1);
}

/* 5 A of 130 V at 0.95 all day, 15 A for ten hours: 10.5 A mean, 0.7 measured, 0.3 lost. */
static void test_size(void **state)
{
    struct shop shop = a_shop();
    struct sg_phasor_summary s;
    char words[SG_PHASOR_WORDS_MAX];
    const double lost = 0.3 * (5 * 14 + 15 * 10) / 24.0 * 130 * 0.95 * 24 / 1000;
    (void)state;
    assert_int_equal(judge(&shop, bypass_one, &s), 0);
    assert_true(fabs((double)s.top[0].size - 0.3) < 0.03);
    assert_true(fabs((double)s.top[0].kwh_per_day - lost) < 0.1 * lost);
    sg_phasor_words(&s.top[0], shop.config.east_s, words);
    assert_int_equal(strncmp(words, "phase C: current ", 17), 0);
    assert_non_null(strstr(words, "% below what the other phases lead one to expect"));
    assert_non_null(strstr(words, "since 2026-02-14"));
    assert_non_null(strstr(words, "by-pass of the element"));
    shop.config.ratio = 40; /* behind instrument transformers */
    sg_prng_seed(&shop.prng, 1);
    assert_int_equal(judge(&shop, bypass_one, &s), 0);
    assert_true(fabs((double)s.top[0].kwh_per_day - 40 * lost) < 4 * lost);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void test_words_fit(void **state)
{
    (void)state;
    for (int rule = 0; rule <= SG_PHASOR_N_RULES; rule++)
        for (unsigned i = 0; i < 16; i++) {
            char words[SG_PHASOR_WORDS_MAX];
            const enum sg_phasor_language language =
                i < 8 ? SG_PHASOR_ENGLISH : SG_PHASOR_PORTUGUESE;
            const struct sg_phasor_finding f = {.rule = (enum sg_phasor_rule)rule,
                                                .elements = (uint8_t)(i % 8),
                                                .first_s = 1,
                                                .size = 0.123f,
                                                .share = 0.123f,
                                                .kwh_per_day = 12345};
            memset(words, 'x', sizeof(words));
            sg_phasor_words_in(&f, -10800, language, words);
            assert_true(strlen(words) < sizeof(words) - 1);
            assert_null(strchr(words, ','));
            assert_int_equal(words[0] == 0, rule == SG_PHASOR_N_RULES);
            if (strchr(words, '%'))
                assert_non_null(strstr(words, "12"));
            if (words[0])
                assert_non_null(strstr(words, "12345 kWh "));
        }
}

static void test_refusals(void **state)
{
    SG_CLEANUP(sg_phasor_freep) struct sg_phasor *p = NULL;
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    struct sg_phasor_summary summary;
    struct sg_phasor_sample s;
    (void)state;
    assert_int_equal(sg_phasor_new(&p), 0);
    c.ratio = 0;
    assert_int_equal(sg_phasor_start(p, &c), -EINVAL);
    c.ratio = NAN;
    assert_int_equal(sg_phasor_start(p, &c), -EINVAL);
    c.ratio = 1;
    c.day_s = 3;
    assert_int_equal(sg_phasor_start(p, &c), -EINVAL);
    c.day_s = 86400;
    c.recent_from_s = RECENT_S;
    assert_int_equal(sg_phasor_start(p, &c), 0);
    assert_int_equal(sg_phasor_finish(p, &summary), SG_PHASOR_NO_RECENT);
    sg_phasor_sample_clear(&s);
    s.ts_s = START_S;
    assert_int_equal(sg_phasor_add(p, &s), 0);
    assert_int_equal(sg_phasor_add(p, &s), SG_PHASOR_NOT_AFTER);
    s.ts_s = -5;
    assert_int_equal(sg_phasor_add(p, &s), SG_PHASOR_NOT_AFTER);
    s.ts_s = INT64_MAX;
    assert_int_equal(sg_phasor_add(p, &s), SG_PHASOR_NOT_AFTER);
    assert_int_equal(sg_phasor_finish(p, &summary), SG_PHASOR_NO_RECENT);
    /* Nothing told but the time: judged, and nothing found. */
    s.ts_s = RECENT_S + 900;
    assert_int_equal(sg_phasor_add(p, &s), 0);
    assert_int_equal(sg_phasor_finish(p, &summary), 0);
    assert_true(summary.score == 0 && summary.n_findings == 0);
}

static void test_decibel(void **state)
{
    (void)state;
    assert_true(sg_phasor_decibel(0) == 0);
    assert_true(fabs(sg_phasor_decibel(0.5f) - 18.9) < 1e-6);
    assert_true(fabs(sg_phasor_decibel(0.35f) - 15.65) < 1e-5);
    assert_true(sg_phasor_decibel(1) == 35);
    for (int i = 1; i <= 1000; i++)
        assert_true(sg_phasor_decibel((float)i / 1000) > sg_phasor_decibel((float)(i - 1) / 1000));
}

static void test_combined(void **state)
{
    (void)state;
    assert_true(fabs(sg_phasor_per_1000(20) - 10) < 1e-9);
    assert_true(fabs(sg_phasor_combine(0, 0)) < 1e-12);
    /* 1 - 0.99^2 = 0.0199 */
    assert_true(fabs(sg_phasor_per_1000(sg_phasor_combine(20, 3)) - 19.9) < 1e-9);
    assert_true(sg_phasor_combine(3, 20) == sg_phasor_combine(20, 3));
}

/* Any figures give a score between 0 and 1. */
static void test_wild_figures(void **state)
{
    static const double wild[] = {0,      -1,   NAN,   INFINITY, -INFINITY, 1e300,
                                  1e-300, 1e10, -1e10, 130,      5};
    SG_CLEANUP(sg_phasor_freep) struct sg_phasor *p = NULL;
    struct sg_prng prng;
    (void)state;
    sg_prng_seed(&prng, 3);
    assert_int_equal(sg_phasor_new(&p), 0);
    for (int round = 0; round < 60; round++) {
        struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
        struct sg_phasor_summary summary;
        c.wiring = round % 2 ? SG_PHASOR_ARON : SG_PHASOR_STAR;
        c.recent_from_s = RECENT_S;
        assert_int_equal(sg_phasor_start(p, &c), 0);
        for (uint32_t i = 0; i < 50 * 12; i++) {
            struct sg_phasor_sample s;
            double *v = s.v;
            s.ts_s = START_S + i * 7200;
            s.events = (uint32_t)sg_prng_below(&prng, 64);
            for (size_t j = 0; j < (sizeof(s) - offsetof(struct sg_phasor_sample, v)) / 8 - 1; j++)
                v[j] = wild[sg_prng_below(&prng, round < 20 ? 11 : 3) + (round < 20 ? 0 : 8)];
            assert_int_equal(sg_phasor_add(p, &s), 0);
        }
        assert_int_equal(sg_phasor_finish(p, &summary), 0);
        assert_true(summary.score >= 0 && summary.score <= 1);
        for (uint32_t i = 0; i < SG_PHASOR_TOP; i++)
            assert_true(summary.top[i].sureness >= 0 && summary.top[i].sureness <= 1);
    }
}

/* More days than are kept: the oldest give way, the judgement stays. */
static void test_many_days(void **state)
{
    struct shop shop = a_shop();
    struct sg_phasor_summary s;
    (void)state;
    shop.first = 0;
    shop.days = SG_PHASOR_DAYS_MAX + 60;
    shop.config.recent_from_s = START_S + (int64_t)(shop.days - 20) * 86400;
    assert_int_equal(judge(&shop, NULL, &s), 0);
    assert_int_equal(s.days_recent, 20);
    assert_int_equal(s.days_past, SG_PHASOR_DAYS_MAX - 20);
    assert_true(s.score < 0.3f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frauds),    cmocka_unit_test(test_states_without_a_past),
        cmocka_unit_test(test_honest),    cmocka_unit_test(test_wirings),
        cmocka_unit_test(test_size),      cmocka_unit_test(test_words_fit),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_decibel),
        cmocka_unit_test(test_combined),  cmocka_unit_test(test_wild_figures),
        cmocka_unit_test(test_many_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
