#pragma once
/*
 * fuzz-world - for fuzzers that sign what they are given: a world of vendors made once, evidence
 * judged in it, and the verdict compared with what the rules say.  FUZZ_VENDORS: bits of enum
 * sg_tee_vendor, which of them.
 */
#include "fuzz-judging-int.h"
#include "testkit/rules.h"
#include "testkit/world.h"

#include <sealgrid/base/buf.h>
#include <stdio.h>

/* What the run was worth: inputs that came past every check, among all. */
static struct {
    uint64_t judged, trusted;
} fuzz_count;

static inline void fuzz_print_count(void)
{
    fprintf(stderr, "%llu judged, %llu trusted, as the rules say\n",
            (unsigned long long)fuzz_count.judged, (unsigned long long)fuzz_count.trusted);
}

static inline struct tk_world *fuzz_world(void)
{
    static struct tk_world w;
    if (!w.store) {
        tk_world_init(&w, FUZZ_VENDORS);
        atexit(fuzz_print_count);
    }
    return &w;
}

/* Keys take seconds on a busy machine: they are no input's fault. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_world();
    return 0;
}

/* Trusted if and only if wanted; described either way. */
static inline void fuzz_expect(const struct sg_tee_evidence *e, bool wanted)
{
    const struct sg_tee_verdict v = tk_world_judge(fuzz_world(), e);
    if (sg_tee_trusted(&v) != wanted) {
        fprintf(stderr, "%s, though the rules say otherwise: %s\n", wanted ? "refused" : "trusted",
                v.reasons.n ? sg_tee_reason_name(v.reasons.at[0]) : "no reason");
        abort();
    }
    fuzz_count.judged++;
    fuzz_count.trusted += wanted;
    fuzz_describe(e);
}

/* A report as it came, signed by nobody of this world. */
static inline void fuzz_as_it_is(struct sg_bytes report,
                                 void (*check)(const struct sg_tee_verdict *v))
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = report};
    fuzz_expect(&e, false);
    fuzz_judge(&e, true, check);
    fuzz_judge(&e, false, check);
}
