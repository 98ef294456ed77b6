#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>

#include "labels.h"
#include "page.h"
#include "ranking-int.h"
#include "report.h"
#include "spill.h"

#define CUSTOMERS 3000

static char folder[64];
static struct plan plan = {.mode = MODE_FULL, .fixed = true};

/* Few different scores, and few different numbers of incomplete days: most stand by name. */
static struct line line_of(unsigned i)
{
    struct sg_prng p;
    sg_prng_seed2(&p, 7, i);
    struct line l = {.likeness = NAN,
                     .level = (float)(0.5 + sg_prng_unit(&p)),
                     .per_1000 = (float)sg_prng_below(&p, 50),
                     .class_then = UINT32_MAX,
                     .class_now = UINT32_MAX,
                     .change_day = SG_FRAUD_NO_DAY};
    snprintf(l.id, sizeof(l.id), "c%u", (unsigned)(i * 7919 % CUSTOMERS));
    l.unjudged = sg_prng_below(&p, 10) == 0 ? FEW_RECENT + (unsigned)sg_prng_below(&p, 2) : JUDGED;
    l.score = l.unjudged == JUDGED ? (double)sg_prng_below(&p, 40) / 8 - 1 : 0;
    l.incomplete = (uint32_t)sg_prng_below(&p, 4);
    l.conflicts = sg_prng_below(&p, 30) == 0;
    l.n_recent = i;
    l.reason[0].kind = sg_prng_below(&p, 20) == 0 ? SG_FULL_REASON_VACANT : SG_FULL_REASON_NONE;
    l.reason[0].a = 0.1f;
    return l;
}

static void fill(struct ranking *r, size_t run, size_t first, unsigned n)
{
    *r = (struct ranking){.room = {.run = run, .first = first, .folder = folder}};
    for (unsigned i = 0; i < n; i++) {
        const struct line l = line_of(i);
        assert_int_equal(ranking_add(r, &l), 0);
    }
    assert_int_equal(ranking_sort(r), 0);
}

/* ---- everything that comes of a ranking ---------------------------------------------------- */

static void add_file(struct sg_buf *all, const struct ranking *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4 << 20);
    char path[96];
    snprintf(path, sizeof(path), "%s/ranking.csv", folder);
    assert_int_equal(ranking_write(r, &plan, path), 0);
    assert_int_equal(sg_file_read(path, &text), 0);
    assert_int_equal(sg_buf_append(all, sg_buf_bytes(&text)), 0);
    unlink(path);
}

static void add_report(struct sg_buf *all, struct ranking *ranking, size_t suspects)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4 << 20);
    struct fleet_result result = {.ranking = *ranking, .n_suspects = suspects, .conflicts = 1};
    result.suspects = calloc(suspects, sizeof(*result.suspects));
    for (size_t i = 0; i < suspects; i++) {
        memcpy(result.suspects[i].id, ranking->lines[i].id, sizeof(result.suspects[i].id));
        result.suspects[i].score = ranking->lines[i].score;
        result.suspects[i].picture.points = 24;
    }
    const struct report report = {.plan = &plan, .result = &result, .profiles = suspects};
    const struct page page = {.report = &report, .capacity = suspects};
    assert_int_equal(report_json(&report, &text), 0);
    const char *times = strstr((const char *)text.data, "\"seconds_train\"");
    assert_non_null(times);
    text.len = (size_t)((const uint8_t *)times - text.data);
    assert_int_equal(sg_buf_append(all, sg_buf_bytes(&text)), 0);
    sg_buf_reset(&text);
    assert_int_equal(page_make(&page, &text), 0);
    assert_int_equal(sg_buf_append(all, sg_buf_bytes(&text)), 0);
    free(result.suspects);
}

static void add_verdict(struct sg_buf *all, const struct ranking *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(labels_clear) struct labels labels = {.list = NULL};
    struct verdict v;
    char why[160];
    assert_int_equal(sg_buf_printf(&text, "customer,label,type\n"), 0);
    for (unsigned i = 0; i < CUSTOMERS; i += 3)
        assert_int_equal(sg_buf_printf(&text, "c%u,%d,%u\n", i, i % 4 == 0, i % 5), 0);
    assert_int_equal(labels_parse(&labels, sg_buf_bytes(&text), why), 0);
    memset(&v, 0, sizeof(v));
    assert_int_equal(labels_judge(&labels, r, 20, 1, &v), 0);
    assert_int_equal(v.customers, CUSTOMERS / 3);
    assert_int_equal(v.unlabelled, CUSTOMERS - CUSTOMERS / 3);
    assert_int_equal(sg_buf_append(all, SG_BYTES(&v, sizeof(v))), 0);
}

static void add_everything(struct sg_buf *all, struct ranking *r)
{
    SG_CLEANUP(ranking_clear) struct ranking drop = {.lines = NULL};
    add_file(all, r);
    add_report(all, r, r->room.first);
    add_verdict(all, r);
    assert_int_equal(ranking_by_drop(r, &drop), 0);
    assert_int_equal(drop.spill != NULL, r->spill != NULL);
    add_file(all, &drop);
}

