#pragma once
/*
 * score - one customer's days become one line of the ranking.
 */
#include "balances.h"
#include "odds.h"
#include "picture.h"
#include "plan.h"

#include <sealgrid/fraud/full.h>
#include <sealgrid/fraud/learn.h>
#include <sealgrid/fraud/paper.h>

#define REASONS_MAX 1024

enum unjudged {
    JUDGED,
    NO_DAYS,       /* no complete day at all */
    FEW_REFERENCE, /* fewer complete regular days than wanted */
    FEW_RECENT,
    NOTHING_DRAWN, /* in all regular days */
    LOST_RECENT, /* FEW_RECENT, but most of them arrived and cannot be used, unlike those before */
    N_UNJUDGED,
};

struct line {
    char id[SG_FRAUD_ID_MAX + 1];
    double score; /* of one unjudged: 0, or by what is known besides its load (score_ranks) */
    enum unjudged unjudged;
    uint32_t n_reference, n_recent, incomplete, conflicts, bad_rows;
    uint32_t gaps;    /* of the days told of, so many lack a few readings and were filled in */
    int32_t last_day; /* the last that arrived, as the source numbers days */
    /* Of the kind of day that most recent days are: */
    enum sg_fraud_day_kind kind;
    float likeness;                 /* median correlation with the customer's own regular day */
    float level;                    /* recent mean load over the regular one; NAN: not known */
    uint32_t class_then, class_now; /* UINT32_MAX: no map */
    /* Mode full: */
    float per_1000;     /* of 1,000 honest customers, so many look like this; NAN: not known */
    int32_t epoch;      /* the source's number of the day that the windows call 0 */
    int32_t change_day; /* as the source numbers days, looked for before the judged ones, too;
                         * SG_FRAUD_NO_DAY: none */
    float missing_day;  /* kWh missing a day if this is a theft, 0 and more (score-energy.c) */
    struct sg_full_reason reason[SG_FULL_REASONS];
    double unsupervised;             /* score of mode full, also where another one ranks */
    float chance;                    /* of a find, as learnt from inspections; 0: nothing was */
    double margin;                   /* log odds, before calibration */
    struct sg_phasor_finding phasor; /* the surest; of sureness 0: none */
    int32_t east_s;                  /* of its dates */
    const struct balances_customer *balance; /* borrowed; NULL: not known */
};

/* Work space of one thread.  Borrows plan and map. */
struct scorer {
    const struct plan *plan;
    struct sg_paper_judge *judge;     /* NULL without a map */
    struct sg_full_judge *full;       /* NULL but in mode full */
    const struct sg_learned *learned; /* NULL: the unsupervised score ranks; borrowed */
    const struct odds *odds; /* the score is what visits are expected to recover; or NULL */
    /* Whether a picture of this customer is wanted, which takes as long as a third of the score;
     * NULL: it is. */
    bool (*wants_picture)(void *ctx, const struct line *l);
    void *wants_ctx;
    double *r;                       /* of the days */
    struct sg_fraud_context context; /* of the customer at hand */
    uint32_t room;
};

/* Stands among the judged: its load was judged, or in mode full something else makes a human look:
 * days that arrive but can no longer be used, or what its meter or its transformer tells.  Who
 * drops readings is not moved behind everybody by that. */
static inline bool score_ranks(const struct line *l)
{
    return l->unjudged == JUDGED || l->score > 0;
}

SG_MUST_USE int scorer_init(struct scorer *s, const struct plan *plan, const struct sg_som *map);
/* In mode full, after scorer_init without a map.  Borrows the model. */
SG_MUST_USE int scorer_use_full(struct scorer *s, const struct sg_full_model *m);
void scorer_clear(struct scorer *s);
/* One customer in mode full (score-full.c): fills what of the line depends on the mode. */
SG_MUST_USE int score_by_full(struct scorer *s, const struct sg_fraud_days *d, struct line *l);
/* One with too few recent days: if they arrived and cannot be used, by that. */
SG_MUST_USE int score_by_absence(struct scorer *s, const struct sg_fraud_days *d, struct line *l);
/* At the end of mode full: keeps the score of load, phasors and transformer as the unsupervised
 * one; what inspections taught, if anything, takes its place and starts from it. */
void score_by_inspections(const struct scorer *s, struct line *l);
/* The phasors of a customer in mode full (score-phasor.c); words: false, nothing to tell.  Who
 * drops readings does not silence the meter: one whose load cannot be judged is ranked by what the
 * meter and the transformer tell, if that is worth a visit. */
void score_add_phasors(struct line *l, const struct sg_phasor_summary *s);
void score_add_balance(struct line *l, const struct balances_customer *b);
/* In mode full, after those, if unjudged. */
void score_unjudged(const struct scorer *s, struct line *l);
/* In mode full, after those: the energy that is missing by whatever tells most of it.  They
 * overlap, so they are not added up. */
void score_energy(struct line *l);
/* kWh a day that a visit is expected to recover: chance of theft times the energy missing. */
double score_expected(const struct odds *o, const struct line *l);
/* Chance that this is a theft: as learnt from inspections, else by the fleet's own odds. */
double score_chance(const struct odds *o, const struct line *l);
/* "about 12 kWh a day missing since 2026-09-14"; false: nothing to tell. */
#define SCORE_ENERGY_MAX 96
bool score_energy_words(const struct line *l, const struct plan *plan, char ret[SCORE_ENERGY_MAX]);
bool score_phasor_words(const struct line *l, bool portuguese, char ret[SG_PHASOR_WORDS_MAX]);
/* Renumbers the days (plan_renumber).  pic may be NULL; of a load that was not judged it has no
 * points, and facts alone. */
SG_MUST_USE int score_one(struct scorer *s, struct sg_fraud_days *d,
                          const struct source_notes *notes, struct line *ret, struct picture *pic);
/* "correlation with own workdays 0.12; class 37 -> 12; level 0.45 of before" */
void score_reasons(const struct line *l, const struct plan *plan, char ret[REASONS_MAX]);
const char *score_unjudged_word(enum unjudged u); /* "few-regular-days" */
