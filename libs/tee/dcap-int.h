#pragma once
/*
 * dcap, inside - the certificates of a quote, shared by judging and describing.
 */
#include "bundle-int.h"
#include "pck-int.h"
#include "quote-int.h"

/* Every certificate that the quote brings (certification data 4 and 5) and of the evidence's
 * CERTIFICATES; outcomes as sg_tee_bundle_load. */
SG_MUST_USE int sg_dcap_certs(const struct sg_tee_case *c, const struct sg_quote *q,
                              struct sg_tee_bundle *ret);
/* The first that carries Intel's extension and is no CA; NULL. */
const struct sg_tee_cert *sg_dcap_leaf(const struct sg_tee_own_certs *certs);
/* "sgx-quote-v3"; "" for an unknown TEE. */
void sg_dcap_format(const struct sg_quote *q, char ret[SG_TEE_FORMAT_MAX]);
int sg_dcap_describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                     struct sg_json *j);
