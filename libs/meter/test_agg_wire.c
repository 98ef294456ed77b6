/* Messages between aggregator and authenticator. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/agg-wire.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_all_types_in_one_stream(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    const struct sg_agg_message in[] = {
        {SG_AGG_UP, 7, 8, SG_BYTES_LIT("frame")},
        {SG_AGG_UP, 7, 0, SG_BYTES_LIT("handshake")},
        {SG_AGG_DONE, 0, 8, SG_BYTES_NONE},
        {SG_AGG_DOWN, 7, 0, SG_BYTES_LIT("answer")},
    };
    struct sg_agg_message out;
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sg_agg_encode(&in[i], &b), 0);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sg_agg_take(&r, &out), 0);
        assert_int_equal(out.type, in[i].type);
        assert_int_equal(out.handle, in[i].handle);
        assert_int_equal(out.number, in[i].number);
        assert_true(sg_bytes_equal(out.frame, in[i].frame));
    }
    assert_int_equal(sg_agg_take(&r, &out), SG_AGG_PARTIAL);
}

static void test_every_cut_is_partial(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct sg_agg_message m = {SG_AGG_UP, 7, 8, SG_BYTES_LIT("frame")}, out;
    (void)state;
    assert_int_equal(sg_agg_encode(&m, &b), 0);
    for (size_t n = 0; n < b.len; n++) {
        struct sg_reader r = sg_reader_over(SG_BYTES(b.data, n));
        assert_int_equal(sg_agg_take(&r, &out), SG_AGG_PARTIAL);
        assert_int_equal(r.left, n);
    }
}

static void test_malformed(void **state)
{
    static const struct {
        const char *octets;
        size_t len;
    } bad[] = {
        {"\0\0\0\0", 4},                      /* empty */
        {"\xff\xff\xff\xff\1", 5},            /* longer than any message */
        {"\0\0\0\1\4", 5},                    /* unknown type */
        {"\0\0\0\11\2\0\0\0\0\0\0\0\0", 13},  /* DONE of nothing */
        {"\0\0\0\12\2\0\0\0\0\0\0\0\1x", 14}, /* DONE with a tail */
        {"\0\0\0\11\3\0\0\0\0\0\0\0\1", 13},  /* DOWN without a frame */
        {"\0\0\0\5\1\0\0\0\0", 9},            /* UP cut short */
    };
    struct sg_agg_message out = {.handle = 99};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sg_reader r = sg_reader_over(SG_BYTES(bad[i].octets, bad[i].len));
        assert_int_equal(sg_agg_take(&r, &out), SG_AGG_MALFORMED);
        assert_int_equal(out.handle, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types_in_one_stream),
        cmocka_unit_test(test_every_cut_is_partial),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
