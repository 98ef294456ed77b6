/* sync: every file is synced and each failure is told of the right one; room that is reserved. */
#include "cmocka-int.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>

#include "io-int.h"

static char folder[] = "/tmp/sealgrid-test-sync-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return sg_remove_tree(folder);
}

/* Runs of all sizes after each other, a descriptor in each that cannot be synced. */
static void test_failures_are_told(void **state)
{
    (void)state;
    SG_CLEANUP(sg_syncer_freep) struct sg_syncer *s = NULL;
    SG_CLOSE int good = open(folder, O_RDONLY | O_CLOEXEC);
    assert_true(good >= 0);
    assert_int_equal(sg_syncer_new(&s), 0);
    for (size_t turn = 0; turn < 200; turn++) {
        int fds[SG_SYNC_MAX], r[SG_SYNC_MAX];
        size_t n = turn % (SG_SYNC_MAX + 1), bad = turn % 5;
        for (size_t i = 0; i < SG_SYNC_MAX; i++) {
            fds[i] = i == bad ? -1 : good;
            r[i] = 1;
        }
        sg_syncer_run(s, fds, n, r);
        for (size_t i = 0; i < SG_SYNC_MAX; i++)
            assert_int_equal(r[i], i >= n ? 1 : i == bad ? -EBADF : 0);
    }
}

static int refuse_second(void *user, enum sg_io_op op, const char *path)
{
    size_t *asked = user;
    size_t len = strlen(path);
    if (op != SG_IO_SYNC)
        return 0;
    ++*asked;
    return path[len - 1] == '1' ? -EIO : 0;
}

static void test_hook_decides(void **state)
{
    (void)state;
    SG_CLEANUP(sg_syncer_freep) struct sg_syncer *s = NULL;
    struct sg_io_file f[3] = {SG_IO_FILE_NONE, SG_IO_FILE_NONE, SG_IO_FILE_NONE};
    size_t asked = 0;
    int r[3];
    assert_int_equal(sg_syncer_new(&s), 0);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof(name), "h%d", i);
        assert_int_equal(sg_io_create(&f[i], folder, name), 0);
    }
    sg_io_set_hook(&(struct sg_io_hook){.before = refuse_second, .user = &asked});
    sg_io_sync_all(f, 3, s, r);
    sg_io_set_hook(NULL);
    assert_int_equal(asked, 3);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], -EIO);
    assert_int_equal(r[2], 0);
    for (int i = 0; i < 3; i++)
        sg_io_close(&f[i]);
}

static void test_room_is_given_back(void **state)
{
    (void)state;
    struct sg_io_file f = SG_IO_FILE_NONE;
    struct sg_bytes part = SG_BYTES_LIT("a record");
    struct stat st;
    char path[512];
    assert_int_equal(sg_io_create(&f, folder, "room"), 0);
    for (int i = 0; i < 3; i++) {
        sg_io_reserve(&f, part.len);
        assert_int_equal(sg_io_append(&f, &part, 1), 0);
    }
    assert_int_equal(fstat(f.fd, &st), 0);
    assert_int_equal(st.st_size, 3 * part.len); /* readers see nothing of it */
    snprintf(path, sizeof(path), "%s", f.path);
    sg_io_close(&f);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3 * part.len);
    assert_true(st.st_blocks * 512 <= 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_are_told),
        cmocka_unit_test(test_hook_decides),
        cmocka_unit_test(test_room_is_given_back),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
