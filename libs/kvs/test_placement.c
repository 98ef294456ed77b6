/* placement: balance, and that a new volume takes only what it wins. */
#include "cmocka-int.h"

#include "placement-int.h"

static void test_every_slot_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= SG_STORE_VOLUMES_MAX; n++) {
        uint8_t rank[SG_STORE_VOLUMES_MAX];
        uint64_t seen = 0;
        sg_placement_rank(n * 77, n, rank);
        for (unsigned i = 0; i < n; i++)
            seen |= 1ull << rank[i];
        assert_true(seen == (n == 64 ? UINT64_MAX : (1ull << n) - 1));
    }
}

static void test_balance(void **state)
{
    (void)state;
    unsigned count[8] = {0};
    for (unsigned group = 0; group < SG_PLACEMENT_GROUPS; group++) {
        uint8_t rank[SG_STORE_VOLUMES_MAX];
        sg_placement_rank(group, 8, rank);
        for (unsigned i = 0; i < 3; i++)
            count[rank[i]]++;
    }
    for (unsigned slot = 0; slot < 8; slot++) { /* 96 each on average */
        assert_true(count[slot] > 60);
        assert_true(count[slot] < 140);
    }
}

static void test_new_volume_disturbs_nobody_else(void **state)
{
    (void)state;
    for (unsigned group = 0; group < SG_PLACEMENT_GROUPS; group++) {
        uint8_t before[SG_STORE_VOLUMES_MAX], after[SG_STORE_VOLUMES_MAX];
        sg_placement_rank(group, 8, before);
        sg_placement_rank(group, 9, after);
        for (unsigned i = 0, k = 0; i < 9; i++)
            if (after[i] != 8)
                assert_int_equal(after[i], before[k++]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_slot_once),
        cmocka_unit_test(test_balance),
        cmocka_unit_test(test_new_volume_disturbs_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
