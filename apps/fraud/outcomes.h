#pragma once
/*
 * outcomes - what inspectors found, from a file or from the table inspection of the store.
 *
 *   customer,inspected_day,outcome[,kwh][,group]
 *
 * outcome: fraud, nothing, no-access, defect (meter/rows.h).  inspected_day: a date, or a whole
 * number in a file whose days are numbers.  kwh: recovered.  group: customers that belong together
 * (a building, a feeder), any text; without it a customer is its own.  Columns are found by name;
 * fields may be quoted but hold no line ends.
 */
#include "ranking.h"

#include <sealgrid/fraud/learn.h>
#include <sealgrid/kv.h>

#define OUTCOMES_MAX 5000000u

struct outcome {
    char id[SG_FRAUD_ID_MAX + 1];
    int32_t day;
    uint8_t outcome; /* enum sg_learn_outcome */
    double kwh;      /* 0: not told */
    uint64_t group;
};

struct outcomes {
    struct outcome *list; /* by id, then day; a customer has one a day */
    size_t n, room;
    bool dated; /* days are days since 1970-01-01 */
};

enum outcomes_outcome { OUTCOMES_BAD = 1 };
SG_MUST_USE int outcomes_read(struct outcomes *ret, const char *path, char why[160]);
/* Text of such a file; the limit is OUTCOMES_MAX but in tests. */
SG_MUST_USE int outcomes_parse(struct outcomes *ret, struct sg_bytes text, char why[160]);
SG_MUST_USE int outcomes_parse_most(struct outcomes *ret, struct sg_bytes text, size_t most,
                                    char why[160]);
/* Of all these clients; OUTCOMES_BAD: none of them was inspected. */
SG_MUST_USE int outcomes_from_store(struct outcomes *ret, struct sg_kv *kv, const int64_t *clients,
                                    size_t n_clients);
void outcomes_clear(struct outcomes *o);
/* The first of a customer's, and how many; NULL: none. */
const struct outcome *outcomes_of(const struct outcomes *o, const char *id, size_t *ret_n);

/* A customer as its own group; of any text. */
uint64_t outcomes_hash(struct sg_bytes text);
