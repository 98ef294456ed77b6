#include "full-test-int.h"
#include "peers-int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { FLEET = 40 };

static struct sg_feature_work work;

static void begin(struct sg_view *v, unsigned number, float weather, float recent)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct made m;
    made_customer(&m, number, weather);
    for (unsigned day = MADE_REFERENCE; day < MADE_DAYS; day++)
        for (unsigned h = 0; h < 24; h++)
            m.load[day][h] *= recent;
    made_days(&m, "c", 24, 0, &d);
    assert_int_equal(sg_view_init(v, &made_windows), 0);
    sg_view_fill(v, &d, NULL);
    assert_int_equal(sg_features_begin(&work, v), 0);
}

/* A fleet that shares its weather, and of whose recent days so much is left. */
static void make_fleet(struct sg_peers *p, float weather, float recent)
{
    assert_int_equal(sg_peers_init(p, &made_windows, FLEET), 0);
    for (unsigned i = 0; i < FLEET; i++) {
        struct sg_view v;
        begin(&v, i, weather, recent);
        sg_peers_add(p, 100 + i, &work);
        sg_view_clear(&v);
    }
}

static float mean_expected(const struct sg_peers *p, uint64_t id, unsigned number, float weather,
                           float recent, float *ret_quality)
{
    SG_CLEANUP(sg_view_clear) struct sg_view v;
    struct sg_expected e;
    float sum = 0;
    begin(&v, number, weather, recent);
    sg_peers_expect(p, id, &work, &e);
    for (uint32_t d = MADE_REFERENCE; d < MADE_DAYS; d++)
        sum += e.movement[d];
    *ret_quality = e.quality;
    return sum / (MADE_DAYS - MADE_REFERENCE);
}

static void test_a_fall_that_all_share_is_expected(void **state)
{
    (void)state;
    SG_CLEANUP(sg_peers_clear) struct sg_peers p = {.n = 0};
    float quality;
    make_fleet(&p, 0.6f, 0.8f); /* a mild spell: all draw a fifth less */
    const float say = mean_expected(&p, 1, 77, 0.6f, 0.8f, &quality);
    assert_true(quality > 0.7f);
    assert_true(say < -0.1f && say > -0.3f);
    /* Who alone falls is not excused: peers tell of no fall. */
    sg_peers_clear(&p);
    make_fleet(&p, 0.6f, 1);
    assert_true(fabsf(mean_expected(&p, 1, 77, 0.6f, 0.8f, &quality)) < 0.06f);
}

static void test_customers_of_their_own_have_no_peers(void **state)
{
    (void)state;
    SG_CLEANUP(sg_peers_clear) struct sg_peers p = {.n = 0};
    float quality, worst = 0;
    make_fleet(&p, 0, 0.8f);
    for (unsigned i = 50; i < 60; i++) {
        const float say = fabsf(mean_expected(&p, i, i, 0, 1, &quality));
        worst = say > worst ? say : worst;
    }
    assert_true(worst < 0.05f);
}

/* A thief in the panel must not find itself as its best peer. */
static void test_nobody_is_its_own_peer(void **state)
{
    (void)state;
    SG_CLEANUP(sg_peers_clear) struct sg_peers p = {.n = 0};
    SG_CLEANUP(sg_view_clear) struct sg_view v;
    struct sg_expected e;
    assert_int_equal(sg_peers_init(&p, &made_windows, 1), 0);
    begin(&v, 5, 0.6f, 0.5f);
    sg_peers_add(&p, 9, &work);
    sg_peers_expect(&p, 9, &work, &e);
    assert_true(e.quality == 0 && e.movement[MADE_DAYS - 1] == 0);
    sg_peers_expect(&p, 10, &work, &e);
    assert_true(e.quality > 0.9f && e.movement[MADE_DAYS - 1] < -0.3f);
}

static void test_octets_come_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_peers_clear) struct sg_peers p = {.n = 0};
    SG_CLEANUP(sg_peers_clear) struct sg_peers q = {.n = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    make_fleet(&p, 0.6f, 0.8f);
    assert_int_equal(sg_peers_encode(&p, &b), 0);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_peers_init(&q, &made_windows, 0), 0);
    assert_int_equal(sg_peers_decode(&q, &r), 0);
    assert_int_equal(r.left, 0);
    assert_int_equal(q.n, FLEET);
    assert_memory_equal(q.id, p.id, FLEET * sizeof(*p.id));
    assert_memory_equal(q.norm2, p.norm2, FLEET * sizeof(*p.norm2));
    assert_memory_equal(q.move, p.move, FLEET * p.stride * sizeof(*p.move));
}

static void test_damaged_octets_are_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_peers_clear) struct sg_peers p = {.n = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    make_fleet(&p, 0.6f, 0.8f);
    p.id[1] = p.id[0]; /* not ascending */
    assert_int_equal(sg_peers_encode(&p, &b), 0);
    for (unsigned cut = 0; cut < 2; cut++) {
        SG_CLEANUP(sg_peers_clear) struct sg_peers q = {.n = 0};
        struct sg_bytes bytes = sg_buf_bytes(&b);
        bytes.len -= cut;
        struct sg_reader r = sg_reader_over(bytes);
        assert_int_equal(sg_peers_init(&q, &made_windows, 0), 0);
        assert_int_equal(sg_peers_decode(&q, &r), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fall_that_all_share_is_expected),
        cmocka_unit_test(test_customers_of_their_own_have_no_peers),
        cmocka_unit_test(test_nobody_is_its_own_peer),
        cmocka_unit_test(test_octets_come_back),
        cmocka_unit_test(test_damaged_octets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
