#pragma once
/*
 * balances - every transformer of a topology against its customers (fraud/balance.h), over the days
 * of the plan's windows: the reference days tell habits, those after them are judged.
 *
 * One pass over the source, on the calling thread.  The days of a transformer's customers are in
 * memory from the first of them until the last has come: where their rows lie together (and in the
 * store, which is asked in the topology's order) that is one transformer at a time; what is in
 * memory at once may not exceed max_bytes.  Within it the load of a customer that another
 * transformer seems to feed is kept, and what transformers with an unlisted line cannot explain: at
 * the end each is compared with each; what does not fit into max_bytes is not compared.
 */
#include "plan.h"
#include "topology.h"

#include <sealgrid/fraud/balance.h>

struct balances_customer {
    char id[SG_FRAUD_ID_MAX + 1];
    char transformer[SG_FRAUD_ID_MAX + 1];
    bool used;
    bool elsewhere;                 /* what it draws does not come from this transformer */
    char fits[SG_FRAUD_ID_MAX + 1]; /* the transformer it fits better; empty: none found */
    float share, kwh_per_day, sureness, correlation;
};

struct balances_transformer {
    char id[SG_FRAUD_ID_MAX + 1];
    size_t customers;
    bool judged; /* false: too few readings of it or of its customers */
    double days;
    struct sg_balance_result result;
};

struct balances {
    struct balances_customer *customers;       /* by id */
    struct balances_transformer *transformers; /* by id */
    size_t n_customers, n_transformers;
};

enum balances_outcome { BALANCES_TOO_LARGE = 200 };
/* The plan's windows are fixed.  0, BALANCES_TOO_LARGE, outcomes of source_next, -errno. */
SG_MUST_USE int balances_make(struct balances *ret, const struct topology *t, struct source *s,
                              const struct plan *plan, uint64_t max_bytes);
void balances_clear(struct balances *b);
const struct balances_customer *balances_find(const struct balances *b, const char *id);
/* -10 log10 of the share of honest customers who are as sure (docs/fraud-scores.md). */
double balances_decibel(float sureness);
/* "9.1 kWh a day (34 % of its load) of what is lost behind transformer T7 go with it"; false:
 * nothing to tell. */
#define BALANCES_WORDS_MAX 200
bool balances_tells(const struct balances_customer *c);
bool balances_words(const struct balances_customer *c, char ret[BALANCES_WORDS_MAX]);
/* What is wrong with the transformer, its meter or its list, accusing nobody: "12.0 kWh a day that
 * no listed customer explains: look for a line that is not listed"; several parted by "; ".
 * false: nothing. */
#define BALANCES_NOTE_MAX 640
bool balances_note(const struct balances_transformer *t, char ret[BALANCES_NOTE_MAX]);
/* "its load does not come from this transformer; it fits U". */
bool balances_customer_note(const struct balances_customer *c, char ret[BALANCES_NOTE_MAX]);
/* transformer,customer,rank,share,kwh_per_day,sureness,correlation,note; by transformer and rank
 * (the surest first), a line of customer "-" first with what is left unexplained and the
 * transformer's note.  Mode 0600. */
SG_MUST_USE int balances_write(const struct balances *b, const char *path);
