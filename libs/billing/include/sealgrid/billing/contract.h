#pragma once
/*
 * contract - a client's own dated data, beside the tariff: phases, contracted demand, demand of
 * earlier months, credits of net metering, exemptions.  A YAML or JSON list of them, read once and
 * searched by client.  docs/tariff.md has the form.  Immutable after reading: any thread.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/tariff.h>

#define SG_CONTRACTS_MAX        1000000
#define SG_CONTRACT_FILE_MAX    (1u << 30)
#define SG_CONTRACT_MONTHS_MAX  60  /* of demand history */
#define SG_CONTRACT_CREDITS_MAX 488 /* months x posts */
#define SG_CONTRACT_NEVER       INT64_MAX
#define SG_CONTRACT_ALL         "all" /* the demand over all posts */

/* Demand of one post, or of SG_CONTRACT_ALL. */
struct sg_contract_demand {
    char post[SG_TARIFF_NAME_MAX + 1];
    int64_t w;
};
/* Demand measured in a month (year * 12 + month - 1). */
struct sg_contract_history {
    int month;
    struct sg_contract_demand demand[SG_TARIFF_POSTS_MAX];
    size_t n_demand;
};
/* Energy put into the grid in that month and not yet set off. */
struct sg_contract_credit {
    int month;
    char post[SG_TARIFF_NAME_MAX + 1];
    int64_t wh; /* > 0 */
};

struct sg_contract {
    int64_t client;
    int64_t from_day, until_day; /* [from, until) local days; SG_CONTRACT_NEVER: still holds */
    char tariff[SG_TARIFF_ID_MAX + 1]; /* id of the only one that may bill it; "": not said */
    unsigned phases;                   /* 1 to 3; 0: not said */
    struct sg_contract_demand demand[SG_TARIFF_POSTS_MAX];
    size_t n_demand;
    struct sg_contract_history *history; /* by month, ascending; owned */
    size_t n_history;
    struct sg_contract_credit *credits; /* by month, then as in the file; owned */
    size_t n_credits;
    char exempt[SG_TARIFF_TAXES_MAX][SG_TARIFF_NAME_MAX + 1];
    size_t n_exempt;
};

struct sg_contracts {
    struct sg_contract *list; /* by client, then from_day; those of a client do not overlap */
    size_t n;
};

enum sg_contract_outcome {
    SG_CONTRACT_BAD = 1, /* why has line and reason */
    SG_CONTRACT_NONE,    /* none holds on any day of the period (contract.missing, if needed) */
    SG_CONTRACT_CHANGED, /* none holds on all its days (contract.changed: bill in two) */
};

/* The whole file: a list, of which one contract after the other is read (sg_yaml_each).  A file of
 * more than SG_CONTRACT_FILE_MAX octets is refused. */
SG_MUST_USE int sg_contracts_read(struct sg_contracts *ret, struct sg_bytes text,
                                  struct sg_yaml_error *why);
SG_MUST_USE int sg_contracts_load(struct sg_contracts *ret, const char *path,
                                  struct sg_yaml_error *why);
void sg_contracts_clear(struct sg_contracts *c);
/* One contract (an object, YAML or JSON).  The caller clears it. */
SG_MUST_USE int sg_contract_read(struct sg_contract *ret, struct sg_bytes text,
                                 struct sg_yaml_error *why);
void sg_contract_clear(struct sg_contract *c);

/* The run of one client's contracts. */
const struct sg_contract *sg_contracts_of_client(const struct sg_contracts *c, int64_t client,
                                                 size_t *ret_n);
/* The contract that holds on every local day first..last (inclusive); borrowed.  0,
 * SG_CONTRACT_NONE, SG_CONTRACT_CHANGED. */
SG_MUST_USE int sg_contracts_over(const struct sg_contracts *c, int64_t client, int64_t first_day,
                                  int64_t last_day, const struct sg_contract **ret);

/* NULL if two say the same, in whatever order, else the name of the first member that differs. */
const char *sg_contract_difference(const struct sg_contract *a, const struct sg_contract *b);
/* W contracted at a post (or SG_CONTRACT_ALL); -1: not said. */
int64_t sg_contract_demand_w(const struct sg_contract *c, const char *post);
/* The highest demand of a post (or SG_CONTRACT_ALL) in the n months before that month; 0 if none is
 * recorded. */
int64_t sg_contract_highest_w(const struct sg_contract *c, const char *post, int month,
                              uint32_t n_months);
bool sg_contract_is_exempt(const struct sg_contract *c, const char *tax);
