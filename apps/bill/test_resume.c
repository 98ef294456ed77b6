/*
 * A run over many clients that is killed, or whose journal or files are damaged, goes on to the
 * same octets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "client.h"
#include "fleet.h"
#include "store-fixture.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define CLIENTS  48
#define UNSIGNED (FX_CLIENT + 7) /* the one that gets no bill */

static struct fixture f;
static struct sg_kv_memory *memory;
static struct sg_kv *kv;
static char folder[48];
static char right_out[64], other_out[64];

/* ---- a store of 48 clients with the fixture's meter each ------------------------------------ */

static void put_day(int64_t client, int day)
{
    const struct sg_evidence_block *b = f.blocks[0][day];

    sx_put_block(kv, client, &b->evidence, b->evidence.header.root);
    for (int i = 0; i < 96; i++)
        sx_put_reading(kv, client, f.installations.records[0].serial, &b->readings[i],
                       client == UNSIGNED ? SG_ORIGIN_SQL : SG_ORIGIN_METROLOGY);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static int open_session(void *user, struct sg_kv **ret)
{
    return sg_kv_open_memory(ret, user);
}

struct ran {
    int outcome; /* of fleet_open */
    uint64_t bills, resumed;
    int64_t total;
};

static struct ran run(char *out, bool resume, int64_t until_s)
{
    struct bill_options options = {.out = out, .threads = 2, .resume = resume};
    struct fleet fleet = {.options = &options,
                          .tariff = f.tariff,
                          .from_s = FX_FROM,
                          .until_s = until_s,
                          .open_kv = open_session,
                          .user = memory};
    SG_FREE int64_t *clients = NULL;
    struct fleet_result before, result;
    struct ran ran = {.bills = 0};

    snprintf(fleet.period, sizeof(fleet.period), "two-days");
    assert_int_equal(sg_table_clients(kv, &clients, &fleet.n_clients), 0);
    ran.outcome = fleet_open(&fleet, clients, 12, &before);
    if (ran.outcome == 0) {
        assert_int_equal(fleet_run(&fleet, &before, &result), 0);
        assert_int_equal(result.n_refusals, 1);
        assert_int_equal(result.refusals[0].client, UNSIGNED);
        free(result.refusals);
        ran.bills = result.bills;
        ran.total = result.total;
        ran.resumed = fleet.n_done;
    }
    fleet_close(&fleet);
    return ran;
}

/* Hash over every file of bills and evidence. */
static void digest(const char *out, uint8_t ret[32])
{
    static const char *const names[][2] = {{"bill", "json"}, {"evidence", "cbor"}};
    uint8_t all[2 * CLIENTS][32] = {{0}};

    for (int k = 0; k < 2; k++)
        for (int i = 0; i < CLIENTS; i++) {
            char path[160];
            snprintf(path, sizeof(path), "%s/%s/%lld/two-days.%s", out, names[k][0],
                     (long long)(FX_CLIENT + i), names[k][1]);
            if (access(path, F_OK) == 0)
                assert_int_equal(sg_sha256_file(path, all[k * CLIENTS + i]), 0);
        }
    sg_sha256(ret, SG_BYTES(all[0], sizeof(all)));
}

static void expect_the_same(const struct ran *ran)
{
    uint8_t right[32], got[32];

    assert_int_equal(ran->outcome, 0);
    assert_int_equal(ran->bills, CLIENTS - 1);
    assert_int_equal(ran->total, (CLIENTS - 1) * f.bill.total);
    digest(right_out, right);
    digest(other_out, got);
    assert_memory_equal(right, got, 32);
}

static int make(void **state)
{
    (void)state;
    /* In memory if there is such a folder: what a disk keeps of a torn write is made by hand below.
     */
    snprintf(folder, sizeof(folder), "%s/sg-test-journal.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (fx_make(&f) || sg_kv_memory_new(&memory) || sg_kv_open_memory(&kv, memory) ||
        !mkdtemp(folder))
        return -1;
    snprintf(right_out, sizeof(right_out), "%s/right", folder);
    snprintf(other_out, sizeof(other_out), "%s/other", folder);
    const struct sg_installation *in = &f.installations.records[0];
    for (int i = 0; i < CLIENTS; i++) {
        sx_put_meter(kv, FX_CLIENT + i, in->serial, in->from_s, in->cert);
        for (int day = 0; day < FX_DAYS; day++)
            put_day(FX_CLIENT + i, day);
    }
    if (sg_mkdir_p(right_out, 0700) || run(right_out, false, FX_UNTIL).outcome)
        return -1;
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    fx_clear(&f);
    return sg_remove_tree(folder);
}

static void path_of(char ret[160], const char *name)
{
    snprintf(ret, 160, "%s/%s", other_out, name);
}

static off_t journal_length(void)
{
    char path[160];
    struct stat st;

    path_of(path, "run/two-days.journal");
    return stat(path, &st) < 0 ? 0 : st.st_size;
}

static void start_anew(void)
{
    assert_int_equal(access(other_out, F_OK) == 0 ? sg_remove_tree(other_out) : 0, 0);
    assert_int_equal(sg_mkdir_p(other_out, 0700), 0);
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* Killed when its journal has grown past so much, and then as often as it takes to finish. */
static bool kill_at(off_t length)
{
    const struct timespec pause = {0, 200000};
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        run(other_out, true, FX_UNTIL);
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (journal_length() >= length)
            kill(child, SIGKILL);
        nanosleep(&pause, NULL);
    }
    return WIFSIGNALED(status);
}

static void a_killed_run_goes_on_to_the_same_octets(void **state)
{
    int killed = 0;

    (void)state;
    for (int start = 0; start < 3; start++) {
        start_anew();
        off_t length = start * 2500;
        while (kill_at(length)) {
            killed++;
            length = journal_length() + 1;
        }
        struct ran ran = run(other_out, true, FX_UNTIL);
        assert_int_equal(ran.resumed, CLIENTS - 1);
        expect_the_same(&ran);
    }
    assert_true(killed >= 3);
}

static void cut(off_t length)
{
    char path[160];

    path_of(path, "run/two-days.journal");
    assert_int_equal(truncate(path, length), 0);
}

static void a_torn_journal_costs_work_and_nothing_else(void **state)
{
    (void)state;
    start_anew();
    struct ran ran = run(other_out, false, FX_UNTIL);
    expect_the_same(&ran);
    const off_t whole = journal_length(), line = (whole - 102) / (CLIENTS - 1);
    const off_t lengths[] = {whole - 1, whole - 40, whole - line, 700, 102, 101, 50, 1, 0};
    uint64_t last = CLIENTS - 1;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        cut(lengths[i]);
        ran = run(other_out, true, FX_UNTIL);
        expect_the_same(&ran);
        assert_true(ran.resumed < CLIENTS - 1);
        assert_true(i == 0 || ran.resumed <= last);
        last = ran.resumed;
    }
    assert_int_equal(last, 0);
}

