#pragma once
/*
 * bills - bills as proofs and samples need them: one, or all of a folder in the order of a sample.
 */
#include <sealgrid/billing/bill.h>
#include <sealgrid/billing/reading-proof.h>

struct bills {
    struct sg_proof_bill *items; /* by client, then begin */
    char **evidence;             /* path of each bill's evidence file */
    size_t n;
};
void bills_clear(struct bills *b);
/* Says on standard error what is wrong: EXIT_UNUSABLE.  evidence may be NULL. */
SG_MUST_USE int bills_read_one(struct bills *ret, const char *bill, const char *evidence);
SG_MUST_USE int bills_read_folder(struct bills *ret, const char *dir);
