#pragma once
/*
 * fraud-made - a fleet of any size that nobody has to store, as a source of sealgrid-fraud:
 * customers of fraud-data.h, made when they are asked for.
 */
#include "fleet.h"
#include "fraud-data.h"

struct fraud_made;
/* `points` a day: a divisor of FRAUD_POINTS.  Borrows the data. */
SG_MUST_USE int fraud_made_new(struct fraud_made **ret, const struct fraud_data *data,
                               uint32_t points);
void fraud_made_free(struct fraud_made *m);
/* How many customers the next pass has. */
void fraud_made_resize(struct fraud_made *m, size_t customers);
struct source *fraud_made_source(struct fraud_made *m);
/* CPU time that all threads spent on making customers, since the last call. */
int64_t fraud_made_ns(struct fraud_made *m);
