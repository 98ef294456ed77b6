#pragma once
/*
 * summary - the report of an audit of many bills, as deterministic CBOR: every bill by its file's
 * hash, with its verdict; seal.h puts the auditor's signature under it.  docs/adr/0010 has the
 * octets.
 */
#include "basis.h"

#define SUMMARY_BILLS_MAX 2000000
#define SUMMARY_NAME_MAX  511
#define SUMMARY_CODES_MAX 64

enum summary_state { SUMMARY_OK, SUMMARY_FOUND, SUMMARY_UNUSABLE, SUMMARY_N_STATES };
const char *summary_state_word(enum summary_state s);

/* One bill. */
struct summary_item {
    struct sg_bytes name; /* CLIENT/PERIOD, as in the folder; borrowed */
    enum summary_state state;
    bool has_bill, has_evidence; /* such a file was there and read */
    uint8_t bill_file[32], evidence[32];
    uint64_t found;
    struct sg_bytes codes[SUMMARY_CODES_MAX]; /* of what was found, each once; borrowed */
    size_t n_codes;
};
struct summary {
    struct basis basis;
    uint64_t bills, bad, unusable, readings; /* bad: with findings */
    struct sg_bytes items;                   /* bills of them, names rising; borrowed */
};

/* One item appended to what becomes summary.items. */
SG_MUST_USE int summary_put_item(struct sg_buf *items, const struct summary_item *item);

enum summary_outcome { SUMMARY_MALFORMED = 1 };
SG_MUST_USE int summary_next(struct sg_reader *items, struct summary_item *ret);
SG_MUST_USE int summary_encode(const struct summary *s, struct sg_buf *ret);
/* Borrows.  Counts that the items do not bear out, and names out of order, are refused. */
SG_MUST_USE int summary_decode(struct sg_bytes payload, struct summary *ret);
