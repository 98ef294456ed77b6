/* ec: every erasure pattern of many K+M, against the original and against an oracle without ISA-L.
 */
#include "cmocka-int.h"

#include <sealgrid/base/random.h>

#include "ec-int.h"

#define LEN 67

struct shards {
    uint8_t octets[SG_EC_SHARDS_MAX][LEN];
    uint8_t *at[SG_EC_SHARDS_MAX];
};

static void make(struct shards *s, unsigned k, unsigned m)
{
    struct sg_prng rng;
    sg_prng_seed(&rng, k * 100 + m);
    for (unsigned i = 0; i < SG_EC_SHARDS_MAX; i++)
        s->at[i] = s->octets[i];
    for (unsigned i = 0; i < k; i++)
        for (size_t b = 0; b < LEN; b++)
            s->octets[i][b] = (uint8_t)sg_prng_u64(&rng);
    sg_ec_encode(k, m, LEN, s->at);
}

static void expect_rebuilt(const struct shards *whole, unsigned k, unsigned m, uint32_t present)
{
    struct shards s;
    for (unsigned i = 0; i < SG_EC_SHARDS_MAX; i++)
        s.at[i] = s.octets[i];
    for (unsigned i = 0; i < k + m; i++)
        if (present >> i & 1)
            memcpy(s.octets[i], whole->octets[i], LEN);
        else
            memset(s.octets[i], 0xee, LEN);
    assert_int_equal(sg_ec_rebuild(k, m, LEN, s.at, present), 0);
    for (unsigned i = 0; i < k + m; i++)
        assert_memory_equal(s.octets[i], whole->octets[i], LEN);
}

static void every_pattern(unsigned k, unsigned m)
{
    struct shards whole;
    make(&whole, k, m);
    for (uint32_t present = 0; present < 1u << (k + m); present++) {
        unsigned n = (unsigned)__builtin_popcount(present);
        if (n < k && n + 1 >= k)
            assert_int_equal(sg_ec_rebuild(k, m, LEN, whole.at, present), SG_EC_TOO_FEW);
        else if (n >= k)
            expect_rebuilt(&whole, k, m, present);
    }
}

static void test_every_erasure(void **state)
{
    (void)state;
    static const unsigned codes[][2] = {{1, 1}, {2, 1}, {2, 2}, {3, 2}, {4, 2}, {6, 2},
                                        {6, 3}, {5, 5}, {4, 8}, {8, 4}, {10, 4}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        every_pattern(codes[i][0], codes[i][1]);
}

/* The largest code has 2^24 patterns: all of M losses would be 735,471; every 41st of them. */
static void test_largest_code(void **state)
{
    (void)state;
    struct shards whole;
    unsigned n = 0;
    make(&whole, 16, 8);
    for (uint32_t lost = 0xff; lost < 1u << 24;) {
        if (n++ % 41 == 0)
            expect_rebuilt(&whole, 16, 8, ~lost & 0xffffff);
        uint32_t low = lost & -lost, ripple = lost + low; /* the next with eight bits */
        lost = ripple | (((lost ^ ripple) >> 2) / low);
    }
    assert_int_equal(n, 735471);
}

/* GF(2^8) with polynomial 11D, as the ADR says, octet by octet. */
static uint8_t multiply(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (b >> bit & 1)
            product ^= (unsigned)a << bit;
    for (unsigned bit = 15; bit >= 8; bit--)
        if (product >> bit & 1)
            product ^= 0x11du << (bit - 8);
    return (uint8_t)product;
}

static uint8_t invert(uint8_t a)
{
    for (unsigned b = 1; b < 256; b++)
        if (multiply(a, (uint8_t)b) == 1)
            return (uint8_t)b;
    return 0;
}

static void test_matrix_is_that_of_the_adr(void **state)
{
    (void)state;
    struct shards s;
    make(&s, 6, 3);
    for (unsigned i = 6; i < 9; i++)
        for (size_t b = 0; b < LEN; b++) {
            uint8_t want = 0;
            for (unsigned j = 0; j < 6; j++)
                want ^= multiply(invert((uint8_t)(i ^ j)), s.octets[j][b]);
            assert_int_equal(s.octets[i][b], want);
        }
}

/* A thread keeps the tables used last: codes and patterns that differ in one thing, in turns. */
static void test_codes_in_turns(void **state)
{
    (void)state;
    static const unsigned codes[][2] = {{6, 2}, {6, 3}, {5, 3}, {6, 2}};
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < 4; i++) {
            struct shards whole;
            unsigned k = codes[i][0], m = codes[i][1];
            uint32_t all = (1u << (k + m)) - 1;
            make(&whole, k, m);
            expect_rebuilt(&whole, k, m, all & ~1u);
            expect_rebuilt(&whole, k, m, all & ~1u); /* kept */
            expect_rebuilt(&whole, k, m, all & ~2u);
            expect_rebuilt(&whole, k, m, all);
            assert_int_equal(sg_ec_rebuild(k, m, LEN, whole.at, all >> (m + 1)), SG_EC_TOO_FEW);
            assert_int_equal(sg_ec_rebuild(k, m, LEN, whole.at, all >> (m + 1)), SG_EC_TOO_FEW);
            expect_rebuilt(&whole, k, m, all & ~1u & ~(1u << k));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_erasure),
        cmocka_unit_test(test_largest_code),
        cmocka_unit_test(test_matrix_is_that_of_the_adr),
        cmocka_unit_test(test_codes_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