static void flip(const char *name, off_t at)
{
    char path[160];
    uint8_t octet;

    path_of(path, name);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fread(&octet, 1, 1, file), 1);
    octet ^= 1;
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(&octet, 1, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void files_and_lines_that_changed_are_made_again(void **state)
{
    char name[160];
    struct ran ran;

    (void)state;
    start_anew();
    ran = run(other_out, false, FX_UNTIL);
    snprintf(name, sizeof(name), "bill/%lld/two-days.json", (long long)FX_CLIENT + 3);
    flip(name, 100);
    snprintf(name, sizeof(name), "%s/evidence/%lld/two-days.cbor", other_out,
             (long long)FX_CLIENT + 5);
    assert_int_equal(unlink(name), 0);
    ran = run(other_out, true, FX_UNTIL);
    assert_int_equal(ran.resumed, CLIENTS - 3);
    expect_the_same(&ran);
    /* Now both stand twice in the journal, and count once. */
    ran = run(other_out, true, FX_UNTIL);
    assert_int_equal(ran.resumed, CLIENTS - 1);
    expect_the_same(&ran);
    start_anew();
    ran = run(other_out, false, FX_UNTIL);
    /* A digit of the last line's total: no file's hash would tell. */
    flip("run/two-days.journal", journal_length() - 19);
    ran = run(other_out, true, FX_UNTIL);
    assert_true(ran.resumed < CLIENTS - 1);
    expect_the_same(&ran);
}

static void other_terms_and_a_second_run_are_refused(void **state)
{
    static const uint8_t terms[32] = {1};
    SG_CLEANUP(journal_freep) struct journal *j = NULL;

    (void)state;
    start_anew();
    assert_int_equal(run(other_out, false, FX_UNTIL).outcome, 0);
    assert_int_equal(run(other_out, true, FX_UNTIL - 900).outcome, JOURNAL_OTHER);
    assert_int_equal(journal_open(&j, other_out, "two-days", terms, false, 1, NULL, NULL), 0);
    assert_int_equal(run(other_out, true, FX_UNTIL).outcome, JOURNAL_BUSY);
}

/* Without --resume everything is made again. */
static void a_new_run_begins_anew(void **state)
{
    (void)state;
    start_anew();
    assert_int_equal(run(other_out, false, FX_UNTIL).resumed, 0);
    struct ran ran = run(other_out, false, FX_UNTIL);
    assert_int_equal(ran.resumed, 0);
    expect_the_same(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_run_goes_on_to_the_same_octets),
        cmocka_unit_test(a_torn_journal_costs_work_and_nothing_else),
        cmocka_unit_test(files_and_lines_that_changed_are_made_again),
        cmocka_unit_test(other_terms_and_a_second_run_are_refused),
        cmocka_unit_test(a_new_run_begins_anew),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
