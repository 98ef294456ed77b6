#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

static void appends_up_to_its_maximum_and_not_past_it(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(100);
    uint8_t octets[100] = {7};

    assert_int_equal(sg_buf_append(&b, SG_BYTES(octets, 60)), 0);
    assert_int_equal(sg_buf_append(&b, SG_BYTES(octets, 41)), -ENOBUFS);
    assert_int_equal(b.len, 60);
    assert_int_equal(sg_buf_append(&b, SG_BYTES(octets, 40)), 0);
    assert_int_equal(b.len, 100);
    assert_int_equal(sg_buf_append_u8(&b, 1), -ENOBUFS);
    assert_int_equal(sg_buf_append(&b, SG_BYTES_NONE), 0);
    assert_int_equal(sg_buf_reserve(&b, SIZE_MAX), -ENOBUFS);
    assert_true(b.capacity <= 100);
}

static void stores_big_endian(void **state)
{
    (void)state;
    static const uint8_t want[] = {1,    2,    3,    4,    5,    6,    7, 0xff, 0xee,
                                   0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88, 0, 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);

    assert_int_equal(sg_buf_append_u8(&b, 1), 0);
    assert_int_equal(sg_buf_append_be16(&b, 0x0203), 0);
    assert_int_equal(sg_buf_append_be32(&b, 0x04050607), 0);
    assert_int_equal(sg_buf_append_be64(&b, 0xffeeddccbbaa9988), 0);
    assert_int_equal(sg_buf_append_zeros(&b, 2), 0);
    assert_int_equal(b.len, sizeof(want));
    assert_memory_equal(b.data, want, sizeof(want));
    assert_int_equal(sg_load_be64(b.data + 7), 0xffeeddccbbaa9988);
}

static void printf_uses_exactly_the_room_there_is(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8);

    assert_int_equal(sg_buf_printf(&b, "%d-%s", 12, "abc"), 0);
    assert_int_equal(sg_buf_printf(&b, "%s", "xyz"), -ENOBUFS);
    assert_int_equal(sg_buf_printf(&b, "%s", "yz"), 0);
    assert_memory_equal(b.data, "12-abcyz", 8);
}

static void consume_moves_the_rest_to_the_front(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(64);

    assert_int_equal(sg_buf_append(&b, SG_BYTES_LIT("abcdef")), 0);
    sg_buf_consume(&b, 4);
    assert_int_equal(b.len, 2);
    assert_memory_equal(b.data, "ef", 2);
    /* A secret buffer leaves nothing behind its end. */
    assert_memory_equal(b.data + 2, "\0\0\0\0", 4);
    sg_buf_reset(&b);
    assert_memory_equal(b.data, "\0\0", 2);
}

static void secret_contents_survive_growth(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(10000);

    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(sg_buf_append_be16(&b, (uint16_t)i), 0);
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(sg_load_be16(b.data + 2 * i), i);
}

static void take_moves_ownership(void **state)
{
    (void)state;
    char *p = malloc(1);
    char *q = TAKE_PTR(p);
    assert_null(p);
    assert_non_null(q);
    free(q);
}

static void a_reader_checks_what_is_left(void **state)
{
    (void)state;
    struct sg_reader r = sg_reader_over(SG_BYTES_LIT("\x01\x02\x03\x04\x05"));
    struct sg_bytes b;
    uint32_t v = 0;
    uint64_t unchanged = 9;

    assert_true(sg_take_be32(&r, &v));
    assert_int_equal(v, 0x01020304);
    assert_false(sg_take_be64(&r, &unchanged));
    assert_int_equal(unchanged, 9);
    assert_false(sg_take(&r, SIZE_MAX, &b));
    assert_true(sg_take(&r, 1, &b));
    assert_int_equal(r.left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_up_to_its_maximum_and_not_past_it),
        cmocka_unit_test(stores_big_endian),
        cmocka_unit_test(printf_uses_exactly_the_room_there_is),
        cmocka_unit_test(consume_moves_the_rest_to_the_front),
        cmocka_unit_test(secret_contents_survive_growth),
        cmocka_unit_test(take_moves_ownership),
        cmocka_unit_test(a_reader_checks_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
