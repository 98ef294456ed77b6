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
    F(EDITED, "edited by one")                                                                     \
    F(FOREIGN, "foreign") F(RETIMED, "re-timed") F(MOVED, "moved") F(BILL, "bill rewritten")       \
        F(CONTRACT, "contract doctored") F(CHOICE, "choice doctored")
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
    struct sc_choices choices;           /* what the evidence says of them */
    struct sg_bill bill;
    char what[96]; /* for who looks into a miss */
};

/* Everything honest, then one fault.  False: the dice came to nothing, or to the honest bill with
 * the honest evidence. */
bool fault_make(enum fault f, const struct scenario *s, struct sg_prng *random, struct lie *ret);

/* ---- between the parts ---------------------------------------------------------------------- */

/* The bill that follows from these terms and charges, under the honest tariff's name.  False: there
 * is none. */
bool fault_bill(const struct scenario *s, struct lie *lie, const struct sc_terms *terms,
                const struct sc_charged *charged, size_t n);
bool fault_contract(const struct scenario *s, struct sg_prng *random, struct lie *lie);
bool fault_choice(const struct scenario *s, struct sg_prng *random, struct lie *lie);
