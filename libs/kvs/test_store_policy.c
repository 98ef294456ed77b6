/* policy: texts, costs, losses. */
#include "cmocka-int.h"

#include <sealgrid/kvs/policy.h>

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
        unsigned cost, losses_8, losses_3, index_8;
    } good[] = {
        {"replicas=3", "replicas=3", 3000, 2, 2, 3},
        {"replicas=1", "replicas=1", 1000, 0, 0, 1},
        {"ec=6+2", "ec=6+2", 1333, 2, 0, 3},
        {"ec=4+2", "ec=4+2", 1500, 2, 1, 3},
        {"replicas=1,ec=6+2", "replicas=1,ec=6+2", 2333, 2, 0, 3},
        {"ec=2+1,replicas=3", "replicas=3,ec=2+1", 4500, 2, 2, 3},
        {"ec=16+8", "ec=16+8", 1500, 2, 1, 8},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct sg_policy p, again;
        char text[SG_POLICY_TEXT_MAX];
        assert_int_equal(sg_policy_parse(good[i].text, &p), 0);
        sg_policy_print(&p, text);
        assert_string_equal(text, good[i].canonical);
        assert_int_equal(sg_policy_parse(text, &again), 0);
        assert_true(sg_policy_equal(&p, &again));
        assert_int_equal(sg_policy_cost_permille(&p), good[i].cost);
        assert_int_equal(sg_policy_losses(&p, 8), good[i].losses_8);
        assert_int_equal(sg_policy_losses(&p, 3), good[i].losses_3);
        assert_int_equal(sg_policy_index_replicas(&p, 8), good[i].index_8);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "replicas",
                                      "replicas=0",
                                      "replicas=9",
                                      "ec=6",
                                      "ec=6+0",
                                      "ec=17+1",
                                      "ec=6+9",
                                      "ec=06+2",
                                      "replicas=3,",
                                      "replicas=3 ",
                                      "replicas=3;ec=6+2",
                                      "REPLICAS=3",
                                      "ec=6+2,ec=6+2",
                                      "replicas=1,replicas=2",
                                      "replicas=-1",
                                      "replicas=99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sg_policy p = {7, 7, 7};
        assert_int_equal(sg_policy_parse(bad[i], &p), -EINVAL);
        assert_int_equal(p.replicas, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
