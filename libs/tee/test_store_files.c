#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <sealgrid/base/file.h>
#include <sealgrid/tee/store-files.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testkit/intel.h"

static const int64_t at_s = 1800000000;
static char dir[64];
static struct tk_intel intel;
static unsigned n_broken;

static void path_of(const char *name, char ret[128])
{
    snprintf(ret, 128, "%s/%s", dir, name);
}

static void put(const char *name, struct sg_bytes b)
{
    char path[128];
    path_of(name, path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    snprintf(dir, sizeof dir, "/tmp/sg-test-store-files-XXXXXX");
    assert_non_null(mkdtemp(dir));
    char below[128];
    path_of("crl", below);
    assert_int_equal(sg_mkdir_p(below, 0700), 0);
    tk_intel_init(&intel, at_s);
    tk_intel_root_crl(&intel, NULL, 0, &b);
    put("crl/root.der", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    tk_intel_signer_chain(&intel, &b);
    put("chain.pem", sg_buf_bytes(&b));
    put("notes.txt", SG_BYTES_LIT("nothing of interest"));
    n_broken = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tk_intel_clear(&intel);
    return sg_remove_tree(dir);
}

static void count_broken(void *user, const char *path)
{
    assert_ptr_equal(user, &n_broken);
    assert_non_null(strstr(path, "broken"));
    n_broken++;
}

static struct sg_tee_store_counts read_all(void)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    struct sg_tee_store_counts n;
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    assert_int_equal(sg_tee_store_read(s, dir, count_broken, &n_broken), 0);
    sg_tee_store_count(s, &n);
    return n;
}

static void test_a_folder_and_what_is_below(void **state)
{
    (void)state;
    struct sg_tee_store_counts n = read_all();
    assert_int_equal(n.certificates, 2);
    assert_int_equal(n.crls, 1);
    assert_int_equal(n.roots, 0); /* a root certificate that lies there is none */
    assert_int_equal(n_broken, 0);
}

static void test_hidden_files_count_for_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    tk_intel_pck_crl(&intel, NULL, 0, &b);
    put(".pck.der", sg_buf_bytes(&b));
    put("pck.der.0123456789abcdef.tmp", sg_buf_bytes(&b)); /* its writer is not done */
    assert_int_equal(read_all().crls, 1);
    put("pck.der", sg_buf_bytes(&b));
    assert_int_equal(read_all().crls, 2);
}

static void test_broken_ones_are_told(void **state)
{
    (void)state;
    put("broken.pem", SG_BYTES_LIT("-----BEGIN CERTIFICATE-----\nMIIB\n"
                                   "-----END CERTIFICATE-----\n"));
    read_all();
    assert_int_equal(n_broken, 1);
}

static void test_a_folder_that_is_not_there_is_a_failure(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    uint8_t stamp[32];
    const char *const nowhere = "/nonexistent/collateral";
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    assert_int_equal(sg_tee_store_read(s, nowhere, NULL, NULL), -ENOENT);
    assert_int_equal(sg_tee_files_stamp(&nowhere, 1, stamp), -ENOENT);
}

static void stamp_now(uint8_t ret[32])
{
    const char *const paths[] = {dir};
    assert_int_equal(sg_tee_files_stamp(paths, 1, ret), 0);
}

static void test_every_change_changes_the_stamp(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    char from[128], to[128];
    stamp_now(a);
    stamp_now(b);
    assert_memory_equal(a, b, 32);
    put("new.txt", SG_BYTES_LIT("x"));
    stamp_now(b);
    assert_memory_not_equal(a, b, 32);
    path_of("new.txt", from);
    path_of("other.txt", to);
    assert_int_equal(rename(from, to), 0);
    stamp_now(a);
    assert_memory_not_equal(a, b, 32);
    put("other.txt", SG_BYTES_LIT("xy"));
    stamp_now(b);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(unlink(to), 0);
    stamp_now(a);
    assert_memory_not_equal(a, b, 32);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_folder_and_what_is_below),
        TEST(test_hidden_files_count_for_nothing),
        TEST(test_broken_ones_are_told),
        TEST(test_a_folder_that_is_not_there_is_a_failure),
        TEST(test_every_change_changes_the_stamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
