#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "event-log-int.h"
#include "testkit/tpm.h"

#include <sealgrid/base/cleanup.h>

static int replay(const struct sg_buf *log, unsigned bank, struct sg_event_log_pcrs *ret)
{
    return sg_event_log_replay(sg_buf_bytes(log), bank, ret);
}

static void test_events_extend_their_pcr(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(4096);
    struct tk_tpm t = {0};
    struct sg_event_log_pcrs p;
    tk_log_start(&log);
    tk_log_event(&t, 0, 8, "a", &log);
    tk_log_event(&t, 23, 0x0d, "b", &log);
    tk_log_event(&t, 0, 4, "", &log);
    tk_log_event(&t, 5, 3, "no action", &log);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA256, &p), 0);
    assert_int_equal(p.extended, 0x800001);
    assert_int_equal(p.n_events, 4);
    assert_memory_equal(p.value[0], t.pcr[0], 32);
    assert_memory_equal(p.value[23], t.pcr[23], 32);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA1, &p), 0);
    assert_int_equal(p.digest_len, 20);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA384, &p), SG_EVENT_LOG_NO_BANK);
}

static void test_pcr_0_starts_at_the_locality_of_startup(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(4096);
    static const uint8_t locality[17] = "StartupLocality\0\x03";
    struct tk_tpm t = {.pcr[0][31] = 3};
    struct sg_event_log_pcrs p;
    tk_log_start(&log);
    tk_log_event(&t, 0, 3, "0123456789abcdef0", &log);
    memcpy(log.data + log.len - 17, locality, 17);
    tk_log_event(&t, 0, 8, "firmware", &log);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA256, &p), 0);
    assert_memory_equal(p.value[0], t.pcr[0], 32);
    /* Too late once something was extended. */
    tk_log_event(&t, 0, 3, "0123456789abcdef0", &log);
    memcpy(log.data + log.len - 17, locality, 17);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA256, &p), 0);
    assert_memory_equal(p.value[0], t.pcr[0], 32);
}

static void test_a_log_without_a_header_is_of_sha1(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(4096);
    struct sg_event_log_pcrs p;
    /* By another SHA-1: x = H(20 zeros || H("a")), then H(x || H("b")). */
    static const uint8_t wanted[20] = {0x2d, 0xd4, 0xf0, 0x6b, 0x1a, 0xe3, 0x46, 0x39, 0xd1, 0xcc,
                                       0x39, 0x31, 0x62, 0x83, 0xc6, 0xcb, 0xfd, 0xf0, 0xdc, 0x82};
    tk_log_old_event(2, 8, "a", &log);
    tk_log_old_event(2, 8, "b", &log);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA1, &p), 0);
    assert_int_equal(p.extended, 4);
    assert_int_equal(p.n_events, 2);
    assert_memory_equal(p.value[2], wanted, sizeof wanted);
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA256, &p), SG_EVENT_LOG_NO_BANK);
}

static void test_cut_inside_an_event_it_is_broken(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(4096);
    struct tk_tpm t = {0};
    struct sg_event_log_pcrs p = {.n_events = 77};
    tk_log_start(&log);
    const size_t header = log.len;
    tk_log_event(&t, 0, 8, "a", &log);
    const size_t whole = log.len;
    for (log.len = 0; log.len < whole; log.len++)
        if (log.len != header)
            assert_int_equal(replay(&log, SG_TPM_ALG_SHA256, &p), SG_EVENT_LOG_BROKEN);
    assert_int_equal(p.n_events, 77); /* untouched on failure */
}

static void test_what_does_not_fit_the_header_is_broken(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(4096);
    struct tk_tpm t = {0};
    struct sg_event_log_pcrs p;
    tk_log_start(&log);
    const size_t header = log.len;
    tk_log_event(&t, 0, 8, "a", &log);
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {header, 24},        /* a PCR that does not exist */
        {header + 8, 1},     /* a digest short */
        {header + 8, 3},     /* one too many */
        {header + 12, 0x0b}, /* the same bank twice */
        {header + 12, 0x0c}, /* a bank that the header does not have */
        {56, 0},             /* no banks */
        {56, 9},             /* more than can be */
        {62, 21},            /* SHA-1 of 21 octets */
        {64, 4},             /* a bank twice in the header */
        {header - 1, 1},     /* vendor information that is not there */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const uint8_t before = log.data[wrong[i].at];
        assert_int_not_equal(before, wrong[i].value);
        log.data[wrong[i].at] = wrong[i].value;
        if (replay(&log, SG_TPM_ALG_SHA256, &p) != SG_EVENT_LOG_BROKEN)
            fail_msg("octet %zu as %u is taken", wrong[i].at, wrong[i].value);
        log.data[wrong[i].at] = before;
    }
    assert_int_equal(replay(&log, SG_TPM_ALG_SHA256, &p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_extend_their_pcr),
        cmocka_unit_test(test_pcr_0_starts_at_the_locality_of_startup),
        cmocka_unit_test(test_a_log_without_a_header_is_of_sha1),
        cmocka_unit_test(test_cut_inside_an_event_it_is_broken),
        cmocka_unit_test(test_what_does_not_fit_the_header_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
