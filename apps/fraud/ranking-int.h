#pragma once
/* ranking-int - between lines, merge and file of the ranking. */
#include "ranking.h"

#define RANKING_BLOCK_LINES 128

/* Of what fn tells ranking_each: nothing more is wanted. */
enum { RANKING_ENOUGH = 1 };

/* qsort's order of two lines: by rank. */
int ranking_compare(const void *a, const void *b);
