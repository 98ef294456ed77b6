#pragma once
/*
 * map-int - the fleet's days on a self-organizing map, as paper.h has it, for the features of the
 * full score: three more statistics of a day.
 *
 * Owns: the map and its matcher.  Only read once made: any number of threads.
 */
#include "features-int.h"

#include <sealgrid/fraud/som.h>

struct sg_full_map {
    struct sg_som *som;
    struct sg_som_matcher *matcher;
    double diameter;
};

/* som is taken.  0, -ENOMEM. */
SG_MUST_USE int sg_full_map_init(struct sg_full_map *m, struct sg_som *som);
void sg_full_map_clear(struct sg_full_map *m);

/* A map of `points` = 24 trained on n vectors of loads over the customer's mean.  0, -ENOMEM, or
 * 1: no vectors. */
SG_MUST_USE int sg_full_map_train(struct sg_full_map *m, const float *x, size_t n, uint64_t seed,
                                  unsigned threads);

/* SG_STAT_CLASS, SG_STAT_AWAY and SG_STAT_STRANGE of every row of w, between sg_features_begin and
 * sg_features_end.  m without a map: all 0. */
void sg_features_map(struct sg_feature_work *w, const struct sg_full_map *m);
