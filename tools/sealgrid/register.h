#pragma once
/*
 * register - loads a fleet's INSTALLATION and CREDENTIAL rows into the store.
 */
#include "operator.h"

/* rows: records of `table be32, n be32, partition, n be32, sort, n be32, value`, n octets each;
 * every row is inserted once, so a second run changes nothing.  A differing row already there, a
 * table other than the two, or a malformed file: -EBADMSG or -EEXIST with the record's number. */
SG_MUST_USE int sg_register_rows(struct sg_kv *kv, const char *path, size_t *ret_rows);
