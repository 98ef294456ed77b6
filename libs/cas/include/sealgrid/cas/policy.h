#pragma once
/*
 * cas policy - the text of a first policy, for `sealgrid up`.  The form is described in
 * docs/protocols/cas.md.
 */
#include <sealgrid/base/buf.h>

struct sg_cas_program {
    const char *service; /* "kvsd" */
    const char *path;    /* its executable, measured as a file */
};

/*
 * Appends policy version 1: the given programs with their measurements, buckets "metering" and
 * "evidence", their keys for kvsd only, EDHOC credentials for authd, API keys "reader" and "admin",
 * and the metrology authority's root if authority_root (path of a PEM file, copied by casd --init)
 * is not NULL.  Two programs of one service give it two measurements.  -errno.
 */
SG_MUST_USE int sg_cas_policy_measure(const struct sg_cas_program *programs, size_t n,
                                      const char *authority_root, struct sg_buf *ret_yaml);
