/* journal: damage, torn ends, void records, and what an adversary may do to its files. */
#include "store-fixture-int.h"

#include <dirent.h>
#include <fcntl.h>

#include "journal-int.h"

#define SITES 3

struct bench {
    char root[64];
    struct sg_journal_site sites[SITES];
    struct sg_journal j;
    char files[SITES][8][320];
    size_t n_files[SITES];
};

static const uint8_t store_id[SG_STORE_ID_LEN] = "the store";
static const uint8_t key[32] = {9};

static int setup(void **state)
{
    struct bench *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    strcpy(t->root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/sealgrid-test-XXXXXX"
                                                  : "/tmp/sealgrid-test-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    for (unsigned i = 0; i < SITES; i++) {
        t->sites[i].slot = i;
        snprintf(t->sites[i].folder, sizeof(t->sites[i].folder), "%s/%u", t->root, i);
        assert_int_equal(sg_mkdir_p(t->sites[i].folder, 0700), 0);
    }
    assert_int_equal(sg_journal_init(&t->j, SG_BYTES_ARRAY(key), store_id), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct bench *t = *state;
    sg_journal_clear(&t->j);
    assert_int_equal(sg_remove_tree(t->root), 0);
    free(t);
    return 0;
}

static void begin(struct bench *t)
{
    assert_int_equal(sg_journal_begin(&t->j, t->sites, SITES), 0);
}

/* Records say their number and have different lengths. */
static void append(struct bench *t, int n)
{
    for (int i = 0; i < n; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "record %llu%.*s", (unsigned long long)t->j.seq + 1,
                           i % 7, "......");
        struct sg_bytes part = SG_BYTES(text, (size_t)len);
        assert_int_equal(sg_journal_append(&t->j, &part, 1), 0);
    }
}

static int take(void *user, uint64_t seq, struct sg_bytes payload)
{
    char want[32];
    uint64_t *next = user;
    assert_int_equal(seq, *next);
    ++*next;
    int len = snprintf(want, sizeof(want), "record %llu", (unsigned long long)seq);
    assert_true(payload.len >= (size_t)len);
    assert_memory_equal(payload.data, want, (size_t)len);
    return 0;
}

/* Reads all from record `first` on; returns the last. */
static uint64_t read_all(struct bench *t, uint64_t first, struct sg_journal_scan *scan)
{
    assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, false, take, &first, scan), 0);
    return first - 1;
}

static void list(struct bench *t)
{
    for (int i = 0; i < SITES; i++) {
        DIR *d = opendir(t->sites[i].folder);
        assert_non_null(d);
        t->n_files[i] = 0;
        for (struct dirent *e; (e = readdir(d));)
            if (e->d_name[0] != '.')
                snprintf(t->files[i][t->n_files[i]++], 320, "%.250s/%.60s", t->sites[i].folder,
                         e->d_name);
        closedir(d);
    }
}

static void flip(const char *path, off_t at)
{
    uint8_t octet;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &octet, 1, at), 1);
    octet ^= 1;
    assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    close(fd);
}

static off_t length(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void test_reads_back(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    for (int segment = 0; segment < 3; segment++) {
        begin(t);
        append(t, 10);
    }
    begin(t);
    assert_int_equal(read_all(t, 1, &scan), 30);
    assert_int_equal(scan.run_first, 1);
    assert_memory_equal(scan.mac, t->j.mac, sizeof(scan.mac));
    assert_int_equal(sg_journal_cut(&t->j, 19), 0);
    assert_int_equal(read_all(t, 11, &scan), 30);
    assert_int_equal(scan.run_first, 11);
}

static void test_any_octet_of_one_copy(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    begin(t);
    append(t, 6);
    list(t);
    for (off_t at = 0; at < length(t->files[1][0]); at++) {
        flip(t->files[1][0], at);
        assert_int_equal(read_all(t, 1, &scan), 6);
        assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, true, NULL, NULL, &scan), 0);
        assert_int_equal(scan.damage[0] + scan.damage[2], 0);
        assert_true(scan.damage[1] > 0);
        flip(t->files[1][0], at);
    }
}

