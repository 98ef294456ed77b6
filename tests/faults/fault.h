#pragma once
/*
 * fault - what a cheating utility can do to a scenario's evidence and bill.  It can change, leave
 * out, repeat and make up whatever it likes, and work out a bill that fits; it cannot sign.
 */
#include "scenario.h"

/* F(id, word) */
#define FAULTS(F)                                                                                  \
    F(DROPPED, "dropped")                                                                          \
    F(REPEATED, "repeated")                                                                        \
    F(SWAPPED, "swapped")                                                                          \
    F(EDITED, "edited by one") F(FOREIGN, "foreign") F(RETIMED, "re-timed") F(MOVED, "moved")      \
        F(BILL, "bill rewritten")
enum fault {
#define F(id, word) FAULT_##id,
    FAULTS(F)
#undef F
        N_FAULTS
};
const char *fault_word(enum fault f);

struct lie {
    const struct sg_evidence_block *blocks[SC_BLOCKS_MAX + 2];
    size_t n_blocks;
    struct sg_evidence_block changed[2]; /* what two of them may point to */
    struct sg_bill bill;
    char what[96]; /* for who looks into a miss */
};

/* Everything honest, then one fault.  False: the dice came to nothing, or to the honest bill with
 * the honest evidence. */
bool fault_make(enum fault f, const struct scenario *s, struct sg_prng *random, struct lie *ret);
