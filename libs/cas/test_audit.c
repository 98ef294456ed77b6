#include "test-cas-int.h"

#include <pthread.h>

#define NOW_S 1800000000

struct fixture {
    char dir[64];
    struct sg_key *key;
    struct sg_cas_audit *audit;
    size_t seen; /* records at the last opening */
};

static void count(void *user, const struct sg_cas_record *r)
{
    size_t *n = user;
    assert_int_equal(r->index, *n);
    (*n)++;
}

static int open_from(struct fixture *f, const struct sg_cas_anchor *anchor)
{
    f->seen = 0;
    return sg_cas_audit_open(&f->audit, f->dir, f->key, anchor, count, &f->seen);
}

static int reopen(struct fixture *f)
{
    const struct sg_cas_anchor none = {0};
    sg_cas_audit_free(f->audit);
    f->audit = NULL;
    return open_from(f, &none);
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    make_folder(f.dir, sizeof f.dir, "audit");
    *state = &f;
    return sg_key_generate(&f.key, SG_KEY_P256) == 0 ? reopen(&f) : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sg_cas_audit_free(f->audit);
    sg_key_free(f->key);
    return sg_remove_tree(f->dir);
}

static int append(struct sg_cas_audit *a, const char *service)
{
    struct sg_cas_record r = {
        .time_s = NOW_S, .event = SG_BYTES_LIT("grant"), .service = sg_bytes_str(service)};
    return sg_cas_audit_append(a, &r);
}

static void write_records(struct fixture *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(append(f->audit, "alpha"), 0);
    assert_int_equal(sg_cas_audit_commit(f->audit, NOW_S), 0);
}

static void read_file(const struct fixture *f, const char *name, struct sg_buf *ret)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    assert_int_equal(sg_file_read(path, ret), 0);
}

static void write_file(const struct fixture *f, const char *name, struct sg_bytes contents)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    write_plain(path, contents);
}

static void test_records_are_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_anchor before, after;
    write_records(f, 7);
    sg_cas_audit_anchor(f->audit, &before);
    assert_int_equal(before.size, 7);
    assert_int_equal(reopen(f), 0);
    assert_int_equal(f->seen, 7);
    sg_cas_audit_anchor(f->audit, &after);
    assert_memory_equal(&before, &after, sizeof before);
    write_records(f, 1);
    assert_int_equal(reopen(f), 0);
    assert_int_equal(f->seen, 8);
}

/* More than one window of reading, more than one batch of writing. */
static void test_a_long_log(void **state)
{
    struct fixture *f = *state;
    write_records(f, 3000);
    assert_int_equal(reopen(f), 0);
    assert_int_equal(f->seen, 3000);
}

static void test_every_flipped_octet_is_found(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(65536);
    write_records(f, 4);
    read_file(f, "audit.log", &log);
    for (size_t i = 0; i < log.len; i++) {
        log.data[i] ^= 0x10;
        write_file(f, "audit.log", sg_buf_bytes(&log));
        int r = reopen(f);
        assert_true(r == SG_CAS_AUDIT_DAMAGED || r == SG_CAS_AUDIT_CUT);
        log.data[i] ^= 0x10;
    }
    write_file(f, "audit.log", sg_buf_bytes(&log));
    assert_int_equal(reopen(f), 0);
}

static void test_every_cut_is_found(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(65536);
    write_records(f, 3);
    read_file(f, "audit.log", &log);
    for (size_t n = 0; n < log.len; n++) {
        write_file(f, "audit.log", SG_BYTES(log.data, n));
        assert_int_equal(reopen(f), SG_CAS_AUDIT_CUT);
    }
}

/* Killed within the write of a batch that nobody was told about. */
static void test_a_torn_tail_is_dropped(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf head = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf longer = SG_BUF_INIT(65536);
    write_records(f, 3);
    read_file(f, "audit.log", &log);
    read_file(f, "audit.head", &head);
    write_records(f, 2);
    read_file(f, "audit.log", &longer);
    for (size_t n = log.len + 1; n < longer.len; n += 23) {
        write_file(f, "audit.log", SG_BYTES(longer.data, n));
        write_file(f, "audit.head", sg_buf_bytes(&head));
        assert_int_equal(reopen(f), 0);
        assert_true(f->seen == 3 || f->seen == 4);
        write_records(f, 1);
        size_t before = f->seen;
        assert_int_equal(reopen(f), 0);
        assert_int_equal(f->seen, before + 1);
    }
}

/* Another history of the same length, signed heads gone. */
static void test_the_state_s_anchor_is_checked(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_anchor anchor;
    write_records(f, 3);
    sg_cas_audit_anchor(f->audit, &anchor);
    sg_cas_audit_free(f->audit);
    f->audit = NULL;
    assert_int_equal(open_from(f, &anchor), 0);
    anchor.root[5] ^= 1;
    sg_cas_audit_free(f->audit);
    f->audit = NULL;
    assert_int_equal(open_from(f, &anchor), SG_CAS_AUDIT_CUT);
    anchor.root[5] ^= 1;
    anchor.size = 4;
    assert_int_equal(open_from(f, &anchor), SG_CAS_AUDIT_CUT);
}

static void test_one_ruined_head_is_survived(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf head = SG_BUF_INIT(65536);
    for (int i = 0; i < 4; i++) {
        write_records(f, 1);
        sg_buf_reset(&head);
        read_file(f, "audit.head", &head);
        for (size_t slot = 0; slot * 256 < head.len; slot++) {
            head.data[slot * 256 + 20] ^= 1;
            write_file(f, "audit.head", sg_buf_bytes(&head));
            assert_int_equal(reopen(f), 0);
            head.data[slot * 256 + 20] ^= 1;
        }
        write_file(f, "audit.head", sg_buf_bytes(&head));
        assert_int_equal(reopen(f), 0);
    }
}

static void test_paths_lead_to_the_root(void **state)
{
    struct fixture *f = *state;
    uint8_t path[SG_MERKLE_PATH_MAX][32];
    size_t n;
    write_records(f, 11);
    assert_int_equal(sg_cas_audit_path(f->audit, 10, 11, path, &n), 0);
    assert_int_equal(sg_cas_audit_path(f->audit, 11, 11, path, &n), -ERANGE);
    assert_int_equal(sg_cas_audit_path(f->audit, 0, 12, path, &n), -ERANGE);
    assert_int_equal(sg_cas_audit_path(f->audit, 5, 5, path, &n), -ERANGE);
}

static void *write_many(void *user)
{
    struct fixture *f = user;
    for (int i = 0; i < 15; i++)
        if (append(f->audit, "beta") < 0 || sg_cas_audit_commit(f->audit, NOW_S) < 0)
            return user;
    return NULL;
}

static void test_many_writers_share_the_log(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, f), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = f;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(reopen(f), 0);
    assert_int_equal(f->seen, 60);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_records_are_there_after_a_restart),
        TEST(test_a_long_log),
        TEST(test_every_flipped_octet_is_found),
        TEST(test_every_cut_is_found),
        TEST(test_a_torn_tail_is_dropped),
        TEST(test_the_state_s_anchor_is_checked),
        TEST(test_one_ruined_head_is_survived),
        TEST(test_paths_lead_to_the_root),
        TEST(test_many_writers_share_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
