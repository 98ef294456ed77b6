/* Gramine's attestation files imitated in a folder; where timing matters, the quote is a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "gramine-int.h"
#include "provider-attr-int.h"

#include <fcntl.h>
#include <pthread.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <sys/stat.h>

enum { QUOTE_LEN = 4600, REPORT_DATA_AT = 48 + 320 };

static char dir[64];
static uint8_t quote[QUOTE_LEN];
static const uint8_t wanted[SG_TEE_REPORT_DATA_LEN] = {9, 8, 7};

static void path_of(char ret[SG_ATTR_PATH_MAX], const char *name)
{
    assert_int_equal(sg_attr_path(ret, dir, name), 0);
}

static void put(const char *name, struct sg_bytes value)
{
    char path[SG_ATTR_PATH_MAX];
    path_of(path, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (value.len)
        assert_int_equal(fwrite(value.data, 1, value.len, f), value.len);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    char keys[SG_ATTR_PATH_MAX];
    (void)state;
    strcpy(dir, "/tmp/sg-test-gramine-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    path_of(keys, "keys");
    if (mkdir(keys, 0700) < 0)
        return -1;
    memset(quote, 0xab, sizeof quote);
    memcpy(quote + REPORT_DATA_AT, wanted, sizeof wanted);
    put("attestation_type", SG_BYTES_LIT("dcap"));
    put("user_report_data", SG_BYTES_NONE);
    put("quote", SG_BYTES_ARRAY(quote));
    put("keys/_sgx_mrenclave", SG_BYTES_LIT("0123456789abcdef"));
    put("keys/_sgx_mrsigner", SG_BYTES_LIT("fedcba9876543210"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return sg_remove_tree(dir);
}

static int get(struct sg_buf *ret)
{
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = NULL;
    assert_int_equal(sg_tee_provider_open(&p, "gramine", dir), 0);
    assert_int_equal(sg_tee_provider_kind(p), SG_TEE_SGX);
    return sg_tee_evidence(p, wanted, ret);
}

static int get_once(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    const int r = get(&b);
    assert_int_equal(b.len, r ? 0 : QUOTE_LEN);
    return r;
}

static void test_a_quote_over_the_report_data(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf asked = SG_BUF_INIT(128);
    assert_int_equal(get(&b), 0);
    assert_int_equal(b.len, QUOTE_LEN);
    assert_memory_equal(b.data, quote, QUOTE_LEN);
    assert_int_equal(sg_attr_read(dir, "user_report_data", &asked), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&asked), SG_BYTES_ARRAY(wanted)));
}

static void test_a_stale_quote_is_not_handed_out(void **state)
{
    (void)state;
    quote[REPORT_DATA_AT + 63] ^= 1;
    put("quote", SG_BYTES_ARRAY(quote));
    assert_int_equal(get_once(), -EBADMSG);
}

static void test_quotes_too_short_and_too_long(void **state)
{
    (void)state;
    static uint8_t long_one[SG_TEE_EVIDENCE_MAX + 1];
    put("quote", SG_BYTES(quote, REPORT_DATA_AT + 63));
    assert_int_equal(get_once(), -EBADMSG);
    put("quote", SG_BYTES_NONE);
    assert_int_equal(get_once(), -EBADMSG);
    put("quote", SG_BYTES_ARRAY(long_one));
    assert_int_equal(get_once(), -EFBIG);
}

static void remove_file(const char *name)
{
    char path[SG_ATTR_PATH_MAX];
    path_of(path, name);
    assert_int_equal(unlink(path), 0);
}

static void test_files_that_are_not_there(void **state)
{
    (void)state;
    struct sg_tee_provider *p = NULL;
    remove_file("quote");
    assert_int_equal(get_once(), -ENOENT);
    remove_file("user_report_data"); /* never made by us: it is the library OS's */
    assert_int_equal(get_once(), -ENOENT);
    remove_file("attestation_type");
    assert_int_equal(sg_tee_provider_open(&p, "gramine", dir), -ENOENT);
    assert_null(p);
}

static void test_gramine_without_dcap(void **state)
{
    (void)state;
    static const char *const others[] = {"none", "epid", "dcap2", ""};
    struct sg_tee_provider *p = NULL;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        put("attestation_type", sg_bytes_str(others[i]));
        assert_int_equal(sg_tee_provider_open(&p, "gramine", dir), -ENOTSUP);
    }
    put("attestation_type", SG_BYTES_LIT("dcap\n"));
    assert_int_equal(get_once(), 0);
}

/* Octet by octet, as slowly as a reader can be made to wait without a clock. */
static void *feed(void *path)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof quote; i += 100)
        if (write(fd, quote + i, 100) != 100)
            break;
    close(fd);
    return NULL;
}

static void test_a_quote_that_comes_in_pieces(void **state)
{
    (void)state;
    char path[SG_ATTR_PATH_MAX];
    pthread_t feeder;
    remove_file("quote");
    path_of(path, "quote");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&feeder, NULL, feed, path), 0);
    assert_int_equal(get_once(), 0);
    assert_int_equal(pthread_join(feeder, NULL), 0);
}

static void take_key(enum sg_tee_seal policy, const char *label, uint8_t ret[32])
{
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = NULL;
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = {0};
    assert_int_equal(sg_tee_provider_open(&p, "gramine", dir), 0);
    assert_int_equal(sg_tee_sealing_key(p, policy, label, &key), 0);
    assert_int_equal(key.len, 32);
    memcpy(ret, key.data, 32);
}

static void test_sealing_keys(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    take_key(SG_TEE_SEAL_MEASUREMENT, "state", a);
    take_key(SG_TEE_SEAL_MEASUREMENT, "state", b);
    assert_memory_equal(a, b, 32);
    take_key(SG_TEE_SEAL_MEASUREMENT, "other", b);
    assert_memory_not_equal(a, b, 32);
    take_key(SG_TEE_SEAL_PLATFORM, "state", b);
    assert_memory_not_equal(a, b, 32);
    /* Not the processor's key itself, and bound to what it is for even if both were the same. */
    put("keys/_sgx_mrsigner", SG_BYTES_LIT("0123456789abcdef"));
    take_key(SG_TEE_SEAL_PLATFORM, "state", b);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, "0123456789abcdef", 16);
}

static void test_seal_keys_of_the_wrong_length(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = NULL;
    struct sg_secret key = {0};
    assert_int_equal(sg_tee_provider_open(&p, "gramine", dir), 0);
    put("keys/_sgx_mrenclave", SG_BYTES_LIT("0123456789abcde"));
    assert_int_equal(sg_tee_sealing_key(p, SG_TEE_SEAL_MEASUREMENT, "x", &key), -EBADMSG);
    remove_file("keys/_sgx_mrenclave");
    assert_int_equal(sg_tee_sealing_key(p, SG_TEE_SEAL_MEASUREMENT, "x", &key), -ENOENT);
    assert_null(key.data);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_quote_over_the_report_data),
        TEST(test_a_stale_quote_is_not_handed_out),
        TEST(test_quotes_too_short_and_too_long),
        TEST(test_files_that_are_not_there),
        TEST(test_gramine_without_dcap),
        TEST(test_a_quote_that_comes_in_pieces),
        TEST(test_sealing_keys),
        TEST(test_seal_keys_of_the_wrong_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
