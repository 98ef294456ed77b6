/* Sealed frame codec, seal, replay window, acknowledgements. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/meter/frame.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct sg_frame_key key = {{1, 2, 3}, {4, 5, 6}};
static const uint8_t cid[8] = "cidcidci", sender[16] = "sendersendersen";

static void test_seal_and_open(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf up = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf down = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(256);
    struct sg_frame f;
    (void)state;
    assert_int_equal(sg_frame_seal_uplink(&key, cid, 77, SG_BYTES_LIT("\3abc"), &up), 0);
    assert_int_equal(up.len, SG_FRAME_UPLINK_HEADER + 4 + 16);
    assert_int_equal(sg_frame_decode(sg_buf_bytes(&up), &f), 0);
    assert_int_equal(f.type, SG_FRAME_UPLINK);
    assert_int_equal(f.seq, 77);
    assert_memory_equal(f.id, cid, 8);
    assert_int_equal(sg_frame_open(&key, &f, &plain), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&plain), SG_BYTES_LIT("\3abc")));
    assert_int_equal(sg_frame_seal_downlink(&key, cid, sender, 78, SG_BYTES_LIT("\4"), &down), 0);
    assert_int_equal(down.len, SG_FRAME_DOWNLINK_HEADER + 1 + 16);
    assert_int_equal(sg_frame_decode(sg_buf_bytes(&down), &f), 0);
    assert_memory_equal(f.sender, sender, 16);
    sg_buf_reset(&plain);
    assert_int_equal(sg_frame_open(&key, &f, &plain), 0);
    assert_int_equal(plain.len, 1);
}

static void test_forged_leaves_the_output_alone(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf up = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(256);
    struct sg_frame f;
    (void)state;
    assert_int_equal(sg_buf_append(&plain, SG_BYTES_LIT("before")), 0);
    assert_int_equal(sg_frame_seal_uplink(&key, cid, 77, SG_BYTES_LIT("\3abc"), &up), 0);
    for (size_t i = 2; i < up.len; i++) {
        up.data[i] ^= 0x10;
        if (sg_frame_decode(sg_buf_bytes(&up), &f) == 0)
            assert_int_equal(sg_frame_open(&key, &f, &plain), SG_FRAME_FORGED);
        assert_true(sg_bytes_equal(sg_buf_bytes(&plain), SG_BYTES_LIT("before")));
        up.data[i] ^= 0x10;
    }
}

static void test_nonces_differ_by_sequence_number_only(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf c = SG_BUF_INIT(256);
    (void)state;
    assert_int_equal(sg_frame_seal_uplink(&key, cid, 1, SG_BYTES_LIT("\3abc"), &a), 0);
    assert_int_equal(sg_frame_seal_uplink(&key, cid, 2, SG_BYTES_LIT("\3abc"), &b), 0);
    assert_int_equal(sg_frame_seal_uplink(&key, cid, 1, SG_BYTES_LIT("\3abc"), &c), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&c)));
    assert_memory_not_equal(a.data + 18, b.data + 18, 4);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *octets;
        size_t len;
    } bad[] = {
        {"", 0},
        {"\1", 1},
        {"\2\1cidcidci\0\0\0\0\0\0\0\1x0123456789abcdef", 35}, /* version */
        {"\1\0cidcidci\0\0\0\0\0\0\0\1x0123456789abcdef", 35}, /* type */
        {"\1\10cidcidci\0\0\0\0\0\0\0\1x0123456789abcdef", 35},
        {"\1\1cidcidci\0\0\0\0\0\0\0\0x0123456789abcdef", 35},  /* sequence 0 */
        {"\1\1cidcidci\0\0\0\1\0\0\0\0x0123456789abcdef", 35},  /* 2^32 */
        {"\1\1cidcidci\0\0\0\0\0\0\0\0010123456789abcdef", 34}, /* no plain text */
        {"\1\2cidcidci\0\0\0\0\0\0\0\1x0123456789abcdef", 35},  /* downlink cut short */
        {"\1\3cidcidci", 10},                                   /* empty message */
        {"\1\3cidcidc", 9},
    };
    struct sg_frame f = {.seq = 99};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sg_frame_decode(SG_BYTES(bad[i].octets, bad[i].len), &f),
                         SG_FRAME_MALFORMED);
        assert_int_equal(f.seq, 99);
    }
    uint8_t *big = calloc(1, SG_FRAME_MAX + 1);
    assert_non_null(big);
    memcpy(big, "\1\3cidcidci", 10);
    assert_int_equal(sg_frame_decode(SG_BYTES(big, SG_FRAME_MAX), &f), 0);
    assert_int_equal(sg_frame_decode(SG_BYTES(big, SG_FRAME_MAX + 1), &f), SG_FRAME_MALFORMED);
    free(big);
}

