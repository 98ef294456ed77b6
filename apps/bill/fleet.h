#pragma once
/*
 * fleet - many clients' bills on several threads, each with a session of its own.
 */
#include "journal.h"
#include "options.h"
#include "output.h"

#include <stdatomic.h>

struct fleet {
    const struct bill_options *options;
    const struct sg_tariff *tariff;
    const struct sg_vee_rules *rules;     /* NULL: nothing is estimated */
    const struct sg_contracts *contracts; /* NULL: those of the store */
    int64_t from_s, until_s;
    char period[PERIOD_NAME_MAX];
    const int64_t *clients;
    size_t n_clients;
    /* Opens one session for the calling thread. */
    int (*open_kv)(void *user, struct sg_kv **ret);
    /* Likewise, one that may write the table of estimates; called only if there are rules. */
    int (*open_estimates)(void *user, struct sg_kv **ret);
    void *user;
    struct journal *journal; /* NULL: none is kept */
    bool *done;              /* of clients: finished by an earlier run; NULL: none */
    uint64_t n_done;
    bool progress; /* a JSON line on standard error each second and at the end */
};

/* The sessions of one thread. */
struct fleet_stores {
    struct sg_kv *kv;
    struct sg_kv *estimates; /* NULL without rules */
};
SG_MUST_USE int fleet_stores_open(const struct fleet *f, struct fleet_stores *ret);
void fleet_stores_close(struct fleet_stores *s);

struct fleet_refusal {
    int64_t client;
    int64_t ts_s;
    char word[32];
};

struct fleet_result {
    uint64_t bills, readings, missing;
    int64_t total;                  /* minor units */
    struct fleet_refusal *refusals; /* by client; the caller frees it */
    size_t n_refusals;
};

/* Opens the journal of the run in options->out.  With options->resume, f->done says which clients
 * have their files, verified, and *before is the sum of their bills.  Sorts the clients.  0 or as
 * journal_open; the caller ends with fleet_close in any case. */
SG_MUST_USE int fleet_open(struct fleet *f, int64_t *clients, unsigned batch,
                           struct fleet_result *before);
void fleet_close(struct fleet *f);

/* before: what to add to; NULL: nothing. */
SG_MUST_USE int fleet_run(const struct fleet *f, const struct fleet_result *before,
                          struct fleet_result *ret);
/* One client over open sessions; the bill's JSON appended to ret_bill, its estimates in their
 * table. The caller clears the bill.  *why is set on ISSUE_REFUSED. */
struct client;
struct refusal;
SG_MUST_USE int fleet_one(const struct fleet *f, const struct fleet_stores *s, struct client *c,
                          int64_t client, struct sg_bill *ret, struct sg_buf *ret_bill,
                          struct refusal *why);
