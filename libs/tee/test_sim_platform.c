#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>
#include <sealgrid/base/file.h>

#include <stdio.h>
#include <sys/stat.h>

#include "sim-int.h"

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sg-test-platform-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return sg_remove_tree(dir);
}

static unsigned mode_of(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void test_create_writes_a_matching_pair(void **state)
{
    (void)state;
    SG_CLEANUP(sg_key_freep) struct sg_key *priv = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *pub = NULL;
    uint8_t a[SG_SIM_PLATFORM_ID_LEN], b[SG_SIM_PLATFORM_ID_LEN];
    assert_int_equal(sg_sim_platform_create(dir), 0);
    assert_int_equal(sg_sim_platform_private(dir, &priv), 0);
    assert_int_equal(sg_sim_platform_public(dir, &pub), 0);
    assert_false(sg_key_is_private(pub));
    assert_int_equal(sg_sim_platform_id(priv, a), 0);
    assert_int_equal(sg_sim_platform_id(pub, b), 0);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(mode_of("platform.key"), 0600);
    assert_int_equal(mode_of("sealing.key"), 0600);
}

static void test_the_folder_warns(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4096);
    char path[128];
    snprintf(path, sizeof path, "%s/README.txt", dir);
    assert_int_equal(sg_sim_platform_create(dir), 0);
    assert_int_equal(sg_file_read(path, &text), 0);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
    assert_non_null(strstr((char *)text.data, "protects nobody"));
}

static void test_a_second_create_changes_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret before = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret after = SG_SECRET_INIT;
    assert_int_equal(sg_sim_platform_create(dir), 0);
    assert_int_equal(sg_sim_platform_sealing(dir, &before), 0);
    assert_int_equal(sg_sim_platform_create(dir), 0);
    assert_int_equal(sg_sim_platform_sealing(dir, &after), 0);
    assert_true(sg_secret_equal(sg_secret_bytes(&before), sg_secret_bytes(&after)));
}

static void test_absent_platform_is_a_failure(void **state)
{
    (void)state;
    struct sg_key *none = NULL;
    assert_int_equal(sg_sim_platform_public(dir, &none), -ENOENT);
    assert_null(none);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_writes_a_matching_pair),
        TEST(test_the_folder_warns),
        TEST(test_a_second_create_changes_nothing),
        TEST(test_absent_platform_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
