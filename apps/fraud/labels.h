#pragma once
/*
 * labels - which customers are known to be thieves, and what a ranking is worth by that.
 *
 *   customer,label[,type,start_day,true_...,reported_...]      label 0 or 1 (or 0.0, FALSE, ...);
 *                                                                further columns free
 *
 * Columns are found by name; true_... minus reported_... is the energy hidden.  Fields may be
 * quoted (RFC 4180) but hold no line ends.
 */
#include "ranking.h"

#include <sealgrid/fraud/judge.h>

#define LABEL_TYPES 16
#define LABELS_MAX  10000000u

struct label {
    char id[SG_FRAUD_ID_MAX + 1];
    bool thief;
    uint8_t type;      /* 0: none or not told; below LABEL_TYPES */
    int32_t start_day; /* of the theft; -1: none or not told */
    double energy;
};

struct labels {
    struct label *list; /* by id */
    size_t n, room;
    double kwh; /* unit of the energies: 1 for true_kwh..., 0.001 for true_wh..., 1 if not told */
};

enum labels_outcome { LABELS_BAD = 1 };
SG_MUST_USE int labels_read(struct labels *ret, const char *path, char why[160]);
/* Text of such a file; the limit is LABELS_MAX but in tests. */
SG_MUST_USE int labels_parse(struct labels *ret, struct sg_bytes text, char why[160]);
SG_MUST_USE int labels_parse_most(struct labels *ret, struct sg_bytes text, size_t most,
                                  char why[160]);
void labels_clear(struct labels *l);
const struct label *labels_find(const struct labels *l, const char *id);

/* K(k): where precision and energy are told */
#define VERDICT_KS(K) K(10) K(50) K(100) K(200)
enum {
#define K(k) +1
    VERDICT_N_K = 0 VERDICT_KS(K),
#undef K
};
extern const unsigned verdict_ks[VERDICT_N_K];

struct verdict {
    size_t customers, thieves; /* with a label */
    size_t unlabelled, unseen; /* customers without a label, labels without a customer */
    double energy;             /* hidden by all thieves */
    struct sg_judge_interval auc, average_precision;
    struct sg_judge_interval precision[VERDICT_N_K], lift[VERDICT_N_K], recovered[VERDICT_N_K];
    struct sg_judge_interval false_alarms; /* of 1,000 honest, at half of the thieves found */
    double type_auc[LABEL_TYPES];          /* thieves of one type against all honest; NAN: none */
};
/* The ranking is sorted.  Unjudged customers count as last.  Memory: 24 octets a label. */
SG_MUST_USE int labels_judge(const struct labels *l, const struct ranking *r, uint32_t rounds,
                             uint64_t seed, struct verdict *ret);
