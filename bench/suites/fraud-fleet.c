/*
 * fraud-fleet - the whole of mode full over fleets of 10^3 to 10^6: panel, learning, scores and the
 * ranking as a file.  Customers a CPU second (making them is not counted), and the peak of memory
 * of each, which is that of this process: what other lines hold comes on top, so these come first.
 * Customers have 120 days of 24: it is the ranking that grows with a fleet, not a day.
 */
#include "fraud-int.h"
#include "fraud-made.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/metrics.h>

#define SIZES 4

struct size {
    uint64_t customers;
    double rate;     /* of the second pass, with the ranking written */
    double peak_mib; /* of all of it */
};

/* CPU time but that of making customers. */
static double seconds_since(int64_t begun, struct fraud_made *m)
{
    return (double)(sg_clock_cpu_ns() - begun - fraud_made_ns(m)) / 1e9;
}

static int rank(const struct fleet *f, const char *path)
{
    SG_CLEANUP(fleet_result_clear) struct fleet_result result = {.suspects = NULL};
    int r = fleet_score(f, NULL, &result);
    return r ? r : ranking_write(&result.ranking, f->plan, path);
}

/* A pass of less than a second is told again until it was one. */
static int rank_for_a_second(const struct fleet *f, struct fraud_made *m, const char *path,
                             struct size *size)
{
    double spent = 0, done = 0;
    int r = 0;
    while (r == 0 && spent < 1 && done < 20.0 * (double)size->customers) {
        (void)fraud_made_ns(m);
        const int64_t begun = sg_clock_cpu_ns();
        r = rank(f, path);
        spent += seconds_since(begun, m);
        done += (double)size->customers;
    }
    size->rate = spent > 0 ? done / spent : 0;
    return r;
}

static int measure_size(struct bench *s, struct fraud_made *m, struct size *size)
{
    const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;
    const struct plan plan = {.mode = MODE_FULL,
                              .fixed = true,
                              .windows = windows,
                              .least_reference = 7,
                              .least_recent = 3};
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *model = NULL;
    struct fleet f = {.plan = &plan,
                      .source = fraud_made_source(m),
                      .threads = 1,
                      .seed = 1,
                      .pictures = 50,
                      .room = {.folder = s->folder}};
    char path[1100];
    snprintf(path, sizeof(path), "%s/ranking.csv", s->folder);
    fraud_made_resize(m, size->customers);
    int r = sg_fold(fleet_learn(&f, &model));
    f.full = model;
    if (r == 0)
        r = rank_for_a_second(&f, m, path, size);
    size->peak_mib = (double)sg_metrics_peak_rss() / (1 << 20);
    unlink(path);
    return r;
}

/* What a child found, if it did not fail. */
static int read_size(int fd, pid_t child, struct size *ret)
{
    struct size size;
    const ssize_t n = TEMP_FAILURE_RETRY(read(fd, &size, sizeof(size))); /* written at once */
    int status;
    if (TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) < 0)
        return sg_raise_errno();
    if (n != (ssize_t)sizeof(size) || status != 0)
        return sg_raisef(-EIO, "a fleet was not ranked: status %d, %zd octets", status, n);
    *ret = size;
    return 0;
}

static int measure_apart(struct bench *s, struct fraud_made *m, struct size *size)
{
    SG_CLOSE int from = -1;
    SG_CLOSE int to = -1;
    int fds[2];
    fflush(NULL);
    if (pipe2(fds, O_CLOEXEC))
        return sg_raise_errno();
    from = fds[0];
    to = fds[1];
    const pid_t child = fork();
    if (child < 0)
        return sg_raise_errno();
    if (child == 0) {
        int r = measure_size(s, m, size);
        if (r == 0)
            r = sg_write_all(to, SG_BYTES(size, sizeof(*size)));
        if (r)
            fprintf(stderr, "fraud-fleet: %s\n", sg_error_trace());
        _exit(r != 0);
    }
    close(TAKE_FD(to));
    return read_size(from, child, size);
}

/* Rates beside 10^4 customers: from there on the panel is full and peers are as many.  Memory
 * beside a tenth of the fleet. */
static int tell(struct bench *s, const struct size *all, size_t i)
{
    const bool last = i + 1 == SIZES;
    const struct size *size = &all[i], *full = &all[i ? 1 : 0], *tenth = &all[i ? i - 1 : 0];
    char name[64], note[64];
    struct sg_bench_line line = {.name = name,
                                 .unit = "customers/s",
                                 .goal = last ? 0.9 : 0,
                                 .note = note,
                                 .ours = {.name = "sealgrid"},
                                 .theirs = {.name = "a smaller fleet"}};
    snprintf(note, sizeof(note), "with its ranking written; beside %llu",
             (unsigned long long)full->customers);
    snprintf(name, sizeof(name), "fleet of %llu, mode full", (unsigned long long)size->customers);
    int r = sg_bench_quantity(s->b, &line, size->rate, full->rate, false);
    snprintf(note, sizeof(note), "peak of all of it; beside %llu",
             (unsigned long long)tenth->customers);
    snprintf(name, sizeof(name), "memory of a fleet of %llu", (unsigned long long)size->customers);
    line.unit = "MiB";
    line.goal = last ? 1.2 : 0;
    return r ? r : sg_bench_quantity(s->b, &line, size->peak_mib, tenth->peak_mib, true);
}

int fraud_measure_fleet(struct bench *s)
{
    struct fraud_made *m;
    struct size size[SIZES];
    int r = fraud_made_new(&m, &s->data, 24);
    if (r)
        return r;
    size[0].customers = sg_bench_scale(s->b, 1000, 50);
    for (size_t i = 0; r == 0 && i < SIZES; i++) {
        if (i)
            size[i].customers = size[i - 1].customers * sg_bench_scale(s->b, 10, 2);
        r = measure_apart(s, m, &size[i]);
        if (r == 0)
            r = tell(s, size, i);
    }
    fraud_made_free(m);
    return r;
}
