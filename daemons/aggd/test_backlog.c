/* The aggregator's backlog: memory, disk, kill -9, damage. */
#include "backlog.h"

#include <fcntl.h>
#include <glob.h>
#include <sealgrid/base/file.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

struct box {
    char dir[64];
    struct agg_backlog *b;
    struct agg_backlog_options o;
    struct sg_buf buf;
};

static uint64_t handle_of(void *user, struct sg_addr a)
{
    (void)user;
    return a.port;
}

static void reopen(struct box *x)
{
    agg_backlog_free(x->b); /* as a kill would: nothing is written here */
    x->b = NULL;
    assert_int_equal(agg_backlog_open(&x->b, &x->o, handle_of, x), 0);
}

static int setup(void **state)
{
    struct box *x = calloc(1, sizeof *x);
    assert_non_null(x);
    strcpy(x->dir, "/tmp/sg-backlog-XXXXXX");
    assert_non_null(mkdtemp(x->dir));
    x->o = (struct agg_backlog_options){.dir = x->dir,
                                        .memory_max = 4096,
                                        .disk_max = 1 << 20,
                                        .segment_bytes = 2048,
                                        .frames_max = 1000};
    x->buf = (struct sg_buf)SG_BUF_INIT(SG_FRAME_MAX);
    reopen(x);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct box *x = *state;
    agg_backlog_free(x->b);
    assert_int_equal(sg_remove_tree(x->dir), 0);
    sg_buf_clear(&x->buf);
    free(x);
    return 0;
}

/* A frame of one meter's session, told by its number; 100 octets of body. */
static int add(struct box *x, uint64_t seq, bool to_disk)
{
    uint8_t d[SG_FRAME_UPLINK_HEADER + 100] = {SG_FRAME_VERSION, SG_FRAME_UPLINK, 'c', 'i', 'd'};
    struct sg_frame f;
    sg_store_be64(d + 10, seq);
    memset(d + 18, (int)(seq & 0xff), 100);
    assert_int_equal(sg_frame_decode(SG_BYTES_ARRAY(d), &f), 0);
    return agg_backlog_add(x->b, 5, (struct sg_addr){{127, 0, 0, 1}, 5}, &f, to_disk);
}

/* Takes the next one and says which it is; 0: none. */
static uint64_t take(struct box *x, uint64_t *ret_number)
{
    struct agg_backlog_item item;
    struct sg_frame f;
    int r = agg_backlog_next(x->b, &x->buf, &item);
    if (r == AGG_BACKLOG_EMPTY)
        return 0;
    assert_int_equal(r, 0);
    assert_int_equal(item.handle, 5);
    assert_int_equal(sg_frame_decode(item.datagram, &f), 0);
    assert_int_equal(item.datagram.data[20], f.seq & 0xff);
    *ret_number = item.number;
    return f.seq;
}

static size_t segment_files(const struct box *x)
{
    char pattern[128];
    glob_t g;
    snprintf(pattern, sizeof pattern, "%s/*.seg", x->dir);
    size_t n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
    globfree(&g);
    return n;
}

/* Connection and number are in clear: a stranger's frame that bears them, come first, must not keep
 * the meter's out. */
static void test_attack_a_forged_frame_shadows_none(void **state)
{
    struct box *x = *state;
    uint8_t d[SG_FRAME_UPLINK_HEADER + 100] = {SG_FRAME_VERSION, SG_FRAME_UPLINK, 'c', 'i', 'd'};
    struct agg_backlog_item item;
    struct sg_frame forged;
    uint64_t n;
    sg_store_be64(d + 10, 1);
    memset(d + 18, 0xee, 100);
    assert_int_equal(sg_frame_decode(SG_BYTES_ARRAY(d), &forged), 0);
    assert_int_equal(agg_backlog_add(x->b, 9, (struct sg_addr){{10, 0, 0, 9}, 9}, &forged, true),
                     0);
    assert_int_equal(add(x, 1, true), 0);
    assert_int_equal(add(x, 1, true), AGG_BACKLOG_KNOWN);
    reopen(x);
    assert_int_equal(add(x, 1, true), AGG_BACKLOG_KNOWN);
    assert_int_equal(agg_backlog_next(x->b, &x->buf, &item), 0);
    assert_int_equal(item.handle, 9);
    assert_int_equal(take(x, &n), 1);
    assert_int_equal(take(x, &n), 0);
}

static void test_memory_only_while_the_uplink_is_up(void **state)
{
    struct box *x = *state;
    uint64_t n;
    assert_int_equal(add(x, 1, false), 0);
    assert_int_equal(add(x, 2, false), 0);
    assert_int_equal(segment_files(x), 0);
    assert_int_equal(add(x, 1, false), AGG_BACKLOG_KNOWN);
    assert_int_equal(take(x, &n), 1);
    assert_int_equal(add(x, 1, false), AGG_BACKLOG_KNOWN); /* still being worked on */
    agg_backlog_done(x->b, n);
    assert_int_equal(add(x, 1, false), 0); /* its acknowledgement was lost: forward again */
    assert_int_equal(take(x, &n), 2);
    assert_int_equal(take(x, &n), 1);
    assert_int_equal(take(x, &n), 0);
    assert_int_equal(agg_backlog_status(x->b).sent, 2);
}