/* Runs of one line, of less and more than a block, and one that leaves the last run full. */
static void spilling_changes_no_octet(void **state)
{
    (void)state;
    static const size_t runs[] = {29, 128, 300, 1000, CUSTOMERS - 1};
    SG_CLEANUP(sg_buf_clear) struct sg_buf whole = SG_BUF_INIT(16 << 20);
    SG_CLEANUP(ranking_clear) struct ranking in_memory = {.lines = NULL};
    fill(&in_memory, CUSTOMERS, 10, CUSTOMERS);
    assert_null(in_memory.spill);
    assert_int_equal(in_memory.n_lines, CUSTOMERS);
    add_everything(&whole, &in_memory);
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf all = SG_BUF_INIT(16 << 20);
        SG_CLEANUP(ranking_clear) struct ranking r = {.lines = NULL};
        fill(&r, runs[i], 10, CUSTOMERS);
        assert_int_equal(r.n_runs, (CUSTOMERS + runs[i] - 1) / runs[i]);
        assert_int_equal(r.n_lines, 10);
        add_everything(&all, &r);
        assert_int_equal(all.len, whole.len);
        assert_memory_equal(all.data, whole.data, whole.len);
    }
}

static int count(void *ctx, const struct line *l, size_t rank)
{
    size_t *n = ctx;
    (void)l;
    assert_int_equal(rank, *n + 1);
    return ++*n == 5 ? RANKING_ENOUGH : 0;
}

static void a_walk_may_end_early(void **state)
{
    (void)state;
    for (size_t run = 1; run <= 64; run += 63) {
        SG_CLEANUP(ranking_clear) struct ranking r = {.lines = NULL};
        size_t n = 0;
        fill(&r, run, 0, 64);
        assert_int_equal(ranking_each(&r, count, &n), RANKING_ENOUGH);
        assert_int_equal(n, 5);
    }
}

static void nobody_is_a_ranking_too(void **state)
{
    (void)state;
    SG_CLEANUP(ranking_clear) struct ranking r = {.lines = NULL};
    size_t n = 0;
    fill(&r, 2, 3, 0);
    assert_int_equal(ranking_each(&r, count, &n), 0);
    assert_true(ranking_score(&r, &(struct line){.unjudged = NO_DAYS}) == 0);
}

/* ---- the disk ------------------------------------------------------------------------------ */

static size_t files_in(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(d);
    return n;
}

static void what_is_spilled_is_nobody_elses(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf disk = SG_BUF_INIT(16 << 20);
    SG_CLEANUP(ranking_clear) struct ranking r = {.lines = NULL};
    struct stat st;
    char path[64];
    fill(&r, 500, 0, CUSTOMERS);
    assert_int_equal(files_in(folder), 0);
    assert_int_equal(fstat(spill_file(r.spill), &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true((size_t)st.st_size > CUSTOMERS * sizeof(struct line));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", spill_file(r.spill));
    assert_int_equal(sg_file_read(path, &disk), 0);
    assert_int_equal(disk.len, st.st_size);
    for (unsigned i = 0; i < 20; i++) { /* of four octets: two may stand there by chance */
        const struct line l = line_of(i);
        if (strlen(l.id) >= 4)
            assert_null(memmem(disk.data, disk.len, l.id, strlen(l.id) + 4));
    }
}

static int nothing(void *ctx, const struct line *l, size_t rank)
{
    (void)ctx;
    (void)l;
    (void)rank;
    return 0;
}

/* One octet anywhere, a block in another's place, a file cut short: no ranking comes of it. */
static void a_changed_spill_is_noticed(void **state)
{
    (void)state;
    SG_CLEANUP(ranking_clear) struct ranking r = {.lines = NULL};
    const size_t block = RANKING_BLOCK_LINES * sizeof(struct line) + 16;
    char path[96];
    fill(&r, 300, 3, CUSTOMERS);
    const int fd = spill_file(r.spill);
    const size_t size = (size_t)spill_blocks(r.spill) * block;
    snprintf(path, sizeof(path), "%s/ranking.csv", folder);
    for (size_t at = 5; at < size; at += size / 7) {
        uint8_t octet;
        assert_int_equal(sg_pread_all(fd, &octet, 1, at), 0);
        octet ^= 1;
        assert_int_equal(sg_pwrite_all(fd, SG_BYTES(&octet, 1), at), 0);
        assert_int_equal(ranking_write(&r, &plan, path), -EBADMSG);
        assert_int_equal(files_in(folder), 0);
        octet ^= 1;
        assert_int_equal(sg_pwrite_all(fd, SG_BYTES(&octet, 1), at), 0);
    }
    SG_FREE uint8_t *first = malloc(block), *second = malloc(block);
    assert_int_equal(sg_pread_all(fd, first, block, 0), 0);
    assert_int_equal(sg_pread_all(fd, second, block, block), 0);
    assert_int_equal(sg_pwrite_all(fd, SG_BYTES(second, block), 0), 0);
    assert_int_equal(ranking_each(&r, nothing, NULL), -EBADMSG);
    assert_int_equal(sg_pwrite_all(fd, SG_BYTES(first, block), 0), 0);
    assert_int_equal(ranking_each(&r, nothing, NULL), 0);
    assert_int_equal(ftruncate(fd, (off_t)(size - 1)), 0);
    assert_true(ranking_each(&r, nothing, NULL) < 0);
}

/* Block 0 of another ranking is sealed under another key. */
static void a_block_of_another_run_does_not_open(void **state)
{
    (void)state;
    SG_CLEANUP(spill_freep) struct spill *a = NULL, *b = NULL;
    uint8_t block[64] = "it was me", sealed[80];
    assert_int_equal(spill_new(&a, folder, sizeof(block)), 0);
    assert_int_equal(spill_new(&b, folder, sizeof(block)), 0);
    assert_int_equal(spill_put(a, block), 0);
    assert_int_equal(spill_put(b, block), 0);
    assert_int_equal(sg_pread_all(spill_file(a), sealed, sizeof(sealed), 0), 0);
    assert_int_equal(sg_pwrite_all(spill_file(b), SG_BYTES_ARRAY(sealed), 0), 0);
    assert_int_equal(spill_get(a, 0, block), 0);
    assert_int_equal(spill_get(b, 0, block), -EBADMSG);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit now;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &now), 0);
    now.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
}

