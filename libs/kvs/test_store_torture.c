/*
 * store, torture: the n-th operation on its files fails, for every n; the machine stops between any
 * two of them (the volumes are copied there and opened as they are); the n-th allocation fails.
 * Always: what was acknowledged is there, what was not is there whole or not at all.
 */
#include "store-fixture-int.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/wait.h>

#include "io-int.h"

#define BATCHES   14
#define ROWS_EACH 5

/* Batch b puts rows 0..4 of partition b % 3 in two tables, revision b: so it must be seen whole. */
static int write_batch(struct sg_kv *kv, int b)
{
    struct fixture_row rows[2 * ROWS_EACH];
    struct sg_kv_op ops[2 * ROWS_EACH];
    for (int i = 0; i < 2 * ROWS_EACH; i++) {
        ops[i] = (struct sg_kv_op){.kind = SG_KV_PUT};
        ops[i].key = fixture_row(&rows[i], i < ROWS_EACH ? 20 : 21, b % 3, i % ROWS_EACH, b);
        ops[i].value = SG_BYTES(rows[i].value, rows[i].value_len);
    }
    return sg_kv_batch(kv, "metering", ops, 2 * ROWS_EACH, NULL);
}

static bool batch_is_whole(struct sg_kv *kv, int b)
{
    for (int i = 0; i < ROWS_EACH; i++)
        if (!fixture_has(kv, 20, b % 3, i, b) || !fixture_has(kv, 21, b % 3, i, b))
            return false;
    return true;
}

/* acked: bit per batch.  Each partition shows its last acknowledged batch or a later one. */
static void expect_acked(struct sg_kv *kv, uint32_t acked, int n_tried)
{
    for (int p = 0; p < 3; p++) {
        int last = -1, seen = -1;
        for (int b = p; b < n_tried; b += 3) {
            if (acked >> b & 1)
                last = b;
            if (batch_is_whole(kv, b))
                seen = b;
        }
        if (seen < last)
            print_error("partition %d: batch %d acknowledged, %d seen\n", p, last, seen);
        assert_true(seen >= last);
        if (seen < 0) {
            assert_int_equal(fixture_count(kv, 20, p), 0);
            assert_int_equal(fixture_count(kv, 21, p), 0);
        }
    }
}

/* Failing operations. */

struct failing {
    int countdown, length;
    long done;
};

static int fail_some(void *user, enum sg_io_op op, const char *path)
{
    struct failing *f = user;
    (void)op;
    (void)path;
    f->done++;
    f->countdown--;
    return f->countdown <= 0 && f->countdown > -f->length ? -ENOSPC : 0;
}

static uint32_t workload(struct fixture *f)
{
    uint32_t acked = 0;
    for (int b = 0; b < BATCHES; b++) {
        if (write_batch(f->kv, b) == 0)
            acked |= 1u << b;
        if (b % 5 == 4 && sg_store_checkpoint(f->store) < 0)
            continue; /* the journal keeps everything then */
    }
    return acked;
}

/* Returns false when n is past the workload's end. */
static bool fail_nth(int n, int length)
{
    struct fixture f;
    struct failing failing = {.countdown = n, .length = length};
    const struct sg_io_hook hook = {fail_some, &failing};
    fixture_init(&f, 3);
    fixture_open(&f);
    sg_io_set_hook(&hook);
    uint32_t acked = workload(&f);
    sg_io_set_hook(NULL);
    expect_acked(f.kv, acked, BATCHES);
    fixture_close(&f);
    fixture_open(&f);
    expect_acked(f.kv, acked, BATCHES);
    assert_int_equal(write_batch(f.kv, 0), 0);
    bool reached = failing.countdown <= 0;
    if (length == 1)
        assert_true(__builtin_popcount(acked) >= BATCHES - 2);
    fixture_clear(&f);
    return reached;
}

static void test_one_operation_fails(void **state)
{
    (void)state;
    int n = 1;
    while (fail_nth(n, 1))
        n += n < 40 ? 1 : 3;
    assert_true(n > 60);
}

static void test_disk_full_for_a_while(void **state)
{
    (void)state;
    for (int n = 1; fail_nth(n, 12); n += 5)
        ;
}

/* Crashes. */

struct crash {
    struct fixture *f;
    int countdown;
    uint32_t acked, acked_then;
    int tried, tried_then;
    bool taken;
};

