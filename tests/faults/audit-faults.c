/*
 * audit-faults --cases N --honest M [--seed S] [--processes P] - M honest bills with their
 * evidence, in which nothing may be found, and N faults in them, each of which must be; every
 * case named by seed and number, so that it can be looked at alone (--first K --honest 1).
 */
#include "fault.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 1000

/* O(name, type, field, default, min, max, help) */
#define OPTIONS(O)                                                                                 \
    O("cases", INT, cases, "3000", 0, INT64_C(1) << 40, "faults, spread over the honest bills")    \
    O("honest", INT, honest, "300", 1, INT64_C(1) << 40, "honest bills")                           \
    O("first", INT, first, "0", 0, INT64_C(1) << 40, "number of the first honest bill")            \
    O("seed", INT, seed, "1", 0, INT64_MAX, "of the cases")                                        \
    O("processes", INT, processes, "1", 1, 64, "to work on them")                                  \
    O("verbose", BOOL, verbose, "false", 0, 0, "every case with what was found")

struct options {
    int64_t cases, honest, first, seed, processes;
    bool verbose;
};
#define ROW(name, type, field, def, lo, hi, help)                                                  \
    {name, SG_CONF_##type, offsetof(struct options, field), def, lo, hi, false, help},
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "audit-faults",
                                           .summary = "random faults against the audit",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

struct tally {
    uint64_t honest, false_alarms, readings, made[N_FAULTS], missed[N_FAULTS];
    uint64_t codes[SG_AUDIT_N_CODES]; /* cases in which each code was found */
    int64_t cpu_ns;
};

struct run {
    const struct options *o;
    struct sc_world world;
    struct tally tally;
    struct sg_buf evidence;
    struct lie lie;
};

static void note(void *user, const struct sg_audit_finding *f)
{
    bool *found = user;
    found[f->code] = true;
}

static void show(const bool *found)
{
    for (int i = 0; i < SG_AUDIT_N_CODES; i++)
        if (found[i])
            printf(" %s", sg_audit_word((enum sg_audit_code)i));
    printf("\n");
}

/* Findings; -errno. */
static int judge(struct run *run, const struct scenario *s, const struct sg_bill *bill,
                 const struct sg_evidence_block *const *blocks, size_t n,
                 const struct sc_choices *choices, bool *found, uint64_t *ret_findings)
{
    struct sg_contract contract = s->contract;
    const struct sg_contracts contracts = {&contract, 1};
    struct sg_audit_result result;
    int r;

    sg_buf_reset(&run->evidence);
    r = scenario_evidence(s, blocks, n, choices, &run->evidence);
    if (r)
        return r;
    const struct sg_audit_input in = {.bill = bill,
                                      .bill_hash_ok = true,
                                      .evidence = sg_buf_bytes(&run->evidence),
                                      .installations = &s->installations,
                                      .authority = &run->world.authority,
                                      .tariff = run->world.tariff[s->tariff],
                                      .contracts = &contracts,
                                      .operators = &run->world.operators};
    r = sg_audit_run(&in, note, found, &result);
    *ret_findings = r ? 0 : result.findings;
    run->tally.readings += r ? 0 : result.readings;
    return r;
}

static int honest_case(struct run *run, const struct scenario *s, uint64_t number)
{
    bool found[SG_AUDIT_N_CODES] = {false};
    uint64_t findings;
    int r = judge(run, s, &s->bill, (const struct sg_evidence_block *const *)s->blocks,
                  s->signed_blocks, &s->choices, found, &findings);

    run->tally.honest++;
    if (r || !findings)
        return r;
    run->tally.false_alarms++;
    printf("FALSE ALARM: seed %lld bill %llu:", (long long)run->o->seed,
           (unsigned long long)number);
    show(found);
    return 0;
}

/* Can an evidence file hold it?  The encoder refuses what no decoder would take. */
static bool encodable(struct run *run, const struct scenario *s)
{
    sg_buf_reset(&run->evidence);
    return scenario_evidence(s, run->lie.blocks, run->lie.n_blocks, &run->lie.choices,
                             &run->evidence) == 0;
}

static int faulty_case(struct run *run, const struct scenario *s, struct sg_prng *random,
                       uint64_t number)
{
    enum fault f = (enum fault)sg_prng_below(random, N_FAULTS);
    bool found[SG_AUDIT_N_CODES] = {false};
    uint64_t findings;
    int tries = 0, r;

    while (!fault_make(f, s, random, &run->lie) || !encodable(run, s))
        if (++tries == TRIES)
            return sg_raisef(-EIO, "no %s in bill %llu", fault_word(f), (unsigned long long)number);
    r = judge(run, s, &run->lie.bill, run->lie.blocks, run->lie.n_blocks, &run->lie.choices, found,
              &findings);
    if (r)
        return r;
    run->tally.made[f]++;
    run->tally.missed[f] += !findings;
    for (int i = 0; i < SG_AUDIT_N_CODES; i++)
        run->tally.codes[i] += found[i];
    if (findings && !run->o->verbose)
        return 0;
    printf("%s: seed %lld bill %llu: %s, %s:", findings ? "found" : "MISSED",
           (long long)run->o->seed, (unsigned long long)number, fault_word(f), run->lie.what);
    show(found);
    return 0;
}

/* Every n-th bill, so that all processes have the same mixture. */
static int work(struct run *run, int64_t process)
{
    const struct options *o = run->o;
    int r = 0;

    for (int64_t i = process; i < o->honest && !r; i += o->processes) {
        struct sg_prng random;
        struct scenario s;
        uint64_t number = (uint64_t)(o->first + i);
        int64_t cases = o->cases / o->honest + (i < o->cases % o->honest);
        sg_prng_seed2(&random, (uint64_t)o->seed, number);
        r = scenario_make(&s, &run->world, &random);
        if (r > 0)
            r = sg_raisef(-EIO, "bill %llu: %s", (unsigned long long)number,
                          sg_bill_outcome_word(r));
        if (!r)
            r = honest_case(run, &s, number);
        for (int64_t k = 0; k < cases && !r; k++)
            r = faulty_case(run, &s, &random, number);
        scenario_clear(&s);
    }
    run->tally.cpu_ns = sg_clock_cpu_ns();
    return r;
}

static void add(struct tally *sum, const struct tally *t)
{
    sum->honest += t->honest;
    sum->false_alarms += t->false_alarms;
    sum->readings += t->readings;
    sum->cpu_ns += t->cpu_ns;
    for (int i = 0; i < N_FAULTS; i++) {
        sum->made[i] += t->made[i];
        sum->missed[i] += t->missed[i];
    }
    for (int i = 0; i < SG_AUDIT_N_CODES; i++)
        sum->codes[i] += t->codes[i];
}

/* In a process of its own; its tally comes through the pipe when it is done. */
static int start(struct run *run, int64_t process)
{
    int ends[2];
    pid_t child = pipe(ends) == 0 ? fork() : -1;

    if (child < 0)
        return -1;
    if (child) {
        close(ends[1]);
        return ends[0];
    }
    int r = work(run, process);
    if (r)
        fprintf(stderr, "audit-faults: %s\n", sg_error_trace());
    fflush(stdout);
    r = r || write(ends[1], &run->tally, sizeof(run->tally)) != sizeof(run->tally);
    _exit(r != 0);
}

static int run_all(struct run *run, struct tally *sum)
{
    int ends[64], failed = 0, status;

    for (int64_t i = 0; i < run->o->processes; i++)
        ends[i] = start(run, i);
    for (int64_t i = 0; i < run->o->processes; i++) {
        struct tally t;
        if (ends[i] < 0 || read(ends[i], &t, sizeof(t)) != sizeof(t))
            failed = 1;
        else
            add(sum, &t);
        close(ends[i]);
    }
    while (wait(&status) > 0)
        failed |= status != 0;
    return failed;
}

static int report(const struct tally *t)
{
    uint64_t made = 0, missed = 0;

    printf("honest bills %llu, findings in %llu of them\n", (unsigned long long)t->honest,
           (unsigned long long)t->false_alarms);
    for (int i = 0; i < N_FAULTS; i++) {
        printf("%-16s %9llu made %9llu missed\n", fault_word((enum fault)i),
               (unsigned long long)t->made[i], (unsigned long long)t->missed[i]);
        made += t->made[i];
        missed += t->missed[i];
    }
    printf("faults %llu, missed %llu; readings judged %llu; CPU %.1f s\n", (unsigned long long)made,
           (unsigned long long)missed, (unsigned long long)t->readings, (double)t->cpu_ns / 1e9);
    for (int i = 0; i < SG_AUDIT_N_CODES; i++)
        printf("  %-22s in %llu\n", sg_audit_word((enum sg_audit_code)i),
               (unsigned long long)t->codes[i]);
    return missed || t->false_alarms;
}

int main(int argc, char **argv)
{
    struct options o;
    struct tally sum = {0};
    struct run *run = calloc(1, sizeof(*run));
    int first, r;

    r = sg_conf_parse(&table, argc, argv, &o, &first);
    if (r || !run)
        return r == SG_CONF_EXIT ? 0 : 2;
    run->o = &o;
    run->evidence = (struct sg_buf)SG_BUF_INIT(SC_EVIDENCE_MAX);
    r = sc_world_make(&run->world);
    if (r)
        fprintf(stderr, "audit-faults: %s\n", sg_error_trace());
    r = r || run_all(run, &sum);
    r = r ? 2 : report(&sum);
    sc_world_clear(&run->world);
    sg_buf_clear(&run->evidence);
    free(run);
    sg_conf_clear(&table, &o);
    return r;
}