/* RLIMIT_FSIZE in place of a disk that is full: the same call fails at the same place. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct ranking r = {.room = {.run = 200, .folder = folder}};
    int e = 0;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    limit_files(100000);
    for (unsigned i = 0; e == 0 && i < CUSTOMERS; i++) {
        const struct line l = line_of(i);
        e = ranking_add(&r, &l);
    }
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, before);
    assert_int_equal(e, -EFBIG);
    assert_non_null(strstr(sg_error_trace(), "temporary file"));
    ranking_clear(&r);
    assert_int_equal(files_in(folder), 0);
}

/* The ranking itself does not fit: nothing is left, and the old one stays. */
static void a_ranking_that_does_not_fit_leaves_the_old_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    SG_CLEANUP(ranking_clear) struct ranking r = {.lines = NULL};
    char path[96];
    fill(&r, 500, 0, CUSTOMERS);
    snprintf(path, sizeof(path), "%s/ranking.csv", folder);
    assert_int_equal(sg_file_write_atomic(path, SG_BYTES_LIT("old"), 0600), 0);
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    limit_files(50000);
    assert_int_equal(ranking_write(&r, &plan, path), -EFBIG);
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, before);
    assert_int_equal(sg_file_read(path, &text), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&text), SG_BYTES_LIT("old")));
    assert_int_equal(files_in(folder), 1);
    unlink(path);
    assert_int_equal(ranking_write(&r, &plan, "/dev/full"), -ENOSPC);
}

static void it_lies_beside_the_ranking(void **state)
{
    (void)state;
    char path[96], got[PATH_MAX] = "";
    snprintf(path, sizeof(path), "%s/ranking.csv", folder);
    assert_true(ranking_folder(path, got));
    assert_string_equal(got, folder);
    assert_true(ranking_folder("ranking.csv", got));
    assert_string_equal(got, ".");
    assert_true(ranking_folder("/ranking.csv", got));
    assert_string_equal(got, "/");
    assert_false(ranking_folder("-", got));
    assert_false(ranking_folder("/dev/null", got)); /* not in /dev */
}

static void no_folder_no_ranking(void **state)
{
    (void)state;
    SG_CLEANUP(ranking_clear)
    struct ranking r = {.room = {.run = 1, .folder = "/nonexistent"}};
    const struct line l = line_of(0);
    assert_int_equal(ranking_add(&r, &l), 0);
    assert_int_equal(ranking_add(&r, &l), -ENOENT);
    assert_non_null(strstr(sg_error_trace(), "/nonexistent"));
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/sealgrid-ranking-XXXXXX");
    unsetenv("TMPDIR"); /* it would come before the folder that is looked into */
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return sg_remove_tree(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spilling_changes_no_octet),
        cmocka_unit_test(a_walk_may_end_early),
        cmocka_unit_test(nobody_is_a_ranking_too),
        cmocka_unit_test(what_is_spilled_is_nobody_elses),
        cmocka_unit_test(a_changed_spill_is_noticed),
        cmocka_unit_test(a_block_of_another_run_does_not_open),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(a_ranking_that_does_not_fit_leaves_the_old_one),
        cmocka_unit_test(it_lies_beside_the_ranking),
        cmocka_unit_test(no_folder_no_ranking),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
