/*
 * sealgrid-bench - what a part of ours reaches, beside a physical bound or a peer measured in the
 * same run.  Exit: 0 every suite ran (whatever its ratios), 1 one failed, 2 unusable options.
 */
#include "bench-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/log.h>

#include <signal.h>

#include "suites/suites.h"

#define OPTIONS(O)                                                                                 \
    O(BOOL, quick, "quick", "false", 0, 0, false, "only show that everything runs, in a minute")   \
    O(STRING, only, "only", NULL, 0, 0, false, "suites, with commas between")                      \
    O(BOOL, list, "list", "false", 0, 0, false, "print the suites and end")                        \
    O(STRING, json, "json", NULL, 0, 0, false,                                                     \
      "file for everything that was measured; -: standard output, the table goes to the other")    \
    O(STRING, dir, "dir", "/var/tmp", 0, 0, false, "where the scratch folder is made (a disk)")

struct options {
    OPTIONS(SG_CONF_MEMBER)
};

#define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
static const struct sg_conf_table table = {
    .program = "sealgrid-bench",
    .summary = "figures of this machine, each beside a bound or a peer",
    .options = rows,
    .n = sizeof(rows) / sizeof(rows[0])};

#define ADDRESS(name) &sg_bench_suite_##name,
static const struct sg_bench_suite *const suites[] = {SG_BENCH_SUITES(ADDRESS)};
#define N_SUITES (sizeof(suites) / sizeof(suites[0]))

static void interrupt(int signal_number)
{
    (void)signal_number;
    sg_bench_interrupted = 1;
}

static int fail(const char *what)
{
    fprintf(stderr, "sealgrid-bench: %s: %s\n", what, sg_error_trace());
    return 1;
}

static void list(void)
{
    for (size_t i = 0; i < N_SUITES; i++)
        printf("%-12s %s\n", suites[i]->name, suites[i]->what);
}

/* Whether a list "crypto,ec" names it. */
static bool named(const char *names, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (!strncmp(at, name, len) && (at[len] == 0 || at[len] == ','))
            return true;
    return false;
}

static bool known(const char *name, size_t len)
{
    for (size_t i = 0; i < N_SUITES; i++)
        if (strlen(suites[i]->name) == len && !memcmp(suites[i]->name, name, len))
            return true;
    return false;
}

static bool only_is_good(const char *only)
{
    for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t len = strcspn(at, ",");
        if (known(at, len))
            continue;
        fprintf(stderr, "sealgrid-bench: --only: there is no suite \"%.*s\"; see --list\n",
                (int)len, at);
        return false;
    }
    return true;
}

static int write_json(const struct sg_bench *b, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(64u << 20);
    int r = sg_bench_json(b, &text);
    return r ? r : sg_file_write_report(path, sg_buf_bytes(&text));
}

static int run(const struct options *o)
{
    SG_CLEANUP(sg_bench_clear) struct sg_bench b;
    bool failed = false;

    sg_bench_init(&b, o->quick, o->dir);
    b.table = o->json && !strcmp(o->json, "-") ? stderr : stdout;
    sg_bench_print_head(b.table, &b);
    for (size_t i = 0; i < N_SUITES && !sg_bench_interrupted; i++) {
        if (o->only && !named(o->only, suites[i]->name))
            continue;
        if (sg_bench_run_suite(&b, suites[i]))
            return fail(suites[i]->name);
        failed |= b.ended[b.n_ended - 1].failure != NULL;
    }
    sg_bench_print_end(b.table, &b);
    if (o->json && write_json(&b, o->json))
        return fail(o->json);
    return failed || sg_bench_interrupted;
}

int main(int argc, char **argv)
{
    const struct sigaction on_signal = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    struct options o;
    int first, r;

    sg_log_init("bench", SG_LOG_ERROR);
    r = sg_conf_parse(&table, argc, argv, &o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    sigaction(SIGINT, &on_signal, NULL);
    sigaction(SIGTERM, &on_signal, NULL);
    if (first < argc) {
        fprintf(stderr, "sealgrid-bench: unexpected argument %s\n", argv[first]);
        r = 2;
    } else if (o.only && !only_is_good(o.only)) {
        r = 2;
    } else if (o.list) {
        list();
    } else {
        r = run(&o);
    }
    sg_conf_clear(&table, &o);
    return r;
}