/* Different records bad on different volumes: each is taken from where it is good. */
static void test_damage_on_all_copies(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    begin(t);
    append(t, 9);
    list(t);
    off_t third = length(t->files[0][0]) / 3;
    flip(t->files[0][0], third / 2 + 60);
    flip(t->files[1][0], third);
    flip(t->files[2][0], 2 * third);
    assert_int_equal(read_all(t, 1, &scan), 9);
}

static void test_torn_end(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    begin(t);
    append(t, 5);
    list(t);
    off_t whole = length(t->files[0][0]);
    append(t, 1);
    off_t end = length(t->files[0][0]);
    for (off_t cut = end - 1; cut >= whole; cut--) {
        for (int i = 0; i < SITES; i++)
            assert_int_equal(truncate(t->files[i][0], cut), 0);
        assert_int_equal(read_all(t, 1, &scan), 5);
        assert_int_equal(scan.damage[0] + scan.damage[1] + scan.damage[2], 0);
    }
}

/* The same where the length reached the disk and the octets did not, on one copy, two, all: zeros
 * of any number are an end like any other; a record that one copy has is not lost to them. */
static void test_end_in_reserved_room(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    begin(t);
    append(t, 5);
    list(t);
    off_t whole = length(t->files[0][0]);
    append(t, 1);
    off_t end = length(t->files[0][0]);
    for (int copies = 1; copies <= SITES; copies++) {
        assert_int_equal(truncate(t->files[copies - 1][0], whole), 0);
        for (off_t to = whole + 1; to <= end + 5000; to += to < end + 2 ? 1 : 997) {
            assert_int_equal(truncate(t->files[copies - 1][0], to), 0);
            assert_int_equal(read_all(t, 1, &scan), copies == SITES ? 5 : 6);
            assert_int_equal(scan.damage[SITES - 1], 0);
        }
    }
    assert_int_equal(scan.damage[0] + scan.damage[1] + scan.damage[2], 0);
}

static void test_lost_copies(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    begin(t);
    append(t, 5);
    list(t);
    assert_int_equal(unlink(t->files[0][0]), 0);
    assert_int_equal(truncate(t->files[1][0], 100), 0);
    assert_int_equal(read_all(t, 1, &scan), 5);
}

/* A dropped segment in the middle shows: the unbroken run begins after it. */
static void test_dropped_segment(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    uint64_t next = 1;
    for (int segment = 0; segment < 3; segment++) {
        begin(t);
        append(t, 4);
    }
    for (size_t c = 0; c < t->j.segments[1].n_copies; c++)
        assert_int_equal(unlink(t->j.segments[1].paths[c]), 0);
    assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, false, NULL, &next, &scan), 0);
    assert_int_equal(scan.run_first, 9);
    assert_int_equal(scan.last, 12);
}

static void rename_all(struct bench *t, size_t segment, const char *leaf)
{
    for (size_t c = 0; c < t->j.segments[segment].n_copies; c++) {
        char to[400];
        const char *from = t->j.segments[segment].paths[c];
        snprintf(to, sizeof(to), "%.*s/%s", (int)(strrchr(from, '/') - from), from, leaf);
        assert_int_equal(rename(from, to), 0);
    }
}

/* A segment under another's name is not believed, and does not end the one before it. */
static void test_renamed_segment(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    uint64_t next = 1;
    begin(t);
    append(t, 4);
    begin(t);
    append(t, 4);
    rename_all(t, 1, "0000000000000003.7fffffffffffffff");
    assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, false, take, &next, &scan), 0);
    assert_int_equal(scan.last, 4);
    assert_true(scan.era < 0x7fffffffffffffff);
    assert_true(scan.damage[0] > 0);
}

