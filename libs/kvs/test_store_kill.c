/*
 * store, kill -9: a child writes and says what was acknowledged; it is killed at a seeded moment,
 * in the middle of commits, checkpoints, flushes and compactions; the store is opened again, and so
 * on with the same volumes.  Nothing acknowledged is lost, nothing is half there.
 */
#include "store-fixture-int.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS  24
#define WRITERS 3
#define ROWS    30

struct ack {
    int32_t writer, number;
};

struct writer {
    struct sg_store *store;
    int number, first, pipe;
};

/* Batch n of a writer: rows of partition `writer`, from n * ROWS on, and the same in a second
 * table; objects now and then. */
static void *write_on(void *user)
{
    struct writer *w = user;
    struct sg_kv *kv = NULL;
    uint8_t object[5000];
    memset(object, w->number, sizeof(object));
    if (sg_kv_open_local(&kv, w->store))
        _exit(3);
    for (int n = w->first;; n++) {
        struct ack ack = {w->number, n};
        if (fixture_write(kv, SG_KV_INSERT, 20, w->number, n * ROWS, ROWS, 0))
            _exit(4);
        if (n % 5 == 0 && sg_kv_object_put(kv, "evidence", "latest", SG_BYTES_ARRAY(object)))
            _exit(5);
        if (write(w->pipe, &ack, sizeof(ack)) != sizeof(ack))
            _exit(6);
    }
}

static void child(struct fixture *f, const int *first, int pipe)
{
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    if (sg_store_open(&f->store, &f->options))
        _exit(2);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){f->store, i, first[i], pipe};
        if (pthread_create(&threads[i], NULL, write_on, &writers[i]))
            _exit(2);
    }
    for (;;)
        pause();
}

/* Reads acknowledgements until the child is dead; first[] becomes what is known to be there. */
static void collect(int pipe, pid_t pid, long wait_ns, int *first)
{
    struct ack ack;
    bool killed = false;
    while (read(pipe, &ack, sizeof(ack)) == sizeof(ack)) {
        assert_true(ack.writer >= 0 && ack.writer < WRITERS);
        first[ack.writer] = ack.number + 1;
        if (!killed) { /* the first word: it runs */
            const struct timespec t = {.tv_nsec = wait_ns};
            nanosleep(&t, NULL);
            kill(pid, SIGKILL);
            killed = true;
        }
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Unacknowledged batches are there whole or not at all; then the next round goes on behind them. */
static void verify(struct fixture *f, int *first)
{
    fixture_open(f);
    for (int i = 0; i < WRITERS; i++) {
        long n = fixture_count(f->kv, 20, i);
        assert_true(n >= (long)first[i] * ROWS);
        assert_int_equal(n % ROWS, 0);
        assert_true(n <= (long)(first[i] + 1) * ROWS);
        first[i] = (int)(n / ROWS);
    }
    SG_CLEANUP(sg_buf_clear) struct sg_buf object = SG_BUF_INIT(1u << 16);
    if (first[0] + first[1] + first[2] > 30)
        assert_int_equal(sg_kv_object_get(f->kv, "evidence", "latest", &object), 0);
    struct sg_store_status st;
    sg_store_status(f->store, &st);
    assert_int_equal(st.online, f->options.n_volumes);
    fixture_close(f);
}

static void test_kill(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_prng rng;
    int first[WRITERS] = {0};
    sg_prng_seed(&rng, 11);
    fixture_init(&f, 4);
    f.options.journal_bytes = 60000; /* a checkpoint every few commits */
    f.options.index_bytes = 1u << 20;
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(pipes[0]);
            child(&f, first, pipes[1]);
        }
        close(pipes[1]);
        collect(pipes[0], pid, (long)sg_prng_below(&rng, 25000000), first);
        close(pipes[0]);
        verify(&f, first);
    }
    assert_true(first[0] + first[1] + first[2] > ROUNDS);
    fixture_open(&f);
    const struct sg_scrub_options full = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    assert_int_equal(sg_store_scrub(f.store, &full, &report), 0);
    assert_int_equal(report.lost, 0);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
