#pragma once
/*
 * scenario - a client's few days that are easy to get wrong: a change of the clocks, a border
 * between posts, a holiday or a month's end, a meter exchanged in between, gaps, blocks that reach
 * over the period's ends; with the signed blocks, the authority's records and the honest bill.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/billing/audit.h>

#define SC_BLOCKS_MAX   32
#define SC_READINGS_MAX 640
#define SC_METERS       8 /* keys; a scenario uses two at its client and one elsewhere */
#define SC_TARIFFS      9
#define SC_EVIDENCE_MAX (1u << 20)

/* Made once, shared by all scenarios. */
struct sc_world {
    struct sg_authority authority;
    struct sg_key *authority_key[2], *key[SC_METERS];
    enum sg_sign_alg alg[SC_METERS];
    struct sg_cert *cert[SC_METERS];
    uint8_t fingerprint[SC_METERS][32]; /* of the certificates */
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

struct scenario {
    const struct sc_world *world;
    size_t tariff;
    int64_t client, from_s, until_s, exchange_s; /* exchange: INT64_MAX, there is none */
    struct sg_installations installations;       /* certificates are the world's */
    struct sg_bill_install installs[2];
    size_t n_installs;
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
/* 0, or an sg_bill_outcome: no such bill can be made. */
SG_MUST_USE int scenario_bill(const struct scenario *s, const struct sg_tariff *t, int64_t from_s,
                              int64_t until_s, const struct sg_bill_install *installs,
                              const struct sc_charged *charged, size_t n, struct sg_bill *ret);
SG_MUST_USE int scenario_evidence(const struct scenario *s,
                                  const struct sg_evidence_block *const *blocks, size_t n,
                                  struct sg_buf *ret);