static void test_seal_refuses_what_would_not_decode(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    (void)state;
    assert_true(sg_frame_seal_uplink(&key, cid, 0, SG_BYTES_LIT("x"), &b) < 0);
    assert_true(sg_frame_seal_uplink(&key, cid, SG_FRAME_SEQ_MAX + 1, SG_BYTES_LIT("x"), &b) < 0);
    assert_true(sg_frame_seal_uplink(&key, cid, 1, SG_BYTES_NONE, &b) < 0);
    assert_int_equal(b.len, 0);
}

/* Against a list of everything seen: the definition of a window of 256. */
static void test_window_against_its_definition(void **state)
{
    static bool seen[4096];
    struct sg_window w = {0};
    struct sg_prng p;
    uint64_t highest = 0;
    (void)state;
    memset(seen, 0, sizeof seen);
    sg_prng_seed(&p, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t base = (uint64_t)i / 6, seq = 1 + base + sg_prng_below(&p, 500);
        enum sg_window_verdict want = SG_WINDOW_FRESH;
        if (seq <= highest && highest - seq >= SG_WINDOW_SIZE)
            want = SG_WINDOW_STALE;
        else if (seen[seq])
            want = SG_WINDOW_SEEN;
        assert_int_equal(sg_window_judge(&w, seq), want);
        if (want == SG_WINDOW_FRESH) {
            sg_window_mark(&w, seq);
            seen[seq] = true;
            highest = seq > highest ? seq : highest;
        }
        assert_int_equal(w.highest, highest);
    }
}

static void test_window_jumps(void **state)
{
    struct sg_window w = {0};
    (void)state;
    sg_window_mark(&w, 1);
    sg_window_mark(&w, 256);
    assert_int_equal(sg_window_judge(&w, 1), SG_WINDOW_SEEN);
    assert_int_equal(sg_window_judge(&w, 2), SG_WINDOW_FRESH);
    sg_window_mark(&w, 257);
    assert_int_equal(sg_window_judge(&w, 1), SG_WINDOW_STALE);
    sg_window_mark(&w, SG_FRAME_SEQ_MAX);
    assert_int_equal(sg_window_judge(&w, 257), SG_WINDOW_STALE);
    assert_int_equal(sg_window_judge(&w, SG_FRAME_SEQ_MAX), SG_WINDOW_SEEN);
    assert_int_equal(sg_window_judge(&w, SG_FRAME_SEQ_MAX - 255), SG_WINDOW_FRESH);
}

static void test_acks(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct sg_ack a[3] = {{1, SG_ACK_STORED, 0},
                          {500, SG_ACK_DUPLICATE, 0},
                          {UINT64_C(0xffffffff), SG_ACK_REFUSED, SG_REFUSED_FUTURE}};
    struct sg_ack back[SG_ACKS_MAX];
    size_t n = 0;
    (void)state;
    assert_int_equal(sg_ack_encode(a, 3, &b), 0);
    assert_int_equal(b.len, 31);
    assert_int_equal(sg_ack_decode(sg_buf_bytes(&b), back, &n), 0);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(back[i].seq, a[i].seq);
        assert_int_equal(back[i].status, a[i].status);
        assert_int_equal(back[i].reason, a[i].reason);
    }
    assert_int_equal(sg_ack_decode(SG_BYTES(b.data, 30), back, &n), SG_FRAME_MALFORMED);
    assert_int_equal(sg_ack_decode(SG_BYTES(b.data, 1), back, &n), SG_FRAME_MALFORMED);
    b.data[9] = 2; /* refused without a reason */
    assert_int_equal(sg_ack_decode(sg_buf_bytes(&b), back, &n), SG_FRAME_MALFORMED);
    b.data[9] = 0;
    b.data[10] = 1; /* stored with one */
    assert_int_equal(sg_ack_decode(sg_buf_bytes(&b), back, &n), SG_FRAME_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_and_open),
        cmocka_unit_test(test_forged_leaves_the_output_alone),
        cmocka_unit_test(test_nonces_differ_by_sequence_number_only),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_seal_refuses_what_would_not_decode),
        cmocka_unit_test(test_window_against_its_definition),
        cmocka_unit_test(test_window_jumps),
        cmocka_unit_test(test_acks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
