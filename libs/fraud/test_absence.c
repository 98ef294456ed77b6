#include "absence-int.h"
#include "full-test-int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sg_absence x;

/* Days of a made customer; `lacks` says which hours of a day are missing. */
typedef uint32_t (*lacks_fn)(unsigned day, uint64_t who);

static void absence_of(uint64_t who, lacks_fn lacks, struct sg_absence *ret)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_view_clear) struct sg_view v = {.x = NULL};
    struct made m;
    made_customer(&m, 3, 0);
    assert_int_equal(sg_fraud_days_start(&d, "c", 24), 0);
    for (unsigned day = 0; day < MADE_DAYS; day++) {
        const uint32_t bits = lacks(day, who);
        for (unsigned h = 0; h < 24; h++)
            if (bits >> h & 1)
                m.load[day][h] = NAN;
        int r = sg_fraud_days_add_part(&d, (int32_t)day, m.weekday[day], m.load[day], NULL);
        assert_true(r == 0 || r == SG_FRAUD_DAYS_GAPS);
    }
    assert_int_equal(sg_view_init(&v, &made_windows), 0);
    sg_view_fill(&v, &d, NULL);
    sg_absence_of(&v, ret);
}

static uint32_t nothing(unsigned day, uint64_t who)
{
    (void)day;
    (void)who;
    return 0;
}

static bool is_recent(unsigned day)
{
    return day >= MADE_REFERENCE + 4;
}

static uint32_t any_hour(unsigned day, uint64_t who)
{
    return is_recent(day) ? 1u << (unsigned)(24 * made_share(who, day)) : 0;
}

/* A reading in twenty, all along. */
static uint32_t bad_link(unsigned day, uint64_t who)
{
    uint32_t bits = 0;
    for (unsigned h = 0; h < 24; h++)
        bits |= (uint32_t)(made_share(who, day * 24 + h) < 0.05f) << h;
    return bits;
}

static uint32_t outage(unsigned day, uint64_t who)
{
    const uint32_t own = made_share(who, day) < 0.05f ? 1u << day % 24 : 0;
    return own | (day >= 65 && day < 70 ? 0xffffffu : day == 71 ? 0x00fc00u : 0);
}

static uint32_t all_gone(unsigned day, uint64_t who)
{
    (void)who;
    return is_recent(day) ? 0xffffffu : 0;
}

/* The same six hours of every day: what several agree on, or one does to the neighbours. */
static uint32_t agreed(unsigned day, uint64_t who)
{
    (void)who;
    return is_recent(day) ? 0x00fc00u : 0;
}

/* As many hours on as many days as an outage may break off and come back. */
static uint32_t short_outages(unsigned day, uint64_t who)
{
    (void)who;
    return day >= MADE_DAYS - SG_ABSENCE_PARTS ? 0x00fc00u : 0;
}

static void test_what_lacks_is_told(void **state)
{
    (void)state;
    absence_of(1, nothing, &x);
    assert_true(x.gone == 0 && x.touched == 0 && x.n == 0 && x.since == SG_FRAUD_NO_DAY);
    absence_of(1, any_hour, &x);
    assert_true(x.gone == 0 && fabsf(x.touched - 0.8f) < 1e-6f);
    assert_true(fabsf(x.now - 0.8f) < 1e-6f && x.before == 0);
    assert_int_equal(x.n, 16);
    assert_int_equal(x.since, MADE_REFERENCE + 4);
    assert_true(fabsf(x.lacking - 16.0f / (24 * 20)) < 1e-6f);
    absence_of(1, all_gone, &x);
    assert_true(fabsf(x.gone - 0.8f) < 1e-6f && x.touched == 0);
    assert_int_equal(x.n, 16 * 24);
    absence_of(1, bad_link, &x); /* as bad as ever */
    assert_true(fabsf(x.gone) < 0.05f && fabsf(x.touched) < 0.2f && x.before > 0.5f);
}

static uint32_t alike_among(lacks_fn others, unsigned n, lacks_fn own)
{
    struct sg_absences a;
    assert_int_equal(sg_absences_init(&a, &made_windows, 40), 0);
    for (unsigned i = 0; i < n; i++) {
        absence_of(i + 1, others, &x);
        sg_absences_add(&a, i + 1, &x);
    }
    absence_of(40, bad_link, &x);
    sg_absences_add(&a, 40, &x);
    absence_of(41, own, &x);
    sg_absences_ask(&a, 41, &x);
    const uint32_t alike = x.alike;
    absence_of(1, own, &x); /* nobody is in it together with oneself */
    sg_absences_ask(&a, 1, &x);
    assert_true(x.alike + 1 == alike || alike == 0 || n == 0);
    sg_absences_clear(&a);
    return alike;
}

/* Many customers behind one mast lack the same hours; as many thieves who drop one a day do not. */
static void test_an_outage_is_of_many(void **state)
{
    (void)state;
    assert_int_equal(alike_among(outage, 8, outage), 8);
    assert_int_equal(alike_among(outage, 8, any_hour), 0);
    assert_int_equal(alike_among(any_hour, 39, any_hour), 0);
    assert_int_equal(alike_among(outage, 8, all_gone), 0);
    assert_int_equal(alike_among(nothing, 39, all_gone), 0);
    assert_int_equal(alike_among(all_gone, 8, all_gone), 8);
    assert_int_equal(alike_among(agreed, 8, agreed), 0);
    assert_int_equal(alike_among(short_outages, 8, short_outages), 8);
}

static void test_octets(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20), again = SG_BUF_INIT(1 << 20);
    struct sg_absences a, read;
    assert_int_equal(sg_absences_init(&a, &made_windows, 20), 0);
    for (unsigned i = 0; i < 20; i++) {
        absence_of(i, i % 2 ? bad_link : outage, &x);
        sg_absences_add(&a, i * 7, &x);
    }
    assert_int_equal(sg_absences_encode(&a, &b), 0);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_absences_decode(&read, &made_windows, 20, &r), 0);
    assert_int_equal(r.left, 0);
    assert_int_equal(sg_absences_encode(&read, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), sg_buf_bytes(&again)));
    assert_memory_equal(read.bits, a.bits, a.n * sizeof(*a.bits));
    sg_absences_clear(&read);
    r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_absences_decode(&read, &made_windows, 19, &r),
                     1); /* more than there may be */
    for (size_t cut = 0; cut < b.len; cut += 7) {
        r = sg_reader_over(SG_BYTES(b.data, cut));
        assert_int_equal(sg_absences_decode(&read, &made_windows, 20, &r), 1);
    }
    sg_absences_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_lacks_is_told),
        cmocka_unit_test(test_an_outage_is_of_many),
        cmocka_unit_test(test_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
