#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/random.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* First outputs of xoshiro256** 1.0 from the state 1, 2, 3, 4: the reference implementation's, as
 * published with the Rust crate rand_xoshiro. */
static void follows_the_reference(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600};
    struct sg_prng p = {.s = {1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(sg_prng_u64(&p), want[i]);
}

static void same_seed_same_numbers_other_stream_others(void **state)
{
    (void)state;
    struct sg_prng a, b, c;
    int equal = 0;

    sg_prng_seed2(&a, 42, 7);
    sg_prng_seed2(&b, 42, 7);
    sg_prng_seed2(&c, 42, 8);
    for (int i = 0; i < 100; i++) {
        uint64_t v = sg_prng_u64(&a);
        assert_int_equal(v, sg_prng_u64(&b));
        equal += v == sg_prng_u64(&c);
    }
    assert_int_equal(equal, 0);
}

static void below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    struct sg_prng p;
    unsigned seen[7] = {0};

    sg_prng_seed(&p, 1);
    for (int i = 0; i < 7000; i++) {
        uint64_t v = sg_prng_below(&p, 7);
        assert_true(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(sg_prng_below(&p, 1), 0);
}

static void unit_and_normal_have_their_moments(void **state)
{
    (void)state;
    struct sg_prng p;
    double sum = 0, sum2 = 0, unit = 0;
    const int n = 20000;

    sg_prng_seed(&p, 3);
    for (int i = 0; i < n; i++) {
        double v = sg_prng_normal(&p), u = sg_prng_unit(&p);
        assert_true(u >= 0 && u < 1);
        sum += v;
        sum2 += v * v;
        unit += u;
    }
    assert_true(sum / n > -0.03 && sum / n < 0.03);
    assert_true(sum2 / n > 0.95 && sum2 / n < 1.05);
    assert_true(unit / n > 0.49 && unit / n < 0.51);
}

static void the_kernel_gives_octets(void **state)
{
    (void)state;
    uint8_t a[300] = {0}, b[300] = {0};
    sg_random_bytes(a, sizeof(a));
    sg_random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(sg_random_u64() != sg_random_u64());
}

/* Every length up to beyond what the vDSO is asked for: all octets are set (one that stays 0 in
 * eight draws is an octet that nobody wrote). */
static void every_length_is_filled(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 300; n++) {
        uint8_t once[304], seen[304] = {0};
        for (int i = 0; i < 8; i++) {
            memset(once, 0, sizeof(once));
            sg_random_bytes(once, n);
            for (size_t k = 0; k < sizeof(seen); k++)
                seen[k] |= once[k];
        }
        for (size_t k = 0; k < sizeof(seen); k++)
            assert_int_equal(seen[k] != 0, k < n);
    }
}

/* A child must not go on where its parent stood: it would seal with its nonces. */
static void a_forked_child_draws_others(void **state)
{
    (void)state;
    uint8_t warm[8], ours[16], theirs[16];
    int status, ends[2];

    sg_random_bytes(warm, sizeof(warm));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sg_random_bytes(theirs, sizeof(theirs));
        _exit(write(ends[1], theirs, sizeof(theirs)) != sizeof(theirs));
    }
    sg_random_bytes(ours, sizeof(ours));
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_not_equal(ours, theirs, sizeof(ours));
    close(ends[0]);
    close(ends[1]);
}

static void *draw(void *at)
{
    for (size_t i = 0; i < 64; i++)
        sg_random_bytes((uint8_t *)at + 8 * i, 8);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static void threads_draw_others(void **state)
{
    (void)state;
    static uint8_t drawn[8][64][8];
    pthread_t threads[8];

    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw, drawn[i]), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    qsort(drawn, 8 * 64, 8, by_value);
    for (size_t i = 1; i < 8 * 64; i++)
        assert_memory_not_equal((uint8_t *)drawn + 8 * i, (uint8_t *)drawn + 8 * i - 8, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_reference),
        cmocka_unit_test(same_seed_same_numbers_other_stream_others),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(unit_and_normal_have_their_moments),
        cmocka_unit_test(the_kernel_gives_octets),
        cmocka_unit_test(every_length_is_filled),
        cmocka_unit_test(a_forked_child_draws_others),
        cmocka_unit_test(threads_draw_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
