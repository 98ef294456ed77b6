#pragma once
/*
 * paper-int - the normalisation that sample and judge share; see sealgrid/fraud/paper.h.
 */
#include <sealgrid/fraud/paper.h>

/* Mean load per interval over all days behind the profiles. */
double sg_paper_level(const struct sg_corr_profile *own);
/* ret[i] = load[i] / level, cut at SG_PAPER_RATIO_MAX.  level > 0. */
void sg_paper_normalise(const float *load, double level, uint32_t points, float *ret);
