#pragma once
/*
 * needs, inside - the judges' table says for each kind what it needs.
 */
#include "judge-int.h"

#include <sealgrid/tee/needs.h>

void sg_tee_needs_add(struct sg_tee_needs *list, const struct sg_tee_need *n);
/* Members `needs` of the table; 0 with nothing added for evidence that does not decode. */
int sg_dcap_needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret);
int sg_snp_needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret);