/* A failed append: half of it may be on disk.  What follows takes its number. */
struct failing {
    int countdown;
};

static int fail_write(void *user, enum sg_io_op op, const char *path)
{
    struct failing *f = user;
    (void)path;
    return op == SG_IO_SYNC && f->countdown-- > 0 ? -EIO : 0;
}

static void test_void_record(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    struct failing failing = {.countdown = 2};
    const struct sg_io_hook hook = {fail_write, &failing};
    struct sg_bytes part = SG_BYTES_LIT("void, though whole on every volume");
    begin(t);
    append(t, 3);
    sg_io_set_hook(&hook);
    assert_int_equal(sg_journal_append(&t->j, &part, 1), -EIO);
    sg_io_set_hook(NULL);
    assert_int_equal(t->j.seq, 3);
    begin(t);
    append(t, 3);
    assert_int_equal(read_all(t, 1, &scan), 6);
    assert_int_equal(scan.run_first, 1);
}

/* A void record whose segment was away while its number was taken by another one, long since cut:
 * the next segment tells which of the two came before it. */
static void test_void_record_comes_back(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    char away[400];
    begin(t);
    append(t, 3);
    memcpy(mac, t->j.mac, sizeof(mac));
    append(t, 1);
    list(t);
    snprintf(away, sizeof(away), "%s/away", t->root);
    assert_int_equal(rename(t->files[0][0], away), 0);
    assert_int_equal(unlink(t->files[1][0]), 0);
    assert_int_equal(unlink(t->files[2][0]), 0);
    t->j.seq = 3;
    memcpy(t->j.mac, mac, sizeof(mac));
    struct sg_bytes part = SG_BYTES_LIT("the fourth record that counts");
    assert_int_equal(sg_journal_begin(&t->j, t->sites + 1, 2), 0);
    assert_int_equal(sg_journal_append(&t->j, &part, 1), 0);
    assert_int_equal(sg_journal_begin(&t->j, t->sites + 1, 2), 0);
    assert_int_equal(sg_journal_cut(&t->j, 4), 0);
    append(t, 2);
    assert_int_equal(rename(away, t->files[0][0]), 0);
    assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, false, NULL, NULL, &scan), 0);
    assert_int_equal(scan.run_first, 5);
    assert_int_equal(scan.last, 6);
    assert_memory_equal(scan.mac, t->j.mac, sizeof(scan.mac));
}

static void test_one_copy_fails(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    struct failing failing = {.countdown = 1};
    const struct sg_io_hook hook = {fail_write, &failing};
    begin(t);
    sg_io_set_hook(&hook);
    append(t, 1);
    sg_io_set_hook(NULL);
    assert_int_equal(__builtin_popcountll(t->j.failed), 1);
    append(t, 1);
    assert_int_equal(read_all(t, 1, &scan), 2);
}

/* Records of another store, or under another key, are not ours. */
static void test_foreign_segment(void **state)
{
    struct bench *t = *state;
    struct sg_journal_scan scan;
    uint64_t next = 1;
    begin(t);
    append(t, 4);
    t->j.store_id[0] ^= 1;
    assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, false, take, &next, &scan), 0);
    assert_int_equal(scan.last, 0);
    assert_int_equal(scan.damage[0] + scan.damage[1] + scan.damage[2], 3);
    t->j.store_id[0] ^= 1;
    t->j.key.data[0] ^= 1;
    assert_int_equal(sg_journal_read(&t->j, t->sites, SITES, false, take, &next, &scan), 0);
    assert_int_equal(scan.last, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reads_back),           TEST(test_any_octet_of_one_copy),
        TEST(test_damage_on_all_copies), TEST(test_torn_end),
        TEST(test_end_in_reserved_room), TEST(test_lost_copies),
        TEST(test_dropped_segment),      TEST(test_renamed_segment),
        TEST(test_void_record),          TEST(test_void_record_comes_back),
        TEST(test_one_copy_fails),       TEST(test_foreign_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