static void copy_tree(const char *from, const char *to)
{
    pid_t child = vfork();
    if (child == 0) {
        execlp("cp", "cp", "-a", from, to, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int crash_here(void *user, enum sg_io_op op, const char *path)
{
    struct crash *c = user;
    char copy[128];
    (void)op;
    (void)path;
    if (--c->countdown != 0)
        return 0;
    snprintf(copy, sizeof(copy), "%s.crash", c->f->root);
    copy_tree(c->f->root, copy);
    c->acked_then = c->acked;
    c->tried_then = c->tried;
    c->taken = true;
    return 0;
}

/* Of the volumes as they were at the crash; borrows from both. */
static void at_crash(const struct fixture *f, struct fixture *ret)
{
    *ret = *f;
    snprintf(ret->root, sizeof(ret->root), "%.50s.crash", f->root);
    for (size_t i = 0; i < 3; i++) {
        snprintf(ret->paths[i], sizeof(ret->paths[i]), "%.60s/v%zu", ret->root, i);
        ret->volumes[i] = ret->paths[i];
    }
    for (size_t i = 0; i < 2; i++)
        ret->buckets[i].keks = f->keks;
    ret->options.volumes = ret->volumes;
}

static void open_crashed(struct fixture *f, struct crash *c)
{
    struct fixture after;
    at_crash(f, &after);
    fixture_open(&after);
    expect_acked(after.kv, c->acked_then, c->tried_then + 1);
    assert_int_equal(write_batch(after.kv, 1), 0);
    struct sg_store_status st;
    sg_store_status(after.store, &st);
    assert_int_equal(st.online, 3);
    fixture_clear(&after);
}

/* Until the hook, which is told of c, has taken a copy. */
static bool run_to_crash(struct fixture *f, struct crash *c, const struct sg_io_hook *hook)
{
    c->f = f;
    fixture_init(f, 3);
    fixture_open(f);
    sg_io_set_hook(hook);
    for (int b = 0; b < BATCHES && !c->taken; b++) {
        c->tried = b;
        if (write_batch(f->kv, b) == 0)
            c->acked |= 1u << b;
        if (b % 5 == 4)
            assert_int_equal(sg_store_checkpoint(f->store), 0);
    }
    sg_io_set_hook(NULL);
    fixture_clear(f);
    if (c->taken)
        open_crashed(f, c);
    return c->taken;
}

static bool crash_at(int n)
{
    struct fixture f;
    struct crash c = {.countdown = n};
    return run_to_crash(&f, &c, &(struct sg_io_hook){crash_here, &c});
}

static void test_crash_between_any_two_operations(void **state)
{
    (void)state;
    int n = 1;
    while (crash_at(n))
        n += n < 30 ? 1 : 2;
    assert_true(n > 60);
}

/* As a crash, but the power goes too: of the journals there is what was synced, and of what was not
 * nothing, zeros (room reserved for it), or all. */
enum cut { CUT_OFF, CUT_TO_ZEROS, CUT_NOTHING, CUT_EACH_OTHERWISE };

struct power {
    struct crash c;
    enum cut cut;
    struct journal_file {
        char path[320];
        off_t asked, synced;
    } files[64];
    size_t n;
};

static struct journal_file *file_of(struct power *w, const char *path)
{
    size_t i = 0;
    while (i < w->n && strcmp(w->files[i].path, path) != 0)
        i++;
    if (i == w->n) {
        assert_true(w->n < 64);
        w->files[w->n++] = (struct journal_file){.asked = 0};
        snprintf(w->files[i].path, sizeof(w->files[i].path), "%s", path);
    }
    return &w->files[i];
}

/* A sync that was asked for is done once anything else is; several are asked for together. */
static void note_operation(struct power *w, enum sg_io_op op, const char *path)
{
    struct stat st;
    if (op == SG_IO_SYNC) {
        assert_int_equal(stat(path, &st), 0);
        file_of(w, path)->asked = st.st_size;
        return;
    }
    for (size_t i = 0; i < w->n; i++)
        w->files[i].synced = w->files[i].asked;
}

static void cut_file(const struct power *w, const struct journal_file *file, enum cut cut)
{
    char copy[400];
    struct stat st;
    size_t root = strlen(w->c.f->root);
    snprintf(copy, sizeof(copy), "%s.crash%s", w->c.f->root, file->path + root);
    if (stat(copy, &st) < 0 || cut == CUT_NOTHING)
        return; /* deleted by then */
    assert_int_equal(truncate(copy, file->synced), 0);
    if (cut == CUT_TO_ZEROS)
        assert_int_equal(truncate(copy, st.st_size), 0);
}

static int power_fails_here(void *user, enum sg_io_op op, const char *path)
{
    struct power *w = user;
    if (w->c.taken)
        return 0;
    note_operation(w, op, path);
    int r = crash_here(&w->c, op, path);
    for (size_t i = 0; w->c.taken && i < w->n; i++)
        if (strstr(w->files[i].path, "/journal/"))
            cut_file(w, &w->files[i],
                     w->cut == CUT_EACH_OTHERWISE ? (enum cut)(i % CUT_EACH_OTHERWISE) : w->cut);
    return r;
}

static bool power_fails_at(int n)
{
    static const enum cut cuts[] = {CUT_OFF, CUT_TO_ZEROS, CUT_EACH_OTHERWISE};
    struct fixture f;
    struct power w = {.c = {.countdown = n}, .cut = cuts[n % 3]};
    return run_to_crash(&f, &w.c, &(struct sg_io_hook){power_fails_here, &w});
}

static void test_power_fails_between_any_two_operations(void **state)
{
    (void)state;
    int n = 1;
    while (power_fails_at(n))
        n += n < 40 ? 1 : 2;
    assert_true(n > 60);
}

/* The machine stops when a record is on one volume only; that one is away at the next start, and
 * another record takes the number; then it is back.  What was acknowledged stands, whichever volume
 * a partition is read from first. */
#define WIDE 12

/* A row of each of many partitions. */
static int write_wide(struct sg_kv *kv, int revision)
{
    struct fixture_row rows[WIDE];
    struct sg_kv_op ops[WIDE];
    for (int p = 0; p < WIDE; p++) {
        ops[p] =
            (struct sg_kv_op){.kind = SG_KV_PUT, .key = fixture_row(&rows[p], 22, p, 0, revision)};
        ops[p].value = SG_BYTES(rows[p].value, rows[p].value_len);
    }
    return sg_kv_batch(kv, "metering", ops, WIDE, NULL);
}

struct lone {
    struct fixture *f;
    unsigned writes;
    char path[320]; /* of the copy that has the record */
};

static int crash_before_second_copy(void *user, enum sg_io_op op, const char *path)
{
    struct lone *l = user;
    char copy[128];
    if (op != SG_IO_WRITE)
        return 0;
    if (l->writes++ == 0)
        snprintf(l->path, sizeof(l->path), "%s", path);
    if (l->writes != 2)
        return 0;
    snprintf(copy, sizeof(copy), "%s.crash", l->f->root);
    copy_tree(l->f->root, copy);
    return 0;
}

static size_t volume_of(const struct fixture *f, const char *path)
{
    size_t i = 0;
    while (strncmp(path, f->paths[i], strlen(f->paths[i])) != 0)
        i++;
    return i;
}

static void remove_journals(struct fixture *f, size_t but)
{
    for (size_t i = 0; i < 3; i++) {
        char journal[120];
        snprintf(journal, sizeof(journal), "%s/journal", f->paths[i]);
        if (i != but)
            assert_int_equal(sg_remove_tree(journal), 0);
    }
}

static void void_record_returns(bool others_lose_their_journals)
{
    struct fixture f, after;
    struct lone l = {.f = &f};
    const struct sg_io_hook hook = {crash_before_second_copy, &l};
    char away[128];
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(write_batch(f.kv, 0), 0);
    sg_io_set_hook(&hook);
    assert_int_equal(write_wide(f.kv, 1), 0);
    sg_io_set_hook(NULL);
    size_t alone = volume_of(&f, l.path);
    fixture_clear(&f);

    at_crash(&f, &after);
    snprintf(away, sizeof(away), "%s.away", after.paths[alone]);
    assert_int_equal(rename(after.paths[alone], away), 0);
    fixture_open(&after);
    assert_int_equal(write_wide(after.kv, 2), 0);
    assert_int_equal(sg_store_checkpoint(after.store), 0);
    fixture_close(&after);
    assert_int_equal(sg_remove_tree(after.paths[alone]), 0);
    assert_int_equal(rename(away, after.paths[alone]), 0);
    if (others_lose_their_journals)
        remove_journals(&after, alone);
    fixture_open(&after);
    assert_true(batch_is_whole(after.kv, 0));
    for (int p = 0; p < WIDE; p++)
        assert_true(fixture_has(after.kv, 22, p, 0, 2));
    fixture_clear(&after);
}

static void test_void_record_returns(void **state)
{
    (void)state;
    void_record_returns(false);
    void_record_returns(true);
}

/* A segment is taken from the middle of the journal on all volumes: later records do not hide it.
 */
static int fail_first_sync(void *user, enum sg_io_op op, const char *path)
{
    bool *failed = user;
    (void)path;
    if (op != SG_IO_SYNC || *failed)
        return 0;
    *failed = true;
    return -EIO;
}

static void remove_segment(const struct fixture *f, const char *first)
{
    for (size_t i = 0; i < 3; i++) {
        char folder[120], path[400];
        snprintf(folder, sizeof(folder), "%s/journal", f->paths[i]);
        DIR *d = opendir(folder);
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
            if (strncmp(e->d_name, first, strlen(first)) == 0) {
                snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
                assert_int_equal(unlink(path), 0);
            }
        closedir(d);
    }
}

static void test_segment_taken_from_the_middle(void **state)
{
    (void)state;
    struct fixture f, after;
    struct sg_store_status st;
    char copy[128];
    bool failed = false;
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(write_batch(f.kv, 0), 0);
    sg_io_set_hook(&(struct sg_io_hook){fail_first_sync, &failed});
    assert_int_equal(write_batch(f.kv, 1), 0); /* then a new segment begins */
    sg_io_set_hook(NULL);
    assert_int_equal(write_batch(f.kv, 2), 0);
    snprintf(copy, sizeof(copy), "%s.crash", f.root);
    copy_tree(f.root, copy);
    fixture_clear(&f);

    at_crash(&f, &after);
    remove_segment(&after, "0000000000000001.");
    fixture_open(&after);
    sg_store_status(after.store, &st);
    assert_int_equal(st.damage, 2 * 3);
    assert_true(batch_is_whole(after.kv, 2));
    fixture_clear(&after);
}

/* Allocations: calloc and realloc are ours; C++ below us uses others. */

static __thread int allocation_countdown;
static __thread bool allocation_armed;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define CAN_FAIL_ALLOCATIONS 1
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static bool fails_now(void)
{
    return allocation_armed && --allocation_countdown == 0;
}

void *calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(p, size);
}
#endif

#ifdef CAN_FAIL_ALLOCATIONS
/* 40 rows of partition p while the n-th allocation of this thread fails. */
static int armed_batch(struct sg_kv *kv, int p, int n, bool *ret_reached)
{
    static struct fixture_row rows[40];
    static struct sg_kv_op ops[40];
    for (int i = 0; i < 40; i++) {
        ops[i] = (struct sg_kv_op){.kind = SG_KV_PUT};
        ops[i].key = fixture_row(&rows[i], 30, p, i, 0);
        ops[i].value = SG_BYTES(rows[i].value, rows[i].value_len);
    }
    allocation_countdown = n;
    allocation_armed = true;
    int r = sg_kv_batch(kv, "metering", ops, 40, NULL);
    allocation_armed = false;
    *ret_reached = allocation_countdown <= 0;
    return r;
}
#endif

static void test_one_allocation_fails(void **state)
{
    (void)state;
#ifdef CAN_FAIL_ALLOCATIONS
    struct fixture f;
    uint32_t acked = 0;
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(write_batch(f.kv, 0), 0);
    int n = 1;
    for (bool reached = true; reached; n++) {
        int r = armed_batch(f.kv, n, n, &reached);
        if (r == 0) {
            assert_int_equal(fixture_count(f.kv, 30, n), 40);
            acked++;
        } else {
            assert_true(r < 0);
            assert_int_equal(fixture_count(f.kv, 30, n), 0);
        }
    }
    assert_true(n > 10);
    assert_true(acked > 0);
    assert_true(batch_is_whole(f.kv, 0));
    fixture_clear(&f);
#else
    allocation_armed = allocation_countdown != 0;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_operation_fails),
        cmocka_unit_test(test_disk_full_for_a_while),
        cmocka_unit_test(test_crash_between_any_two_operations),
        cmocka_unit_test(test_power_fails_between_any_two_operations),
        cmocka_unit_test(test_void_record_returns),
        cmocka_unit_test(test_segment_taken_from_the_middle),
        cmocka_unit_test(test_one_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
