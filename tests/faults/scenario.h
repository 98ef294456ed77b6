#pragma once
/*
 * scenario - a client's few days that are easy to get wrong: a change of the clocks, a border
 * between posts, a holiday or a month's end, a meter exchanged in between, gaps, blocks that reach
 * over the period's ends, a clock that was set back so that intervals are told twice; with the
 * signed blocks, the authority's records and contracts, an operator's choices, and the honest bill.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/billing/audit.h>
#include <sealgrid/billing/resolution.h>

#define SC_BLOCKS_MAX   32
#define SC_READINGS_MAX 640
#define SC_METERS       8 /* keys; a scenario uses two at its client and one elsewhere */
#define SC_TARIFFS      9
#define SC_CHOICES_MAX  4
#define SC_RECORD_MAX   2048 /* octets of a certificate and a signature */
#define SC_EVIDENCE_MAX (1u << 20)

/* Made once, shared by all scenarios. */
struct sc_world {
    struct sg_authority authority;
    struct sg_key *authority_key[2], *key[SC_METERS];
    enum sg_sign_alg alg[SC_METERS];
    struct sg_cert *cert[SC_METERS];
    uint8_t fingerprint[SC_METERS][32]; /* of the certificates */
    struct sg_authority operators;
    struct sg_key *operators_key, *operator_key;
    struct sg_cert *operator_cert;
    struct sg_tariff *tariff[SC_TARIFFS];
    uint8_t zone_of[SC_TARIFFS];
};
SG_MUST_USE int sc_world_make(struct sc_world *w);
void sc_world_clear(struct sc_world *w);

/* What a bill is made of: not always what was signed. */
struct sc_charged {
    const char *serial;
    int64_t ts_s, energy_wh;
    uint8_t leaf[32];
};

/* What the operator chose of the intervals that were told twice, and what that is borrowed from. */
struct sc_choices {
    struct sg_row_resolution rows[SC_CHOICES_MAX]; /* by time */
    uint8_t room[SC_CHOICES_MAX][SC_RECORD_MAX];
    size_t n;
};

struct scenario {
    const struct sc_world *world;
    size_t tariff;
    int64_t client, from_s, until_s, exchange_s; /* exchange: INT64_MAX, there is none */
    struct sg_installations installations;       /* certificates are the world's */
    struct sg_bill_install installs[2];
    size_t n_installs;
    struct sg_contract contract; /* the authority's; what it owns is in the next two */
    struct sg_contract_history history[2];
    struct sg_contract_credit credits[2];
    size_t told_again; /* a block of the evidence that tells intervals again; SC_BLOCKS_MAX: none */
    struct sc_choices choices;
    struct sg_evidence_block *blocks[SC_BLOCKS_MAX]; /* of this client, by time */
    struct sg_buf wire[SC_BLOCKS_MAX];               /* what their signatures are borrowed from */
    size_t n_blocks, signed_blocks;                  /* the last ones are not in the evidence */
    size_t neighbour;                                /* a block of another client's meter */
    size_t second;                                   /* one that tells a time again, signed */
    struct sc_charged charged[SC_READINGS_MAX];      /* honest */
    size_t n_charged;
    struct sg_bill bill;
};

/* Reproducible but for keys and signatures. */
SG_MUST_USE int scenario_make(struct scenario *s, const struct sc_world *w, struct sg_prng *random);
void scenario_clear(struct scenario *s);

/* The readings of the blocks that a bill of the period is made of, in time order; what comes twice
 * is taken once.  hashed: by the hashes that follow from them instead of those in the file. */
SG_MUST_USE int scenario_charges(const struct scenario *s,
                                 const struct sg_evidence_block *const *blocks, size_t n_blocks,
                                 bool hashed, struct sc_charged *ret, size_t *ret_n);
/* What a bill is made by, besides what is charged. */
struct sc_terms {
    const struct sg_tariff *tariff;
    int64_t from_s, until_s;
    const struct sg_bill_install *installs;
    const struct sg_contract *contract; /* NULL: none */
    const struct sc_choices *choices;
};
struct sc_terms scenario_terms(const struct scenario *s);
/* 0, or an sg_bill_outcome: no such bill can be made. */
SG_MUST_USE int scenario_bill(const struct scenario *s, const struct sc_terms *terms,
                              const struct sc_charged *charged, size_t n, struct sg_bill *ret);
SG_MUST_USE int scenario_evidence(const struct scenario *s,
                                  const struct sg_evidence_block *const *blocks, size_t n,
                                  const struct sc_choices *choices, struct sg_buf *ret);

/* ---- scenario-terms.c ----------------------------------------------------------------------- */

/* An operators' authority and one operator. */
SG_MUST_USE int sc_operators_make(struct sc_world *w);
void sc_operators_clear(struct sc_world *w);
void scenario_make_contract(struct scenario *s, struct sg_prng *random);
/* A choice of that reading, signed under a certificate, in place i. */
SG_MUST_USE int scenario_choose(const struct scenario *s, struct sc_choices *c, size_t i,
                                const struct sg_reading *reading, const struct sg_key *key,
                                const struct sg_cert *cert);
/* Of every interval of the block told_again one telling or the other. */
SG_MUST_USE int scenario_make_choices(struct scenario *s, struct sg_prng *random);
/* False: an operator chose another reading of that interval. */
bool scenario_counts(const struct sc_choices *c, const struct sg_reading *r);
/* The readings of a block's interval that is told twice: 0 the first telling, 1 the second. */
const struct sg_reading *scenario_telling(const struct scenario *s, int64_t ts_s, int which);
