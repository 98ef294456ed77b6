#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/sg-test-file.XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    return sg_remove_tree(folder);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void writes_atomically_and_reads_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    struct stat st;

    assert_int_equal(sg_file_write_atomic(in_folder("f"), SG_BYTES_LIT("first"), 0640), 0);
    assert_int_equal(sg_file_write_atomic(in_folder("f"), SG_BYTES_LIT("second"), 0600), 0);
    assert_int_equal(sg_file_read(in_folder("f"), &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES_LIT("second")));
    assert_int_equal(stat(in_folder("f"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sg_file_read("/proc/self/comm", &b), 0); /* a file that says size 0 */
    assert_true(b.len > 6);
}

static void a_file_over_the_maximum_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(3);
    assert_int_equal(sg_file_write_atomic(in_folder("g"), SG_BYTES_LIT("1234"), 0600), 0);
    assert_int_equal(sg_file_read(in_folder("g"), &b), -EFBIG);
    assert_int_equal(b.len, 0);
    assert_int_equal(sg_file_read("/proc/self/status", &b), -EFBIG);
    assert_int_equal(b.len, 0);
    assert_int_equal(sg_file_read(in_folder("absent"), &b), -ENOENT);
    assert_int_equal(sg_file_read(folder, &b), -EISDIR);
}

static void positions(void **state)
{
    (void)state;
    SG_CLOSE int fd = open(in_folder("p"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char got[4] = "";

    assert_true(fd >= 0);
    assert_int_equal(sg_pwrite_all(fd, SG_BYTES_LIT("abcd"), 4), 0);
    assert_int_equal(sg_pread_all(fd, got, 3, 5), 0);
    assert_memory_equal(got, "bcd", 3);
    assert_int_equal(sg_pread_all(fd, got, 4, 5), -EIO);
}

static void trees_are_made_and_removed_without_following_links(void **state)
{
    (void)state;
    char tree[300], inner[300], link[300], outside[300];

    snprintf(outside, sizeof(outside), "%s/outside", folder);
    snprintf(tree, sizeof(tree), "%s/tree", folder);
    snprintf(inner, sizeof(inner), "%s/tree/a/b/c", folder);
    snprintf(link, sizeof(link), "%s/tree/a/link", folder);
    assert_int_equal(sg_mkdir_p(outside, 0700), 0);
    assert_int_equal(sg_file_write_atomic(in_folder("outside/kept"), SG_BYTES_NONE, 0600), 0);
    assert_int_equal(sg_mkdir_p(inner, 0700), 0);
    assert_int_equal(sg_mkdir_p(inner, 0700), 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(sg_remove_tree(tree), 0);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(access(in_folder("outside/kept"), F_OK), 0);
    assert_int_equal(sg_remove_tree(tree), -ENOENT);
    assert_int_equal(sg_mkdir_p(in_folder("outside/kept"), 0700), -ENOTDIR);
}

/* The outcome of a report on standard output, which is the file at path. */
static int report_into(const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        fflush(stdout);
        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
            _exit(99);
        printf("before\n");
        _exit(-sg_file_write_report("-", SG_BYTES_LIT("{}")));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

static void reports_go_to_a_file_or_standard_output(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    assert_int_equal(sg_file_write_report(in_folder("report"), SG_BYTES_LIT("{}")), 0);
    assert_int_equal(sg_file_read(in_folder("report"), &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES_LIT("{}\n")));
    sg_buf_reset(&b);
    assert_int_equal(report_into(in_folder("stdout")), 0);
    assert_int_equal(sg_file_read(in_folder("stdout"), &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES_LIT("before\n{}\n")));
    assert_int_equal(report_into("/dev/full"), -ENOSPC);
    assert_int_equal(sg_file_write_report(in_folder("no/report"), SG_BYTES_LIT("{}")), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_atomically_and_reads_back),
        cmocka_unit_test(a_file_over_the_maximum_is_refused),
        cmocka_unit_test(positions),
        cmocka_unit_test(reports_go_to_a_file_or_standard_output),
        cmocka_unit_test(trees_are_made_and_removed_without_following_links),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
