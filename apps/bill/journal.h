#pragma once
/*
 * journal - which clients of a run are finished, so that it can go on after it was stopped.
 *
 * OUT/run/PERIOD.journal: one line for the run's terms, then one for each bill, each ending in a
 * check sum.  A line is written when its files are on disk, for some clients together; what follows
 * a line that is torn or changed counts for nothing and is cut off.  Whoever goes on verifies the
 * files named by their hashes, so that a wrong line can only cost work.
 */
#include "output.h"

#define JOURNAL_BATCH 256 /* clients whose files are flushed together */

struct journal;

struct journal_entry {
    int64_t client;
    uint8_t bill[32], evidence[32]; /* SHA-256 of the files */
    uint64_t readings, missing;
    int64_t total;
};

enum journal_outcome {
    JOURNAL_OTHER = 1, /* of a run on other terms */
    JOURNAL_BUSY,      /* another run works on it */
};
typedef void (*journal_fn)(void *user, const struct journal_entry *e);
/* resume: calls fn for each whole line there is, in order, and goes on behind the last; otherwise
 * begins anew.  terms: hash over all that decides what a bill is.  The folder is kept by name. */
SG_MUST_USE int journal_open(struct journal **ret, const char *out, const char *period,
                             const uint8_t terms[32], bool resume, unsigned batch, journal_fn fn,
                             void *user);
/* A client's files are in their places.  Any thread. */
SG_MUST_USE int journal_add(struct journal *j, const struct journal_entry *e);
/* Everything added is durable. */
SG_MUST_USE int journal_flush(struct journal *j);
void journal_free(struct journal *j);
SG_DEFINE_FREEP(struct journal, journal_free)

/* Are both files there as the line says? */
bool journal_verify(const struct journal_entry *e, const char *out, const char *period);