static void test_full_memory_goes_to_disk(void **state)
{
    struct box *x = *state;
    uint64_t n;
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(add(x, i, false), 0);
    assert_in_range(agg_backlog_status(x->b).memory, 1, 4096);
    assert_true(segment_files(x) > 1);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(take(x, &n), i);
        agg_backlog_done(x->b, n);
    }
    assert_int_equal(segment_files(x), 0);
    assert_int_equal(agg_backlog_status(x->b).frames, 0);
    assert_int_equal(agg_backlog_status(x->b).memory, 0);
    assert_int_equal(agg_backlog_status(x->b).disk, 0);
}

static void test_survives_a_kill_while_the_uplink_is_down(void **state)
{
    struct box *x = *state;
    uint64_t n;
    for (uint64_t i = 1; i <= 50; i++)
        assert_int_equal(add(x, i, true), 0);
    reopen(x);
    assert_int_equal(agg_backlog_status(x->b).frames, 50);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(take(x, &n), i);
        agg_backlog_done(x->b, n);
    }
    reopen(x); /* done is not written down: what shares a segment with undone ones comes again */
    assert_in_range(agg_backlog_status(x->b).frames, 30, 50);
    uint64_t last = 0;
    for (uint64_t seq; (seq = take(x, &n)) != 0; last = seq)
        agg_backlog_done(x->b, n);
    assert_int_equal(last, 50);
    assert_int_equal(segment_files(x), 0);
}

static void test_lost_uplink_puts_everything_on_disk_in_order(void **state)
{
    struct box *x = *state;
    uint64_t n;
    for (uint64_t i = 1; i <= 10; i++)
        assert_int_equal(add(x, i, false), 0);
    for (uint64_t i = 1; i <= 4; i++)
        assert_int_equal(take(x, &n), i);
    agg_backlog_done(x->b, 2);
    assert_int_equal(agg_backlog_uplink_lost(x->b), 0);
    static const uint64_t left[] = {1, 3, 4, 5, 6, 7, 8, 9, 10};
    reopen(x);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(take(x, &n), left[i]);
    assert_int_equal(take(x, &n), 0);
}

static void test_bounds(void **state)
{
    struct box *x = *state;
    x->o.disk_max = 1000;
    reopen(x);
    int r = 0;
    uint64_t i = 0;
    while (r == 0 && i < 100)
        r = add(x, ++i, true);
    assert_int_equal(r, AGG_BACKLOG_FULL);
    assert_in_range(agg_backlog_status(x->b).disk, 800, 1000);
    x->o.disk_max = 1 << 20;
    x->o.frames_max = 3;
    x->o.memory_max = 1 << 20;
    assert_int_equal(sg_remove_tree(x->dir), 0);
    reopen(x);
    assert_int_equal(add(x, 1, false), 0);
    assert_int_equal(add(x, 2, false), 0);
    assert_int_equal(add(x, 3, false), 0);
    assert_int_equal(add(x, 4, false), AGG_BACKLOG_FULL);
}

static void first_segment(const struct box *x, char *path, size_t size)
{
    snprintf(path, size, "%s/00000001.seg", x->dir);
}

/* A record cut at any place by a crash: those before it stay. */
static void test_every_cut_of_the_last_record(void **state)
{
    struct box *x = *state;
    char path[128];
    struct stat st;
    first_segment(x, path, sizeof path);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(add(x, i, true), 0);
    assert_int_equal(stat(path, &st), 0);
    off_t record = st.st_size / 3;
    for (off_t cut = 1; cut < record; cut += 7) {
        assert_int_equal(truncate(path, st.st_size - cut), 0);
        reopen(x);
        assert_int_equal(agg_backlog_status(x->b).frames, 2);
        assert_int_equal(agg_backlog_status(x->b).damaged, 1);
    }
}

static void test_every_octet_of_a_record(void **state)
{
    struct box *x = *state;
    char path[128];
    struct stat st;
    uint8_t octet, flipped;
    first_segment(x, path, sizeof path);
    assert_int_equal(add(x, 1, true), 0);
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        /* Removing the last damaged record removes the file: write it anew each time. */
        assert_int_equal(sg_remove_tree(x->dir), 0);
        reopen(x);
        assert_int_equal(add(x, 1, true), 0);
        SG_CLOSE int fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        assert_int_equal(pread(fd, &octet, 1, at), 1);
        flipped = (uint8_t)(octet ^ 0x20);
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        reopen(x);
        assert_int_equal(agg_backlog_status(x->b).frames, 0);
    }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_attack_a_forged_frame_shadows_none),
        T(test_memory_only_while_the_uplink_is_up),
        T(test_full_memory_goes_to_disk),
        T(test_survives_a_kill_while_the_uplink_is_down),
        T(test_lost_uplink_puts_everything_on_disk_in_order),
        T(test_bounds),
        T(test_every_cut_of_the_last_record),
        T(test_every_octet_of_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
